package orgs

import (
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

// Service is the use cases of people and organisations.
type Service struct {
	store    *store
	hasher   *hasher
	throttle *throttle
	guard    *guard
	now      func() time.Time
	log      *slog.Logger
}

// New makes the service. Throttling counts in Redis, and in this process while
// Redis does not answer; redis may be nil for a process of its own.
func New(pool *pgxpool.Pool, client redis.UniversalClient, now func() time.Time, log *slog.Logger) (*Service, error) {
	h, err := newHasher()
	if err != nil {
		return nil, err
	}
	st := &store{pool: pool}
	return &Service{
		store:    st,
		hasher:   h,
		throttle: newThrottle(client, log),
		guard:    &guard{store: st, now: now, log: log, watches: map[*watch]struct{}{}},
		now:      now,
		log:      log,
	}, nil
}
