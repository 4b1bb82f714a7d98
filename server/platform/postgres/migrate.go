package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"drumbeat/db"
)

// Migrate brings the database at url to the schema this binary was built for.
// Any number of processes may call it at once: an advisory lock lets one work
// while the others wait (up to ten minutes) and then find nothing to do.
//
// The lock belongs to a session, so url must reach PostgreSQL directly or through
// a pooler in session mode.
func Migrate(ctx context.Context, url string) error {
	return withProvider(ctx, url, func(p *goose.Provider) error {
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrate the database: %w", migrationCause(err))
		}
		return nil
	})
}

// SchemaVersion says which migration the database at url is at and which one this
// binary was built for. A database that is ahead belongs to a newer binary.
func SchemaVersion(ctx context.Context, url string) (current, target int64, err error) {
	err = withProvider(ctx, url, func(p *goose.Provider) error {
		var err error
		current, target, err = p.GetVersions(ctx)
		if err != nil {
			return fmt.Errorf("read the database's schema version: %w", err)
		}
		return nil
	})
	return current, target, err
}

func withProvider(ctx context.Context, url string, do func(*goose.Provider) error) error {
	return withProviderFS(ctx, url, db.Migrations(), do)
}

func withProviderFS(ctx context.Context, url string, files fs.FS, do func(*goose.Provider) error) error {
	cfg, err := parseConfig(url)
	if err != nil {
		return err
	}
	params := cfg.ConnConfig.RuntimeParams
	params["application_name"] = "drumbeat migrate"
	params["statement_timeout"] = "0" // rewriting a large table may take its time
	// A migration queues behind a long query, and everybody else behind the
	// migration: rather fail and be started again.
	params["lock_timeout"] = milliseconds(30 * time.Second)

	pool := stdlib.OpenDB(*cfg.ConnConfig)
	defer pool.Close()
	if err := ping(ctx, pool, cfg.ConnConfig); err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	if err != nil {
		return fmt.Errorf("prepare the migration lock: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, pool, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	return do(p)
}

func ping(ctx context.Context, pool *sql.DB, cfg *pgx.ConnConfig) error {
	c, err := pool.Conn(ctx)
	if err != nil {
		return explain(cfg, err)
	}
	defer c.Close()
	err = c.Raw(func(raw any) error {
		return checkVersion(ctx, raw.(*stdlib.Conn).Conn())
	})
	if err != nil {
		return explain(cfg, err)
	}
	return nil
}

// migrationCause names the file that failed in front of the database's reason.
func migrationCause(err error) error {
	var partial *goose.PartialError
	if errors.As(err, &partial) && partial.Failed != nil && partial.Failed.Source != nil {
		return fmt.Errorf("%s: %w", partial.Failed.Source.Path, partial.Err)
	}
	return err
}
