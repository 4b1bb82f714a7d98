package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"drumbeat/server/platform/postgres"
)

const (
	healthPatience = 2 * time.Second
	// schemaEvery is how often the schema's version is looked up, which takes a
	// connection of its own.
	schemaEvery = 30 * time.Second
)

// health answers those who watch over the process: whether it lives, and
// whether it can do its work.
type health struct {
	pool        *pgxpool.Pool
	redis       *redis.Client
	databaseURL string
	now         func() time.Time

	mu        sync.Mutex
	schemaAt  time.Time
	schemaErr error
}

func (h *health) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "alive")
	})
	mux.HandleFunc("GET /readyz", h.ready)
}

// check is the outcome of one test; Detail is for people and holds no secret.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthPatience)
	defer cancel()
	checks := make([]check, 3)
	var all sync.WaitGroup
	for i, c := range []struct {
		name, trouble string
		test          func(context.Context) error
	}{
		{"postgresql", "does not answer", func(ctx context.Context) error { return h.pool.Ping(ctx) }},
		{"redis", "does not take writes", func(ctx context.Context) error {
			return h.redis.Set(ctx, "drumbeat:ready", h.now().Unix(), time.Minute).Err()
		}},
		{"migrations", "are not at the version of this binary", h.schema},
	} {
		all.Go(func() {
			checks[i] = check{Name: c.name, OK: true}
			if err := c.test(ctx); err != nil {
				checks[i].OK, checks[i].Detail = false, c.trouble
			}
		})
	}
	all.Wait()
	status := http.StatusOK
	for _, c := range checks {
		if !c.OK {
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": status == http.StatusOK, "checks": checks}) // the client is gone
}

// schema fails where the database is behind this binary. One that is ahead was
// migrated by a newer one beside it.
func (h *health) schema(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now().Sub(h.schemaAt) < schemaEvery {
		return h.schemaErr
	}
	current, target, err := postgres.SchemaVersion(ctx, h.databaseURL)
	if err == nil && current < target {
		err = fmt.Errorf("the database is at %d, this binary at %d", current, target)
	}
	h.schemaErr = err
	if err == nil {
		h.schemaAt = h.now()
	}
	return err
}
