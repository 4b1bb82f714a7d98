package ingest

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// Rate is how many reports one key may send: Burst at once, and Count more in
// each Per.
type Rate struct {
	Burst, Count int
	Per          time.Duration
}

// DefaultRate lets a key send ten reports at once and one more each minute.
var DefaultRate = Rate{Burst: 10, Count: 1, Per: time.Minute}

// localShare is the part of the rate that a process grants by itself, without
// asking Redis. What it grants is not counted there, so a key can get at most
// 1/localShare of the rate on top for each process that it reaches.
const localShare = 4

// Limiter bounds the reports of each key over all processes.
type Limiter struct {
	close func() error
	redis *redis_rate.Limiter
	log   *slog.Logger
	rate  Rate
	limit redis_rate.Limit
	// restUntil is when Redis may be asked again after it failed, in Unix nanoseconds.
	restUntil atomic.Int64
}

// NewLimiter makes a limiter that keeps its counts in rdb.
func NewLimiter(rdb redis.UniversalClient, log *slog.Logger, rate Rate) *Limiter {
	if rate.Burst <= 0 || rate.Count <= 0 || rate.Per <= 0 {
		rate = DefaultRate
	}
	rdb, closeRedis := bounded(rdb, 8)
	return &Limiter{
		close: closeRedis,
		redis: redis_rate.NewLimiter(rdb), log: log, rate: rate,
		limit: redis_rate.Limit{Rate: rate.Count, Burst: rate.Burst, Period: rate.Per},
	}
}

// Close frees the limiter's connections to Redis.
func (l *Limiter) Close() error { return l.close() }

// Allow takes one report of the site's key off its allowance. When there is
// none left it gives the time until there is: at least a second, with a jitter
// of a fifth so that those refused together do not come back together.
func (l *Limiter) Allow(ctx context.Context, site *Site) (ok bool, retryAfter time.Duration) {
	interval := l.rate.Per / time.Duration(l.rate.Count)
	now := time.Now()
	// A share that rounds to nothing is one report.
	if site.bucket.take(now, interval*localShare, max(1, l.rate.Burst/localShare)) {
		return true, 0
	}
	if now.UnixNano() >= l.restUntil.Load() {
		ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		res, err := l.redis.Allow(ctx, "report:"+site.key, l.limit)
		if err == nil {
			if res.Allowed > 0 {
				return true, 0
			}
			return false, jitter(max(res.RetryAfter, time.Second))
		}
		l.restUntil.Store(now.Add(time.Second).UnixNano())
		l.log.Warn("the rate limit is kept per process, Redis does not answer", "error", err)
	}
	// Without Redis each process keeps the whole rate by itself.
	if site.bucket.takeWhole(now, interval, l.rate.Burst) {
		return true, 0
	}
	return false, jitter(max(interval, time.Second))
}

// jitter changes d by up to a fifth, in whole seconds and never below one. It
// only lengthens: who comes back at that time is let in.
func jitter(d time.Duration) time.Duration {
	d += time.Duration(rand.Int64N(int64(d)*2/5 + 1))
	return max(d.Truncate(time.Second)+time.Second, time.Second)
}

// bucket holds two allowances of one key in one process, as the times at which
// they are full again.
type bucket struct {
	mu          sync.Mutex
	full, whole time.Time
}

func (b *bucket) take(now time.Time, interval time.Duration, burst int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return takeFrom(&b.full, now, interval, burst)
}

func (b *bucket) takeWhole(now time.Time, interval time.Duration, burst int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return takeFrom(&b.whole, now, interval, burst)
}

func (b *bucket) copy(from *bucket) {
	from.mu.Lock()
	full, whole := from.full, from.whole
	from.mu.Unlock()
	b.mu.Lock()
	b.full, b.whole = full, whole
	b.mu.Unlock()
}

func takeFrom(full *time.Time, now time.Time, interval time.Duration, burst int) bool {
	next := *full
	if next.Before(now) {
		next = now
	}
	next = next.Add(interval)
	if next.Sub(now) > interval*time.Duration(burst) {
		return false
	}
	*full = next
	return true
}
