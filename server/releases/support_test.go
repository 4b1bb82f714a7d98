package releases

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/server/platform/testkit"
	"drumbeat/server/sites"
)

// testRelease is a release of a made-up feed.
type testRelease struct {
	version, status string
	terms           []string
	date            int64
}

func rel(version string, terms ...string) testRelease {
	return testRelease{version: version, status: "published", terms: terms, date: 1_700_000_000}
}

// feedXML writes a release history.
func feedXML(project, branches string, releases ...testRelease) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><project xmlns:dc="http://purl.org/dc/elements/1.1/">`+
		`<title>The %[1]s</title><short_name>%[1]s</short_name><supported_branches>%[2]s</supported_branches>`+
		`<project_status>published</project_status><link>https://www.drupal.org/project/%[1]s</link><releases>`, project, branches)
	for _, r := range releases {
		fmt.Fprintf(&b, `<release><name>%[1]s %[2]s</name><version>%[2]s</version><status>%[3]s</status>`+
			`<release_link>https://www.drupal.org/project/%[1]s/releases/%[2]s</release_link><date>%[4]d</date>`,
			project, r.version, r.status, r.date)
		if len(r.terms) > 0 {
			b.WriteString("<terms>")
			for _, term := range r.terms {
				fmt.Fprintf(&b, "<term><name>Release type</name><value>%s</value></term>", term)
			}
			b.WriteString("</terms>")
		}
		b.WriteString("</release>")
	}
	b.WriteString("</releases></project>")
	return b.String()
}

// memorySource is a Source in memory; what it does not have it does not know.
type memorySource struct {
	mu     sync.Mutex
	feeds  map[string]string // by "project/series"
	errors map[string]error
	asked  []Request
}

func newMemorySource() *memorySource {
	return &memorySource{feeds: map[string]string{}, errors: map[string]error{}}
}

func (s *memorySource) String() string { return "memory" }

func (s *memorySource) set(project, feed string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeds[project+"/current"] = feed
}

func (s *memorySource) fail(project string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors[project+"/current"] = err
}

func (s *memorySource) Fetch(_ context.Context, r Request) (Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	key := r.Project + "/" + r.Series
	if err := s.errors[key]; err != nil {
		return Response{}, err
	}
	feed, ok := s.feeds[key]
	if !ok {
		return Response{}, ErrNoSuchProject
	}
	return Response{Body: []byte(feed)}, nil
}

// testClock is a clock that only moves when told to.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

// newTestClock starts on a Monday.
func newTestClock() *testClock {
	return &testClock{at: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)}
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bench is a database with a service whose loops the test turns by hand.
type testBench struct {
	t       testing.TB
	pool    *pgxpool.Pool
	catalog *Catalog
	service *Service
	clock   *testClock
	log     *slog.Logger
	org     int64
}

func newBench(t testing.TB, source Source) *testBench {
	t.Helper()
	pool := testkit.Postgres(t)
	clock := newTestClock()
	b := &testBench{
		t: t, pool: pool, clock: clock, log: testkit.Logger(t), catalog: NewCatalog(pool, testkit.Logger(t)),
		service: NewService(Options{
			Pool: pool, Source: source, Log: testkit.Logger(t), Now: clock.Now,
			Random: func() float64 { return 0 },
		}),
	}
	b.catalog.now = clock.Now
	err := pool.QueryRow(t.Context(), `INSERT INTO organizations (name) VALUES ('Test') RETURNING id`).Scan(&b.org)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sync asks for what is due, and spreads.
func (b *testBench) sync() {
	b.t.Helper()
	if err := b.service.syncer.syncAll(b.t.Context(), b.service.syncer.claimDue, nil); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.service.spreader.run(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// syncLater lets all feeds become due first.
func (b *testBench) syncLater() {
	b.t.Helper()
	b.clock.advance(8 * 24 * time.Hour)
	b.sync()
}

// addSite adds a site that has reported nothing yet.
func (b *testBench) addSite() int64 {
	b.t.Helper()
	var id int64
	err := b.pool.QueryRow(b.t.Context(), `
		WITH site AS (INSERT INTO sites (organization_id, name, url) VALUES ($1, 'Site', 'https://example.org') RETURNING id),
		     state AS (INSERT INTO site_states (site_id, organization_id) SELECT id, $1 FROM site),
		     share AS (INSERT INTO site_organizations (site_id, organization_id, is_owner) SELECT id, $1, true FROM site)
		SELECT id FROM site`, b.org).Scan(&id)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// install does what applying a report does: it puts versions on a site and
// recounts it.
func (b *testBench) install(ctx context.Context, site int64, installed ...Installed) error {
	refs, err := b.catalog.Resolve(ctx, installed)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		if err := b.catalog.LockShared(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT FROM site_states WHERE site_id = $1 FOR NO KEY UPDATE", site); err != nil {
			return err
		}
		for i, ref := range refs {
			if _, err := tx.Exec(ctx, `UPDATE site_module_periods SET valid_to = now()
				WHERE site_id = $1 AND module_id = $2 AND valid_to IS NULL`, site, ref.ModuleID); err != nil {
				return err
			}
			projectType := "module"
			if installed[i].Project == coreProject {
				projectType = "core"
			}
			if _, err := tx.Exec(ctx, `INSERT INTO site_module_periods (site_id, module_id, version_id, project_type, valid_from)
				VALUES ($1, $2, $3, $4, now())`, site, ref.ModuleID, ref.VersionID, projectType); err != nil {
				return err
			}
		}
		_, err := sites.Recount(ctx, tx, []int64{site})
		return err
	})
}

func (b *testBench) mustInstall(site int64, project, version string) {
	b.t.Helper()
	if err := b.install(b.t.Context(), site, Installed{Project: project, RuleSet: "current", Version: &version}); err != nil {
		b.t.Fatal(err)
	}
}

// counters are those of a site: insecure, unsupported, outdated, current,
// unknown, updates.
type counters [6]int

func (b *testBench) counters(site int64) counters {
	b.t.Helper()
	var c counters
	err := b.pool.QueryRow(b.t.Context(), `SELECT insecure_count, unsupported_count, outdated_count, current_count,
		unknown_count, update_count FROM site_states WHERE site_id = $1`, site).Scan(&c[0], &c[1], &c[2], &c[3], &c[4], &c[5])
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// staleSites counts the sites whose counters differ from a count from scratch.
func (b *testBench) staleSites() int { return b.staleAmong(1) }

// staleAmong is like staleSites for every nth site.
func (b *testBench) staleAmong(nth int) int {
	b.t.Helper()
	return count(b.t, b.pool, `
		SELECT count(*) FROM site_states s WHERE s.site_id % $1 = 0 AND (s.insecure_count, s.outdated_count, s.current_count, s.unknown_count, s.update_count) <> (
		  SELECT count(*) FILTER (WHERE v.class = 'insecure'), count(*) FILTER (WHERE v.class = 'outdated'),
		         count(*) FILTER (WHERE v.class = 'current'), count(*) FILTER (WHERE v.class = 'unknown'),
		         count(*) FILTER (WHERE v.update_available)
		  FROM site_module_periods p JOIN module_versions v ON v.id = p.version_id
		  WHERE p.site_id = s.site_id AND p.valid_to IS NULL)`, nth)
}

// feedRow is what the table says of a feed.
type feedRow struct {
	state, error string
	failures     int
	content      bool
	next         time.Time
}

func (b *testBench) feed(project string) feedRow {
	b.t.Helper()
	var f feedRow
	err := b.pool.QueryRow(b.t.Context(), `SELECT f.state, f.error, f.failures, f.content IS NOT NULL, f.next_check_at
		FROM feeds f JOIN modules m ON m.id = f.module_id WHERE m.module_name = $1`, project).
		Scan(&f.state, &f.error, &f.failures, &f.content, &f.next)
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

// status is the status of an installed version.
func (b *testBench) status(project, version string) string {
	b.t.Helper()
	var status string
	err := b.pool.QueryRow(b.t.Context(), `SELECT status FROM module_versions v JOIN modules m ON m.id = v.module_id
		WHERE m.module_name = $1 AND v.version_number = $2 AND v.installed`, project, version).Scan(&status)
	if err != nil {
		b.t.Fatal(err)
	}
	return status
}

// serve starts a feed server on the loopback interface.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}
