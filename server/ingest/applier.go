package ingest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"drumbeat/gen/db"
	"drumbeat/server/inventory"
)

// DefaultStream is the key of the Redis Stream of reports.
const DefaultStream = "drumbeat:reports"

const (
	group = "appliers"
	// field is the one field of a stream entry; its value is a record.
	field = "r"
)

// ApplierConfig tunes an Applier. Zero values mean the defaults.
type ApplierConfig struct {
	// Stream is the key of the stream (DefaultStream).
	Stream string
	// BatchSize is how many entries one transaction takes (512). A batch may be
	// larger by what one read brings.
	BatchSize int
	// BatchBytes ends a batch early (2 MiB of records).
	BatchBytes int
	// Linger is how long a small batch waits for more (30 ms): a transaction
	// for each single report costs a hundred times more.
	Linger time.Duration
	// ReclaimIdle is how long an entry lies with a consumer that does not
	// acknowledge it before another takes it over (15 s).
	ReclaimIdle time.Duration
	// MaxDeliveries is after how many an entry becomes a dead letter (5).
	MaxDeliveries int
	// RetryDelay is the wait before an entry that failed is tried again (250 ms,
	// doubling).
	RetryDelay time.Duration
	// SpoolInterval is how often the spool is looked at (250 ms).
	SpoolInterval time.Duration
}

func (c *ApplierConfig) defaults() {
	if c.Stream == "" {
		c.Stream = DefaultStream
	}
	setDefault(&c.BatchSize, 512)
	setDefault(&c.BatchBytes, 2<<20)
	setDefault(&c.Linger, 30*time.Millisecond)
	setDefault(&c.ReclaimIdle, 15*time.Second)
	setDefault(&c.MaxDeliveries, 5)
	setDefault(&c.RetryDelay, 250*time.Millisecond)
	setDefault(&c.SpoolInterval, 250*time.Millisecond)
}

func setDefault[T int | time.Duration](v *T, to T) {
	if *v == 0 {
		*v = to
	}
}

// Applier takes entries from the stream and the spool and applies them. Any
// number may run, in any number of processes.
type Applier struct {
	pool     *pgxpool.Pool
	redis    redis.UniversalClient
	versions Versions
	log      *slog.Logger
	cfg      ApplierConfig
	consumer string
	group    func(*inventory.Report) inventory.Inventory

	jobs chan *batch
	acks chan []string

	mu       sync.Mutex
	bulk     *bool                // whether the role may check foreign keys in bulk; nil: not asked yet
	inFlight map[string]bool      // stream ids that this process is at work on
	retries  map[string]time.Time // stream ids that failed, and when to try again
	aside    map[int64]time.Time  // spool ids likewise
}

// record is one stream entry or spool row.
type record struct {
	streamID string
	spoolID  int64
	raw      []byte
	attempts int // of a spool row, before this one
	// left counts the entries that are neither applied nor buried.
	left int
	// bad is why the record cannot be read at all.
	bad error
}

// batch is what was read together.
type batch struct {
	records []*record
	items   []*item
	failed  map[*item]error
	err     error
	// done is closed when the batch is through, however it went.
	done chan struct{}
}

// NewApplier makes an applier. Run starts it.
func NewApplier(pool *pgxpool.Pool, rdb redis.UniversalClient, versions Versions, log *slog.Logger, cfg ApplierConfig) *Applier {
	cfg.defaults()
	host, _ := os.Hostname()
	var unique [6]byte
	_, _ = rand.Read(unique[:])
	return &Applier{
		pool: pool, redis: rdb, versions: versions, log: log, cfg: cfg,
		consumer: fmt.Sprintf("%s-%d-%s", host, os.Getpid(), hex.EncodeToString(unique[:])),
		group:    inventory.Group,
		jobs:     make(chan *batch),
		acks:     make(chan []string, 64),
		inFlight: map[string]bool{}, retries: map[string]time.Time{}, aside: map[int64]time.Time{},
	}
}

// Run applies until ctx ends, then finishes the batch it is at. What was read
// and not applied is taken up by another applier. It returns nil then.
func (a *Applier) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var readers, others sync.WaitGroup
	// Before anything is written: rows of a month that has no partition yet would
	// go where that month's partition can never be made again.
	ready := make(chan struct{})
	readers.Go(func() { a.keepPartitions(ctx, ready) })
	for _, read := range []func(context.Context){a.readStream, a.readSpool} {
		readers.Go(func() {
			select {
			case <-ready:
				read(ctx)
			case <-ctx.Done():
			}
		})
	}
	others.Go(func() { a.acknowledge(ctx) })
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		a.transactions(ctx, work)
	}()
	readers.Wait()
	close(a.jobs)
	select {
	case <-committed:
	case <-time.After(10 * time.Second):
		stop()
		<-committed
	}
	close(a.acks)
	others.Wait()
	return nil
}

// lanes is how many batches are in their transactions at a time: each keeps one
// core of PostgreSQL busy at most.
const lanes = 2

// transactions brings the batches to their ends, in the order they come. One
// begins only when none before it with a site in common is under way: the
// reports of a site stay in order.
func (a *Applier) transactions(ctx, work context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	var mu sync.Mutex
	through := sync.NewCond(&mu)
	running := 0
	busy := map[int64]bool{}
	for b := range a.jobs {
		ids := make(map[int64]bool, len(b.items))
		for _, it := range b.items {
			ids[it.SiteID] = true
		}
		waits := func() bool {
			if running == lanes {
				return true
			}
			for id := range ids {
				if busy[id] {
					return true
				}
			}
			return false
		}
		mu.Lock()
		for waits() {
			through.Wait()
		}
		running++
		maps.Copy(busy, ids)
		mu.Unlock()
		all.Go(func() {
			if ctx.Err() == nil {
				a.process(ctx, work, b)
			}
			close(b.done)
			mu.Lock()
			defer mu.Unlock()
			running--
			for id := range ids {
				delete(busy, id)
			}
			through.Signal()
		})
	}
}

// keepPartitions makes the months of the audit log ahead of time. It closes
// ready when they are there.
func (a *Applier) keepPartitions(ctx context.Context, ready chan struct{}) {
	wait := time.Duration(0)
	done := sync.OnceFunc(func() { close(ready) })
	for sleep(ctx, wait) {
		if err := EnsurePartitions(ctx, a.pool, time.Now()); err != nil {
			a.log.Error("could not make the partitions of the audit log", "error", err)
			if !transient(err) {
				// The default partition takes the rows: worse to prune, and no
				// reason to apply nothing.
				done()
			}
			wait = 2 * time.Second
			continue
		}
		done()
		wait = 24 * time.Hour
	}
}

// EnsurePartitions makes the audit log's partitions of the month of now and the next three.
func EnsurePartitions(ctx context.Context, pool *pgxpool.Pool, now time.Time) error {
	if _, err := db.New(pool).EnsureAuditPartitions(ctx, db.EnsureAuditPartitionsParams{First: now.UTC(), Months: 4}); err != nil {
		return fmt.Errorf("make the partitions of the audit log: %w", err)
	}
	return nil
}

// process brings one batch to its end: everything in it is applied, set aside
// for another try, or buried. Only the end of ctx leaves anything undone.
func (a *Applier) process(ctx, work context.Context, b *batch) {
	for it, err := range b.failed {
		a.fail(ctx, work, it, err)
	}
	items := b.items[:0]
	for _, it := range b.items {
		if _, failed := b.failed[it]; !failed {
			items = append(items, it)
		}
	}
	for _, r := range b.records {
		if r.bad != nil {
			a.failRecord(ctx, work, r, nil, r.bad)
		}
	}
	a.applyItems(ctx, work, items, b.err)
}

// applyItems applies the items in one transaction, or, where one of them cannot
// be applied, in as many as it takes to single it out.
func (a *Applier) applyItems(ctx, work context.Context, items []*item, err error) {
	for wait := 100 * time.Millisecond; len(items) > 0 && ctx.Err() == nil; {
		if err == nil {
			err = a.commitSafely(work, items)
		}
		switch {
		case err == nil:
			a.applied(items)
			return
		case errors.Is(err, errNotRead):
			failed, prepareErr := a.prepare(work, items)
			rest := items[:0:0]
			for _, it := range items {
				if reason, bad := failed[it]; bad {
					a.fail(ctx, work, it, reason)
				} else {
					rest = append(rest, it)
				}
			}
			items, err = rest, prepareErr
		case errors.Is(err, errTaken):
			// Another process has them.
			return
		case transient(err):
			a.log.Warn("reports wait for the database", "entries", len(items), "error", err)
			if !sleep(ctx, wait) {
				return
			}
			wait = min(2*wait, 5*time.Second)
			if items[0].record.streamID == "" {
				// The spool keeps them.
				return
			}
			failed, prepareErr := a.prepare(work, items)
			for it, reason := range failed {
				a.fail(ctx, work, it, reason)
			}
			items, err = without(items, failed), prepareErr
		case len(items) == 1:
			a.fail(ctx, work, items[0], err)
			return
		default:
			half := len(items) / 2
			// Reports of one site stay in order: the first half goes first.
			for _, part := range [][]*item{items[:half], items[half:]} {
				failed, prepareErr := a.prepare(work, part)
				for it, reason := range failed {
					a.fail(ctx, work, it, reason)
				}
				a.applyItems(ctx, work, without(part, failed), prepareErr)
			}
			return
		}
	}
}

func without(items []*item, failed map[*item]error) []*item {
	if len(failed) == 0 {
		return items
	}
	rest := make([]*item, 0, len(items))
	for _, it := range items {
		if _, bad := failed[it]; !bad {
			rest = append(rest, it)
		}
	}
	return rest
}

// errTaken says that another process applies these spool rows.
var errTaken = errors.New("the spooled reports are being applied elsewhere")

// commitSafely is commit with the spool rows deleted in the same transaction,
// and panics made errors.
func (a *Applier) commitSafely(ctx context.Context, items []*item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("applying reports failed", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("applying failed: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	return a.commit(ctx, items, spoolRows(items))
}

// spoolRows deletes the rows whose last entries are in items; nil where there are none.
func spoolRows(items []*item) func(context.Context, pgx.Tx) error {
	here := map[*record]int{}
	var ids []int64
	for _, it := range items {
		if it.record.spoolID == 0 {
			continue
		}
		if here[it.record]++; here[it.record] == it.record.left {
			ids = append(ids, it.record.spoolID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return func(ctx context.Context, tx pgx.Tx) error {
		n, err := db.New(tx).DeleteSpool(ctx, ids)
		if err != nil {
			return fmt.Errorf("take %d reports off the spool: %w", len(ids), err)
		}
		if int(n) != len(ids) {
			return errTaken
		}
		return nil
	}
}

// applied marks the items as done and acknowledges the records that are through.
func (a *Applier) applied(items []*item) {
	var ids []string
	for _, it := range items {
		if it.record.left--; it.record.left == 0 && it.record.streamID != "" {
			ids = append(ids, it.record.streamID)
		}
	}
	a.ack(ids)
}

func (a *Applier) ack(ids []string) {
	if len(ids) > 0 {
		a.acks <- ids
	}
}

// fail deals with one entry that cannot be applied.
func (a *Applier) fail(ctx, work context.Context, it *item, reason error) {
	a.failRecord(ctx, work, it.record, it, reason)
}

// failRecord counts a failed delivery and buries the entry after too many. it
// is nil where the record could not be read.
func (a *Applier) failRecord(ctx, work context.Context, r *record, it *item, reason error) {
	if r.streamID != "" && it != nil && it.Kind == KindHeartbeat {
		// It may share its record with others: those are not to be told apart by
		// the stream, so it goes on alone in the spool.
		a.respool(ctx, work, r, it)
		return
	}
	var deliveries int
	var err error
	if r.streamID != "" {
		deliveries, err = a.deliveries(work, r.streamID)
	} else {
		var attempts int32
		attempts, err = db.New(a.pool).FailSpool(work, r.spoolID)
		deliveries = int(attempts)
		if errors.Is(err, pgx.ErrNoRows) {
			return
		}
	}
	if err != nil {
		a.log.Warn("could not count the deliveries of a report", "error", err)
		deliveries = 0
	}
	a.log.Warn("a report could not be applied", "deliveries", deliveries, "of", a.cfg.MaxDeliveries, "error", reason)
	if deliveries >= a.cfg.MaxDeliveries {
		if err := a.bury(work, r, it, reason, deliveries); err == nil {
			r.left = 0
			if r.streamID != "" {
				a.ack([]string{r.streamID})
			}
			return
		} else {
			a.log.Error("could not write a dead letter", "error", err)
		}
	}
	due := time.Now().Add(a.cfg.RetryDelay << min(max(deliveries-1, 0), 8))
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.streamID != "" {
		delete(a.inFlight, r.streamID)
		a.retries[r.streamID] = due
	} else {
		a.aside[r.spoolID] = due
	}
}

// deliveries is how often the entry was given to a consumer, this time included.
func (a *Applier) deliveries(ctx context.Context, id string) (int, error) {
	pending, err := a.redis.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: a.cfg.Stream, Group: group, Start: id, End: id, Count: 1}).Result()
	if err != nil {
		return 0, fmt.Errorf("look up the deliveries of %s: %w", id, err)
	}
	if len(pending) == 0 {
		return 0, nil
	}
	return int(pending[0].RetryCount), nil
}

// bury moves an entry into the dead letters.
func (a *Applier) bury(ctx context.Context, r *record, it *item, reason error, deliveries int) error {
	letter := db.InsertDeadLetterParams{Entry: r.raw, Reason: clip([]byte(reason.Error()), 4096), Deliveries: int32(deliveries)}
	if it != nil {
		letter.SiteID = &it.SiteID
		if it.ReportID != (inventory.UUID{}) {
			id := uuid.UUID(it.ReportID)
			letter.ReportID = &id
		}
	}
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		if r.spoolID != 0 {
			n, err := db.New(tx).DeleteSpool(ctx, []int64{r.spoolID})
			if err != nil || n == 0 {
				return err
			}
		}
		_, err := db.New(tx).InsertDeadLetter(ctx, letter)
		return err
	})
	if err != nil {
		return fmt.Errorf("write a dead letter: %w", err)
	}
	a.log.Error("a report became a dead letter", "deliveries", deliveries, "reason", letter.Reason)
	return nil
}

// respool moves one heartbeat of a record to the spool.
func (a *Applier) respool(ctx, work context.Context, r *record, it *item) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := db.New(a.pool).InsertSpool(work, [][]byte{EncodeEntry(&it.Entry)})
		if err == nil {
			break
		}
		a.log.Warn("could not set a heartbeat aside", "error", err)
		if !sleep(ctx, wait) {
			return
		}
	}
	a.applied([]*item{it})
}

// acknowledge takes applied entries off the stream. What it cannot is delivered
// again and known by its report id.
func (a *Applier) acknowledge(ctx context.Context) {
	for ids := range a.acks {
		for n := len(a.acks); n > 0; n-- {
			if more, ok := <-a.acks; ok {
				ids = append(ids, more...)
			}
		}
		for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
			callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			// Together or not at all: an entry that is acknowledged and still there
			// is never read again. Redis killed between the two leaves just that.
			pipe := a.redis.TxPipeline()
			pipe.XAck(callCtx, a.cfg.Stream, group, ids...)
			pipe.XDel(callCtx, a.cfg.Stream, ids...)
			_, err := pipe.Exec(callCtx)
			cancel()
			if err == nil {
				break
			}
			a.log.Warn("could not acknowledge applied reports", "entries", len(ids), "error", err)
			if !sleep(ctx, wait) {
				break
			}
		}
		a.mu.Lock()
		for _, id := range ids {
			delete(a.inFlight, id)
		}
		a.mu.Unlock()
	}
}

// transient tells whether the same batch may well succeed later as it is.
func transient(err error) bool {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		switch class := pgErr.Code[:min(2, len(pgErr.Code))]; class {
		case "08", "40", "53", "57", "58":
			return true
		}
		return pgErr.Code == "55P03" // lock_timeout
	}
	var netErr net.Error
	var connectErr *pgconn.ConnectError
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &netErr) || errors.As(err, &connectErr) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "closed pool")
}

// sleep waits for d, or until ctx ends: false.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
