package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/durationpb"

	ingestv1 "drumbeat/gen/go/drumbeat/ingest/v1"
	"drumbeat/gen/go/drumbeat/ingest/v1/ingestv1connect"
	"drumbeat/server/ingest"
	"drumbeat/server/inventory"
	"drumbeat/server/platform/postgres"
	"drumbeat/server/releases"
	"drumbeat/server/rpc"
	"drumbeat/server/sitekey"
)

// The roles of the processes that are measured.
const (
	roleOurs    = "ours"    // the product's accepting side, all checks
	roleConnect = "connect" // a plain Connect handler with its JSON codec, no key, no limit
	roleBare    = "bare"    // net/http, key, JSON scan, XADD
	roleWorker  = "worker"  // the product's applier
)

// runRole serves until standard input closes.
func runRole(ctx context.Context, role, profile string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if profile != "" && (role == roleOurs || role == roleWorker) {
		f, err := os.Create(filepath.Join(profile, fmt.Sprintf("%s-%d.prof", role, os.Getpid())))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	opts, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		return err
	}
	rdb := redis.NewClient(opts)
	defer rdb.Close()
	var handler http.Handler
	switch role {
	case roleConnect:
		_, handler = ingestv1connect.NewIngestServiceHandler(plainConnect{redis: rdb})
	case roleBare:
		handler = &bare{redis: rdb, keys: map[[32]byte]bool{}}
	case roleOurs, roleWorker:
		pool, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"))
		if err != nil {
			return err
		}
		defer pool.Close()
		if role == roleWorker {
			fmt.Println("ready")
			return ingest.NewApplier(pool, rdb, releases.NewCatalog(pool, log), log, ingest.ApplierConfig{}).Run(ctx)
		}
		lanes, _ := strconv.Atoi(os.Getenv("BENCH_LANES"))
		buffer := ingest.NewBuffer(rdb, pool, log, ingest.BufferConfig{Durable: true, Lanes: lanes})
		defer buffer.Close()
		// All checks are on; the limit itself is high, since the driver sends as
		// many reports in a second as these sites do in a month.
		limiter := ingest.NewLimiter(rdb, log, ingest.Rate{Burst: 100_000, Count: 100_000, Per: time.Minute})
		defer limiter.Close()
		keys := ingest.NewKeys(pool, log)
		var background sync.WaitGroup
		background.Go(func() { _ = keys.Run(ctx) })
		defer background.Wait()
		if _, handler, err = rpc.NewIngestHandler(ingest.NewAcceptor(keys, limiter, buffer, log), log); err != nil {
			return err
		}
	default:
		return fmt.Errorf("no role %q", role)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Println(l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// benchStream is where the handlers for comparison put their entries.
const benchStream = "bench:reports"

// plainConnect is what one writes first: the decoded message, sent on as it came.
type plainConnect struct {
	ingestv1connect.UnimplementedIngestServiceHandler
	redis *redis.Client
}

// SubmitReport decodes a report with Connect's codec and does one XADD. Connect
// does not give out the body, so an equally long one is sent.
func (p plainConnect) SubmitReport(ctx context.Context, m *ingestv1.SubmitReportRequest) (*ingestv1.SubmitReportResponse, error) {
	if err := p.redis.Do(ctx, "xadd", benchStream, "*", "r", sample[:min(len(sample), averageBody)]).Err(); err != nil {
		return nil, connect.NewError(connect.CodeUnavailable, err)
	}
	return &ingestv1.SubmitReportResponse{ReportId: m.GetReportId(), NextReportIn: durationpb.New(time.Hour)}, nil
}

// averageBody is about what makeReport gives with the accepting side's number of projects.
const averageBody = 12_500

var sample = func() []byte {
	b := makeReport(acceptProjects, 1, 0)
	for len(b) < averageBody {
		b = append(b, ' ')
	}
	return b
}()

// bare is the least that a handler of one's own must do.
type bare struct {
	redis *redis.Client
	mu    sync.RWMutex
	keys  map[[32]byte]bool
}

var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 32<<10); return &b }}

// ServeHTTP checks key and JSON and does one XADD.
func (h *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, err := sitekey.Parse(r.Header.Get("Authorization")[len("Bearer "):])
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	sum := key.Sum()
	h.mu.RLock()
	known := h.keys[sum]
	h.mu.RUnlock()
	if !known {
		h.mu.Lock()
		h.keys[sum] = true
		h.mu.Unlock()
	}
	buffer := bodies.Get().(*[]byte)
	defer bodies.Put(buffer)
	body := (*buffer)[:r.ContentLength]
	if _, err := io.ReadFull(r.Body, body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var s inventory.Summary
	if !inventory.Scan(body, &s) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err := h.redis.Do(r.Context(), "xadd", benchStream, "*", "r", body).Err(); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"nextReportIn":"3600s"}`)
}
