package releases

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

func TestSecurityReleaseReachesEveryAffectedSiteAndNoOther(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", feedXML("token", "8.x-1.", rel("8.x-1.4"), rel("8.x-1.3")))
	source.set("pathauto", feedXML("pathauto", "8.x-1.", rel("8.x-1.9")))
	b := newBench(t, source)
	affected, older, other := b.addSite(), b.addSite(), b.addSite()
	b.mustInstall(affected, "token", "8.x-1.4")
	b.mustInstall(affected, "pathauto", "8.x-1.9")
	b.mustInstall(older, "token", "8.x-1.3")
	b.mustInstall(other, "pathauto", "8.x-1.9")
	for _, site := range []int64{affected, older, other} {
		if c := b.counters(site); c[4] == 0 || c[3] != 0 {
			t.Errorf("before its feeds are known, a site's projects are not unknown: %v", c)
		}
	}
	b.sync()
	for site, want := range map[int64]counters{affected: {3: 2}, older: {2: 1, 5: 1}, other: {3: 1}} {
		if c := b.counters(site); c != want {
			t.Errorf("all fine: counters %v, want %v", c, want)
		}
	}

	source.set("token", feedXML("token", "8.x-1.",
		rel("8.x-1.5", "Security update"), rel("8.x-1.4", "Insecure"), rel("8.x-1.3", "Insecure")))
	var versionBefore string
	if err := b.pool.QueryRow(t.Context(), "SELECT xmin::text FROM site_states WHERE site_id = $1", other).Scan(&versionBefore); err != nil {
		t.Fatal(err)
	}
	b.syncLater()
	for site, want := range map[int64]counters{affected: {0: 1, 3: 1, 5: 1}, older: {0: 1, 5: 1}, other: {3: 1}} {
		if c := b.counters(site); c != want {
			t.Errorf("security release: counters %v, want %v", c, want)
		}
	}
	var versionAfter string
	if err := b.pool.QueryRow(t.Context(), "SELECT xmin::text FROM site_states WHERE site_id = $1", other).Scan(&versionAfter); err != nil {
		t.Fatal(err)
	}
	if versionAfter != versionBefore {
		t.Error("the state of a site that does not have the project was written")
	}
	if n := count(t, b.pool, "SELECT site_count FROM verdict_spreads WHERE reason = 'feed: token' ORDER BY id DESC LIMIT 1"); n != 2 {
		t.Errorf("the spread visited %d sites, want 2", n)
	}
	spreads := count(t, b.pool, "SELECT count(*) FROM verdict_spreads")
	if b.syncLater(); count(t, b.pool, "SELECT count(*) FROM verdict_spreads") != spreads {
		t.Error("feeds that did not change started a spread")
	}
}

func TestSpreadIsTakenUpWhereItWasStopped(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", feedXML("token", "8.x-1.", rel("8.x-1.4")))
	b := newBench(t, source)
	b.service.spreader.chunk = 2
	const all = 7
	for range all {
		b.mustInstall(b.addSite(), "token", "8.x-1.4")
	}
	if err := b.service.syncer.syncAll(t.Context(), b.service.syncer.claimDue, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.service.spreader.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.service.spreader.step(stopped); err == nil {
		t.Error("a stopped spread reports success")
	}
	if n := b.staleSites(); n != all-2 {
		t.Errorf("%d sites are still to be done, want %d", n, all-2)
	}
	another := &spreader{pool: b.pool, now: b.clock.Now, chunk: 2}
	visited, err := another.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if visited != all-2 {
		t.Errorf("visited %d sites, want the %d that were left", visited, all-2)
	}
	if n := b.staleSites(); n != 0 {
		t.Errorf("%d sites have stale counters", n)
	}
}

func TestSpreadsThatWaitAreDoneTogether(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	b := newBench(t, source)
	b.service.spreader.chunk = 2
	const all = 5
	for range all {
		site := b.addSite()
		for _, project := range []string{"a", "b", "c"} {
			b.mustInstall(site, project, "8.x-1.4")
		}
	}
	visited := 0
	for i, project := range []string{"a", "b", "c"} {
		source.set(project, feedXML(project, "8.x-1.", rel("8.x-1.4")))
		if i == 1 {
			// The first has begun when the others come.
			n, err := b.service.spreader.step(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			visited += n
		}
		if err := b.service.syncer.syncAll(t.Context(), oneFeed(b, project), nil); err != nil {
			t.Fatal(err)
		}
	}
	n, err := b.service.spreader.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if visited += n; visited != 2*all {
		t.Errorf("visited sites %d times, want %d: once for the first and once for both others", visited, 2*all)
	}
	if n := b.staleSites(); n != 0 {
		t.Errorf("%d sites have stale counters", n)
	}
	if n := count(t, b.pool, "SELECT count(*) FROM verdict_spreads WHERE finished_at IS NULL"); n != 0 {
		t.Errorf("%d spreads are not finished", n)
	}
}

func TestVerdictsAndReportsAtOnceLeaveNoStaleCounter(t *testing.T) {
	t.Parallel()
	const siteCount, projects, rounds = 12, 3, 25
	version := func(i int) string { return fmt.Sprintf("8.x-1.%d", i) }
	source := newMemorySource()
	b := newBench(t, source)
	b.service.spreader.chunk = 5
	var ids []int64
	for range siteCount {
		ids = append(ids, b.addSite())
	}
	ctx := t.Context()
	var wg sync.WaitGroup
	for w := range 4 { // reports
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				site := ids[random.IntN(len(ids))]
				v := version(random.IntN(6))
				if err := b.install(ctx, site, Installed{Project: fmt.Sprintf("p%d", random.IntN(projects)), RuleSet: "current", Version: &v}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for w := range 2 { // feeds
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 2))
			for range rounds {
				p := fmt.Sprintf("p%d", random.IntN(projects))
				var releases []testRelease
				for i := random.IntN(6); i >= 0; i-- {
					if random.IntN(3) == 0 {
						releases = append(releases, rel(version(i), "Insecure"))
					} else {
						releases = append(releases, rel(version(i)))
					}
				}
				source.set(p, feedXML(p, "8.x-1.", releases...))
				err := b.service.SyncNow(ctx, []string{p}, false, func(SyncResult) {})
				if err != nil && err != ErrUnknownProject { //nolint:errorlint // returned as it is
					t.Error(err)
				}
			}
		})
	}
	for range 2 { // spreads
		wg.Go(func() {
			for range rounds {
				if _, err := b.service.spreader.run(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := b.service.spreader.run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := b.staleSites(); n != 0 {
		t.Errorf("%d sites have stale counters", n)
	}
	// And every verdict is that of the feed in force.
	changed, err := b.service.applier.rejudgeModules(ctx, moduleIDs(t, b), "test")
	if err != nil {
		t.Fatal(err)
	}
	if changed != 0 {
		t.Errorf("%d verdicts were not those of the feed in force", changed)
	}
}

func moduleIDs(t *testing.T, b *testBench) []int64 {
	t.Helper()
	var ids []int64
	if err := b.pool.QueryRow(t.Context(), "SELECT array_agg(id ORDER BY id) FROM modules").Scan(&ids); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestVersionsJudgedByOlderRulesAreJudgedAgain(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", feedXML("token", "8.x-1.", rel("8.x-1.5"), rel("8.x-1.4")))
	b := newBench(t, source)
	outdated, current := b.addSite(), b.addSite()
	b.mustInstall(outdated, "token", "8.x-1.4")
	b.mustInstall(current, "token", "8.x-1.5")
	b.sync()
	// As older rules may have judged: one of the two differs, and one version
	// stands without a feed.
	_, err := b.pool.Exec(t.Context(), `
		UPDATE module_versions SET rules_version = 0, status = 'current', class = 'current', update_available = false WHERE installed;
		UPDATE site_states SET outdated_count = 0, current_count = 1, update_count = 0;
		WITH m AS (INSERT INTO modules (module_name, drupal_link) VALUES ('lost', '') RETURNING id)
		INSERT INTO module_versions (module_id, rule_set, version_number, installed) SELECT id, 'current', '1.0.0', true FROM m`)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := b.service.applier.rejudgeOutdated(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if changed != 2 {
		t.Errorf("%d verdicts changed, want 2", changed)
	}
	if _, err := b.service.spreader.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.counters(outdated); got != (counters{2: 1, 5: 1}) {
		t.Errorf("counters %v", got)
	}
	if n := count(t, b.pool, "SELECT count(*) FROM module_versions WHERE installed AND rules_version <> $1", RulesVersion); n != 0 {
		t.Errorf("%d versions still count as judged by older rules", n)
	}
}
