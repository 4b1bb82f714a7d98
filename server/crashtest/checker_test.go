package crashtest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// inventory is what is on a site: the version and type of each project, as
// "1.4.0 module".
type inventory map[string]string

// report is one that a sender built, whether or not it was ever answered.
type report struct {
	id        string
	site      int64
	heartbeat bool
	// collected is the site's clock in Unix microseconds.
	collected int64
	// lists is what a full report says.
	lists inventory
	acked bool
}

// auditRow is one row of the audit log.
type auditRow struct {
	site           int64
	report, status string
}

// patchRun is one row of patch_runs.
type patchRun struct {
	site   int64
	report string
	// items is what the row says, rows how many items it has.
	items, rows int
}

// openPeriod is one project that is on a site now.
type openPeriod struct {
	site             int64
	project, version string
}

// state is what stands in the database and in Redis.
type state struct {
	audit   []auditRow // in the order in which they were written
	open    []openPeriod
	periods map[int64]int // of each site, closed ones included
	runs    []patchRun
	// overlaps are periods of one project on one site that overlap, miscounted
	// the sites whose counters are not what a recount gives.
	overlaps, deadLetters int
	miscounted            []int64
	// What is left of the way: entries in the stream, pending ones, spooled ones.
	stream, pending, spooled int64
}

// The kinds of problems that check finds.
const (
	lost     = "lost"
	twice    = "twice"
	wrong    = "wrong status"
	stranger = "from nobody"
	stale    = "wrong inventory"
	history  = "wrong history"
	counters = "wrong counters"
	leftover = "left over"
)

type problem struct{ kind, text string }

func (p problem) String() string { return p.kind + ": " + p.text }

// check compares what was sent with what came of it.
func check(sent []*report, s *state) (problems []problem) {
	found := func(kind, format string, args ...any) {
		problems = append(problems, problem{kind, fmt.Sprintf(format, args...)})
	}
	byID := make(map[string]*report, len(sent))
	newest := map[int64]*report{}
	for _, r := range sent {
		byID[r.id] = r
		if n := newest[r.site]; r.acked && !r.heartbeat && (n == nil || r.collected > n.collected) {
			newest[r.site] = r
		}
	}

	effects := make(map[string]int, len(sent))
	applied := map[int64][]*report{}
	for _, row := range s.audit {
		r := byID[row.report]
		if r == nil || r.site != row.site {
			found(stranger, "the log of site %d has the report %s (%s), which it never sent", row.site, row.report, row.status)
			continue
		}
		allowed := []string{"applied", "unchanged", "late"}
		if r.heartbeat {
			allowed = []string{"heartbeat", "late", "inventory_unknown"}
		}
		switch {
		case row.status == "duplicate":
			continue
		case !slices.Contains(allowed, row.status):
			found(wrong, "report %s of site %d is %s (heartbeat: %t)", row.report, row.site, row.status, r.heartbeat)
		case row.status == "applied":
			applied[r.site] = append(applied[r.site], r)
		}
		if effects[row.report]++; effects[row.report] == 2 {
			found(twice, "report %s of site %d is in the log more than once", row.report, row.site)
		}
	}
	for _, r := range sent {
		if r.acked && effects[r.id] == 0 {
			found(lost, "report %s of site %d was acknowledged and is gone", r.id, r.site)
		}
	}

	now := map[int64]inventory{}
	for _, p := range s.open {
		if now[p.site] == nil {
			now[p.site] = inventory{}
		}
		if _, there := now[p.site][p.project]; there {
			found(twice, "site %d has two open periods of %s", p.site, p.project)
		}
		now[p.site][p.project] = p.version
	}
	for site, r := range newest {
		if !maps.Equal(now[site], r.lists) {
			found(stale, "site %d has %v, its newest acknowledged report %s says %v", site, now[site], r.id, r.lists)
		}
	}

	checkHistory(applied, s, found)
	if s.overlaps > 0 {
		found(history, "%d periods overlap with the one before", s.overlaps)
	}
	if len(s.miscounted) > 0 {
		found(counters, "the counters of the sites %v are not what a recount gives", s.miscounted)
	}
	if s.deadLetters > 0 {
		found(leftover, "%d dead letters", s.deadLetters)
	}
	if s.stream+s.pending+s.spooled > 0 {
		found(leftover, "%d entries in the stream, %d pending, %d spooled", s.stream, s.pending, s.spooled)
	}
	return problems
}

// checkHistory derives periods and patch runs from the applied reports, in the
// order of the log, and compares them with those that are there.
func checkHistory(applied map[int64][]*report, s *state, found func(kind, format string, args ...any)) {
	type run struct {
		site   int64
		report string
	}
	want := map[run]int{}
	for site, reports := range applied {
		periods := 0
		var before inventory
		for _, r := range reports {
			items := 0
			for project, version := range r.lists {
				old, there := before[project]
				// Switched on or off, the same version is there all the time.
				if !there || versionOf(old) != versionOf(version) {
					periods++
					items++
				}
			}
			for project := range before {
				if _, there := r.lists[project]; !there {
					items++
				}
			}
			if before != nil && items > 0 {
				want[run{site, r.id}] = items
			}
			before = r.lists
		}
		if s.periods[site] != periods {
			found(history, "site %d has %d periods, its applied reports make %d", site, s.periods[site], periods)
		}
	}
	seen := map[run]bool{}
	for _, got := range s.runs {
		key := run{got.site, got.report}
		switch items, expected := want[key]; {
		case seen[key]:
			found(twice, "site %d has two patch runs of report %s", got.site, got.report)
		case !expected:
			found(history, "site %d has a patch run of report %s, which changed nothing", got.site, got.report)
		case got.items != items || got.rows != items:
			found(history, "the patch run of report %s says %d items and has %d, not %d", got.report, got.items, got.rows, items)
		}
		seen[key] = true
	}
	for key := range want {
		if !seen[key] {
			found(history, "site %d has no patch run of report %s", key.site, key.report)
		}
	}
}

func TestTheCheckerFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		doctor func(sent []*report, s *state)
		want   []string
	}{
		"nothing is wrong with a true record": {func([]*report, *state) {}, nil},
		"a report sent twice may be noted as a duplicate": {func(_ []*report, s *state) {
			s.audit = append(s.audit, auditRow{1, "changed", "duplicate"})
		}, nil},
		"an unanswered report may have no effect": {func(sent []*report, s *state) {
			sent[1].acked = false
			s.audit = slices.Delete(s.audit, 1, 2)
		}, nil},
		"an unanswered report may have its effect": {func(sent []*report, _ *state) { sent[1].acked = false }, nil},
		"a heartbeat may overtake its inventory":   {func(_ []*report, s *state) { s.audit[1].status = "inventory_unknown" }, nil},
		"a heartbeat is lost":                      {func(_ []*report, s *state) { s.audit = slices.Delete(s.audit, 1, 2) }, []string{lost}},
		"a late report is lost":                    {func(_ []*report, s *state) { s.audit = slices.Delete(s.audit, 3, 4) }, []string{lost}},
		"a duplicate alone is a loss":              {func(_ []*report, s *state) { s.audit[1].status = "duplicate" }, []string{lost}},
		"a changed inventory is lost with all its effects": {func(_ []*report, s *state) {
			s.audit, s.runs = slices.Delete(s.audit, 2, 3), nil
			s.open[0].version, s.periods[1] = "1.0.0 module", 3
			s.open = append(s.open, openPeriod{1, "token", "1.0.0 module"})
		}, []string{lost, stale}},
		"a report has its effect twice":         {func(_ []*report, s *state) { s.audit = append(s.audit, s.audit[1]) }, []string{twice}},
		"a report is refused":                   {func(_ []*report, s *state) { s.audit[1].status = "refused" }, []string{wrong}},
		"a full report is taken as a heartbeat": {func(_ []*report, s *state) { s.audit[3].status = "heartbeat" }, []string{wrong}},
		"a report stands with another site":     {func(_ []*report, s *state) { s.audit[1].site = 2 }, []string{stranger, lost}},
		"a report that nobody sent":             {func(_ []*report, s *state) { s.audit = append(s.audit, auditRow{1, "x", "late"}) }, []string{stranger}},
		"a site shows an old version":           {func(_ []*report, s *state) { s.open[0].version = "1.0.0 module" }, []string{stale}},
		"a site shows what was removed": {func(_ []*report, s *state) {
			s.open = append(s.open, openPeriod{1, "token", "1.0.0 module"})
		}, []string{stale}},
		"a site shows nothing":         {func(_ []*report, s *state) { s.open = nil }, []string{stale}},
		"a project is on a site twice": {func(_ []*report, s *state) { s.open = append(s.open, s.open[0]) }, []string{twice}},
		"a period was opened twice":    {func(_ []*report, s *state) { s.periods[1]++ }, []string{history}},
		"periods overlap":              {func(_ []*report, s *state) { s.overlaps = 1 }, []string{history}},
		"a patch run is missing":       {func(_ []*report, s *state) { s.runs = nil }, []string{history}},
		"a patch run is there twice":   {func(_ []*report, s *state) { s.runs = append(s.runs, s.runs[0]) }, []string{twice}},
		"a patch run of a heartbeat":   {func(_ []*report, s *state) { s.runs = append(s.runs, patchRun{1, "beat", 1, 1}) }, []string{history}},
		"a patch run lacks an item":    {func(_ []*report, s *state) { s.runs[0].rows-- }, []string{history}},
		"counters are wrong":           {func(_ []*report, s *state) { s.miscounted = []int64{1} }, []string{counters}},
		"a dead letter":                {func(_ []*report, s *state) { s.deadLetters = 1 }, []string{leftover}},
		"an entry stays in the stream": {func(_ []*report, s *state) { s.stream = 1 }, []string{leftover}},
		"an entry stays pending":       {func(_ []*report, s *state) { s.pending = 1 }, []string{leftover}},
		"an entry stays in the spool":  {func(_ []*report, s *state) { s.spooled = 1 }, []string{leftover}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent, s := trueRecord()
			tc.doctor(sent, s)
			var got []string
			for _, p := range check(sent, s) {
				if !slices.Contains(got, p.kind) {
					got = append(got, p.kind)
				}
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if !slices.Equal(got, tc.want) {
				t.Errorf("found %q, want %q\n%v", got, tc.want, check(sent, s))
			}
		})
	}
}

// trueRecord is a site that reports, beats, changes, and is late once.
func trueRecord() ([]*report, *state) {
	first := inventory{"drupal": "10.4.0 core", "views": "1.0.0 module", "token": "1.0.0 module"}
	changed := inventory{"drupal": "10.4.0 core", "views": "1.1.0 module"}
	sent := []*report{
		{id: "first", site: 1, collected: 10, lists: first, acked: true},
		{id: "beat", site: 1, collected: 20, heartbeat: true, acked: true},
		{id: "changed", site: 1, collected: 30, lists: changed, acked: true},
		{id: "late", site: 1, collected: 15, lists: first, acked: true},
	}
	return sent, &state{
		audit:   []auditRow{{1, "first", "applied"}, {1, "beat", "heartbeat"}, {1, "changed", "applied"}, {1, "late", "late"}},
		open:    []openPeriod{{1, "views", "1.1.0 module"}, {1, "drupal", "10.4.0 core"}},
		periods: map[int64]int{1: 4},
		runs:    []patchRun{{1, "changed", 2, 2}},
	}
}
