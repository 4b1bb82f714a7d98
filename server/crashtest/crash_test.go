package crashtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"drumbeat/server/ingest"
	"drumbeat/server/platform/postgres"
	"drumbeat/server/sitekey"
	"drumbeat/server/sites"
)

const (
	siteCount   = 20
	senderCount = 10
	// enoughReports is how many the senders get acknowledged at least, however
	// slow the machine is.
	enoughReports = 400
)

// TestWhatIsAcknowledgedHasItsEffectExactlyOnce kills and kills.
func TestWhatIsAcknowledgedHasItsEffectExactlyOnce(t *testing.T) {
	kills := number(t, "DRUMBEAT_KILLS", 12)
	if testing.Short() && os.Getenv("DRUMBEAT_KILLS") == "" {
		kills = 4
	}
	seed := number(t, "DRUMBEAT_SEED", int(rand.Uint32()))
	t.Logf("%d kills; to repeat their order: DRUMBEAT_SEED=%d", kills, seed)
	source := func(stream int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), uint64(stream))) }

	f := newFleet(t, source(0))
	w := newWorld(t, f, source(1), 20+5*kills)
	f.startServers()

	ctx, cancel := context.WithTimeout(t.Context(), patience+time.Duration(kills)*5*time.Second)
	defer cancel()
	seen := &tally{refusals: map[string]int{}}
	var killed atomic.Bool
	senders, errs := w.senders(f, seen, source)
	var sending sync.WaitGroup
	for i, s := range senders {
		sending.Go(func() {
			errs[i] = s.run(ctx, func() bool { return ctx.Err() != nil || killed.Load() && seen.ackedSoFar() >= enoughReports })
		})
	}
	rng := source(2)
	for _, k := range schedule(f.all(), kills, rng) {
		rest(ctx, 300*time.Millisecond+time.Duration(rng.Int64N(int64(800*time.Millisecond))))
		if err := k.kill(ctx, nil); err != nil {
			t.Error(err)
			break
		}
	}
	began := time.Now()
	killed.Store(true)
	sending.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	f.allUp()
	w.drain(t)
	drained := time.Since(began)
	w.judged(t)

	s := w.read(t)
	for _, p := range first(check(w.sent(), s), 20) {
		t.Error(p)
	}
	for _, answer := range first(seen.unexpected, 20) {
		t.Errorf("a report was refused: %s", answer)
	}
	w.report(t, f, s, seen, drained)
	if seen.acked < enoughReports {
		t.Errorf("only %d reports were acknowledged", seen.acked)
	}
	for _, k := range f.all() {
		if n := k.tally().kills; n < kills/4 {
			t.Errorf("%s was killed %d times only", k.name, n)
		}
	}
	if t.Failed() {
		return
	}

	// The whole way once more, with a loss that must be found.
	lossIsFound(t, f, w, senders)
}

// lossIsFound has the stream disappear while acknowledged reports are in it.
func lossIsFound(t *testing.T, f *fleet, w *world, senders []*sender) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	release := make(chan struct{})
	if err := f.worker.kill(ctx, release); err != nil {
		t.Fatal(err)
	}
	// A server that starts while Redis is down cannot know whether to trust it, and
	// has to find out later: until then nothing comes into the stream.
	back := make(chan struct{})
	if err := f.redis.kill(ctx, back); err != nil {
		t.Fatal(err)
	}
	if err := f.api.kill(ctx, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the api comes up without Redis", f.api.isUp)
	close(back)
	eventually(t, "Redis comes up", f.redis.isUp)
	inStream := int64(0)
	eventually(t, "reports lie in the stream", func() bool {
		for _, s := range senders {
			site := s.sites[0]
			site.change(s.rng)
			if err := s.deliver(ctx, site, site.build(s.rng, site.now, site.clock())); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if inStream, err = w.redis.XLen(ctx, ingest.DefaultStream).Result(); err != nil {
			t.Fatal(err)
		}
		return inStream > 0
	})
	if err := w.redis.Del(ctx, ingest.DefaultStream).Err(); err != nil {
		t.Fatal(err)
	}
	close(release)
	f.allUp()
	w.drain(t)
	found := 0
	for _, p := range check(w.sent(), w.read(t)) {
		if p.kind == lost {
			found++
		}
	}
	if found == 0 {
		t.Errorf("%d acknowledged reports were taken away, and nothing was found missing", inStream)
	}
	t.Logf("%d acknowledged reports taken away, %d found missing", inStream, found)
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is no number", variable, text)
	}
	return n
}

// schedule gives each process its share of the kills, in random order.
func schedule(all []*keeper, kills int, rng *rand.Rand) []*keeper {
	order := make([]*keeper, 0, kills)
	for i := range kills {
		order = append(order, all[i%len(all)])
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

func first[T any](all []T, n int) []T { return all[:min(n, len(all))] }

// world is the sites, and the test's own view of PostgreSQL and Redis.
type world struct {
	pool  *pgxpool.Pool
	redis *redis.Client
	sites []*reportingSite
}

func newWorld(t *testing.T, f *fleet, rng *rand.Rand, keysPerSite int) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := postgres.Migrate(ctx, f.databaseURL); err != nil {
		t.Fatal(err)
	}
	pool, err := postgres.Open(ctx, f.databaseURL, postgres.WithMaxConns(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	options, err := redis.ParseURL(f.redisURL)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{pool: pool, redis: redis.NewClient(options)}
	t.Cleanup(func() { _ = w.redis.Close() })
	for setting, want := range map[string]string{"synchronous_commit": "on", "fsync": "on"} {
		var got string
		if err := pool.QueryRow(ctx, "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Fatalf("%s is %q: %v", setting, got, err)
		}
	}
	if got, err := w.redis.ConfigGet(ctx, "appendfsync").Result(); err != nil || got["appendfsync"] != "always" {
		t.Fatalf("appendfsync is %q: %v", got, err)
	}

	var organization int64
	if err := pool.QueryRow(ctx, "INSERT INTO organizations (name) VALUES ('Crash test') RETURNING id").Scan(&organization); err != nil {
		t.Fatal(err)
	}
	for n := range siteCount {
		site := &reportingSite{}
		err := pool.QueryRow(ctx, `
			WITH site AS (
				INSERT INTO sites (organization_id, name, url, created_at) VALUES ($1, $2, 'https://example.org', now() - interval '2 days') RETURNING id
			), owner AS (
				INSERT INTO site_organizations (site_id, organization_id, is_owner) SELECT id, $1, true FROM site
			)
			SELECT id FROM site`, organization, fmt.Sprintf("Site %d", n)).Scan(&site.id)
		if err != nil {
			t.Fatal(err)
		}
		rows := make([][]any, keysPerSite)
		for i := range rows {
			key, err := sitekey.New()
			if err != nil {
				t.Fatal(err)
			}
			site.keys = append(site.keys, key.Reveal())
			rows[i] = []any{site.id, key.Hash(), key.Hint()}
		}
		if _, err := pool.CopyFrom(ctx, pgx.Identifier{"site_keys"}, []string{"site_id", "key_hash", "hint"}, pgx.CopyFromRows(rows)); err != nil {
			t.Fatal(err)
		}
		site.start(rng)
		w.sites = append(w.sites, site)
	}
	return w
}

// senders share the sites among them: a site's reports come one at a time.
func (w *world) senders(f *fleet, seen *tally, source func(int) *rand.Rand) ([]*sender, []error) {
	transport := &http.Transport{MaxIdleConnsPerHost: senderCount}
	senders := make([]*sender, senderCount)
	for i := range senders {
		senders[i] = &sender{url: f.url, client: &http.Client{Transport: transport}, rng: source(100 + i), tally: seen}
	}
	for i, site := range w.sites {
		s := senders[i%senderCount]
		s.sites = append(s.sites, site)
	}
	return senders, make([]error, senderCount)
}

func (w *world) sent() (all []*report) {
	for _, site := range w.sites {
		all = append(all, site.sent...)
	}
	return all
}

// drain waits until nothing is on its way any more. What a killed worker held is
// taken over after a while that drain does not wait for: it tells Redis that the
// while is over.
func (w *world) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var s state
	var err error
	for {
		if s, err = w.waiting(ctx); err == nil && s.stream+s.pending+s.spooled == 0 {
			return
		}
		if err == nil && s.pending > 0 {
			err = w.hasten(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%d entries in the stream, %d pending, %d spooled are not applied (%v)", s.stream, s.pending, s.spooled, err)
		}
	}
}

// group is the consumer group of the appliers.
const group = "appliers"

// hasten has entries that were delivered look as if that were a minute ago.
func (w *world) hasten(ctx context.Context) error {
	pending, err := w.redis.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: ingest.DefaultStream, Group: group, Start: "-", End: "+", Count: 10_000}).Result()
	if err != nil {
		return fmt.Errorf("list pending entries: %w", err)
	}
	for _, p := range pending {
		if p.Idle > 10*time.Second {
			continue
		}
		// JUSTID leaves the count of deliveries alone.
		err := w.redis.Do(ctx, "xclaim", ingest.DefaultStream, group, p.Consumer, 0, p.ID, "idle", 60_000, "justid").Err()
		if err != nil {
			return fmt.Errorf("make a pending entry older: %w", err)
		}
	}
	return nil
}

// waiting tells what is on its way.
func (w *world) waiting(ctx context.Context) (s state, err error) {
	if s.stream, err = w.redis.XLen(ctx, ingest.DefaultStream).Result(); err != nil {
		return s, fmt.Errorf("count the stream: %w", err)
	}
	groups, err := w.redis.XInfoGroups(ctx, ingest.DefaultStream).Result()
	if err != nil {
		return s, fmt.Errorf("count the pending entries: %w", err)
	}
	for _, g := range groups {
		s.pending += g.Pending
	}
	if err := w.pool.QueryRow(ctx, "SELECT count(*) FROM report_spool").Scan(&s.spooled); err != nil {
		return s, fmt.Errorf("count the spool: %w", err)
	}
	return s, nil
}

// judged waits until the verdicts on all that is installed are there and have
// reached the counters.
func (w *world) judged(t *testing.T) {
	t.Helper()
	eventually(t, "all versions are judged and counted", func() bool {
		var open int
		err := w.pool.QueryRow(t.Context(), `
			SELECT (SELECT count(*) FROM module_versions WHERE installed AND class = 'unknown')
			     + (SELECT count(*) FROM verdict_spreads WHERE finished_at IS NULL)`).Scan(&open)
		return err == nil && open == 0
	})
	var insecure int
	if err := w.pool.QueryRow(t.Context(), "SELECT coalesce(sum(insecure_count), 0) FROM site_states").Scan(&insecure); err != nil || insecure == 0 {
		t.Errorf("%d insecure projects are counted: the feeds prove nothing (%v)", insecure, err)
	}
}

// read takes stock of the database and of Redis.
func (w *world) read(t *testing.T) *state {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := w.waiting(ctx)
	if err != nil {
		t.Fatal(err)
	}
	collect := func(query string, scan func(pgx.CollectableRow) error) {
		t.Helper()
		rows, err := w.pool.Query(ctx, query)
		if err == nil {
			_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, scan(row) })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	collect("SELECT site_id, coalesce(report_id::text, ''), status FROM audit_logs ORDER BY id", func(row pgx.CollectableRow) error {
		var r auditRow
		err := row.Scan(&r.site, &r.report, &r.status)
		s.audit = append(s.audit, r)
		return err
	})
	collect(`SELECT p.site_id, m.module_name, coalesce(v.version_number, '') || ' ' || p.project_type
		FROM site_module_periods p JOIN modules m ON m.id = p.module_id JOIN module_versions v ON v.id = p.version_id
		WHERE p.valid_to IS NULL`, func(row pgx.CollectableRow) error {
		var p openPeriod
		err := row.Scan(&p.site, &p.project, &p.version)
		s.open = append(s.open, p)
		return err
	})
	s.periods = map[int64]int{}
	collect("SELECT site_id, count(*) FROM site_module_periods GROUP BY site_id", func(row pgx.CollectableRow) error {
		var site int64
		var n int
		err := row.Scan(&site, &n)
		s.periods[site] = n
		return err
	})
	collect(`SELECT r.site_id, r.report_id::text, r.item_count, (SELECT count(DISTINCT i.module_id) FROM patch_run_items i WHERE i.patch_run_id = r.id)
		FROM patch_runs r`, func(row pgx.CollectableRow) error {
		var r patchRun
		err := row.Scan(&r.site, &r.report, &r.items, &r.rows)
		s.runs = append(s.runs, r)
		return err
	})
	err = w.pool.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM dead_letters),
		       (SELECT count(*) FROM (
		          SELECT valid_from, lag(valid_to, 1, '-infinity') OVER w AS before, row_number() OVER w AS n
		          FROM site_module_periods WINDOW w AS (PARTITION BY site_id, module_id ORDER BY valid_from, id)) p
		        WHERE n > 1 AND (before IS NULL OR before > valid_from))`).Scan(&s.deadLetters, &s.overlaps)
	if err != nil {
		t.Fatal(err)
	}
	s.miscounted = w.miscounted(ctx, t)
	return &s
}

// miscounted gives the sites whose counters are not what is on them: by a count
// of the test's own, and by the product's.
func (w *world) miscounted(ctx context.Context, t *testing.T) (wrong []int64) {
	t.Helper()
	tx, err := w.pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	rows, err := tx.Query(ctx, `
		SELECT s.site_id FROM site_states s
		JOIN (SELECT m.site_id,
		             count(*) FILTER (WHERE v.class = 'insecure') AS insecure,
		             count(*) FILTER (WHERE v.class = 'outdated') AS outdated,
		             count(*) FILTER (WHERE v.class = 'current') AS current,
		             count(*) FILTER (WHERE v.class = 'unknown') AS unknown,
		             count(*) FILTER (WHERE m.update_available) AS updates,
		             count(*) FILTER (WHERE m.security_update) AS security
		      FROM site_modules m JOIN module_versions v ON v.id = m.current_version_id GROUP BY m.site_id) c USING (site_id)
		WHERE (s.insecure_count, s.outdated_count, s.current_count, s.unknown_count, s.update_count, s.security_update_count)
		   IS DISTINCT FROM (c.insecure, c.outdated, c.current, c.unknown, c.updates, c.security)`)
	if err != nil {
		t.Fatal(err)
	}
	if wrong, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		t.Fatal(err)
	}
	var all []int64
	for _, site := range w.sites {
		all = append(all, site.id)
	}
	changed, err := sites.Recount(ctx, tx, all)
	if err != nil {
		t.Fatal(err)
	}
	wrong = append(wrong, changed...)
	slices.Sort(wrong)
	return slices.Compact(wrong)
}

// report logs what a person wants to know of the run.
func (w *world) report(t *testing.T, f *fleet, s *state, seen *tally, drained time.Duration) {
	t.Helper()
	var spooled int64
	if err := w.pool.QueryRow(t.Context(), "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('report_spool', 'id')::regclass), 0)").Scan(&spooled); err != nil {
		t.Error(err)
	}
	info, err := w.redis.XInfoStream(t.Context(), ingest.DefaultStream).Result()
	if err != nil {
		t.Fatal(err)
	}
	if info.EntriesAdded == 0 {
		t.Error("nothing went through Redis")
	}
	for _, k := range f.all() {
		n := k.tally()
		t.Logf("%s: %d kills, %d starts, %d failed starts", k.name, n.kills, n.starts, n.failed)
	}
	statuses := map[string]int{}
	for _, row := range s.audit {
		statuses[row.status]++
	}
	for _, status := range []string{"applied", "unchanged", "heartbeat", "late"} {
		if statuses[status] == 0 {
			t.Errorf("no report is %s", status)
		}
	}
	t.Logf("%d reports acknowledged (%d heartbeats), %d sent again on purpose, %d retries, worst wait %s",
		seen.acked, seen.heartbeats, seen.repeated, seen.retries, seen.worst.Round(time.Millisecond))
	t.Logf("tries without an answer 200: %v", seen.refusals)
	t.Logf("in the log: %v; %d patch runs; entries by Redis %d, by the spool %d", maps.Clone(statuses), len(s.runs), info.EntriesAdded, spooled)
	t.Logf("all applied %s after the last kill", drained.Round(time.Millisecond))
}
