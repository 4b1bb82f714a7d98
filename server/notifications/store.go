package notifications

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
)

// store is the only caller of this feature's queries.
type store struct {
	pool *pgxpool.Pool
}

func (st *store) preferences(ctx context.Context, userID int64) ([]byte, error) {
	return db.New(st.pool).GetNotificationPreferences(ctx, userID)
}

func (st *store) setPreferences(ctx context.Context, userID int64, column []byte, now time.Time) error {
	return db.New(st.pool).SetNotificationPreferences(ctx, db.SetNotificationPreferencesParams{ID: userID, Preferences: column, Now: now})
}
