package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/server/ingest"
	"drumbeat/server/inventory"
	"drumbeat/server/orgs"
	"drumbeat/server/releases"
	"drumbeat/server/sites"
)

// The demo's one account. It is no secret: a demo listens on this machine only.
const (
	Email        = "demo@example.com"
	Password     = "drumbeat-demo-60"
	Organization = "Tidewater Digital"
)

// Feeds returns where the demo's release histories lie below the data folder,
// and writes them there.
func Feeds(dataDir string, now time.Time) (string, error) {
	catalogue, err := Catalogue(now)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(dataDir, "demo-feeds")
	return dir, WriteFeeds(dir, catalogue)
}

// Loader fills an empty database with the demo fleet, by the ways that real
// data takes: sites are created, feeds are synced, reports are applied.
type Loader struct {
	Pool    *pgxpool.Pool
	Orgs    *orgs.Service
	Catalog *releases.Catalog
	// Releases has the folder written by Feeds as its source.
	Releases *releases.Service
	Log      *slog.Logger
	Now      time.Time
}

// ErrOccupied says that the database holds data which is not the demo's.
var ErrOccupied = errors.New("this database holds data of its own: give the demo an empty one (--data-dir or DATABASE_URL)")

// Load fills the database unless it did so before. Appliers must be running:
// Load returns when they have applied everything.
func (l *Loader) Load(ctx context.Context) error {
	st := newStore(l.Pool)
	made, err := l.Orgs.CreateFirstAdministrator(ctx, orgs.FirstAdministrator{
		Organization: Organization, Name: "Demo Administrator", Email: Email, Password: Password,
	})
	if err != nil {
		return fmt.Errorf("create the demo's administrator: %w", err)
	}
	userID, organization, err := st.owner(ctx, Email)
	if err != nil {
		if !made {
			return ErrOccupied
		}
		return err
	}
	known, err := st.sites(ctx, organization)
	if err != nil {
		return err
	}
	fleet := Fleet()
	if len(known) >= len(fleet) {
		l.Log.InfoContext(ctx, "the demo fleet is already here", "sites", len(known))
		return nil
	}

	catalogue, err := Catalogue(l.Now)
	if err != nil {
		return err
	}
	started := time.Now()
	actor, err := l.Orgs.InOrganization(ctx, orgs.Caller{UserID: userID, Superuser: true}, organization)
	if err != nil {
		return fmt.Errorf("act for the demo's organization: %w", err)
	}
	begin := l.Now.Add(-History)
	service := sites.New(l.Pool, func() time.Time { return begin }, l.Log)
	for _, site := range fleet {
		if _, there := known[site.URL]; there {
			continue
		}
		if _, _, err := service.Create(ctx, actor, sites.Draft{Name: site.Name, URL: site.URL, Environment: site.Environment}); err != nil {
			return fmt.Errorf("create the demo site %s: %w", site.Name, err)
		}
	}
	if known, err = st.sites(ctx, organization); err != nil {
		return err
	}

	reports, err := Simulate(fleet, catalogue, l.Now)
	if err != nil {
		return err
	}
	l.Log.InfoContext(ctx, "loading the demo fleet", "sites", len(fleet), "reports", len(reports))
	// The verdicts come first, so that history knows which updates closed a hole.
	if err := l.judge(ctx, reports); err != nil {
		return err
	}
	if err := st.ensurePartitions(ctx, begin, l.Now); err != nil {
		return err
	}
	records := make([][]byte, 0, len(reports))
	for _, report := range reports {
		entry, err := entryOf(known[fleet[report.Site].URL], report)
		if err != nil {
			return err
		}
		records = append(records, ingest.EncodeEntry(entry))
	}
	if err := st.spool(ctx, records); err != nil {
		return err
	}
	if err := l.wait(ctx, st, len(records)); err != nil {
		return err
	}
	l.Log.InfoContext(ctx, "the demo fleet is here", "sites", len(fleet), "reports", len(reports), "took", time.Since(started).Round(time.Millisecond))
	return nil
}

// judge brings in the feeds of every project of the reports.
func (l *Loader) judge(ctx context.Context, reports []Report) error {
	var installed []releases.Installed
	for _, report := range reports {
		if report.Heartbeat {
			continue
		}
		parsed, err := inventory.Parse(report.Body)
		if err != nil {
			return fmt.Errorf("read a demo report: %w", err)
		}
		inv := inventory.Group(parsed)
		for _, project := range inv.Projects {
			installed = append(installed, releases.Installed{
				Project: project.Name, Title: project.Title, RuleSet: string(inv.RuleSet),
				Version: project.Version, Datestamp: project.Datestamp,
			})
		}
	}
	if _, err := l.Catalog.Resolve(ctx, installed); err != nil {
		return fmt.Errorf("resolve the demo's versions: %w", err)
	}
	err := l.Releases.SyncNow(ctx, nil, true, func(result releases.SyncResult) {
		if result.Error != "" {
			l.Log.WarnContext(ctx, "a demo feed was not read", "project", result.Project, "series", result.Series, "error", result.Error)
		}
	})
	if err != nil {
		return fmt.Errorf("sync the demo's feeds: %w", err)
	}
	return nil
}

func entryOf(siteID int64, report Report) (*ingest.Entry, error) {
	var summary inventory.Summary
	if !inventory.Scan(report.Body, &summary) {
		return nil, fmt.Errorf("the demo's report of %s is not one that a site could send", report.ReceivedAt)
	}
	entry := &ingest.Entry{
		Kind: ingest.KindHeartbeat, SiteID: siteID, ReportID: summary.ReportID,
		Received: report.ReceivedAt.UnixMicro(), Collected: summary.CollectedAt,
		Trigger: summary.Trigger, InventoryHash: report.Inventory,
	}
	if !report.Heartbeat {
		entry.Kind, entry.Body, entry.ContentHash = ingest.KindReport, report.Body, summary.ContentHash(report.Body)
	}
	return entry, nil
}

// wait returns when the appliers are through, and says now and then how far they are.
func (l *Loader) wait(ctx context.Context, st store, total int) error {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for tick := 1; ; tick++ {
		left, err := st.waiting(ctx)
		if err != nil {
			return err
		}
		if left == 0 {
			return nil
		}
		if tick%25 == 0 {
			l.Log.InfoContext(ctx, "loading the demo fleet", "applied", int64(total)-left, "of", total)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the demo's reports: %w", ctx.Err())
		case <-ticker.C:
		}
	}
}
