package releases

import (
	"fmt"
	"strings"
	"time"

	"drumbeat/server/updatestatus"
)

// Explain says in words why the verdict on an installed version is what it is.
// Version is as the site reports it, nil when it reports none.
func Explain(version *string, v StoredVerdict) string {
	e := explainer{v: v, installed: "The installed version"}
	if version != nil && *version != "" {
		e.installed = clip(*version)
	}
	sentences := []string{e.decision(version)}
	if o := v.Override; o != nil {
		sentences = []string{explainOverride(o)}
		// What the release history says is told as such.
		e.v.Status = o.Instead
		sentences = append(sentences, "Its release history says: "+e.decision(version))
	}
	if coverage := explainCoverage(v.Coverage); coverage != "" {
		sentences = append(sentences, coverage)
	}
	return strings.Join(sentences, " ")
}

type explainer struct {
	v         StoredVerdict
	installed string
}

// noFeed explains a verdict that had no release history to go by, if that is
// what decided.
func (e *explainer) noFeed() string {
	switch e.v.NoFeed {
	case FeedNever:
		return "No release information was fetched yet."
	case FeedFailed:
		return "The release information could not be fetched yet."
	case FeedMissing:
		return "drupal.org knows no project of this name."
	case FeedMalformed:
		return "What drupal.org answered for this project was no release information."
	}
	return "drupal.org lists no release of this project to compare with."
}

func (e *explainer) decision(version *string) string {
	switch e.v.Rule {
	case updatestatus.RuleNeverFetched, updatestatus.RuleFetchFailed:
		return e.noFeed()
	case updatestatus.RuleProjectStatus:
		return e.projectStatus()
	case updatestatus.RuleEmptyVersion:
		return "The site reports an empty version, so nothing can be said."
	case updatestatus.RuleInvalidVersion:
		if version == nil {
			return "No version is known: probably a checkout."
		}
		return e.installed + " is no version that Drupal understands."
	case updatestatus.RuleNoReleases:
		return e.noReleases(version)
	case updatestatus.RuleReleaseInsecure:
		return e.installed + " carries the mark Insecure" + e.since() + e.fix()
	case updatestatus.RuleReleaseUnpublished:
		return e.installed + " was withdrawn by its maintainers" + e.instead()
	case updatestatus.RuleReleaseUnsupported:
		return e.installed + " carries the mark Unsupported" + e.instead()
	case updatestatus.RuleBranchUnsupported:
		return "The branch of " + e.installed + " is no longer supported" + e.instead()
	case updatestatus.RuleMajorUnsupported:
		return "The major version of " + e.installed + " is no longer supported" + e.instead()
	case updatestatus.RuleSecurityUpdate:
		return e.securityUpdate()
	case updatestatus.RuleIsRecommended:
		return e.installed + " is the recommended release."
	case updatestatus.RuleIsLatest:
		return e.installed + " is the latest release" + e.recommendedBeside()
	case updatestatus.RuleNewerRelease:
		return e.newer()
	case updatestatus.RuleSnapshotWithoutDate:
		return e.installed + " is a development snapshot without a packaging date, so it cannot be compared."
	case updatestatus.RuleSnapshotUpToDate:
		return e.installed + " is a development snapshot as new as" + e.reference() + "."
	case updatestatus.RuleSnapshotOutdated:
		return e.installed + " is a development snapshot older than" + e.reference() + e.goTo()
	}
	return "The verdict is " + string(e.v.Status) + "."
}

func (e *explainer) projectStatus() string {
	switch e.v.Status {
	case updatestatus.NotSecure:
		return "drupal.org marks the whole project as insecure: it should be removed."
	case updatestatus.Revoked:
		return "The whole project was withdrawn from drupal.org: it should be removed."
	case updatestatus.NotSupported:
		return "The whole project is no longer supported: it should be replaced."
	}
	return "drupal.org has no release information for this project at the moment."
}

func (e *explainer) noReleases(version *string) string {
	if e.v.NoFeed != "" {
		return e.noFeed()
	}
	if version == nil {
		return "No version is known: probably a checkout."
	}
	if len(e.v.Also) > 0 {
		return "No release is recommended for " + e.installed + e.also()
	}
	return e.noFeed()
}

func (e *explainer) securityUpdate() string {
	if n := len(e.v.SecurityUpdates); n > 1 {
		return fmt.Sprintf("%d security updates came out since %s%s", n, e.installed, e.goTo())
	}
	if len(e.v.SecurityUpdates) == 1 {
		return clip(e.v.SecurityUpdates[0].Version) + " is a security update for " + e.installed + "."
	}
	return "There is a security update for " + e.installed + "."
}

func (e *explainer) newer() string {
	text := e.installed
	if r := e.v.Recommended; r != nil {
		text += " is not the recommended release; " + clip(r.Version) + " is"
	} else {
		text += " is not the latest release"
	}
	switch n := len(e.v.SecurityUpdates); {
	case n == 1:
		text += ", and " + clip(e.v.SecurityUpdates[0].Version) + " is a security update"
	case n > 1:
		text += fmt.Sprintf(", and %d security updates lie between", n)
	}
	return text + "."
}

// since says since when, where that is known.
func (e *explainer) since() string {
	if e.v.Marked == nil || e.v.Marked.Date <= 0 {
		return ""
	}
	return " since " + day(e.v.Marked.Date)
}

// explainOverride says what an administrator says, why and until when.
func explainOverride(o *AppliedOverride) string {
	text := "An administrator says: " + sentence(o.Note) + " (" + o.Reason + "; " + o.Author + ", " + day(o.Since)
	if o.Until > 0 {
		text += ", until " + day(o.Until)
	}
	return text + ".)"
}

// sentence ends a text with a full stop.
func sentence(s string) string {
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// day writes Unix seconds as a date.
func day(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.DateOnly) }

// ExplainPlatform says in words how long a version of Drupal core is cared for;
// empty when that is not known.
func ExplainPlatform(coreVersion string, state updatestatus.PlatformState, end string) string {
	major, rest, _ := strings.Cut(coreVersion, ".")
	minor, _, _ := strings.Cut(rest, ".")
	name := "Drupal " + clip(major) + "." + clip(minor)
	byVersion := strings.Contains(end, ".")
	switch state {
	case updatestatus.PlatformEnded:
		return "Drupal " + clip(major) + " reached its end of life on " + end + ": nothing of it gets security fixes any more."
	case updatestatus.PlatformMinorEnded:
		if byVersion {
			return "Security fixes for " + name + " ended with the release of " + clip(end) + "."
		}
		return "Security fixes for " + name + " ended on " + end + "."
	case updatestatus.PlatformEnding, updatestatus.PlatformSupported:
		only := ""
		if state == updatestatus.PlatformEnding {
			only = "only "
		}
		if byVersion {
			return name + " gets security fixes " + only + "until the release of " + clip(end) + "."
		}
		if end != "" {
			return name + " gets security fixes " + only + "until " + end + "."
		}
	}
	return ""
}

// fix ends the sentence on an insecure release.
func (e *explainer) fix() string {
	if e.v.Fix != "" {
		return "; " + clip(e.v.Fix) + " in the same branch fixes it."
	}
	if text := e.goTo(); text != "." {
		return text
	}
	return ", and no release of its major version fixes it" + e.also()
}

// instead ends a sentence on what should not be used any more.
func (e *explainer) instead() string {
	if r := e.v.Recommended; r != nil && clip(r.Version) != e.installed {
		return "; " + clip(r.Version) + " is recommended."
	}
	if len(e.v.Also) == 0 {
		return ", and there is no release to go to."
	}
	return e.also()
}

// goTo ends a sentence with the release to go to.
func (e *explainer) goTo() string {
	if r := e.v.Recommended; r != nil && clip(r.Version) != e.installed {
		return "; " + clip(r.Version) + " is recommended."
	}
	return "."
}

// also ends a sentence with the releases of higher majors.
func (e *explainer) also() string {
	const most = 3
	var versions []string
	for i, r := range e.v.Also {
		if i == most {
			break
		}
		versions = append(versions, clip(r.Version))
	}
	if len(versions) == 0 {
		return "."
	}
	return "; also available: " + strings.Join(versions, ", ") + "."
}

func (e *explainer) recommendedBeside() string {
	if r := e.v.Recommended; r != nil && clip(r.Version) != e.installed {
		return "; " + clip(r.Version) + " is the recommended one."
	}
	return "."
}

// reference names the release that a snapshot was compared with.
func (e *explainer) reference() string {
	r := e.v.Decided
	if r == nil {
		return " the latest release"
	}
	text := " " + clip(r.Version)
	if r.Date > 0 {
		text += " of " + day(r.Date)
	}
	return text
}

// explainCoverage says until when a minor of Drupal core gets security fixes.
func explainCoverage(c *updatestatus.Coverage) string {
	if c == nil {
		return ""
	}
	until := ""
	switch {
	case c.EndDate != "":
		until = c.EndDate
	case c.EndVersion != "":
		until = "the release of " + clip(c.EndVersion)
	}
	switch c.State {
	case updatestatus.Covered:
		return "This minor gets security fixes until " + until + "."
	case updatestatus.CoverageEnding:
		text := "This minor gets security fixes only until " + until
		if c.UpdateTo != "" {
			text += "; go to " + clip(c.UpdateTo) + " or higher"
		}
		return text + "."
	case updatestatus.CoverageEnded:
		if c.EndDate != "" {
			return "Security fixes for this minor ended on " + until + "."
		}
		return "Security fixes for this minor ended with " + until + "."
	}
	return ""
}

// clip keeps versions, which may come from a hostile site, readable.
func clip(version string) string {
	const most = 60
	if len(version) <= most {
		return version
	}
	return strings.ToValidUTF8(version[:most], "") + "…"
}
