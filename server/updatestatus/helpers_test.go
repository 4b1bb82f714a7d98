package updatestatus_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"drumbeat/server/updatestatus"
)

// release describes one release of a feed made for a test. Empty fields take
// what a usual release has.
type release struct {
	version     string
	terms       []string // values of the vocabulary "Release type"
	unpublished bool
	date        int64  // 0 takes a usual one
	noDate      bool   // no date element
	core        string // core_compatibility
	extra       string // XML put in after the other elements

	// For feeds of the series 7.x.
	major, patch, extra7 string
}

const usualDate = 1_700_000_000

func (r release) xml() string {
	var b strings.Builder
	b.WriteString("<release>")
	element := func(name, text string) {
		fmt.Fprintf(&b, "<%s>", name)
		_ = xml.EscapeText(&b, []byte(text))
		fmt.Fprintf(&b, "</%s>", name)
	}
	element("name", "example "+r.version)
	element("version", r.version)
	element("tag", r.version)
	if r.unpublished {
		element("status", "unpublished")
	} else {
		element("status", "published")
	}
	element("release_link", "https://example.com/releases/"+r.version)
	element("download_link", "https://example.com/files/"+r.version+".tar.gz")
	if !r.noDate {
		date := r.date
		if date == 0 {
			date = usualDate
		}
		element("date", fmt.Sprint(date))
	}
	if len(r.terms) > 0 {
		b.WriteString("<terms>")
		for _, term := range r.terms {
			b.WriteString("<term>")
			element("name", "Release type")
			element("value", term)
			b.WriteString("</term>")
		}
		b.WriteString("</terms>")
	}
	if r.core != "" {
		element("core_compatibility", r.core)
	}
	if r.major != "" {
		element("version_major", r.major)
	}
	if r.patch != "" {
		element("version_patch", r.patch)
	}
	if r.extra7 != "" {
		element("version_extra", r.extra7)
	}
	b.WriteString(r.extra)
	b.WriteString("</release>\n")
	return b.String()
}

// history describes a feed made for a test.
type history struct {
	shortName  string // empty takes "example"
	status     string // project_status; empty takes "published"
	branches   string
	noBranches bool   // no supported_branches element
	extra      string // XML put in before the releases
	releases   []release
}

func (h history) xml() string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	b.WriteString(`<project xmlns:dc="http://purl.org/dc/elements/1.1/">` + "\n")
	b.WriteString("<title>Example</title><dc:creator>someone</dc:creator>\n")
	shortName := h.shortName
	if shortName == "" {
		shortName = "example"
	}
	fmt.Fprintf(&b, "<short_name>%s</short_name>\n", shortName)
	if !h.noBranches {
		fmt.Fprintf(&b, "<supported_branches>%s</supported_branches>\n", h.branches)
	}
	status := h.status
	if status == "" {
		status = "published"
	}
	fmt.Fprintf(&b, "<project_status>%s</project_status>\n<link>https://example.com/project</link>\n", status)
	b.WriteString(h.extra)
	b.WriteString("<releases>\n")
	for _, r := range h.releases {
		b.WriteString(r.xml())
	}
	b.WriteString("</releases>\n</project>\n")
	return b.String()
}

func (h history) parse(t testing.TB) *updatestatus.Feed {
	t.Helper()
	return parse(t, h.xml())
}

func parse(t testing.TB, document string) *updatestatus.Feed {
	t.Helper()
	feed, err := updatestatus.ParseFeed(strings.NewReader(document))
	if err != nil {
		t.Fatalf("parse feed: %v\n%s", err, document)
	}
	return feed
}

func pointer[T any](v T) *T { return &v }

// input is that of a contributed module on a current core.
func input(feed *updatestatus.Feed, version string) updatestatus.Input {
	return updatestatus.Input{
		Installed: updatestatus.Installed{
			Project: "example", ProjectType: "module", Version: &version, CoreVersion: "11.2.0",
		},
		Feed:  feed,
		Rules: updatestatus.RulesCurrent,
	}
}

// r, security, insecure and the like are short for the releases most tests
// are made of.
func r(version string, terms ...string) release { return release{version: version, terms: terms} }

const (
	security    = "Security update"
	insecure    = "Insecure"
	unsupported = "Unsupported"
	bugFixes    = "Bug fixes"
)
