package updatestatus

import (
	"strings"
	"time"
)

// FetchState tells what is known of a project's feed.
type FetchState int

// The fetch states.
const (
	// Fetched: there was an answer with a body. Input.Feed is nil when the
	// body was no release history.
	Fetched FetchState = iota
	// FetchFailed: a network error, an HTTP error status, or an empty body.
	FetchFailed
	// NeverFetched: nobody asked yet.
	NeverFetched
)

// Installed is one project as a site reports it.
type Installed struct {
	Project     string
	ProjectType string  // "core", "module", "theme"; with "-uninstalled" when nothing of it is enabled
	Version     *string // verbatim; nil when the site reports none, which is not the same as ""
	Datestamp   int64   // packaging time, Unix seconds; 0 when unknown. Matters for snapshots only
	CoreVersion string  // of the site
}

// Input is everything a verdict depends on.
type Input struct {
	Installed Installed
	Fetch     FetchState
	Feed      *Feed // of the project; nil when there is none or it did not parse

	// CoreFeed is that of Drupal core, for the messages on core compatibility.
	// Without it there are none.
	CoreFeed *Feed

	// Now decides about core's security coverage by date, in the location it
	// carries: that of the site, ideally. Without it there is no coverage by
	// date.
	Now time.Time

	Rules RuleSet // RulesCurrent when empty
}

// Other is the first release found of a higher major.
type Other struct {
	Major   int64  `json:"major"`
	Version string `json:"version"`
}

// Verdict is the result of Evaluate. Strings that name a version are empty when
// there is none.
type Verdict struct {
	Status Status `json:"status"`
	Reason Reason `json:"reason,omitempty"`

	Recommended string  `json:"recommended,omitempty"`
	Latest      string  `json:"latest,omitempty"` // of the target major, pre-releases included
	DevVersion  string  `json:"dev_version,omitempty"`
	Also        []Other `json:"also,omitempty"` // in the order found

	// SecurityUpdates are the versions of all security updates for the
	// installed version, in feed order. That there are some does not make the
	// status NotSecure, except under Drupal 7's rules.
	SecurityUpdates []string `json:"security_updates,omitempty"`

	InstallType InstallType  `json:"install_type"`
	Notices     []Notice     `json:"notices,omitempty"`
	ReportLines []ReportLine `json:"report,omitempty"`
	Coverage    *Coverage    `json:"coverage,omitempty"` // of Drupal core only

	// CoreCompatibility tells of the releases named above which cores they
	// require; nil without Input.CoreFeed or where Drupal would show nothing.
	CoreCompatibility map[string]Compatibility `json:"core_compatibility,omitempty"`

	Decided Decision `json:"decided"`
}

// Rule names the rule that decided a status.
type Rule string

// The rules, in the order they are tried.
const (
	RuleNeverFetched        Rule = "never-fetched"
	RuleFetchFailed         Rule = "fetch-failed"
	RuleProjectStatus       Rule = "project-status"      // the whole project is insecure, revoked, unsupported
	RuleEmptyVersion        Rule = "empty-version"       // the site reports an empty version
	RuleInvalidVersion      Rule = "invalid-version"     // the site reports no version, or one that is none
	RuleNoReleases          Rule = "no-releases"         // the feed has none, or none to recommend
	RuleReleaseInsecure     Rule = "release-insecure"    // term on the installed release
	RuleReleaseUnpublished  Rule = "release-unpublished" // the installed release was revoked
	RuleReleaseUnsupported  Rule = "release-unsupported" // term on the installed release
	RuleBranchUnsupported   Rule = "branch-unsupported"  // of the installed version
	RuleMajorUnsupported    Rule = "major-unsupported"   // Drupal 7
	RuleSecurityUpdate      Rule = "security-update"     // Drupal 7: there is a security update
	RuleIsRecommended       Rule = "is-recommended"      // the installed version is the recommended one
	RuleIsLatest            Rule = "is-latest"           // the installed version is the latest one
	RuleNewerRelease        Rule = "newer-release"       // neither
	RuleSnapshotWithoutDate Rule = "snapshot-without-date"
	RuleSnapshotUpToDate    Rule = "snapshot-up-to-date"
	RuleSnapshotOutdated    Rule = "snapshot-outdated"
)

// Decision is why a status is what it is, enough to explain it later.
type Decision struct {
	Rule Rule `json:"rule"`

	// ProjectStatus is set for RuleProjectStatus.
	ProjectStatus string `json:"project_status,omitempty"`
	// Branches are the supported ones, set for RuleBranchUnsupported.
	Branches []string `json:"branches,omitempty"`

	// Release is the one that decided: the installed release when its own
	// state did, else the one it was measured against. Shared: not to be
	// changed. Nil when no release was involved.
	Release *Release `json:"release,omitempty"`
}

// Leeway in seconds between the packaging time a snapshot carries and the date
// of its release in the feed.
const snapshotLeeway = 100

// Evaluate judges one installed project.
func Evaluate(in Input) Verdict {
	if in.Fetch != Fetched {
		// Whatever the caller still has is not what Drupal would see.
		in.Feed = nil
	}
	in.Feed, in.CoreFeed = in.Feed.ready(), in.CoreFeed.ready()
	c := calculation{Input: in}
	c.verdict.InstallType = installType(in.Installed.Version)
	switch {
	case in.Fetch == NeverFetched:
		c.decide(Unknown, NoReleases, RuleNeverFetched, nil)
	case in.Fetch == FetchFailed:
		c.decide(NotFetched, FetchFailedReason, RuleFetchFailed, nil)
	case c.byProjectStatus():
	case in.Rules == Rules7:
		c.drupal7()
	default:
		c.modern()
	}
	c.report()
	c.coverage()
	c.coreCompatibility()
	return c.verdict
}

// UpdateAvailable tells whether there is a release to move to: one is
// recommended, it is not the installed one, and the project is not current.
func UpdateAvailable(v Verdict, installed string) bool {
	return v.Status != Current && v.Recommended != "" && v.Recommended != installed
}

// calculation is one run of Evaluate.
type calculation struct {
	Input
	verdict Verdict

	// What a walk through the releases remembers; nil when not found.
	recommended, latest, dev *Release
	// Whether the latest release is recommended where no other is.
	recommendLatest bool

	alsoMajors map[int64]struct{} // of verdict.Also, once there are many
}

// decide sets the status, over one set before.
func (c *calculation) decide(status Status, reason Reason, rule Rule, release *Release) {
	c.verdict.Status, c.verdict.Reason = status, reason
	c.verdict.Decided = Decision{Rule: rule, Release: release}
}

func (c *calculation) notice(notice Notice) {
	c.verdict.Notices = append(c.verdict.Notices, notice)
}

// byProjectStatus ends the calculation when the project as a whole is
// withdrawn; nothing else matters then.
func (c *calculation) byProjectStatus() bool {
	if c.Feed == nil {
		return false
	}
	switch c.Feed.ProjectStatus {
	case "insecure":
		c.decide(NotSecure, NoReason, RuleProjectStatus, nil)
		c.notice(ProjectNotSecure)
	case "unpublished", "revoked":
		c.decide(Revoked, NoReason, RuleProjectStatus, nil)
		c.notice(ProjectRevoked)
	case "unsupported":
		c.decide(NotSupported, NoReason, RuleProjectStatus, nil)
		c.notice(ProjectNotSupported)
	case "not-fetched":
		c.decide(NotFetched, FetchFailedReason, RuleProjectStatus, nil)
	default:
		return false
	}
	c.verdict.Decided.ProjectStatus = c.Feed.ProjectStatus
	return true
}

// also remembers a release of a higher major, if it is the first of it.
func (c *calculation) also(major int64, version string) {
	const few = 8
	if len(c.verdict.Also) < few {
		for _, other := range c.verdict.Also {
			if other.Major == major {
				return
			}
		}
	} else {
		// Only a hostile feed has that many.
		if c.alsoMajors == nil {
			c.alsoMajors = map[int64]struct{}{}
			for _, other := range c.verdict.Also {
				c.alsoMajors[other.Major] = struct{}{}
			}
		}
		if _, known := c.alsoMajors[major]; known {
			return
		}
		c.alsoMajors[major] = struct{}{}
	}
	c.verdict.Also = append(c.verdict.Also, Other{Major: major, Version: version})
}

// skipsSecurityOf tells whether a release's being a security update does not
// matter to the installed snapshot: because it is newer than the release, or
// because nothing can be known.
func (c *calculation) skipsSecurityOf(date int64, dateSet bool) bool {
	if c.verdict.InstallType != InstallDev {
		return false
	}
	return c.Installed.Datestamp == 0 || dateSet && c.Installed.Datestamp+snapshotLeeway > date
}

// conclude names what the walk found and, when no status is set yet, compares
// the installed version with it.
func (c *calculation) conclude(installed string) {
	v := &c.verdict
	switch {
	case c.recommended != nil:
		v.Recommended = c.recommended.Version
	case c.recommendLatest && c.latest != nil:
		c.recommended, v.Recommended = c.latest, c.latest.Key
	}
	if c.latest != nil {
		v.Latest = c.latest.Key
	}
	if c.dev != nil {
		v.DevVersion = c.dev.Key
	}
	switch {
	case v.Status != "":
	case c.recommended == nil:
		c.decide(Unknown, NoReleases, RuleNoReleases, nil)
	case v.InstallType == InstallOfficial:
		switch installed {
		case v.Recommended:
			c.decide(Current, NoReason, RuleIsRecommended, c.recommended)
		case v.Latest:
			c.decide(Current, NoReason, RuleIsLatest, c.latest)
		default:
			c.decide(NotCurrent, NoReason, RuleNewerRelease, c.recommended)
		}
	case v.InstallType == InstallDev:
		c.compareSnapshot()
	default:
		c.decide(Unknown, InvalidInfo, RuleInvalidVersion, nil)
	}
}

// compareSnapshot judges a development snapshot by its packaging time.
func (c *calculation) compareSnapshot() {
	reference := c.latest
	if c.dev != nil && (reference == nil || c.dev.Date > reference.Date) {
		reference = c.dev
	}
	var date int64
	if reference != nil {
		date = reference.Date
	}
	switch {
	case c.Installed.Datestamp == 0:
		c.decide(NotChecked, UnknownReleaseDate, RuleSnapshotWithoutDate, reference)
	case c.Installed.Datestamp+snapshotLeeway > date:
		c.decide(Current, NoReason, RuleSnapshotUpToDate, reference)
	default:
		c.decide(NotCurrent, NoReason, RuleSnapshotOutdated, reference)
	}
}

// majorOfBranch reads the major of a supported branch, such as 2 of "8.x-2."
// and "2.1."; ok is false for prefixes no version can be made of.
func majorOfBranch(branch string) (major int64, ok bool) {
	if !strings.HasSuffix(branch, ".") {
		return 0, false
	}
	version, err := ParseVersion(branch + "0")
	return version.Major, err == nil
}
