package sites

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/zstd"

	"drumbeat/gen/db"
	"drumbeat/server/orgs"
	"drumbeat/server/sitekey"
)

// maxContent bounds what a stored report may unpack to; the door takes less.
const maxContent = 64 << 20

// fewFound is how many hits of a search are sorted by their ids. With more, the
// order is read from its index, and enough hits come along soon.
const fewFound = 500

// store is, with Recount and NotifyChanged, the only caller of this feature's
// queries. With tx set it runs in that transaction.
type store struct {
	pool *pgxpool.Pool
	tx   pgx.Tx
}

func (st *store) q() *db.Queries {
	if st.tx != nil {
		return db.New(st.tx)
	}
	return db.New(st.pool)
}

func (st *store) inTx(ctx context.Context, do func(*store) error) error {
	return pgx.BeginFunc(ctx, st.pool, func(tx pgx.Tx) error {
		return do(&store{pool: st.pool, tx: tx})
	})
}

// ownPlans runs each query with a plan of its own instead of a prepared one,
// so that PostgreSQL plans for the arguments at hand.
type ownPlans struct{ db.DBTX }

func (p ownPlans) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return p.DBTX.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

func (p ownPlans) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return p.DBTX.QueryRow(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

type listParams struct {
	organizationID int64
	order          order
	state          State
	silentBefore   time.Time
	pattern        string
	after          *listKey
	limit          int
}

func (st *store) listIDs(ctx context.Context, p listParams) ([]int64, error) {
	return listIDs(ctx, db.New(ownPlans{st.pool}), p)
}

// listIDs gives the ids of a page in its order. The queries have to run with
// plans of their own.
func listIDs(ctx context.Context, q *db.Queries, p listParams) ([]int64, error) {
	first := p.after == nil
	key := listKey{}
	if !first {
		key = *p.after
	}
	if key.Parts == nil {
		key.Parts = []int32{}
	}
	moment := time.UnixMicro(key.Micros)
	limit, state := int32(p.limit), int32(p.state)
	pattern, narrowed, ids := p.pattern, false, []int64{}
	if pattern != "" {
		found, err := q.FindSites(ctx, db.FindSitesParams{Pattern: pattern, OrganizationID: p.organizationID, MaxRows: fewFound + 1})
		if err != nil {
			return nil, fmt.Errorf("find sites: %w", err)
		}
		if len(found) <= fewFound {
			pattern, narrowed, ids = "", true, append(ids, found...)
		}
	}
	switch p.order.name {
	case "security":
		return q.ListSitesBySecurity(ctx, db.ListSitesBySecurityParams{
			OrganizationID: p.organizationID, State: state, SilentBefore: p.silentBefore, Narrowed: narrowed, Ids: ids, Pattern: pattern,
			First: first, Descending: p.order.desc, Key1: key.Counts[0], Key2: key.Counts[1], Key3: key.Counts[2], KeyID: key.ID, MaxRows: limit,
		})
	case "updates":
		return q.ListSitesByUpdates(ctx, db.ListSitesByUpdatesParams{
			OrganizationID: p.organizationID, State: state, SilentBefore: p.silentBefore, Narrowed: narrowed, Ids: ids, Pattern: pattern,
			First: first, Descending: p.order.desc, Key1: key.Counts[0], KeyID: key.ID, MaxRows: limit,
		})
	case "core":
		return q.ListSitesByCore(ctx, db.ListSitesByCoreParams{
			OrganizationID: p.organizationID, State: state, SilentBefore: p.silentBefore, Narrowed: narrowed, Ids: ids, Pattern: pattern,
			First: first, Descending: p.order.desc, Key1: key.Parts, KeyID: key.ID, MaxRows: limit,
		})
	case "name":
		return q.ListSitesByName(ctx, db.ListSitesByNameParams{
			OrganizationID: p.organizationID, State: state, SilentBefore: p.silentBefore, Narrowed: narrowed, Ids: ids, Pattern: pattern,
			First: first, Descending: p.order.desc, Key1: key.Text, KeyID: key.ID, MaxRows: limit,
		})
	case "url":
		return q.ListSitesByURL(ctx, db.ListSitesByURLParams{
			OrganizationID: p.organizationID, State: state, SilentBefore: p.silentBefore, Narrowed: narrowed, Ids: ids, Pattern: pattern,
			First: first, Descending: p.order.desc, Key1: key.Text, KeyID: key.ID, MaxRows: limit,
		})
	case "created":
		return q.ListSitesByCreated(ctx, db.ListSitesByCreatedParams{
			OrganizationID: p.organizationID, State: state, SilentBefore: p.silentBefore, Narrowed: narrowed, Ids: ids, Pattern: pattern,
			First: first, Descending: p.order.desc, Key1: moment, KeyID: key.ID, MaxRows: limit,
		})
	case "last_report":
		return q.ListSitesByLastReport(ctx, db.ListSitesByLastReportParams{
			OrganizationID: p.organizationID, State: state, SilentBefore: p.silentBefore, Narrowed: narrowed, Ids: ids, Pattern: pattern,
			First: first, Descending: p.order.desc, Key1: moment, KeyID: key.ID, MaxRows: limit,
		})
	}
	return nil, fmt.Errorf("there is no order %q", p.order.name)
}

// sites reads those of the given sites that the organisation has, in the given
// order.
func (st *store) sites(ctx context.Context, organizationID int64, ids []int64) ([]Site, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := st.q().GetSitesByID(ctx, db.GetSitesByIDParams{Ids: ids, OrganizationID: organizationID})
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*db.GetSitesByIDRow, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	sites := make([]Site, 0, len(rows))
	for _, id := range ids {
		r := byID[id]
		if r == nil {
			continue
		}
		sites = append(sites, Site{
			ID: r.Uuid, OrganizationID: r.OrganizationUuid, Name: r.Name, URL: r.Url, Environment: r.Environment, CreatedAt: r.CreatedAt,
			CoreVersion: r.CoreVersion, CoreStatus: r.CoreStatus, PHPVersion: r.PhpVersion, DBDriver: r.DbDriver, DBVersion: r.DbVersion, Profile: r.Profile,
			Counts: Counts{
				Insecure: r.InsecureCount, Unsupported: r.UnsupportedCount, Outdated: r.OutdatedCount,
				Current: r.CurrentCount, Unknown: r.UnknownCount, Custom: r.CustomCount, PlatformEnded: r.PlatformEndedCount,
			},
			PlatformState: r.PlatformState, PlatformEnd: r.PlatformEnd,
			UpdateCount: r.UpdateCount, SecurityUpdateCount: r.SecurityUpdateCount,
			LastReportAt: r.LastReportAt, ChangedAt: r.ChangedAt,
			id: r.ID, sortName: r.SortName, sortURL: r.SortUrl, coreParts: r.CoreVersionParts,
		})
	}
	return sites, nil
}

func (st *store) summary(ctx context.Context, organizationID int64, silentBefore time.Time) (Summary, error) {
	r, err := st.q().SummarizeSites(ctx, db.SummarizeSitesParams{OrganizationID: organizationID, SilentBefore: silentBefore})
	if err != nil {
		return Summary{}, err
	}
	return Summary{
		Sites: r.Sites, Insecure: r.Insecure, Unsupported: r.Unsupported, Outdated: r.Outdated, Unknown: r.Unknown,
		Current: r.Current, Waiting: r.Waiting, Silent: r.Silent, Reporting: r.Reporting, EndOfLife: r.EndOfLife, Ending: r.Ending,
	}, nil
}

// create gives the id of the new site.
func (st *store) create(ctx context.Context, a orgs.Actor, d Draft, now time.Time) (int64, error) {
	q := st.q()
	r, err := q.CreateSite(ctx, db.CreateSiteParams{
		OrganizationID: a.OrganizationID, Name: d.Name, Url: d.URL, Environment: d.Environment, CreatedBy: &a.UserID, Now: now,
	})
	if err != nil {
		return 0, err
	}
	if err := q.AddSiteOwner(ctx, db.AddSiteOwnerParams{SiteID: r.ID, OrganizationID: a.OrganizationID, Now: now}); err != nil {
		return 0, fmt.Errorf("note its owner: %w", err)
	}
	if err := q.CreateSiteState(ctx, db.CreateSiteStateParams{SiteID: r.ID, OrganizationID: a.OrganizationID}); err != nil {
		return 0, fmt.Errorf("make its counters: %w", err)
	}
	return r.ID, nil
}

func (st *store) update(ctx context.Context, a orgs.Actor, c Change, now time.Time) (int64, error) {
	p := db.UpdateSiteParams{ID: a.SiteID, OrganizationID: a.OrganizationID, Now: now}
	if c.Name != nil {
		p.SetName, p.Name = true, *c.Name
	}
	if c.URL != nil {
		p.SetUrl, p.Url = true, *c.URL
	}
	if c.Environment != nil {
		p.SetEnvironment, p.Environment = true, *c.Environment
	}
	return st.q().UpdateSite(ctx, p)
}

func (st *store) delete(ctx context.Context, a orgs.Actor, now time.Time) (int64, error) {
	q := st.q()
	n, err := q.DeleteSite(ctx, db.DeleteSiteParams{ID: a.SiteID, OrganizationID: a.OrganizationID, Now: &now})
	if err != nil || n == 0 {
		return n, err
	}
	if err := q.DeleteSiteState(ctx, db.DeleteSiteStateParams{SiteID: a.SiteID, Now: &now}); err != nil {
		return 0, fmt.Errorf("delete its counters: %w", err)
	}
	if err := q.RevokeSiteKeys(ctx, db.RevokeSiteKeysParams{SiteID: a.SiteID, Now: &now}); err != nil {
		return 0, fmt.Errorf("revoke its keys: %w", err)
	}
	if err := q.NotifySiteKeys(ctx, "site:"+strconv.FormatInt(a.SiteID, 10)); err != nil {
		return 0, fmt.Errorf("tell of its revoked keys: %w", err)
	}
	return n, nil
}

func (st *store) addKey(ctx context.Context, a orgs.Actor, key sitekey.Key, now time.Time) (Key, error) {
	r, err := st.q().CreateSiteKey(ctx, db.CreateSiteKeyParams{
		SiteID: a.SiteID, KeyHash: key.Hash(), Hint: key.Hint(), CreatedBy: &a.UserID, Now: now,
	})
	if err != nil {
		return Key{}, fmt.Errorf("store a site key: %w", err)
	}
	return Key{ID: r.Uuid, Hint: r.Hint, CreatedAt: r.CreatedAt}, nil
}

func (st *store) liveKeys(ctx context.Context, siteID int64) (int64, error) {
	return st.q().CountLiveSiteKeys(ctx, siteID)
}

func (st *store) keys(ctx context.Context, siteID, before int64, limit int) ([]Key, error) {
	rows, err := st.q().ListSiteKeys(ctx, db.ListSiteKeysParams{SiteID: siteID, BeforeID: before, MaxRows: int32(limit)})
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(rows))
	for i, r := range rows {
		keys[i] = Key{ID: r.Uuid, Hint: r.Hint, CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt, RevokedAt: r.RevokedAt, id: r.ID}
	}
	return keys, nil
}

// revokeKey says whether the site has the key, and tells every process to
// forget it when the transaction commits.
func (st *store) revokeKey(ctx context.Context, siteID int64, id uuid.UUID, now time.Time) (bool, error) {
	hash, err := st.q().RevokeSiteKey(ctx, db.RevokeSiteKeyParams{SiteID: siteID, Uuid: id, Now: &now})
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, st.q().NotifySiteKeys(ctx, hex.EncodeToString(hash))
}

func (st *store) modules(ctx context.Context, siteID int64) ([]Module, error) {
	rows, err := st.q().ListSiteModules(ctx, siteID)
	if err != nil {
		return nil, err
	}
	modules := make([]Module, len(rows))
	for i, r := range rows {
		modules[i] = Module{
			Name: r.ModuleName, Title: r.Title, Link: r.DrupalLink, ProjectType: r.ProjectType,
			List: listOf(r.Class, r.Status, r.PlatformState), Status: r.Status, Version: r.VersionNumber, Recommended: text(r.Recommended),
			UpdateAvailable: r.UpdateAvailable, SecurityUpdate: r.SecurityUpdate,
			InstalledAt: r.ValidFrom, Verdict: r.Verdict, CheckedAt: r.FetchedAt, id: r.ModuleID,
		}
	}
	return modules, nil
}

func (st *store) moduleSites(ctx context.Context, organizationID int64, module, version string, after int64, limit int) ([]ModuleSite, error) {
	q := st.q()
	versions, err := q.ListModuleVersionIDs(ctx, db.ListModuleVersionIDsParams{ModuleName: module, AllVersions: version == "", VersionNumber: version})
	if err != nil || len(versions) == 0 {
		return nil, err
	}
	rows, err := db.New(ownPlans{st.pool}).ListModuleSites(ctx, db.ListModuleSitesParams{
		OrganizationID: organizationID, VersionIds: versions, AfterID: after, MaxRows: int32(limit),
	})
	if err != nil {
		return nil, err
	}
	list := make([]ModuleSite, len(rows))
	for i, r := range rows {
		list[i] = ModuleSite{ID: r.Uuid, Name: r.Name, URL: r.Url, Version: r.VersionNumber, Status: r.Status, Recommended: text(r.Recommended), id: r.ID}
	}
	return list, nil
}

var decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxContent))
})

func (st *store) content(ctx context.Context, siteID int64) ([]byte, error) {
	r, err := st.q().GetSiteContent(ctx, siteID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d, err := decoder()
	if err != nil {
		return nil, err
	}
	body, err := d.DecodeAll(r.Body, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack it: %w", err)
	}
	return body, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
