package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"drumbeat/gen/db"
	"drumbeat/server/inventory"
	"drumbeat/server/sites"
)

// duplicateWindow is how far back a report id is looked for. Beyond it a report
// that comes again is late or unchanged anyway.
const duplicateWindow = 35 * 24 * time.Hour

// notifyAll is the number of sites up to which a batch tells the open pages of
// every site that was heard from; larger ones tell only what changed.
const notifyAll = 20

// errNotRead says that the transaction needs a body which was not read.
var errNotRead = errors.New("a report must be read first")

type reportKey struct {
	site   int64
	report inventory.UUID
}

type contentKey struct {
	site int64
	hash [32]byte
}

// work is one batch inside its transaction.
type work struct {
	q  *db.Queries
	tx pgx.Tx
	// bulk says that this role may check many rows at once.
	bulk      bool
	standings map[int64]*standing
	audits    []db.InsertAuditLogsParams
	// auditContent is the content that each audit row points to, until it has an id.
	auditContent []contentKey
	contents     map[contentKey]*item
	contentIDs   map[contentKey]int64
	applied      []*item // in order
	runs         []patchRun
	closed       db.ClosePeriodsParams
	amended      db.AmendPeriodsParams
	amendedAt    map[int64]int // where in amended a period stands
	opened       []db.OpenPeriodsParams
}

type patchRun struct {
	it      *item
	at      time.Time
	changes []change
}

// commit applies a prepared batch in one transaction. finish runs inside of it.
func (a *Applier) commit(ctx context.Context, items []*item, finish func(context.Context, pgx.Tx) error) error {
	tx, err := a.pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		// After a commit this does nothing.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	if err := a.versions.LockShared(ctx, tx); err != nil {
		return err
	}
	w := &work{
		q:          db.New(tx),
		tx:         tx,
		bulk:       a.mayCheckInBulk(ctx, tx),
		contents:   map[contentKey]*item{},
		contentIDs: map[contentKey]int64{},
		amendedAt:  map[int64]int{},
	}
	if err := w.lock(ctx, items); err != nil {
		return err
	}
	if err := w.decide(ctx, items); err != nil {
		return err
	}
	if err := w.write(ctx); err != nil {
		return err
	}
	changed := make([]int64, 0, len(w.applied))
	heard := make([]int64, 0, len(w.standings))
	for id, s := range w.standings {
		if s.last != nil {
			changed = append(changed, id)
		}
		if s.touched {
			heard = append(heard, id)
		}
	}
	slices.Sort(changed)
	slices.Sort(heard)
	if len(changed) > 0 {
		if _, err := sites.Recount(ctx, tx, changed); err != nil {
			return err
		}
	}
	if len(heard) <= notifyAll {
		changed = heard
	}
	if err := sites.NotifyChanged(ctx, tx, changed); err != nil {
		return err
	}
	if finish != nil {
		if err := finish(ctx, tx); err != nil {
			return err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// mayCheckInBulk asks the database once for what the role may do.
func (a *Applier) mayCheckInBulk(ctx context.Context, tx pgx.Tx) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bulk == nil {
		may, err := db.New(tx).MayCheckInBulk(ctx)
		if err != nil {
			return false
		}
		a.bulk = &may
	}
	return *a.bulk
}

// lock takes the state row of each site of the batch, and makes those that are missing.
func (w *work) lock(ctx context.Context, items []*item) error {
	ids := make([]int64, 0, len(items))
	for _, it := range items {
		ids = append(ids, it.SiteID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	rows, err := w.q.LockReportedSites(ctx, ids)
	if err == nil && len(rows) < len(ids) {
		if err = w.q.CreateSiteStates(ctx, ids); err == nil {
			rows, err = w.q.LockReportedSites(ctx, ids)
		}
	}
	if err != nil {
		return fmt.Errorf("lock %d sites: %w", len(ids), err)
	}
	w.standings = make(map[int64]*standing, len(rows))
	for i := range rows {
		row := &rows[i]
		s := &standing{siteID: row.SiteID, created: row.CreatedAt, deleted: row.DeletedAt != nil, inventory: row.InventoryHash}
		if row.CollectedAt != nil {
			s.collected = *row.CollectedAt
		}
		if row.ContentID != nil {
			s.contentID = *row.ContentID
		}
		if s.hasHash = len(row.ContentHash) == len(s.hash); s.hasHash {
			copy(s.hash[:], row.ContentHash)
		}
		s.first = !s.hasHash
		w.standings[row.SiteID] = s
	}
	return nil
}

// decide gives every entry its status, in order, and notes what is to be written.
func (w *work) decide(ctx context.Context, items []*item) error {
	known, err := w.known(ctx, items)
	if err != nil {
		return err
	}
	w.audits = make([]db.InsertAuditLogsParams, 0, len(items))
	w.auditContent = make([]contentKey, 0, len(items))
	unread := false
	for _, it := range items {
		s := w.standings[it.SiteID]
		if s == nil {
			// The site is gone, and its history with it.
			continue
		}
		if it.Kind == KindRefused {
			w.audit(it, statusRefused, it.Detail, contentKey{})
			continue
		}
		if s.deleted {
			w.audit(it, statusRefused, "the site was deleted", contentKey{})
			continue
		}
		key := reportKey{it.SiteID, it.ReportID}
		if before := known[key]; len(before) > 0 {
			if !slices.Contains(before, it.Received) {
				w.audit(it, statusDuplicate, "", contentKey{})
			}
			// Otherwise the very same entry was delivered twice.
			continue
		}
		known[key] = append(known[key], it.Received)

		oldContent := contentKey{it.SiteID, s.hash}
		status, detail := decide(s, it)
		switch status {
		case statusApplied, statusLate:
			content := contentKey{}
			if it.Kind == KindReport {
				content = contentKey{it.SiteID, it.ContentHash}
				if content == oldContent && s.contentID != 0 {
					w.contentIDs[content] = s.contentID
				} else {
					w.contents[content] = it
				}
			}
			if status == statusApplied {
				w.applied = append(w.applied, it)
			}
			if it.Kind == KindReport && it.read == nil {
				it.mustRead, unread = true, true
			}
			w.audit(it, status, detail, content)
		default:
			if s.contentID != 0 && s.last == nil {
				w.contentIDs[oldContent] = s.contentID
			}
			content := contentKey{}
			if status != statusInventoryUnknown {
				content = oldContent
			}
			w.audit(it, status, detail, content)
		}
	}
	if unread {
		return errNotRead
	}
	return nil
}

// known gives the receipts of the reports of the batch that are in the audit log.
func (w *work) known(ctx context.Context, items []*item) (map[reportKey][]int64, error) {
	var arg db.KnownReportsParams
	var zero inventory.UUID
	oldest := int64(0)
	for _, it := range items {
		if it.ReportID == zero || it.Kind == KindRefused {
			continue
		}
		arg.SiteIds = append(arg.SiteIds, it.SiteID)
		arg.ReportIds = append(arg.ReportIds, uuid.UUID(it.ReportID))
		if oldest == 0 || it.Received < oldest {
			oldest = it.Received
		}
	}
	known := make(map[reportKey][]int64, len(items))
	if len(arg.SiteIds) == 0 {
		return known, nil
	}
	arg.Since = time.UnixMicro(oldest).UTC().Add(-duplicateWindow)
	rows, err := w.q.KnownReports(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("look for reports that were here before: %w", err)
	}
	for _, row := range rows {
		if row.Status == statusRefused {
			continue
		}
		key := reportKey{row.SiteID, inventory.UUID(row.ReportID)}
		known[key] = append(known[key], row.CreatedAt.UnixMicro())
	}
	return known, nil
}

func (w *work) audit(it *item, status, detail string, content contentKey) {
	row := db.InsertAuditLogsParams{
		SiteID: it.SiteID, CreatedAt: it.ReceivedAt(), Status: status,
		Trigger: it.Trigger.String(), Detail: clip([]byte(detail), maxDetail),
	}
	if it.ReportID != (inventory.UUID{}) {
		id := uuid.UUID(it.ReportID)
		row.ReportID = &id
	}
	if it.Kind != KindRefused || it.Collected != 0 {
		at := it.CollectedAt()
		row.CollectedAt = &at
	}
	if it.Kind == KindRefused && len(it.Body) > 0 {
		// A JSON string: what was refused need not be JSON.
		row.Data, _ = json.Marshal(clip(it.Body, maxRefusedData))
	}
	w.audits = append(w.audits, row)
	w.auditContent = append(w.auditContent, content)
}

// write brings the noted changes into the database: a fixed number of
// statements, however many sites and projects there are.
func (w *work) write(ctx context.Context) error {
	if err := w.storeContents(ctx); err != nil {
		return err
	}
	if err := w.periods(ctx); err != nil {
		return err
	}
	if err := w.patchRuns(ctx); err != nil {
		return err
	}
	if err := w.states(ctx); err != nil {
		return err
	}
	for i, key := range w.auditContent {
		if id, ok := w.contentIDs[key]; ok {
			w.audits[i].ContentID = &id
		}
	}
	if len(w.audits) > 0 {
		// All that their keys ask is that the sites are there: they are locked.
		return w.insert(ctx, len(w.audits) >= bulkAudits, func() error {
			if _, err := w.q.InsertAuditLogs(ctx, w.audits); err != nil {
				return fmt.Errorf("write %d audit rows: %w", len(w.audits), err)
			}
			return nil
		})
	}
	return nil
}

func (w *work) storeContents(ctx context.Context) error {
	if len(w.contents) == 0 {
		return nil
	}
	var arg db.StoreContentsParams
	for key, it := range w.contents {
		arg.SiteIds = append(arg.SiteIds, key.site)
		arg.ContentHashes = append(arg.ContentHashes, it.ContentHash[:])
		arg.Bodies = append(arg.Bodies, it.read.body)
		arg.BodySizes = append(arg.BodySizes, int32(it.read.size))
	}
	rows, err := w.q.StoreContents(ctx, arg)
	if err != nil {
		return fmt.Errorf("store %d reports: %w", len(arg.SiteIds), err)
	}
	for _, row := range rows {
		w.contentIDs[contentKey{row.SiteID, [32]byte(row.ContentHash)}] = row.ID
	}
	return nil
}

// periods compares the applied reports, in order, with what is on their sites.
func (w *work) periods(ctx context.Context) error {
	if len(w.applied) == 0 {
		return nil
	}
	current := map[int64]map[int64]*period{}
	var ids []int64
	for _, it := range w.applied {
		if current[it.SiteID] == nil {
			current[it.SiteID] = map[int64]*period{}
			if !w.standings[it.SiteID].first {
				ids = append(ids, it.SiteID)
			}
		}
	}
	if len(ids) > 0 {
		rows, err := w.q.CurrentPeriods(ctx, ids)
		if err != nil {
			return fmt.Errorf("read what is on %d sites: %w", len(ids), err)
		}
		for _, row := range rows {
			current[row.SiteID][row.ModuleID] = &period{id: row.ID, version: row.VersionID, projectType: row.ProjectType}
		}
	}
	same, err := w.sameVersions(ctx, current)
	if err != nil {
		return err
	}
	begun := map[int64]bool{}
	for _, it := range w.applied {
		s := w.standings[it.SiteID]
		at, _ := effective(&it.Entry, s.created)
		now := current[it.SiteID]
		changes := diff(now, it.read, same)
		s.changed = s.changed || len(changes) > 0
		updates := 0
		for i := range changes {
			c := &changes[i]
			w.move(it.SiteID, at, now, c)
			if c.kind != "" {
				updates++
			}
		}
		if updates > 0 && (!s.first || begun[it.SiteID]) {
			w.runs = append(w.runs, patchRun{it: it, at: at, changes: changes})
		}
		begun[it.SiteID] = true
	}
	if len(w.closed.Ids) > 0 {
		if err := w.q.ClosePeriods(ctx, w.closed); err != nil {
			return fmt.Errorf("close %d periods: %w", len(w.closed.Ids), err)
		}
	}
	if len(w.amended.Ids) > 0 {
		if err := w.q.AmendPeriods(ctx, w.amended); err != nil {
			return fmt.Errorf("amend %d periods: %w", len(w.amended.Ids), err)
		}
	}
	return w.open(ctx)
}

// sameVersions tells one version under two rule sets from two versions, among
// those that the applied reports put in each other's place.
func (w *work) sameVersions(ctx context.Context, current map[int64]map[int64]*period) (func(a, b int64) bool, error) {
	type place struct{ site, module int64 }
	latest := map[place]int64{}
	var ids []int64
	for _, it := range w.applied {
		for _, ref := range it.read.refs {
			at := place{it.SiteID, ref.ModuleID}
			before, ok := latest[at]
			if !ok {
				if now := current[it.SiteID][ref.ModuleID]; now != nil {
					before, ok = now.version, true
				}
			}
			if ok && before != ref.VersionID {
				ids = append(ids, before, ref.VersionID)
			}
			if ok || len(w.applied) > 1 {
				latest[at] = ref.VersionID
			}
		}
	}
	if len(ids) == 0 {
		return func(a, b int64) bool { return a == b }, nil
	}
	slices.Sort(ids)
	rows, err := w.q.VersionTexts(ctx, slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("read the versions that changed: %w", err)
	}
	type text struct {
		number    string
		known     bool
		datestamp int64
	}
	texts := make(map[int64]text, len(rows))
	for _, row := range rows {
		t := text{datestamp: row.Datestamp}
		if row.VersionNumber != nil {
			t.number, t.known = *row.VersionNumber, true
		}
		texts[row.ID] = t
	}
	return func(a, b int64) bool {
		x, ok := texts[a]
		y, too := texts[b]
		return a == b || ok && too && x == y
	}, nil
}

// bulkPeriods is the number of periods from which their foreign keys are
// checked all at once. The check of each single row is two thirds of the cost
// of a site's first report.
const bulkPeriods = 1000

// bulkAudits is the same for audit rows, where it is a half of the cost of a heartbeat.
const bulkAudits = 100

// insert runs do, where there are many rows and the role may without the check
// of each row's foreign keys: the caller has made sure of what they ask.
func (w *work) insert(ctx context.Context, many bool, do func() error) error {
	if !many || !w.bulk {
		return do()
	}
	if _, err := w.tx.Exec(ctx, "SET LOCAL session_replication_role = replica"); err != nil {
		return fmt.Errorf("leave out the checks of single rows: %w", err)
	}
	// On an error the transaction is rolled back, and the setting with it.
	if err := do(); err != nil {
		return err
	}
	if _, err := w.tx.Exec(ctx, "SET LOCAL session_replication_role = origin"); err != nil {
		return fmt.Errorf("take up the checks of single rows: %w", err)
	}
	return nil
}

// open inserts the new periods.
func (w *work) open(ctx context.Context) error {
	if len(w.opened) == 0 {
		return nil
	}
	bulk := w.bulk && len(w.opened) >= bulkPeriods
	if bulk {
		// The sites are locked against deletion (LockReportedSites), and versions
		// are never deleted: that the pairs are there is all that the keys ask.
		var arg db.CountVersionsParams
		seen := make(map[int64]bool, 1024)
		for i := range w.opened {
			if o := &w.opened[i]; !seen[o.VersionID] {
				seen[o.VersionID] = true
				arg.ModuleIds, arg.Ids = append(arg.ModuleIds, o.ModuleID), append(arg.Ids, o.VersionID)
			}
		}
		n, err := w.q.CountVersions(ctx, arg)
		if err != nil {
			return fmt.Errorf("look for %d versions: %w", len(arg.Ids), err)
		}
		if int(n) != len(arg.Ids) {
			return fmt.Errorf("only %d of %d versions are there", n, len(arg.Ids))
		}
	}
	return w.insert(ctx, bulk, func() error {
		if _, err := w.q.OpenPeriods(ctx, w.opened); err != nil {
			return fmt.Errorf("open %d periods: %w", len(w.opened), err)
		}
		return nil
	})
}

// move closes and opens the periods of one change.
func (w *work) move(site int64, at time.Time, now map[int64]*period, c *change) {
	if old := c.old; old != nil && c.kind == "" {
		// It was there all the time: since when stays true.
		if at, again := w.amendedAt[old.id]; again {
			w.amended.VersionIds[at], w.amended.ProjectTypes[at] = c.to, c.newType
		} else if old.id != 0 {
			w.amendedAt[old.id] = len(w.amended.Ids)
			w.amended.Ids = append(w.amended.Ids, old.id)
			w.amended.VersionIds = append(w.amended.VersionIds, c.to)
			w.amended.ProjectTypes = append(w.amended.ProjectTypes, c.newType)
		} else {
			w.opened[old.opened].VersionID, w.opened[old.opened].ProjectType = c.to, c.newType
		}
		old.version, old.projectType = c.to, c.newType
		return
	}
	if old := c.old; old != nil {
		if old.id != 0 {
			w.closed.Ids = append(w.closed.Ids, old.id)
			w.closed.ValidTo = append(w.closed.ValidTo, at)
		} else {
			w.opened[old.opened].ValidTo = &at
		}
		delete(now, c.module)
	}
	if c.to != 0 {
		now[c.module] = &period{version: c.to, opened: len(w.opened), projectType: c.newType}
		w.opened = append(w.opened, db.OpenPeriodsParams{
			SiteID: site, ModuleID: c.module, VersionID: c.to, ProjectType: c.newType, ValidFrom: at,
		})
	}
}

func (w *work) patchRuns(ctx context.Context) error {
	if len(w.runs) == 0 {
		return nil
	}
	versions := map[int64]bool{}
	for _, run := range w.runs {
		for _, c := range run.changes {
			versions[c.from], versions[c.to] = true, true
		}
	}
	rows, err := w.q.VersionClasses(ctx, slices.Collect(maps.Keys(versions)))
	if err != nil {
		return fmt.Errorf("read the verdicts on what changed: %w", err)
	}
	class := make(map[int64]string, len(rows))
	for _, row := range rows {
		class[row.ID] = row.Class
	}
	fixes := func(c *change) bool {
		return c.kind == "updated" && class[c.from] == "insecure" && class[c.to] != "insecure" && class[c.to] != "unknown"
	}
	var arg db.InsertPatchRunsParams
	for _, run := range w.runs {
		var items, fixed int32
		for i := range run.changes {
			if run.changes[i].kind == "" {
				continue
			}
			items++
			if fixes(&run.changes[i]) {
				fixed++
			}
		}
		arg.SiteIds = append(arg.SiteIds, run.it.SiteID)
		arg.RunDates = append(arg.RunDates, run.at)
		arg.Triggers = append(arg.Triggers, run.it.Trigger.String())
		arg.ReportIds = append(arg.ReportIds, uuid.UUID(run.it.ReportID))
		arg.ItemCounts = append(arg.ItemCounts, items)
		arg.SecurityFixCounts = append(arg.SecurityFixCounts, fixed)
	}
	runs, err := w.q.InsertPatchRuns(ctx, arg)
	if err != nil {
		return fmt.Errorf("write %d patch runs: %w", len(w.runs), err)
	}
	ids := make(map[reportKey]int64, len(runs))
	for _, row := range runs {
		ids[reportKey{row.SiteID, inventory.UUID(row.ReportID)}] = row.ID
	}
	var rowsOut []db.InsertPatchRunItemsParams
	for _, run := range w.runs {
		for i := range run.changes {
			c := &run.changes[i]
			if c.kind == "" {
				continue
			}
			rowsOut = append(rowsOut, db.InsertPatchRunItemsParams{
				PatchRunID: ids[reportKey{run.it.SiteID, run.it.ReportID}], ModuleID: c.module, Kind: c.kind,
				FromVersionID: some(c.from), ToVersionID: some(c.to), SecurityFix: fixes(c),
			})
		}
	}
	if _, err := w.q.InsertPatchRunItems(ctx, rowsOut); err != nil {
		return fmt.Errorf("write %d patch run items: %w", len(rowsOut), err)
	}
	return nil
}

func some(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

func (w *work) states(ctx context.Context) error {
	var touch db.TouchSiteStatesParams
	var apply db.ApplySiteStatesParams
	for id, s := range w.standings {
		if !s.touched {
			continue
		}
		if s.last == nil {
			touch.SiteIds = append(touch.SiteIds, id)
			touch.HeardAt = append(touch.HeardAt, s.heard)
			touch.CollectedAt = append(touch.CollectedAt, s.collected)
			continue
		}
		r := &s.last.read.about
		apply.SiteIds = append(apply.SiteIds, id)
		apply.HeardAt = append(apply.HeardAt, s.heard)
		apply.CollectedAt = append(apply.CollectedAt, s.collected)
		apply.Changed = append(apply.Changed, s.changed)
		apply.ContentIds = append(apply.ContentIds, w.contentIDs[contentKey{id, s.hash}])
		apply.ContentHashes = append(apply.ContentHashes, s.hash[:])
		apply.InventoryHashes = append(apply.InventoryHashes, s.inventory)
		apply.Agents = append(apply.Agents, r.agent)
		apply.RuleSets = append(apply.RuleSets, r.ruleSet)
		apply.CoreVersions = append(apply.CoreVersions, r.coreVersion)
		apply.CoreVersionParts = append(apply.CoreVersionParts, versionParts(r.coreVersion))
		apply.PhpVersions = append(apply.PhpVersions, r.platform.PHPVersion)
		apply.PhpSapis = append(apply.PhpSapis, r.platform.PHPSAPI)
		apply.DbDrivers = append(apply.DbDrivers, r.platform.DBDriver)
		apply.DbVersions = append(apply.DbVersions, r.platform.DBVersion)
		apply.Profiles = append(apply.Profiles, r.platform.Profile)
		apply.ReportedUrls = append(apply.ReportedUrls, r.site.URL)
		apply.ReportedNames = append(apply.ReportedNames, r.site.Name)
		apply.ReportedEnvironments = append(apply.ReportedEnvironments, r.site.Environment)
		apply.CustomCounts = append(apply.CustomCounts, int32(r.custom))
	}
	if len(touch.SiteIds) > 0 {
		if err := w.q.TouchSiteStates(ctx, touch); err != nil {
			return fmt.Errorf("note that %d sites were heard from: %w", len(touch.SiteIds), err)
		}
	}
	if len(apply.SiteIds) > 0 {
		if err := w.q.ApplySiteStates(ctx, apply); err != nil {
			return fmt.Errorf("write the state of %d sites: %w", len(apply.SiteIds), err)
		}
	}
	return nil
}
