package notifications

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/server/orgs"
)

// Frequency is how often one is told.
type Frequency string

// The frequencies, as stored.
const (
	Off         Frequency = "off"
	Immediately Frequency = "immediately"
	Daily       Frequency = "daily"
	Weekly      Frequency = "weekly"
)

// Preferences are one user's wishes, as the column
// users.notification_preferences holds them.
type Preferences struct {
	Security Frequency `json:"security,omitempty"`
	Other    Frequency `json:"other,omitempty"`
	// Emails are where to; none means the address one signs in with.
	Emails []string `json:"emails,omitempty"`
	// Disabled is nothing at all.
	Disabled bool `json:"disabled,omitempty"`
}

// Service is the use cases of notifications.
type Service struct {
	store *store
	now   func() time.Time
}

// New makes the service.
func New(pool *pgxpool.Pool, now func() time.Time) *Service {
	return &Service{store: &store{pool: pool}, now: now}
}

// Preferences reads the caller's preferences. Who never chose is told of
// security updates immediately and of others once a week.
func (s *Service) Preferences(ctx context.Context, c orgs.Caller) (Preferences, error) {
	column, err := s.store.preferences(ctx, c.UserID)
	if err != nil {
		return Preferences{}, fmt.Errorf("read notification preferences: %w", err)
	}
	var p Preferences
	if err := json.Unmarshal(column, &p); err != nil {
		return Preferences{}, fmt.Errorf("decode notification preferences: %w", err)
	}
	if p.Security == "" {
		p.Security = Immediately
	}
	if p.Other == "" {
		p.Other = Weekly
	}
	return p, nil
}

// SetPreferences replaces the caller's preferences.
func (s *Service) SetPreferences(ctx context.Context, c orgs.Caller, p Preferences) error {
	column, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode notification preferences: %w", err)
	}
	if err := s.store.setPreferences(ctx, c.UserID, column, s.now()); err != nil {
		return fmt.Errorf("store notification preferences: %w", err)
	}
	return nil
}
