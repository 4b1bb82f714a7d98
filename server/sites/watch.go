package sites

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// maxPending is how many changed sites are kept by name for a page that is
	// slow to ask; beyond it, everything changed.
	maxPending = 100
	// probeEvery is how often a quiet connection is tried, which may have died
	// without a word.
	probeEvery = 20 * time.Second
)

// Watcher tells the open pages of a process which sites changed. One
// connection listens for all of them.
type Watcher struct {
	pool *pgxpool.Pool
	log  *slog.Logger

	mu   sync.Mutex
	subs map[uuid.UUID]map[*Subscription]struct{}
}

// NewWatcher makes a watcher; Run has to run for it to hear anything.
func NewWatcher(pool *pgxpool.Pool, log *slog.Logger) *Watcher {
	return &Watcher{pool: pool, log: log, subs: map[uuid.UUID]map[*Subscription]struct{}{}}
}

// Subscription collects the changes of one organisation's sites for one page.
type Subscription struct {
	w            *Watcher
	organization uuid.UUID
	// signal holds something when there is something to fetch.
	signal chan struct{}

	// Under the watcher's lock.
	pending map[uuid.UUID]struct{}
	all     bool
}

// Subscribe starts to collect changes of the sites that an organisation has.
// Close the subscription when done.
func (w *Watcher) Subscribe(organization uuid.UUID) *Subscription {
	s := &Subscription{w: w, organization: organization, signal: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	set := w.subs[organization]
	if set == nil {
		set = map[*Subscription]struct{}{}
		w.subs[organization] = set
	}
	set[s] = struct{}{}
	return s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	set := s.w.subs[s.organization]
	delete(set, s)
	if len(set) == 0 {
		delete(s.w.subs, s.organization)
	}
}

// Changed is ready when Take has something to give.
func (s *Subscription) Changed() <-chan struct{} { return s.signal }

// Take gives the sites that changed since the last call, or says that all may
// have. It can give nothing.
func (s *Subscription) Take() (ids []uuid.UUID, all bool) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for id := range s.pending {
		ids = append(ids, id)
	}
	all = s.all
	s.pending, s.all = nil, false
	return ids, all
}

// add notes changed sites; none means all. The watcher is locked.
func (s *Subscription) add(sites []uuid.UUID) {
	if len(sites) == 0 || len(s.pending)+len(sites) > maxPending {
		s.all = true
	}
	if s.all {
		s.pending = nil
	} else {
		if s.pending == nil {
			s.pending = make(map[uuid.UUID]struct{}, len(sites))
		}
		for _, id := range sites {
			s.pending[id] = struct{}{}
		}
	}
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// Run listens until ctx ends, or gives the error that broke the connection:
// run it again then. With each new connection everything counts as changed,
// since nobody knows what was missed.
func (w *Watcher) Run(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, w.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect to listen for changed sites: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN site_changes"); err != nil {
		return fmt.Errorf("listen for changed sites: %w", err)
	}
	w.everythingChanged()
	for {
		wait, cancel := context.WithTimeout(ctx, probeEvery)
		n, err := conn.WaitForNotification(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			w.dispatch(ctx, n.Payload)
		case errors.Is(err, context.DeadlineExceeded) && !conn.IsClosed():
			probe, cancel := context.WithTimeout(ctx, 10*time.Second)
			err := conn.Ping(probe)
			cancel()
			if err != nil {
				return fmt.Errorf("try the connection that listens for changed sites: %w", err)
			}
		default:
			return fmt.Errorf("wait for changed sites: %w", err)
		}
	}
}

func (w *Watcher) everythingChanged() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, set := range w.subs {
		for s := range set {
			s.add(nil)
		}
	}
}

// dispatch hands on one notification: {"organization": uuid, "sites": [uuid…]}.
func (w *Watcher) dispatch(ctx context.Context, payload string) {
	var change struct {
		Organization uuid.UUID   `json:"organization"`
		Sites        []uuid.UUID `json:"sites"`
	}
	if err := json.Unmarshal([]byte(payload), &change); err != nil {
		w.log.ErrorContext(ctx, "a notification of changed sites could not be read", "error", err)
		w.everythingChanged()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.subs[change.Organization] {
		s.add(change.Sites)
	}
}
