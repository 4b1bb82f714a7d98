package reports

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/server/orgs"
	"drumbeat/server/platform/cursor"
)

// Service is the use cases of history.
type Service struct {
	store *store
}

// New makes the service.
func New(pool *pgxpool.Pool) *Service { return &Service{store: &store{pool: pool}} }

// PatchRun is one round of changes on a site.
type PatchRun struct {
	Date    time.Time
	Trigger string // what made the site report
	Items   []PatchRunItem

	id int64
}

// PatchRunItem is what happened to one project.
type PatchRunItem struct {
	ModuleName string
	Title      string
	Kind       string // updated, added or removed
	// From and To are nil where there was no version, or none was known.
	From, To *string
	// SecurityFix: the version before was insecure, and the one after is not.
	SecurityFix bool
}

type patchRunKey struct {
	Micros int64
	ID     int64
}

// PatchRuns lists the patch runs of the actor's site, newest first; security
// fixes come first within a run.
func (s *Service) PatchRuns(ctx context.Context, a orgs.Actor, size int, pageToken string) ([]PatchRun, string, error) {
	bind := cursor.Bind("patch runs", a.SiteID)
	var before *patchRunKey
	if pageToken != "" {
		before = &patchRunKey{}
		if err := cursor.Decode(bind, pageToken, before); err != nil {
			return nil, "", err
		}
	}
	runs, err := s.store.patchRuns(ctx, a.SiteID, before, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("list patch runs: %w", err)
	}
	next := ""
	if len(runs) > size {
		runs = runs[:size]
		last := runs[size-1]
		if next, err = cursor.Encode(bind, patchRunKey{last.Date.UnixMicro(), last.id}); err != nil {
			return nil, "", err
		}
	}
	if err := s.store.addItems(ctx, runs); err != nil {
		return nil, "", fmt.Errorf("list the items of patch runs: %w", err)
	}
	return runs, next, nil
}
