package rpc

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	releasesv1 "drumbeat/gen/go/drumbeat/releases/v1"
	sitesv1 "drumbeat/gen/go/drumbeat/sites/v1"
	"drumbeat/server/orgs"
	"drumbeat/server/platform/fault"
	"drumbeat/server/releases"
	"drumbeat/server/updatestatus"
)

// releasesHandler serves ReleasesService.
type releasesHandler struct {
	feeds     *releases.Reader
	overrides *releases.Overrides
	orgs      *orgs.Service
}

var feedStates = map[releases.FeedState]releasesv1.FeedState{
	releases.FeedNever:     releasesv1.FeedState_FEED_STATE_NEVER,
	releases.FeedOK:        releasesv1.FeedState_FEED_STATE_OK,
	releases.FeedMissing:   releasesv1.FeedState_FEED_STATE_MISSING,
	releases.FeedFailed:    releasesv1.FeedState_FEED_STATE_FAILED,
	releases.FeedMalformed: releasesv1.FeedState_FEED_STATE_MALFORMED,
}

func (h *releasesHandler) ListFeeds(ctx context.Context, req *releasesv1.ListFeedsRequest) (*releasesv1.ListFeedsResponse, error) {
	var state releases.FeedState
	for s, m := range feedStates {
		if m == req.GetState() {
			state = s
		}
	}
	feeds, next, err := h.feeds.Feeds(ctx, state, strings.TrimSpace(req.GetSearch()), pageSize(req.GetPageSize(), 50), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	counts, err := h.feeds.Counts(ctx)
	if err != nil {
		return nil, err
	}
	res := &releasesv1.ListFeedsResponse{NextPageToken: next}
	for _, f := range feeds {
		res.Feeds = append(res.Feeds, &releasesv1.Feed{
			ModuleName: f.Project, Series: f.Series, State: feedStates[f.State], Error: f.Error, Failures: int32(f.Failures),
			FetchedAt: timestamp(f.FetchedAt), ChangedAt: timestamp(f.ChangedAt), CheckedAt: timestamp(f.CheckedAt),
			NextCheckAt: timestamppb.New(f.NextCheckAt),
		})
	}
	for _, c := range counts {
		res.Counts = append(res.Counts, &releasesv1.FeedCount{State: feedStates[c.State], Feeds: int32(c.Feeds), OldestFetchAt: timestamp(c.OldestFetch)})
	}
	return res, nil
}

func (h *releasesHandler) CheckFeed(ctx context.Context, req *releasesv1.CheckFeedRequest) (*releasesv1.CheckFeedResponse, error) {
	err := h.feeds.Want(ctx, req.GetModuleName())
	if errors.Is(err, releases.ErrUnknownProject) {
		return nil, fault.New(fault.NotFound, "no site ever reported this project")
	}
	if err != nil {
		return nil, err
	}
	return &releasesv1.CheckFeedResponse{}, nil
}

func (h *releasesHandler) ListOverrides(ctx context.Context, req *releasesv1.ListOverridesRequest) (*releasesv1.ListOverridesResponse, error) {
	list, next, err := h.overrides.List(ctx, releases.OverridePage{
		Project: req.GetModuleName(), WithEnded: req.GetWithEnded(), Size: pageSize(req.GetPageSize(), 50), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	res := &releasesv1.ListOverridesResponse{NextPageToken: next}
	for i := range list {
		res.Overrides = append(res.Overrides, overrideMessage(&list[i]))
	}
	return res, nil
}

func (h *releasesHandler) SetOverride(ctx context.Context, req *releasesv1.SetOverrideRequest) (*releasesv1.SetOverrideResponse, error) {
	caller := actorFrom(ctx).Caller
	user, err := h.orgs.CurrentUser(ctx, caller)
	if err != nil {
		return nil, err
	}
	draft := releases.OverrideDraft{
		Project: req.GetModuleName(), Versions: req.GetVersions(), Status: statusOf(req.GetStatus()),
		Note: req.GetNote(), Reason: req.GetReason(), Author: user.Name, UserID: &caller.UserID,
	}
	if req.GetUntil() != nil {
		if !req.GetUntil().IsValid() {
			return nil, fault.Field("until", "is no moment in time")
		}
		until := req.GetUntil().AsTime()
		draft.Until = &until
	}
	made, changed, err := h.overrides.Set(ctx, draft)
	if err != nil {
		return nil, err
	}
	return &releasesv1.SetOverrideResponse{Override: overrideMessage(&made), ChangedVersions: int32(changed)}, nil
}

func (h *releasesHandler) RemoveOverride(ctx context.Context, req *releasesv1.RemoveOverrideRequest) (*releasesv1.RemoveOverrideResponse, error) {
	id, err := uuid.Parse(req.GetOverrideId())
	if err != nil {
		return nil, fault.Field("override_id", "must be a UUID")
	}
	user, err := h.orgs.CurrentUser(ctx, actorFrom(ctx).Caller)
	if err != nil {
		return nil, err
	}
	changed, err := h.overrides.Remove(ctx, id, user.Name)
	if err != nil {
		return nil, err
	}
	return &releasesv1.RemoveOverrideResponse{ChangedVersions: int32(changed)}, nil
}

// statusOf is the reverse of moduleStatus; empty for what is no status.
func statusOf(m sitesv1.ModuleStatus) updatestatus.Status {
	for text, status := range moduleStatuses {
		if status == m {
			return updatestatus.Status(text)
		}
	}
	return ""
}

func overrideMessage(o *releases.Override) *releasesv1.Override {
	return &releasesv1.Override{
		Id: o.ID.String(), ModuleName: o.Project, Versions: o.Versions, Status: moduleStatus(string(o.Status)),
		Note: o.Note, Reason: o.Reason, Until: timestamp(o.Until), Author: o.Author, CreatedAt: timestamppb.New(o.Since),
		EndedAt: timestamp(o.EndedAt), EndedBecause: o.EndedBecause,
	}
}
