package testkit_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"drumbeat/server/platform/postgres"
	"drumbeat/server/platform/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	for range 4 {
		t.Run("migrated and empty", func(t *testing.T) {
			t.Parallel()
			pool := testkit.Postgres(t)
			if _, err := pool.Exec(t.Context(), "create table only_here (n int)"); err != nil {
				t.Fatal(err)
			}
			var tables int
			if err := pool.QueryRow(t.Context(), "select count(*) from information_schema.tables where table_name = 'goose_db_version'").Scan(&tables); err != nil {
				t.Fatal(err)
			}
			if tables != 1 {
				t.Fatal("the database is not migrated")
			}
		})
	}
}

func TestEachTestHasKeysOfItsOwn(t *testing.T) {
	t.Parallel()
	a, b := testkit.Redis(t), testkit.Redis(t)
	if err := a.Set(t.Context(), "k", "a", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := b.Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
		t.Fatalf("the other database has the key: %v", err)
	}
}

func TestAServerCanBeBroken(t *testing.T) {
	t.Parallel()
	s := testkit.RedisServer(t)
	client := s.Client()
	ctx := t.Context()
	if err := client.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := client.Get(ctx, "k").Err(); err == nil {
		t.Fatal("a killed server answered")
	}
	s.Start()
	if v, err := client.Get(ctx, "k").Result(); err != nil || v != "v" {
		t.Fatalf("after the restart: %q, %v", v, err)
	}

	s.LimitMemory(1)
	if err := client.Set(ctx, "k", "w", 0).Err(); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Fatalf("a full server answered %v", err)
	}
	s.LimitMemory(0)

	opts := *client.Options()
	opts.MaxRetries, opts.ReadTimeout = -1, 50*time.Millisecond
	impatient := redis.NewClient(&opts)
	defer impatient.Close()
	s.Pause()
	if err := impatient.Get(ctx, "k").Err(); err == nil {
		t.Fatal("a frozen server answered")
	}
	s.Resume()
	if v, err := client.Get(ctx, "k").Result(); err != nil || v != "v" {
		t.Fatalf("after the pause: %q, %v", v, err)
	}
}

func TestALoggerOutlivesItsTest(t *testing.T) {
	t.Parallel()
	var log interface{ Info(string, ...any) }
	t.Run("inner", func(t *testing.T) { log = testkit.Logger(t) })
	log.Info("too late")
}

func TestADatabaseServerCanBeBroken(t *testing.T) {
	t.Parallel()
	s := testkit.PostgresServer(t)
	exec := func(sql string) {
		t.Helper()
		pool, err := postgres.Open(t.Context(), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("create table kept ()")
	s.Kill()
	if _, err := postgres.Open(t.Context(), s.URL); err == nil {
		t.Fatal("a killed server answered")
	}
	s.Start()
	exec("table kept")
}
