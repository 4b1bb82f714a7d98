package orgs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"drumbeat/server/platform/fault"
)

// Tries of one account: five at once, then one in 3 minutes; who goes on waits
// 12 minutes, then 48, and never longer. So guessing is hopeless, and nobody
// can lock the owner out for good.
var accountLimits = []redis_rate.Limit{
	{Rate: 5, Burst: 5, Period: 15 * time.Minute},
	{Rate: 15, Burst: 15, Period: 3 * time.Hour},
	{Rate: 30, Burst: 30, Period: 24 * time.Hour},
}

// Tries from one address: an office behind one address may hold many people.
var addressLimits = []redis_rate.Limit{
	{Rate: 20, Burst: 20, Period: 15 * time.Minute},
	{Rate: 60, Burst: 60, Period: 3 * time.Hour},
}

// redisPatience is how long a sign-in waits for Redis before it counts locally.
const redisPatience = 500 * time.Millisecond

// throttle counts tries to sign in, before anything expensive happens.
type throttle struct {
	redis *redis_rate.Limiter
	local *expirable.LRU[string, *rate.Limiter]
	log   *slog.Logger
}

func newThrottle(client redis.UniversalClient, log *slog.Logger) *throttle {
	t := &throttle{local: expirable.NewLRU[string, *rate.Limiter](20_000, nil, 24*time.Hour), log: log}
	if client != nil {
		t.redis = redis_rate.NewLimiter(client)
	}
	return t
}

// allow counts a try, or says when to come back (kind fault.Limited).
func (t *throttle) allow(ctx context.Context, email, address string) error {
	c := t.counting(ctx)
	defer c.end()
	if err := c.count(ctx, addressKey(address), addressLimits); err != nil {
		return err
	}
	return c.count(ctx, accountKey(email), accountLimits)
}

// forget clears the tries of an account after the right password.
func (t *throttle) forget(ctx context.Context, email string) {
	key := accountKey(email)
	c := t.counting(ctx)
	defer c.end()
	for i := range accountLimits {
		t.local.Remove(tierKey(key, i))
		if c.redis == nil {
			continue
		}
		if err := c.redis.Reset(c.ctx, tierKey(key, i)); err != nil {
			c.redis = nil
			t.log.WarnContext(ctx, "tries to sign in could not be forgotten", "error", err)
		}
	}
}

// counting is one try: Redis gets one span of patience for all its counters.
type counting struct {
	*throttle
	redis *redis_rate.Limiter // nil when it is not to be asked (any more)
	ctx   context.Context
	end   context.CancelFunc
}

func (t *throttle) counting(ctx context.Context) *counting {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	return &counting{throttle: t, redis: t.redis, ctx: ctx, end: cancel}
}

func (c *counting) count(ctx context.Context, key string, limits []redis_rate.Limit) error {
	var wait time.Duration
	for i, l := range limits {
		wait = max(wait, c.one(ctx, tierKey(key, i), l))
	}
	if wait > 0 {
		return &fault.Error{Kind: fault.Limited, Message: "too many tries to sign in; wait before you try again", RetryAfter: wait}
	}
	return nil
}

// one counts in one tier and gives how long to wait, 0 when the try is fine.
func (c *counting) one(ctx context.Context, key string, l redis_rate.Limit) (wait time.Duration) {
	if c.redis != nil {
		res, err := c.redis.Allow(c.ctx, key, l)
		if err == nil {
			if res.Allowed > 0 {
				return 0
			}
			return res.RetryAfter
		}
		c.redis = nil
		c.log.WarnContext(ctx, "Redis does not count tries to sign in; counting in this process", "error", err)
	}
	// Each process counts on its own here, so each allows less.
	lim, ok := c.local.Get(key)
	if !ok {
		lim = rate.NewLimiter(rate.Every(l.Period/time.Duration(l.Rate)), max(1, l.Burst/2))
		c.local.Add(key, lim)
	}
	r := lim.Reserve()
	if d := r.Delay(); d > 0 {
		r.Cancel()
		return d
	}
	return 0
}

func tierKey(key string, tier int) string { return fmt.Sprintf("%s:%d", key, tier) }

// accountKey holds no address: Redis is no place for personal data.
func accountKey(email string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(email))))
	return "signin:account:" + hex.EncodeToString(sum[:16])
}

// addressKey takes an IPv6 caller by its /64: whoever has one has all of it.
func addressKey(address string) string {
	if a, err := netip.ParseAddr(address); err == nil {
		a = a.Unmap().WithZone("")
		if a.Is6() {
			if p, err := a.Prefix(64); err == nil {
				return "signin:address:" + p.String()
			}
		}
		return "signin:address:" + a.String()
	}
	return "signin:address:unknown"
}
