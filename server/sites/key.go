package sites

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"drumbeat/server/orgs"
	"drumbeat/server/platform/cursor"
	"drumbeat/server/platform/fault"
	"drumbeat/server/sitekey"
)

// maxLiveKeys bounds the keys of a site: two to rotate, and some to spare.
const maxLiveKeys = 20

// Key is a site's key without its secret.
type Key struct {
	ID         uuid.UUID
	Hint       string
	CreatedAt  time.Time
	LastUsedAt *time.Time
	RevokedAt  *time.Time

	id int64
}

// Keys lists the keys of the actor's site, newest first.
func (s *Service) Keys(ctx context.Context, a orgs.Actor, size int, pageToken string) ([]Key, string, error) {
	bind := cursor.Bind("site keys", a.SiteID)
	before := int64(math.MaxInt64)
	if pageToken != "" {
		if err := cursor.Decode(bind, pageToken, &before); err != nil {
			return nil, "", err
		}
	}
	keys, err := s.store.keys(ctx, a.SiteID, before, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("list the keys of a site: %w", err)
	}
	if len(keys) <= size {
		return keys, "", nil
	}
	next, err := cursor.Encode(bind, keys[size-1].id)
	return keys[:size], next, err
}

// CreateKey makes another key for the actor's site. The secret is in the
// answer only.
func (s *Service) CreateKey(ctx context.Context, a orgs.Actor) (Key, sitekey.Key, error) {
	if err := ownerOnly(a, "make keys for it"); err != nil {
		return Key{}, sitekey.Key{}, err
	}
	secret, err := sitekey.New()
	if err != nil {
		return Key{}, sitekey.Key{}, fmt.Errorf("make a site key: %w", err)
	}
	var key Key
	err = s.store.inTx(ctx, func(st *store) error {
		n, err := st.liveKeys(ctx, a.SiteID)
		if err != nil {
			return fmt.Errorf("count the keys of a site: %w", err)
		}
		if n >= maxLiveKeys {
			return fault.New(fault.Precondition, "the site has %d keys already; revoke one first", n)
		}
		key, err = st.addKey(ctx, a, secret, s.now())
		return err
	})
	if err != nil {
		return Key{}, sitekey.Key{}, err
	}
	return key, secret, nil
}

// RevokeKey ends a key of the actor's site, in every process within a second.
// Revoking it again changes nothing.
func (s *Service) RevokeKey(ctx context.Context, a orgs.Actor, id uuid.UUID) error {
	if err := ownerOnly(a, "revoke its keys"); err != nil {
		return err
	}
	return s.store.inTx(ctx, func(st *store) error {
		found, err := st.revokeKey(ctx, a.SiteID, id, s.now())
		if err != nil {
			return fmt.Errorf("revoke a site key: %w", err)
		}
		if !found {
			return fault.New(fault.NotFound, "the site has no such key")
		}
		return nil
	})
}
