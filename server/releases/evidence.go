package releases

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"drumbeat/gen/db"
	"drumbeat/server/platform/fault"
	"drumbeat/server/updatestatus"
)

// Evidence is all that a verdict on a project of a site rests on.
type Evidence struct {
	Verdict StoredVerdict
	Version *string // as the site reports it
	RuleSet updatestatus.RuleSet
	// What decided, and which rules these are, in words.
	RuleText, RuleSetText string
	Feed                  FeedEvidence

	// Installed is what the feed says of the installed release; nil when it does
	// not list it. The others are nil where there is none.
	Installed, Deciding, Recommended, Latest, Development *ReleaseEvidence
	Also                                                  []ReleaseEvidence
	// SecurityUpdates are the security releases after the installed one up to the
	// recommended, oldest first: those that Drupal lists, and those that it does
	// not because they are insecure themselves by now.
	SecurityUpdates []ReleaseEvidence
	Branches        []string // supported ones

	InsecureSince *InsecureSince // of what is insecure
	// ExposedSince is since when the site runs what is known to be insecure.
	ExposedSince *time.Time

	CoverageText, CoverageBasis string // of Drupal core
	JudgedAt                    *time.Time
	Changes                     []VerdictChange // newest first, at most 20
}

// FeedEvidence is the release history that a verdict rests on.
type FeedEvidence struct {
	Series, Source string
	State          FeedState
	StateText      string
	FetchedAt      *time.Time // nil: there is no data
	ChangedAt      *time.Time
	CheckedAt      *time.Time
	NextCheckAt    *time.Time
}

// ReleaseEvidence is a release as the feed has it now.
type ReleaseEvidence struct {
	Release
	Coverage string // what drupal.org says of its coverage by the security team
	// Cores tells which versions of core it can be used with; nil where Drupal
	// would say nothing.
	Cores *updatestatus.Compatibility
}

// SinceBasis says where the moment is from since when a release is insecure.
type SinceBasis int

// The bases.
const (
	// SinceSecurityRelease: the date of the first security release of the branch
	// that followed.
	SinceSecurityRelease SinceBasis = iota + 1
	// SinceFirstSeen: when it was first judged so here.
	SinceFirstSeen
	// SinceOverride: an administrator says so since then.
	SinceOverride
)

// InsecureSince is since when a release counts as insecure, as far as is known.
type InsecureSince struct {
	At      time.Time
	Basis   SinceBasis
	Release string // of SinceSecurityRelease
	Text    string
}

// VerdictChange is a moment at which the status of a version changed.
type VerdictChange struct {
	At   time.Time
	From updatestatus.Status // empty: there was none
	To   updatestatus.Status
	Why  string // in words
}

// mostChanges bounds how far back evidence goes.
const mostChanges = 20

// Evidence tells what the verdict on a project of a site rests on. The caller
// has made sure that the site may be asked about. The error is of kind
// fault.NotFound where the site has no such project.
func (r *Reader) Evidence(ctx context.Context, siteID int64, module string) (Evidence, error) {
	row, err := r.q.SiteModuleEvidence(ctx, db.SiteModuleEvidenceParams{SiteID: siteID, ModuleName: module})
	if errors.Is(err, pgx.ErrNoRows) {
		return Evidence{}, fault.New(fault.NotFound, "the site has no such project")
	}
	if err != nil {
		return Evidence{}, fmt.Errorf("read the verdict on %s: %w", module, err)
	}
	verdict, err := ParseVerdict(row.Verdict)
	if err != nil {
		return Evidence{}, err
	}
	e := Evidence{
		Verdict: verdict, Version: row.VersionNumber, RuleSet: updatestatus.RuleSet(row.RuleSet),
		RuleText: ruleTexts[verdict.Rule], RuleSetText: ruleSetTexts[updatestatus.RuleSet(row.RuleSet)],
		Feed: feedEvidence(&row, r.source), JudgedAt: row.JudgedAt,
	}
	own, core, err := r.feedsFor(ctx, row.ModuleID, e.RuleSet)
	if err != nil {
		return Evidence{}, err
	}
	e.releases(own, r.coreMessages(&row, own, core))
	if c := verdict.Coverage; c != nil {
		e.CoverageText, e.CoverageBasis = explainCoverage(c), coverageBasis(c)
	}
	changes, err := r.q.VerdictChanges(ctx, db.VerdictChangesParams{VersionID: row.VersionID, Most: mostChanges})
	if err != nil {
		return Evidence{}, fmt.Errorf("read how the verdict on %s changed: %w", module, err)
	}
	for _, c := range changes {
		change := VerdictChange{At: c.ChangedAt, To: updatestatus.Status(c.ToStatus), Why: changeTexts[c.Reason]}
		if c.FromStatus != nil {
			change.From = updatestatus.Status(*c.FromStatus)
		}
		e.Changes = append(e.Changes, change)
	}
	if verdict.Status == updatestatus.NotSecure {
		if since := e.insecureSince(); since != nil {
			e.InsecureSince = since
			exposed := since.At
			if row.ValidFrom.After(exposed) {
				exposed = row.ValidFrom
			}
			e.ExposedSince = &exposed
		}
	}
	return e, nil
}

// feedsFor loads the feed of a project and that of core, in the series of the
// rules; nil where there is none.
func (r *Reader) feedsFor(ctx context.Context, module int64, rules updatestatus.RuleSet) (own, core *knownFeed, err error) {
	modules := []int64{module}
	rows, err := r.q.FindModules(ctx, []string{coreProject})
	if err != nil {
		return nil, nil, fmt.Errorf("find Drupal core: %w", err)
	}
	for _, row := range rows {
		modules = append(modules, row.ID)
	}
	known, err := r.judges.load(ctx, r.q, distinct(modules))
	if err != nil {
		return nil, nil, err
	}
	own = known[feedKey{module, rules.Series()}]
	for _, row := range rows {
		core = known[feedKey{row.ID, rules.Series()}]
	}
	return own, core, nil
}

// coreMessages tells of the releases on offer which cores they can be used with,
// of those that this site could go to.
func (r *Reader) coreMessages(row *db.SiteModuleEvidenceRow, own, core *knownFeed) map[string]updatestatus.Compatibility {
	if own == nil || own.feed == nil || core == nil || core.feed == nil || own.project == coreProject {
		return nil
	}
	return updatestatus.Evaluate(updatestatus.Input{
		Installed: updatestatus.Installed{
			Project: own.project, ProjectType: row.ProjectType, Version: row.VersionNumber, Datestamp: row.Datestamp,
			CoreVersion: row.CoreVersion,
		},
		Feed: own.feed, CoreFeed: core.feed, Now: r.now().UTC().Truncate(24 * time.Hour),
		Rules: updatestatus.RuleSet(row.RuleSet),
	}).CoreCompatibility
}

// releases describes the releases of the verdict as the feed has them now.
func (e *Evidence) releases(own *knownFeed, cores map[string]updatestatus.Compatibility) {
	describe := func(r *Release) *ReleaseEvidence {
		if r == nil {
			return nil
		}
		d := ReleaseEvidence{Release: *r}
		if own != nil && own.feed != nil {
			if now := own.feed.Release(r.Version); now != nil {
				major := d.Major
				d.Release, d.Coverage = *releaseEvidence(now), cut(now.SecurityText, 500)
				d.Major = major
			}
		}
		if c, ok := cores[r.Version]; ok {
			d.Cores = &c
		}
		return &d
	}
	if own != nil && own.feed != nil {
		e.Branches = own.feed.SupportedBranches
		if e.Version != nil {
			if r := own.feed.Release(*e.Version); r != nil {
				e.Installed = describe(releaseEvidence(r))
			}
		}
	}
	v := &e.Verdict
	e.Deciding, e.Recommended = describe(v.Decided), describe(v.Recommended)
	e.Latest, e.Development = describe(v.Latest), describe(v.Development)
	for i := range v.Also {
		e.Also = append(e.Also, *describe(&v.Also[i]))
	}
	skipped := v.SecurityUpdates
	if e.Installed != nil {
		skipped = own.securityBetween(*e.Version, v.Recommended)
	}
	for i := range skipped {
		e.SecurityUpdates = append(e.SecurityUpdates, *describe(&skipped[i]))
	}
}

// securityBetween lists the published security releases that came after an
// installed one, up to the recommended one, oldest first. Without a recommended
// one those of its own major count.
func (k *knownFeed) securityBetween(installed string, recommended *Release) []Release {
	lowest, ok := majorOf(installed)
	if !ok {
		return nil
	}
	highest := lowest
	if recommended != nil {
		if recommended.Version == installed {
			return nil
		}
		if major, ok := majorOf(recommended.Version); ok {
			highest = max(highest, major)
		}
	}
	own := k.feed.Release(installed)
	var last *updatestatus.Release
	if recommended != nil {
		last = k.feed.Release(recommended.Version)
	}
	var between []Release
	for i := range k.feed.Releases {
		r := &k.feed.Releases[i]
		if r == own {
			break
		}
		major, ok := majorOf(r.Key)
		if !ok || major < lowest || major > highest || !r.SecurityUpdate() || !r.Published() ||
			own.Date > 0 && r.Date > 0 && r.Date < own.Date || last != nil && last.Date > 0 && r.Date > last.Date {
			continue
		}
		between = append(between, *releaseEvidence(r))
	}
	slices.Reverse(between)
	slices.SortStableFunc(between, func(a, b Release) int { return cmp.Compare(a.Date, b.Date) })
	return between
}

// majorOf is the major of a version of a project, under any rules.
func majorOf(version string) (int64, bool) {
	if rest, ok := strings.CutPrefix(version, "7.x-"); ok {
		version = rest
	}
	v, err := updatestatus.ParseVersion(version)
	return v.Major, err == nil
}

// insecureSince finds out since when, from the best there is; nil where nothing
// says so.
func (e *Evidence) insecureSince() *InsecureSince {
	v := &e.Verdict
	if o := v.Override; o != nil && o.Instead != updatestatus.NotSecure {
		return &InsecureSince{
			At: time.Unix(o.Since, 0).UTC(), Basis: SinceOverride,
			Text: "An administrator says so since " + day(o.Since) + ".",
		}
	}
	if m := v.Marked; m != nil && m.Date > 0 {
		return &InsecureSince{
			At: time.Unix(m.Date, 0).UTC(), Basis: SinceSecurityRelease, Release: m.Version,
			Text: "Since " + day(m.Date) + ": that is the date of " + clip(m.Version) +
				", the first security release after it in the same branch. With it drupal.org marks the releases before.",
		}
	}
	at := e.JudgedAt
	for _, c := range e.Changes {
		if c.To == updatestatus.NotSecure {
			at = &c.At
			break
		}
	}
	if at == nil {
		return nil
	}
	return &InsecureSince{
		At: at.UTC(), Basis: SinceFirstSeen,
		Text: "Since " + at.UTC().Format(time.DateOnly) + " at the latest: then it was first judged so here. " +
			"The release history does not say since when.",
	}
}

func feedEvidence(row *db.SiteModuleEvidenceRow, source string) FeedEvidence {
	f := FeedEvidence{
		Series: updatestatus.RuleSet(row.RuleSet).Series(), Source: source, State: FeedNever,
		FetchedAt: row.FetchedAt, ChangedAt: row.ChangedAt, CheckedAt: row.CheckedAt, NextCheckAt: row.NextCheckAt,
	}
	if _, server, own := splitProject(row.ModuleName); own {
		f.Source = server
	}
	failure := ""
	if row.State != nil {
		f.State = FeedState(*row.State)
	}
	if row.Error != nil && *row.Error != "" {
		failure = ": " + *row.Error
	}
	old := "; there is no earlier data"
	if f.FetchedAt != nil {
		old = "; the last good data stays in force"
	}
	switch f.State {
	case FeedNever:
		f.StateText = "Not asked for yet."
	case FeedOK:
		f.StateText = "As the source last said."
	case FeedMissing:
		f.StateText = "The source knows no such project" + old + "."
	case FeedFailed:
		f.StateText = "The last request failed" + failure + old + "."
	case FeedMalformed:
		f.StateText = "The last answer was no release history" + failure + old + "."
	}
	return f
}

// coverageBasis says which data the end of core's coverage is from.
func coverageBasis(c *updatestatus.Coverage) string {
	if c.EndDate != "" {
		return "the end dates that Drupal core publishes for the last minors of a major"
	}
	return "the releases of Drupal core: a minor is covered until the second one after it comes out"
}

var ruleTexts = map[updatestatus.Rule]string{
	updatestatus.RuleNeverFetched:        "The release history was not asked for yet, so nothing can be said.",
	updatestatus.RuleFetchFailed:         "The release history could not be fetched, so nothing can be said.",
	updatestatus.RuleProjectStatus:       "The state of the whole project decides before any of its releases.",
	updatestatus.RuleEmptyVersion:        "The site reports an empty version.",
	updatestatus.RuleInvalidVersion:      "The site reports no version, or one that Drupal cannot read.",
	updatestatus.RuleNoReleases:          "The release history has no release to recommend.",
	updatestatus.RuleReleaseInsecure:     "The installed release itself carries the mark Insecure.",
	updatestatus.RuleReleaseUnpublished:  "The installed release was withdrawn.",
	updatestatus.RuleReleaseUnsupported:  "The installed release itself carries the mark Unsupported.",
	updatestatus.RuleBranchUnsupported:   "The installed version begins with none of the supported branches.",
	updatestatus.RuleMajorUnsupported:    "The major of the installed version is none of the supported ones.",
	updatestatus.RuleSecurityUpdate:      "Under the rules of Drupal 7 any security update makes the installed release insecure.",
	updatestatus.RuleIsRecommended:       "The installed release is the recommended one.",
	updatestatus.RuleIsLatest:            "The installed release is the latest of its major.",
	updatestatus.RuleNewerRelease:        "The installed release is neither the recommended nor the latest one of its major.",
	updatestatus.RuleSnapshotWithoutDate: "A development snapshot is compared by its date, and this one has none.",
	updatestatus.RuleSnapshotUpToDate:    "The development snapshot is not older than the release that it is compared with.",
	updatestatus.RuleSnapshotOutdated:    "The development snapshot is older than the release that it is compared with.",
}

var ruleSetTexts = map[updatestatus.RuleSet]string{
	updatestatus.RulesCurrent: "the rules of Drupal 10.3 and later",
	updatestatus.Rules10_2:    "the rules of Drupal 10.0 to 10.2",
	updatestatus.Rules7:       "the rules of Drupal 7",
}

var changeTexts = map[string]string{
	"report":   "A site reported this version for the first time.",
	"feed":     "The release history changed.",
	"rules":    "A new version of Drumbeat judges by newer rules.",
	"coverage": "A date of security coverage passed.",
	"override": "An administrator said something else, or took it back.",
	"before":   "In force when changes began to be kept.",
}
