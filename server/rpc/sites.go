package rpc

import (
	"context"
	"log/slog"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	sitesv1 "drumbeat/gen/go/drumbeat/sites/v1"
	"drumbeat/server/orgs"
	"drumbeat/server/platform/fault"
	"drumbeat/server/platform/httpserver"
	"drumbeat/server/releases"
	"drumbeat/server/sites"
	"drumbeat/server/updatestatus"
)

// watchPace bounds how often an open page is told of changes; what happens in
// between is told together.
const watchPace = 300 * time.Millisecond

// sitesHandler serves SitesService.
type sitesHandler struct {
	sites   *sites.Service
	watcher *sites.Watcher
	orgs    *orgs.Service
	feeds   *releases.Reader
	log     *slog.Logger
}

func (h *sitesHandler) ListSites(ctx context.Context, req *sitesv1.ListSitesRequest) (*sitesv1.ListSitesResponse, error) {
	list, next, err := h.sites.List(ctx, actorFrom(ctx), sites.Query{
		OrderBy: req.GetOrderBy(), State: sites.State(req.GetState()), Search: req.GetSearch(),
		Size: pageSize(req.GetPageSize(), 50), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	res := &sitesv1.ListSitesResponse{NextPageToken: next, Sites: make([]*sitesv1.Site, len(list))}
	for i, s := range list {
		res.Sites[i] = siteMessage(s)
	}
	return res, nil
}

func (h *sitesHandler) GetFleetSummary(ctx context.Context, _ *sitesv1.GetFleetSummaryRequest) (*sitesv1.GetFleetSummaryResponse, error) {
	s, err := h.sites.Summary(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	return &sitesv1.GetFleetSummaryResponse{
		Sites: s.Sites, Insecure: s.Insecure, Unsupported: s.Unsupported, Outdated: s.Outdated, Unknown: s.Unknown,
		Current: s.Current, Waiting: s.Waiting, Silent: s.Silent, Reporting: s.Reporting, EndOfLife: s.EndOfLife, Ending: s.Ending,
	}, nil
}

func (h *sitesHandler) GetSite(ctx context.Context, _ *sitesv1.GetSiteRequest) (*sitesv1.GetSiteResponse, error) {
	s, err := h.sites.Get(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	return &sitesv1.GetSiteResponse{Site: siteMessage(s)}, nil
}

func (h *sitesHandler) CreateSite(ctx context.Context, req *sitesv1.CreateSiteRequest) (*sitesv1.CreateSiteResponse, error) {
	s, key, err := h.sites.Create(ctx, actorFrom(ctx), sites.Draft{Name: req.GetName(), URL: req.GetUrl(), Environment: req.GetEnvironment()})
	if err != nil {
		return nil, err
	}
	return &sitesv1.CreateSiteResponse{Site: siteMessage(s), Key: key.Reveal()}, nil
}

func (h *sitesHandler) UpdateSite(ctx context.Context, req *sitesv1.UpdateSiteRequest) (*sitesv1.UpdateSiteResponse, error) {
	mask := req.GetUpdateMask().GetPaths()
	s, err := h.sites.Update(ctx, actorFrom(ctx), sites.Change{
		Name: masked(mask, "name", req.GetName()), URL: masked(mask, "url", req.GetUrl()), Environment: masked(mask, "environment", req.GetEnvironment()),
	})
	if err != nil {
		return nil, err
	}
	return &sitesv1.UpdateSiteResponse{Site: siteMessage(s)}, nil
}

func (h *sitesHandler) DeleteSite(ctx context.Context, _ *sitesv1.DeleteSiteRequest) (*sitesv1.DeleteSiteResponse, error) {
	if err := h.sites.Delete(ctx, actorFrom(ctx)); err != nil {
		return nil, err
	}
	return &sitesv1.DeleteSiteResponse{}, nil
}

func (h *sitesHandler) ListModuleSites(ctx context.Context, req *sitesv1.ListModuleSitesRequest) (*sitesv1.ListModuleSitesResponse, error) {
	list, next, err := h.sites.RunningModule(ctx, actorFrom(ctx), req.GetModuleName(), req.GetVersion(), pageSize(req.GetPageSize(), 50), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &sitesv1.ListModuleSitesResponse{NextPageToken: next}
	for _, s := range list {
		res.Sites = append(res.Sites, &sitesv1.ModuleSite{
			SiteId: s.ID.String(), SiteName: s.Name, SiteUrl: s.URL, Version: s.Version,
			Status: moduleStatus(s.Status), RecommendedVersion: s.Recommended,
		})
	}
	return res, nil
}

func (h *sitesHandler) ListSiteKeys(ctx context.Context, req *sitesv1.ListSiteKeysRequest) (*sitesv1.ListSiteKeysResponse, error) {
	keys, next, err := h.sites.Keys(ctx, actorFrom(ctx), pageSize(req.GetPageSize(), 50), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &sitesv1.ListSiteKeysResponse{NextPageToken: next}
	for _, k := range keys {
		res.Keys = append(res.Keys, keyMessage(k))
	}
	return res, nil
}

func (h *sitesHandler) CreateSiteKey(ctx context.Context, _ *sitesv1.CreateSiteKeyRequest) (*sitesv1.CreateSiteKeyResponse, error) {
	k, secret, err := h.sites.CreateKey(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	return &sitesv1.CreateSiteKeyResponse{SiteKey: keyMessage(k), Key: secret.Reveal()}, nil
}

func (h *sitesHandler) RevokeSiteKey(ctx context.Context, req *sitesv1.RevokeSiteKeyRequest) (*sitesv1.RevokeSiteKeyResponse, error) {
	id, err := uuid.Parse(req.GetKeyId())
	if err != nil {
		return nil, fault.Field("key_id", "must be a UUID")
	}
	if err := h.sites.RevokeKey(ctx, actorFrom(ctx), id); err != nil {
		return nil, err
	}
	return &sitesv1.RevokeSiteKeyResponse{}, nil
}

func (h *sitesHandler) WatchSites(ctx context.Context, req *sitesv1.WatchSitesRequest, stream *connect.ServerStream[sitesv1.WatchSitesResponse]) error {
	organization, err := uuid.Parse(req.GetOrganizationId())
	if err != nil {
		return fault.Field("organization_id", "must be a UUID")
	}
	ctx, release := h.orgs.WhileAllowed(ctx, actorFrom(ctx))
	defer release()
	changes := h.watcher.Subscribe(organization)
	defer changes.Close()

	// Proxies that gather answers would hold this one back.
	stream.ResponseHeader().Set("X-Accel-Buffering", "no")
	if err := stream.Send(&sitesv1.WatchSitesResponse{}); err != nil {
		return err
	}
	pace := time.NewTimer(0)
	defer pace.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-httpserver.Draining(ctx):
			return &fault.Error{Kind: fault.Unavailable, Message: "the server is stopping; connect again", RetryAfter: time.Second}
		case <-changes.Changed():
		}
		ids, all := changes.Take()
		if len(ids) == 0 && !all {
			continue
		}
		res := &sitesv1.WatchSitesResponse{}
		if !all {
			for _, id := range ids {
				res.SiteIds = append(res.SiteIds, id.String())
			}
		}
		if err := stream.Send(res); err != nil {
			return err
		}
		pace.Reset(watchPace)
		select {
		case <-pace.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-httpserver.Draining(ctx):
		}
	}
}

func siteMessage(s sites.Site) *sitesv1.Site {
	return &sitesv1.Site{
		Id: s.ID.String(), OrganizationId: s.OrganizationID.String(), Name: s.Name, Url: s.URL, Environment: s.Environment,
		CreatedAt:   timestamppb.New(s.CreatedAt),
		CoreVersion: s.CoreVersion, PhpVersion: s.PHPVersion, Database: database(s.DBDriver, s.DBVersion), Profile: s.Profile,
		UpdateCount: s.UpdateCount, SecurityUpdateCount: s.Counts.Insecure,
		Counts: &sitesv1.ModuleCounts{
			Insecure: s.Counts.Insecure, Unsupported: s.Counts.Unsupported, Outdated: s.Counts.Outdated,
			Current: s.Counts.Current, Unknown: s.Counts.Unknown, Custom: s.Counts.Custom, PlatformEnded: s.Counts.PlatformEnded,
		},
		LastReportAt: timestamp(s.LastReportAt), LastChangeAt: timestamp(s.ChangedAt), CoreStatus: moduleStatus(s.CoreStatus),
		PlatformState: platformStates[s.PlatformState],
		PlatformNote:  releases.ExplainPlatform(s.CoreVersion, updatestatus.PlatformState(s.PlatformState), s.PlatformEnd),
	}
}

func keyMessage(k sites.Key) *sitesv1.SiteKey {
	return &sitesv1.SiteKey{
		Id: k.ID.String(), Hint: k.Hint, CreatedAt: timestamppb.New(k.CreatedAt), LastUsedAt: timestamp(k.LastUsedAt), RevokedAt: timestamp(k.RevokedAt),
	}
}

var platformStates = map[string]sitesv1.PlatformState{
	"supported":   sitesv1.PlatformState_PLATFORM_STATE_SUPPORTED,
	"ending":      sitesv1.PlatformState_PLATFORM_STATE_ENDING,
	"minor-ended": sitesv1.PlatformState_PLATFORM_STATE_END_OF_LIFE,
	"ended":       sitesv1.PlatformState_PLATFORM_STATE_END_OF_LIFE,
}

var moduleStatuses = map[string]sitesv1.ModuleStatus{
	"not-secure":    sitesv1.ModuleStatus_MODULE_STATUS_NOT_SECURE,
	"revoked":       sitesv1.ModuleStatus_MODULE_STATUS_REVOKED,
	"not-supported": sitesv1.ModuleStatus_MODULE_STATUS_NOT_SUPPORTED,
	"not-current":   sitesv1.ModuleStatus_MODULE_STATUS_NOT_CURRENT,
	"current":       sitesv1.ModuleStatus_MODULE_STATUS_CURRENT,
	"not-checked":   sitesv1.ModuleStatus_MODULE_STATUS_NOT_CHECKED,
	"unknown":       sitesv1.ModuleStatus_MODULE_STATUS_UNKNOWN,
	"not-fetched":   sitesv1.ModuleStatus_MODULE_STATUS_NOT_FETCHED,
}

// moduleStatus gives unknown for what it does not know: never to be read as fine.
func moduleStatus(s string) sitesv1.ModuleStatus {
	if m, ok := moduleStatuses[s]; ok {
		return m
	}
	return sitesv1.ModuleStatus_MODULE_STATUS_UNKNOWN
}
