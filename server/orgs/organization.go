package orgs

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"drumbeat/server/platform/cursor"
	"drumbeat/server/platform/fault"
	"drumbeat/server/platform/plaintext"
)

// Organization is a group of people with sites.
type Organization struct {
	ID         uuid.UUID
	Name       string
	TaxID      string
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// OrganizationChange is what to change; nil leaves a field as it is.
type OrganizationChange struct {
	Name  *string
	TaxID *string
}

// Member is a person in an organisation.
type Member struct {
	UserID   uuid.UUID
	Name     string
	Email    string
	Role     Role
	JoinedAt time.Time
}

// Organization reads the actor's organisation.
func (s *Service) Organization(ctx context.Context, a Actor) (Organization, error) {
	o, err := s.store.organization(ctx, a.OrganizationID)
	if err != nil {
		return Organization{}, fmt.Errorf("read an organization: %w", err)
	}
	return o, nil
}

// UpdateOrganization changes the actor's organisation and keeps what it is now
// as a revision. A change of nothing is no revision.
func (s *Service) UpdateOrganization(ctx context.Context, a Actor, c OrganizationChange) (Organization, error) {
	if c.Name != nil {
		name, err := requiredLine("name", *c.Name)
		if err != nil {
			return Organization{}, err
		}
		c.Name = &name
	}
	if c.TaxID != nil {
		id, err := plaintext.Line(*c.TaxID)
		if err != nil {
			return Organization{}, fault.Field("tax_id", "%v", err)
		}
		c.TaxID = &id
	}
	if c.Name == nil && c.TaxID == nil {
		return s.Organization(ctx, a)
	}
	var o Organization
	err := s.store.inTx(ctx, func(st *store) error {
		var err error
		o, err = st.updateOrganization(ctx, a, c, s.now())
		return err
	})
	if err != nil {
		return Organization{}, fmt.Errorf("update an organization: %w", err)
	}
	return o, nil
}

type memberKey struct {
	Name string
	ID   int64
}

// Members lists the people of the actor's organisation by name, a page of size
// at a time. It gives the token of the next page, empty after the last.
func (s *Service) Members(ctx context.Context, a Actor, size int, pageToken string) ([]Member, string, error) {
	bind := cursor.Bind("members", a.OrganizationID)
	var after *memberKey
	if pageToken != "" {
		after = &memberKey{}
		if err := cursor.Decode(bind, pageToken, after); err != nil {
			return nil, "", err
		}
	}
	members, keys, err := s.store.members(ctx, a.OrganizationID, after, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("list the members of an organization: %w", err)
	}
	if len(members) <= size {
		return members, "", nil
	}
	next, err := cursor.Encode(bind, keys[size-1])
	if err != nil {
		return nil, "", err
	}
	return members[:size], next, nil
}
