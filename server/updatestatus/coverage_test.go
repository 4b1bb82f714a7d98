package updatestatus_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drumbeat/server/updatestatus"
)

func TestCoverage(t *testing.T) {
	t.Parallel()
	minors := history{shortName: "drupal", branches: "10.2.,10.3.,11.0.", releases: []release{
		r("11.0.1"), {version: "10.9.0", extra: "<date/>"}, r("10.4.0-beta1"), r("10.3.2"), r("10.3.0"), r("10.2.5"), r("10.2.0-rc1"), r("10.1.8"),
		{version: "10.0.3", unpublished: true},
	}}
	dated := history{shortName: "drupal", branches: "10.5.,10.6.", releases: []release{
		r("10.6.0"), r("10.5.1"), r("10.5.0-rc1"), r("9.5.11"), r("8.9.20"),
	}}
	unknownMajor := history{shortName: "drupal", branches: "10.2.", releases: []release{r("10.2.0"), {version: "9.2.0", unpublished: true}}}
	utc := func(date string) time.Time {
		day, err := time.Parse(time.DateTime, date)
		if err != nil {
			t.Fatal(err)
		}
		return day
	}
	cases := []struct {
		name    string
		feed    history
		version string
		now     time.Time
		want    *updatestatus.Coverage
	}{
		{
			"the newest minor is covered for two more", minors, "10.3.0", time.Time{},
			&updatestatus.Coverage{State: "covered", EndVersion: "10.5.0", AdditionalMinors: pointer[int64](2)},
		},
		{
			"the minor before is ending and says where to go", minors, "10.2.5", time.Time{},
			&updatestatus.Coverage{State: "ending", EndVersion: "10.4.0", AdditionalMinors: pointer[int64](1), UpdateTo: "10.3"},
		},
		{
			"the one before that has ended", minors, "10.1.8", time.Time{},
			&updatestatus.Coverage{State: "ended", EndVersion: "10.3.0", AdditionalMinors: pointer[int64](0)},
		},
		{
			"an unpublished installed release has coverage, too", minors, "10.0.3", time.Time{},
			&updatestatus.Coverage{State: "ended", EndVersion: "10.2.0", AdditionalMinors: pointer[int64](-1)},
		},
		{"a pre-release has none", minors, "10.2.0-rc1", time.Time{}, nil},
		{"a version the feed does not list has none", minors, "10.3.9", time.Time{}, nil},
		{
			"without a published release of the major it has ended", unknownMajor, "9.2.0", time.Time{},
			&updatestatus.Coverage{State: "ended", EndVersion: "9.4.0"},
		},
		{
			"a date covers until the day before the warning", dated, "10.5.1", utc("2025-12-09 23:59:59"),
			&updatestatus.Coverage{State: "covered", EndDate: "2026-06-17", WarnDate: "2025-12-10"},
		},
		{
			"the warning begins on its day", dated, "10.5.1", utc("2025-12-10 00:00:00"),
			&updatestatus.Coverage{State: "ending", EndDate: "2026-06-17", WarnDate: "2025-12-10"},
		},
		{
			"a date ends coverage on its day", dated, "10.5.1", utc("2026-06-17 00:00:00"),
			&updatestatus.Coverage{State: "ended", EndDate: "2026-06-17", WarnDate: "2025-12-10"},
		},
		{
			"today is that of the site", dated, "10.5.1",
			time.Date(2026, 6, 17, 1, 0, 0, 0, time.UTC).In(time.FixedZone("west", -5*3600)),
			&updatestatus.Coverage{State: "ending", EndDate: "2026-06-17", WarnDate: "2025-12-10"},
		},
		{
			"a month ends coverage on its first day", dated, "9.5.11", utc("2023-11-01 00:00:00"),
			&updatestatus.Coverage{State: "ended", EndDate: "2023-11", WarnDate: "2023-05-14"},
		},
		{
			"without a warning date there is no warning", dated, "8.9.20", utc("2021-10-31 12:00:00"),
			&updatestatus.Coverage{State: "covered", EndDate: "2021-11"},
		},
		{
			"a date covers pre-releases, too", dated, "10.5.0-rc1", utc("2025-07-01 00:00:00"),
			&updatestatus.Coverage{State: "covered", EndDate: "2026-06-17", WarnDate: "2025-12-10"},
		},
		{"a date needs to know today", dated, "10.5.1", time.Time{}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			feed := c.feed.parse(t)
			got := updatestatus.Evaluate(coreInput(feed, c.version, c.now)).Coverage
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("coverage (-want +got):\n%s", diff)
			}
			in := coreInput(feed, c.version, c.now)
			in.Installed.ProjectType = "module"
			if got := updatestatus.Evaluate(in).Coverage; got != nil {
				t.Errorf("a module has coverage: %+v", got)
			}
		})
	}
}
