package releases

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
	"drumbeat/server/updatestatus"
)

// syncer asks the source for feeds that are due and has the answers applied.
type syncer struct {
	pool    *pgxpool.Pool
	source  Source
	servers map[string]Source // of projects with one of their own
	log     *slog.Logger
	now     func() time.Time
	random  func() float64
	applier *applier
	// concurrency bounds the requests under way.
	concurrency int
}

const (
	claimBatch = 32
	// applyBatch bounds the feeds whose changes go into one transaction, which
	// keeps reports waiting while it runs.
	applyBatch = 32
	// lease is how long other processes leave a claimed feed alone. A batch of
	// requests that all time out takes less.
	lease = 10 * time.Minute
)

// outcome is what became of one claimed feed.
type outcome struct {
	check
	// postponed is set when the source was not asked; the feed is then due
	// again at that time, and nothing else is known.
	postponed time.Time
}

// claimDue takes up to claimBatch feeds whose time has come.
func (s *syncer) claimDue(ctx context.Context) ([]claimed, error) {
	now := s.now()
	rows, err := db.New(s.pool).ClaimDueFeeds(ctx, db.ClaimDueFeedsParams{
		Now: now, Most: claimBatch, LeaseUntil: now.Add(lease),
	})
	if err != nil {
		return nil, fmt.Errorf("claim due feeds: %w", err)
	}
	feeds := make([]claimed, len(rows))
	for i, row := range rows {
		feeds[i] = claimedFeed(row)
	}
	return feeds, nil
}

// syncAll works on the feeds that next gives, until it gives none. Requests run
// side by side, and what came in meanwhile is applied together. done hears of
// each feed.
func (s *syncer) syncAll(ctx context.Context, next func(context.Context) ([]claimed, error), done func(outcome, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan claimed)
	outcomes := make(chan outcome, applyBatch)

	var workers sync.WaitGroup
	for range s.concurrency {
		workers.Go(func() {
			for feed := range jobs {
				if o, ok := s.ask(ctx, feed); ok {
					outcomes <- o
				}
			}
		})
	}
	var claimErr error
	go func() {
		defer close(outcomes)
		claimErr = s.deal(ctx, next, jobs)
		workers.Wait()
	}()

	for first := range outcomes {
		batch := []outcome{first}
	gather:
		for len(batch) < applyBatch {
			select {
			case o, open := <-outcomes:
				if !open {
					break gather
				}
				batch = append(batch, o)
			default:
				break gather
			}
		}
		s.finish(ctx, batch, done)
	}
	if claimErr == nil {
		claimErr = ctx.Err()
	}
	return claimErr
}

// deal hands claimed feeds to the workers and closes jobs when there are no more.
func (s *syncer) deal(ctx context.Context, next func(context.Context) ([]claimed, error), jobs chan<- claimed) error {
	defer close(jobs)
	for {
		feeds, err := next(ctx)
		if err != nil || len(feeds) == 0 {
			return err
		}
		for _, feed := range feeds {
			select {
			case jobs <- feed:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// ask asks the source for one feed. It says false when it was stopped.
func (s *syncer) ask(ctx context.Context, feed claimed) (outcome, bool) {
	project, server, own := splitProject(feed.project)
	if !isProjectName(project) {
		return s.conclude(feed, FeedMissing, "this cannot be the name of a project at drupal.org"), true
	}
	source := s.source
	if own {
		if source = s.servers[server]; source == nil {
			return s.conclude(feed, FeedFailed, "the server "+server+" is not among those that are allowed"), true
		}
	}
	request := Request{Project: project, Series: feed.series}
	if len(feed.hash) > 0 {
		request.ETag, request.LastModified = feed.etag, feed.lastModified
	}
	response, err := source.Fetch(ctx, request)
	if ctx.Err() != nil {
		return outcome{}, false
	}
	var paused *PausedError
	var failure *FetchError
	switch {
	case err == nil && response.NotModified && len(feed.hash) > 0:
		o := s.conclude(feed, FeedOK, "")
		o.confirmed = true
		return o, true
	case err == nil && response.NotModified:
		return s.conclude(feed, FeedFailed, "the server says that nothing changed, but there was nothing before"), true
	case err == nil:
		return s.examine(feed, response), true
	case errors.As(err, &paused):
		// Some after the pause, so that not all ask at the same moment.
		wait := time.Duration(s.random() * float64(time.Minute))
		return outcome{check: check{feed: feed}, postponed: paused.Until.Add(wait)}, true
	case errors.Is(err, ErrNoSuchProject):
		return s.conclude(feed, FeedMissing, err.Error()), true
	case errors.As(err, &failure):
		state := FeedFailed
		if failure.TooLarge {
			state = FeedMalformed
		}
		o := s.conclude(feed, state, failure.Message)
		if at := o.checkedAt.Add(failure.RetryAfter); at.After(o.nextCheckAt) {
			o.nextCheckAt = at
		}
		return o, true
	}
	s.log.ErrorContext(ctx, "the feed source failed unexpectedly", "project", feed.project, "error", err)
	return s.conclude(feed, FeedFailed, "unexpected: "+cut(err.Error(), 200)), true
}

// conclude makes the outcome of a request that brought no new content.
func (s *syncer) conclude(feed claimed, state FeedState, message string) outcome {
	now := s.now()
	c := check{
		feed: feed, state: state, err: printable(message), checkedAt: now,
		etag: feed.etag, lastModified: feed.lastModified,
	}
	// A feed asked for the first time is that of a site whose report is being
	// applied just now.
	inUse := feed.inUse || !feed.checkedBefore
	c.nextCheckAt = nextCheck(now, state, inUse, len(feed.hash) > 0, int(c.failures()), s.random())
	return outcome{check: c}
}

// examine looks at a document.
func (s *syncer) examine(feed claimed, response Response) outcome {
	if len(response.Body) == 0 {
		return s.conclude(feed, FeedFailed, "the answer is empty")
	}
	hash := sha256.Sum256(response.Body)
	same := bytes.Equal(hash[:], feed.hash)
	var parsed *updatestatus.Feed
	if !same {
		var err error
		parsed, err = updatestatus.ParseFeed(bytes.NewReader(response.Body))
		if err == nil {
			err = bounded(parsed)
		}
		switch {
		case errors.Is(err, updatestatus.ErrNoReleaseHistory):
			return s.conclude(feed, FeedMissing, err.Error())
		case err != nil:
			return s.conclude(feed, FeedMalformed, err.Error())
		}
	}
	o := s.conclude(feed, FeedOK, "")
	o.confirmed = true
	o.etag, o.lastModified = response.ETag, response.LastModified
	if !same {
		o.hash, o.parsed = hash[:], parsed
		o.content = s.applier.judges.pack(response.Body)
	}
	return o
}

// bounded refuses feeds whose single values are beyond anything that could be
// stored with every verdict.
func bounded(feed *updatestatus.Feed) error {
	const maxBranches = 1000
	if len(feed.SupportedBranches) > maxBranches {
		return fmt.Errorf("%w: more than %d supported branches", updatestatus.ErrMalformedFeed, maxBranches)
	}
	for _, branch := range feed.SupportedBranches {
		if len(branch) > maxVersionBytes {
			return fmt.Errorf("%w: the name of a branch has more than %d bytes", updatestatus.ErrMalformedFeed, maxVersionBytes)
		}
	}
	for i := range feed.Releases {
		r := &feed.Releases[i]
		if len(r.Key) > maxVersionBytes || len(r.Version) > maxVersionBytes {
			return fmt.Errorf("%w: a version has more than %d bytes", updatestatus.ErrMalformedFeed, maxVersionBytes)
		}
	}
	return nil
}

// printable makes a message, which may quote a hostile feed, fit for a log, a
// terminal and a column.
func printable(message string) string {
	message = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(message, "\ufffd"))
	return cut(message, 400)
}

// isProjectName tells whether drupal.org could have a project of that name.
// Nothing else ever becomes part of an address or a path.
func isProjectName(name string) bool {
	const longest = 128
	if name == "" || len(name) > longest || name[0] == '-' {
		return false
	}
	for i := range len(name) {
		switch b := name[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '_', b == '-':
		default:
			return false
		}
	}
	return true
}

// finish writes down what became of feeds. What cannot be written is due again
// when its lease ends.
func (s *syncer) finish(ctx context.Context, batch []outcome, done func(outcome, error)) {
	checks := make([]check, 0, len(batch))
	for _, o := range batch {
		if o.postponed.IsZero() {
			checks = append(checks, o.check)
			continue
		}
		err := db.New(s.pool).PostponeFeed(ctx, db.PostponeFeedParams{ID: o.feed.id, NextCheckAt: o.postponed})
		s.report(ctx, o, err, done)
	}
	if len(checks) == 0 {
		return
	}
	_, err := s.applier.apply(ctx, checks)
	for _, o := range batch {
		if !o.postponed.IsZero() {
			continue
		}
		if err == nil || len(checks) == 1 {
			s.report(ctx, o, s.withdraw(ctx, &o, err), done)
			continue
		}
		// One feed must not keep the others from being stored.
		_, single := s.applier.apply(ctx, []check{o.check})
		s.report(ctx, o, s.withdraw(ctx, &o, single), done)
	}
}

// withdraw records a feed that PostgreSQL refuses to store as malformed.
func (s *syncer) withdraw(ctx context.Context, o *outcome, err error) error {
	var refused *pgconn.PgError
	const dataException, programLimitExceeded = "22", "54"
	if err == nil || !errors.As(err, &refused) ||
		!strings.HasPrefix(refused.Code, dataException) && !strings.HasPrefix(refused.Code, programLimitExceeded) {
		return err
	}
	s.log.ErrorContext(ctx, "a feed cannot be stored", "project", o.feed.project, "error", err)
	*o = s.conclude(o.feed, FeedMalformed, "it cannot be stored: "+refused.Message)
	_, err = s.applier.apply(ctx, []check{o.check})
	return err
}

func (s *syncer) report(ctx context.Context, o outcome, err error, done func(outcome, error)) {
	switch {
	case err != nil && ctx.Err() != nil:
		// Stopped; another process takes it up when the lease ends.
	case err != nil:
		s.log.ErrorContext(ctx, "a feed could not be stored", "project", o.feed.project, "series", o.feed.series, "error", err)
	case !o.postponed.IsZero():
		s.log.DebugContext(ctx, "feed postponed", "project", o.feed.project, "until", o.postponed)
	case o.state == FeedFailed || o.state == FeedMalformed:
		s.log.WarnContext(ctx, "feed not available", "project", o.feed.project, "series", o.feed.series, "state", o.state,
			"error", o.err, "failures", o.failures(), "next", o.nextCheckAt)
	default:
		s.log.DebugContext(ctx, "feed checked", "project", o.feed.project, "series", o.feed.series, "state", o.state,
			"new", o.content != nil)
	}
	if done != nil {
		done(o, err)
	}
}
