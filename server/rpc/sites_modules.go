package rpc

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	sitesv1 "drumbeat/gen/go/drumbeat/sites/v1"
	"drumbeat/server/inventory"
	"drumbeat/server/releases"
	"drumbeat/server/sites"
)

func (h *sitesHandler) ListSiteModules(ctx context.Context, req *sitesv1.ListSiteModulesRequest) (*sitesv1.ListSiteModulesResponse, error) {
	actor := actorFrom(ctx)
	modules, next, err := h.sites.Modules(ctx, actor, pageSize(req.GetPageSize(), 500), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	content, err := h.sites.Content(ctx, actor)
	if err != nil {
		return nil, err
	}
	parts := h.readContent(ctx, content)
	res := &sitesv1.ListSiteModulesResponse{NextPageToken: next}
	for _, m := range modules {
		message, err := moduleMessage(m)
		if err != nil {
			return nil, err
		}
		message.Extensions = parts.extensions[releases.ProjectName(m.Name)]
		res.Modules = append(res.Modules, message)
	}
	if req.GetPageToken() == "" {
		res.CustomExtensions = parts.custom
	}
	return res, nil
}

// contentParts is what is only in a site's raw report.
type contentParts struct {
	extensions map[string][]string // by project
	custom     []*sitesv1.CustomExtension
}

func moduleMessage(m sites.Module) (*sitesv1.SiteModule, error) {
	v, err := releases.ParseVerdict(m.Verdict)
	if err != nil {
		return nil, err
	}
	message := &sitesv1.SiteModule{
		ModuleName: m.Name, Title: m.Title, ProjectType: m.ProjectType,
		List: sitesv1.ModuleList(m.List), Status: moduleStatus(m.Status), CurrentVersion: m.Version,
		RecommendedVersion: m.Recommended, DrupalLink: m.Link, Explanation: releases.Explain(m.Version, v),
		InstalledAt: timestamppb.New(m.InstalledAt), SecurityUpdate: m.SecurityUpdate, UpdateAvailable: m.UpdateAvailable,
		CheckedAt:       timestamp(m.CheckedAt),
		SecurityUpdates: releaseLinks(v.SecurityUpdates), AlsoAvailable: releaseLinks(v.Also),
	}
	if v.Recommended != nil && v.Recommended.Version == m.Recommended {
		message.RecommendedLink = v.Recommended.Link
	}
	if o := v.Override; o != nil {
		message.Override = &sitesv1.AppliedOverride{
			InsteadOf: moduleStatus(string(o.Instead)), Note: o.Note, Reason: o.Reason, Author: o.Author,
			Since: unixTimestamp(o.Since), Until: unixTimestamp(o.Until),
		}
	}
	return message, nil
}

func releaseLinks(list []releases.Release) []*sitesv1.ReleaseLink {
	var links []*sitesv1.ReleaseLink
	for _, r := range list {
		links = append(links, &sitesv1.ReleaseLink{Version: r.Version, Link: r.Link})
	}
	return links
}

// readContent reads the newest raw report. One that cannot be read was
// accepted by rules that have changed since; the lists stand without it.
func (h *sitesHandler) readContent(ctx context.Context, body []byte) contentParts {
	parts := contentParts{extensions: map[string][]string{}}
	if body == nil {
		return parts
	}
	report, err := inventory.Parse(body)
	if err != nil {
		h.log.WarnContext(ctx, "a stored report could not be read", "error", err)
		return parts
	}
	grouped := inventory.Group(report)
	for _, p := range grouped.Projects {
		parts.extensions[p.Name] = slices.Sorted(slices.Values(p.Extensions))
	}
	for _, c := range grouped.Custom {
		parts.custom = append(parts.custom, &sitesv1.CustomExtension{
			Name: c.Name, Type: c.Type, Title: c.Title, Version: c.Version, Enabled: c.Enabled, Note: c.Note,
		})
	}
	slices.SortFunc(parts.custom, func(a, b *sitesv1.CustomExtension) int {
		return cmp.Or(cmp.Compare(a.GetType(), b.GetType()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return parts
}
