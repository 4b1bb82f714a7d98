package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	sitesv1 "drumbeat/gen/go/drumbeat/sites/v1"
	"drumbeat/server/releases"
)

func (h *sitesHandler) GetModuleVerdict(ctx context.Context, req *sitesv1.GetModuleVerdictRequest) (*sitesv1.GetModuleVerdictResponse, error) {
	actor := actorFrom(ctx)
	module, err := h.sites.Module(ctx, actor, req.GetModuleName())
	if err != nil {
		return nil, err
	}
	e, err := h.feeds.Evidence(ctx, actor.SiteID, req.GetModuleName())
	if err != nil {
		return nil, err
	}
	message, err := moduleMessage(module)
	if err != nil {
		return nil, err
	}
	v := &sitesv1.ModuleVerdict{
		Module: message, Rule: string(e.Verdict.Rule), RuleText: e.RuleText, RuleSet: string(e.RuleSet), RuleSetText: e.RuleSetText,
		Feed: &sitesv1.FeedEvidence{
			Series: e.Feed.Series, Source: e.Feed.Source, State: string(e.Feed.State), StateText: e.Feed.StateText,
			FetchedAt: timestamp(e.Feed.FetchedAt), ChangedAt: timestamp(e.Feed.ChangedAt),
			CheckedAt: timestamp(e.Feed.CheckedAt), NextCheckAt: timestamp(e.Feed.NextCheckAt),
		},
		Installed: releaseEvidence(e.Installed), Deciding: releaseEvidence(e.Deciding), Recommended: releaseEvidence(e.Recommended),
		Latest: releaseEvidence(e.Latest), Development: releaseEvidence(e.Development),
		AlsoAvailable: releaseEvidences(e.Also), SecurityUpdates: releaseEvidences(e.SecurityUpdates),
		SupportedBranches: e.Branches, ExposedSince: timestamp(e.ExposedSince), JudgedAt: timestamp(e.JudgedAt),
	}
	if s := e.InsecureSince; s != nil {
		v.InsecureSince = &sitesv1.InsecureSince{
			At: timestamppb.New(s.At), Basis: sitesv1.InsecureSince_Basis(s.Basis), Release: s.Release, Text: s.Text,
		}
	}
	if c := e.Verdict.Coverage; c != nil {
		v.CoreCoverage = &sitesv1.CoreCoverage{
			State: string(c.State), EndDate: c.EndDate, EndVersion: c.EndVersion, UpdateTo: c.UpdateTo,
			Text: e.CoverageText, Basis: e.CoverageBasis,
		}
	}
	for _, c := range e.Changes {
		change := &sitesv1.VerdictChange{At: timestamppb.New(c.At), To: moduleStatus(string(c.To)), Reason: c.Why}
		if c.From != "" {
			change.From = moduleStatus(string(c.From))
		}
		v.Changes = append(v.Changes, change)
	}
	return &sitesv1.GetModuleVerdictResponse{Verdict: v}, nil
}

func releaseEvidence(r *releases.ReleaseEvidence) *sitesv1.ReleaseEvidence {
	if r == nil {
		return nil
	}
	m := &sitesv1.ReleaseEvidence{
		Version: r.Version, Link: r.Link, Date: unixTimestamp(r.Date), Terms: r.Terms, Unpublished: r.Unpublished,
		SecurityCoverage: r.Coverage,
	}
	if c := r.Cores; c != nil {
		m.CoreCompatibility = &sitesv1.CoreCompatibility{Compatible: c.Compatible, Ranges: c.Ranges, Text: coreText(c.Compatible, c.Ranges)}
	}
	return m
}

// coreText says which cores a release can be used with.
func coreText(compatible bool, ranges string) string {
	switch {
	case ranges == "" && compatible:
		return "It can be used with this site's core."
	case ranges == "":
		return "It can be used with none of the versions of core that this site could go to."
	case compatible:
		return "It can be used with this site's core (Drupal core: " + ranges + ")."
	}
	return "Not with this site's core; it requires Drupal core: " + ranges + "."
}

func releaseEvidences(list []releases.ReleaseEvidence) []*sitesv1.ReleaseEvidence {
	var messages []*sitesv1.ReleaseEvidence
	for i := range list {
		messages = append(messages, releaseEvidence(&list[i]))
	}
	return messages
}

// unixTimestamp gives nothing for 0.
func unixTimestamp(seconds int64) *timestamppb.Timestamp {
	if seconds == 0 {
		return nil
	}
	return timestamppb.New(time.Unix(seconds, 0))
}
