package orgs

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"drumbeat/server/platform/fault"
)

// Role is what a member may do in an organisation, from least to most. The
// numbers are those of the contract's Role and of the column roles.rank.
type Role int

const (
	// RoleNone may do nothing.
	RoleNone Role = 0
	// RoleDeveloper reads.
	RoleDeveloper Role = 1
	// RoleUser also adds and edits sites.
	RoleUser Role = 2
	// RoleAdmin also deletes, and manages the organisation.
	RoleAdmin Role = 3
)

func (r Role) String() string {
	switch r {
	case RoleDeveloper:
		return "developer"
	case RoleUser:
		return "user"
	case RoleAdmin:
		return "organization_admin"
	}
	return "none"
}

// Caller is who makes a call: a signed-in user.
type Caller struct {
	SessionID int64
	UserID    int64
	Superuser bool
}

// Actor is a caller with what the call is about and what they may do there.
// A query of an organisation's data takes its ids from an Actor, never from a
// request.
type Actor struct {
	Caller
	// OrganizationID is where the caller acts: the organisation that the request
	// names, or the one through which they have the site that it names.
	OrganizationID int64
	// SiteID is 0 for calls that name no site.
	SiteID int64
	// OwnsSite says whether OrganizationID owns the site, rather than being shown it.
	OwnsSite bool
	Role     Role
}

// What is foreign and what does not exist get the very same answer.
func errNoOrganization() error {
	return fault.New(fault.NotFound, "no such organization, or you are not a member of it")
}

func errNoSite() error {
	return fault.New(fault.NotFound, "no such site, or your organizations do not have it")
}

// InOrganization says what the caller may do in an organisation. The error is
// of kind fault.NotFound for one that the caller has no part in.
func (s *Service) InOrganization(ctx context.Context, c Caller, id uuid.UUID) (Actor, error) {
	a, err := s.store.organizationAccess(ctx, c.UserID, id)
	if err != nil {
		return Actor{}, fmt.Errorf("look up the access to an organization: %w", err)
	}
	if a == nil {
		return Actor{}, errNoOrganization()
	}
	actor := Actor{Caller: c, OrganizationID: a.organizationID, Role: a.role}
	if c.Superuser {
		actor.Role = RoleAdmin
	}
	if actor.Role == RoleNone {
		return Actor{}, errNoOrganization()
	}
	return actor, nil
}

// AtSite says what the caller may do with a site: what the best of their roles
// allows among the organisations that have it. The error is of kind
// fault.NotFound for a site that none of their organisations has.
func (s *Service) AtSite(ctx context.Context, c Caller, id uuid.UUID) (Actor, error) {
	all, err := s.store.siteAccess(ctx, c.UserID, id)
	if err != nil {
		return Actor{}, fmt.Errorf("look up the access to a site: %w", err)
	}
	for _, a := range all {
		switch {
		case c.Superuser && a.isOwner:
			a.role = RoleAdmin
		case c.Superuser, a.role == RoleNone:
			continue
		}
		return Actor{Caller: c, OrganizationID: a.organizationID, SiteID: a.siteID, OwnsSite: a.isOwner, Role: a.role}, nil
	}
	return Actor{}, errNoSite()
}
