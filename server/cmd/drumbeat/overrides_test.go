package main

import (
	"strings"
	"testing"
	"time"

	"drumbeat/server/releases"
	"drumbeat/server/updatestatus"
)

func TestWriteOverridesShowsWhatActsAndWhy(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	until, ended := since.AddDate(0, 1, 0), since.AddDate(0, 0, 2)
	var out strings.Builder
	err := writeOverrides(&out, []releases.Override{
		{Project: "token", Versions: "8.x-1.*", Status: updatestatus.Current, Note: "patched", Reason: "our build", Author: "Ann", Since: since, Until: &until},
		{Project: "evil\x1b[2J", Status: updatestatus.NotSecure, Note: "n", Reason: "r", Author: "Ben", Since: since},
		{Project: "views", Versions: "1.0.0", Status: updatestatus.Unknown, Note: "n", Reason: "r", Author: "Ben", Since: since, EndedAt: &ended, EndedBecause: "removed by Ann"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"token 8.x-1.* current patched our build Ann 2026-11-02 2026-12-02",
		"evil?[2J all not-secure n r Ben 2026-11-02 until removed",
		"views 1.0.0 unknown n r Ben 2026-11-02 ended 2026-11-04: removed by Ann",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := writeOverrides(&out, nil); err != nil || out.String() != "No overrides.\n" {
		t.Errorf("without any: %v, %q", err, out.String())
	}
}
