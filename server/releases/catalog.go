package releases

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
	"drumbeat/server/updatestatus"
)

// Advisory locks. Who takes both takes them in this order.
const (
	// countingLock orders reports and new verdicts: see the package comment.
	countingLock = 0x6472756d_0001
	// catalogLock keeps verdicts on versions seen for the first time (shared)
	// apart from new verdicts on a feed's change (exclusive), so that no version
	// is judged by a feed that was just replaced. It is a lock of its own so
	// that Resolve never waits for somebody who waits for a report.
	catalogLock = 0x6472756d_0002
)

// Bounds of what a site may name. Longer values would not fit into an index.
const (
	maxNameBytes    = 512
	maxVersionBytes = 512
)

// Installed is a project as a site reports it.
type Installed struct {
	Project string // short name at drupal.org; at most 512 bytes of UTF-8
	Title   string // for people; used for projects never heard of before
	// RuleSet is the value of the updatestatus.RuleSet that the site's core
	// judges by: "current", "10.2" or "7".
	RuleSet string
	Version *string // verbatim; nil when the site knows none. At most 512 bytes
	// Datestamp is the packaging time in Unix seconds, 0 when unknown. It is
	// ignored for all but development snapshots.
	Datestamp int64
	// StatusURL is where the project says its releases are published; empty for
	// drupal.org. It counts only where that server is allowed.
	StatusURL string
}

// Ref identifies an installed version of a project in the database, for good.
type Ref struct{ ModuleID, VersionID int64 }

// Catalog finds the rows for what sites report, and makes and judges those that
// are missing. It may be used by any number of goroutines and processes.
type Catalog struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	now  func() time.Time

	judges  *judges
	servers Servers

	mu   sync.Mutex
	refs *simplelru.LRU[installedKey, Ref]
}

// installedKey is what distinguishes two installed versions.
type installedKey struct {
	project, ruleSet, version string
	hasVersion                bool
	datestamp                 int64
}

// Memory bounds: about 15 MB of references when full, which holds every version
// of a large fleet.
const (
	cachedRefs   = 65536
	resolveBatch = 4096
)

// NewCatalog makes a catalogue on the given database.
func NewCatalog(pool *pgxpool.Pool, log *slog.Logger) *Catalog {
	refs, err := simplelru.NewLRU[installedKey, Ref](cachedRefs, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Catalog{pool: pool, log: log, now: time.Now, refs: refs, judges: newJudges(log)}
}

// WithServers makes the catalogue take projects from servers of their own. It
// is to be called before anything else.
func (c *Catalog) WithServers(s Servers) *Catalog {
	c.servers = s
	return c
}

// LockShared takes the counting lock shared until tx ends. Every transaction
// that writes what is on a site takes it before it writes.
func (c *Catalog) LockShared(ctx context.Context, tx pgx.Tx) error {
	if err := db.New(tx).LockCountingShared(ctx, countingLock); err != nil {
		return fmt.Errorf("take the counting lock: %w", err)
	}
	return nil
}

// Resolve gives the row of each installed version, in the same order. Those
// never seen before are added and judged by what is known of their feed, in
// transactions of their own that are committed when it returns; where no feed
// is known yet, one is asked for.
//
// Names and versions beyond the bounds of Installed, or that PostgreSQL could
// not store, are an error.
func (c *Catalog) Resolve(ctx context.Context, installed []Installed) ([]Ref, error) {
	refs := make([]Ref, len(installed))
	var missing []int
	c.mu.Lock()
	for i := range installed {
		ref, ok := c.refs.Get(c.keyOf(&installed[i]))
		if !ok {
			missing = append(missing, i)
			continue
		}
		refs[i] = ref
	}
	c.mu.Unlock()

	for batch := range slices.Chunk(missing, resolveBatch) {
		if err := c.resolveMissing(ctx, installed, refs, batch); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

func (c *Catalog) keyOf(in *Installed) installedKey {
	key := installedKey{project: c.servers.moduleName(in.Project, in.StatusURL), ruleSet: in.RuleSet}
	if in.Version != nil {
		key.hasVersion, key.version = true, *in.Version
		if isSnapshot(*in.Version) {
			key.datestamp = in.Datestamp
		}
	}
	return key
}

// isSnapshot tells whether Drupal takes a version for that of a development
// snapshot, the only kind whose packaging time matters.
func isSnapshot(version string) bool {
	return strings.Contains(version, "dev") || strings.Contains(version, "HEAD")
}

// resolveMissing finds or makes the rows of those of the installed versions
// that items lists, and fills them into refs.
func (c *Catalog) resolveMissing(ctx context.Context, installed []Installed, refs []Ref, items []int) error {
	wanted := make(map[installedKey]string, len(items)) // to titles
	for _, i := range items {
		if err := validate(&installed[i]); err != nil {
			return err
		}
		wanted[c.keyOf(&installed[i])] = installed[i].Title
	}
	keys := make([]installedKey, 0, len(wanted))
	for key := range wanted {
		keys = append(keys, key)
	}

	found, err := findInstalled(ctx, db.New(c.pool), keys)
	if err != nil {
		return err
	}
	if len(found) < len(keys) {
		added := make([]installedKey, 0, len(keys)-len(found))
		for _, key := range keys {
			if _, ok := found[key]; !ok {
				added = append(added, key)
			}
		}
		rows, err := c.add(ctx, added, wanted)
		if err != nil {
			return fmt.Errorf("add %d installed versions: %w", len(added), err)
		}
		for key, ref := range rows {
			found[key] = ref
		}
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range items {
		key := c.keyOf(&installed[i])
		ref, ok := found[key]
		if !ok {
			return fmt.Errorf("resolve %s: no row was found or made", key.project)
		}
		refs[i] = ref
	}
	for key, ref := range found {
		// The strings of a report share its memory; the cache must not keep it.
		key.project, key.version = strings.Clone(key.project), strings.Clone(key.version)
		key.ruleSet = strings.Clone(key.ruleSet)
		c.refs.Add(key, ref)
	}
	return nil
}

func validate(in *Installed) error {
	switch {
	case !updatestatus.RuleSet(in.RuleSet).Valid():
		return fmt.Errorf("resolve: %q is no rule set", in.RuleSet)
	case in.Project == "" || len(in.Project) > maxNameBytes || !storable(in.Project):
		return fmt.Errorf("resolve: %.40q cannot be the name of a project", in.Project)
	case in.Version != nil && (len(*in.Version) > maxVersionBytes || !storable(*in.Version)):
		return fmt.Errorf("resolve %s: version %.40q cannot be stored", in.Project, *in.Version)
	}
	return nil
}

func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// title makes what a site calls a project fit to store.
func title(s string) string {
	const most = 255
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

func findInstalled(ctx context.Context, q *db.Queries, keys []installedKey) (map[installedKey]Ref, error) {
	arg := db.FindInstalledVersionsParams{}
	for i, key := range keys {
		arg.Items = append(arg.Items, int64(i))
		arg.Modules = append(arg.Modules, key.project)
		arg.RuleSets = append(arg.RuleSets, key.ruleSet)
		arg.Versions = append(arg.Versions, key.version)
		arg.HasVersions = append(arg.HasVersions, key.hasVersion)
		arg.Datestamps = append(arg.Datestamps, key.datestamp)
	}
	rows, err := q.FindInstalledVersions(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("find %d installed versions: %w", len(keys), err)
	}
	found := make(map[installedKey]Ref, len(keys))
	for _, row := range rows {
		found[keys[row.Item]] = Ref{ModuleID: row.ModuleID, VersionID: row.VersionID}
	}
	return found, nil
}

// add makes the rows of versions never seen before and judges them.
func (c *Catalog) add(ctx context.Context, keys []installedKey, titles map[installedKey]string) (map[installedKey]Ref, error) {
	var found map[installedKey]Ref
	err := pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := q.LockCountingShared(ctx, catalogLock); err != nil {
			return fmt.Errorf("take the catalogue lock: %w", err)
		}
		moduleIDs, err := addModules(ctx, q, keys, titles)
		if err != nil {
			return err
		}
		newFeeds, err := c.addFeeds(ctx, q, keys, moduleIDs)
		if err != nil {
			return err
		}
		versions, err := addVersions(ctx, q, keys, moduleIDs)
		if err != nil {
			return err
		}
		if err := c.judgeNew(ctx, q, versions); err != nil {
			return err
		}
		if newFeeds > 0 {
			if err := q.NotifyFeedsWanted(ctx); err != nil {
				return fmt.Errorf("ask for feeds: %w", err)
			}
		}
		found, err = findInstalled(ctx, q, keys)
		return err
	})
	return found, err
}

// addModules makes sure that the projects exist, and gives their ids by name.
func addModules(ctx context.Context, q *db.Queries, keys []installedKey, titles map[installedKey]string) (map[string]int64, error) {
	byName := map[string]string{}
	for _, key := range keys {
		if t := titles[key]; byName[key.project] == "" {
			byName[key.project] = title(t)
		}
	}
	var arg db.AddModulesParams
	for name, t := range byName {
		arg.Modules = append(arg.Modules, name)
		arg.Titles = append(arg.Titles, t)
		link := ""
		if _, _, own := splitProject(name); !own {
			link = "https://www.drupal.org/project/" + url.PathEscape(name)
		}
		arg.DrupalLinks = append(arg.DrupalLinks, link)
	}
	if err := q.AddModules(ctx, arg); err != nil {
		return nil, fmt.Errorf("add modules: %w", err)
	}
	rows, err := q.FindModules(ctx, arg.Modules)
	if err != nil {
		return nil, fmt.Errorf("find modules: %w", err)
	}
	ids := make(map[string]int64, len(rows))
	for _, row := range rows {
		ids[row.ModuleName] = row.ID
	}
	return ids, nil
}

// addFeeds makes sure that each project has a feed in the series its version is
// judged by, and says how many are new.
func (c *Catalog) addFeeds(ctx context.Context, q *db.Queries, keys []installedKey, moduleIDs map[string]int64) (int64, error) {
	type feed struct {
		module int64
		series string
	}
	feeds := map[feed]bool{}
	for _, key := range keys {
		feeds[feed{moduleIDs[key.project], updatestatus.RuleSet(key.ruleSet).Series()}] = true
	}
	arg := db.AddFeedsParams{Now: c.now()}
	for f := range feeds {
		arg.ModuleIds = append(arg.ModuleIds, f.module)
		arg.Series = append(arg.Series, f.series)
	}
	added, err := q.AddFeeds(ctx, arg)
	if err != nil {
		return 0, fmt.Errorf("add feeds: %w", err)
	}
	return added, nil
}

// addVersions makes sure that the versions stand as installed, and gives those
// that did not before.
func addVersions(ctx context.Context, q *db.Queries, keys []installedKey, moduleIDs map[string]int64) ([]db.AddInstalledVersionsRow, error) {
	arg := db.AddInstalledVersionsParams{}
	for _, key := range keys {
		arg.ModuleIds = append(arg.ModuleIds, moduleIDs[key.project])
		arg.RuleSets = append(arg.RuleSets, key.ruleSet)
		arg.Versions = append(arg.Versions, key.version)
		arg.HasVersions = append(arg.HasVersions, key.hasVersion)
		arg.Datestamps = append(arg.Datestamps, key.datestamp)
	}
	rows, err := q.AddInstalledVersions(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("add versions: %w", err)
	}
	return rows, nil
}

// judgeNew gives versions their first verdict. No site has them yet, so there is
// nothing to spread.
func (c *Catalog) judgeNew(ctx context.Context, q *db.Queries, versions []db.AddInstalledVersionsRow) error {
	if len(versions) == 0 {
		return nil
	}
	modules := make([]int64, 0, len(versions))
	for _, v := range versions {
		modules = append(modules, v.ModuleID)
	}
	feeds, err := c.judges.load(ctx, q, distinct(modules))
	if err != nil {
		return err
	}
	now := c.now()
	var verdicts verdictWriter
	for _, v := range versions {
		ruleSet := updatestatus.RuleSet(v.RuleSet)
		feed := feeds[feedKey{v.ModuleID, ruleSet.Series()}]
		if feed == nil {
			return fmt.Errorf("judge version %d: its project has no feed", v.ID)
		}
		j, err := judge(feed, ruleSet, v.VersionNumber, v.Datestamp, now)
		if err != nil {
			return err
		}
		verdicts.add(v.ID, j, true)
	}
	return verdicts.write(ctx, q, now, "report")
}

// distinct sorts ids and drops repeated ones.
func distinct(ids []int64) []int64 {
	slices.SortFunc(ids, cmp.Compare[int64])
	return slices.Compact(ids)
}
