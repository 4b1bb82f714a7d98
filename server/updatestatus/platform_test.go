package updatestatus_test

import (
	"testing"
	"time"

	"drumbeat/server/updatestatus"
)

func TestPlatformOf(t *testing.T) {
	t.Parallel()
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	release := func(version string) updatestatus.Release {
		return updatestatus.Release{Version: version, Status: "published", ReleaseLink: "https://www.drupal.org/project/drupal/releases/" + version}
	}
	core := &updatestatus.Feed{ShortName: "drupal", SupportedBranches: []string{"11.2.", "11.3."}, Releases: []updatestatus.Release{
		release("11.4.0-beta1"), release("11.3.2"), release("11.2.5"), release("10.4.9"),
	}}
	core.Prepare()
	for name, c := range map[string]struct {
		version string
		today   string
		feed    *updatestatus.Feed
		want    updatestatus.Platform
	}{
		"Drupal 7 has ended":                       {"7.105", "2026-11-22", nil, updatestatus.Platform{State: updatestatus.PlatformEnded, End: "2025-01-05"}},
		"Drupal 7 on the day before its end":       {"7.105", "2025-01-04", nil, updatestatus.Platform{}},
		"Drupal 7 on the day itself":               {"7.105", "2025-01-05", nil, updatestatus.Platform{State: updatestatus.PlatformEnded, End: "2025-01-05"}},
		"Drupal 8 has ended, whatever the minor":   {"8.9.20", "2026-11-22", core, updatestatus.Platform{State: updatestatus.PlatformEnded, End: "2021-11-02"}},
		"Drupal 9 has ended":                       {"9.5.11", "2026-11-22", core, updatestatus.Platform{State: updatestatus.PlatformEnded, End: "2023-11-01"}},
		"a snapshot of an ended major has ended":   {"9.5.x-dev", "2026-11-22", nil, updatestatus.Platform{State: updatestatus.PlatformEnded, End: "2023-11-01"}},
		"the newest minor is supported":            {"11.3.1", "2026-11-22", core, updatestatus.Platform{State: updatestatus.PlatformSupported, End: "11.5.0"}},
		"the one before is ending":                 {"11.2.0", "2026-11-22", core, updatestatus.Platform{State: updatestatus.PlatformEnding, End: "11.4.0"}},
		"two behind has ended":                     {"11.1.8", "2026-11-22", core, updatestatus.Platform{State: updatestatus.PlatformMinorEnded, End: "11.3.0"}},
		"a pre-release counts by its minor":        {"11.4.0-beta1", "2026-11-22", core, updatestatus.Platform{State: updatestatus.PlatformSupported, End: "11.6.0"}},
		"so does a packaged snapshot":              {"11.1.0-alpha1+508-dev", "2026-11-22", core, updatestatus.Platform{State: updatestatus.PlatformMinorEnded, End: "11.3.0"}},
		"a snapshot of the head is of no minor":    {"11.x-dev", "2026-11-22", core, updatestatus.Platform{}},
		"the last but one minor of 10, by date":    {"10.5.3", "2026-11-22", core, updatestatus.Platform{State: updatestatus.PlatformMinorEnded, End: "2026-06-17"}},
		"the last minor of 10, warned of":          {"10.6.1", "2026-11-22", core, updatestatus.Platform{State: updatestatus.PlatformEnding, End: "2026-12-09"}},
		"Drupal 10 ends with its last minor":       {"10.6.1", "2026-12-09", core, updatestatus.Platform{State: updatestatus.PlatformEnded, End: "2026-12-09"}},
		"without a feed the dates are still known": {"10.6.1", "2026-06-16", nil, updatestatus.Platform{State: updatestatus.PlatformSupported, End: "2026-12-09"}},
		"without a feed nothing else is":           {"11.3.1", "2026-11-22", nil, updatestatus.Platform{}},
		"a feed without that major says nothing":   {"12.0.0", "2026-11-22", core, updatestatus.Platform{}},
		"no version says nothing":                  {"", "2026-11-22", core, updatestatus.Platform{}},
		"nonsense says nothing":                    {"-1.2.3", "2026-11-22", core, updatestatus.Platform{}},
		"a huge minor does not overflow":           {"11.99999999999999999999.0", "2026-11-22", core, updatestatus.Platform{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := updatestatus.PlatformOf(c.version, c.feed, day(c.today)); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
