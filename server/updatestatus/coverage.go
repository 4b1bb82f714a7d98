package updatestatus

import (
	_ "embed" // for the table of end dates
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// CoverageState tells whether a release of Drupal core still gets security
// fixes.
type CoverageState string

// The states. Drupal shows them as information, warning and error.
const (
	Covered        CoverageState = "covered"
	CoverageEnding CoverageState = "ending"
	CoverageEnded  CoverageState = "ended"
)

// Coverage is the security coverage of the installed minor of Drupal core. It
// ends either with the release of another minor (EndVersion) or on a date
// (EndDate).
type Coverage struct {
	State CoverageState `json:"state"`

	EndVersion string `json:"end_version,omitempty"` // "10.5.0": the first release with which coverage ends
	// AdditionalMinors counts the minors still to be released until EndVersion
	// is; nil when the feed has no release to count from.
	AdditionalMinors *int64 `json:"additional_minors,omitempty"`
	UpdateTo         string `json:"update_to,omitempty"` // "10.4": lowest minor with more coverage, when ending

	EndDate  string `json:"end_date,omitempty"`  // "2006-01-02" or "2006-01"
	WarnDate string `json:"warn_date,omitempty"` // "2006-01-02", or empty when there is no warning
}

// coverageEnd is when coverage of one minor ends, where that is a date.
type coverageEnd struct {
	Ends     string `json:"ends"`
	WarnFrom string `json:"warn_from"`
}

// Every branch of Drupal core knows the dates of its own last two minors; the
// file holds all of them by minor.
//
//go:embed coverage_end_dates.json
var coverageEndDatesFile []byte

var coverageEndDates = readCoverageEndDates(coverageEndDatesFile)

func readCoverageEndDates(file []byte) map[string]coverageEnd {
	var ends map[string]coverageEnd
	if err := json.Unmarshal(file, &ends); err != nil {
		panic("embedded coverage_end_dates.json: " + err.Error())
	}
	return ends
}

// coverage fills in the security coverage, which only an installed release of
// Drupal core that the feed lists has.
func (c *calculation) coverage() {
	if c.Rules == Rules7 || c.Installed.Project != "drupal" || c.Installed.ProjectType != "core" ||
		c.Installed.Version == nil || c.Feed.Release(*c.Installed.Version) == nil {
		return
	}
	installed, err := ParseVersion(*c.Installed.Version)
	if err != nil {
		return
	}
	minor := minorOf(*c.Installed.Version)
	if end, ok := coverageEndDates[strconv.FormatInt(installed.Major, 10)+"."+minor]; ok {
		if !c.Now.IsZero() {
			c.verdict.Coverage = coverageByDate(end, c.Now)
		}
		return
	}
	if installed.HasExtra || !isNumeric(minor) {
		return
	}
	c.verdict.Coverage = coverageByVersion(c.Feed, installed.Major, toInteger(minor))
}

func coverageByDate(end coverageEnd, now time.Time) *Coverage {
	coverage := &Coverage{State: Covered, EndDate: end.Ends, WarnDate: end.WarnFrom}
	// Dates are compared in the precision they have: a month has ended coverage
	// from its first day.
	today := now.Format(time.DateOnly)
	switch {
	case today[:min(len(today), len(end.Ends))] >= end.Ends:
		coverage.State = CoverageEnded
	case end.WarnFrom != "" && today >= end.WarnFrom:
		coverage.State = CoverageEnding
	}
	return coverage
}

func coverageByVersion(feed *Feed, major, minor int64) *Coverage {
	const coveredMinors = 2
	name := func(minor int64) string {
		return strconv.FormatInt(major, 10) + "." + strconv.FormatInt(minor, 10)
	}
	end := minor + coveredMinors
	coverage := &Coverage{State: CoverageEnded, EndVersion: name(end) + ".0"}
	for i := range feed.Releases {
		r := &feed.Releases[i]
		if !r.valid || !r.Published() || r.parsed.HasExtra || r.parsed.Major != major {
			continue
		}
		additional := end - toInteger(minorOf(r.Version))
		coverage.AdditionalMinors = &additional
		switch {
		case additional > 1:
			coverage.State = Covered
		case additional == 1:
			coverage.State, coverage.UpdateTo = CoverageEnding, name(minor+1)
		}
		break
	}
	return coverage
}

// minorOf is the second part of a version of Drupal core, "" when there is
// none.
func minorOf(version string) string {
	_, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return minor
}
