package rpc

import (
	"connectrpc.com/connect"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/timestamppb"

	"drumbeat/server/ingest"
	"drumbeat/server/platform/testkit"
	"drumbeat/server/releases"
	"drumbeat/server/sitekey"
)

func timestampOf(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

func timestampAt(seconds int64, nanos int32) *timestamppb.Timestamp {
	return &timestamppb.Timestamp{Seconds: seconds, Nanos: nanos}
}

// door is the accepting side of ingest with real servers behind it.
type door struct {
	t        *testing.T
	pool     *pgxpool.Pool
	redis    *redis.Client
	acceptor *ingest.Acceptor
	server   *httptest.Server
}

type doorOptions struct {
	redis *redis.Client
	rate  ingest.Rate
	next  time.Duration
}

func newDoor(t *testing.T, o doorOptions) *door {
	t.Helper()
	d := &door{t: t, pool: testkit.Postgres(t), redis: o.redis}
	if d.redis == nil {
		d.redis = testkit.Redis(t)
	}
	if o.rate.Burst == 0 {
		o.rate = ingest.Rate{Burst: 10_000, Count: 1000, Per: time.Second}
	}
	log := testkit.Logger(t)
	buffer := ingest.NewBuffer(d.redis, d.pool, log, ingest.BufferConfig{Durable: true})
	t.Cleanup(buffer.Close)
	limiter := ingest.NewLimiter(d.redis, log, o.rate)
	t.Cleanup(func() { _ = limiter.Close() })
	keys := ingest.NewKeys(d.pool, log)
	d.acceptor = ingest.NewAcceptor(keys, limiter, buffer, log)
	if o.next != 0 {
		d.acceptor.NextReport = o.next
	}
	d.background(keys.Run)
	path, handler, err := NewIngestHandler(d.acceptor, log)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(path, handler)
	d.server = httptest.NewUnstartedServer(mux)
	d.server.EnableHTTP2 = true
	d.server.StartTLS()
	t.Cleanup(d.server.Close)
	return d
}

// background runs f until the test ends.
func (d *door) background(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f(ctx); err != nil {
			d.t.Errorf("in the background: %v", err)
		}
	})
	d.t.Cleanup(func() { cancel(); wg.Wait() })
}

// in is the same door for a subtest.
func (d *door) in(t *testing.T) *door {
	inner := *d
	inner.t = t
	return &inner
}

// apply runs an applier for the rest of the test.
func (d *door) apply() {
	log := testkit.Logger(d.t)
	d.background(ingest.NewApplier(d.pool, d.redis, releases.NewCatalog(d.pool, log), log, ingest.ApplierConfig{}).Run)
}

type testSite struct {
	id   int64
	uuid uuid.UUID
	key  sitekey.Key
}

func (d *door) site(name string) testSite {
	d.t.Helper()
	key, err := sitekey.New()
	if err != nil {
		d.t.Fatal(err)
	}
	s := testSite{key: key}
	err = d.pool.QueryRow(d.t.Context(), `
		WITH org AS (INSERT INTO organizations (name) VALUES ($1) RETURNING id),
		site AS (INSERT INTO sites (organization_id, name, url) SELECT id, $1, 'https://example.org' FROM org RETURNING id, uuid, organization_id),
		owner AS (INSERT INTO site_organizations (site_id, organization_id, is_owner) SELECT id, organization_id, true FROM site),
		key AS (INSERT INTO site_keys (site_id, key_hash, hint) SELECT id, $2, $3 FROM site)
		SELECT id, uuid FROM site`, name, key.Hash(), key.Hint()).Scan(&s.id, &s.uuid)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// report is the sample report with an id and a time of its own.
func report(changes ...string) string {
	body := strings.NewReplacer(
		"018f4e4e-7a5b-7c3d-8e9f-0123456789ab", uuid.NewString(),
		`, "id": "018f4e4e-7a5b-7c3d-8e9f-0123456789ac"`, "",
		"2026-03-04T05:06:07.25+01:00", time.Now().UTC().Format(time.RFC3339Nano),
	).Replace(sampleReport)
	return strings.NewReplacer(changes...).Replace(body)
}

const submitPath = "/drumbeat.ingest.v1.IngestService/SubmitReport"

func (d *door) request(key string, body string, headers ...string) *http.Request {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.server.URL+submitPath, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

// post sends a body and gives status, header and text of the answer.
func (d *door) post(key, body string, headers ...string) (int, http.Header, string) {
	d.t.Helper()
	return d.do(d.request(key, body, headers...))
}

func (d *door) do(req *http.Request) (int, http.Header, string) {
	d.t.Helper()
	res, err := d.server.Client().Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// eventually waits until a query gives true.
func (d *door) eventually(what, query string, args ...any) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
	defer cancel()
	for {
		var ok bool
		if err := d.pool.QueryRow(ctx, query, args...).Scan(&ok); err != nil {
			d.t.Fatalf("%s: %v", what, err)
		}
		if ok {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			d.t.Fatalf("%s never came", what)
		}
	}
}

func (d *door) statuses(site testSite) []string {
	d.t.Helper()
	rows, err := d.pool.Query(d.t.Context(), "SELECT status || coalesce(nullif(': ' || detail, ': '), '') FROM audit_logs WHERE site_id = $1 ORDER BY id", site.id)
	if err != nil {
		d.t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			d.t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func (d *door) newKey() string {
	d.t.Helper()
	key, err := sitekey.New()
	if err != nil {
		d.t.Fatal(err)
	}
	return key.Reveal()
}

func asConnect(err error, target **connect.Error) bool { return errors.As(err, target) }
