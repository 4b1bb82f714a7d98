package sites

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"drumbeat/gen/db"
)

// Recount brings the counters of the given sites up to what is on them now and
// to the verdicts on it, and returns the ids of the sites whose counters
// changed. It counts from scratch, so running it once too often does no harm.
//
// Callers hold the lock on the site_states rows (taken in the order of their
// ids), so that two counts of one site cannot overtake each other.
func Recount(ctx context.Context, tx pgx.Tx, siteIDs []int64) ([]int64, error) {
	changed, err := db.New(tx).RecountSites(ctx, siteIDs)
	if err != nil {
		return nil, fmt.Errorf("recount %d sites: %w", len(siteIDs), err)
	}
	return changed, nil
}

// NotifyChanged tells the open pages of every organisation that has one of the
// sites that something on it changed. It takes effect when tx commits.
func NotifyChanged(ctx context.Context, tx pgx.Tx, siteIDs []int64) error {
	if len(siteIDs) == 0 {
		return nil
	}
	if err := db.New(tx).NotifySiteChanges(ctx, siteIDs); err != nil {
		return fmt.Errorf("notify of %d changed sites: %w", len(siteIDs), err)
	}
	return nil
}
