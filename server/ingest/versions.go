package ingest

import (
	"context"

	"github.com/jackc/pgx/v5"

	"drumbeat/server/releases"
)

// Versions finds the rows of installed versions; the releases catalogue does.
type Versions interface {
	// Resolve gives the row of each installed version in the same order, making
	// and judging those never seen before in transactions of its own.
	Resolve(ctx context.Context, installed []releases.Installed) ([]releases.Ref, error)
	// LockShared keeps new verdicts apart from tx until it ends.
	LockShared(ctx context.Context, tx pgx.Tx) error
}
