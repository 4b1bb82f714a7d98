package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"drumbeat/server/inventory"
	"drumbeat/server/platform/testkit"
	"drumbeat/server/releases"
)

// bundle is an applier's surroundings.
type bundle struct {
	t        *testing.T
	pool     *pgxpool.Pool
	redis    *redis.Client
	versions Versions
	cfg      ApplierConfig
}

func setup(t *testing.T) *bundle {
	t.Helper()
	pool := testkit.Postgres(t)
	return &bundle{t: t, pool: pool, redis: testkit.Redis(t), versions: releases.NewCatalog(pool, testkit.Logger(t)),
		cfg: ApplierConfig{Linger: time.Millisecond, RetryDelay: time.Millisecond, SpoolInterval: 10 * time.Millisecond, ReclaimIdle: 200 * time.Millisecond}}
}

func (b *bundle) applier() *Applier {
	return NewApplier(b.pool, b.redis, b.versions, testkit.Logger(b.t), b.cfg)
}

// run runs an applier until stop is called, at the latest at the test's end.
func (b *bundle) run(a *Applier) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			b.t.Errorf("applier: %v", err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	b.t.Cleanup(stop)
	return stop
}

// site makes a site that exists since two days.
func (b *bundle) site(name string) int64 {
	b.t.Helper()
	var id int64
	if err := b.pool.QueryRow(b.t.Context(), `
		WITH org AS (INSERT INTO organizations (name) VALUES ($1) RETURNING id),
		site AS (INSERT INTO sites (organization_id, name, url, created_at) SELECT id, $1, '', now() - interval '2 days' FROM org RETURNING id, organization_id),
		owner AS (INSERT INTO site_organizations (site_id, organization_id, is_owner) SELECT id, organization_id, true FROM site)
		SELECT id FROM site`, name).Scan(&id); err != nil {
		b.t.Fatal(err)
	}
	return id
}

// newEntry makes a report of projects ("token 8.x-1.15") collected so long ago.
func newEntry(t *testing.T, site int64, ago time.Duration, projects ...string) *Entry {
	t.Helper()
	now := time.Now()
	var list strings.Builder
	for _, p := range projects {
		name, version, _ := strings.Cut(p, " ")
		fmt.Fprintf(&list, `,{"name":%q,"type":"module","enabled":true,"project":%q,"version":%q,"pathKind":"contrib"}`, name, name, version)
	}
	body := fmt.Sprintf(`{"reportId":%q,"collectedAt":%q,"trigger":"cron","agent":{"name":"test"},"site":{},"platform":{"drupalVersion":"10.4.2"},
		"extensions":[{"name":"node","type":"module","enabled":true,"pathKind":"core","version":"10.4.2"}%s],"inventoryHash":%q}`,
		uuid.NewString(), now.Add(-ago).UTC().Format(time.RFC3339Nano), list.String(), fmt.Sprintf("hash of %.100s", strings.Join(projects, ",")))
	return entryOf(t, site, now, body)
}

func entryOf(t *testing.T, site int64, received time.Time, body string) *Entry {
	t.Helper()
	var sum inventory.Summary
	if !inventory.Scan([]byte(body), &sum) {
		t.Fatalf("no report: %s", body)
	}
	return &Entry{Kind: KindReport, SiteID: site, ReportID: sum.ReportID, Received: received.UnixMicro(), Collected: sum.CollectedAt,
		Trigger: sum.Trigger, InventoryHash: sum.InventoryHash, ContentHash: sum.ContentHash([]byte(body)), Body: []byte(body)}
}

// add puts entries into the stream.
func (b *bundle) add(entries ...*Entry) {
	b.t.Helper()
	for _, e := range entries {
		b.addRaw(EncodeEntry(e))
	}
}

func (b *bundle) addRaw(record []byte) {
	b.t.Helper()
	if err := b.redis.XAdd(b.t.Context(), &redis.XAddArgs{Stream: DefaultStream, Values: []any{field, record}}).Err(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) eventually(what string, ok func() bool) {
	b.t.Helper()
	deadline := time.After(60 * time.Second)
	for !ok() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			b.t.Fatalf("%s never came", what)
		}
	}
}

func (b *bundle) query(query string, args ...any) []string {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), query, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.t.Fatal(err)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func (b *bundle) audits(site int64) []string {
	b.t.Helper()
	return b.query("SELECT status FROM audit_logs WHERE site_id = $1 ORDER BY id", site)
}

func (b *bundle) current(site int64) []string {
	b.t.Helper()
	return b.query(`SELECT m.module_name || ' ' || coalesce(v.version_number, '?') FROM site_module_periods p JOIN modules m ON m.id = p.module_id
		JOIN module_versions v ON v.id = p.version_id WHERE p.site_id = $1 AND p.valid_to IS NULL AND m.module_name <> 'drupal' ORDER BY 1`, site)
}

// drained tells whether everything is applied and acknowledged.
func (b *bundle) drained() bool {
	length, err := b.redis.XLen(b.t.Context(), DefaultStream).Result()
	if err != nil {
		b.t.Fatal(err)
	}
	var spooled int
	if err := b.pool.QueryRow(b.t.Context(), "SELECT count(*) FROM report_spool").Scan(&spooled); err != nil {
		b.t.Fatal(err)
	}
	return length == 0 && spooled == 0
}

func equal(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestReportsChangeWhatIsOnTheSite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(b.applier())
	site := b.site("a")
	for i, projects := range [][]string{{"token 8.x-1.14", "views 1.0.0"}, {"token 8.x-1.15", "pathauto 1.0.0"}, {"token 8.x-1.15", "pathauto 1.0.0"}, {"pathauto 1.0.0"}} {
		b.add(newEntry(t, site, time.Duration(10-i)*time.Minute, projects...))
		b.eventually("the report", func() bool { return len(b.audits(site)) == i+1 })
	}
	equal(t, "audit", []string{"applied", "applied", "unchanged", "applied"}, b.audits(site))
	equal(t, "current", []string{"pathauto 1.0.0"}, b.current(site))
	equal(t, "patch runs", []string{
		"1 added pathauto", "1 removed views", "1 updated token", "2 removed token",
	}, b.query(`SELECT row_number || ' ' || i.kind || ' ' || m.module_name FROM (SELECT id, row_number() OVER (ORDER BY run_date) FROM patch_runs WHERE site_id = $1) r
		JOIN patch_run_items i ON i.patch_run_id = r.id JOIN modules m ON m.id = i.module_id ORDER BY 1`, site))
	equal(t, "gaps in the history", []string(nil), b.query(
		`SELECT 'gap' FROM site_module_periods a JOIN site_module_periods b ON a.site_id = b.site_id AND a.module_id = b.module_id AND a.id < b.id
		 WHERE a.site_id = $1 AND a.valid_to IS DISTINCT FROM b.valid_from`, site))
	equal(t, "contents", []string{"3 of 3"}, b.query(
		`SELECT count(DISTINCT c.id) || ' of ' || count(DISTINCT l.content_id) FROM report_contents c JOIN audit_logs l ON l.site_id = c.site_id WHERE c.site_id = $1`, site))
	var body []byte
	if err := b.pool.QueryRow(t.Context(), "SELECT body FROM report_contents WHERE site_id = $1 ORDER BY id LIMIT 1", site).Scan(&body); err != nil {
		t.Fatal(err)
	}
	if text, err := Decompress(body); err != nil || !bytes.Contains(text, []byte("8.x-1.14")) {
		t.Errorf("content: %s, %v", text, err)
	}
}

func TestOddTimesNeverCorruptCurrentState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	site := b.site("a")
	good := newEntry(t, site, 10*time.Minute, "token 8.x-1.15")
	late := newEntry(t, site, 20*time.Minute, "token 8.x-1.14")
	future := newEntry(t, site, -87600*time.Hour, "token 8.x-1.16")
	after := newEntry(t, site, 0, "token 8.x-1.17")
	after.Received = future.Received + 1_000_000
	after.Collected = after.Received
	again := *good
	again.Received += 7
	unknown := &Entry{Kind: KindHeartbeat, SiteID: site, ReportID: inventory.UUID(uuid.New()), Received: after.Received + 1, Collected: after.Received + 1, InventoryHash: "never heard"}
	beat := &Entry{Kind: KindHeartbeat, SiteID: site, ReportID: inventory.UUID(uuid.New()), Received: after.Received + 2, Collected: after.Received + 2, InventoryHash: after.InventoryHash}
	ancient := newEntry(t, site, 500_000*time.Hour, "token 8.x-1.13")
	ancient.Received = after.Received + 3
	refused := &Entry{Kind: KindRefused, SiteID: site, Received: after.Received + 4, Detail: "trigger: must be one of", Body: []byte("\xff\x00{not json")}
	b.add(good, late, &again, future, after, unknown, beat, ancient, refused, good)
	b.run(b.applier())
	b.eventually("all entries", b.drained)
	equal(t, "audit", []string{"applied", "late", "duplicate", "applied", "applied", "inventory_unknown", "heartbeat", "applied", "refused"}, b.audits(site))
	// The clock of the last one is plainly wrong, so it counts from receipt.
	equal(t, "current", []string{"token 8.x-1.13"}, b.current(site))
	equal(t, "odd periods", []string(nil), b.query("SELECT valid_from::text FROM site_module_periods WHERE site_id = $1 AND (valid_from > now() + interval '1 minute' OR valid_from < now() - interval '1 day' OR valid_to < valid_from)", site))
	equal(t, "clock notes", []string{"2"}, b.query("SELECT count(*)::text FROM audit_logs WHERE site_id = $1 AND detail LIKE '%clock%'", site))
	equal(t, "refused data", []string{"string"}, b.query("SELECT jsonb_typeof(data) FROM audit_logs WHERE site_id = $1 AND status = 'refused'", site))
}

func TestAnyOrderEndsInTheNewestState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	random := rand.New(rand.NewPCG(3, 4))
	sites := map[int64]string{}
	for n := range 40 {
		site := b.site(fmt.Sprint(n))
		var entries []*Entry
		for v := range 5 {
			entries = append(entries, newEntry(t, site, time.Duration(50-v)*time.Minute, fmt.Sprintf("token 8.x-1.%d", v)))
		}
		sites[site] = "token 8.x-1.4"
		entries = append(entries, entries[random.IntN(5)], entries[random.IntN(5)])
		random.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		b.add(entries...)
	}
	b.run(b.applier())
	b.eventually("all entries", b.drained)
	for site, want := range sites {
		equal(t, "current", []string{want}, b.current(site))
		if got := len(b.audits(site)); got != 5 {
			t.Errorf("%d audit rows for 5 reports", got)
		}
	}
	equal(t, "overlapping periods", []string(nil), b.query(`SELECT a.site_id::text FROM site_module_periods a JOIN site_module_periods b
		ON a.site_id = b.site_id AND a.module_id = b.module_id AND a.id < b.id AND a.valid_from < coalesce(b.valid_to, 'infinity') AND b.valid_from < coalesce(a.valid_to, 'infinity')`))
}

// poison refuses everything about one site, as a mistake in the schema would.
func (b *bundle) poison(site int64) (mend func()) {
	b.t.Helper()
	if _, err := b.pool.Exec(b.t.Context(), fmt.Sprintf(`
		CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'this row is poison'; END $$;
		CREATE TRIGGER refuse_%d BEFORE INSERT ON audit_logs FOR EACH ROW WHEN (NEW.site_id = %d) EXECUTE FUNCTION refuse()`, site, site)); err != nil {
		b.t.Fatal(err)
	}
	return func() {
		b.t.Helper()
		if _, err := b.pool.Exec(b.t.Context(), fmt.Sprintf("DROP TRIGGER refuse_%d ON audit_logs", site)); err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestPoisonHoldsUpNothingAndBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := b.site("bad")
	mend := b.poison(bad)
	var good []int64
	var poisoned []*Entry
	for i := range 60 {
		if i%12 == 5 {
			e := newEntry(t, bad, time.Duration(60-i)*time.Second, fmt.Sprintf("token 8.x-1.%d", i))
			poisoned = append(poisoned, e)
			b.add(e)
		}
		site := b.site(fmt.Sprint(i))
		good = append(good, site)
		b.add(newEntry(t, site, time.Minute, "token 8.x-1.15"))
	}
	b.addRaw([]byte("\x09what is this"))
	b.addRaw(nil)
	broken := newEntry(t, good[0], 0, "token 8.x-1.15")
	broken.Body = []byte(`{"not": "what its hash says"}`)
	broken.ContentHash = [32]byte{1}
	b.add(broken)
	b.run(b.applier())
	b.eventually("all entries", b.drained)
	for i, site := range good {
		equal(t, fmt.Sprintf("audit of %d", i), []string{"applied"}, b.audits(site))
	}
	letters, err := ListDeadLetters(t.Context(), b.pool, 0, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(letters) != len(poisoned)+3 {
		t.Fatalf("%d dead letters, want %d: %+v", len(letters), len(poisoned)+3, letters)
	}
	mend()
	replayed := 0
	for _, l := range letters {
		if l.Deliveries != 5 || l.Reason == "" {
			t.Errorf("dead letter: %+v", l)
		}
		full, err := GetDeadLetter(t.Context(), b.pool, l.ID)
		if err != nil {
			t.Fatal(err)
		}
		if l.SiteID == nil {
			if full.Unreadable == "" {
				t.Errorf("no reason why this cannot be read: %+v", full)
			}
			if err := DropDeadLetter(t.Context(), b.pool, l.ID); err != nil {
				t.Error(err)
			}
			continue
		}
		if *l.SiteID != bad {
			continue
		}
		if !strings.Contains(l.Reason, "poison") || len(full.Entries) != 1 || !strings.Contains(full.Entries[0].Body, "token") {
			t.Errorf("dead letter: %+v", full)
		}
		if err := ReplayDeadLetter(t.Context(), b.pool, l.ID); err != nil {
			t.Error(err)
		}
		if err := ReplayDeadLetter(t.Context(), b.pool, l.ID); !errors.Is(err, ErrNoDeadLetter) {
			t.Errorf("replayed twice: %v", err)
		}
		replayed++
	}
	b.eventually("the replayed reports", b.drained)
	if got := b.audits(bad); len(got) != replayed {
		t.Errorf("audit of the mended site: %v", got)
	}
}

func TestPoisonAmongHeartbeatsAndInTheSpool(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad, good := b.site("bad"), b.site("good")
	for _, site := range []int64{bad, good} {
		b.add(newEntry(t, site, time.Hour, "token 1.0.0"))
	}
	stop := b.run(b.applier())
	b.eventually("the first reports", b.drained)
	stop()
	b.poison(bad)
	record := []byte{formatVersion}
	for i := range 10 {
		site := good
		if i == 4 {
			site = bad
		}
		record = appendEntry(record, &Entry{Kind: KindHeartbeat, SiteID: site, ReportID: inventory.UUID(uuid.New()), Received: time.Now().UnixMicro(), Collected: time.Now().UnixMicro(), InventoryHash: "hash of token 1.0.0"})
	}
	b.addRaw(record)
	if _, err := b.pool.Exec(t.Context(), "INSERT INTO report_spool (entry) VALUES ($1), ($2)",
		EncodeEntry(newEntry(t, bad, 0, "token 2.0.0")), EncodeEntry(newEntry(t, good, 0, "token 2.0.0"))); err != nil {
		t.Fatal(err)
	}
	b.run(b.applier())
	b.eventually("all entries", b.drained)
	equal(t, "dead letters", []string{"2"}, b.query("SELECT count(*)::text FROM dead_letters WHERE deliveries = 5 AND site_id = $1", bad))
	equal(t, "current", []string{"token 2.0.0"}, b.current(good))
	if got := len(b.audits(good)); got != 11 {
		t.Errorf("%d audit rows, want 11: %v", got, b.audits(good))
	}
}

func TestPanicInARuleIsContained(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad, good := b.site("bad"), b.site("good")
	b.add(newEntry(t, bad, time.Minute, "boom 1.0.0"), newEntry(t, good, time.Minute, "token 1.0.0"))
	a := b.applier()
	a.group = func(r *inventory.Report) inventory.Inventory {
		for i := range r.List {
			if r.List[i].Name == "boom" {
				panic("no rule for this")
			}
		}
		return inventory.Group(r)
	}
	b.run(a)
	b.eventually("all entries", b.drained)
	equal(t, "current", []string{"token 1.0.0"}, b.current(good))
	equal(t, "dead letters", []string{"a rule failed: no rule for this"}, b.query("SELECT reason FROM dead_letters WHERE site_id = $1", bad))
}

func TestWhatADeadConsumerLeftIsTakenOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	site := b.site("a")
	if err := b.applier().ensureGroup(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.add(newEntry(t, site, time.Minute, "token 1.0.0"))
	if _, err := b.redis.XReadGroup(t.Context(), &redis.XReadGroupArgs{Group: group, Consumer: "dead", Streams: []string{DefaultStream, ">"}, Count: 10}).Result(); err != nil {
		t.Fatal(err)
	}
	b.run(b.applier())
	b.eventually("the report", b.drained)
	equal(t, "audit", []string{"applied"}, b.audits(site))
}

func TestKilledBetweenCommitAndAcknowledgementAppliesOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	site := b.site("a")
	entry := newEntry(t, site, time.Minute, "token 1.0.0")
	b.add(newEntry(t, site, 2*time.Minute, "token 0.9.0"), entry)
	dead := b.applier()
	if err := dead.ensureGroup(t.Context()); err != nil {
		t.Fatal(err)
	}
	messages, err := dead.readNew(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var items []*item
	for _, r := range dead.take(messages) {
		entries, err := DecodeRecord(r.raw)
		if err != nil {
			t.Fatal(err)
		}
		r.left = 1
		items = append(items, &item{Entry: entries[0], record: r})
	}
	if _, err := dead.prepare(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if err := dead.commit(t.Context(), items, nil); err != nil {
		t.Fatal(err)
	}
	// Killed here. Another finds both unacknowledged; one was spooled as well.
	if _, err := b.pool.Exec(t.Context(), "INSERT INTO report_spool (entry) VALUES ($1)", EncodeEntry(entry)); err != nil {
		t.Fatal(err)
	}
	b.run(b.applier())
	b.eventually("the acknowledgement", b.drained)
	equal(t, "audit", []string{"applied", "applied"}, b.audits(site))
	equal(t, "patch runs", []string{"1"}, b.query("SELECT count(*)::text FROM patch_runs WHERE site_id = $1", site))
	equal(t, "periods", []string{"3"}, b.query("SELECT count(*)::text FROM site_module_periods WHERE site_id = $1", site))
}

func TestDatabaseThatFailsForAWhileDelaysOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	site := b.site("a")
	flaky := &flakyVersions{Versions: b.versions, failures: 7}
	b.versions = flaky
	b.add(newEntry(t, site, time.Minute, "token 1.0.0"))
	b.run(b.applier())
	b.eventually("the report", b.drained)
	equal(t, "audit", []string{"applied"}, b.audits(site))
	equal(t, "dead letters", []string{"0"}, b.query("SELECT count(*)::text FROM dead_letters"))
}

// flakyVersions loses its connection a few times.
type flakyVersions struct {
	Versions
	mu       sync.Mutex
	failures int
}

func (f *flakyVersions) LockShared(ctx context.Context, tx pgx.Tx) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failures > 0 {
		f.failures--
		return fmt.Errorf("lock: %w", context.DeadlineExceeded)
	}
	return f.Versions.LockShared(ctx, tx)
}

// bogusVersions names rows that are not there for one site's projects.
type bogusVersions struct{ Versions }

func (b bogusVersions) Resolve(ctx context.Context, installed []releases.Installed) ([]releases.Ref, error) {
	refs, err := b.Versions.Resolve(ctx, installed)
	for i := range refs {
		if strings.HasPrefix(installed[i].Project, "bogus") {
			refs[i].VersionID += 1_000_000
		}
	}
	return refs, err
}

func TestManyPeriodsAtOnceKeepTheirForeignKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var may bool
	if err := b.pool.QueryRow(t.Context(), "SELECT has_parameter_privilege(current_user, 'session_replication_role', 'SET')").Scan(&may); err != nil || !may {
		t.Fatalf("this role may not leave out the checks, so nothing is shown: %v", err)
	}
	good, bad := b.site("good"), b.site("bad")
	var many, bogus []string
	for i := range bulkPeriods + 100 {
		many = append(many, fmt.Sprintf("many_%d 1.0.0", i))
		bogus = append(bogus, fmt.Sprintf("bogus_%d 1.0.0", i))
	}
	b.versions = bogusVersions{b.versions}
	b.add(newEntry(t, good, time.Minute, many...), newEntry(t, bad, time.Minute, bogus...))
	b.run(b.applier())
	b.eventually("all entries", b.drained)
	if got := len(b.current(good)); got != len(many) {
		t.Errorf("%d projects, want %d", got, len(many))
	}
	equal(t, "current of the bad", []string(nil), b.current(bad))
	equal(t, "dead letters", []string{"true"}, b.query("SELECT (reason LIKE '%versions are there%')::text FROM dead_letters WHERE site_id = $1", bad))
	// The role is itself again afterwards.
	equal(t, "roles", []string{"origin"}, b.query("SHOW session_replication_role"))
}

func TestAuditRowsGoIntoTheirMonth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	site := b.site("a")
	b.add(newEntry(t, site, time.Minute, "token 1.0.0"))
	b.run(b.applier())
	b.eventually("the report", b.drained)
	equal(t, "partition", []string{time.Now().UTC().Format("audit_logs_2006_01")}, b.query("SELECT tableoid::regclass::text FROM audit_logs"))
}

func TestSitesThatAreGoneAreForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone, deleted, good := b.site("gone"), b.site("deleted"), b.site("good")
	if _, err := b.pool.Exec(t.Context(), fmt.Sprintf("DELETE FROM sites WHERE id = %d; UPDATE sites SET deleted_at = now() WHERE id = %d", gone, deleted)); err != nil {
		t.Fatal(err)
	}
	for _, site := range []int64{gone, deleted, good} {
		b.add(newEntry(t, site, time.Minute, "token 1.0.0"))
	}
	b.run(b.applier())
	b.eventually("all entries", b.drained)
	equal(t, "audit of the gone", []string(nil), b.audits(gone))
	equal(t, "audit of the deleted", []string{"refused"}, b.audits(deleted))
	equal(t, "audit of the good", []string{"applied"}, b.audits(good))
	equal(t, "dead letters", []string{"0"}, b.query("SELECT count(*)::text FROM dead_letters"))
}

func TestStreamThatVanishesIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	site := b.site("a")
	b.run(b.applier())
	b.add(newEntry(t, site, 2*time.Minute, "token 1.0.0"))
	b.eventually("the first report", func() bool { return len(b.audits(site)) == 1 })
	if err := b.redis.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	b.add(newEntry(t, site, time.Minute, "token 2.0.0"))
	b.eventually("the second report", func() bool { return len(b.audits(site)) == 2 })
}

func TestEntriesSurviveTheirEncoding(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte("hello"))
	_ = w.Close()
	entries := []Entry{
		{Kind: KindReport, SiteID: 1 << 60, ReportID: inventory.UUID{1, 2}, Received: -5, Collected: 1 << 61, Trigger: inventory.TriggerCI, InventoryHash: "é", ContentHash: [32]byte{9}, Encoding: Gzip, Body: zipped.Bytes()},
		{Kind: KindHeartbeat, SiteID: 3, InventoryHash: "h"},
		{Kind: KindRefused, SiteID: 4, Detail: "why", Body: []byte{}},
	}
	for _, e := range entries {
		got, err := DecodeRecord(EncodeEntry(&e))
		if err != nil || len(got) != 1 {
			t.Fatal(err)
		}
		equal(t, "entry", e, got[0])
	}
	if text, err := entries[0].plain(); err != nil || string(text) != "hello" {
		t.Errorf("%q %v", text, err)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(EncodeEntry(&Entry{Kind: KindReport, SiteID: 1, Body: []byte("x")}))
	f.Add([]byte{formatVersion})
	f.Fuzz(func(t *testing.T, record []byte) {
		entries, err := DecodeRecord(record)
		if err == nil && len(entries) == 0 {
			t.Fatal("nothing, and no error")
		}
	})
}

// After an update of core other rules may judge, and a module may be switched
// off: what is the same version still was there all the time.
func TestOnlyOtherVersionsAreAPatchRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(b.applier())
	site := b.site("a")
	on := func(ago time.Duration, core, enabled string) *Entry {
		now := time.Now()
		return entryOf(t, site, now, fmt.Sprintf(`{"reportId":%q,"collectedAt":%q,"trigger":"cron","agent":{"name":"test"},"site":{},
			"platform":{"drupalVersion":%q},"extensions":[{"name":"node","type":"module","enabled":true,"pathKind":"core","version":%q},
			{"name":"token","type":"module","enabled":%s,"project":"token","version":"8.x-1.9","pathKind":"contrib"}],"inventoryHash":%q}`,
			uuid.NewString(), now.Add(-ago).UTC().Format(time.RFC3339Nano), core, core, enabled, core+enabled))
	}
	b.add(on(3*time.Hour, "10.2.8", "true"), on(2*time.Hour, "10.3.6", "true"), on(time.Hour, "10.3.6", "false"))
	b.eventually("the reports", func() bool {
		return len(b.query("SELECT status FROM audit_logs WHERE site_id = $1", site)) == 3
	})
	equal(t, "what the patch runs hold", []string{"updated drupal"},
		b.query(`SELECT i.kind || ' ' || m.module_name FROM patch_runs r JOIN patch_run_items i ON i.patch_run_id = r.id
			JOIN modules m ON m.id = i.module_id WHERE r.site_id = $1`, site))
	equal(t, "token's periods", []string{"8.x-1.9 current module-uninstalled, for hours: true"},
		b.query(`SELECT v.version_number || ' ' || v.rule_set || ' ' || p.project_type || ', for hours: ' || (p.valid_from < now() - interval '150 minutes')
			FROM site_module_periods p JOIN module_versions v ON v.id = p.version_id JOIN modules m ON m.id = v.module_id
			WHERE p.site_id = $1 AND m.module_name = 'token'`, site))
}
