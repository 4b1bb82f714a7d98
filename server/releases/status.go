package releases

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
	"drumbeat/server/platform/cursor"
)

// Reader tells what is known of feeds, and what verdicts rest on.
type Reader struct {
	q      *db.Queries
	judges *judges
	now    func() time.Time
	// source is what people call the source of the feeds.
	source string
}

// NewReader makes a reader of the given database.
func NewReader(pool *pgxpool.Pool, now func() time.Time, log *slog.Logger) *Reader {
	return &Reader{q: db.New(pool), judges: newJudges(log), now: now, source: drupalOrg}
}

// From has the reader name another source than drupal.org in its evidence.
func (r *Reader) From(source Source) *Reader {
	r.source = sourceName(source)
	return r
}

// ErrUnknownProject says that no site ever reported a project.
var ErrUnknownProject = errors.New("no site ever reported this project")

// FeedStatus is the state of one feed.
type FeedStatus struct {
	Project  string    `json:"project"`
	Series   string    `json:"series"`
	State    FeedState `json:"state"`
	Error    string    `json:"error,omitempty"`
	Failures int       `json:"failures,omitempty"` // in a row
	// When the content in force was last confirmed by the source, when it last
	// changed, and when the source was last asked; nil for never.
	FetchedAt *time.Time `json:"fetched_at,omitempty"`
	ChangedAt *time.Time `json:"changed_at,omitempty"`
	CheckedAt *time.Time `json:"checked_at,omitempty"`
	// NextCheckAt is when the source will be asked again.
	NextCheckAt time.Time `json:"next_check_at"`
	// ContentSize is the size of the content in force, compressed, in bytes; 0
	// for none.
	ContentSize int `json:"content_size"`
}

// StatusPage selects feeds.
type StatusPage struct {
	// AfterProject and AfterSeries are those of the last feed of the page
	// before; empty for the first page.
	AfterProject, AfterSeries string
	State                     FeedState // only these; all when empty
	Search                    string    // part of a project's name
	Size                      int       // at most 1,000; 100 when 0
}

// Status lists feeds by name, a page at a time.
func (r *Reader) Status(ctx context.Context, page StatusPage) ([]FeedStatus, error) {
	const usual, most = 100, 1000
	if page.Size <= 0 {
		page.Size = usual
	}
	rows, err := r.q.ListFeeds(ctx, db.ListFeedsParams{
		AfterModule: page.AfterProject, AfterSeries: page.AfterSeries,
		State: string(page.State), Search: page.Search, Most: int32(min(page.Size, most)),
	})
	if err != nil {
		return nil, fmt.Errorf("list feeds: %w", err)
	}
	feeds := make([]FeedStatus, len(rows))
	for i, row := range rows {
		feeds[i] = FeedStatus{
			Project: row.ModuleName, Series: row.Series, State: FeedState(row.State), Error: row.Error,
			Failures: int(row.Failures), FetchedAt: row.FetchedAt, ChangedAt: row.ChangedAt,
			CheckedAt: row.CheckedAt, NextCheckAt: row.NextCheckAt, ContentSize: int(row.ContentSize),
		}
	}
	return feeds, nil
}

// Feeds is like Status with page tokens: after is that of the page before.
func (r *Reader) Feeds(ctx context.Context, state FeedState, search string, size int, after string) (feeds []FeedStatus, next string, err error) {
	bind := cursor.Bind("feeds", state, search)
	var last [2]string
	if after != "" {
		if err := cursor.Decode(bind, after, &last); err != nil {
			return nil, "", err
		}
	}
	feeds, err = r.Status(ctx, StatusPage{AfterProject: last[0], AfterSeries: last[1], State: state, Search: search, Size: size + 1})
	if err != nil || len(feeds) <= size {
		return feeds, "", err
	}
	feeds = feeds[:size]
	next, err = cursor.Encode(bind, [2]string{feeds[size-1].Project, feeds[size-1].Series})
	return feeds, next, err
}

// FeedCount counts the feeds in one state.
type FeedCount struct {
	State FeedState
	Feeds int
	// OldestFetch is when the one of them that was confirmed longest ago was; nil
	// when none ever was.
	OldestFetch *time.Time
}

// Counts counts all feeds by their state.
func (r *Reader) Counts(ctx context.Context) ([]FeedCount, error) {
	rows, err := r.q.CountFeeds(ctx)
	if err != nil {
		return nil, fmt.Errorf("count feeds: %w", err)
	}
	counts := make([]FeedCount, len(rows))
	for i, row := range rows {
		counts[i] = FeedCount{State: FeedState(row.State), Feeds: int(row.Feeds)}
		if !row.OldestFetch.IsZero() {
			counts[i].OldestFetch = &row.OldestFetch
		}
	}
	return counts, nil
}

// Want makes the feeds of a project due at once; ErrUnknownProject where there
// are none.
func (r *Reader) Want(ctx context.Context, project string) error {
	rows, err := r.q.FeedsOfModule(ctx, project)
	if err != nil {
		return fmt.Errorf("look for the feeds of %s: %w", project, err)
	}
	if len(rows) == 0 {
		return ErrUnknownProject
	}
	if _, err := r.q.WantFeeds(ctx, db.WantFeedsParams{Now: r.now(), Modules: []string{project}}); err != nil {
		return fmt.Errorf("ask for the feeds of %s: %w", project, err)
	}
	if err := r.q.NotifyFeedsWanted(ctx); err != nil {
		return fmt.Errorf("announce that feeds are wanted: %w", err)
	}
	return nil
}

// InstalledStatus is an installed version with the verdict on it.
type InstalledStatus struct {
	RuleSet     string        `json:"rule_set"`
	Version     *string       `json:"version"` // nil: no site knows one
	Datestamp   int64         `json:"datestamp,omitempty"`
	Sites       int64         `json:"sites"` // that run it now
	Explanation string        `json:"explanation"`
	JudgedAt    *time.Time    `json:"judged_at,omitempty"`
	Verdict     StoredVerdict `json:"verdict"`
}

// ReleaseStatus is a release that the feed lists.
type ReleaseStatus struct {
	RuleSet  string     `json:"rule_set"`
	Version  string     `json:"version"`
	Date     *time.Time `json:"date,omitempty"`
	Status   string     `json:"status"`
	Terms    []string   `json:"terms,omitempty"`
	Coverage string     `json:"coverage,omitempty"`
	Link     string     `json:"link,omitempty"`
}

// Project is all that is known of a project.
type Project struct {
	Name      string            `json:"name"`
	Title     string            `json:"title,omitempty"`
	Link      string            `json:"link"`
	Feeds     []FeedStatus      `json:"feeds"`
	Installed []InstalledStatus `json:"installed"`
	Releases  []ReleaseStatus   `json:"releases"` // newest first, as the feed has them
}

// Show tells what is known of a project; ErrUnknownProject when no site ever
// reported it.
func (r *Reader) Show(ctx context.Context, project string) (Project, error) {
	rows, err := r.q.FeedsOfModule(ctx, project)
	if err != nil {
		return Project{}, fmt.Errorf("load project %s: %w", project, err)
	}
	if len(rows) == 0 {
		return Project{}, ErrUnknownProject
	}
	p := Project{
		Name: rows[0].ModuleName, Title: rows[0].Title, Link: rows[0].DrupalLink,
		Installed: []InstalledStatus{}, Releases: []ReleaseStatus{},
	}
	for _, row := range rows {
		p.Feeds = append(p.Feeds, FeedStatus{
			Project: row.ModuleName, Series: row.Series, State: FeedState(row.State), Error: row.Error,
			Failures: int(row.Failures), FetchedAt: row.FetchedAt, ChangedAt: row.ChangedAt,
			CheckedAt: row.CheckedAt, NextCheckAt: row.NextCheckAt, ContentSize: int(row.ContentSize),
		})
	}
	versions, err := r.q.VersionsInUse(ctx, rows[0].ModuleID)
	if err != nil {
		return Project{}, fmt.Errorf("load the versions of %s: %w", project, err)
	}
	for _, row := range versions {
		v, err := ParseVerdict(row.Verdict)
		if err != nil {
			return Project{}, err
		}
		p.Installed = append(p.Installed, InstalledStatus{
			RuleSet: row.RuleSet, Version: row.VersionNumber, Datestamp: row.Datestamp, Sites: row.Sites,
			Explanation: Explain(row.VersionNumber, v), JudgedAt: row.JudgedAt, Verdict: v,
		})
	}
	releases, err := r.q.ReleasesOfModule(ctx, rows[0].ModuleID)
	if err != nil {
		return Project{}, fmt.Errorf("load the releases of %s: %w", project, err)
	}
	for _, row := range releases {
		if row.VersionNumber == nil {
			continue
		}
		p.Releases = append(p.Releases, ReleaseStatus{
			RuleSet: row.RuleSet, Version: *row.VersionNumber, Date: row.ReleaseDate, Status: row.ReleaseStatus,
			Terms: row.Terms, Coverage: row.SecurityCoverage, Link: row.ReleaseLink,
		})
	}
	return p, nil
}

// SyncResult is what became of one feed that was asked for.
type SyncResult struct {
	Project, Series string
	State           FeedState
	Error           string
	// Changed is set when there was new content.
	Changed bool
	// Postponed is set when the source was not asked before that time.
	Postponed time.Time
}

// SyncNow asks for the feeds of the given projects, or of all, whether they are
// due or not, and brings the new verdicts to the sites. progress hears of each
// feed as it is done. ErrUnknownProject when no feed is known for any of the
// names.
func (s *Service) SyncNow(ctx context.Context, projects []string, all bool, progress func(SyncResult)) error {
	var after int64
	claimedAny := false
	var failed error
	next := func(ctx context.Context) ([]claimed, error) {
		rows, err := db.New(s.pool).ClaimFeedsOf(ctx, db.ClaimFeedsOfParams{
			AfterID: after, Everything: all, Modules: projects, Most: claimBatch, LeaseUntil: s.now().Add(lease),
		})
		if err != nil {
			return nil, fmt.Errorf("claim feeds: %w", err)
		}
		feeds := make([]claimed, len(rows))
		for i, row := range rows {
			after, claimedAny = row.ID, true
			feeds[i] = claimedFeed(db.ClaimDueFeedsRow(row))
		}
		return feeds, nil
	}
	err := s.syncer.syncAll(ctx, next, func(o outcome, err error) {
		if err != nil {
			failed = err
		}
		progress(SyncResult{
			Project: o.feed.project, Series: o.feed.series, State: o.state, Error: o.err,
			Changed: o.content != nil, Postponed: o.postponed,
		})
	})
	if err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("store feeds: %w", failed)
	}
	if !claimedAny && !all {
		return ErrUnknownProject
	}
	_, err = s.spreader.run(ctx)
	return err
}

// claimedFeed reads a claimed row.
func claimedFeed(row db.ClaimDueFeedsRow) claimed {
	return claimed{
		id: row.ID, moduleID: row.ModuleID, project: row.ModuleName, series: row.Series,
		state: FeedState(row.State), failures: int(row.Failures), etag: row.Etag, lastModified: row.LastModified,
		hash: row.ContentHash, inUse: row.InUse, checkedBefore: row.CheckedAt != nil,
	}
}
