package releases

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"drumbeat/server/updatestatus"
)

// RulesVersion is the version of the rules and of the form verdicts are stored
// in. Raising it makes every process that starts re-judge what older rules
// judged.
const RulesVersion = 2

// FeedState is what is known of a feed when there is no release history to
// judge by. It is empty when there is one, be it old.
type FeedState string

// The states of a feed, as stored.
const (
	FeedNever     FeedState = "never"     // not asked yet
	FeedOK        FeedState = "ok"        // the content is what the source last said
	FeedMissing   FeedState = "missing"   // the source knows no such project
	FeedFailed    FeedState = "failed"    // the last request failed
	FeedMalformed FeedState = "malformed" // the last answer was no release history
)

// Release is one release as evidence of a verdict.
type Release struct {
	Version string   `json:"version"`
	Link    string   `json:"link,omitempty"`  // its notes; http or https
	Date    int64    `json:"date,omitempty"`  // Unix seconds; 0 when the feed has none
	Major   int64    `json:"major,omitempty"` // of what is also available
	Terms   []string `json:"terms,omitempty"` // such as "Security update", "Insecure"
	// Unpublished is set for a release that was withdrawn.
	Unpublished bool `json:"unpublished,omitempty"`
}

// StoredVerdict is a verdict on an installed version with its evidence, as the
// column module_versions.verdict holds it.
type StoredVerdict struct {
	Status      updatestatus.Status      `json:"status"`
	Reason      updatestatus.Reason      `json:"reason,omitempty"`
	InstallType updatestatus.InstallType `json:"install_type"`

	Recommended *Release  `json:"recommended,omitempty"`
	Latest      *Release  `json:"latest,omitempty"` // when it is not the recommended one
	Development *Release  `json:"development,omitempty"`
	Also        []Release `json:"also,omitempty"` // of higher majors, in the feed's order
	// SecurityUpdates are those for the installed version, oldest first.
	SecurityUpdates []Release `json:"security_updates,omitempty"`
	// Marked is the security release of the same branch that came first after an
	// installed release marked insecure: with it drupal.org marks those before
	// it, so that its date is since when. Nil where there is none.
	Marked *Release `json:"marked,omitempty"`
	// Fix is the version in the branch of the installed one that an insecure
	// release should be replaced by; empty when there is none.
	Fix string `json:"fix,omitempty"`

	Notices  []updatestatus.Notice  `json:"notices,omitempty"`
	Coverage *updatestatus.Coverage `json:"coverage,omitempty"` // of Drupal core

	// What decided: the rule, and the release, project status or supported
	// branches it went by.
	Rule          updatestatus.Rule `json:"rule"`
	Decided       *Release          `json:"decided,omitempty"`
	ProjectStatus string            `json:"project_status,omitempty"`
	Branches      []string          `json:"branches,omitempty"`

	// Platform is how long this version of Drupal core is cared for.
	Platform *updatestatus.Platform `json:"platform,omitempty"`
	// Override is what an administrator says instead; the status is theirs.
	Override *AppliedOverride `json:"override,omitempty"`

	// NoFeed says why there was no release history to judge by; empty when
	// there was one.
	NoFeed FeedState `json:"no_feed,omitempty"`
}

// AppliedOverride is an administrator's word that a verdict follows.
type AppliedOverride struct {
	// Instead is what the status would be without it.
	Instead updatestatus.Status `json:"instead"`
	Note    string              `json:"note"`   // what is so
	Reason  string              `json:"reason"` // why it is said
	Author  string              `json:"author"`
	Since   int64               `json:"since"`           // Unix seconds
	Until   int64               `json:"until,omitempty"` // Unix seconds; 0 until it is removed
}

// ParseVerdict reads the column module_versions.verdict. NULL is a version that
// nobody judged yet, which is unknown.
func ParseVerdict(column []byte) (StoredVerdict, error) {
	if len(column) == 0 {
		return StoredVerdict{Status: updatestatus.Unknown, Reason: updatestatus.NoReleases,
			Rule: updatestatus.RuleNeverFetched, NoFeed: FeedNever}, nil
	}
	var v StoredVerdict
	if err := json.Unmarshal(column, &v); err != nil {
		return StoredVerdict{}, fmt.Errorf("read a stored verdict: %w", err)
	}
	return v, nil
}

// judgement is a verdict as the columns of module_versions hold it.
type judgement struct {
	status, reason, class string
	recommended           string // "" for none
	updateAvailable       bool
	securityUpdate        bool
	platform              updatestatus.Platform // of Drupal core only
	verdict               []byte                // JSON of a StoredVerdict
}

// knownFeed is what is known of one feed when a version is judged.
type knownFeed struct {
	id, moduleID int64
	project      string
	series       string
	state        FeedState
	hash         []byte
	feed         *updatestatus.Feed // last good content; nil when there is none
	// overrides are those in force for the project when it was loaded.
	overrides []override
}

// noFeed says why there is nothing to judge by, empty when there is.
func (k *knownFeed) noFeed() FeedState {
	switch {
	case k.feed != nil:
		return ""
	case k.state == FeedOK:
		// Content that could not be read back.
		return FeedMalformed
	}
	return k.state
}

// judge gives the verdict on one installed version. now matters only for how
// long Drupal core is covered, and for overrides that end.
func judge(k *knownFeed, ruleSet updatestatus.RuleSet, version *string, datestamp int64, now time.Time) (judgement, error) {
	in := updatestatus.Input{
		Installed: updatestatus.Installed{
			Project: k.project, ProjectType: "module", Version: version, Datestamp: datestamp,
		},
		Feed:  k.feed,
		Rules: ruleSet,
		// Whole days, so that asking twice gives the same.
		Now: now.UTC().Truncate(24 * time.Hour),
	}
	if k.project == coreProject {
		in.Installed.ProjectType = "core"
		if version != nil {
			in.Installed.CoreVersion = *version
		}
	}
	switch k.noFeed() {
	case FeedNever:
		in.Fetch = updatestatus.NeverFetched
	case FeedFailed:
		in.Fetch = updatestatus.FetchFailed
	}
	v := updatestatus.Evaluate(in)
	stored := evidence(k, v)
	insecure := v.Status == updatestatus.NotSecure
	if o := k.overriding(version, now); o != nil {
		stored.Override = o.applied(v.Status)
		v.Status, v.Reason = o.status, updatestatus.NoReason
		stored.Status, stored.Reason = v.Status, v.Reason
	}
	// What an override replaces is told as well.
	if (insecure || v.Status == updatestatus.NotSecure) && version != nil {
		stored.Fix = k.fix(*version, v)
		stored.Marked = k.marked(*version, v)
	}
	var platform updatestatus.Platform
	if k.project == coreProject && version != nil {
		if platform = updatestatus.PlatformOf(*version, k.feed, in.Now); platform.State != "" {
			stored.Platform = &platform
		}
	}
	encoded, err := json.Marshal(stored)
	if err != nil {
		return judgement{}, fmt.Errorf("encode the verdict on %s: %w", k.project, err)
	}
	installed := ""
	if version != nil {
		installed = *version
	}
	return judgement{
		status: string(v.Status), reason: string(v.Reason), class: string(v.Status.Class()),
		recommended:     v.Recommended,
		updateAvailable: updatestatus.UpdateAvailable(v, installed),
		securityUpdate:  v.Status == updatestatus.NotSecure,
		platform:        platform,
		verdict:         encoded,
	}, nil
}

const coreProject = "drupal"

// evidence puts a verdict together with what it was based on.
func evidence(k *knownFeed, v updatestatus.Verdict) StoredVerdict {
	stored := StoredVerdict{
		Status: v.Status, Reason: v.Reason, InstallType: v.InstallType, Notices: v.Notices, Coverage: v.Coverage,
		Rule: v.Decided.Rule, ProjectStatus: v.Decided.ProjectStatus, Branches: v.Decided.Branches,
		NoFeed: k.noFeed(),
	}
	if v.Decided.Release != nil {
		stored.Decided = releaseEvidence(v.Decided.Release)
	}
	stored.Recommended = k.evidenceOf(v.Recommended)
	if v.Latest != v.Recommended {
		stored.Latest = k.evidenceOf(v.Latest)
	}
	if v.DevVersion != v.Recommended && v.DevVersion != v.Latest && v.InstallType == updatestatus.InstallDev {
		stored.Development = k.evidenceOf(v.DevVersion)
	}
	for _, other := range v.Also {
		r := k.evidenceOf(other.Version)
		r.Major = other.Major
		stored.Also = append(stored.Also, *r)
	}
	for _, update := range slices.Backward(v.SecurityUpdates) {
		stored.SecurityUpdates = append(stored.SecurityUpdates, *k.evidenceOf(update))
	}
	return stored
}

// evidenceOf describes a release by its version; nil for "".
func (k *knownFeed) evidenceOf(version string) *Release {
	if version == "" {
		return nil
	}
	if r := k.feed.Release(version); r != nil {
		return releaseEvidence(r)
	}
	return &Release{Version: version}
}

func releaseEvidence(r *updatestatus.Release) *Release {
	return &Release{
		Version: r.Key, Link: webLink(r.ReleaseLink), Date: plausibleDate(r.Date),
		Terms: termValues(r), Unpublished: r.Status == "unpublished",
	}
}

// fix finds the release that replaces an insecure one in its own branch: the
// first security update there, else the recommended release if it is of that
// branch and not the installed one.
func (k *knownFeed) fix(installed string, v updatestatus.Verdict) string {
	branch := k.branchOf(installed)
	if branch == "" {
		return ""
	}
	for _, update := range v.SecurityUpdates {
		if strings.HasPrefix(update, branch) {
			return update
		}
	}
	if v.Recommended != installed && strings.HasPrefix(v.Recommended, branch) {
		return v.Recommended
	}
	return ""
}

// marked finds the security release that an insecure one was marked with: of
// those of its branch that came after it, the first. Under Drupal 7's rules a
// security update alone makes a release insecure, and then the first one does.
func (k *knownFeed) marked(installed string, v updatestatus.Verdict) *Release {
	switch v.Decided.Rule {
	case updatestatus.RuleReleaseInsecure:
	case updatestatus.RuleSecurityUpdate:
		if n := len(v.SecurityUpdates); n > 0 {
			if r := k.evidenceOf(v.SecurityUpdates[n-1]); r.Date > 0 {
				return r
			}
		}
		return nil
	default:
		return nil
	}
	branch := k.branchOf(installed)
	own := k.feed.Release(installed)
	if branch == "" || own == nil {
		return nil
	}
	var first *updatestatus.Release
	for i := range k.feed.Releases {
		r := &k.feed.Releases[i]
		if r == own {
			break // what stands below came before
		}
		if r.SecurityUpdate() && strings.HasPrefix(r.Key, branch) && r.Date >= own.Date && plausibleDate(r.Date) > 0 &&
			(first == nil || r.Date <= first.Date) {
			first = r
		}
	}
	if first == nil {
		return nil
	}
	return releaseEvidence(first)
}

// branchOf is the part of a version that the releases of its branch share:
// "8.x-1." of 8.x-1.4, "2.1." of 2.1.3, "7.x-2." of 7.x-2.0; a supported branch
// of the feed goes first. Empty when there is none.
func (k *knownFeed) branchOf(version string) string {
	best := ""
	if k.feed != nil {
		for _, branch := range k.feed.SupportedBranches {
			if strings.HasPrefix(version, branch) && len(branch) > len(best) {
				best = branch
			}
		}
	}
	if best != "" {
		return best
	}
	if end := strings.LastIndexByte(version, '.'); end > 0 {
		return version[:end+1]
	}
	return ""
}

// maxTerms is how many terms of a release are kept; drupal.org gives three.
const maxTerms = 16

// termSeparator joins the terms of a release on their way into the database.
const termSeparator = "\x1f"

// termValues lists what the release is marked with.
func termValues(r *updatestatus.Release) []string {
	var values []string
	for _, term := range r.Terms {
		if len(values) < maxTerms && len(term.Value) <= 100 {
			values = append(values, strings.ReplaceAll(term.Value, termSeparator, " "))
		}
	}
	return values
}

// webLink keeps only what is safe to link to: a feed may come from anywhere.
func webLink(link string) string {
	if len(link) > 2048 || !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "http://") {
		return ""
	}
	return link
}

// plausibleDate keeps what PostgreSQL and people can take for a date.
func plausibleDate(unix int64) int64 {
	const year10000 = 253402300800
	if unix <= 0 || unix >= year10000 {
		return 0
	}
	return unix
}
