package releases

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
	"drumbeat/server/platform/cursor"
	"drumbeat/server/platform/fault"
	"drumbeat/server/platform/plaintext"
	"drumbeat/server/updatestatus"
)

// override is an administrator's word on versions of a project, as judging
// needs it.
type override struct {
	versions     string
	status       updatestatus.Status
	note, reason string
	author       string
	since        time.Time
	until        *time.Time // nil: until it is removed
}

// loadOverrides reads what is in force for modules.
func loadOverrides(ctx context.Context, q *db.Queries, modules []int64) (map[int64][]override, error) {
	rows, err := q.ActiveOverrides(ctx, modules)
	if err != nil {
		return nil, fmt.Errorf("load overrides: %w", err)
	}
	said := make(map[int64][]override, len(rows))
	for _, row := range rows {
		said[row.ModuleID] = append(said[row.ModuleID], override{
			versions: row.Versions, status: updatestatus.Status(row.Status), note: row.Note, reason: row.Reason,
			author: row.Author, since: row.CreatedAt, until: row.Until,
		})
	}
	return said, nil
}

// overriding finds what is said of a version: of it alone, else of the longest
// beginning that it has, else of all versions. A version that nobody knows is
// met by what is said of all.
func (k *knownFeed) overriding(version *string, now time.Time) *override {
	var best *override
	closest := -1
	for i := range k.overrides {
		o := &k.overrides[i]
		if o.until != nil && !now.Before(*o.until) {
			continue
		}
		if n := o.closeness(version); n > closest {
			best, closest = o, n
		}
	}
	return best
}

// closeness says how closely an override names a version; -1 for not at all.
func (o *override) closeness(version *string) int {
	prefix, many := strings.CutSuffix(o.versions, "*")
	switch {
	case o.versions == "":
		return 0
	case version == nil:
		return -1
	case !many && o.versions == *version:
		return math.MaxInt
	case many && strings.HasPrefix(*version, prefix):
		return 1 + len(prefix)
	}
	return -1
}

func (o *override) applied(instead updatestatus.Status) *AppliedOverride {
	a := &AppliedOverride{Instead: instead, Note: o.note, Reason: o.reason, Author: o.author, Since: o.since.Unix()}
	if o.until != nil {
		a.Until = o.until.Unix()
	}
	return a
}

// Override is what an administrator says of versions of a project instead of
// what its feed does.
type Override struct {
	ID      uuid.UUID `json:"id"`
	Project string    `json:"project"`
	// Versions is one version; with `*` at its end all that begin so; empty for all.
	Versions string              `json:"versions"`
	Status   updatestatus.Status `json:"status"`
	Note     string              `json:"note"`            // what people read
	Reason   string              `json:"reason"`          // why it is said
	Until    *time.Time          `json:"until,omitempty"` // nil: until it is removed
	Author   string              `json:"author"`
	Since    time.Time           `json:"since"`
	// EndedAt is set for what is not in force any more, with the cause.
	EndedAt      *time.Time `json:"ended_at,omitempty"`
	EndedBecause string     `json:"ended_because,omitempty"`
}

// OverrideDraft is what an administrator wants to say. UserID is theirs, nil on
// the command line.
type OverrideDraft struct {
	Project, Versions string
	Status            updatestatus.Status
	Note, Reason      string
	Until             *time.Time
	Author            string
	UserID            *int64
}

// Overrides keeps what administrators say. It may be used by any number of
// goroutines and processes.
type Overrides struct {
	pool    *pgxpool.Pool
	applier *applier
	now     func() time.Time
}

// NewOverrides makes it on the given database.
func NewOverrides(pool *pgxpool.Pool, now func() time.Time, log *slog.Logger) *Overrides {
	return &Overrides{pool: pool, now: now, applier: &applier{pool: pool, judges: newJudges(log), now: now}}
}

// overridable are the statuses that somebody can say. What could not be fetched
// is a fact and nobody's word.
var overridable = []updatestatus.Status{
	updatestatus.NotSecure, updatestatus.Revoked, updatestatus.NotSupported, updatestatus.NotCurrent,
	updatestatus.Current, updatestatus.NotChecked, updatestatus.Unknown,
}

func (d *OverrideDraft) tidy(now time.Time) error {
	for _, text := range []struct {
		field string
		value *string
		most  int
		must  bool
	}{
		{"module_name", &d.Project, maxNameBytes, true}, {"versions", &d.Versions, maxVersionBytes, false},
		{"note", &d.Note, 2000, true}, {"reason", &d.Reason, 4000, true}, {"author", &d.Author, 1000, true},
	} {
		line, err := plaintext.Line(*text.value)
		switch {
		case err != nil:
			return fault.Field(text.field, "%v", err)
		case line == "" && text.must:
			return fault.Field(text.field, "must not be empty")
		case len(line) > text.most:
			return fault.Field(text.field, "must not be longer than %d bytes", text.most)
		}
		*text.value = line
	}
	d.Project = strings.ToLower(d.Project)
	if name, _, _ := splitProject(d.Project); !isProjectName(name) {
		return fault.Field("module_name", "must be the short name of a project")
	}
	if strings.Contains(strings.TrimSuffix(d.Versions, "*"), "*") {
		return fault.Field("versions", "may have * only at the end")
	}
	if d.Versions == "*" {
		d.Versions = ""
	}
	if !slices.Contains(overridable, d.Status) {
		return fault.Field("status", "must be one of %s", joined(overridable))
	}
	if d.Until != nil && !d.Until.After(now) {
		return fault.Field("until", "must lie in the future")
	}
	return nil
}

func joined(statuses []updatestatus.Status) string {
	texts := make([]string, len(statuses))
	for i, s := range statuses {
		texts[i] = string(s)
	}
	return strings.Join(texts, ", ")
}

// Set says something of versions of a project and judges them anew; what was
// said of exactly the same versions ends. It gives how many verdicts changed;
// the counters of the sites follow by a spread. Errors are of kind fault.Invalid
// for what cannot be said.
func (o *Overrides) Set(ctx context.Context, d OverrideDraft) (Override, int, error) {
	now := o.now()
	if err := d.tidy(now); err != nil {
		return Override{}, 0, err
	}
	made := Override{
		Project: d.Project, Versions: d.Versions, Status: d.Status, Note: d.Note, Reason: d.Reason,
		Until: d.Until, Author: d.Author, Since: now,
	}
	changed, err := o.change(ctx, func(q *db.Queries) ([]string, error) {
		_, err := q.EndOverrideOf(ctx, db.EndOverrideOfParams{Now: now, Because: "replaced by " + d.Author, ModuleName: d.Project, Versions: d.Versions})
		if err != nil {
			return nil, fmt.Errorf("end the one before: %w", err)
		}
		row, err := q.AddOverride(ctx, db.AddOverrideParams{
			ModuleName: d.Project, Versions: d.Versions, Status: string(d.Status), Note: d.Note, Reason: d.Reason,
			Until: d.Until, CreatedBy: d.UserID, Author: d.Author, Now: now,
		})
		made.ID = row.Uuid
		return []string{d.Project}, err
	}, "override: set for "+d.Project+" "+d.Versions)
	if err != nil {
		return Override{}, 0, fmt.Errorf("override %s: %w", d.Project, err)
	}
	return made, changed, nil
}

// Remove takes an override back and judges anew. The error is of kind
// fault.NotFound where none of that id is in force.
func (o *Overrides) Remove(ctx context.Context, id uuid.UUID, author string) (changed int, err error) {
	changed, err = o.change(ctx, func(q *db.Queries) ([]string, error) {
		row, err := q.EndOverride(ctx, db.EndOverrideParams{Now: o.now(), Because: "removed by " + author, Uuid: id})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, fault.New(fault.NotFound, "there is no such override in force")
		}
		return []string{row.ModuleName}, err
	}, "override: removed")
	if err != nil {
		return 0, fmt.Errorf("remove an override: %w", err)
	}
	return changed, nil
}

// expire ends what has run out.
func (o *Overrides) expire(ctx context.Context) (changed int, err error) {
	expired, err := db.New(o.pool).OverridesExpired(ctx, o.now())
	if err != nil {
		return 0, fmt.Errorf("look for overrides that ran out: %w", err)
	}
	if !expired {
		return 0, nil
	}
	return o.change(ctx, func(q *db.Queries) ([]string, error) {
		rows, err := q.EndExpiredOverrides(ctx, o.now())
		names := make([]string, len(rows))
		for i, row := range rows {
			names[i] = row.ModuleName
		}
		return names, err
	}, "override: its time was over")
}

// change changes what is said of projects, which do names, and judges these
// anew, all in one transaction.
func (o *Overrides) change(ctx context.Context, do func(*db.Queries) ([]string, error), reason string) (changed int, err error) {
	err = pgx.BeginFunc(ctx, o.pool, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := lockCounting(ctx, q); err != nil {
			return err
		}
		names, err := do(q)
		if err != nil || len(names) == 0 {
			return err
		}
		rows, err := q.FindModules(ctx, names)
		if err != nil {
			return fmt.Errorf("find the projects: %w", err)
		}
		if len(rows) == 0 {
			return nil // not on any site yet
		}
		modules := make([]int64, len(rows))
		for i, row := range rows {
			modules[i] = row.ID
		}
		changed, err = o.applier.rejudge(ctx, q, distinct(modules), reason)
		return err
	})
	return changed, err
}

// OverridePage selects overrides.
type OverridePage struct {
	Project   string // only of this one; all when empty
	WithEnded bool   // also those not in force any more
	Size      int    // at most 200; 50 when 0
	PageToken string
}

// List lists what is said, newest first.
func (o *Overrides) List(ctx context.Context, page OverridePage) (list []Override, next string, err error) {
	const usual, most = 50, 200
	if page.Size <= 0 {
		page.Size = usual
	}
	page.Size = min(page.Size, most)
	bind := cursor.Bind("overrides", page.Project, page.WithEnded)
	before := int64(math.MaxInt64)
	if page.PageToken != "" {
		if err := cursor.Decode(bind, page.PageToken, &before); err != nil {
			return nil, "", err
		}
	}
	rows, err := db.New(o.pool).ListOverrides(ctx, db.ListOverridesParams{
		WithEnded: page.WithEnded, ModuleName: page.Project, BeforeID: before, Most: int32(page.Size + 1),
	})
	if err != nil {
		return nil, "", fmt.Errorf("list overrides: %w", err)
	}
	more := len(rows) > page.Size
	if more {
		rows = rows[:page.Size]
	}
	list = make([]Override, len(rows))
	for i, row := range rows {
		list[i] = Override{
			ID: row.Uuid, Project: row.ModuleName, Versions: row.Versions, Status: updatestatus.Status(row.Status),
			Note: row.Note, Reason: row.Reason, Until: row.Until, Author: row.Author, Since: row.CreatedAt,
			EndedAt: row.EndedAt, EndedBecause: row.EndedBecause,
		}
	}
	if more {
		next, err = cursor.Encode(bind, rows[len(rows)-1].ID)
	}
	return list, next, err
}

// Spread brings changed verdicts to the counters of the sites at once, where no
// server runs that would.
func (o *Overrides) Spread(ctx context.Context) (sites int, err error) {
	s := &spreader{pool: o.pool, now: o.now, chunk: spreadChunk}
	return s.run(ctx)
}
