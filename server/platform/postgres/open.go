package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// MinVersion is the oldest PostgreSQL major version the queries and migrations
// are written for. Older ones lack, among others, CREATE DATABASE … STRATEGY and
// UNIQUE NULLS NOT DISTINCT.
const MinVersion = 15

const connectTimeout = 10 * time.Second

// Option changes how Open connects.
type Option func(*pgxpool.Config)

// WithMaxConns bounds the pool; the default is 16, or pool_max_conns in the URL.
func WithMaxConns(n int32) Option {
	return func(c *pgxpool.Config) { c.MaxConns = n }
}

// WithMinIdleConns keeps so many connections open and ready, so that the first
// requests after a quiet time do not pay for connecting. The default is none.
func WithMinIdleConns(n int32) Option {
	return func(c *pgxpool.Config) { c.MinIdleConns = n }
}

// WithStatementTimeout ends a statement after d (default 30 s; 0 is no limit).
func WithStatementTimeout(d time.Duration) Option {
	return WithParameter("statement_timeout", milliseconds(d))
}

// WithLockTimeout ends a statement that waits longer than d for a lock
// (default 10 s; 0 is no limit).
func WithLockTimeout(d time.Duration) Option {
	return WithParameter("lock_timeout", milliseconds(d))
}

// WithApplicationName is what pg_stat_activity shows; the default is "drumbeat".
func WithApplicationName(name string) Option {
	return WithParameter("application_name", name)
}

// WithParameter sets a run-time parameter of every session of the pool, such as
// synchronous_commit.
func WithParameter(name, value string) Option {
	return func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams[name] = value }
}

// WithTracer observes every query.
func WithTracer(t pgx.QueryTracer) Option {
	return func(c *pgxpool.Config) { c.ConnConfig.Tracer = t }
}

// Open connects to the database at url ("postgres://user:password@host:5432/name",
// or libpq's "host=… dbname=…") and makes sure that it answers and is new enough.
// The pool is the caller's to close. Parameters that the URL sets are kept, unless
// an option sets them too.
func Open(ctx context.Context, url string, opts ...Option) (*pgxpool.Pool, error) {
	cfg, err := parseConfig(url)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = 16
	}
	cfg.AfterConnect = fastUUIDs
	cfg.MaxConnLifetime = time.Hour
	cfg.MaxConnLifetimeJitter = 10 * time.Minute
	cfg.MaxConnIdleTime = 10 * time.Minute
	params := cfg.ConnConfig.RuntimeParams
	setDefault(params, "application_name", "drumbeat")
	setDefault(params, "statement_timeout", milliseconds(30*time.Second))
	setDefault(params, "lock_timeout", milliseconds(10*time.Second))
	setDefault(params, "idle_in_transaction_session_timeout", milliseconds(time.Minute))
	setDefault(params, "timezone", "UTC")
	for _, opt := range opts {
		opt(cfg)
	}

	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, explain(cfg.ConnConfig, err)
	}
	err = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		return checkVersion(ctx, c.Conn())
	})
	if err != nil {
		pool.Close()
		return nil, explain(cfg.ConnConfig, err)
	}
	return pool, nil
}

func parseConfig(url string) (*pgxpool.Config, error) {
	if strings.TrimSpace(url) == "" {
		return nil, errors.New("the PostgreSQL address is empty: set DATABASE_URL, or leave it unset to use the built-in server")
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The parser's own message may quote the address, and with it the password.
		return nil, errors.New("the PostgreSQL address cannot be read: it should look like " +
			"postgres://user:password@host:5432/database, with special characters of the password " +
			"percent-encoded, and name only certificate files that exist")
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	return cfg, nil
}

func setDefault(m map[string]string, k, v string) {
	if _, ok := m[k]; !ok {
		m[k] = v
	}
}

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(d.Milliseconds(), 10)
}

var errTooOld = errors.New("too old")

func checkVersion(ctx context.Context, c *pgx.Conn) error {
	var num, name string
	err := c.QueryRow(ctx, "select current_setting('server_version_num'), current_setting('server_version')").Scan(&num, &name)
	if err != nil {
		return fmt.Errorf("ask for the server's version: %w", err)
	}
	n, err := strconv.Atoi(num)
	if err != nil {
		return fmt.Errorf("read the server's version %q: %w", num, err)
	}
	if n < MinVersion*10000 {
		return fmt.Errorf("it is PostgreSQL %s, which is %w", name, errTooOld)
	}
	return nil
}

// explain turns a failure to connect into a sentence with a next step.
func explain(c *pgx.ConnConfig, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	where := net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	if strings.HasPrefix(c.Host, "/") {
		where = c.Host
	}
	return fmt.Errorf("connect to PostgreSQL at %s, database %q, user %q: %w\n%s", where, c.Database, c.User, redact(err, c.Password), advice(c, err))
}

func advice(c *pgx.ConnConfig, err error) string {
	var pgErr *pgconn.PgError
	var dnsErr *net.DNSError
	switch {
	case errors.Is(err, errTooOld):
		return fmt.Sprintf("What to do: use PostgreSQL %d or later, or unset DATABASE_URL to use the built-in server.", MinVersion)
	case errors.As(err, &pgErr):
		switch pgErr.Code {
		case "28P01", "28000":
			return "What to do: check the user and the password in DATABASE_URL, and that pg_hba.conf lets this machine in."
		case "3D000":
			return fmt.Sprintf("What to do: create the database, for example with: createdb -h %s -p %d -O %s %s", c.Host, c.Port, c.User, c.Database)
		case "53300":
			return "What to do: raise max_connections on the server, or lower pool_max_conns in DATABASE_URL."
		case "57P03":
			return "What to do: wait; the server is starting or stopping."
		}
		return "What to do: see the server's own log for the reason."
	case errors.As(err, &dnsErr):
		return "What to do: check the host name in DATABASE_URL."
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return "What to do: start PostgreSQL there, check host and port in DATABASE_URL, or unset it to use the built-in server."
	case errors.Is(err, context.DeadlineExceeded):
		return "What to do: check that the server is up and that no firewall stands between."
	}
	return "What to do: check DATABASE_URL; a server without TLS needs sslmode=disable."
}

// redact guards against a library that quotes the password in its message; the
// error stays unwrappable.
func redact(err error, password string) error {
	if password == "" || !strings.Contains(err.Error(), password) {
		return err
	}
	return redacted{err, strings.ReplaceAll(err.Error(), password, "xxxxx")}
}

type redacted struct {
	error
	text string
}

func (r redacted) Error() string { return r.text }
func (r redacted) Unwrap() error { return r.error }
