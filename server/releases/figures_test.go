package releases

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The benchmarks of this file measure one large piece of work each, so they are
// run with -benchtime 1x; -bench Figure runs them all.

// fleetSize is the number of sites of the synthetic fleet: 20,000 unless
// DRUMBEAT_BENCH_SITES says otherwise.
func fleetSize(b *testing.B) int {
	b.Helper()
	text := os.Getenv("DRUMBEAT_BENCH_SITES")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("DRUMBEAT_BENCH_SITES: %v", err)
	}
	return n
}

// coreFeed lists so many patch releases of core 11.2, the newest with the terms.
func coreFeed(patches int, terms ...string) string {
	releases := []testRelease{rel(fmt.Sprintf("11.2.%d", patches), terms...)}
	for i := patches - 1; i >= 0; i-- {
		r := rel(fmt.Sprintf("11.2.%d", i))
		if len(terms) > 0 {
			r.terms = []string{"Insecure"}
		}
		releases = append(releases, r)
	}
	for i := 300; i >= 0; i-- {
		releases = append(releases, rel(fmt.Sprintf("10.5.%d", i)))
	}
	return feedXML("drupal", "11.2.,10.5.", releases...)
}

// loadFleet fills the database with sites of 100 projects each: core in 20
// versions, and 99 of 1,000 modules in five versions each.
func loadFleet(b *testing.B, bench *testBench, source *memorySource, siteCount int) {
	b.Helper()
	var installed []Installed
	for i := range 20 {
		installed = append(installed, Installed{Project: coreProject, RuleSet: "current", Version: ptr(fmt.Sprintf("11.2.%d", i))})
	}
	source.set(coreProject, coreFeed(19))
	for m := range 1000 {
		name := fmt.Sprintf("module_%d", m)
		var releases []testRelease
		for v := 9; v >= 0; v-- {
			releases = append(releases, rel(fmt.Sprintf("8.x-1.%d", v)))
		}
		source.set(name, feedXML(name, "8.x-1.", releases...))
		for v := range 5 {
			installed = append(installed, Installed{Project: name, RuleSet: "current", Version: ptr(fmt.Sprintf("8.x-1.%d", v+5))})
		}
	}
	mustResolve(b, bench.catalog, installed...)
	bench.sync()
	_, err := bench.pool.Exec(b.Context(), fmt.Sprintf(`
		SET statement_timeout = 0;
		SET session_replication_role = replica; -- no foreign keys to check, row by row
		INSERT INTO sites (organization_id, name, url) SELECT %[1]d, 'Site ' || n, 'https://site-' || n || '.example' FROM generate_series(1, %[2]d) n;
		INSERT INTO site_states (site_id, organization_id) SELECT id, %[1]d FROM sites;
		INSERT INTO site_organizations (site_id, organization_id, is_owner) SELECT id, %[1]d, true FROM sites;
		DROP INDEX site_module_periods_current_key, site_module_periods_version_idx;
		CREATE TEMP TABLE v AS SELECT v.id, v.module_id, m.module_name,
		  row_number() OVER (PARTITION BY v.module_id ORDER BY v.id) - 1 AS n
		  FROM module_versions v JOIN modules m ON m.id = v.module_id WHERE v.installed;
		CREATE INDEX ON v (module_name, n);
		INSERT INTO site_module_periods (site_id, module_id, version_id, project_type, valid_from)
		SELECT s.id, v.module_id, v.id, 'core', now() FROM sites s JOIN v ON v.module_name = 'drupal' AND v.n = s.id %% 20;
		INSERT INTO site_module_periods (site_id, module_id, version_id, project_type, valid_from)
		SELECT s.id, v.module_id, v.id, 'module', now()
		FROM sites s CROSS JOIN generate_series(0, 98) k
		JOIN v ON v.module_name = 'module_' || ((s.id * 7 + k * 10) %% 1000) AND v.n = (s.id + k) %% 5
		ORDER BY s.id, k;
		DROP TABLE v;
		CREATE UNIQUE INDEX site_module_periods_current_key ON site_module_periods (site_id, module_id) INCLUDE (version_id) WHERE valid_to IS NULL;
		CREATE INDEX site_module_periods_version_idx ON site_module_periods (version_id, site_id) WHERE valid_to IS NULL;
		RESET session_replication_role;
		RESET statement_timeout`, bench.org, siteCount))
	if err != nil {
		b.Fatal(err)
	}
	for _, table := range []string{"sites", "site_states", "site_organizations", "site_module_periods", "module_versions"} {
		if _, err := bench.pool.Exec(b.Context(), "VACUUM ANALYZE "+table); err != nil {
			b.Fatal(err)
		}
	}
	// The first counts.
	_, err = bench.pool.Exec(b.Context(), `INSERT INTO verdict_spreads (reason, version_ids)
		SELECT 'load', array_agg(id) FROM module_versions WHERE installed`)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := bench.service.spreader.run(b.Context()); err != nil {
		b.Fatal(err)
	}
	if _, err := bench.pool.Exec(b.Context(), "VACUUM ANALYZE site_states"); err != nil {
		b.Fatal(err)
	}
}

// A security release of core on a fleet that is up to date: from the feed's
// arrival to the last site's counters, with somebody reading the site list.
func BenchmarkFigureCoreChange(b *testing.B) {
	source := newMemorySource()
	bench := newBench(b, source)
	siteCount := fleetSize(b)
	loadFleet(b, bench, source, siteCount)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		terms := []string{"Security update"}
		if i%2 == 1 {
			terms = nil
		}
		source.set(coreProject, coreFeed(20+i, terms...))
		quiet := readList(b, bench, nil)
		stop := make(chan struct{})
		busy := make(chan []time.Duration, 1)
		go func() { busy <- readList(b, bench, stop) }()
		b.StartTimer()
		started, cpu := time.Now(), backendCPU(b, bench)
		judged := time.Duration(0)
		err := bench.service.syncer.syncAll(b.Context(), oneFeed(bench, coreProject), func(o outcome, err error) { judged = time.Since(started) })
		if err != nil {
			b.Fatal(err)
		}
		visited, err := bench.service.spreader.run(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		b.ReportMetric(time.Since(started).Seconds(), "s/change")
		close(stop)
		during := <-busy
		// With the readers' share, and what the wall clock would say on a quiet machine.
		b.ReportMetric(backendCPU(b, bench)-cpu, "cpu-s/change")
		b.ReportMetric(judged.Seconds()*1000, "ms/judging")
		b.ReportMetric(float64(visited), "sites")
		b.ReportMetric(p99(quiet).Seconds()*1000, "ms-list-p99-before")
		b.ReportMetric(p99(during).Seconds()*1000, "ms-list-p99-during")
		if visited != siteCount {
			b.Errorf("visited %d sites, want %d", visited, siteCount)
		}
		b.StartTimer()
	}
	b.StopTimer()
	if n := bench.staleAmong(53); n != 0 {
		b.Errorf("%d sites have stale counters", n)
	}
}

// oneFeed claims one project's feed, once.
func oneFeed(bench *testBench, project string) func(context.Context) ([]claimed, error) {
	done := false
	return func(ctx context.Context) ([]claimed, error) {
		if done {
			return nil, nil
		}
		done = true
		if _, err := bench.pool.Exec(ctx, `UPDATE feeds SET next_check_at = $1 FROM modules m
			WHERE m.id = feeds.module_id AND m.module_name = $2`, bench.clock.Now(), project); err != nil {
			return nil, err
		}
		return bench.service.syncer.claimDue(ctx)
	}
}

// readList reads the first page of the site list over and over: until stop is
// closed, or 300 times.
func readList(b *testing.B, bench *testBench, stop <-chan struct{}) []time.Duration {
	b.Helper()
	var took []time.Duration
	for {
		select {
		case <-stop:
			return took
		default:
		}
		started := time.Now()
		_, err := bench.pool.Exec(b.Context(), `SELECT s.name, t.insecure_count, t.update_count FROM site_states t JOIN sites s ON s.id = t.site_id
			WHERE t.organization_id = $1 AND t.deleted_at IS NULL
			ORDER BY t.insecure_count DESC, t.unsupported_count DESC, t.update_count DESC, t.site_id DESC LIMIT 50`, bench.org)
		if err != nil {
			b.Error(err)
			return took
		}
		took = append(took, time.Since(started))
		if stop == nil && len(took) == 300 {
			return took
		}
		if stop != nil {
			runtime.Gosched()
			pause(b.Context(), 2*time.Millisecond)
		}
	}
}

// backendCPU is the processor time in seconds that the test's connections used
// in PostgreSQL so far; 0 where that cannot be seen.
func backendCPU(b *testing.B, bench *testBench) float64 {
	b.Helper()
	var pids []int32
	err := bench.pool.QueryRow(b.Context(), "SELECT array_agg(pid) FROM pg_stat_activity WHERE datname = current_database()").Scan(&pids)
	if err != nil {
		b.Fatal(err)
	}
	const ticksPerSecond = 100
	total := 0
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		for i, field := range strings.Fields(rest) {
			if i == 11 || i == 12 { // user and system time
				ticks, _ := strconv.Atoi(field)
				total += ticks
			}
		}
	}
	return float64(total) / ticksPerSecond
}

func p99(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// 3,000 feeds of typical size, fetched from a folder, parsed, stored and their
// versions judged.
func BenchmarkFigureFeeds(b *testing.B) {
	const feeds = 3000
	dir := b.TempDir()
	var bytes int64
	var installed []Installed
	for i := range feeds {
		name := fmt.Sprintf("module_%d", i)
		var releases []testRelease
		for v := 40; v >= 0; v-- {
			releases = append(releases, rel(fmt.Sprintf("8.x-1.%d", v), "Bug fixes", "New features"))
		}
		feed := strings.ReplaceAll(feedXML(name, "8.x-1.", releases...), "</date>", `</date><mdhash>0123456789abcdef0123456789abcdef</mdhash><filesize>123456</filesize>`+
			`<files><file><url>https://ftp.drupal.org/files/projects/`+name+`.tar.gz</url><archive_type>tar.gz</archive_type><md5>0123456789abcdef0123456789abcdef</md5><size>123456</size></file>`+
			`<file><url>https://ftp.drupal.org/files/projects/`+name+`.zip</url><archive_type>zip</archive_type><md5>0123456789abcdef0123456789abcdef</md5><size>123456</size></file></files>`)
		bytes += int64(len(feed))
		if err := os.WriteFile(filepath.Join(dir, name+".xml"), []byte(feed), 0o600); err != nil {
			b.Fatal(err)
		}
		for _, v := range []int{3, 20, 38, 40} {
			installed = append(installed, Installed{Project: name, RuleSet: "current", Version: ptr(fmt.Sprintf("8.x-1.%d", v))})
		}
	}
	source, err := NewFolderSource(dir)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		bench := newBench(b, source)
		started := time.Now()
		mustResolve(b, bench.catalog, installed...)
		b.ReportMetric(time.Since(started).Seconds(), "s/resolve")
		b.StartTimer()
		started = time.Now()
		var done atomic.Int64
		if err := bench.service.syncer.syncAll(b.Context(), bench.service.syncer.claimDue, func(outcome, error) { done.Add(1) }); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		b.ReportMetric(time.Since(started).Seconds(), "s/3000feeds")
		b.ReportMetric(float64(bytes)/feeds, "bytes/feed")
		bench.clock.advance(8 * 24 * time.Hour)
		started = time.Now()
		if err := bench.service.syncer.syncAll(b.Context(), bench.service.syncer.claimDue, nil); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(started).Seconds(), "s/unchanged")
		if n := count(b, bench.pool, "SELECT count(*) FROM module_versions WHERE in_feed"); done.Load() != feeds || n != feeds*41 {
			b.Errorf("%d feeds done, %d releases stored", done.Load(), n)
		}
		b.StartTimer()
	}
}
