package updatestatus_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"drumbeat/server/updatestatus"
)

// outcome is the part of a verdict that the rules' tests state.
type outcome struct {
	Status      updatestatus.Status
	Reason      updatestatus.Reason
	Rule        updatestatus.Rule
	Recommended string
	Latest      string
	DevVersion  string
	Also        []updatestatus.Other
	Security    []string
	Notices     []updatestatus.Notice
}

func outcomeOf(v updatestatus.Verdict) outcome {
	return outcome{
		v.Status, v.Reason, v.Decided.Rule, v.Recommended, v.Latest, v.DevVersion,
		v.Also, v.SecurityUpdates, v.Notices,
	}
}

func checkOutcome(t *testing.T, want outcome, in updatestatus.Input) {
	t.Helper()
	if diff := cmp.Diff(want, outcomeOf(updatestatus.Evaluate(in)), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

func TestCurrentRules(t *testing.T) {
	t.Parallel()
	plain := history{branches: "8.x-1.", releases: []release{
		r("8.x-1.3", security), r("8.x-1.2", insecure), r("8.x-1.1", insecure),
	}}
	cases := []struct {
		name      string
		feed      history
		installed string
		datestamp int64
		want      outcome
	}{
		{
			"the newest release is current", plain, "8.x-1.3", 0,
			outcome{Status: "current", Rule: "is-recommended", Recommended: "8.x-1.3", Latest: "8.x-1.3"},
		},
		{
			"an installed release marked insecure is not secure", plain, "8.x-1.2", 0,
			outcome{
				Status: "not-secure", Rule: "release-insecure", Recommended: "8.x-1.3", Latest: "8.x-1.3",
				Security: []string{"8.x-1.3"},
			},
		},
		{
			"a newer security update alone does not make a project not secure",
			history{branches: "1.", releases: []release{r("1.3.0", security), r("1.2.0")}}, "1.2.0", 0,
			outcome{
				Status: "not-current", Rule: "newer-release", Recommended: "1.3.0", Latest: "1.3.0",
				Security: []string{"1.3.0"},
			},
		},
		{
			"an insecure release without successor recommends itself",
			history{branches: "1.", releases: []release{r("1.2.0", insecure)}}, "1.2.0", 0,
			outcome{Status: "not-secure", Rule: "release-insecure", Recommended: "1.2.0", Latest: "1.2.0"},
		},
		{
			"a version the feed does not list collects security updates of the whole feed",
			history{branches: "2.", releases: []release{
				r("2.3.0"), r("2.2.0", security), r("2.1.0", insecure, security), r("2.0.0", security),
			}}, "2.0.5", 0,
			outcome{
				Status: "not-current", Rule: "newer-release", Recommended: "2.3.0", Latest: "2.3.0",
				Security: []string{"2.2.0", "2.0.0"},
			},
		},
		{
			"a terms value in other letters means nothing",
			history{branches: "1.", releases: []release{r("1.2.0"), r("1.1.0", "insecure", "Insecure ")}}, "1.1.0", 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "1.2.0", Latest: "1.2.0"},
		},
		{
			"an unpublished installed release is revoked",
			history{branches: "1.", releases: []release{r("1.2.0"), {version: "1.1.0", unpublished: true}}}, "1.1.0", 0,
			outcome{
				Status: "revoked", Rule: "release-unpublished", Recommended: "1.2.0", Latest: "1.2.0",
				Notices: []updatestatus.Notice{"release-revoked"},
			},
		},
		{
			"an insecure release that is unpublished is not secure",
			history{branches: "1.", releases: []release{
				r("1.2.0"), {version: "1.1.0", unpublished: true, terms: []string{insecure}},
			}}, "1.1.0", 0,
			outcome{Status: "not-secure", Rule: "release-insecure", Recommended: "1.2.0", Latest: "1.2.0"},
		},
		{
			"a release marked unsupported is not supported",
			history{branches: "1.", releases: []release{r("1.2.0"), r("1.1.0", unsupported)}}, "1.1.0", 0,
			outcome{
				Status: "not-supported", Rule: "release-unsupported", Recommended: "1.2.0", Latest: "1.2.0",
				Notices: []updatestatus.Notice{"release-not-supported"},
			},
		},
		{
			"an unsupported release without successor says that there is no update",
			history{branches: "1.", releases: []release{r("1.1.0", unsupported)}}, "1.1.0", 0,
			outcome{
				Status: "not-supported", Rule: "release-unsupported", Latest: "1.1.0",
				Notices: []updatestatus.Notice{"release-not-supported-no-update"},
			},
		},
		{
			"a higher major counts as an update of an unsupported release",
			history{branches: "1.,2.", releases: []release{r("2.0.0"), r("1.1.0", unsupported)}}, "1.1.0", 0,
			outcome{
				Status: "not-supported", Rule: "release-unsupported", Latest: "1.1.0",
				Also: []updatestatus.Other{{2, "2.0.0"}}, Notices: []updatestatus.Notice{"release-not-supported"},
			},
		},
		{
			"an unsupported branch leads to the major of the first branch",
			history{branches: "3.0.,4.0.", releases: []release{r("4.0.1"), r("3.0.2"), r("2.0.1")}}, "2.0.1", 0,
			outcome{
				Status: "not-supported", Rule: "branch-unsupported", Recommended: "3.0.2", Latest: "3.0.2",
				Also: []updatestatus.Other{{4, "4.0.1"}}, Notices: []updatestatus.Notice{"release-not-supported"},
			},
		},
		{
			"an unsupported branch never leads to a lower major",
			history{branches: "8.x-1.,4.0.", releases: []release{r("4.0.0"), r("3.2.5"), r("8.x-1.9")}}, "3.2.5", 0,
			outcome{
				Status: "not-supported", Rule: "branch-unsupported", Latest: "3.2.5",
				Also: []updatestatus.Other{{4, "4.0.0"}}, Notices: []updatestatus.Notice{"release-not-supported"},
			},
		},
		{
			"branches that are no versions are passed over",
			history{branches: "x,8.x-,7.x-1.,2.", releases: []release{r("2.0.0"), r("1.0.0")}}, "1.0.0", 0,
			outcome{
				Status: "not-supported", Rule: "branch-unsupported", Recommended: "2.0.0", Latest: "2.0.0",
				Notices: []updatestatus.Notice{"release-not-supported"},
			},
		},
		{
			"without the branches element nothing is supported",
			history{noBranches: true, releases: []release{r("1.1.0"), r("1.0.0")}}, "1.0.0", 0,
			outcome{
				Status: "not-supported", Rule: "branch-unsupported", Latest: "1.0.0",
				Notices: []updatestatus.Notice{"release-not-supported-no-update"},
			},
		},
		{
			"an empty branches element supports everything",
			history{branches: "", releases: []release{r("1.1.0"), r("1.0.0")}}, "1.0.0", 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "1.1.0", Latest: "1.1.0"},
		},
		{
			"a trailing comma supports everything",
			history{branches: "2.0.,", releases: []release{r("1.1.0"), r("1.0.0")}}, "1.1.0", 0,
			outcome{Status: "current", Rule: "is-recommended", Recommended: "1.1.0", Latest: "1.1.0"},
		},
		{
			"branches are prefixes, so a snapshot of the whole major is in none",
			history{branches: "2.0.,2.1.", releases: []release{r("2.1.0"), r("2.x-dev")}}, "2.x-dev", usualDate,
			outcome{
				Status: "not-supported", Rule: "branch-unsupported", Recommended: "2.1.0", Latest: "2.1.0",
				DevVersion: "2.x-dev", Notices: []updatestatus.Notice{"release-not-supported"},
			},
		},
		{
			"branches are not trimmed",
			history{branches: "1., 2.", releases: []release{r("2.0.1"), r("2.0.0")}}, "2.0.0", 0,
			outcome{
				Status: "not-supported", Rule: "branch-unsupported", Latest: "2.0.0",
				Notices: []updatestatus.Notice{"release-not-supported-no-update"},
			},
		},
		{
			"the recommendation stays within the major, not within the minor",
			history{branches: "10.5.,10.6.,11.3.", releases: []release{
				r("11.3.1"), r("10.6.2"), r("10.5.8"), r("10.5.1"),
			}}, "10.5.1", 0,
			outcome{
				Status: "not-current", Rule: "newer-release", Recommended: "10.6.2", Latest: "10.6.2",
				Also: []updatestatus.Other{{11, "11.3.1"}},
			},
		},
		{
			"the order of the feed decides, not that of versions",
			history{branches: "1.", releases: []release{r("1.1.0"), r("1.10.0"), r("1.9.0")}}, "1.9.0", 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "1.1.0", Latest: "1.1.0"},
		},
		{
			"of every higher major the first is also available, pre-releases included",
			history{branches: "1.,2.,3.", releases: []release{
				r("3.0.0-alpha1"), r("2.1.0"), r("2.0.0"), r("3.0.0"), r("1.0.0"),
			}}, "1.0.0", 0,
			outcome{
				Status: "current", Rule: "is-recommended", Recommended: "1.0.0", Latest: "1.0.0",
				Also: []updatestatus.Other{{3, "3.0.0-alpha1"}, {2, "2.1.0"}},
			},
		},
		{
			"releases that are insecure, unpublished or unsupported are not offered",
			history{branches: "1.,2.", releases: []release{
				r("1.5.0", insecure), {version: "1.4.0", unpublished: true}, r("1.3.0", unsupported), r("3.0.0"), r("1.2.0"), r("1.1.0"),
			}}, "1.1.0", 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "1.2.0", Latest: "1.2.0"},
		},
		{
			"a stable release is recommended over a newer pre-release",
			history{branches: "1.", releases: []release{r("1.2.0-rc1"), r("1.1.0"), r("1.0.0")}}, "1.0.0", 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "1.1.0", Latest: "1.2.0-rc1"},
		},
		{
			"the first of the group of a stable release is recommended",
			history{branches: "1.", releases: []release{r("1.6.0-bugfix"), r("1.6.0"), r("1.5.0")}}, "1.5.0", 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "1.6.0-bugfix", Latest: "1.6.0-bugfix"},
		},
		{
			"an installed pre-release that is the latest is current",
			history{branches: "1.", releases: []release{r("1.2.0-rc1"), r("1.1.0")}}, "1.2.0-rc1", 0,
			outcome{Status: "current", Rule: "is-recommended", Recommended: "1.2.0-rc1", Latest: "1.2.0-rc1"},
		},
		{
			"with pre-releases only, the latest is recommended",
			history{branches: "1.", releases: []release{r("1.0.0-beta2"), r("1.0.0-beta1")}}, "1.0.0-beta1", 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "1.0.0-beta2", Latest: "1.0.0-beta2"},
		},
		{
			"pre-releases above an old unsupported release give no recommendation to an unlisted version",
			history{branches: "2.", releases: []release{r("2.0.0-beta1"), r("1.0.0")}}, "2.0.0-alpha9", 0,
			outcome{Status: "unknown", Reason: "no-releases", Rule: "no-releases", Latest: "2.0.0-beta1"},
		},
		{
			"an empty version is reported first",
			plain, "", 0,
			outcome{Status: "unknown", Reason: "empty-version", Rule: "empty-version"},
		},
		{
			"a string that is no version is reported",
			plain, "main", 0,
			outcome{Status: "unknown", Reason: "invalid-version", Rule: "invalid-version"},
		},
		{
			"a version with the prefix of another core is reported as invalid",
			plain, "7.x-1.2", 0,
			outcome{Status: "unknown", Reason: "invalid-version", Rule: "invalid-version"},
		},
		{
			"no releases replace a provisional not-supported",
			history{branches: "1."}, "2.0.0", 0,
			outcome{Status: "unknown", Reason: "no-releases", Rule: "no-releases"},
		},
		{
			"nothing to recommend is reported as no releases",
			history{branches: "1.,2.", releases: []release{r("2.0.0"), {version: "1.1.0", unpublished: true}}}, "1.0.0", 0,
			outcome{
				Status: "unknown", Reason: "no-releases", Rule: "no-releases",
				Also: []updatestatus.Other{{2, "2.0.0"}},
			},
		},
		{
			"an insecure project is not secure, whatever its releases say",
			history{status: "insecure", branches: "1.", releases: plain.releases}, "8.x-1.3", 0,
			outcome{Status: "not-secure", Rule: "project-status", Notices: []updatestatus.Notice{"project-not-secure"}},
		},
		{
			"a revoked project is revoked",
			history{status: "revoked", branches: "1.", releases: plain.releases}, "8.x-1.3", 0,
			outcome{Status: "revoked", Rule: "project-status", Notices: []updatestatus.Notice{"project-revoked"}},
		},
		{
			"an unpublished project is revoked",
			history{status: "unpublished"}, "8.x-1.3", 0,
			outcome{Status: "revoked", Rule: "project-status", Notices: []updatestatus.Notice{"project-revoked"}},
		},
		{
			"an unsupported project is not supported, even with an empty version",
			history{status: "unsupported"}, "", 0,
			outcome{Status: "not-supported", Rule: "project-status", Notices: []updatestatus.Notice{"project-not-supported"}},
		},
		{
			"another project status means nothing",
			history{status: " insecure", branches: "8.x-1.", releases: plain.releases}, "8.x-1.3", 0,
			outcome{Status: "current", Rule: "is-recommended", Recommended: "8.x-1.3", Latest: "8.x-1.3"},
		},
		{
			"a snapshot without a date cannot be checked",
			history{branches: "1.", releases: []release{r("1.1.0"), r("1.x-dev")}}, "1.x-dev", 0,
			outcome{
				Status: "not-checked", Reason: "unknown-release-date", Rule: "snapshot-without-date",
				Recommended: "1.1.0", Latest: "1.1.0", DevVersion: "1.x-dev",
			},
		},
		{
			"a snapshot within 100 seconds of the newest is current",
			history{branches: "1.", releases: []release{{version: "1.1.0", date: 5000}, {version: "1.x-dev", date: 9000}}}, "1.x-dev", 8901,
			outcome{
				Status: "current", Rule: "snapshot-up-to-date",
				Recommended: "1.1.0", Latest: "1.1.0", DevVersion: "1.x-dev",
			},
		},
		{
			"a snapshot of 100 seconds before the newest is not current",
			history{branches: "1.", releases: []release{{version: "1.1.0", date: 5000}, {version: "1.x-dev", date: 9000}}}, "1.x-dev", 8900,
			outcome{
				Status: "not-current", Rule: "snapshot-outdated",
				Recommended: "1.1.0", Latest: "1.1.0", DevVersion: "1.x-dev",
			},
		},
		{
			"a snapshot is measured against the latest release when that is newer",
			history{branches: "1.", releases: []release{{version: "1.1.0", date: 9000}, {version: "1.x-dev", date: 5000}}}, "1.x-dev", 6000,
			outcome{
				Status: "not-current", Rule: "snapshot-outdated",
				Recommended: "1.1.0", Latest: "1.1.0", DevVersion: "1.x-dev",
			},
		},
		{
			"a snapshot misses the security updates after its own date only",
			history{branches: "1.", releases: []release{
				{version: "1.3.0", date: 9000, terms: []string{security}}, {version: "1.2.0", date: 4000, terms: []string{security}},
				{version: "1.x-dev", date: 9500},
			}}, "1.x-dev", 5000,
			outcome{
				Status: "not-current", Rule: "snapshot-outdated",
				Recommended: "1.3.0", Latest: "1.3.0", DevVersion: "1.x-dev", Security: []string{"1.3.0"},
			},
		},
		{
			"a snapshot without a date is told of no security updates",
			history{branches: "1.", releases: []release{r("1.2.0", security), r("1.x-dev")}}, "1.x-dev", 0,
			outcome{
				Status: "not-checked", Reason: "unknown-release-date", Rule: "snapshot-without-date",
				Recommended: "1.2.0", Latest: "1.2.0", DevVersion: "1.x-dev",
			},
		},
		{
			"a security update dated 0 counts for every snapshot",
			history{branches: "1.", releases: []release{
				{version: "1.2.0", noDate: true, terms: []string{security}, extra: "<date>0</date>"}, r("1.x-dev"),
			}}, "1.x-dev", usualDate,
			outcome{
				Status: "current", Rule: "snapshot-up-to-date",
				Recommended: "1.2.0", Latest: "1.2.0", DevVersion: "1.x-dev", Security: []string{"1.2.0"},
			},
		},
		{
			"the first snapshot of the major is the one to compare with",
			history{branches: "1.", releases: []release{
				{version: "1.2.x-dev", date: 9000}, {version: "1.1.0", date: 100}, {version: "1.1.x-dev", date: 5000},
			}}, "1.1.x-dev", 5000,
			outcome{
				Status: "not-current", Rule: "snapshot-outdated",
				Recommended: "1.1.0", Latest: "1.2.x-dev", DevVersion: "1.2.x-dev",
			},
		},
		{
			"an unlisted version without any branches is not called unsupported",
			history{noBranches: true, releases: []release{r("1.1.0")}}, "1.0.0", 0,
			outcome{Status: "unknown", Reason: "no-releases", Rule: "no-releases"},
		},
		{
			"what is malformed does not count as the last release walked",
			history{branches: "1.", releases: []release{
				r("1.0.0-beta2"), {version: "0.1.0", extra: "<date/>"},
			}}, "1.0.0-beta9", 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "1.0.0-beta2", Latest: "1.0.0-beta2"},
		},
		{
			"a release of two versions is found by the first and recommended by the last",
			history{branches: "1.", releases: []release{
				{version: "1.1.0", extra: "<version>1.2.0</version>"}, r("1.0.0"),
			}}, "1.0.0", 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "1.2.0", Latest: "1.1.0"},
		},
		{
			"a snapshot release without a date is passed over",
			history{branches: "1.", releases: []release{{version: "1.x-dev", noDate: true}, r("1.0.0")}}, "1.0.0", 0,
			outcome{Status: "current", Rule: "is-recommended", Recommended: "1.0.0", Latest: "1.0.0"},
		},
		{
			"a version listed twice has the later data at the earlier place",
			history{branches: "1.", releases: []release{r("1.2.0"), r("1.1.0"), r("1.2.0", insecure)}}, "1.1.0", 0,
			outcome{Status: "current", Rule: "is-recommended", Recommended: "1.1.0", Latest: "1.1.0"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := input(c.feed.parse(t), c.installed)
			in.Installed.Datestamp = c.datestamp
			checkOutcome(t, c.want, in)
		})
	}
}

func TestWithoutFeed(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		fetch   updatestatus.FetchState
		version *string
		want    outcome
	}{
		{
			"never fetched comes before everything", updatestatus.NeverFetched, pointer(""),
			outcome{Status: "unknown", Reason: "no-releases", Rule: "never-fetched"},
		},
		{
			"a failed fetch comes before the version", updatestatus.FetchFailed, pointer(""),
			outcome{Status: "not-fetched", Reason: "fetch-failed", Rule: "fetch-failed"},
		},
		{
			"a body that is no feed leaves no releases", updatestatus.Fetched, pointer("1.0.0"),
			outcome{Status: "unknown", Reason: "no-releases", Rule: "no-releases"},
		},
		{
			"a body that is no feed comes after an empty version", updatestatus.Fetched, pointer(""),
			outcome{Status: "unknown", Reason: "empty-version", Rule: "empty-version"},
		},
		{
			"a missing version is an invalid one", updatestatus.Fetched, nil,
			outcome{Status: "unknown", Reason: "invalid-version", Rule: "invalid-version"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := input(nil, "")
			in.Fetch, in.Installed.Version = c.fetch, c.version
			checkOutcome(t, c.want, in)
		})
	}
}

func TestMalformedReleasesAreAsIfAbsent(t *testing.T) {
	t.Parallel()
	replace := func(one release, extra string) release { one.extra = extra; return one }
	newer := r("1.2.0")
	cases := []struct {
		name   string
		broken release
	}{
		{"a status that is neither published nor unpublished", replace(newer, "<status>draft</status>")},
		{"an empty status", replace(newer, "<status/>")},
		{"an empty release link", replace(newer, "<release_link/>")},
		{"an empty download link", replace(newer, "<download_link></download_link>")},
		{"an empty date", replace(newer, "<date/>")},
		{"a date that is no number", replace(newer, "<date>0x10</date>")},
		{"a core_compatible element", replace(newer, "<core_compatible>1</core_compatible>")},
		{"an empty core compatibility message", replace(newer, "<core_compatibility_message/>")},
		{"another vocabulary", replace(newer, "<terms><term><name>Other</name><value>x</value></term></terms>")},
		{"a term without name", replace(newer, "<terms><term><value>Insecure</value></term></terms>")},
		{"a version with text around", r("v1.2.0")},
		{"a version of four parts", r("1.2.0.1")},
		{"an empty version", r("")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			feed := history{branches: "1.", releases: []release{c.broken, r("1.1.0")}}.parse(t)
			checkOutcome(t, outcome{
				Status: "current", Rule: "is-recommended", Recommended: "1.1.0", Latest: "1.1.0",
			}, input(feed, "1.1.0"))
		})
	}
	for _, date := range []string{" 1700000000", "1700000000 ", "1.7e9", "+5", "-1"} {
		t.Run("a date is numeric as "+date, func(t *testing.T) {
			t.Parallel()
			feed := history{branches: "1.", releases: []release{
				replace(newer, "<date>"+date+"</date>"), r("1.1.0"),
			}}.parse(t)
			if v := updatestatus.Evaluate(input(feed, "1.1.0")); v.Recommended != "1.2.0" {
				t.Errorf("recommended %q", v.Recommended)
			}
		})
	}
}

func TestRulesOf10_2(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		feed      history
		installed string
		want      outcome
	}{
		{
			"an unsupported branch leads to the major of the last branch",
			history{branches: "3.0.,4.0.", releases: []release{r("4.0.1"), r("3.0.2"), r("2.0.1")}}, "2.0.1",
			outcome{Status: "not-supported", Rule: "branch-unsupported", Recommended: "4.0.1", Latest: "4.0.1"},
		},
		{
			"an unsupported installed release can be recommended",
			history{branches: "1.", releases: []release{r("1.1.0", unsupported)}}, "1.1.0",
			outcome{
				Status: "not-supported", Rule: "release-unsupported", Recommended: "1.1.0", Latest: "1.1.0",
				Notices: []updatestatus.Notice{"release-not-supported"},
			},
		},
		{
			"the latest is recommended whatever was walked last",
			history{branches: "2.", releases: []release{r("2.0.0-beta1"), r("1.0.0")}}, "2.0.0-alpha9",
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "2.0.0-beta1", Latest: "2.0.0-beta1"},
		},
		{
			"a branch alone gives no notice",
			history{branches: "2.", releases: []release{r("2.0.0"), r("1.1.0")}}, "1.1.0",
			outcome{Status: "not-supported", Rule: "branch-unsupported", Recommended: "2.0.0", Latest: "2.0.0"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := input(c.feed.parse(t), c.installed)
			in.Rules = updatestatus.Rules10_2
			checkOutcome(t, c.want, in)
		})
	}
}

func TestRuleSetForCore(t *testing.T) {
	t.Parallel()
	for core, want := range map[string]updatestatus.RuleSet{
		"7.105": updatestatus.Rules7, "7.x-dev": updatestatus.Rules7,
		"10.0.0": updatestatus.Rules10_2, "10.1.8": updatestatus.Rules10_2, "10.2.x-dev": updatestatus.Rules10_2,
		"10.2-dev": updatestatus.Rules10_2, "10.2.0-rc1": updatestatus.Rules10_2,
		"10.3.0": updatestatus.RulesCurrent, "10.20.0": updatestatus.RulesCurrent, "11.2.3": updatestatus.RulesCurrent,
		"10.x-dev": updatestatus.RulesCurrent, "9.5.11": updatestatus.RulesCurrent, "70.1": updatestatus.RulesCurrent,
		"": updatestatus.RulesCurrent, "llama": updatestatus.RulesCurrent,
	} {
		if got := updatestatus.RuleSetForCore(core); got != want {
			t.Errorf("core %q: rules %q, want %q", core, got, want)
		}
	}
	if updatestatus.Rules7.Series() != "7.x" || updatestatus.Rules10_2.Series() != "current" {
		t.Error("series of a rule set is wrong")
	}
}

func TestStatusHasAClass(t *testing.T) {
	t.Parallel()
	for status, want := range map[updatestatus.Status]updatestatus.Class{
		updatestatus.NotSecure: "insecure", updatestatus.Revoked: "unsupported",
		updatestatus.NotSupported: "unsupported", updatestatus.NotCurrent: "outdated",
		updatestatus.Current: "current", updatestatus.NotChecked: "unknown",
		updatestatus.Unknown: "unknown", updatestatus.NotFetched: "unknown", "llama": "unknown",
	} {
		if got := status.Class(); got != want {
			t.Errorf("class of %q is %q, want %q", status, got, want)
		}
	}
}

func TestUpdateAvailable(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		verdict   updatestatus.Verdict
		installed string
		want      bool
	}{
		{"a newer release is an update", updatestatus.Verdict{Status: "not-current", Recommended: "2.0.0"}, "1.0.0", true},
		{"the installed release is none", updatestatus.Verdict{Status: "not-secure", Recommended: "1.0.0"}, "1.0.0", false},
		{"no recommendation is none", updatestatus.Verdict{Status: "not-supported"}, "1.0.0", false},
		{"a current project has none, even where the latest is installed", updatestatus.Verdict{Status: "current", Recommended: "1.0.0"}, "1.1.0-rc1", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := updatestatus.UpdateAvailable(c.verdict, c.installed); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestReportLines(t *testing.T) {
	t.Parallel()
	type lines = []updatestatus.ReportLine
	cases := []struct {
		name      string
		feed      history
		installed string
		want      lines
	}{
		{
			"a current project shows nothing",
			history{branches: "1.", releases: []release{r("1.0.0")}}, "1.0.0", nil,
		},
		{
			"a single security update that is recommended is shown once",
			history{branches: "1.", releases: []release{r("1.1.0", security), r("1.0.0")}}, "1.0.0",
			lines{{"security", "1.1.0"}},
		},
		{
			"several security updates follow the recommendation",
			history{branches: "1.", releases: []release{r("1.2.0", security), r("1.1.0", security), r("1.0.0")}}, "1.0.0",
			lines{{"recommended", "1.2.0"}, {"security", "1.2.0"}, {"security", "1.1.0"}},
		},
		{
			"latest and also come last",
			history{branches: "1.,2.", releases: []release{r("2.0.0"), r("1.2.0-rc1"), r("1.1.0"), r("1.0.0")}}, "1.0.0",
			lines{{"recommended", "1.1.0"}, {"latest", "1.2.0-rc1"}, {"also", "2.0.0"}},
		},
		{
			"a snapshot that is not current shows the newest snapshot",
			history{branches: "1.", releases: []release{r("1.1.0"), r("1.x-dev")}}, "1.x-dev",
			lines{{"recommended", "1.1.0"}, {"development", "1.x-dev"}},
		},
		{
			"a snapshot that is recommended is shown once",
			history{branches: "1.", releases: []release{r("1.x-dev"), r("1.1.x-dev")}}, "1.1.x-dev",
			lines{{"recommended", "1.x-dev"}},
		},
		{
			"without a recommendation not even security updates are shown",
			history{branches: "2.,3.", releases: []release{r("3.0.0"), r("1.1.0", security), r("1.0.0", insecure)}}, "4.0.0",
			nil,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := updatestatus.Evaluate(input(c.feed.parse(t), c.installed)).ReportLines
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCurrentSnapshotShowsNoNewerOne(t *testing.T) {
	t.Parallel()
	feed := history{branches: "1.", releases: []release{r("1.1.0"), r("1.x-dev")}}.parse(t)
	in := input(feed, "1.x-dev")
	in.Installed.Datestamp = usualDate
	want := []updatestatus.ReportLine{{Kind: "recommended", Version: "1.1.0"}}
	if diff := cmp.Diff(want, updatestatus.Evaluate(in).ReportLines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestFeedOfAFailedFetchIsNotLookedAt(t *testing.T) {
	t.Parallel()
	feed := history{branches: "11.", releases: []release{r("11.2.0")}}.parse(t)
	in := coreInput(feed, "11.2.0", time.Time{})
	in.Fetch = updatestatus.FetchFailed
	if v := updatestatus.Evaluate(in); v.Coverage != nil || v.Status != updatestatus.NotFetched {
		t.Errorf("verdict %+v", v)
	}
}

func TestDecisionCarriesItsEvidence(t *testing.T) {
	t.Parallel()
	feed := history{branches: "1.", releases: []release{r("1.1.0"), r("1.0.0", insecure)}}.parse(t)
	decided := updatestatus.Evaluate(input(feed, "1.0.0")).Decided
	if decided.Release == nil || decided.Release.Version != "1.0.0" || !decided.Release.Insecure() {
		t.Errorf("an insecure release is not its own evidence: %+v", decided)
	}
	decided = updatestatus.Evaluate(input(feed, "0.9.0")).Decided
	if diff := cmp.Diff([]string{"1."}, decided.Branches); diff != "" {
		t.Errorf("branches (-want +got):\n%s", diff)
	}
}
