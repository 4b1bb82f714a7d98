package ingest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"drumbeat/server/platform/postgres"
	"drumbeat/server/platform/testkit"
	"drumbeat/server/sitekey"
)

// A key that was found once opens its site while the database is down, since
// Redis takes the reports; what was revoked before the ear was lost stays out,
// and everything is asked anew once the database answers.
func TestKeysOutliveTheDatabaseForAWhile(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server := testkit.PostgresServer(t)
	pool, err := postgres.Open(ctx, server.URL, postgres.WithMaxConns(4))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	makeKey := func() sitekey.Key {
		key, err := sitekey.New()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(ctx, `
			WITH org AS (INSERT INTO organizations (name) VALUES ('o') RETURNING id),
			site AS (INSERT INTO sites (organization_id, name, url) SELECT id, 's', 'https://example.org' FROM org RETURNING id)
			INSERT INTO site_keys (site_id, key_hash, hint) SELECT id, $1, $2 FROM site`, key.Hash(), key.Hint()); err != nil {
			t.Fatal(err)
		}
		return key
	}
	known, revoked, never := makeKey(), makeKey(), makeKey()

	var ahead atomic.Int64
	keys := NewKeys(pool, testkit.Logger(t))
	keys.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	for _, key := range []sitekey.Key{known, revoked} {
		if _, err := keys.Find(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(ctx, `UPDATE site_keys SET revoked_at = now() WHERE key_hash = $1`, revoked.Hash()); err != nil {
		t.Fatal(err)
	}
	keys.Doubt()
	if _, err := keys.Find(ctx, revoked); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a key that was revoked unheard: %v, want ErrUnknownKey", err)
	}

	server.Stop()
	keys.Doubt()
	if _, err := keys.Find(ctx, known); err != nil {
		t.Errorf("a key that was found before, with the database down: %v", err)
	}
	if _, err := keys.Find(ctx, revoked); err == nil {
		t.Error("a revoked key opens its site when the database is down")
	}
	if _, err := keys.Find(ctx, never); err == nil || errors.Is(err, ErrUnknownKey) {
		t.Errorf("a key that nobody could look up: %v, want an error that says so", err)
	}
	ahead.Store(int64(keyGrace))
	if _, err := keys.Find(ctx, known); err == nil {
		t.Error("a key opens its site though nobody could ask about it for hours")
	}
	ahead.Store(int64(2 * askAgain))

	server.Start()
	pool.Reset()
	if _, err := pool.Exec(context.WithoutCancel(ctx), `UPDATE site_keys SET revoked_at = now() WHERE key_hash = $1`, known.Hash()); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Find(ctx, known); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a key revoked after the database came back: %v, want ErrUnknownKey", err)
	}
}
