package releases

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/server/platform/testkit"
)

func newTestCatalog(t testing.TB) (*Catalog, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Postgres(t)
	return NewCatalog(pool, testkit.Logger(t)), pool
}

func ptr[T any](v T) *T { return &v }

func count(t testing.TB, pool *pgxpool.Pool, query string, args ...any) int {
	t.Helper()
	var n int
	if err := pool.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func mustResolve(t testing.TB, c *Catalog, installed ...Installed) []Ref {
	t.Helper()
	refs, err := c.Resolve(t.Context(), installed)
	if err != nil {
		t.Fatal(err)
	}
	return refs
}

func TestResolve(t *testing.T) {
	t.Parallel()
	c, pool := newTestCatalog(t)
	installed := []Installed{
		{Project: "drupal", Title: "Drupal core", RuleSet: "current", Version: ptr("11.1.0")},
		{Project: "token", RuleSet: "current", Version: ptr("8.x-1.5"), Datestamp: 5},
		{Project: "token", RuleSet: "current", Version: ptr("8.x-1.5"), Datestamp: 6},
		{Project: "token", RuleSet: "10.2", Version: ptr("8.x-1.5")},
		{Project: "token", RuleSet: "current", Version: nil},
		{Project: "token", RuleSet: "current", Version: ptr("")},
		{Project: "token", RuleSet: "current", Version: ptr("8.x-1.x-dev"), Datestamp: 5},
		{Project: "token", RuleSet: "current", Version: ptr("8.x-1.x-dev"), Datestamp: 6},
		{Project: "views", RuleSet: "7", Version: ptr("7.x-3.2")},
	}
	refs := mustResolve(t, c, installed...)
	seen := map[Ref]int{}
	for i, ref := range refs {
		if ref.ModuleID == 0 || ref.VersionID == 0 {
			t.Errorf("item %d has no row: %v", i, ref)
		}
		seen[ref]++
	}
	if len(seen) != len(installed)-1 {
		t.Errorf("got %d distinct rows, want %d", len(seen), len(installed)-1)
	}
	if refs[1] != refs[2] {
		t.Error("the packaging time of a release makes a difference")
	}
	if refs[6] == refs[7] {
		t.Error("the packaging time of a snapshot makes no difference")
	}
	if refs[4] == refs[5] {
		t.Error("no version and an empty version are the same")
	}
	if again := mustResolve(t, NewCatalog(pool, testkit.Logger(t)), installed...); fmt.Sprint(again) != fmt.Sprint(refs) {
		t.Errorf("another process sees %v, want %v", again, refs)
	}
	if again := mustResolve(t, c, installed...); fmt.Sprint(again) != fmt.Sprint(refs) {
		t.Errorf("the cache gives %v, want %v", again, refs)
	}
	if n := count(t, pool, "SELECT count(*) FROM feeds WHERE state = 'never'"); n != 3 {
		t.Errorf("%d feeds wait, want 3: drupal, token, views", n)
	}
	if n := count(t, pool, `SELECT count(*) FROM module_versions WHERE installed AND status = 'unknown' AND class = 'unknown'
		AND verdict ->> 'no_feed' = 'never' AND judged_at IS NOT NULL AND rules_version = $1`, RulesVersion); n != len(seen) {
		t.Errorf("%d versions are unknown for want of a feed, want %d", n, len(seen))
	}
}

func TestResolveRefusesWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	c, _ := newTestCatalog(t)
	for name, in := range map[string]Installed{
		"no name":                  {RuleSet: "current"},
		"name too long":            {Project: strings.Repeat("x", 600), RuleSet: "current"},
		"NUL in the name":          {Project: "a\x00b", RuleSet: "current"},
		"version is no UTF-8":      {Project: "a", RuleSet: "current", Version: ptr("\xff")},
		"version too long":         {Project: "a", RuleSet: "current", Version: ptr(strings.Repeat("9", 10000))},
		"rule set that is unknown": {Project: "a", RuleSet: "9"},
	} {
		if _, err := c.Resolve(t.Context(), []Installed{in}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	hostile := "../'; DROP TABLE modules --\u202e"
	if refs := mustResolve(t, c, Installed{Project: hostile, Title: "\xff\x00" + strings.Repeat("é", 300), RuleSet: "current"}); refs[0].VersionID == 0 {
		t.Error("a strange but storable name has no row")
	}
}

func TestConcurrentResolvesAgree(t *testing.T) {
	t.Parallel()
	c, pool := newTestCatalog(t)
	const projects, workers = 500, 6
	results := make([][]Ref, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			own := NewCatalog(c.pool, testkit.Logger(t)) // as another process would
			installed := make([]Installed, 0, projects)
			for i := range projects {
				n := (i*7 + w*31) % projects // every worker in its own order
				installed = append(installed, Installed{Project: fmt.Sprintf("project_%d", n), RuleSet: "current", Version: ptr(fmt.Sprintf("1.%d.0", n%5))})
			}
			refs, err := own.Resolve(context.WithoutCancel(t.Context()), installed)
			if err != nil {
				t.Error(err)
				return
			}
			results[w] = make([]Ref, projects)
			for i := range projects {
				results[w][(i*7+w*31)%projects] = refs[i]
			}
		})
	}
	wg.Wait()
	for w := range workers {
		if fmt.Sprint(results[w]) != fmt.Sprint(results[0]) {
			t.Errorf("worker %d got other rows than worker 0", w)
		}
	}
	if n := count(t, pool, "SELECT count(*) FROM module_versions"); n != projects {
		t.Errorf("%d versions, want %d", n, projects)
	}
}

func BenchmarkResolveHit(b *testing.B) {
	c, _ := newTestCatalog(b)
	installed := make([]Installed, 100)
	for i := range installed {
		installed[i] = Installed{Project: fmt.Sprintf("project_%d", i), RuleSet: "current", Version: ptr("8.x-1.5")}
	}
	mustResolve(b, c, installed...)
	b.ResetTimer()
	for b.Loop() {
		if _, err := c.Resolve(b.Context(), installed); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(installed)), "ns/item")
}
