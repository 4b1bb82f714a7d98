package rpc_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	releasesv1 "drumbeat/gen/go/drumbeat/releases/v1"
	sitesv1 "drumbeat/gen/go/drumbeat/sites/v1"
	"drumbeat/server/platform/testkit"
	"drumbeat/server/releases"
	"drumbeat/server/sites"
)

// feeds is a source of release histories in memory.
type feeds struct {
	mu    sync.Mutex
	byKey map[string]string
}

func (f *feeds) String() string { return "memory" }

func (f *feeds) set(project, series, document string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byKey[project+"/"+series] = document
}

func (f *feeds) Fetch(_ context.Context, r releases.Request) (releases.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	document, ok := f.byKey[r.Project+"/"+r.Series]
	if !ok {
		return releases.Response{}, releases.ErrNoSuchProject
	}
	return releases.Response{Body: []byte(document)}, nil
}

// history writes a release history; each release is "version date term,term".
func history(project, branches, status string, list ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><project><title>%[1]s</title><short_name>%[1]s</short_name>`+
		`<supported_branches>%[2]s</supported_branches><project_status>%[3]s</project_status><releases>`, project, branches, status)
	for _, r := range list {
		parts := strings.SplitN(r, " ", 3)
		date, err := time.Parse(time.DateOnly, parts[1])
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, `<release><version>%[2]s</version><status>published</status><release_link>https://www.drupal.org/project/%[1]s/releases/%[2]s</release_link><date>%[3]d</date><terms>`,
			project, parts[0], date.Unix())
		if len(parts) == 3 {
			for term := range strings.SplitSeq(parts[2], ",") {
				fmt.Fprintf(&b, `<term><name>Release type</name><value>%s</value></term>`, term)
			}
		}
		b.WriteString(`</terms></release>`)
	}
	b.WriteString(`</releases></project>`)
	return b.String()
}

// judging is a world whose sites are judged by feeds in memory.
type judging struct {
	*world
	feeds   *feeds
	service *releases.Service
	catalog *releases.Catalog
}

func newJudging(t *testing.T) *judging {
	t.Helper()
	j := &judging{world: newWorld(t, worldOptions{}), feeds: &feeds{byKey: map[string]string{}}}
	log := testkit.Logger(t)
	j.service = releases.NewService(releases.Options{Pool: j.pool, Source: j.feeds, Log: log, Now: j.clock.Now})
	j.catalog = releases.NewCatalog(j.pool, log)
	return j
}

// install puts versions of projects on a site as a report does.
func (j *judging) install(site uuid.UUID, rules, core string, projects map[string]string) {
	j.t.Helper()
	ctx := j.t.Context()
	var installed []releases.Installed
	for project, version := range projects {
		installed = append(installed, releases.Installed{Project: project, RuleSet: rules, Version: &version})
	}
	refs, err := j.catalog.Resolve(ctx, installed)
	if err != nil {
		j.t.Fatal(err)
	}
	err = pgx.BeginFunc(ctx, j.pool, func(tx pgx.Tx) error {
		var id int64
		if err := tx.QueryRow(ctx, `UPDATE site_states SET core_version = $2, rule_set = $3, last_report_at = $4 FROM sites
			WHERE site_id = id AND uuid = $1 RETURNING site_id`, site, core, rules, j.clock.Now()).Scan(&id); err != nil {
			return err
		}
		for i, ref := range refs {
			kind := "module"
			if installed[i].Project == "drupal" {
				kind = "core"
			}
			if _, err := tx.Exec(ctx, `INSERT INTO site_module_periods (site_id, module_id, version_id, project_type, valid_from)
				VALUES ($1, $2, $3, $4, $5)`, id, ref.ModuleID, ref.VersionID, kind, j.clock.Now()); err != nil {
				return err
			}
		}
		_, err := sites.Recount(ctx, tx, []int64{id})
		return err
	})
	if err != nil {
		j.t.Fatal(err)
	}
}

func (j *judging) sync(projects ...string) {
	j.t.Helper()
	if err := j.service.SyncNow(j.t.Context(), projects, len(projects) == 0, func(releases.SyncResult) {}); err != nil {
		j.t.Fatal(err)
	}
}

// rows are all rows of the list, by site.
func (j *judging) rows(c *client) map[string]*sitesv1.Site {
	j.t.Helper()
	res, err := c.site.ListSites(j.t.Context(), &sitesv1.ListSitesRequest{OrganizationId: j.own.uuid.String(), PageSize: 200})
	if err != nil {
		j.t.Fatal(err)
	}
	rows := map[string]*sitesv1.Site{}
	for _, s := range res.GetSites() {
		rows[s.GetId()] = s
	}
	return rows
}

// TestASecurityReleaseReachesExactlyWhomItConcerns takes a feed from all fine to
// a security release: the row, the counters, the page and the open pages of every
// affected site change, and of no other.
func TestASecurityReleaseReachesExactlyWhomItConcerns(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	j.feeds.set("gate", "current", history("gate", "8.x-1.,2.0.", "published", "2.0.1 2026-03-01", "8.x-1.4 2026-01-01"))
	j.feeds.set("views_x", "current", history("views_x", "1.0.", "published", "1.0.0 2026-01-01"))
	c := j.client(j.session(j.person("ann@example.org", false, j.own, "developer")))
	affected, spared := map[string]bool{}, map[string]bool{}
	for i := range 9 {
		site, _ := j.site(j.own, fmt.Sprintf("Site %d", i))
		switch i % 3 {
		case 0:
			j.install(site, "current", "11.3.1", map[string]string{"gate": "8.x-1.4", "views_x": "1.0.0"})
			affected[site.String()] = true
		case 1: // the same project in a branch that has no hole
			j.install(site, "current", "11.3.1", map[string]string{"gate": "2.0.1"})
			spared[site.String()] = true
		case 2:
			j.install(site, "current", "11.3.1", map[string]string{"views_x": "1.0.0"})
			spared[site.String()] = true
		}
	}
	abroad, _ := j.site(j.foreign, canary)
	j.install(abroad, "current", "11.3.1", map[string]string{"gate": "8.x-1.4"})
	j.sync()
	before := j.rows(c)
	for id, row := range before {
		if row.GetCounts().GetInsecure() != 0 || row.GetCounts().GetOutdated() != 0 || row.GetCounts().GetCurrent() == 0 {
			t.Fatalf("%s is not fine before: %v", id, row.GetCounts())
		}
	}
	stream := watch(t, j.world, c)

	j.feeds.set("gate", "current", history("gate", "8.x-1.,2.0.", "published",
		"2.0.1 2026-03-01", "8.x-1.5 2026-05-20 Security update", "8.x-1.4 2026-01-01 Insecure"))
	j.clock.Advance(time.Minute)
	j.sync("gate")

	after := j.rows(c)
	for id, row := range after {
		switch {
		case affected[id]:
			if n := row.GetCounts(); n.GetInsecure() != 1 || n.GetCurrent() != before[id].GetCounts().GetCurrent()-1 || row.GetUpdateCount() != 1 {
				t.Errorf("an affected site: %v", n)
			}
		case spared[id]:
			if !proto.Equal(row, before[id]) {
				t.Errorf("a site that it does not concern changed from %v to %v", before[id], row)
			}
		}
	}
	// The open page hears of the affected sites and of no other; the site made
	// last marks the end of what there was to hear.
	last, err := j.client(j.session(j.person("ben@example.org", false, j.own, "user"))).site.CreateSite(t.Context(),
		&sitesv1.CreateSiteRequest{OrganizationId: j.own.uuid.String(), Name: "last", Url: "https://last.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	heard := map[string]bool{}
	for !heard[last.GetSite().GetId()] {
		if !stream.Receive() {
			t.Fatalf("the stream ended: %v", stream.Err())
		}
		for _, id := range stream.Msg().GetSiteIds() {
			heard[id] = true
		}
	}
	delete(heard, last.GetSite().GetId())
	for id := range heard {
		if !affected[id] {
			t.Errorf("open pages heard of a site that it does not concern")
		}
	}
	if len(heard) != len(affected) {
		t.Errorf("open pages heard of %d of %d affected sites", len(heard), len(affected))
	}

	summary, err := c.site.GetFleetSummary(t.Context(), &sitesv1.GetFleetSummaryRequest{OrganizationId: j.own.uuid.String()})
	if err != nil || summary.GetInsecure() != int32(len(affected)) {
		t.Errorf("the summary: %v, %v", summary, err)
	}
	for id := range affected {
		res, err := c.site.GetModuleVerdict(t.Context(), &sitesv1.GetModuleVerdictRequest{SiteId: id, ModuleName: "gate"})
		if err != nil {
			t.Fatal(err)
		}
		v := res.GetVerdict()
		if got := v.GetModule().GetExplanation(); got != "8.x-1.4 carries the mark Insecure since 2026-05-20; 8.x-1.5 in the same branch fixes it." {
			t.Errorf("explained: %s", got)
		}
		day := time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC)
		if s := v.GetInsecureSince(); s.GetBasis() != sitesv1.InsecureSince_BASIS_SECURITY_RELEASE || !s.GetAt().AsTime().Equal(day) || s.GetRelease() != "8.x-1.5" {
			t.Errorf("since %v", s)
		}
		if u := v.GetSecurityUpdates(); len(u) != 1 || u[0].GetVersion() != "8.x-1.5" || !strings.HasSuffix(u[0].GetLink(), "/gate/releases/8.x-1.5") || !u[0].GetDate().AsTime().Equal(day) {
			t.Errorf("security releases on the way: %v", u)
		}
		if v.GetRule() != "release-insecure" || !slices.Equal(v.GetInstalled().GetTerms(), []string{"Insecure"}) || v.GetFeed().GetState() != "ok" ||
			v.GetAlsoAvailable()[0].GetVersion() != "2.0.1" || v.GetExposedSince() == nil {
			t.Errorf("evidence: %v", v)
		}
		if ch := v.GetChanges(); len(ch) < 2 || ch[0].GetFrom() != sitesv1.ModuleStatus_MODULE_STATUS_CURRENT || ch[0].GetTo() != sitesv1.ModuleStatus_MODULE_STATUS_NOT_SECURE ||
			!ch[0].GetAt().AsTime().Equal(j.clock.Now().Truncate(time.Microsecond)) {
			t.Errorf("changes: %v", ch)
		}
	}
}

func TestAnEndedPlatformIsAStateOfTheSite(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	projects := map[string]string{"drupal": "7.103", "holed": "7.x-1.0"}
	j.feeds.set("drupal", "7.x", history("drupal", "", "published", "7.103 2024-12-04"))
	j.feeds.set("holed", "7.x", history("holed", "", "published", "7.x-1.1 2024-05-01 Security update", "7.x-1.0 2024-01-01 Insecure"))
	for i := range 30 {
		name := fmt.Sprintf("old_%d", i)
		projects[name] = "7.x-1.0"
		j.feeds.set(name, "7.x", history(name, "", "unsupported", "7.x-1.0 2020-01-01"))
	}
	site, _ := j.site(j.own, "Old")
	j.install(site, "7", "7.103", projects)
	j.sync()
	c := j.client(j.session(j.person("ann@example.org", false, j.own, "developer")))
	res, err := c.site.ListSites(t.Context(), &sitesv1.ListSitesRequest{OrganizationId: j.own.uuid.String(), State: sitesv1.SiteState_SITE_STATE_END_OF_LIFE})
	if err != nil || len(res.GetSites()) != 1 {
		t.Fatalf("the list: %v, %v", res, err)
	}
	row := res.GetSites()[0]
	if row.GetPlatformState() != sitesv1.PlatformState_PLATFORM_STATE_END_OF_LIFE ||
		row.GetPlatformNote() != "Drupal 7 reached its end of life on 2025-01-05: nothing of it gets security fixes any more." {
		t.Errorf("%s: %s", row.GetPlatformState(), row.GetPlatformNote())
	}
	if n := row.GetCounts(); n.GetUnsupported() != 1 || n.GetPlatformEnded() != 30 || n.GetInsecure() != 1 {
		t.Errorf("counts: %v", n)
	}
	modules, err := c.site.ListSiteModules(t.Context(), &sitesv1.ListSiteModulesRequest{SiteId: site.String()})
	if err != nil {
		t.Fatal(err)
	}
	lists := map[sitesv1.ModuleList]int{}
	var order []sitesv1.ModuleList
	for _, m := range modules.GetModules() {
		if lists[m.GetList()]++; lists[m.GetList()] == 1 {
			order = append(order, m.GetList())
		}
	}
	if lists[sitesv1.ModuleList_MODULE_LIST_PLATFORM_ENDED] != 30 || lists[sitesv1.ModuleList_MODULE_LIST_SECURITY] != 1 || len(modules.GetModules()) != 33 {
		t.Errorf("lists: %v", lists)
	}
	if !slices.Equal(order, []sitesv1.ModuleList{1, 5, 4}) {
		t.Errorf("in the order %v", order)
	}
	summary, err := c.site.GetFleetSummary(t.Context(), &sitesv1.GetFleetSummaryRequest{OrganizationId: j.own.uuid.String()})
	if err != nil || summary.GetEndOfLife() != 1 || summary.GetCurrent() != 0 {
		t.Errorf("the summary: %v, %v", summary, err)
	}
}

func TestAdministratorsSeeFeedsAndSayOtherwise(t *testing.T) {
	t.Parallel()
	j := newJudging(t)
	j.feeds.set("gate", "current", history("gate", "1.0.", "published", "1.0.1 2026-05-20 Security update", "1.0.0 2026-01-01 Insecure"))
	site, _ := j.site(j.own, "Site")
	j.install(site, "current", "11.3.1", map[string]string{"gate": "1.0.0", "nowhere": "1.0.0"})
	j.sync()
	c := j.client(j.session(j.person("root@example.org", true, j.own, "organization_admin")))
	ctx := t.Context()

	page, err := c.rels.ListFeeds(ctx, &releasesv1.ListFeedsRequest{PageSize: 1})
	if err != nil || len(page.GetFeeds()) != 1 || page.GetNextPageToken() == "" || page.GetFeeds()[0].GetModuleName() != "gate" ||
		page.GetFeeds()[0].GetState() != releasesv1.FeedState_FEED_STATE_OK || page.GetFeeds()[0].GetFetchedAt() == nil {
		t.Fatalf("the first page: %v, %v", page, err)
	}
	counts := map[releasesv1.FeedState]int32{}
	for _, n := range page.GetCounts() {
		counts[n.GetState()] = n.GetFeeds()
	}
	if counts[releasesv1.FeedState_FEED_STATE_OK] != 1 || counts[releasesv1.FeedState_FEED_STATE_MISSING] != 1 {
		t.Errorf("counts: %v", counts)
	}
	page, err = c.rels.ListFeeds(ctx, &releasesv1.ListFeedsRequest{PageSize: 1, PageToken: page.GetNextPageToken()})
	if err != nil || len(page.GetFeeds()) != 1 || page.GetNextPageToken() != "" || page.GetFeeds()[0].GetModuleName() != "nowhere" {
		t.Errorf("the second page: %v, %v", page, err)
	}
	page, err = c.rels.ListFeeds(ctx, &releasesv1.ListFeedsRequest{State: releasesv1.FeedState_FEED_STATE_MISSING, Search: "WHERE"})
	if err != nil || len(page.GetFeeds()) != 1 {
		t.Errorf("by state and name: %v, %v", page, err)
	}
	if _, err := c.rels.CheckFeed(ctx, &releasesv1.CheckFeedRequest{ModuleName: "gate"}); err != nil {
		t.Errorf("asking again: %v", err)
	}

	until := j.clock.Now().Add(24 * time.Hour).Truncate(time.Second)
	set, err := c.rels.SetOverride(ctx, &releasesv1.SetOverrideRequest{
		ModuleName: "gate", Versions: "1.0.*", Status: sitesv1.ModuleStatus_MODULE_STATUS_CURRENT, Note: "patched by us", Reason: "our build has the fix",
		Until: timestamppb.New(until),
	})
	if err != nil || set.GetChangedVersions() != 1 || set.GetOverride().GetAuthor() != "root@example.org" {
		t.Fatalf("set: %v, %v", set, err)
	}
	modules, err := c.site.ListSiteModules(ctx, &sitesv1.ListSiteModulesRequest{SiteId: site.String()})
	if err != nil {
		t.Fatal(err)
	}
	var gate *sitesv1.SiteModule
	for _, m := range modules.GetModules() {
		if m.GetModuleName() == "gate" {
			gate = m
		}
	}
	o := gate.GetOverride()
	if gate.GetStatus() != sitesv1.ModuleStatus_MODULE_STATUS_CURRENT || o.GetInsteadOf() != sitesv1.ModuleStatus_MODULE_STATUS_NOT_SECURE ||
		o.GetNote() != "patched by us" || !o.GetUntil().AsTime().Equal(until) || o.GetSince() == nil {
		t.Errorf("on the site's page: %v", gate)
	}
	list, err := c.rels.ListOverrides(ctx, &releasesv1.ListOverridesRequest{})
	if err != nil || len(list.GetOverrides()) != 1 || list.GetOverrides()[0].GetId() != set.GetOverride().GetId() {
		t.Errorf("listed: %v, %v", list, err)
	}
	if removed, err := c.rels.RemoveOverride(ctx, &releasesv1.RemoveOverrideRequest{OverrideId: set.GetOverride().GetId()}); err != nil || removed.GetChangedVersions() != 1 {
		t.Errorf("removed: %v, %v", removed, err)
	}
	for name, req := range map[string]*releasesv1.SetOverrideRequest{
		"no status":           {ModuleName: "gate", Note: "n", Reason: "r"},
		"a fact":              {ModuleName: "gate", Note: "n", Reason: "r", Status: sitesv1.ModuleStatus_MODULE_STATUS_NOT_FETCHED},
		"no reason":           {ModuleName: "gate", Note: "n", Status: sitesv1.ModuleStatus_MODULE_STATUS_CURRENT},
		"a time that is past": {ModuleName: "gate", Note: "n", Reason: "r", Status: sitesv1.ModuleStatus_MODULE_STATUS_CURRENT, Until: timestamppb.New(j.clock.Now())},
		"no project":          {ModuleName: "../x", Note: "n", Reason: "r", Status: sitesv1.ModuleStatus_MODULE_STATUS_CURRENT},
	} {
		if _, err := c.rels.SetOverride(ctx, req); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}
