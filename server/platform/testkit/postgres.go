package testkit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/db"
	"drumbeat/server/platform/postgres"
)

// templateLock is the advisory lock under which test processes that share a server
// make the template.
const templateLock = 0x64727562 // "drub"

// templates remembers the admin connections and the template's name.
type templates struct {
	once  sync.Once
	admin *pgxpool.Pool
	name  string
	err   error
}

func (p *templates) close() {
	if p.admin != nil {
		p.admin.Close()
	}
}

// Postgres returns a pool on a migrated, otherwise empty database of this test's own.
// Both are gone when the test ends.
func Postgres(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), PostgresURL(t), postgres.WithMaxConns(8), postgres.WithApplicationName("test "+t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// PostgresURL is like Postgres, for tests that open the connections themselves. The
// database is dropped at the test's end even if some are still open.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return newDatabase(t, true)
}

// EmptyPostgresURL is like PostgresURL, for a database without the migrations.
func EmptyPostgresURL(t testing.TB) string {
	t.Helper()
	return newDatabase(t, false)
}

func newDatabase(t testing.TB, migrated bool) string {
	t.Helper()
	server := shared.databaseURL(t)
	tpl := &shared.template
	tpl.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startPatience)
		defer cancel()
		tpl.admin, tpl.name, tpl.err = makeTemplate(ctx, server)
	})
	if tpl.err != nil {
		t.Fatalf("prepare the test databases: %v", tpl.err)
	}

	name := "test_" + randomName()
	statement := "create database " + name
	if migrated {
		// FILE_COPY because the template is small and nothing is synced: 10 ms rather
		// than 34 through the log.
		statement += " template " + tpl.name + " strategy file_copy"
	}
	if _, err := tpl.admin.Exec(t.Context(), statement); err != nil {
		t.Fatalf("create a database for the test: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startPatience)
		defer cancel()
		if _, err := tpl.admin.Exec(ctx, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return withDatabase(t, server, name)
}

func withDatabase(t testing.TB, server, name string) string {
	t.Helper()
	u, err := databaseURL(server, name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func databaseURL(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("%s is no URL", DatabaseURLVariable)
	}
	u.Path = "/" + name
	return u.String(), nil
}

func randomName() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return hex.EncodeToString(b)
}

// makeTemplate migrates the database that the tests' databases are copied from,
// unless another test process has done so for the same migrations.
func makeTemplate(ctx context.Context, server string) (*pgxpool.Pool, string, error) {
	admin, err := postgres.Open(ctx, server, postgres.WithMaxConns(4), postgres.WithApplicationName("testkit"),
		postgres.WithStatementTimeout(startPatience), postgres.WithLockTimeout(startPatience))
	if err != nil {
		return nil, "", err
	}
	name, err := func() (string, error) {
		hash, err := migrationsHash(db.Migrations())
		if err != nil {
			return "", err
		}
		name := "template_" + hash
		// One connection from lock to unlock: the lock is the session's.
		conn, err := admin.Acquire(ctx)
		if err != nil {
			return "", fmt.Errorf("connect: %w", err)
		}
		defer conn.Release()
		if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", templateLock); err != nil {
			return "", fmt.Errorf("wait for other test processes: %w", err)
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			_, _ = conn.Exec(ctx, "select pg_advisory_unlock($1)", templateLock)
		}()
		return name, buildTemplate(ctx, conn.Conn(), server, name)
	}()
	if err != nil {
		admin.Close()
		return nil, "", err
	}
	return admin, name, nil
}

// buildTemplate makes the template under another name first, so that one whose
// migration failed is never copied.
func buildTemplate(ctx context.Context, conn *pgx.Conn, server, name string) error {
	var there bool
	if err := conn.QueryRow(ctx, "select exists(select from pg_database where datname = $1)", name).Scan(&there); err != nil {
		return fmt.Errorf("look for the template: %w", err)
	}
	if there {
		return nil
	}
	draft := name + "_draft"
	if _, err := conn.Exec(ctx, "drop database if exists "+draft+" with (force)"); err != nil {
		return fmt.Errorf("drop an unfinished template: %w", err)
	}
	if _, err := conn.Exec(ctx, "create database "+draft); err != nil {
		return fmt.Errorf("create the template: %w", err)
	}
	draftURL, err := databaseURL(server, draft)
	if err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, draftURL); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "alter database "+draft+" rename to "+name); err != nil {
		return fmt.Errorf("name the template: %w", err)
	}
	return nil
}

// migrationsHash names a state of the schema.
func migrationsHash(files fs.FS) (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(hash, "%s %d\n", path, len(b))
		hash.Write(b)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("read the migrations: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16], nil
}
