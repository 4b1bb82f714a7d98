package updatestatus

import (
	"slices"
	"strings"
)

// drupal7 is the calculation of Drupal 7. There is no validation of releases,
// and majors and patch levels are those the feed states.
func (c *calculation) drupal7() {
	installed := "Unknown"
	if c.Installed.Version != nil {
		installed = *c.Installed.Version
	}
	if c.Feed == nil || len(c.Feed.Releases) == 0 {
		c.decide(Unknown, NoReleases, RuleNoReleases, nil)
		return
	}
	supported, target := c.drupal7Target(drupal7Major(installed))
	w := drupal7Walk{calculation: c, installed: installed, supported: supported, target: target}
	for i := range c.Feed.Releases {
		if w.visit(&c.Feed.Releases[i]) {
			break
		}
	}
	c.recommendLatest = true
	if len(c.verdict.SecurityUpdates) > 0 {
		c.decide(NotSecure, NoReason, RuleSecurityUpdate, c.Feed.Release(c.verdict.SecurityUpdates[0]))
	}
	c.conclude(installed)
}

// drupal7Target finds the supported majors and the major to recommend releases
// of. An unsupported major makes the project provisionally unsupported.
func (c *calculation) drupal7Target(own int64) (supported []string, target int64) {
	switch {
	case c.Feed.SupportedMajors != nil:
		supported = strings.Split(*c.Feed.SupportedMajors, ",")
	case c.Feed.DefaultMajor != nil:
		supported = []string{*c.Feed.DefaultMajor}
	}
	switch {
	case containsMajor(supported, own):
		target = own
	case c.Feed.RecommendedMajor != nil:
		target = toInteger(*c.Feed.RecommendedMajor)
		c.decide(NotSupported, NoReason, RuleMajorUnsupported, nil)
		c.verdict.Decided.Branches = supported
	case c.Feed.DefaultMajor != nil:
		target = toInteger(*c.Feed.DefaultMajor)
	default:
		target = own
	}
	// Never a downgrade.
	return supported, max(target, own)
}

// drupal7Walk is the walk through the releases, newest first as a rule.
type drupal7Walk struct {
	*calculation
	installed string
	supported []string
	target    int64

	patch      *string  // patch level being walked
	patchFirst *Release // first release of that patch level
}

// visit looks at one release; true ends the walk.
func (w *drupal7Walk) visit(r *Release) bool {
	isInstalled := r.Key == w.installed
	unpublished := r.Status == "unpublished"
	if isInstalled {
		switch {
		case r.insecure:
			w.decide(NotSecure, NoReason, RuleReleaseInsecure, r)
		case unpublished:
			w.decide(Revoked, NoReason, RuleReleaseUnpublished, r)
			w.notice(ReleaseRevoked)
		case r.unsupport:
			w.decide(NotSupported, NoReason, RuleReleaseUnsupported, r)
			w.notice(ReleaseNotSupported)
		}
	}
	// The installed release is passed over as well, so the walk then goes on to
	// older ones.
	if unpublished || r.insecure || r.unsupport {
		return false
	}
	if r.VersionMajor != nil {
		major := toInteger(*r.VersionMajor)
		if major > w.target {
			if containsMajor(w.supported, major) {
				w.also(major, r.Key)
			}
			return false
		}
		if major == w.target {
			w.visitTarget(r)
		}
	}
	if isInstalled {
		return true
	}
	if !w.skipsSecurityOf(r.Date, r.DateSet) && r.security {
		w.verdict.SecurityUpdates = append(w.verdict.SecurityUpdates, r.Version)
	}
	return false
}

// visitTarget looks at a release of the target major.
func (w *drupal7Walk) visitTarget(r *Release) {
	if w.latest == nil {
		w.latest = r
	}
	if w.dev == nil && r.VersionExtra == "dev" {
		w.dev = r
	}
	if w.recommended != nil || r.VersionPatch == nil {
		return
	}
	if w.patch == nil || *w.patch != *r.VersionPatch {
		w.patch, w.patchFirst = r.VersionPatch, r
	}
	if r.VersionExtra == "" || r.VersionExtra == "0" {
		w.recommended = w.patchFirst
	}
}

// drupal7Major reads the major of a version like "7.x-2.1", "7.x-2.x-dev" or
// "7.30"; -1 when there is none.
func drupal7Major(version string) int64 {
	if core := digits(version); core > 0 && strings.HasPrefix(version[core:], ".x-") {
		if major, ok := leadingMajor(version[core+len(".x-"):]); ok {
			return major
		}
	}
	if major, ok := leadingMajor(version); ok {
		return major
	}
	return -1
}

func leadingMajor(version string) (int64, bool) {
	n := digits(version)
	if n == 0 || !strings.HasPrefix(version[n:], ".") {
		return 0, false
	}
	return toInteger(version[:n]), true
}

func containsMajor(majors []string, major int64) bool {
	return slices.ContainsFunc(majors, func(m string) bool {
		return isNumeric(m) && toInteger(m) == major
	})
}
