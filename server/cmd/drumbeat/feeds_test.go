package main

import (
	"strings"
	"testing"
	"time"

	"drumbeat/server/releases"
	"drumbeat/server/updatestatus"
)

func TestWriteFeedsShowsAgeAndTrouble(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { t := now.Add(d); return &t }
	var out strings.Builder
	err := writeFeeds(&out, []releases.FeedStatus{
		{Project: "token", Series: "current", State: releases.FeedOK, FetchedAt: at(-30 * time.Minute), NextCheckAt: now.Add(5*time.Hour + 3*time.Minute)},
		{Project: "views", Series: "7.x", State: releases.FeedFailed, Error: "the server answered 503", FetchedAt: at(-72 * time.Hour), NextCheckAt: now.Add(-time.Second)},
		{Project: "evil\x1b[2Jname\u202e", Series: "current", State: releases.FeedMissing, NextCheckAt: now.Add(40 * time.Second)},
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"token current ok 30m in 5h03m", "views 7.x failed 3d due the server answered 503",
		"evil?[2Jname? current missing - in 40s", "3 feeds: 1 ok, 1 missing, 1 failed.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := writeFeeds(&out, nil, now); err != nil || !strings.Contains(out.String(), "No feeds") {
		t.Errorf("without feeds: %v, %q", err, out.String())
	}
}

func TestWriteProjectShowsVerdictsAndReasons(t *testing.T) {
	t.Parallel()
	version, empty := "8.x-1.4", ""
	insecure := releases.StoredVerdict{Status: updatestatus.NotSecure, Recommended: &releases.Release{Version: "8.x-1.5"}}
	p := releases.Project{Name: "token", Title: "Token", Link: "https://www.drupal.org/project/token"}
	p.Installed = []releases.InstalledStatus{
		{RuleSet: "current", Version: &version, Sites: 7, Verdict: insecure, Explanation: "It is insecure."},
		{RuleSet: "current", Version: &empty, Explanation: "Empty."},
		{RuleSet: "current", Explanation: "A checkout."},
	}
	for range 20 {
		p.Releases = append(p.Releases, releases.ReleaseStatus{Version: "8.x-1.5", Status: "published", Terms: []string{"Security update", "Bug fixes"}})
	}
	var out strings.Builder
	if err := writeProject(&out, p, time.Now()); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"8.x-1.4 current 7 not-secure 8.x-1.5 It is insecure.", "(empty) current 0", "(none) current 0",
		"8.x-1.5 - published Security update, Bug fixes", "… and 5 more",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestFeedsCommandsRefuseWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"sync"}, {"sync", "--all", "token"}, {"show"}, {"status", "--state", "strange"}, {"status", "--output", "yaml"},
		{"sync", "token", "--feeds", "ftp://updates.drupal.org"},
	} {
		cmd := newFeedsCommand()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(args)
		if err := cmd.ExecuteContext(t.Context()); err == nil {
			t.Errorf("feeds %s: no error", strings.Join(args, " "))
		}
	}
}
