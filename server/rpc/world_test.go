package rpc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/go/drumbeat/auth/v1/authv1connect"
	"drumbeat/gen/go/drumbeat/orgs/v1/orgsv1connect"
	"drumbeat/gen/go/drumbeat/releases/v1/releasesv1connect"
	"drumbeat/gen/go/drumbeat/sites/v1/sitesv1connect"
	"drumbeat/server/notifications"
	"drumbeat/server/orgs"
	"drumbeat/server/platform/testkit"
	"drumbeat/server/releases"
	"drumbeat/server/reports"
	"drumbeat/server/rpc"
	"drumbeat/server/sites"
)

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a server over real PostgreSQL and Redis, with two organisations.
type world struct {
	t     testing.TB
	pool  *pgxpool.Pool
	clock *clock
	orgs  *orgs.Service
	url   string

	own, foreign organization
}

type organization struct {
	id   int64
	uuid uuid.UUID
}

type worldOptions struct {
	// pool serves the requests; nil is the one that the fixtures are made with.
	pool    func(own *pgxpool.Pool) *pgxpool.Pool
	trusted []netip.Prefix
	log     *slog.Logger
}

func newWorld(t testing.TB, o worldOptions) *world {
	t.Helper()
	w := &world{t: t, pool: testkit.Postgres(t), clock: &clock{now: time.Now()}}
	serving := w.pool
	if o.pool != nil {
		serving = o.pool(w.pool)
	}
	log := o.log
	if log == nil {
		log = testkit.Logger(t)
	}
	var err error
	if w.orgs, err = orgs.New(serving, testkit.Redis(t), w.clock.Now, log); err != nil {
		t.Fatal(err)
	}
	watcher := sites.NewWatcher(serving, log)
	handler, err := rpc.New(rpc.Config{
		Orgs: w.orgs, Sites: sites.New(serving, w.clock.Now, log), Watcher: watcher,
		Reports: reports.New(serving), Notifications: notifications.New(serving, w.clock.Now),
		Releases: releases.NewReader(serving, w.clock.Now, log), Overrides: releases.NewOverrides(serving, w.clock.Now, log),
		TrustedProxies: o.trusted, Log: log, Now: w.clock.Now,
		Pages: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	w.url = server.URL
	var loops sync.WaitGroup
	loops.Go(func() { _ = watcher.Run(t.Context()) })
	loops.Go(func() { _ = w.orgs.Guard(t.Context()) })
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		loops.Wait()
	})
	w.exec(`WITH m AS (INSERT INTO modules (module_name, drupal_link) VALUES ('token', '') RETURNING id)
		INSERT INTO module_versions (module_id, rule_set, version_number, installed) SELECT id, 'current', '8.x-1.4', true FROM m`)
	w.own = w.organization("Own")
	w.foreign = w.organization(canary + " org")
	return w
}

// canary is in every text of the foreign organisation, and in no answer to
// anybody else.
const canary = "canaryinthecoalmine"

func (w *world) scan(sql string, args []any, into ...any) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), sql, args...).Scan(into...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) organization(name string) (o organization) {
	w.t.Helper()
	w.scan(`INSERT INTO organizations (name) VALUES ($1) RETURNING id, uuid`, []any{name}, &o.id, &o.uuid)
	return o
}

// person adds a user with a role in an organisation, "" for none.
func (w *world) person(email string, superuser bool, o organization, role string) (id int64) {
	w.t.Helper()
	w.scan(`INSERT INTO users (name, email, password_hash, is_superuser) VALUES ($1, $1, '', $2) RETURNING id`, []any{email, superuser}, &id)
	if role != "" {
		w.exec(`INSERT INTO user_organizations (user_id, organization_id, role_id) SELECT $1, $2, id FROM roles WHERE name = $3`, id, o.id, role)
	}
	return id
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

// session gives the token of a new session of the user.
func (w *world) session(userID int64) string {
	w.t.Helper()
	raw := uuid.New()
	token := base64.RawURLEncoding.EncodeToString(raw[:])
	sum := sha256.Sum256([]byte(token))
	now := w.clock.Now()
	w.exec(`INSERT INTO sessions (user_id, token_hash, created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $3, $4)`,
		userID, sum[:], now, now.Add(orgs.SessionLifetime))
	return token
}

// site adds a site with a key, and the project token on it, to an organisation.
func (w *world) site(o organization, name string) (site, key uuid.UUID) {
	w.t.Helper()
	hash := uuid.New()
	w.scan(`WITH made AS (INSERT INTO sites (organization_id, name, url) VALUES ($1, $2, 'https://example.org') RETURNING id, uuid),
		owned AS (INSERT INTO site_organizations (site_id, organization_id, is_owner) SELECT id, $1, true FROM made),
		state AS (INSERT INTO site_states (site_id, organization_id) SELECT id, $1 FROM made),
		p AS (INSERT INTO site_module_periods (site_id, module_id, version_id, project_type, valid_from)
			SELECT made.id, v.module_id, v.id, 'module', now() FROM made, module_versions v JOIN modules m ON m.id = v.module_id
			WHERE m.module_name = 'token' AND v.version_number = '8.x-1.4'),
		k AS (INSERT INTO site_keys (site_id, key_hash, hint) SELECT id, $3, 'hint' FROM made RETURNING uuid)
		SELECT made.uuid, k.uuid FROM made, k`, []any{o.id, name, hash[:]}, &site, &key)
	return site, key
}

// client makes calls with a session; an empty token is nobody.
type client struct {
	http http.Client
	auth authv1connect.AuthServiceClient
	orgs orgsv1connect.OrgsServiceClient
	site sitesv1connect.SitesServiceClient
	rels releasesv1connect.ReleasesServiceClient
}

// tokenTransport adds a session's cookie and headers of the test's own.
type tokenTransport struct {
	token  string
	header http.Header
}

func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if t.token != "" {
		r.AddCookie(&http.Cookie{Name: "drumbeat", Value: t.token})
	}
	for k, v := range t.header {
		r.Header[k] = v
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (w *world) client(token string, options ...connect.ClientOption) *client {
	c := &client{http: http.Client{Transport: &tokenTransport{token: token}}}
	c.auth = authv1connect.NewAuthServiceClient(&c.http, w.url, options...)
	c.orgs = orgsv1connect.NewOrgsServiceClient(&c.http, w.url, options...)
	c.rels = releasesv1connect.NewReleasesServiceClient(&c.http, w.url, options...)
	c.site = sitesv1connect.NewSitesServiceClient(&c.http, w.url, options...)
	return c
}
