package sites

import (
	"context"
	"fmt"
	"strings"
	"time"

	"drumbeat/server/orgs"
	"drumbeat/server/platform/cursor"
)

// State narrows a list of sites. The numbers are those of the contract's
// SiteState and of the queries.
type State int32

// The states of sites; a site can be in several.
const (
	StateAny         State = 0
	StateInsecure    State = 1 // at least one insecure release
	StateUnsupported State = 2 // at least one revoked or unsupported release
	StateOutdated    State = 3 // at least one newer release to go to
	StateUnknown     State = 4 // at least one project that could not be judged
	StateCurrent     State = 5 // reported, none of the above, and on a platform that lives
	StateWaiting     State = 6 // no report yet
	StateSilent      State = 7 // reported once, but not within SilentAfter
	StateEndOfLife   State = 8 // its version of Drupal gets no security fixes any more
)

// Query says which sites to list, in which order, and which page.
type Query struct {
	// OrderBy is one of security, updates, name, url, created, core and
	// last_report, with ` desc` behind it to turn the order round. Empty is
	// `security desc`, the most insecure first.
	OrderBy string
	State   State
	// Search is a part of the name or URL, in any case; empty finds all.
	Search    string
	Size      int
	PageToken string
}

// listKey is where a site stands in every order. Only the fields of one order
// are in a token.
type listKey struct {
	Counts [3]int32 `json:"c,omitzero"`
	Parts  []int32  `json:"p,omitempty"`
	Text   string   `json:"t,omitempty"`
	Micros int64    `json:"m,omitempty"`
	ID     int64    `json:"i"`
}

// order is one order of the list.
type order struct {
	name string
	desc bool
}

func parseOrder(s string) order {
	if s == "" {
		return order{"security", true}
	}
	name, desc := strings.CutSuffix(s, " desc")
	return order{name, desc}
}

// key gives where the site stands in the order.
func (o order) key(s *Site) listKey {
	k := listKey{ID: s.id}
	switch o.name {
	case "security":
		k.Counts = [3]int32{s.Counts.Insecure, s.Counts.Unsupported, s.UpdateCount}
	case "updates":
		k.Counts = [3]int32{s.UpdateCount}
	case "core":
		k.Parts = s.coreParts
	case "name":
		k.Text = s.sortName
	case "url":
		k.Text = s.sortURL
	case "created":
		k.Micros = s.CreatedAt.UnixMicro()
	case "last_report":
		if s.LastReportAt != nil {
			k.Micros = s.LastReportAt.UnixMicro()
		}
	}
	return k
}

// List lists the sites that the actor's organisation has, and gives the token
// of the next page, empty after the last. The error is of kind fault.Invalid
// for a token of another list.
func (s *Service) List(ctx context.Context, a orgs.Actor, q Query) ([]Site, string, error) {
	o := parseOrder(q.OrderBy)
	search := strings.TrimSpace(q.Search)
	bind := cursor.Bind("sites", a.OrganizationID, o.name, o.desc, q.State, search)
	var after *listKey
	if q.PageToken != "" {
		after = &listKey{}
		if err := cursor.Decode(bind, q.PageToken, after); err != nil {
			return nil, "", err
		}
	}
	ids, err := s.store.listIDs(ctx, listParams{
		organizationID: a.OrganizationID,
		order:          o,
		state:          q.State,
		silentBefore:   s.silentBefore(),
		pattern:        likePattern(search),
		after:          after,
		limit:          q.Size + 1,
	})
	if err != nil {
		return nil, "", fmt.Errorf("list sites by %s: %w", o.name, err)
	}
	more := len(ids) > q.Size
	if more {
		ids = ids[:q.Size]
	}
	sites, err := s.store.sites(ctx, a.OrganizationID, ids)
	if err != nil {
		return nil, "", fmt.Errorf("read the sites of a list: %w", err)
	}
	if !more || len(sites) == 0 {
		return sites, "", nil
	}
	next, err := cursor.Encode(bind, o.key(&sites[len(sites)-1]))
	return sites, next, err
}

func (s *Service) silentBefore() time.Time { return s.now().Add(-SilentAfter) }

// likePattern makes a pattern that finds s as it is written, empty for an
// empty s.
func likePattern(s string) string {
	if s == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}

// Summary counts the sites of an organisation; a site can count in several.
type Summary struct {
	Sites, Insecure, Unsupported, Outdated, Unknown, Current, Waiting, Silent int32
	// Reporting is how many reported within SilentAfter.
	Reporting int32
	// EndOfLife and Ending are those whose version of Drupal gets no security
	// fixes any more, or soon.
	EndOfLife, Ending int32
}

// Summary sums up the sites that the actor's organisation has.
func (s *Service) Summary(ctx context.Context, a orgs.Actor) (Summary, error) {
	sum, err := s.store.summary(ctx, a.OrganizationID, s.silentBefore())
	if err != nil {
		return Summary{}, fmt.Errorf("sum up sites: %w", err)
	}
	return sum, nil
}
