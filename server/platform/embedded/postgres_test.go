package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func startPostgres(t *testing.T, o PostgresOptions) *Postgres {
	t.Helper()
	o.Ephemeral = true
	p, err := StartPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var s string
	if err := conn.QueryRow(t.Context(), sql).Scan(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPostgresLife(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "a folder with spaces")
	o := PostgresOptions{DataDir: dir, Tuning: map[string]string{"work_mem": "5MB"}}

	p := startPostgres(t, o)
	if got := query(t, p.URL, "show work_mem"); got != "5MB" {
		t.Errorf("the tuning had no effect: work_mem is %s", got)
	}
	if got := query(t, p.URL, "select datcollate || ' ' || pg_encoding_to_char(encoding) from pg_database where datname = current_database()"); !strings.HasPrefix(got, "C") || !strings.HasSuffix(got, "UTF8") {
		t.Errorf("the database's locale is %s", got)
	}
	conn, err := pgx.Connect(t.Context(), p.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "create table kept as select 'value'::text as v"); err != nil {
		t.Fatal(err)
	}

	if st, err := os.Stat(filepath.Join(dir, "password")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the password file: %v, %v", st.Mode(), err)
	}
	wrong := strings.Replace(p.URL, ":", ":x", 2)
	if _, err := pgx.Connect(t.Context(), wrong); err == nil {
		t.Error("a wrong password was accepted")
	}

	_, err = StartPostgres(t.Context(), o)
	var inUse *inUseError
	if !errors.As(err, &inUse) {
		t.Errorf("a second start on a folder in use: %v", err)
	}

	t.Log("a stop does not wait for open sessions, and may be repeated")
	for range 2 {
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	<-p.Done()

	p = startPostgres(t, o)
	if got := query(t, p.URL, "select v from kept"); got != "value" {
		t.Errorf("after a restart: %q", got)
	}

	t.Log("what was left running is stopped, and its port is free again")
	orphan := p
	abandon(p.lock)
	o.Port = p.Port
	if _, err := StartPostgres(t.Context(), PostgresOptions{DataDir: tempDir(t), Port: p.Port}); err == nil || !strings.Contains(err.Error(), "in use by another program") {
		t.Errorf("a start on a busy port: %v", err)
	}
	p = startPostgres(t, o)
	<-orphan.Done()
	if got := query(t, p.URL, "select v from kept"); got != "value" {
		t.Errorf("after an orphan: %q", got)
	}

	p.Kill()
	p = startPostgres(t, o)
	if got := query(t, p.URL, "select v from kept"); got != "value" {
		t.Errorf("after a crash: %q", got)
	}
}

func TestPostgresRefusesAFolderItCannotUse(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, dir, name, content string) {
		path := filepath.Join(dir, "pgdata", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		make func(t *testing.T, dir string)
		want string
	}{
		"it holds something else": {
			func(t *testing.T, dir string) { write(t, dir, "letter.txt", "dear") },
			"is not empty and has no file PG_VERSION",
		},
		"its version is damaged": {
			func(t *testing.T, dir string) { write(t, dir, "PG_VERSION", "\x00\x00") },
			"PG_VERSION is damaged",
		},
		"its control file is gone": {
			func(t *testing.T, dir string) { write(t, dir, "PG_VERSION", "15\n") },
			"pg_control is missing",
		},
		"it was made by another version": {
			func(t *testing.T, dir string) {
				write(t, dir, "PG_VERSION", "14\n")
				write(t, dir, "global/pg_control", "x")
				write(t, dir, "postgresql.conf", "")
			},
			"was made by PostgreSQL 14",
		},
		"a file is in its place": {
			func(t *testing.T, dir string) {
				if err := os.WriteFile(filepath.Join(dir, "pgdata"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			"data folder",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			tc.make(t, dir)
			_, err := StartPostgres(t.Context(), PostgresOptions{DataDir: dir})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestPostgresSaysWhenItsDataIsDamaged(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	p := startPostgres(t, PostgresOptions{DataDir: dir})
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "pgdata", "global", "pg_control"), 100); err != nil {
		t.Fatal(err)
	}
	_, err := StartPostgres(t.Context(), PostgresOptions{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "is broken: PostgreSQL cannot start from it") {
		t.Error(err)
	}
}

func TestPostgresSaysWhenItsProgramsAreMissing(t *testing.T) {
	t.Parallel()
	_, err := StartPostgres(t.Context(), PostgresOptions{DataDir: tempDir(t), BinDir: tempDir(t)})
	if err == nil || !strings.Contains(err.Error(), "must hold the programs postgres and initdb") {
		t.Error(err)
	}
}

func TestPostgresFromNpmIsCopiedWhereItCannotBeCompleted(t *testing.T) {
	t.Parallel()
	root, cache := tempDir(t), tempDir(t)
	pkg := filepath.Join(root, "pkg")
	for path, content := range map[string]string{
		"package.json":             `{"version":"18.4.0"}`,
		"native/pg-symlinks.json":  `[{"source":"native/lib/liba.so.1.2","target":"native/lib/liba.so.1"}]`,
		"native/lib/liba.so.1.2":   "library",
		"native/bin/postgres":      "program",
		"native/lib/unused.a":      "archive",
		"native/share/x/thing.txt": "text",
	} {
		path = filepath.Join(pkg, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	native, err := hydrate(pkg, cache, nil)
	if err != nil || native != filepath.Join(pkg, "native") {
		t.Fatalf("where it can be completed it is used in place: %s, %v", native, err)
	}
	if b, err := os.ReadFile(filepath.Join(native, "lib/liba.so.1")); err != nil || string(b) != "library" {
		t.Fatalf("the link was not made: %v", err)
	}

	if err := os.Remove(filepath.Join(native, "lib/liba.so.1")); err != nil {
		t.Fatal(err)
	}
	// A link that cannot be made: for root nothing is unwritable.
	if err := os.WriteFile(filepath.Join(pkg, "native/pg-symlinks.json"),
		[]byte(`[{"source":"native/lib/liba.so.1.2","target":"native/none/liba.so.1"}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := hydrate(pkg, cache, nil); err == nil {
		t.Error("a package that cannot be completed anywhere was accepted")
	}
	if left, _ := os.ReadDir(cache); len(left) != 0 {
		t.Errorf("an unfinished copy was left: %v", left)
	}
	if err := os.WriteFile(filepath.Join(pkg, "native/pg-symlinks.json"),
		[]byte(`[{"source":"native/lib/liba.so.1.2","target":"../../etc/evil"}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := hydrate(pkg, cache, nil); err == nil {
		t.Error("a link out of the package was accepted")
	}
}
