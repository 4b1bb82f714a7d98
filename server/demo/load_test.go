package demo

import (
	"context"
	"errors"
	"testing"
	"time"

	"drumbeat/server/ingest"
	"drumbeat/server/orgs"
	"drumbeat/server/platform/testkit"
	"drumbeat/server/releases"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestLoadFillsAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	pool, rdb, log := testkit.Postgres(t), testkit.Redis(t), testkit.Logger(t)
	now := time.Now()

	feeds, err := Feeds(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	source, err := releases.NewFolderSource(feeds)
	if err != nil {
		t.Fatal(err)
	}
	people, err := orgs.New(pool, rdb, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	catalog := releases.NewCatalog(pool, log)
	loader := &Loader{
		Pool: pool, Orgs: people, Catalog: catalog, Log: log, Now: now,
		Releases: releases.NewService(releases.Options{Pool: pool, Source: source, Log: log}),
	}
	applier := ingest.NewApplier(pool, rdb, catalog, log, ingest.ApplierConfig{})
	applying, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- applier.Run(applying) }()
	defer func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the applier ended with %v", err)
		}
	}()
	if err := loader.Load(ctx); err != nil {
		t.Fatal(err)
	}

	count := func(query string) int {
		t.Helper()
		var n int
		if err := pool.QueryRow(ctx, query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	facts := map[string]struct {
		query    string
		min, max int
	}{
		"some 60 sites":                               {`SELECT count(*) FROM sites`, 55, 65},
		"exactly one of them waits":                   {`SELECT count(*) FROM site_states WHERE last_report_at IS NULL`, 1, 1},
		"some sites are insecure":                     {`SELECT count(*) FROM site_states WHERE insecure_count > 0`, 5, 55},
		"some sites have nothing to do":               {`SELECT count(*) FROM site_states WHERE insecure_count + unsupported_count + update_count = 0 AND current_count > 0`, 1, 50},
		"a checkout is unknown":                       {`SELECT count(*) FROM site_states WHERE unknown_count > 0`, 1, 20},
		"months of patch runs":                        {`SELECT count(*) FROM patch_runs`, 200, 5000},
		"some of which closed a hole":                 {`SELECT count(*) FROM patch_runs WHERE security_fix_count > 0`, 50, 5000},
		"no report came late":                         {`SELECT count(*) FROM audit_logs WHERE status NOT IN ('applied', 'heartbeat', 'unchanged')`, 0, 0},
		"no report is a dead letter":                  {`SELECT count(*) FROM dead_letters`, 0, 0},
		"no audit row is outside a monthly partition": {`SELECT count(*) FROM audit_logs_default`, 0, 0},
		"every project but the checkout's has a feed": {`SELECT count(*) FROM feeds WHERE state <> 'ok'`, 0, 1},
		"the counters are those of what is on the sites": {`SELECT count(*) FROM site_states s WHERE insecure_count <>
			(SELECT count(*) FROM site_modules m WHERE m.site_id = s.site_id AND m.status = 'not-secure')`, 0, 0},
	}
	for name, fact := range facts {
		if got := count(fact.query); got < fact.min || got > fact.max {
			t.Errorf("%s: %d, want %d to %d", name, got, fact.min, fact.max)
		}
	}
	before := count(`SELECT count(*) FROM audit_logs`)
	if err := loader.Load(ctx); err != nil {
		t.Fatalf("load again: %v", err)
	}
	if after := count(`SELECT count(*) FROM audit_logs`); after != before {
		t.Errorf("loading again made %d audit rows into %d", before, after)
	}
}
