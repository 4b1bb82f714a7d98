package sites

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
	"drumbeat/server/platform/testkit"
)

// explained runs each query under EXPLAIN (ANALYZE) as well and keeps what it says.
type explained struct {
	db.DBTX
	plans []plan
}

// plan is what PostgreSQL says of one execution.
type plan struct {
	ExecutionTime float64 `json:"Execution Time"` // milliseconds
	Plan          node
}

type node struct {
	NodeType string  `json:"Node Type"`
	Rows     float64 `json:"Actual Rows"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Loops    float64 `json:"Actual Loops"`
	Plans    []node
}

// read is how many rows were read from tables and indexes.
func (n node) read() (rows float64) {
	if strings.Contains(n.NodeType, "Scan") && !strings.Contains(n.NodeType, "Subquery") {
		rows = (n.Rows + n.Removed) * n.Loops
	}
	for _, p := range n.Plans {
		rows += p.read()
	}
	return rows
}

func (e *explained) explain(ctx context.Context, sql string, args []any) error {
	var text []byte
	// TIMING OFF: asking the clock for each row would cost more than the rows.
	if err := e.DBTX.QueryRow(ctx, "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+sql, args...).Scan(&text); err != nil {
		return fmt.Errorf("explain: %w", err)
	}
	var plans []plan
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		return errors.Join(errors.New("read a plan"), err)
	}
	e.plans = append(e.plans, plans[0])
	return nil
}

func (e *explained) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := e.explain(ctx, sql, args); err != nil {
		return nil, err
	}
	return e.DBTX.Query(ctx, sql, args...)
}

func (e *explained) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := e.explain(ctx, sql, args); err != nil {
		return failedRow{err}
	}
	return e.DBTX.QueryRow(ctx, sql, args...)
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// bigFleet makes n sites, of which one in 20 is another organisation's and 50
// of those are shared with the first, whose id it gives. With modules, each of
// the first 20,000 sites has 100 projects; two fifths of them run version 2.
func bigFleet(t testing.TB, pool *pgxpool.Pool, n int, modules bool) (organization, version int64) {
	t.Helper()
	steps := []string{
		`INSERT INTO organizations (name) VALUES ('Big'), ('Other')`,
		`INSERT INTO sites (organization_id, name, url, created_at)
			SELECT 1 + (g % 20 = 0)::int, 'Site ' || md5(g::text), 'https://' || md5((g + 7)::text) || '.example.org', now() - g * interval '1 minute'
			FROM generate_series(1, $1::int) g`,
		`INSERT INTO site_organizations (site_id, organization_id, is_owner) SELECT id, organization_id, true FROM sites`,
		`INSERT INTO site_organizations (site_id, organization_id) SELECT id, 1 FROM sites WHERE organization_id = 2 ORDER BY id LIMIT 50`,
		`INSERT INTO site_states (site_id, organization_id, last_report_at, core_version, core_version_parts,
				insecure_count, unsupported_count, outdated_count, current_count, unknown_count, update_count)
			SELECT id, organization_id, CASE WHEN id % 50 <> 0 THEN now() - (id * 7919 % 1800) * interval '1 minute' END,
				'10.' || id % 5 || '.' || id % 30, ARRAY[10, (id % 5)::int, (id % 30)::int],
				CASE WHEN id % 4 = 0 THEN id * 31 % 6 ELSE 0 END, (id % 10 = 3)::int, id * 17 % 21, 70, (id % 10 = 7)::int, id * 13 % 21
			FROM sites`,
		`UPDATE site_states SET platform_state = CASE WHEN site_id % 100 = 11 THEN 'ended' ELSE 'supported' END`,
	}
	if modules {
		steps = append(steps,
			`INSERT INTO modules (module_name, drupal_link) SELECT 'project_' || g, '' FROM generate_series(1, 500) g`,
			`INSERT INTO module_versions (module_id, rule_set, version_number, installed, status, class)
				SELECT m.id, 'current', '1.' || v, true, 'current', 'current' FROM modules m, generate_series(1, 5) v ORDER BY m.id, v`,
			// The rows are right by construction; checking two million would take a minute.
			`ALTER TABLE site_module_periods DISABLE TRIGGER ALL`,
			`INSERT INTO site_module_periods (site_id, module_id, version_id, project_type, valid_from)
				SELECT s.id, m.id, (m.id - 1) * 5 + CASE WHEN m.id = 1 THEN 1 + (s.id % 5 < 2)::int ELSE 1 + s.id * m.id % 5 END, 'module', now()
				FROM (SELECT id FROM sites WHERE id <= 20000) s
				CROSS JOIN LATERAL (SELECT DISTINCT 1 + (CASE WHEN g = 0 THEN 0 ELSE s.id * 17 + g * 5 END) % 500 AS id FROM generate_series(0, 99) g) m`,
			`ALTER TABLE site_module_periods ENABLE TRIGGER ALL`)
	}
	steps = append(steps, `VACUUM (ANALYZE)`)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `SET statement_timeout = 0`); err != nil {
		t.Fatal(err)
	}
	for _, sql := range steps {
		args := []any{}
		if strings.Contains(sql, "$1") {
			args = append(args, n)
		}
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
	}
	return 1, 2
}

var anOrder = []order{
	{"security", true}, {"security", false}, {"updates", true}, {"updates", false}, {"core", true}, {"core", false},
	{"name", false}, {"name", true}, {"url", false}, {"url", true}, {"created", true}, {"created", false},
}

// TestAPageReadsLittleMoreThanItShows keeps the list's figures without a stop
// watch: whatever the order, and however far down, a page of 50 is read from
// the place where it starts, and not from the whole fleet.
func TestAPageReadsLittleMoreThanItShows(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	organization, _ := bigFleet(t, pool, 4000, false)
	service := &Service{store: &store{pool: pool}, now: time.Now}
	// 51 rows, and the 50 shared sites with what says that they are.
	const most = 51 + 4*50
	for _, o := range anOrder {
		var after *listKey
		for page := range 20 {
			e := &explained{DBTX: pool}
			ids, err := listIDs(t.Context(), db.New(ownPlans{e}), listParams{
				organizationID: organization, order: o, silentBefore: service.silentBefore(), after: after, limit: 51,
			})
			if err != nil {
				t.Fatal(err)
			}
			if read := e.plans[0].Plan.read(); read > most {
				t.Errorf("%s (descending: %v), page %d: %v rows read", o.name, o.desc, page, read)
			}
			list, err := service.store.sites(t.Context(), organization, ids[:50])
			if err != nil {
				t.Fatal(err)
			}
			key := o.key(&list[len(list)-1])
			after = &key
		}
	}
}

// TestSitesBeyondTheEndOfLifeAreReadFromTheirIndex: they are few, and the list
// must not read the whole fleet to find them.
func TestSitesBeyondTheEndOfLifeAreReadFromTheirIndex(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	organization, _ := bigFleet(t, pool, 4000, false)
	for _, desc := range []bool{true, false} {
		e := &explained{DBTX: pool}
		ids, err := listIDs(t.Context(), db.New(ownPlans{e}), listParams{
			organizationID: organization, order: order{"security", desc}, state: StateEndOfLife, silentBefore: time.Now(), limit: 51,
		})
		if err != nil {
			t.Fatal(err)
		}
		if read := e.plans[0].Plan.read(); len(ids) != 40 || read > 51+4*50 {
			t.Errorf("descending %v: %d sites, %v rows read", desc, len(ids), read)
		}
	}
}

// BenchmarkSites gives the time in PostgreSQL by EXPLAIN (ANALYZE), as the
// median of the runs: of the site list (both of its queries), of the summary,
// and of who runs a version, for a page and for all of some 8,000.
func BenchmarkSites(b *testing.B) {
	for _, n := range []int{20_000, 100_000} {
		pool := testkit.Postgres(b)
		organization, version := bigFleet(b, pool, n, true)
		silent := time.Now().Add(-SilentAfter)
		key := &listKey{Counts: [3]int32{0, 0, 10}, ID: int64(n / 2)}
		for _, c := range []struct {
			name   string
			params listParams
		}{
			{"first page by security", listParams{order: order{"security", true}}},
			{"page in the middle by security", listParams{order: order{"security", true}, after: key}},
			{"first page by name", listParams{order: order{"name", false}}},
			{"first page by last report", listParams{order: order{"last_report", true}}},
			{"beyond the end of life", listParams{order: order{"security", true}, state: StateEndOfLife}},
			{"insecure by name", listParams{order: order{"name", false}, state: StateInsecure}},
			{"search with few hits", listParams{order: order{"security", true}, pattern: "%abc12%"}},
			{"search with all as hits", listParams{order: order{"security", true}, pattern: "%example%"}},
			{"search without a hit", listParams{order: order{"security", true}, pattern: "%z%"}},
		} {
			c.params.organizationID, c.params.silentBefore, c.params.limit = organization, silent, 51
			measure(b, fmt.Sprintf("%d/%s", n, c.name), pool, func(ctx context.Context, e *explained) error {
				ids, err := listIDs(ctx, db.New(ownPlans{e}), c.params)
				if err != nil || len(ids) == 0 {
					return err
				}
				_, err = db.New(e).GetSitesByID(ctx, db.GetSitesByIDParams{Ids: ids[:min(50, len(ids))], OrganizationID: organization})
				return err
			})
		}
		measure(b, fmt.Sprintf("%d/summary", n), pool, func(ctx context.Context, e *explained) error {
			_, err := db.New(e).SummarizeSites(ctx, db.SummarizeSitesParams{OrganizationID: organization, SilentBefore: silent})
			return err
		})
		for name, limit := range map[string]int32{"who runs a version, a page": 51, "who runs a version, all": 1 << 20} {
			measure(b, fmt.Sprintf("%d/%s", n, name), pool, func(ctx context.Context, e *explained) error {
				_, err := db.New(ownPlans{e}).ListModuleSites(ctx, db.ListModuleSitesParams{OrganizationID: organization, VersionIds: []int64{version}, MaxRows: limit})
				return err
			})
		}
	}
}

func measure(b *testing.B, name string, pool *pgxpool.Pool, do func(ctx context.Context, e *explained) error) {
	b.Run(name, func(b *testing.B) {
		var times []float64
		for b.Loop() {
			e := &explained{DBTX: pool}
			if err := do(b.Context(), e); err != nil {
				b.Fatal(err)
			}
			sum := 0.0
			for _, p := range e.plans {
				sum += p.ExecutionTime
			}
			times = append(times, sum)
		}
		slices.Sort(times)
		b.ReportMetric(times[len(times)/2], "pg-ms/op")
	})
}
