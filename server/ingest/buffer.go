package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"drumbeat/gen/db"
)

// ErrUnavailable says that neither Redis nor PostgreSQL took the report. The
// sender keeps it and comes back.
var ErrUnavailable = errors.New("reports cannot be stored at the moment")

// BufferConfig tunes a Buffer. Zero values mean the defaults.
type BufferConfig struct {
	// Stream is the key of the stream (DefaultStream).
	Stream string
	// Durable says that the Redis syncs to disk before it answers. Where it does
	// not, everything goes to the spool: acknowledged means durable. TrustRedis
	// says so later, where it is not known yet.
	Durable bool
	// Lanes is how many commands to Redis run at a time (1: the larger
	// the group, the fewer syncs; measured).
	Lanes int
	// QueueTimeout is how long an entry waits for a lane before the answer is
	// unavailable (700 ms).
	QueueTimeout time.Duration
	// RedisTimeout is how long Redis may take before the report is spooled (600 ms).
	RedisTimeout time.Duration
	// SpoolTimeout is how long PostgreSQL may take then (700 ms).
	SpoolTimeout time.Duration
	// RestAfterFailure is how long Redis is left alone after it failed (1 s).
	RestAfterFailure time.Duration
}

const (
	// maxGroup is how many entries one command carries at most.
	maxGroup = 128
	// maxGroupBytes ends a group early.
	maxGroupBytes = 2 << 20
	// heartbeatsPerEntry is how many heartbeats share one stream entry.
	heartbeatsPerEntry = 64
	// maxQueue is how many entries wait for a lane; beyond it the answer is
	// unavailable rather than a wait that the sender gives up.
	maxQueue = 4096
)

// Buffer stores entries until an Applier takes them. Concurrent entries share
// one round trip; each is answered after the reply to its own command.
type Buffer struct {
	redis redis.UniversalClient
	close func() error
	pool  *pgxpool.Pool
	log   *slog.Logger
	cfg   BufferConfig

	queue chan *waiting
	lanes sync.WaitGroup
	stop  chan struct{}
	once  sync.Once
	// restUntil is when Redis may be tried again, in Unix nanoseconds.
	restUntil atomic.Int64
	spooled   atomic.Int64
	durable   atomic.Bool
}

type waiting struct {
	entry *Entry
	since time.Time
	done  chan error
}

// bounded gives a client on the same server whose commands end with their
// context, and which leaves it to the caller to try again.
func bounded(rdb redis.UniversalClient, connections int) (redis.UniversalClient, func() error) {
	client, ok := rdb.(*redis.Client)
	if !ok {
		return rdb, func() error { return nil }
	}
	opts := *client.Options()
	opts.ContextTimeoutEnabled = true
	opts.MaxRetries = -1
	// Of use only to Redis Enterprise, and noisy with a copied client.
	opts.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	opts.PoolSize = max(connections, 1)
	opts.MinIdleConns, opts.MaxIdleConns, opts.MaxActiveConns = 0, 0, 0
	own := redis.NewClient(&opts)
	return own, own.Close
}

var waitings = sync.Pool{New: func() any { return &waiting{done: make(chan error, 1)} }}

// NewBuffer makes a buffer and starts its lanes; Close ends them.
func NewBuffer(rdb redis.UniversalClient, pool *pgxpool.Pool, log *slog.Logger, cfg BufferConfig) *Buffer {
	if cfg.Stream == "" {
		cfg.Stream = DefaultStream
	}
	setDefault(&cfg.Lanes, 1)
	setDefault(&cfg.QueueTimeout, 700*time.Millisecond)
	setDefault(&cfg.RedisTimeout, 600*time.Millisecond)
	setDefault(&cfg.SpoolTimeout, 700*time.Millisecond)
	setDefault(&cfg.RestAfterFailure, time.Second)
	rdb, closeRedis := bounded(rdb, cfg.Lanes)
	b := &Buffer{redis: rdb, close: closeRedis, pool: pool, log: log, cfg: cfg, queue: make(chan *waiting, maxQueue), stop: make(chan struct{})}
	b.durable.Store(cfg.Durable)
	for range cfg.Lanes {
		b.lanes.Go(b.lane)
	}
	return b
}

// Close ends the lanes after what waits is stored. Store must not be called afterwards.
func (b *Buffer) Close() {
	b.once.Do(func() {
		close(b.stop)
		b.lanes.Wait()
		_ = b.close()
	})
}

// TrustRedis says that the Redis turned out to sync to disk before it answers.
func (b *Buffer) TrustRedis() { b.durable.Store(true) }

// Spooled is how many entries went to PostgreSQL since the start.
func (b *Buffer) Spooled() int64 { return b.spooled.Load() }

// Store returns nil when the entry is stored durably, else ErrUnavailable. It
// does not hang: it answers within about two seconds whatever is down. The
// entry and its body may be used again when it returns.
func (b *Buffer) Store(e *Entry) error {
	w := waitings.Get().(*waiting)
	w.entry, w.since = e, time.Now()
	select {
	case b.queue <- w:
	default:
		waitings.Put(w)
		return ErrUnavailable
	}
	err := <-w.done
	w.entry = nil
	waitings.Put(w)
	return err
}

// lane stores one group after the other.
func (b *Buffer) lane() {
	var g grouped
	for {
		select {
		case w := <-b.queue:
			g.reset()
			g.add(w, b.cfg.QueueTimeout)
			for g.open() {
				select {
				case w := <-b.queue:
					g.add(w, b.cfg.QueueTimeout)
					continue
				default:
				}
				break
			}
			b.store(&g)
		case <-b.stop:
			for {
				select {
				case w := <-b.queue:
					g.reset()
					g.add(w, b.cfg.QueueTimeout)
					b.store(&g)
				default:
					return
				}
			}
		}
	}
}

// grouped is what one lane stores at a time.
type grouped struct {
	all []*waiting
	// arena holds the records one behind the other.
	arena []byte
	// records are their places in arena, owners the entries that each holds.
	records []recordOf
	// beats are the heartbeats, which share records.
	beats []*waiting
}

type recordOf struct {
	from, to int
	owners   []*waiting
}

func (g *grouped) reset() {
	if cap(g.arena) > 2*maxGroupBytes {
		g.arena = nil
	}
	g.all, g.arena, g.records, g.beats = g.all[:0], g.arena[:0], g.records[:0], g.beats[:0]
}

func (g *grouped) open() bool { return len(g.all) < maxGroup && len(g.arena) < maxGroupBytes }

// add takes an entry into the group, unless it waited too long: its sender
// would not get its answer in time.
func (g *grouped) add(w *waiting, patience time.Duration) {
	if time.Since(w.since) > patience {
		w.done <- ErrUnavailable
		return
	}
	g.all = append(g.all, w)
	if w.entry.Kind == KindHeartbeat {
		g.beats = append(g.beats, w)
		return
	}
	from := len(g.arena)
	g.arena = appendEntry(append(g.arena, formatVersion), w.entry)
	g.records = append(g.records, recordOf{from, len(g.arena), g.all[len(g.all)-1:]})
}

// finish puts the heartbeats into records.
func (g *grouped) finish() {
	for beats := g.beats; len(beats) > 0; {
		n := min(len(beats), heartbeatsPerEntry)
		from := len(g.arena)
		g.arena = append(g.arena, formatVersion)
		for _, w := range beats[:n] {
			g.arena = appendEntry(g.arena, w.entry)
		}
		g.records = append(g.records, recordOf{from, len(g.arena), beats[:n]})
		beats = beats[n:]
	}
}

func (b *Buffer) store(g *grouped) {
	if len(g.all) == 0 {
		return
	}
	g.finish()
	left := g.records
	if b.durable.Load() && time.Now().UnixNano() >= b.restUntil.Load() {
		left = b.toRedis(g)
	}
	if len(left) == 0 {
		return
	}
	err := b.toSpool(g, left)
	if err != nil {
		b.log.Error("reports can be stored neither in Redis nor in PostgreSQL", "error", err)
		err = ErrUnavailable
	}
	for _, r := range left {
		for _, w := range r.owners {
			w.done <- err
		}
	}
}

// toRedis adds the records to the stream and answers those that it took. It
// returns the others.
func (b *Buffer) toRedis(g *grouped) []recordOf {
	ctx, cancel := context.WithTimeout(context.Background(), b.cfg.RedisTimeout)
	defer cancel()
	pipe := b.redis.Pipeline()
	if len(g.records) > 1 {
		// Redis reads some 16 KB of a connection at a time and syncs what it
		// executed before it reads on. In a transaction the whole group is
		// executed, and synced, at once.
		pipe = b.redis.TxPipeline()
	}
	cmds := make([]*redis.Cmd, len(g.records))
	for i, r := range g.records {
		cmds[i] = pipe.Do(ctx, "xadd", b.cfg.Stream, "*", field, g.arena[r.from:r.to])
	}
	_, err := pipe.Exec(ctx)
	if err == nil {
		for _, r := range g.records {
			for _, w := range r.owners {
				w.done <- nil
			}
		}
		return nil
	}
	var left []recordOf
	for i, r := range g.records {
		if cmds[i].Err() != nil {
			left = append(left, r)
			continue
		}
		for _, w := range r.owners {
			w.done <- nil
		}
	}
	b.restUntil.Store(time.Now().Add(b.cfg.RestAfterFailure).UnixNano())
	b.log.Warn("Redis does not take reports, they go to the spool", "entries", len(left), "error", err)
	return left
}

// toSpool stores the records in PostgreSQL. An entry that Redis took without
// being able to say so is stored twice and applied once.
func (b *Buffer) toSpool(g *grouped, records []recordOf) error {
	ctx, cancel := context.WithTimeout(context.Background(), b.cfg.SpoolTimeout)
	defer cancel()
	entries := make([][]byte, len(records))
	count := 0
	for i, r := range records {
		entries[i] = g.arena[r.from:r.to]
		count += len(r.owners)
	}
	if err := db.New(b.pool).InsertSpool(ctx, entries); err != nil {
		return fmt.Errorf("spool %d reports: %w", count, err)
	}
	b.spooled.Add(int64(count))
	return nil
}
