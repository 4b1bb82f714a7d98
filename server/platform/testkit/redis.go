package testkit

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"drumbeat/server/platform/embedded"
)

// Redis returns a client on an empty database of this test's own, in a server that
// other tests use as well: keys and streams are this test's, while pub/sub channels
// and the configuration are everybody's. Never call FLUSHALL, CONFIG SET or SHUTDOWN;
// RedisServer is for that.
func Redis(t testing.TB) *redis.Client {
	t.Helper()
	client := redis.NewClient(redisOptions(t, RedisURL(t)))
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close the test's Redis client: %v", err)
		}
	})
	return client
}

// RedisURL is like Redis, for code that opens the connections itself.
func RedisURL(t testing.TB) string {
	t.Helper()
	opts := redisOptions(t, shared.redisAddress(t))
	counter := redis.NewClient(opts)
	// The counter is in database 0, which no test gets, so that processes can share.
	n, err := counter.Incr(t.Context(), "testkit:databases").Result()
	if err != nil {
		counter.Close()
		t.Fatalf("choose a Redis database for the test: %v", err)
	}
	counter.Close()
	opts.DB = int(n%(redisDatabases-1)) + 1
	url := formatRedisURL(opts)
	flush(t, url)
	t.Cleanup(func() { flush(t, url) })
	return url
}

func flush(t testing.TB, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client := redis.NewClient(redisOptions(t, url))
	defer client.Close()
	if err := client.FlushDB(ctx).Err(); err != nil {
		t.Errorf("empty the test's Redis database: %v", err)
	}
}

// redisOptions leaves the library's retries on: the tests see what production sees.
func redisOptions(t testing.TB, url string) *redis.Options {
	t.Helper()
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatalf("%s cannot be read", RedisURLVariable)
	}
	return opts
}

// Server is a Redis of one test's own, as durable as in production, to be broken.
type Server struct {
	// URL stays the same over Kill and Start.
	URL string

	t    testing.TB
	opts embedded.RedisOptions
	cur  *embedded.Redis
}

// RedisServer starts a Redis for this test alone (about 30 ms), with appendfsync
// always. It is stopped at the test's end. Its methods are for the test's goroutine.
func RedisServer(t testing.TB) *Server {
	t.Helper()
	bin, err := embedded.FindRedis(t.Context(), "")
	if err != nil {
		t.Fatalf("this test needs a real Redis: %v", err)
	}
	dir, err := TempDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the test's Redis: %v", err)
		}
	})
	s := &Server{t: t, opts: embedded.RedisOptions{DataDir: filepath.Join(dir, "redis"), Binary: bin}}
	s.Start()
	s.URL, s.opts.Port = s.cur.URL, s.cur.Port
	t.Cleanup(func() {
		_ = s.cur.Resume()
		if err := s.cur.Stop(); err != nil {
			t.Errorf("stop the test's Redis: %v", err)
		}
	})
	return s
}

// Start starts the server again after Kill or Stop, on the same port and data.
func (s *Server) Start() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	r, err := embedded.StartRedis(ctx, s.opts)
	if err != nil {
		s.t.Fatalf("start the test's Redis: %v", err)
	}
	s.cur = r
}

// Client returns a new client, closed at the test's end.
func (s *Server) Client() *redis.Client {
	s.t.Helper()
	client := redis.NewClient(redisOptions(s.t, s.URL))
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// Kill ends the server with SIGKILL and waits until it is gone.
func (s *Server) Kill() { s.cur.Kill() }

// Stop ends the server in order.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.cur.Stop(); err != nil {
		s.t.Fatal(err)
	}
}

// Pause freezes the server: connections stay open and nothing answers.
func (s *Server) Pause() {
	s.t.Helper()
	if err := s.cur.Pause(); err != nil {
		s.t.Fatalf("pause the test's Redis: %v", err)
	}
}

// Resume ends a Pause.
func (s *Server) Resume() {
	s.t.Helper()
	if err := s.cur.Resume(); err != nil {
		s.t.Fatalf("resume the test's Redis: %v", err)
	}
}

// LimitMemory has the server refuse writes beyond so many bytes; 0 lifts the limit.
// A limit below what it uses (about 1 MB when empty) refuses all.
func (s *Server) LimitMemory(bytes int64) {
	s.t.Helper()
	if err := s.Client().ConfigSet(s.t.Context(), "maxmemory", formatInt(bytes)).Err(); err != nil {
		s.t.Fatalf("limit the test's Redis: %v", err)
	}
}
