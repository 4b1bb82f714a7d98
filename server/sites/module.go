package sites

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"drumbeat/server/orgs"
	"drumbeat/server/platform/cursor"
	"drumbeat/server/platform/fault"
)

// ModuleList is the list of the site page that a project stands in. The
// numbers are those of the contract.
type ModuleList int

// The lists, in the order in which they are shown.
const (
	ListSecurity ModuleList = 1 // insecure, revoked or unsupported
	ListUpdate   ModuleList = 2 // a newer release to go to
	ListUpToDate ModuleList = 3
	ListUnknown  ModuleList = 4 // could not be judged
	// ListPlatformEnded is what is unsupported on a site whose whole major of
	// Drupal has ended. It is shown behind the updates.
	ListPlatformEnded ModuleList = 5
)

// Module is one drupal.org project on a site.
type Module struct {
	Name            string
	Title           string // empty when not known
	Link            string // the project's page
	ProjectType     string
	List            ModuleList
	Status          string  // as in module_versions.status
	Version         *string // nil: the site knows none; empty: it says an empty one
	Recommended     string  // empty for none
	UpdateAvailable bool
	SecurityUpdate  bool
	InstalledAt     time.Time
	// Verdict is the column module_versions.verdict; nil before the first judgement.
	Verdict   []byte
	CheckedAt *time.Time // when the feed was last fetched; nil when never

	id int64
}

// listOf gives the list of a verdict. A class that is not known here is
// unknown: never to be read as fine.
func listOf(class, status, platformState string) ModuleList {
	if status == "not-supported" && platformState == "ended" {
		return ListPlatformEnded
	}
	switch class {
	case "insecure", "unsupported":
		return ListSecurity
	case "outdated":
		return ListUpdate
	case "current":
		return ListUpToDate
	}
	return ListUnknown
}

// place is where the list stands among the others.
func (l ModuleList) place() int {
	if l == ListPlatformEnded {
		return int(ListUpdate)*2 + 1
	}
	return int(l) * 2
}

// severity orders within the list of security: insecure first.
func (m *Module) severity() int {
	switch m.Status {
	case "not-secure":
		return 0
	case "revoked":
		return 1
	}
	return 2
}

type moduleKey struct {
	List     ModuleList
	Severity int
	Name     string
	ID       int64
}

func (m *Module) key() moduleKey {
	return moduleKey{m.List, m.severity(), strings.ToLower(cmp.Or(m.Title, m.Name)), m.id}
}

func (k moduleKey) compare(l moduleKey) int {
	return cmp.Or(cmp.Compare(k.List.place(), l.List.place()), cmp.Compare(k.Severity, l.Severity), cmp.Compare(k.Name, l.Name), cmp.Compare(k.ID, l.ID))
}

// Modules lists what is on the actor's site: security first, then other
// updates, then what is up to date, then what could not be judged; by name
// within each, and the insecure before the unsupported.
//
// A report holds at most some thousand projects, so that the page is cut here.
func (s *Service) Modules(ctx context.Context, a orgs.Actor, size int, pageToken string) ([]Module, string, error) {
	bind := cursor.Bind("modules of a site", a.SiteID)
	var after moduleKey
	if pageToken != "" {
		if err := cursor.Decode(bind, pageToken, &after); err != nil {
			return nil, "", err
		}
	}
	all, err := s.store.modules(ctx, a.SiteID)
	if err != nil {
		return nil, "", fmt.Errorf("list what is on a site: %w", err)
	}
	slices.SortFunc(all, func(x, y Module) int { return x.key().compare(y.key()) })
	from := 0
	if pageToken != "" {
		from, _ = slices.BinarySearchFunc(all, after, func(m Module, k moduleKey) int {
			if m.key().compare(k) <= 0 {
				return -1
			}
			return 1
		})
	}
	page := all[from:]
	if len(page) <= size {
		return page, "", nil
	}
	page = page[:size]
	next, err := cursor.Encode(bind, page[size-1].key())
	return page, next, err
}

// Module reads one project on the actor's site. The error is of kind
// fault.NotFound where there is none of that name.
func (s *Service) Module(ctx context.Context, a orgs.Actor, name string) (Module, error) {
	all, err := s.store.modules(ctx, a.SiteID)
	if err != nil {
		return Module{}, fmt.Errorf("read what is on a site: %w", err)
	}
	for _, m := range all {
		if m.Name == name {
			return m, nil
		}
	}
	return Module{}, fault.New(fault.NotFound, "the site has no such project")
}

// ModuleSite is a site that runs a project.
type ModuleSite struct {
	ID          uuid.UUID
	Name        string
	URL         string
	Version     *string
	Status      string
	Recommended string

	id int64
}

// RunningModule lists the organisation's sites that run a project, or exactly
// one version of it when version is not empty, in the order in which they were
// added. A project that nobody has gives an empty list.
func (s *Service) RunningModule(ctx context.Context, a orgs.Actor, module, version string, size int, pageToken string) ([]ModuleSite, string, error) {
	bind := cursor.Bind("sites of a module", a.OrganizationID, module, version)
	var after int64
	if pageToken != "" {
		if err := cursor.Decode(bind, pageToken, &after); err != nil {
			return nil, "", err
		}
	}
	list, err := s.store.moduleSites(ctx, a.OrganizationID, module, version, after, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("list the sites that run a module: %w", err)
	}
	if len(list) <= size {
		return list, "", nil
	}
	next, err := cursor.Encode(bind, list[size-1].id)
	return list[:size], next, err
}

// Content gives the newest accepted raw report of the actor's site, as it was
// sent; nil before the first.
func (s *Service) Content(ctx context.Context, a orgs.Actor) ([]byte, error) {
	body, err := s.store.content(ctx, a.SiteID)
	if err != nil {
		return nil, fmt.Errorf("read the newest report of a site: %w", err)
	}
	return body, nil
}
