package sites

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/server/orgs"
	"drumbeat/server/platform/fault"
	"drumbeat/server/platform/plaintext"
	"drumbeat/server/sitekey"
)

// SilentAfter is how long after its last report a site counts as silent: a
// daily report and two hours for a slow cron.
const SilentAfter = 26 * time.Hour

// Service is the use cases of sites.
type Service struct {
	store *store
	now   func() time.Time
	log   *slog.Logger
}

// New makes the service.
func New(pool *pgxpool.Pool, now func() time.Time, log *slog.Logger) *Service {
	return &Service{store: &store{pool: pool}, now: now, log: log}
}

// Site is one site as an organisation sees it.
type Site struct {
	ID             uuid.UUID
	OrganizationID uuid.UUID // that owns it
	Name           string
	URL            string
	Environment    string
	CreatedAt      time.Time

	// As last reported; empty before the first report.
	CoreVersion string
	CoreStatus  string // as in module_versions.status
	PHPVersion  string
	DBDriver    string
	DBVersion   string
	Profile     string
	// PlatformState is as in module_versions.platform_state, and PlatformEnd when
	// it ends or ended: a date, or the version of core with whose release.
	PlatformState, PlatformEnd string

	Counts              Counts
	UpdateCount         int32
	SecurityUpdateCount int32
	LastReportAt        *time.Time // nil before the first report
	ChangedAt           *time.Time // nil before the first report

	id int64
	// What the list is ordered by, as PostgreSQL sees it.
	sortName, sortURL string
	coreParts         []int32
}

// Counts counts a site's projects by the verdict on them.
type Counts struct {
	Insecure, Unsupported, Outdated, Current, Unknown, Custom int32
	// PlatformEnded is how many are unsupported on a site whose whole major of
	// Drupal has ended; Unsupported counts them as one.
	PlatformEnded int32
}

// Draft is what a person says of a site.
type Draft struct {
	Name        string
	URL         string
	Environment string
}

// Change is what to change of a site; nil leaves a field as it is.
type Change struct {
	Name        *string
	URL         *string
	Environment *string
}

// Get reads the actor's site.
func (s *Service) Get(ctx context.Context, a orgs.Actor) (Site, error) {
	sites, err := s.store.sites(ctx, a.OrganizationID, []int64{a.SiteID})
	if err != nil {
		return Site{}, fmt.Errorf("read a site: %w", err)
	}
	if len(sites) == 0 {
		return Site{}, errGone()
	}
	return sites[0], nil
}

// errGone is for a site that was deleted while the call ran.
func errGone() error { return fault.New(fault.NotFound, "the site was just deleted") }

// Create adds a site to the actor's organisation, and its first key.
func (s *Service) Create(ctx context.Context, a orgs.Actor, d Draft) (Site, sitekey.Key, error) {
	var err error
	if d.Name, err = siteName(d.Name); err != nil {
		return Site{}, sitekey.Key{}, err
	}
	if d.URL, err = siteURL(d.URL); err != nil {
		return Site{}, sitekey.Key{}, err
	}
	if d.Environment, err = environment(d.Environment); err != nil {
		return Site{}, sitekey.Key{}, err
	}
	key, err := sitekey.New()
	if err != nil {
		return Site{}, sitekey.Key{}, fmt.Errorf("make a site key: %w", err)
	}
	err = s.store.inTx(ctx, func(st *store) error {
		a.SiteID, err = st.create(ctx, a, d, s.now())
		if err != nil {
			return err
		}
		if _, err := st.addKey(ctx, a, key, s.now()); err != nil {
			return err
		}
		return NotifyChanged(ctx, st.tx, []int64{a.SiteID})
	})
	if err != nil {
		return Site{}, sitekey.Key{}, fmt.Errorf("create a site: %w", err)
	}
	site, err := s.Get(ctx, a)
	return site, key, err
}

// Update changes what a person says of the actor's site. Reports never do.
func (s *Service) Update(ctx context.Context, a orgs.Actor, c Change) (Site, error) {
	for _, f := range []struct {
		value *string
		tidy  func(string) (string, error)
	}{{c.Name, siteName}, {c.URL, siteURL}, {c.Environment, environment}} {
		if f.value == nil {
			continue
		}
		tidied, err := f.tidy(*f.value)
		if err != nil {
			return Site{}, err
		}
		*f.value = tidied
	}
	err := s.store.inTx(ctx, func(st *store) error {
		n, err := st.update(ctx, a, c, s.now())
		if err != nil {
			return fmt.Errorf("update a site: %w", err)
		}
		if n == 0 {
			return errGone()
		}
		return NotifyChanged(ctx, st.tx, []int64{a.SiteID})
	})
	if err != nil {
		return Site{}, err
	}
	return s.Get(ctx, a)
}

// Delete takes the actor's site out of every list and revokes its keys; its
// history stays. Only the organisation that owns the site can.
func (s *Service) Delete(ctx context.Context, a orgs.Actor) error {
	if err := ownerOnly(a, "delete it"); err != nil {
		return err
	}
	return s.store.inTx(ctx, func(st *store) error {
		// Told before it is gone from the lists that say whom to tell.
		if err := NotifyChanged(ctx, st.tx, []int64{a.SiteID}); err != nil {
			return err
		}
		n, err := st.delete(ctx, a, s.now())
		if err != nil {
			return fmt.Errorf("delete a site: %w", err)
		}
		if n == 0 {
			return errGone()
		}
		return nil
	})
}

// ownerOnly keeps what is the owner's from those whom a site is only shown.
func ownerOnly(a orgs.Actor, what string) error {
	if a.OwnsSite {
		return nil
	}
	return fault.New(fault.Forbidden, "this site is shared with your organization; only the one that owns it can %s", what)
}

func siteName(name string) (string, error) {
	line, err := plaintext.Line(name)
	if err != nil {
		return "", fault.Field("name", "%v", err)
	}
	if line == "" {
		return "", fault.Field("name", "must not be empty")
	}
	return line, nil
}

func environment(s string) (string, error) {
	line, err := plaintext.Line(s)
	if err != nil {
		return "", fault.Field("environment", "%v", err)
	}
	return line, nil
}
