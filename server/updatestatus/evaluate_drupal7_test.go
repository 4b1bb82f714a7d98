package updatestatus_test

import (
	"testing"

	"drumbeat/server/updatestatus"
)

// seven is a release of the series 7.x; extra7 is given for anything but a
// stable release.
func seven(version, major, patch, extra string, terms ...string) release {
	return release{version: version, major: major, patch: patch, extra7: extra, terms: terms}
}

func majors(recommended, supported string, releases ...release) history {
	return history{
		noBranches: true,
		extra: "<recommended_major>" + recommended + "</recommended_major>" +
			"<supported_majors>" + supported + "</supported_majors><default_major>" + recommended + "</default_major>",
		releases: releases,
	}
}

func TestDrupal7Rules(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		feed      history
		installed *string
		datestamp int64
		want      outcome
	}{
		{
			"the newest release is current",
			majors("3", "2,3", seven("7.x-3.1", "3", "1", ""), seven("7.x-3.0", "3", "0", "")), pointer("7.x-3.1"), 0,
			outcome{Status: "current", Rule: "is-recommended", Recommended: "7.x-3.1", Latest: "7.x-3.1"},
		},
		{
			"any security update makes a project not secure",
			majors("3", "3", seven("7.x-3.1", "3", "1", "", security), seven("7.x-3.0", "3", "0", "")), pointer("7.x-3.0"), 0,
			outcome{
				Status: "not-secure", Rule: "security-update", Recommended: "7.x-3.1", Latest: "7.x-3.1",
				Security: []string{"7.x-3.1"},
			},
		},
		{
			"a security update counts over a revoked release",
			majors("3", "3", seven("7.x-3.1", "3", "1", "", security),
				release{version: "7.x-3.0", major: "3", patch: "0", unpublished: true}), pointer("7.x-3.0"), 0,
			outcome{
				Status: "not-secure", Rule: "security-update", Recommended: "7.x-3.1", Latest: "7.x-3.1",
				Security: []string{"7.x-3.1"}, Notices: []updatestatus.Notice{"release-revoked"},
			},
		},
		{
			"the walk does not stop at an insecure installed release",
			majors("3", "3", seven("7.x-3.2", "3", "2", ""), seven("7.x-3.1", "3", "1", "", insecure),
				seven("7.x-3.0", "3", "0", "", security)), pointer("7.x-3.1"), 0,
			outcome{
				Status: "not-secure", Rule: "security-update", Recommended: "7.x-3.2", Latest: "7.x-3.2",
				Security: []string{"7.x-3.0"},
			},
		},
		{
			"an unsupported major leads to the recommended one",
			majors("3", "3", seven("7.x-3.1", "3", "1", ""), seven("7.x-2.9", "2", "9", "")), pointer("7.x-2.9"), 0,
			outcome{Status: "not-supported", Rule: "major-unsupported", Recommended: "7.x-3.1", Latest: "7.x-3.1"},
		},
		{
			"an unsupported major never leads to a lower one",
			majors("2", "2", seven("7.x-3.1", "3", "1", ""), seven("7.x-2.9", "2", "9", "")), pointer("7.x-3.1"), 0,
			outcome{Status: "not-supported", Rule: "major-unsupported", Recommended: "7.x-3.1", Latest: "7.x-3.1"},
		},
		{
			"a release marked unsupported is not supported",
			majors("3", "3", seven("7.x-3.1", "3", "1", ""), seven("7.x-3.0", "3", "0", "", unsupported)), pointer("7.x-3.0"), 0,
			outcome{
				Status: "not-supported", Rule: "release-unsupported", Recommended: "7.x-3.1", Latest: "7.x-3.1",
				Notices: []updatestatus.Notice{"release-not-supported"},
			},
		},
		{
			"higher majors are also available only when supported",
			majors("2", "2,4", seven("7.x-4.0", "4", "0", ""), seven("7.x-3.0", "3", "0", ""), seven("7.x-2.0", "2", "0", "")),
			pointer("7.x-2.0"), 0,
			outcome{
				Status: "current", Rule: "is-recommended", Recommended: "7.x-2.0", Latest: "7.x-2.0",
				Also: []updatestatus.Other{{4, "7.x-4.0"}},
			},
		},
		{
			"the recommended release goes by patch level",
			majors("2", "2", seven("7.x-2.2-rc1", "2", "2", "rc1"), seven("7.x-2.1-fix", "2", "1", "fix"),
				seven("7.x-2.1", "2", "1", ""), seven("7.x-2.0", "2", "0", "")), pointer("7.x-2.0"), 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "7.x-2.1-fix", Latest: "7.x-2.2-rc1"},
		},
		{
			"with pre-releases only, the latest is recommended",
			majors("2", "2", seven("7.x-2.0-beta2", "2", "0", "beta2"), seven("7.x-2.0-beta1", "2", "0", "beta1")),
			pointer("7.x-2.0-beta1"), 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "7.x-2.0-beta2", Latest: "7.x-2.0-beta2"},
		},
		{
			"a snapshot is judged by its date",
			majors("2", "2", release{version: "7.x-2.0", major: "2", patch: "0", date: 5000},
				release{version: "7.x-2.x-dev", major: "2", extra7: "dev", date: 9000}), pointer("7.x-2.x-dev"), 8950,
			outcome{
				Status: "current", Rule: "snapshot-up-to-date", Recommended: "7.x-2.0", Latest: "7.x-2.0", DevVersion: "7.x-2.x-dev",
			},
		},
		{
			"core's versions have no prefix",
			majors("7", "7", seven("7.105", "7", "105", ""), seven("7.104", "7", "104", "")), pointer("7.104"), 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "7.105", Latest: "7.105"},
		},
		{
			"a feed with the default major only still has a target",
			history{noBranches: true, extra: "<default_major>1</default_major>", releases: []release{
				seven("7.x-1.1", "1", "1", ""), seven("7.x-1.0", "1", "0", ""),
			}}, pointer("7.x-1.0"), 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "7.x-1.1", Latest: "7.x-1.1"},
		},
		{
			"without supported majors the default one is supported",
			history{noBranches: true, extra: "<default_major>1</default_major><recommended_major>2</recommended_major>", releases: []release{
				seven("7.x-2.0", "2", "0", ""), seven("7.x-1.0", "1", "0", ""),
			}}, pointer("7.x-1.0"), 0,
			outcome{Status: "current", Rule: "is-recommended", Recommended: "7.x-1.0", Latest: "7.x-1.0"},
		},
		{
			"security updates below the installed release do not count",
			majors("1", "1", seven("7.x-1.1", "1", "1", ""), seven("7.x-1.0", "1", "0", "", security)), pointer("7.x-1.1"), 0,
			outcome{Status: "current", Rule: "is-recommended", Recommended: "7.x-1.1", Latest: "7.x-1.1"},
		},
		{
			"an undated security update counts for every snapshot",
			majors("1", "1", release{version: "7.x-1.1", major: "1", patch: "1", noDate: true, terms: []string{security}}),
			pointer("7.x-1.x-dev"), 5000,
			outcome{
				Status: "not-secure", Rule: "security-update", Recommended: "7.x-1.1", Latest: "7.x-1.1",
				Security: []string{"7.x-1.1"},
			},
		},
		{
			"an extra of 0 is none",
			majors("1", "1", seven("7.x-1.2-rc1", "1", "2", "rc1"), seven("7.x-1.1", "1", "1", "0"), seven("7.x-1.0", "1", "0", "")),
			pointer("7.x-1.0"), 0,
			outcome{Status: "not-current", Rule: "newer-release", Recommended: "7.x-1.1", Latest: "7.x-1.2-rc1"},
		},
		{
			"a site that reports no version is not judged",
			history{noBranches: true, extra: "<default_major>1</default_major>", releases: []release{seven("7.x-1.1", "1", "1", "")}},
			nil, 0,
			outcome{Status: "unknown", Reason: "invalid-info", Rule: "invalid-version", Recommended: "7.x-1.1", Latest: "7.x-1.1"},
		},
		{
			"a feed without releases is reported",
			majors("1", "1"), pointer("7.x-1.0"), 0,
			outcome{Status: "unknown", Reason: "no-releases", Rule: "no-releases"},
		},
		{
			"a revoked project is revoked",
			history{status: "revoked", noBranches: true}, pointer("7.x-1.0"), 0,
			outcome{Status: "revoked", Rule: "project-status", Notices: []updatestatus.Notice{"project-revoked"}},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := input(c.feed.parse(t), "")
			in.Rules, in.Installed.Version, in.Installed.Datestamp = updatestatus.Rules7, c.installed, c.datestamp
			checkOutcome(t, c.want, in)
		})
	}
}
