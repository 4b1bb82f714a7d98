package testkit

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"drumbeat/server/platform/embedded"
	"drumbeat/server/platform/postgres"
)

// DatabaseServer is a PostgreSQL of one test's own, as durable as in production, to be
// broken.
type DatabaseServer struct {
	// URL stays the same over Kill and Start. Its database is migrated.
	URL string

	t    testing.TB
	opts embedded.PostgresOptions
	cur  *embedded.Postgres
}

// PostgresServer starts a PostgreSQL for this test alone (a second or two) and migrates
// its database. It is stopped at the test's end. Its methods are for the test's
// goroutine.
func PostgresServer(t testing.TB) *DatabaseServer {
	t.Helper()
	dir, err := TempDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the test's PostgreSQL: %v", err)
		}
	})
	s := &DatabaseServer{t: t, opts: embedded.PostgresOptions{
		DataDir: filepath.Join(dir, "postgres"),
		Tuning:  map[string]string{"shared_buffers": "64MB"},
	}}
	s.Start()
	s.URL, s.opts.Port = s.cur.URL, s.cur.Port
	t.Cleanup(func() {
		if err := s.cur.Stop(); err != nil {
			t.Errorf("stop the test's PostgreSQL: %v", err)
		}
	})
	if err := postgres.Migrate(t.Context(), s.URL); err != nil {
		t.Fatal(err)
	}
	return s
}

// Start starts the server again after Kill or Stop, on the same port and data, and
// returns when it has recovered.
func (s *DatabaseServer) Start() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	p, err := embedded.StartPostgres(ctx, s.opts)
	if err != nil {
		s.t.Fatalf("start the test's PostgreSQL: %v", err)
	}
	s.cur = p
}

// Kill ends the server with SIGKILL and waits until its main process is gone; its
// sessions end as soon as they notice.
func (s *DatabaseServer) Kill() { s.cur.Kill() }

// Stop ends the server in order.
func (s *DatabaseServer) Stop() {
	s.t.Helper()
	if err := s.cur.Stop(); err != nil {
		s.t.Fatal(err)
	}
}
