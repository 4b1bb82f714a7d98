package postgres_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"drumbeat/server/platform/postgres"
	"drumbeat/server/platform/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestOpenSetsLimitsThatTheURLMayChange(t *testing.T) {
	t.Parallel()
	base := testkit.EmptyPostgresURL(t)
	tests := map[string]struct {
		query string
		opts  []postgres.Option
		want  string
	}{
		"the defaults":            {want: "30s 10s drumbeat UTC 16"},
		"the URL beats them":      {query: "&statement_timeout=7s&pool_max_conns=3", want: "7s 10s drumbeat UTC 3"},
		"an option beats the URL": {query: "&statement_timeout=7s", opts: []postgres.Option{postgres.WithStatementTimeout(time.Minute), postgres.WithLockTimeout(0), postgres.WithMaxConns(2), postgres.WithApplicationName("x")}, want: "1min 0 x UTC 2"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := postgres.Open(t.Context(), base+tc.query, tc.opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			var got string
			err = pool.QueryRow(t.Context(), "select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('application_name'), current_setting('timezone'), $1::int)", pool.Config().MaxConns).Scan(&got)
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestAFailureToConnectSaysWhatToDoAndNotThePassword(t *testing.T) {
	t.Parallel()
	good, err := url.Parse(testkit.EmptyPostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "s3cret-pass"
	with := func(change func(*url.URL)) string {
		u := *good
		change(&u)
		return u.String()
	}
	tests := map[string]struct{ url, want string }{
		"nothing listens":          {"postgres://u:" + secret + "@127.0.0.1:1/d", "start PostgreSQL there"},
		"the password is wrong":    {with(func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), secret) }), "check the user and the password"},
		"the database is missing":  {with(func(u *url.URL) { u.Path = "/nothing" }), "createdb -h 127.0.0.1"},
		"the address is no URL":    {"postgres://u:" + secret + "%zz@h/d", "percent-encoded"},
		"the address is something": {"mysql://u:" + secret + "@h/d", "should look like"},
		"the address is empty":     {" ", "set DATABASE_URL"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Open(t.Context(), tc.url)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("Open: got %v, want %q", err, tc.want)
			}
			err = postgres.Migrate(t.Context(), tc.url)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("Migrate: got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestManyProcessesMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	u := testkit.EmptyPostgresURL(t)
	before, target, err := postgres.SchemaVersion(t.Context(), u)
	if err != nil || before != 0 || target == 0 {
		t.Fatalf("before: version %d of %d, %v", before, target, err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := postgres.Migrate(t.Context(), u); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	after, target, err := postgres.SchemaVersion(t.Context(), u)
	if err != nil || after != target {
		t.Fatalf("after: version %d of %d, %v", after, target, err)
	}
}

func TestMigrateHeedsItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := postgres.Migrate(ctx, testkit.EmptyPostgresURL(t)); err == nil {
		t.Error("a cancelled migration succeeded")
	}
}
