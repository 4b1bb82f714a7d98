package orgs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// guardEvery is how soon an open stream ends after its session or membership.
const guardEvery = 700 * time.Millisecond

// guard ends open streams whose caller has lost the right to them. One query
// serves all streams of the process.
type guard struct {
	store *store
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	watches map[*watch]struct{}
}

type watch struct {
	actor Actor
	end   context.CancelCauseFunc
}

// WhileAllowed gives a context that ends, with an error of kind
// fault.Unauthenticated as its cause, within a second after the actor's
// session ended or the actor lost the organisation. Release it with the
// returned function. Guard must run for it.
func (s *Service) WhileAllowed(ctx context.Context, a Actor) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{actor: a, end: cancel}
	s.guard.mu.Lock()
	s.guard.watches[w] = struct{}{}
	s.guard.mu.Unlock()
	return ctx, func() {
		s.guard.mu.Lock()
		delete(s.guard.watches, w)
		s.guard.mu.Unlock()
		cancel(context.Canceled)
	}
}

// Guard watches over the open streams until ctx ends. A database that does not
// answer ends no stream: they carry no data, and reading it is checked anew.
func (s *Service) Guard(ctx context.Context) error {
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.guard.check(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "open streams could not be checked", "error", err)
		}
	}
}

func (g *guard) check(ctx context.Context) error {
	g.mu.Lock()
	watches := make([]*watch, 0, len(g.watches))
	for w := range g.watches {
		watches = append(watches, w)
	}
	g.mu.Unlock()
	if len(watches) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	live, err := g.store.liveWatches(ctx, watches, g.now())
	if err != nil {
		return err
	}
	for i, w := range watches {
		if !live[i] {
			w.end(ErrSignedOut())
		}
	}
	return nil
}

// SweepSessions deletes dead sessions now and every hour until ctx ends.
func (s *Service) SweepSessions(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if n, err := s.store.deleteDeadSessions(ctx, s.now()); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "dead sessions could not be deleted", "error", err)
		} else if n > 0 {
			s.log.InfoContext(ctx, "deleted dead sessions", "count", n)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
