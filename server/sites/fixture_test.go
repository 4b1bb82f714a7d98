package sites_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/server/orgs"
	"drumbeat/server/platform/testkit"
	"drumbeat/server/sites"
)

// The tests' time: everything that depends on the clock goes by it.
var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// world is a database with two organisations, one administrator in each.
type world struct {
	pool    *pgxpool.Pool
	service *sites.Service
	own     orgs.Actor
	other   orgs.Actor
	ownID   uuid.UUID
	otherID uuid.UUID
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{pool: testkit.Postgres(t)}
	w.service = sites.New(w.pool, func() time.Time { return now }, testkit.Logger(t))
	w.own, w.ownID = w.organization(t, "Own")
	w.other, w.otherID = w.organization(t, "Other")
	return w
}

func (w *world) organization(t testing.TB, name string) (orgs.Actor, uuid.UUID) {
	t.Helper()
	a := orgs.Actor{Role: orgs.RoleAdmin, OwnsSite: true}
	var id uuid.UUID
	err := w.pool.QueryRow(t.Context(), `INSERT INTO organizations (name) VALUES ($1) RETURNING id, uuid`, name).Scan(&a.OrganizationID, &id)
	if err != nil {
		t.Fatal(err)
	}
	err = w.pool.QueryRow(t.Context(), `INSERT INTO users (name, email, password_hash) VALUES ($1, $1 || '@example.org', '') RETURNING id`, name).Scan(&a.UserID)
	if err != nil {
		t.Fatal(err)
	}
	return a, id
}

// create adds a site and gives its actor.
func (w *world) create(t testing.TB, a orgs.Actor, name, url string) (sites.Site, orgs.Actor) {
	t.Helper()
	s, _, err := w.service.Create(t.Context(), a, sites.Draft{Name: name, URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.pool.QueryRow(t.Context(), `SELECT id FROM sites WHERE uuid = $1`, s.ID).Scan(&a.SiteID); err != nil {
		t.Fatal(err)
	}
	return s, a
}

func (w *world) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := w.pool.Exec(context.WithoutCancel(t.Context()), sql, args...); err != nil {
		t.Fatal(err)
	}
}
