package updatestatus

// modern is the calculation of Drupal 10 and later. Its steps are in Drupal's
// order, which matters; where 10.0 to 10.2 differ is marked by c.Rules.
func (c *calculation) modern() {
	installed := "Unknown"
	if c.Installed.Version != nil {
		installed = *c.Installed.Version
	}
	if installed == "" {
		c.decide(Unknown, EmptyVersion, RuleEmptyVersion, nil)
		return
	}
	version, err := ParseVersion(installed)
	if err != nil {
		c.decide(Unknown, InvalidVersion, RuleInvalidVersion, nil)
		return
	}
	if c.Feed == nil || len(c.Feed.Releases) == 0 {
		c.decide(Unknown, NoReleases, RuleNoReleases, nil)
		return
	}

	target := c.targetMajor(installed, version.Major)
	w := modernWalk{calculation: c, installed: installed, target: target}
	for i := range c.Feed.Releases {
		if w.visit(&c.Feed.Releases[i]) {
			break
		}
	}
	c.recommendLatest = w.lastSupported || c.Rules == Rules10_2
	c.conclude(installed)
}

// targetMajor finds the major to recommend releases of. A version outside of
// the supported branches is provisionally unsupported.
func (c *calculation) targetMajor(installed string, own int64) int64 {
	if c.Feed.inSupportedBranch(installed) || len(c.Feed.SupportedBranches) == 0 {
		return own
	}
	c.decide(NotSupported, NoReason, RuleBranchUnsupported, nil)
	c.verdict.Decided.Branches = c.Feed.SupportedBranches
	target := own
	for _, branch := range c.Feed.SupportedBranches {
		major, ok := majorOfBranch(branch)
		if !ok {
			continue
		}
		target = major
		// Older cores went on to the last branch, newer ones take the first.
		if c.Rules != Rules10_2 {
			break
		}
	}
	// Never a downgrade.
	return max(target, own)
}

// modernWalk is the walk through the releases, newest first as a rule.
type modernWalk struct {
	*calculation
	installed string
	target    int64

	lastSupported bool     // of the last valid release seen
	group         string   // version without extra of the group being walked
	groupFirst    *Release // first release of that group, nil before any
}

// visit looks at one release; true ends the walk.
func (w *modernWalk) visit(r *Release) bool {
	if !r.valid {
		return false
	}
	w.lastSupported = r.supported()
	isInstalled := r.Key == w.installed
	if isInstalled {
		w.visitInstalled(r)
	} else {
		if !r.Published() || r.insecure || !r.supported() {
			return false
		}
		if r.parsed.Dev() && !r.DateSet {
			return false
		}
	}
	if r.parsed.Major > w.target {
		w.also(r.parsed.Major, r.Key)
		return false
	}
	inTarget := r.parsed.Major == w.target
	if inTarget {
		if w.latest == nil {
			w.latest = r
		}
		if w.dev == nil && r.parsed.Dev() {
			w.dev = r
		}
		w.visitCandidate(r)
	}
	if isInstalled {
		return true
	}
	if w.skipsSecurityOf(r.Date, r.Date != 0) {
		return false
	}
	if r.security {
		w.verdict.SecurityUpdates = append(w.verdict.SecurityUpdates, r.Version)
	}
	return false
}

// visitInstalled judges the installed release by its own state.
func (w *modernWalk) visitInstalled(r *Release) {
	switch {
	case r.insecure:
		w.decide(NotSecure, NoReason, RuleReleaseInsecure, r)
	case !r.Published():
		w.decide(Revoked, NoReason, RuleReleaseUnpublished, r)
		w.notice(ReleaseRevoked)
	case r.unsupport:
		w.decide(NotSupported, NoReason, RuleReleaseUnsupported, r)
		w.noticeUnsupported()
	case !r.inBranch && w.Rules != Rules10_2:
		w.decide(NotSupported, NoReason, RuleBranchUnsupported, r)
		w.verdict.Decided.Branches = w.Feed.SupportedBranches
		w.noticeUnsupported()
	}
}

// noticeUnsupported says so, and since 10.3 also that there is nothing to move
// to if nothing was found so far.
func (w *modernWalk) noticeUnsupported() {
	if w.Rules != Rules10_2 && w.recommended == nil && len(w.verdict.Also) == 0 {
		w.notice(ReleaseNotSupportedNoUpdate)
	} else {
		w.notice(ReleaseNotSupported)
	}
}

// visitCandidate looks for the recommended release: the first one of the first
// group of releases that has a member without extra.
func (w *modernWalk) visitCandidate(r *Release) {
	if w.recommended != nil || (w.Rules != Rules10_2 && !r.supported()) {
		return
	}
	if group := r.parsed.withoutExtra(r.Version); w.groupFirst == nil || group != w.group {
		w.group, w.groupFirst = group, r
	}
	if !r.parsed.HasExtra {
		w.recommended = w.groupFirst
	}
}
