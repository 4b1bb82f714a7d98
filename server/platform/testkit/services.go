package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"drumbeat/server/platform/embedded"
)

// The variables through which the command testservices hands its servers to the
// tests. The PostgreSQL user must be allowed to create databases.
const (
	DatabaseURLVariable = "DRUMBEAT_TEST_DATABASE_URL"
	RedisURLVariable    = "DRUMBEAT_TEST_REDIS_URL"
)

// redisDatabases is how many tests of one server may run before numbers repeat.
const redisDatabases = 4096

const tempPrefix = "drumbeat-test-"

// startPatience bounds the start of a server on a busy machine.
const startPatience = 2 * time.Minute

// services are the servers of one test process, started on first use.
type services struct {
	mu       sync.Mutex
	main     bool // Main runs and will stop them
	dir      string
	postgres *embedded.Postgres
	pgURL    string
	pgErr    error
	redis    *embedded.Redis
	redisURL string
	redisErr error
	template templates
}

var shared services

// Main runs the package's tests and stops the servers afterwards.
func Main(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	shared.mu.Lock()
	shared.main = true
	shared.mu.Unlock()
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testkit:", err)
		code = max(code, 1)
	}
	return code
}

func (s *services) databaseURL(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pgURL == "" && s.pgErr == nil {
		s.pgURL, s.pgErr = s.findPostgres()
	}
	if s.pgErr != nil {
		t.Fatalf("this test needs PostgreSQL: %v", s.pgErr)
	}
	return s.pgURL
}

func (s *services) findPostgres() (string, error) {
	if url := os.Getenv(DatabaseURLVariable); url != "" {
		return url, nil
	}
	if !s.main {
		return "", errNoMain
	}
	if err := s.folder(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	var err error
	s.postgres, err = StartPostgres(ctx, filepath.Join(s.dir, "postgres"))
	if err != nil {
		return "", err
	}
	return s.postgres.URL, nil
}

func (s *services) redisAddress(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.redisURL == "" && s.redisErr == nil {
		s.redisURL, s.redisErr = s.findRedis()
	}
	if s.redisErr != nil {
		t.Fatalf("this test needs a real Redis: %v", s.redisErr)
	}
	return s.redisURL
}

func (s *services) findRedis() (string, error) {
	if url := os.Getenv(RedisURLVariable); url != "" {
		return url, nil
	}
	if !s.main {
		return "", errNoMain
	}
	if err := s.folder(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	var err error
	s.redis, err = StartRedis(ctx, filepath.Join(s.dir, "redis"))
	if err != nil {
		return "", err
	}
	return s.redis.URL, nil
}

var errNoMain = errors.New("the package lacks: func TestMain(m *testing.M) { testkit.Main(m) }")

func (s *services) folder() error {
	if s.dir != "" {
		return nil
	}
	dir, err := TempDir()
	if err != nil {
		return err
	}
	s.dir = dir
	return nil
}

func (s *services) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.template.close()
	var errs []error
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop())
	}
	if s.redis != nil {
		errs = append(errs, s.redis.Stop())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// TempDir makes a folder for servers of tests that an unprivileged user can pass
// through, which servers become when the tests run as root. The caller removes it;
// what callers that were killed left behind goes after a day.
func TempDir() (string, error) {
	if old, err := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix+"*")); err == nil {
		for _, dir := range old {
			if st, err := os.Lstat(dir); err == nil && st.IsDir() && time.Since(st.ModTime()) > 24*time.Hour {
				_ = os.RemoveAll(dir)
			}
		}
	}
	dir, err := os.MkdirTemp("", tempPrefix)
	if err != nil {
		return "", fmt.Errorf("make a folder for the test servers: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", fmt.Errorf("open the folder of the test servers: %w", err)
	}
	return dir, nil
}

// StartPostgres starts a PostgreSQL for tests in dir: real, but with nothing synced.
func StartPostgres(ctx context.Context, dir string) (*embedded.Postgres, error) {
	return embedded.StartPostgres(ctx, embedded.PostgresOptions{
		DataDir:   dir,
		Ephemeral: true,
		Tuning:    map[string]string{"max_connections": "400", "shared_buffers": "64MB"},
	})
}

// StartRedis starts a Redis for tests in dir that keeps nothing. It fails where no
// real one is installed.
func StartRedis(ctx context.Context, dir string) (*embedded.Redis, error) {
	bin, err := embedded.FindRedis(ctx, "")
	if err != nil {
		return nil, err
	}
	return embedded.StartRedis(ctx, embedded.RedisOptions{DataDir: dir, Binary: bin, Ephemeral: true, Databases: redisDatabases})
}
