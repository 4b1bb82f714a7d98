package rpc

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	orgsv1 "drumbeat/gen/go/drumbeat/orgs/v1"
	policyv1 "drumbeat/gen/go/drumbeat/policy/v1"
	"drumbeat/server/orgs"
)

// orgsHandler serves OrgsService.
type orgsHandler struct {
	orgs *orgs.Service
}

func (h *orgsHandler) GetOrganization(ctx context.Context, _ *orgsv1.GetOrganizationRequest) (*orgsv1.GetOrganizationResponse, error) {
	o, err := h.orgs.Organization(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	return &orgsv1.GetOrganizationResponse{Organization: organizationMessage(o)}, nil
}

func (h *orgsHandler) UpdateOrganization(ctx context.Context, req *orgsv1.UpdateOrganizationRequest) (*orgsv1.UpdateOrganizationResponse, error) {
	mask := req.GetUpdateMask().GetPaths()
	o, err := h.orgs.UpdateOrganization(ctx, actorFrom(ctx), orgs.OrganizationChange{
		Name: masked(mask, "name", req.GetName()), TaxID: masked(mask, "tax_id", req.GetTaxId()),
	})
	if err != nil {
		return nil, err
	}
	return &orgsv1.UpdateOrganizationResponse{Organization: organizationMessage(o)}, nil
}

func (h *orgsHandler) ListMembers(ctx context.Context, req *orgsv1.ListMembersRequest) (*orgsv1.ListMembersResponse, error) {
	members, next, err := h.orgs.Members(ctx, actorFrom(ctx), pageSize(req.GetPageSize(), 50), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &orgsv1.ListMembersResponse{NextPageToken: next}
	for _, m := range members {
		res.Members = append(res.Members, &orgsv1.Member{
			UserId: m.UserID.String(), Name: m.Name, Email: m.Email, Role: policyv1.Role(m.Role), JoinedAt: timestamppb.New(m.JoinedAt),
		})
	}
	return res, nil
}

func organizationMessage(o orgs.Organization) *orgsv1.Organization {
	return &orgsv1.Organization{
		Id: o.ID.String(), Name: o.Name, TaxId: o.TaxID, CreatedAt: timestamppb.New(o.CreatedAt), ModifiedAt: timestamppb.New(o.ModifiedAt),
	}
}

// masked gives the value where the mask names the field.
func masked(mask []string, field, value string) *string {
	if slices.Contains(mask, field) {
		return &value
	}
	return nil
}

func pageSize(asked int32, otherwise int) int {
	if asked == 0 {
		return otherwise
	}
	return int(asked)
}

// timestamp gives nil for a moment that never was.
func timestamp(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}
