package reports

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

func (st *store) patchRuns(ctx context.Context, siteID int64, before *patchRunKey, limit int) ([]PatchRun, error) {
	p := db.ListPatchRunsParams{SiteID: siteID, First: before == nil, MaxRows: int32(limit)}
	if before != nil {
		p.BeforeDate, p.BeforeID = time.UnixMicro(before.Micros), before.ID
	}
	rows, err := db.New(st.pool).ListPatchRuns(ctx, p)
	if err != nil {
		return nil, err
	}
	runs := make([]PatchRun, len(rows))
	for i, r := range rows {
		runs[i] = PatchRun{Date: r.RunDate, Trigger: r.Trigger, id: r.ID}
	}
	return runs, nil
}

func (st *store) addItems(ctx context.Context, runs []PatchRun) error {
	if len(runs) == 0 {
		return nil
	}
	ids := make([]int64, len(runs))
	at := make(map[int64]*PatchRun, len(runs))
	for i := range runs {
		ids[i] = runs[i].id
		at[runs[i].id] = &runs[i]
	}
	rows, err := db.New(st.pool).ListPatchRunItems(ctx, ids)
	if err != nil {
		return err
	}
	for _, r := range rows {
		run := at[r.PatchRunID]
		run.Items = append(run.Items, PatchRunItem{
			ModuleName: r.ModuleName, Title: r.Title, Kind: r.Kind, From: r.FromVersion, To: r.ToVersion, SecurityFix: r.SecurityFix,
		})
	}
	return nil
}
