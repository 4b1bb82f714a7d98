package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/spf13/cobra"

	"drumbeat/server/platform/embedded"
)

// backendOptions says which PostgreSQL and Redis a command works on.
type backendOptions struct {
	databaseURL string
	redisURL    string
	dataDir     string
	// mayCreate lets a tool start a new database in a folder that has none.
	mayCreate bool
}

// flags adds the options to a command, with their environment variables as defaults.
func (o *backendOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.databaseURL, "database-url", "", "PostgreSQL to use, as postgres://user:password@host/name; default: one of its own ($DATABASE_URL)")
	f.StringVar(&o.redisURL, "redis-url", "", "Redis to use, as redis://:password@host:6379/0; default: one of its own ($REDIS_URL)")
	f.StringVar(&o.dataDir, "data-dir", "", "folder of the built-in PostgreSQL and Redis; default: in the user's data folder ($DRUMBEAT_DATA_DIR)")
	fromEnvironment(cmd, map[string]string{"database-url": "DATABASE_URL", "redis-url": "REDIS_URL", "data-dir": "DRUMBEAT_DATA_DIR"})
}

func (o *backendOptions) dir() (string, error) {
	if o.dataDir != "" {
		return o.dataDir, nil
	}
	return embedded.DefaultDataDir()
}

// backends are the servers that a command works on.
type backends struct {
	databaseURL string
	redisURL    string
	dataDir     string // empty when neither server is built in
	// About each server, for people.
	database, redis string
	// failed is closed, or never, when a built-in server ended by itself.
	postgresDone, redisDone <-chan struct{}
	// redisDurable: an acknowledged write is on the disk. Known for a built-in one only.
	redisDurable bool
	redisBuiltIn bool

	stops []func() error
}

// openBackends gives the configured servers, and starts built-in ones where
// none is configured. Close them afterwards.
func openBackends(ctx context.Context, o backendOptions, log *slog.Logger) (_ *backends, err error) {
	b := &backends{databaseURL: o.databaseURL, redisURL: o.redisURL, database: "configured", redis: "configured"}
	defer func() {
		if err != nil {
			_ = b.close() // the first failure is what counts
		}
	}()
	if b.databaseURL != "" && b.redisURL != "" {
		return b, nil
	}
	if b.dataDir, err = o.dir(); err != nil {
		return nil, err
	}
	if b.databaseURL == "" {
		pg, err := embedded.StartPostgres(ctx, embedded.PostgresOptions{DataDir: filepath.Join(b.dataDir, "postgres"), Log: log})
		if err != nil {
			return nil, err
		}
		b.stops = append(b.stops, pg.Stop)
		b.databaseURL, b.postgresDone = pg.URL, pg.Done()
		b.database = "built-in PostgreSQL " + pg.Version
	}
	if b.redisURL == "" {
		r, err := embedded.StartRedis(ctx, embedded.RedisOptions{DataDir: filepath.Join(b.dataDir, "redis"), Log: log})
		if err != nil {
			return nil, err
		}
		b.stops = append(b.stops, r.Stop)
		b.redisURL, b.redisDone, b.redisDurable, b.redisBuiltIn = r.URL, r.Done(), r.Durable, true
		b.redis = "built-in Redis " + r.Version
		if r.Kind == embedded.KindInProcess {
			b.redis = "in this process"
		}
	}
	return b, nil
}

// close stops what openBackends started, the last first.
func (b *backends) close() error {
	var problems []error
	for i := len(b.stops) - 1; i >= 0; i-- {
		problems = append(problems, b.stops[i]())
	}
	b.stops = nil
	return errors.Join(problems...)
}

// running is what a server with built-in servers leaves for the tools that are
// called beside it. The file holds passwords, as the data folder does anyway,
// and is only the owner's to read.
type running struct {
	DatabaseURL string `json:"database_url"`
	RedisURL    string `json:"redis_url"`
}

const runningFile = "running.json"

// announce writes the file; call the result to take it away.
func (b *backends) announce() (func(), error) {
	if b.dataDir == "" {
		return func() {}, nil
	}
	path := filepath.Join(b.dataDir, runningFile)
	body, err := json.Marshal(running{b.databaseURL, b.redisURL})
	if err != nil {
		return nil, fmt.Errorf("note where the built-in servers are: %w", err)
	}
	// A file left behind may have other permissions.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("note where the built-in servers are: %w", err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return nil, fmt.Errorf("note where the built-in servers are: %w", err)
	}
	return func() { _ = os.Remove(path) }, nil
}

// openToolBackends is for commands besides serve: it uses the servers of a
// Drumbeat that runs on the data folder, if there is one.
func openToolBackends(ctx context.Context, o backendOptions, log *slog.Logger) (*backends, error) {
	if o.databaseURL != "" && o.redisURL != "" {
		return openBackends(ctx, o, log)
	}
	dir, err := o.dir()
	if err != nil {
		return nil, err
	}
	r, runs := whatRuns(ctx, dir)
	if !runs {
		if o.databaseURL == "" && !o.mayCreate && !hasDatabase(dir) {
			// A mistyped folder would be filled with a new database that says nothing.
			return nil, fmt.Errorf("there is no database in the data folder %s: name the folder with --data-dir or the database with --database-url, "+
				"or let drumbeat serve make one", dir)
		}
		return openBackends(ctx, o, log)
	}
	if o.databaseURL == "" {
		o.databaseURL = r.DatabaseURL
	}
	if o.redisURL == "" {
		o.redisURL = r.RedisURL
	}
	b, err := openBackends(ctx, o, log)
	if err == nil {
		b.dataDir = dir
		b.database, b.redis = "of the Drumbeat that runs", "of the Drumbeat that runs"
	}
	return b, err
}

// whatRuns gives the servers of the Drumbeat that runs on the folder; false
// where none does, or what is noted was left behind by one that was killed.
func whatRuns(ctx context.Context, dir string) (r running, ok bool) {
	body, err := os.ReadFile(filepath.Join(dir, runningFile))
	if err != nil || json.Unmarshal(body, &r) != nil {
		return r, false
	}
	client, err := openRedis(r.RedisURL)
	if err != nil {
		return r, false
	}
	defer client.Close()
	probe, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return r, client.Ping(probe).Err() == nil
}

// hasDatabase tells whether a built-in PostgreSQL was ever started in the folder.
func hasDatabase(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "postgres", "pgdata"))
	return !errors.Is(err, os.ErrNotExist)
}

// openRedis makes a client that gives up in seconds rather than minutes.
func openRedis(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		// The parser's own message may quote the address, and with it the password.
		return nil, errors.New("the Redis address cannot be read: it should look like redis://user:password@host:6379/0, " +
			"with special characters of the password percent-encoded; rediss:// is for TLS")
	}
	o.DialTimeout = 2 * time.Second
	o.ReadTimeout = 2 * time.Second
	o.WriteTimeout = 2 * time.Second
	o.ContextTimeoutEnabled = true
	// Announcements of cloud servers before they move; others refuse to be asked.
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o), nil
}

// fromEnvironment gives flags that are not set the value of their variable,
// before the command runs.
func fromEnvironment(cmd *cobra.Command, variables map[string]string) {
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		for flag, variable := range variables {
			value, ok := os.LookupEnv(variable)
			if !ok || value == "" || cmd.Flags().Changed(flag) {
				continue
			}
			if err := cmd.Flags().Set(flag, value); err != nil {
				return fmt.Errorf("the variable %s: %w", variable, err)
			}
		}
		if before != nil {
			return before(cmd, args)
		}
		return nil
	}
}

// newLogger writes to standard error, as text for people or as JSON.
func newLogger(format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("the log level %q is none of debug, info, warn and error", level)
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return nil, fmt.Errorf("the log format %q is none of text and json", format)
}
