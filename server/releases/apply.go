package releases

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
	"drumbeat/server/updatestatus"
)

// applier writes what was learnt of feeds, and the verdicts that follow.
type applier struct {
	pool   *pgxpool.Pool
	judges *judges
	now    func() time.Time
}

// check is the result of asking for one feed.
type check struct {
	feed  claimed
	state FeedState
	// err says in words what was wrong; empty for FeedOK.
	err                string
	etag, lastModified string
	checkedAt          time.Time
	nextCheckAt        time.Time
	// confirmed is set when the source said what the content is, new or not.
	confirmed bool

	// Only for content that differs from what is stored.
	content []byte // packed
	hash    []byte
	parsed  *updatestatus.Feed
}

// claimed is a feed that this process asks for.
type claimed struct {
	id, moduleID       int64
	project, series    string
	state              FeedState
	failures           int
	etag, lastModified string
	hash               []byte
	inUse              bool
	checkedBefore      bool
}

// changesVerdicts tells whether verdicts may depend on what the check brought.
func (c *check) changesVerdicts() bool {
	return c.content != nil || len(c.feed.hash) == 0 && c.state != c.feed.state
}

// failures is how often in a row the feed could not be had.
func (c *check) failures() int32 {
	if c.state == FeedFailed || c.state == FeedMalformed {
		return int32(min(c.feed.failures+1, 1000))
	}
	return 0
}

// apply writes checks down and, where verdicts depend on them, judges anew and
// starts a spread. It says how many verdicts changed.
func (a *applier) apply(ctx context.Context, checks []check) (changed int, err error) {
	decisive := make([]check, 0, len(checks))
	var rest []check
	for _, c := range checks {
		if c.changesVerdicts() {
			decisive = append(decisive, c)
		} else {
			rest = append(rest, c)
		}
	}
	if len(rest) > 0 {
		if err := recordChecks(ctx, db.New(a.pool), rest); err != nil {
			return 0, err
		}
	}
	if len(decisive) == 0 {
		return 0, nil
	}
	err = pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := lockCounting(ctx, q); err != nil {
			return err
		}
		if err := recordChecks(ctx, q, decisive); err != nil {
			return err
		}
		if err := a.storeContents(ctx, q, decisive); err != nil {
			return err
		}
		modules := make([]int64, 0, len(decisive))
		names := make([]string, 0, len(decisive))
		for _, c := range decisive {
			modules = append(modules, c.feed.moduleID)
			names = append(names, c.feed.project)
		}
		changed, err = a.rejudge(ctx, q, distinct(modules), "feed: "+summary(names))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("apply %d changed feeds: %w", len(decisive), err)
	}
	return changed, nil
}

// summary names the first few of a list.
func summary(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// lockCounting keeps reports and first verdicts out until the transaction ends.
func lockCounting(ctx context.Context, q *db.Queries) error {
	for _, key := range []int64{countingLock, catalogLock} {
		if err := q.LockCounting(ctx, key); err != nil {
			return fmt.Errorf("take the counting lock: %w", err)
		}
	}
	return nil
}

func recordChecks(ctx context.Context, q *db.Queries, checks []check) error {
	var arg db.RecordFeedChecksParams
	for _, c := range checks {
		arg.Ids = append(arg.Ids, c.feed.id)
		arg.States = append(arg.States, string(c.state))
		arg.Errors = append(arg.Errors, c.err)
		arg.Failures = append(arg.Failures, c.failures())
		arg.Etags = append(arg.Etags, c.etag)
		arg.LastModifieds = append(arg.LastModifieds, c.lastModified)
		arg.Confirmed = append(arg.Confirmed, c.confirmed)
		arg.CheckedAt = append(arg.CheckedAt, c.checkedAt)
		arg.NextCheckAt = append(arg.NextCheckAt, c.nextCheckAt)
	}
	if err := q.RecordFeedChecks(ctx, arg); err != nil {
		return fmt.Errorf("record %d checks: %w", len(checks), err)
	}
	return nil
}

// storeContents stores new documents and what they say of releases.
func (a *applier) storeContents(ctx context.Context, q *db.Queries, checks []check) error {
	var (
		contents db.StoreFeedContentsParams
		titles   db.TitleModulesParams
		facts    db.StoreReleasesParams
		modules  []int64
	)
	listed := map[listing]bool{}
	for _, c := range checks {
		if c.content == nil {
			continue
		}
		contents.Ids = append(contents.Ids, c.feed.id)
		contents.Contents = append(contents.Contents, c.content)
		contents.ContentHashes = append(contents.ContentHashes, c.hash)
		contents.ChangedAt = append(contents.ChangedAt, c.checkedAt)
		modules = append(modules, c.feed.moduleID)
		if t := title(c.parsed.Title); t != "" {
			titles.Ids = append(titles.Ids, c.feed.moduleID)
			titles.Titles = append(titles.Titles, t)
		}
		addFacts(&facts, listed, c)
	}
	if len(contents.Ids) == 0 {
		return nil
	}
	if err := q.StoreFeedContents(ctx, contents); err != nil {
		return fmt.Errorf("store feeds: %w", err)
	}
	if err := q.TitleModules(ctx, titles); err != nil {
		return fmt.Errorf("store titles: %w", err)
	}
	if _, err := q.StoreReleases(ctx, facts); err != nil {
		return fmt.Errorf("store releases: %w", err)
	}
	if err := unlist(ctx, q, checks, listed, distinct(modules)); err != nil {
		return err
	}
	for _, c := range checks {
		if c.content != nil {
			a.judges.keep(c.feed.id, c.hash, c.parsed)
		}
	}
	return nil
}

// listing is a version in a feed.
type listing struct {
	module           int64
	ruleSet, version string
}

// ruleSetOfSeries is the rule set that the releases of a series stand under.
func ruleSetOfSeries(series string) string {
	if series == updatestatus.Rules7.Series() {
		return string(updatestatus.Rules7)
	}
	return string(updatestatus.RulesCurrent)
}

func addFacts(facts *db.StoreReleasesParams, listed map[listing]bool, c check) {
	ruleSet := ruleSetOfSeries(c.feed.series)
	for i := range c.parsed.Releases {
		r := &c.parsed.Releases[i]
		if r.Key == "" {
			continue
		}
		listed[listing{c.feed.moduleID, ruleSet, r.Key}] = true
		facts.ModuleIds = append(facts.ModuleIds, c.feed.moduleID)
		facts.RuleSets = append(facts.RuleSets, ruleSet)
		facts.Versions = append(facts.Versions, r.Key)
		facts.Positions = append(facts.Positions, int32(len(c.parsed.Releases)-i))
		facts.Dates = append(facts.Dates, plausibleDate(r.Date))
		facts.Statuses = append(facts.Statuses, cut(r.Status, 32))
		facts.Terms = append(facts.Terms, strings.Join(termValues(r), termSeparator))
		facts.Coverages = append(facts.Coverages, cut(r.SecurityText, 255))
		facts.CoreCompatibilities = append(facts.CoreCompatibilities, cut(r.CoreCompatibility, 255))
		facts.ReleaseLinks = append(facts.ReleaseLinks, webLink(r.ReleaseLink))
		facts.DownloadLinks = append(facts.DownloadLinks, webLink(r.DownloadLink))
	}
}

// cut bounds a text of a feed to so many bytes.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// unlist takes the mark from versions that the new documents no longer have.
func unlist(ctx context.Context, q *db.Queries, checks []check, listed map[listing]bool, modules []int64) error {
	type feed struct {
		module  int64
		ruleSet string
	}
	renewed := map[feed]bool{}
	for _, c := range checks {
		if c.content != nil {
			renewed[feed{c.feed.moduleID, ruleSetOfSeries(c.feed.series)}] = true
		}
	}
	rows, err := q.ListedVersions(ctx, modules)
	if err != nil {
		return fmt.Errorf("find listed versions: %w", err)
	}
	var gone []int64
	for _, row := range rows {
		if row.VersionNumber == nil || !renewed[feed{row.ModuleID, row.RuleSet}] {
			continue
		}
		if !listed[listing{row.ModuleID, row.RuleSet, *row.VersionNumber}] {
			gone = append(gone, row.ID)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if err := q.UnlistVersions(ctx, gone); err != nil {
		return fmt.Errorf("unlist %d versions: %w", len(gone), err)
	}
	return nil
}

// rejudge judges the installed versions of modules again by what is stored of
// their feeds, writes what changed, and starts a spread for it. The caller holds
// the counting lock.
func (a *applier) rejudge(ctx context.Context, q *db.Queries, modules []int64, reason string) (changed int, err error) {
	feeds, err := a.judges.load(ctx, q, modules)
	if err != nil {
		return 0, err
	}
	versions, err := q.InstalledVersions(ctx, modules)
	if err != nil {
		return 0, fmt.Errorf("load installed versions: %w", err)
	}
	now := a.now()
	var verdicts verdictWriter
	var changedIDs, same []int64
	for i := range versions {
		v := &versions[i]
		ruleSet := updatestatus.RuleSet(v.RuleSet)
		feed := feeds[feedKey{v.ModuleID, ruleSet.Series()}]
		if feed == nil {
			feed = &knownFeed{moduleID: v.ModuleID, state: FeedNever}
		}
		j, err := judge(feed, ruleSet, v.VersionNumber, v.Datestamp, now)
		if err != nil {
			return 0, err
		}
		judged, evidenced := differs(v, j)
		switch {
		case judged || evidenced:
			verdicts.add(v.ID, j, judged || v.JudgedAt == nil)
			changedIDs = append(changedIDs, v.ID)
		case v.RulesVersion < RulesVersion:
			same = append(same, v.ID)
		}
	}
	if len(same) > 0 {
		if err := q.StampVerdicts(ctx, db.StampVerdictsParams{RulesVersion: RulesVersion, Ids: same}); err != nil {
			return 0, fmt.Errorf("stamp %d verdicts: %w", len(same), err)
		}
	}
	if len(changedIDs) == 0 {
		return 0, nil
	}
	if err := verdicts.write(ctx, q, now, reason); err != nil {
		return 0, err
	}
	if err := q.AddSpread(ctx, db.AddSpreadParams{Reason: reason, VersionIds: changedIDs, Now: now}); err != nil {
		return 0, fmt.Errorf("start a spread: %w", err)
	}
	if err := q.NotifySpreads(ctx); err != nil {
		return 0, fmt.Errorf("announce a spread: %w", err)
	}
	return len(changedIDs), nil
}

// differs compares a new judgement with the stored one: in what it says, and in
// its evidence.
func differs(v *db.InstalledVersionsRow, j judgement) (judged, evidenced bool) {
	recommended := ""
	if v.Recommended != nil {
		recommended = *v.Recommended
	}
	judged = v.Verdict == nil || v.Status != j.status || v.Reason != j.reason || v.Class != j.class ||
		recommended != j.recommended || v.UpdateAvailable != j.updateAvailable || v.SecurityUpdate != j.securityUpdate
	if judged {
		return true, true
	}
	// PostgreSQL writes JSON in its own way, so both go through the same form.
	var stored StoredVerdict
	if err := json.Unmarshal(v.Verdict, &stored); err != nil {
		return false, true
	}
	encoded, err := json.Marshal(stored)
	return false, err != nil || !bytes.Equal(encoded, j.verdict)
}

// rejudgeOutdated judges what older rules judged, some modules per transaction,
// and gives the number of changed verdicts. Several processes may do it at once.
func (a *applier) rejudgeOutdated(ctx context.Context) (changed int, err error) {
	for {
		modules, err := db.New(a.pool).ModulesJudgedByOlderRules(ctx, db.ModulesJudgedByOlderRulesParams{
			RulesVersion: RulesVersion, Most: loadBatch,
		})
		if err != nil {
			return changed, fmt.Errorf("find what older rules judged: %w", err)
		}
		if len(modules) == 0 {
			return changed, nil
		}
		n, err := a.rejudgeModules(ctx, modules, "rules")
		changed += n
		if err != nil {
			return changed, err
		}
	}
}

func (a *applier) rejudgeModules(ctx context.Context, modules []int64, reason string) (changed int, err error) {
	// Reading and parsing happen here, before the lock; below the feeds are at
	// hand unless one changed in between.
	if _, err := a.judges.load(ctx, db.New(a.pool), modules); err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := lockCounting(ctx, q); err != nil {
			return err
		}
		changed, err = a.rejudge(ctx, q, modules, reason)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("re-judge %d modules: %w", len(modules), err)
	}
	return changed, nil
}
