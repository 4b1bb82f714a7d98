package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	reportsv1 "drumbeat/gen/go/drumbeat/reports/v1"
	"drumbeat/server/reports"
)

// reportsHandler serves ReportsService.
type reportsHandler struct {
	reports *reports.Service
}

var patchRunKinds = map[string]reportsv1.PatchRunKind{
	"updated": reportsv1.PatchRunKind_PATCH_RUN_KIND_UPDATED,
	"added":   reportsv1.PatchRunKind_PATCH_RUN_KIND_ADDED,
	"removed": reportsv1.PatchRunKind_PATCH_RUN_KIND_REMOVED,
}

func (h *reportsHandler) ListPatchRuns(ctx context.Context, req *reportsv1.ListPatchRunsRequest) (*reportsv1.ListPatchRunsResponse, error) {
	runs, next, err := h.reports.PatchRuns(ctx, actorFrom(ctx), pageSize(req.GetPageSize(), 20), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &reportsv1.ListPatchRunsResponse{NextPageToken: next}
	for _, r := range runs {
		m := &reportsv1.PatchRun{RunDate: timestamppb.New(r.Date), Trigger: r.Trigger}
		for _, i := range r.Items {
			m.Items = append(m.Items, &reportsv1.PatchRunItem{
				ModuleName: i.ModuleName, Title: i.Title, Kind: patchRunKinds[i.Kind], FromVersion: i.From, ToVersion: i.To, SecurityFix: i.SecurityFix,
			})
		}
		res.PatchRuns = append(res.PatchRuns, m)
	}
	return res, nil
}
