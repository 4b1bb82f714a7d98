package ingest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/singleflight"

	"drumbeat/gen/db"
	"drumbeat/server/inventory"
	"drumbeat/server/sitekey"
)

// ErrUnknownKey says that a key opens no site: it never did, or is revoked, or
// its site is deleted.
var ErrUnknownKey = errors.New("this site key is not known, or no longer valid")

// KeyChannel is the PostgreSQL notification channel on which revoked keys and
// deleted sites are told: the hash of the key in hex, or `site:` and the id of
// the site.
const KeyChannel = "site_keys"

const (
	// keyTTL is the net under the notifications.
	keyTTL = 60 * time.Second
	// keyGrace is how long a key that was once found opens its site while the
	// database cannot be asked: Redis takes the reports meanwhile. Nobody can
	// revoke a key in a database that is down; a process that is merely cut off
	// from it may let a revoked key through for that long.
	keyGrace = 2 * time.Hour
	// askAgain is how long nobody asks a database that just failed to answer
	// about a key that was once found.
	askAgain = time.Second
	// unknownTTL is how long a wrong key is remembered as such. A key that was
	// just made may have been tried before.
	unknownTTL = 5 * time.Second
	keyCache   = 65536
	// touchInterval is how often the use of keys is written down.
	touchInterval = time.Minute
)

// Site is the site that a key opens, as one process knows it.
type Site struct {
	ID             int64
	UUID           inventory.UUID
	OrganizationID int64
	Name, URL      string

	keyID  int64
	key    string // the key's hash, for limits per key
	expiry int64  // Unix nanoseconds
	found  int64  // when the database said so, Unix nanoseconds
	used   atomic.Bool
	// inventory is the sender's hash of the last full report that was accepted.
	inventory atomic.Pointer[string]
	bucket    bucket
}

// Keys finds the site of a key, from memory where it can.
type Keys struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	now  func() time.Time

	cache *lru.Cache[[32]byte, *Site]
	// unknown has its own bound, so that wrong keys never push out right ones.
	unknown *lru.Cache[[32]byte, int64]
	loading singleflight.Group
	// looking bounds the look-ups at a time: made-up keys, each of which costs
	// one, must not take the connections that reports need.
	looking chan struct{}
	// generation changes with every invalidation, so that a look-up that was
	// under way meanwhile is not remembered.
	generation atomic.Int64
	// trusted is from when on what the database said holds without asking again:
	// revocations before it may have gone unheard. Unix nanoseconds, as is
	// restUntil, before which a database that failed is not asked.
	trusted, restUntil atomic.Int64

	mu   sync.Mutex
	used map[int64]time.Time
}

// NewKeys makes the cache. Run keeps it true.
func NewKeys(pool *pgxpool.Pool, log *slog.Logger) *Keys {
	cache, err := lru.New[[32]byte, *Site](keyCache)
	if err != nil {
		panic(err) // only for a size below 1
	}
	unknown, err := lru.New[[32]byte, int64](keyCache / 16)
	if err != nil {
		panic(err)
	}
	return &Keys{pool: pool, log: log, now: time.Now, cache: cache, unknown: unknown, looking: make(chan struct{}, 4), used: map[int64]time.Time{}}
}

// Find gives the site of a key, or ErrUnknownKey. Any other error means that
// it could not be found out.
func (k *Keys) Find(ctx context.Context, key sitekey.Key) (*Site, error) {
	hash := key.Sum()
	now := k.now()
	before, cached := k.cache.Get(hash)
	if cached && now.UnixNano() < before.expiry && before.found >= k.trusted.Load() {
		if !before.used.Load() {
			k.use(before, now)
		}
		return before, nil
	}
	graced := cached && now.UnixNano() < before.found+int64(keyGrace)
	if graced && now.UnixNano() < k.restUntil.Load() {
		return before, nil
	}
	if until, ok := k.unknown.Get(hash); ok && now.UnixNano() < until {
		return nil, ErrUnknownKey
	}
	value, err, _ := k.loading.Do(string(hash[:]), func() (any, error) {
		// Others may wait for this look-up: it does not end with one caller.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 1500*time.Millisecond)
		defer cancel()
		select {
		case k.looking <- struct{}{}:
			defer func() { <-k.looking }()
		case <-ctx.Done():
			return nil, fmt.Errorf("wait to look up a site key: %w", ctx.Err())
		}
		return k.load(ctx, hash)
	})
	if graced && err != nil && !errors.Is(err, ErrUnknownKey) {
		k.restUntil.Store(k.now().Add(askAgain).UnixNano())
		return before, nil
	}
	if err != nil {
		return nil, err
	}
	site := value.(*Site)
	k.use(site, now)
	return site, nil
}

func (k *Keys) load(ctx context.Context, hash [32]byte) (*Site, error) {
	generation, asked := k.generation.Load(), k.now()
	row, err := db.New(k.pool).FindSiteKey(ctx, hash[:])
	if errors.Is(err, pgx.ErrNoRows) {
		k.cache.Remove(hash)
		k.unknown.Add(hash, k.now().Add(unknownTTL).UnixNano())
		return nil, ErrUnknownKey
	}
	if err != nil {
		return nil, fmt.Errorf("look up a site key: %w", err)
	}
	site := &Site{
		ID: row.SiteID, UUID: inventory.UUID(row.SiteUuid), OrganizationID: row.OrganizationID, Name: row.Name, URL: row.Url,
		keyID: row.KeyID, key: hex.EncodeToString(hash[:16]),
		expiry: k.now().Add(keyTTL).UnixNano(), found: asked.UnixNano(),
	}
	known := row.InventoryHash
	if old, ok := k.cache.Peek(hash); ok {
		site.bucket.copy(&old.bucket)
	}
	site.inventory.Store(&known)
	if k.generation.Load() == generation {
		k.cache.Add(hash, site)
	}
	return site, nil
}

func (k *Keys) use(site *Site, now time.Time) {
	if site.used.Swap(true) {
		return
	}
	k.mu.Lock()
	k.used[site.keyID] = now
	k.mu.Unlock()
}

// inventoryOf asks the database for the hash of the site's inventory.
func (k *Keys) inventoryOf(ctx context.Context, site *Site) (string, error) {
	hash, err := db.New(k.pool).SiteInventoryHash(ctx, site.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look up the inventory of a site: %w", err)
	}
	return hash, nil
}

// Invalidate forgets what payload names, as told on KeyChannel.
func (k *Keys) Invalidate(payload string) {
	k.generation.Add(1)
	if text, ok := strings.CutPrefix(payload, "site:"); ok {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			k.Reset()
			return
		}
		for _, hash := range k.cache.Keys() {
			if site, ok := k.cache.Peek(hash); ok && site.ID == id {
				k.cache.Remove(hash)
			}
		}
		return
	}
	var hash [32]byte
	if n, err := hex.Decode(hash[:], []byte(payload)); err != nil || n != len(hash) {
		k.Reset()
		return
	}
	k.cache.Remove(hash)
	k.unknown.Remove(hash)
}

// Reset forgets everything.
func (k *Keys) Reset() {
	k.generation.Add(1)
	k.cache.Purge()
	k.unknown.Purge()
}

// Doubt has every key looked up again before it opens its site, as far as the
// database can be asked.
func (k *Keys) Doubt() {
	k.generation.Add(1)
	k.trusted.Store(k.now().UnixNano())
	k.unknown.Purge()
}

// Run listens for revoked keys and writes down the use of keys, until ctx ends.
func (k *Keys) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	parts.Go(func() {
		for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
			started := time.Now()
			err := k.listen(ctx)
			if ctx.Err() != nil {
				return
			}
			// What was revoked meanwhile went unheard.
			k.Doubt()
			k.log.Warn("revoked site keys are not heard of, trying again", "error", err)
			if time.Since(started) > time.Minute {
				wait = 100 * time.Millisecond
			}
			sleep(ctx, wait)
		}
	})
	parts.Go(func() {
		for sleep(ctx, touchInterval) {
			k.touch(ctx)
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		k.touch(last)
	})
	parts.Wait()
	return nil
}

func (k *Keys) listen(ctx context.Context) error {
	conn, err := k.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	// A connection that listened must not go back into the pool.
	own := conn.Hijack()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = own.Close(ctx)
	}()
	if _, err := own.Exec(ctx, "LISTEN "+KeyChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	// What was revoked before the ear was open.
	k.Doubt()
	for {
		n, err := own.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for notifications: %w", err)
		}
		k.Invalidate(n.Payload)
	}
}

// touch writes down when the keys were last used.
func (k *Keys) touch(ctx context.Context) {
	k.mu.Lock()
	used := k.used
	k.used = make(map[int64]time.Time, len(used))
	k.mu.Unlock()
	if len(used) == 0 {
		return
	}
	var arg db.TouchSiteKeysParams
	for id, at := range used {
		arg.Ids = append(arg.Ids, id)
		arg.UsedAt = append(arg.UsedAt, at)
	}
	if err := db.New(k.pool).TouchSiteKeys(ctx, arg); err != nil {
		k.log.Warn("the use of site keys could not be written down", "keys", len(used), "error", err)
	}
}
