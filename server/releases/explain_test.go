package releases

import (
	"strings"
	"testing"
	"time"

	"drumbeat/server/updatestatus"
)

// judged gives the stored verdict on a version by a feed; a feed of "" is none.
func judged(t *testing.T, feed string, state FeedState, ruleSet string, version *string, datestamp int64) StoredVerdict {
	t.Helper()
	k := knownFeed{project: "token", state: state}
	if strings.Contains(feed, "<short_name>drupal<") {
		k.project = coreProject
	}
	if feed != "" {
		parsed, err := updatestatus.ParseFeed(strings.NewReader(feed))
		if err != nil {
			t.Fatal(err)
		}
		k.feed = parsed
	}
	j, err := judge(&k, updatestatus.RuleSet(ruleSet), version, datestamp, time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	v, err := ParseVerdict(j.verdict)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExplain(t *testing.T) {
	t.Parallel()
	dated := func(version string, date int64) testRelease {
		return testRelease{version: version, status: "published", date: date}
	}
	withdrawn := testRelease{version: "8.x-1.4", status: "unpublished"}
	status := func(s string) string {
		return strings.Replace(feedXML("token", "8.x-1.", rel("8.x-1.5")), "published</project_status>", s+"</project_status>", 1)
	}
	for name, test := range map[string]struct {
		feed      string
		state     FeedState
		ruleSet   string
		version   *string
		datestamp int64
		want      string
	}{
		"insecure, fixed in its branch": {
			feed:    feedXML("token", "8.x-1.", rel("8.x-1.8"), rel("8.x-1.7", "Security update"), rel("8.x-1.4", "Insecure")),
			version: ptr("8.x-1.4"),
			want:    "8.x-1.4 carries the mark Insecure since 2023-11-14; 8.x-1.7 in the same branch fixes it.",
		},
		"insecure, fixed in another branch": {
			feed:    feedXML("token", "2.1.,2.0.", rel("2.1.3", "Security update"), rel("2.0.1", "Insecure")),
			version: ptr("2.0.1"),
			want:    "2.0.1 carries the mark Insecure; 2.1.3 is recommended.",
		},
		"insecure without a successor": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.4", "Insecure")), version: ptr("8.x-1.4"),
			want: "8.x-1.4 carries the mark Insecure, and no release of its major version fixes it.",
		},
		"insecure, only a higher major is left": {
			feed: feedXML("token", "3.0.,8.x-1.", rel("3.0.0"), rel("8.x-1.4", "Insecure")), version: ptr("8.x-1.4"),
			want: "8.x-1.4 carries the mark Insecure, and no release of its major version fixes it; also available: 3.0.0.",
		},
		"withdrawn": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.5"), withdrawn), version: ptr("8.x-1.4"),
			want: "8.x-1.4 was withdrawn by its maintainers; 8.x-1.5 is recommended.",
		},
		"unsupported release": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.4", "Unsupported")), version: ptr("8.x-1.4"),
			want: "8.x-1.4 carries the mark Unsupported, and there is no release to go to.",
		},
		"unsupported branch": {
			feed: feedXML("token", "2.1.", rel("2.1.3"), rel("2.0.1")), version: ptr("2.0.1"),
			want: "The branch of 2.0.1 is no longer supported; 2.1.3 is recommended.",
		},
		"unsupported branch with only higher majors": {
			feed: feedXML("token", "8.x-1.,4.0.", rel("4.0.2"), rel("8.x-1.9")), version: ptr("3.2.5"),
			want: "The branch of 3.2.5 is no longer supported; also available: 4.0.2.",
		},
		"newer release": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.5"), rel("8.x-1.4")), version: ptr("8.x-1.4"),
			want: "8.x-1.4 is not the recommended release; 8.x-1.5 is.",
		},
		"newer releases with security updates, and no mark": {
			feed:    feedXML("token", "8.x-1.", rel("8.x-1.7"), rel("8.x-1.6", "Security update"), rel("8.x-1.5", "Security update"), rel("8.x-1.4")),
			version: ptr("8.x-1.4"),
			want:    "8.x-1.4 is not the recommended release; 8.x-1.7 is, and 2 security updates lie between.",
		},
		"recommended": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.4")), version: ptr("8.x-1.4"),
			want: "8.x-1.4 is the recommended release.",
		},
		"latest, a pre-release": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.5-beta1"), rel("8.x-1.4")), version: ptr("8.x-1.5-beta1"),
			want: "8.x-1.5-beta1 is the recommended release.",
		},
		"no version": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.4")), version: nil,
			want: "No version is known: probably a checkout.",
		},
		"empty version": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.4")), version: ptr(""),
			want: "The site reports an empty version, so nothing can be said.",
		},
		"version that is none": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.4")), version: ptr("main"),
			want: "main is no version that Drupal understands.",
		},
		"never fetched":      {state: FeedNever, version: ptr("8.x-1.4"), want: "No release information was fetched yet."},
		"fetch failed":       {state: FeedFailed, version: ptr("8.x-1.4"), want: "The release information could not be fetched yet."},
		"unknown project":    {state: FeedMissing, version: ptr("8.x-1.4"), want: "drupal.org knows no project of this name."},
		"no release history": {state: FeedMalformed, version: ptr("8.x-1.4"), want: "What drupal.org answered for this project was no release information."},
		"feed without releases": {
			feed: feedXML("token", "8.x-1."), version: ptr("8.x-1.4"),
			want: "drupal.org lists no release of this project to compare with.",
		},
		"insecure project":    {feed: status("insecure"), version: ptr("8.x-1.5"), want: "drupal.org marks the whole project as insecure: it should be removed."},
		"withdrawn project":   {feed: status("revoked"), version: ptr("8.x-1.5"), want: "The whole project was withdrawn from drupal.org: it should be removed."},
		"unsupported project": {feed: status("unsupported"), version: ptr("8.x-1.5"), want: "The whole project is no longer supported: it should be replaced."},
		"snapshot without a date": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.4"), rel("8.x-1.x-dev")), version: ptr("8.x-1.x-dev"),
			want: "8.x-1.x-dev is a development snapshot without a packaging date, so it cannot be compared.",
		},
		"snapshot that is old": {
			feed:    feedXML("token", "8.x-1.", dated("8.x-1.4", 1_600_000_000), dated("8.x-1.x-dev", 1_700_000_000)),
			version: ptr("8.x-1.x-dev"), datestamp: 1_650_000_000,
			want: "8.x-1.x-dev is a development snapshot older than 8.x-1.x-dev of 2023-11-14; 8.x-1.4 is recommended.",
		},
		"snapshot that is new": {
			feed:    feedXML("token", "8.x-1.", dated("8.x-1.4", 1_600_000_000), dated("8.x-1.x-dev", 1_700_000_000)),
			version: ptr("8.x-1.x-dev"), datestamp: 1_700_000_000,
			want: "8.x-1.x-dev is a development snapshot as new as 8.x-1.x-dev of 2023-11-14.",
		},
		"Drupal 7: a security update makes insecure": {
			feed: strings.ReplaceAll(strings.Replace(feedXML("token", "", rel("7.x-1.5", "Security update"), rel("7.x-1.4")),
				"<releases>", "<supported_majors>1</supported_majors><releases>", 1),
				"</status>", "</status><version_major>1</version_major><version_patch>5</version_patch>"),
			ruleSet: "7", version: ptr("7.x-1.4"),
			want: "7.x-1.5 is a security update for 7.x-1.4.",
		},
		"core that is covered until a date": {
			feed: feedXML("drupal", "10.6.", rel("10.6.2")), version: ptr("10.6.2"),
			want: "10.6.2 is the recommended release. This minor gets security fixes only until 2026-12-09.",
		},
		"core that is covered until a release": {
			feed: feedXML("drupal", "11.2.,11.1.", rel("11.2.0"), rel("11.1.5")), version: ptr("11.1.5"),
			want: "11.1.5 is not the recommended release; 11.2.0 is. This minor gets security fixes only until the release of 11.3.0; go to 11.2 or higher.",
		},
		"hostile version": {
			feed: feedXML("token", "8.x-1.", rel("8.x-1.4")), version: ptr(strings.Repeat("x", 500)),
			want: strings.Repeat("x", 60) + "… is no version that Drupal understands.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.ruleSet == "" {
				test.ruleSet = "current"
			}
			if test.state == "" {
				test.state = FeedOK
			}
			v := judged(t, test.feed, test.state, test.ruleSet, test.version, test.datestamp)
			if got := Explain(test.version, v); got != test.want {
				t.Errorf("got  %s\nwant %s\nof %+v", got, test.want, v)
			}
		})
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	feed := feedXML("token", "2.0.,8.x-1.",
		rel("2.0.0"), rel("8.x-1.8"), rel("8.x-1.7", "Security update"), rel("8.x-1.6", "Bug fixes"),
		rel("8.x-1.5", "Security update"), rel("8.x-1.4", "Insecure"))
	feed = strings.Replace(feed, "https://www.drupal.org/project/token/releases/2.0.0", "javascript:alert(1)", 1)
	v := judged(t, feed, FeedOK, "current", ptr("8.x-1.4"), 0)
	if v.Recommended == nil || v.Recommended.Version != "8.x-1.8" || v.Recommended.Link != "https://www.drupal.org/project/token/releases/8.x-1.8" {
		t.Errorf("recommended %+v", v.Recommended)
	}
	if len(v.SecurityUpdates) != 2 || v.SecurityUpdates[0].Version != "8.x-1.5" || v.SecurityUpdates[1].Version != "8.x-1.7" || v.SecurityUpdates[0].Link == "" {
		t.Errorf("security updates are not oldest first with their links: %+v", v.SecurityUpdates)
	}
	if len(v.Also) != 1 || v.Also[0].Version != "2.0.0" || v.Also[0].Major != 2 || v.Also[0].Link != "" {
		t.Errorf("also available, with a link that must not be followed: %+v", v.Also)
	}
	if v.Decided == nil || v.Decided.Version != "8.x-1.4" || len(v.Decided.Terms) != 1 || v.Decided.Terms[0] != "Insecure" {
		t.Errorf("decided by %+v", v.Decided)
	}
	if never, err := ParseVerdict(nil); err != nil || never.Status != updatestatus.Unknown || Explain(ptr("1.0.0"), never) != "No release information was fetched yet." {
		t.Errorf("no verdict yet: %+v, %v", never, err)
	}
}
