package updatestatus

import (
	_ "embed" // for the table of end dates
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// PlatformState tells whether a version of Drupal core still gets security
// fixes. Unlike Coverage, which is what Drupal's own report shows, it also says
// so of pre-releases, snapshots and majors that ended long ago.
type PlatformState string

// The states.
const (
	PlatformUnknown    PlatformState = ""
	PlatformSupported  PlatformState = "supported"
	PlatformEnding     PlatformState = "ending"      // for some months still
	PlatformMinorEnded PlatformState = "minor-ended" // a newer minor gets them
	PlatformEnded      PlatformState = "ended"       // the whole major has reached its end of life
)

// Platform is how long a version of Drupal core is cared for.
type Platform struct {
	State PlatformState `json:"state"`
	// End is when it ends or ended: "2026-12-09", "2021-11", or the version of
	// core with whose release it does, as "10.6.0". Empty when not known.
	End string `json:"end,omitempty"`
}

// The dates on which whole majors end, by major.
//
//go:embed platform_end_dates.json
var platformEndDatesFile []byte

var platformEndDates = readPlatformEndDates(platformEndDatesFile)

func readPlatformEndDates(file []byte) map[string]string {
	var ends map[string]string
	if err := json.Unmarshal(file, &ends); err != nil {
		panic("embedded platform_end_dates.json: " + err.Error())
	}
	return ends
}

// PlatformOf says how long a version of Drupal core is cared for, as of now. The
// feed is that of core; without one only dates are known. Dates are compared in
// the location that now carries.
func PlatformOf(coreVersion string, core *Feed, now time.Time) Platform {
	major, rest, found := strings.Cut(coreVersion, ".")
	number, err := strconv.ParseInt(major, 10, 32)
	if !found || err != nil || number < 4 {
		return Platform{}
	}
	major = strconv.FormatInt(number, 10)
	today := now.Format(time.DateOnly)
	if end := platformEndDates[major]; end != "" && today >= end {
		return Platform{State: PlatformEnded, End: end}
	}
	minorText := rest
	if end := strings.IndexAny(minorText, ".-+"); end >= 0 {
		minorText = minorText[:end]
	}
	minor, err := strconv.ParseInt(minorText, 10, 32)
	if err != nil || minor < 0 || number < 8 {
		// A snapshot of no minor, as 11.x-dev; or a major without minors.
		return Platform{}
	}
	var coverage *Coverage
	if end, ok := coverageEndDates[major+"."+strconv.FormatInt(minor, 10)]; ok {
		coverage = coverageByDate(end, now)
	} else if core != nil {
		coverage = coverageByVersion(core.ready(), number, minor)
		if coverage.AdditionalMinors == nil {
			return Platform{} // nothing to count from
		}
	} else {
		return Platform{}
	}
	p := Platform{State: PlatformSupported, End: coverage.EndDate}
	if p.End == "" {
		p.End = coverage.EndVersion
	}
	switch coverage.State {
	case CoverageEnding:
		p.State = PlatformEnding
	case CoverageEnded:
		p.State = PlatformMinorEnded
	}
	return p
}
