package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
)

type store struct{ q *db.Queries }

func newStore(pool *pgxpool.Pool) store { return store{q: db.New(pool)} }

// owner finds the demo's administrator and organisation.
func (s store) owner(ctx context.Context, email string) (userID int64, organization uuid.UUID, err error) {
	row, err := s.q.FindDemoOwner(ctx, email)
	if err != nil {
		return 0, uuid.Nil, fmt.Errorf("find the demo's administrator: %w", err)
	}
	return row.UserID, row.OrganizationUuid, nil
}

// sites gives the ids of the organisation's sites by their URLs.
func (s store) sites(ctx context.Context, organization uuid.UUID) (map[string]int64, error) {
	rows, err := s.q.ListDemoSites(ctx, organization)
	if err != nil {
		return nil, fmt.Errorf("list the demo's sites: %w", err)
	}
	sites := make(map[string]int64, len(rows))
	for _, row := range rows {
		sites[row.Url] = row.ID
	}
	return sites, nil
}

// spool hands encoded reports to the appliers, in order.
func (s store) spool(ctx context.Context, records [][]byte) error {
	if _, err := s.q.SpoolDemoReports(ctx, records); err != nil {
		return fmt.Errorf("spool %d reports: %w", len(records), err)
	}
	return nil
}

// waiting counts the reports that are not applied yet.
func (s store) waiting(ctx context.Context) (int64, error) {
	count, err := s.q.CountSpooled(ctx)
	if err != nil {
		return 0, fmt.Errorf("count the reports that wait: %w", err)
	}
	return count, nil
}

// ensurePartitions makes room in the audit log for the months that the demo's
// history spans.
func (s store) ensurePartitions(ctx context.Context, from, to time.Time) error {
	months := 2 + int(to.Sub(from)/(28*day))
	if _, err := s.q.EnsureDemoPartitions(ctx, db.EnsureDemoPartitionsParams{First: from, Months: int32(months)}); err != nil {
		return fmt.Errorf("make partitions for the demo's history: %w", err)
	}
	return nil
}
