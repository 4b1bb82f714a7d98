package releases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
	"drumbeat/server/sites"
)

// spreadChunk is how many sites are recounted in one transaction. Reports of
// these sites wait while it runs.
const spreadChunk = 1000

// maxJoined is how many spreads at most are done together with another.
const maxJoined = 200

// spreader brings changed verdicts to the counters of the sites.
type spreader struct {
	pool  *pgxpool.Pool
	now   func() time.Time
	chunk int
}

// errNothingToSpread says that every spread is finished or in the hands of
// another process.
var errNothingToSpread = errors.New("nothing to spread")

// run spreads until there is nothing left that no other process works on, and
// says how many sites it visited.
func (s *spreader) run(ctx context.Context) (visited int, err error) {
	for {
		n, err := s.step(ctx)
		visited += n
		switch {
		case errors.Is(err, errNothingToSpread):
			return visited, nil
		case err != nil:
			return visited, err
		}
	}
}

// step recounts the next chunk of sites of the oldest open spread.
func (s *spreader) step(ctx context.Context) (visited int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := db.New(tx)
		spread, err := q.ClaimSpread(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNothingToSpread
		}
		if err != nil {
			return fmt.Errorf("claim a spread: %w", err)
		}
		if spread.DoneSiteID == 0 {
			if spread.VersionIds, err = s.join(ctx, q, spread); err != nil {
				return err
			}
		}
		ids, err := q.SitesRunning(ctx, db.SitesRunningParams{
			VersionIds: spread.VersionIds, AfterSiteID: spread.DoneSiteID, Most: int32(s.chunk),
		})
		if err != nil {
			return fmt.Errorf("find the sites of spread %d: %w", spread.ID, err)
		}
		visited = len(ids)
		if visited > 0 {
			if err := s.recount(ctx, tx, ids); err != nil {
				return err
			}
			err := q.AdvanceSpread(ctx, db.AdvanceSpreadParams{
				ID: spread.ID, DoneSiteID: ids[len(ids)-1], Sites: int64(visited),
			})
			if err != nil {
				return fmt.Errorf("advance spread %d: %w", spread.ID, err)
			}
		}
		// A chunk that is not full is the last one: sites that took up one of
		// the versions since are counted by the new verdicts anyway.
		if visited < s.chunk {
			if err := q.FinishSpread(ctx, db.FinishSpreadParams{ID: spread.ID, Now: s.now()}); err != nil {
				return fmt.Errorf("finish spread %d: %w", spread.ID, err)
			}
		}
		return nil
	})
	if errors.Is(err, errNothingToSpread) {
		return 0, errNothingToSpread
	}
	if err != nil {
		return 0, fmt.Errorf("spread verdicts: %w", err)
	}
	return visited, nil
}

// join takes the spreads that have not begun into one that begins, so that a
// site is counted once for all of them, and gives their versions. Feeds that
// are fetched for the first time make many.
func (s *spreader) join(ctx context.Context, q *db.Queries, spread db.ClaimSpreadRow) ([]int64, error) {
	others, err := q.ClaimUnbegunSpreads(ctx, db.ClaimUnbegunSpreadsParams{ID: spread.ID, Most: maxJoined})
	if err != nil {
		return nil, fmt.Errorf("claim further spreads: %w", err)
	}
	if len(others) == 0 {
		return spread.VersionIds, nil
	}
	versions := slices.Clone(spread.VersionIds)
	ids := make([]int64, len(others))
	for i, other := range others {
		ids[i] = other.ID
		versions = append(versions, other.VersionIds...)
	}
	versions = distinct(versions)
	err = q.JoinSpreads(ctx, db.JoinSpreadsParams{ID: spread.ID, OtherIds: ids, VersionIds: versions, Now: s.now()})
	if err != nil {
		return nil, fmt.Errorf("join %d spreads: %w", len(ids), err)
	}
	return versions, nil
}

func (s *spreader) recount(ctx context.Context, tx pgx.Tx, ids []int64) error {
	q := db.New(tx)
	if err := q.LockSiteStates(ctx, ids); err != nil {
		return fmt.Errorf("lock %d sites: %w", len(ids), err)
	}
	if err := q.PlanForManySites(ctx); err != nil {
		return fmt.Errorf("set the planner up: %w", err)
	}
	if _, err := sites.Recount(ctx, tx, ids); err != nil {
		return err
	}
	// Not only the sites whose counters changed: the verdicts that their open
	// pages show did.
	return sites.NotifyChanged(ctx, tx, ids)
}
