package sites_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"drumbeat/server/orgs"
	"drumbeat/server/platform/fault"
	"drumbeat/server/sitekey"
	"drumbeat/server/sites"
)

func TestWhatAPersonSaysOfASiteIsTidied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct{ in, want sites.Draft }{
		"white space goes":            {sites.Draft{Name: "  Our \t shop ", URL: " https://example.org ", Environment: " live "}, sites.Draft{Name: "Our shop", URL: "https://example.org", Environment: "live"}},
		"scheme and host fold":        {sites.Draft{Name: "x", URL: "HTTPS://Example.ORG/Path"}, sites.Draft{Name: "x", URL: "https://example.org/Path"}},
		"the default port goes":       {sites.Draft{Name: "x", URL: "https://example.org:443/a"}, sites.Draft{Name: "x", URL: "https://example.org/a"}},
		"another port stays":          {sites.Draft{Name: "x", URL: "http://example.org:8080"}, sites.Draft{Name: "x", URL: "http://example.org:8080"}},
		"a lone slash goes":           {sites.Draft{Name: "x", URL: "http://example.org/"}, sites.Draft{Name: "x", URL: "http://example.org"}},
		"a fragment goes":             {sites.Draft{Name: "x", URL: "http://example.org/a#top"}, sites.Draft{Name: "x", URL: "http://example.org/a"}},
		"markup in a name is text":    {sites.Draft{Name: `"><script>`, URL: "http://example.org"}, sites.Draft{Name: `"><script>`, URL: "http://example.org"}},
		"an address of numbers stays": {sites.Draft{Name: "x", URL: "http://[2001:DB8::1]:81/"}, sites.Draft{Name: "x", URL: "http://[2001:db8::1]:81"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, err := w.service.Create(t.Context(), w.own, c.in)
			if got := (sites.Draft{Name: s.Name, URL: s.URL, Environment: s.Environment}); err != nil || got != c.want {
				t.Fatalf("got %+v, %v", got, err)
			}
		})
	}
}

func TestASiteIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		draft sites.Draft
		field string
	}{
		"without a name":                    {sites.Draft{Name: " ", URL: "https://example.org"}, "name"},
		"with a line break in its name":     {sites.Draft{Name: "a\nb", URL: "https://example.org"}, "name"},
		"with a turned name":                {sites.Draft{Name: "a\u202eb", URL: "https://example.org"}, "name"},
		"with credentials":                  {sites.Draft{Name: "x", URL: "https://me:secret@example.org"}, "url"},
		"with another scheme":               {sites.Draft{Name: "x", URL: "javascript:alert(1)"}, "url"},
		"without a host":                    {sites.Draft{Name: "x", URL: "https:///path"}, "url"},
		"with white space in its address":   {sites.Draft{Name: "x", URL: "https://example.org/a b"}, "url"},
		"with an impossible port":           {sites.Draft{Name: "x", URL: "https://example.org:99999"}, "url"},
		"with a control in its environment": {sites.Draft{Name: "x", URL: "https://example.org", Environment: "a\x01"}, "environment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := w.service.Create(t.Context(), w.own, c.draft)
			var f *fault.Error
			if !asFault(err, &f) || f.Kind != fault.Invalid || f.Field != c.field {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestAKeyIsStoredAsItsHashOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, key, err := w.service.Create(t.Context(), w.own, sites.Draft{Name: "x", URL: "https://example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sitekey.Parse(key.Reveal()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM site_keys WHERE key_hash = $1`, key.Hash()).Scan(&n); err != nil || n != 1 {
		t.Fatalf("%d rows, %v", n, err)
	}
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM site_keys k WHERE k::text LIKE '%' || $1 || '%'`, key.Reveal()[9:]).Scan(&n); err != nil || n != 0 {
		t.Fatalf("the secret is in %d rows, %v", n, err)
	}
}

// heard gives what is notified on a channel while do runs.
func heard(t *testing.T, w *world, channel string, do func()) string {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), w.pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "LISTEN "+channel); err != nil {
		t.Fatal(err)
	}
	do()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	n, err := conn.WaitForNotification(ctx)
	if err != nil {
		t.Fatalf("nothing was said on %s: %v", channel, err)
	}
	return n.Payload
}

func TestRevokingAKeyIsToldToEveryProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.create(t, w.own, "x", "https://example.org")
	made, secret, err := w.service.CreateKey(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	payload := heard(t, w, "site_keys", func() {
		if err := w.service.RevokeKey(t.Context(), a, made.ID); err != nil {
			t.Fatal(err)
		}
	})
	if payload != hex.EncodeToString(secret.Hash()) {
		t.Fatalf("heard %q", payload)
	}
	keys, _, err := w.service.Keys(t.Context(), a, 10, "")
	if err != nil || len(keys) != 2 || keys[0].ID != made.ID || keys[0].RevokedAt == nil || keys[1].RevokedAt != nil {
		t.Fatalf("got %+v, %v", keys, err)
	}
}

func TestAKeyOfAnotherSiteIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.create(t, w.own, "a", "https://a.example.org")
	_, b := w.create(t, w.own, "b", "https://b.example.org")
	made, _, err := w.service.CreateKey(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []uuid.UUID{made.ID, uuid.New()} {
		if err := w.service.RevokeKey(t.Context(), b, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	}
}

func TestDeletingASiteEndsItsKeysAndListings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.create(t, w.own, "x", "https://example.org")
	payload := heard(t, w, "site_keys", func() {
		if err := w.service.Delete(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	})
	if payload != fmt.Sprintf("site:%d", a.SiteID) {
		t.Fatalf("heard %q", payload)
	}
	var live int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM site_keys WHERE site_id = $1 AND revoked_at IS NULL`, a.SiteID).Scan(&live); err != nil || live != 0 {
		t.Fatalf("%d keys live, %v", live, err)
	}
	if _, err := w.service.Get(t.Context(), a); !fault.Is(err, fault.NotFound) {
		t.Errorf("get: %v", err)
	}
	if _, err := w.service.Update(t.Context(), a, sites.Change{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("update: %v", err)
	}
	if err := w.service.Delete(t.Context(), a); !fault.Is(err, fault.NotFound) {
		t.Errorf("delete again: %v", err)
	}
}

func TestWhoIsShownASiteDoesNotOwnIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, owner := w.create(t, w.other, "theirs", "https://example.org")
	w.exec(t, `INSERT INTO site_organizations (site_id, organization_id) VALUES ($1, $2)`, owner.SiteID, w.own.OrganizationID)
	guest := w.own
	guest.SiteID, guest.OwnsSite = owner.SiteID, false
	if s, err := w.service.Get(t.Context(), guest); err != nil || s.OrganizationID != w.otherID {
		t.Fatalf("got %+v, %v", s, err)
	}
	for name, do := range map[string]func() error{
		"delete it":   func() error { return w.service.Delete(t.Context(), guest) },
		"make keys":   func() error { _, _, err := w.service.CreateKey(t.Context(), guest); return err },
		"revoke keys": func() error { return w.service.RevokeKey(t.Context(), guest, uuid.New()) },
	} {
		if err := do(); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStrangersActorReachesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, a := w.create(t, w.other, "theirs", "https://example.org")
	// As if the policy had let a foreign site through.
	stranger := orgs.Actor{Caller: w.own.Caller, OrganizationID: w.own.OrganizationID, SiteID: a.SiteID, OwnsSite: true, Role: orgs.RoleAdmin}
	if _, err := w.service.Get(t.Context(), stranger); !fault.Is(err, fault.NotFound) {
		t.Errorf("get: %v", err)
	}
	name := "mine now"
	if _, err := w.service.Update(t.Context(), stranger, sites.Change{Name: &name}); !fault.Is(err, fault.NotFound) {
		t.Errorf("update: %v", err)
	}
	if err := w.service.Delete(t.Context(), stranger); !fault.Is(err, fault.NotFound) {
		t.Errorf("delete: %v", err)
	}
}
