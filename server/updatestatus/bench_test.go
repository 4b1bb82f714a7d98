package updatestatus_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"drumbeat/server/updatestatus"
)

// coreHistory is a feed of the size and shape of Drupal core's: about 500
// releases with files and terms, close to a megabyte.
func coreHistory() history {
	h := history{shortName: "drupal", branches: "10.5.,10.6.,11.2.,11.3.,"}
	files := "<files>" + strings.Repeat("<file><url>https://example.com/files/projects/drupal-11.0.0.tar.gz</url>"+
		"<archive_type>tar.gz</archive_type><md5>0123456789abcdef0123456789abcdef</md5><size>16680498</size>"+
		"<filedate>1583349043</filedate></file>", 2) + "</files><mdhash>0123456789abcdef0123456789abcdef</mdhash>"
	for major := 11; major >= 8; major-- {
		for minor := 9; minor >= 0; minor-- {
			for patch := 12; patch >= 0; patch-- {
				one := r(fmt.Sprintf("%d.%d.%d", major, minor, patch), bugFixes)
				if patch%4 == 1 {
					one.terms = append(one.terms, security)
				}
				if minor < 7 {
					one.terms = append(one.terms, insecure)
				}
				one.extra = files
				one.core = fmt.Sprintf("^%d", major)
				h.releases = append(h.releases, one)
			}
		}
	}
	return h
}

func BenchmarkParseCoreFeed(b *testing.B) {
	document := coreHistory().xml()
	b.SetBytes(int64(len(document)))
	b.ReportMetric(float64(len(coreHistory().releases)), "releases")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := updatestatus.ParseFeed(strings.NewReader(document)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStandardDecoder only splits the same feed into tokens, as a measure
// that is independent of the machine.
func BenchmarkStandardDecoder(b *testing.B) {
	document := coreHistory().xml()
	b.SetBytes(int64(len(document)))
	for b.Loop() {
		decoder := xml.NewDecoder(strings.NewReader(document))
		for {
			if _, err := decoder.RawToken(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	core := coreHistory().parse(b)
	module := history{branches: "8.x-1.,2.0.,2.1.", releases: []release{
		r("2.1.4", bugFixes), r("2.1.3", security), r("2.1.2", insecure), r("2.0.9", bugFixes),
		r("2.0.8", security), r("2.0.7", insecure), r("8.x-1.3", security), r("8.x-1.2", insecure),
	}}
	module.releases[0].core = "^10.3 || ^11"
	feed := module.parse(b)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

	cases := []struct {
		name string
		in   updatestatus.Input
	}{
		{"a module", input(feed, "2.0.7")},
		{"core, the newest release", coreInput(core, "11.9.12", now)},
		{"core, far behind", coreInput(core, "8.0.3", now)},
		{"core, a version the feed does not list", coreInput(core, "11.9.99", now)},
	}
	withCore := input(feed, "2.0.7")
	withCore.CoreFeed, withCore.Installed.CoreVersion = core, "10.5.3"
	cases = append(cases, struct {
		name string
		in   updatestatus.Input
	}{"a module, with core compatibility", withCore})
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				updatestatus.Evaluate(c.in)
			}
		})
	}
}

func coreInput(feed *updatestatus.Feed, version string, now time.Time) updatestatus.Input {
	return updatestatus.Input{
		Installed: updatestatus.Installed{
			Project: "drupal", ProjectType: "core", Version: &version, CoreVersion: version,
		},
		Feed: feed, Now: now, Rules: updatestatus.RulesCurrent,
	}
}
