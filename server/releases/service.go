package releases

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"drumbeat/gen/db"
)

// Options is what a Service is made of. Pool, Source and Log are needed.
type Options struct {
	Pool   *pgxpool.Pool
	Source Source
	Log    *slog.Logger
	// Servers are the sources of projects that name a server of their own.
	Servers map[string]Source
	// Concurrency bounds the requests to the source under way; 4 when 0.
	Concurrency int
	// Now is the clock, and Random gives numbers from 0 to 1; the real ones
	// when nil.
	Now    func() time.Time
	Random func() float64
}

// Service keeps feeds, verdicts and counters up to date. Any number of processes
// may run one on the same database: they share the work.
type Service struct {
	pool     *pgxpool.Pool
	log      *slog.Logger
	now      func() time.Time
	syncer   *syncer
	applier  *applier
	spreader *spreader

	overrides *Overrides

	feedsWanted   signal
	spreadsWanted signal
}

// How long the loops sleep when nothing wakes them. Notifications do so within
// milliseconds; this is for when they get lost.
const (
	syncTick     = 5 * time.Second
	spreadTick   = 5 * time.Second
	folderTick   = time.Second
	retryTick    = time.Second
	keepSpreads  = 30 * 24 * time.Hour
	longestSleep = time.Minute
	overrideTick = 30 * time.Second
)

// NewService makes a service; Run starts it.
func NewService(o Options) *Service {
	if o.Concurrency == 0 {
		o.Concurrency = 4
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	a := &applier{pool: o.Pool, judges: newJudges(o.Log), now: o.Now}
	return &Service{
		pool: o.Pool, log: o.Log, now: o.Now, applier: a,
		syncer: &syncer{
			pool: o.Pool, source: o.Source, servers: o.Servers, log: o.Log, now: o.Now, random: o.Random,
			applier: a, concurrency: o.Concurrency,
		},
		overrides:   &Overrides{pool: o.Pool, now: o.Now, applier: a},
		spreader:    &spreader{pool: o.Pool, now: o.Now, chunk: spreadChunk},
		feedsWanted: newSignal(), spreadsWanted: newSignal(),
	}
}

// Run works until ctx ends, and then returns nil. Trouble with the database or
// the source is logged and tried again.
func (s *Service) Run(ctx context.Context) error {
	var group errgroup.Group
	for name, loop := range map[string]func(context.Context) error{
		"notifications": s.listen,
		"feeds":         s.syncFeeds,
		"feed folder":   s.watchFolder,
		"spreads":       s.spread,
		"re-judging":    s.rejudge,
		"overrides":     s.expireOverrides,
	} {
		group.Go(func() error {
			for {
				err := loop(ctx)
				if ctx.Err() != nil {
					return nil
				}
				if err == nil {
					return nil
				}
				s.log.ErrorContext(ctx, "release data: trying again", "part", name, "error", err)
				if !pause(ctx, retryTick) {
					return nil
				}
			}
		})
	}
	return group.Wait()
}

// listen passes on what other processes announce.
func (s *Service) listen(ctx context.Context) error {
	pooled, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to listen: %w", err)
	}
	// Taken out of the pool for good: what it listens to must not go back.
	conn := pooled.Hijack()
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, channel := range []string{"feeds_wanted", "verdict_spreads"} {
		if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	// Something may have been announced before.
	s.feedsWanted.send()
	s.spreadsWanted.send()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		switch n.Channel {
		case "feeds_wanted":
			s.feedsWanted.send()
		case "verdict_spreads":
			s.spreadsWanted.send()
		}
	}
}

func (s *Service) syncFeeds(ctx context.Context) error {
	for {
		if err := s.syncer.syncAll(ctx, s.syncer.claimDue, nil); err != nil {
			return err
		}
		if !s.feedsWanted.wait(ctx, syncTick) {
			return ctx.Err()
		}
	}
}

func (s *Service) spread(ctx context.Context) error {
	for {
		started := time.Now()
		visited, err := s.spreader.run(ctx)
		if visited > 0 {
			s.log.InfoContext(ctx, "verdicts spread", "sites", visited, "took", time.Since(started))
		}
		if err != nil {
			return err
		}
		if !s.spreadsWanted.wait(ctx, spreadTick) {
			return ctx.Err()
		}
	}
}

// watchFolder asks for all feeds again when the folder they come from changes.
func (s *Service) watchFolder(ctx context.Context) error {
	folder, ok := s.syncer.source.(interface{ Changed() (bool, error) })
	if !ok {
		return nil
	}
	for {
		changed, err := folder.Changed()
		if err != nil {
			return err
		}
		if changed {
			if _, err := db.New(s.pool).WantFeeds(ctx, db.WantFeedsParams{Now: s.now(), Everything: true}); err != nil {
				return fmt.Errorf("ask for all feeds: %w", err)
			}
			s.feedsWanted.send()
		}
		if !pause(ctx, folderTick) {
			return ctx.Err()
		}
	}
}

// rejudge judges again what may have changed without a feed: by new rules, and
// Drupal core every day, whose security coverage ends on dates.
func (s *Service) rejudge(ctx context.Context) error {
	changed, err := s.applier.rejudgeOutdated(ctx)
	if err != nil {
		return err
	}
	if changed > 0 {
		s.log.InfoContext(ctx, "judged again by new rules", "changed", changed)
	}
	for {
		day := s.now().UTC().Truncate(24 * time.Hour)
		if err := s.rejudgeCore(ctx); err != nil {
			return err
		}
		if err := db.New(s.pool).DropOldSpreads(ctx, s.now().Add(-keepSpreads)); err != nil {
			return fmt.Errorf("drop old spreads: %w", err)
		}
		for s.now().UTC().Truncate(24 * time.Hour).Equal(day) {
			if !pause(ctx, longestSleep) {
				return ctx.Err()
			}
		}
	}
}

// expireOverrides judges anew what administrators spoke of for a time.
func (s *Service) expireOverrides(ctx context.Context) error {
	for {
		changed, err := s.overrides.expire(ctx)
		if err != nil {
			return err
		}
		if changed > 0 {
			s.log.InfoContext(ctx, "overrides ran out", "changed", changed)
		}
		if !pause(ctx, overrideTick) {
			return ctx.Err()
		}
	}
}

func (s *Service) rejudgeCore(ctx context.Context) error {
	rows, err := db.New(s.pool).FindModules(ctx, []string{coreProject})
	if err != nil {
		return fmt.Errorf("find Drupal core: %w", err)
	}
	for _, row := range rows {
		if _, err := s.applier.rejudgeModules(ctx, []int64{row.ID}, "coverage"); err != nil {
			return err
		}
	}
	return nil
}

// signal wakes one waiting loop; several sent while nobody waits count as one.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) send() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// wait waits for a signal, but no longer than d. It says false when ctx ended.
func (s signal) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// pause sleeps; it says false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
