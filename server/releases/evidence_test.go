package releases

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"drumbeat/server/platform/fault"
	"drumbeat/server/updatestatus"
)

func (b *testBench) reader() *Reader { return NewReader(b.pool, b.clock.Now, b.log) }

func (b *testBench) mustSpread() {
	b.t.Helper()
	if _, err := b.service.spreader.run(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// changes are the recorded changes of a version's status, newest first.
func (b *testBench) changes(project, version string) string {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT c.reason || ':' || coalesce(c.from_status, '') || '>' || c.to_status
		FROM verdict_changes c JOIN module_versions v ON v.id = c.version_id JOIN modules m ON m.id = v.module_id
		WHERE m.module_name = $1 AND v.version_number = $2 ORDER BY c.id DESC`, project, version)
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			b.t.Fatal(err)
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func (b *testBench) mustEvidence(site int64, project string) Evidence {
	b.t.Helper()
	e, err := b.reader().Evidence(b.t.Context(), site, project)
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func at(date string) int64 {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return t.Unix()
}

func on(date, version string, terms ...string) testRelease {
	r := rel(version, terms...)
	r.date = at(date)
	return r
}

func versionsOf(list []ReleaseEvidence) string {
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = r.Version
	}
	return strings.Join(texts, " ")
}

func TestEvidenceOfAnInsecureRelease(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", strings.ReplaceAll(feedXML("token", "8.x-1.,2.0.",
		on("2026-07-01", "2.0.1"),
		on("2026-07-01", "8.x-1.8", "Bug fixes"), on("2026-06-10", "8.x-1.7", "Security update", "Insecure"),
		on("2026-05-20", "8.x-1.6", "Security update", "Insecure"), on("2026-01-01", "8.x-1.5", "Insecure"), on("2025-12-01", "8.x-1.4", "Insecure")),
		"</release_link>", "</release_link><core_compatibility>^10.3</core_compatibility>"))
	source.set("drupal", feedXML("drupal", "10.5.,10.6.", on("2026-06-01", "10.6.1"), on("2026-05-01", "10.5.2"), on("2025-01-01", "10.2.1")))
	b := newBench(t, source)
	site := b.addSite()
	b.mustInstall(site, "token", "8.x-1.4")
	b.mustInstall(site, "drupal", "10.2.1")
	if _, err := b.pool.Exec(t.Context(), `UPDATE site_states SET core_version = '10.2.1'`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.pool.Exec(t.Context(), `UPDATE site_module_periods SET valid_from = '2026-06-01'`); err != nil {
		t.Fatal(err)
	}
	b.sync()
	e := b.mustEvidence(site, "token")

	if e.Verdict.Rule != updatestatus.RuleReleaseInsecure || e.RuleText == "" || e.RuleSetText != "the rules of Drupal 10.3 and later" {
		t.Errorf("rule %q (%q) of %q", e.Verdict.Rule, e.RuleText, e.RuleSetText)
	}
	if s := e.InsecureSince; s == nil || s.Basis != SinceSecurityRelease || s.Release != "8.x-1.6" || s.At.Unix() != at("2026-05-20") || !strings.Contains(s.Text, "8.x-1.6") {
		t.Errorf("insecure since %+v", s)
	}
	// It was installed after the mark.
	if e.ExposedSince == nil || e.ExposedSince.Unix() != at("2026-06-01") {
		t.Errorf("exposed since %v", e.ExposedSince)
	}
	if e.Installed == nil || e.Installed.Date != at("2025-12-01") || !slices.Equal(e.Installed.Terms, []string{"Insecure"}) || e.Installed.Link == "" {
		t.Errorf("installed %+v", e.Installed)
	}
	if e.Deciding == nil || e.Deciding.Version != "8.x-1.4" || e.Recommended == nil || e.Recommended.Version != "8.x-1.8" {
		t.Errorf("deciding %+v, recommended %+v", e.Deciding, e.Recommended)
	}
	if e.Recommended.Cores == nil || e.Recommended.Cores.Compatible || e.Recommended.Cores.Ranges != "10.5.2 to 10.6.1" {
		t.Errorf("cores %+v", e.Recommended.Cores)
	}
	if got := versionsOf(e.SecurityUpdates); got != "8.x-1.6 8.x-1.7" {
		t.Errorf("one would skip %s", got)
	}
	if got := versionsOf(e.Also); got != "2.0.1" {
		t.Errorf("also %s", got)
	}
	if !slices.Equal(e.Branches, []string{"8.x-1.", "2.0."}) {
		t.Errorf("branches %q", e.Branches)
	}
	if f := e.Feed; f.Series != "current" || f.Source != "drupal.org" || f.State != FeedOK || f.FetchedAt == nil || !f.FetchedAt.Equal(b.clock.Now()) {
		t.Errorf("feed %+v", f)
	}
	if len(e.Changes) != 2 || e.Changes[0].To != updatestatus.NotSecure || e.Changes[0].From != updatestatus.Unknown || e.Changes[0].Why == "" || e.Changes[1].From != "" {
		t.Errorf("changes %+v", e.Changes)
	}
	if _, err := b.reader().Evidence(t.Context(), b.addSite(), "token"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a site without it: %v", err)
	}
}

func TestSecurityReleasesThatOneWouldSkipComeOldestFirst(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", feedXML("token", "8.x-1.", on("2026-07-01", "8.x-1.8"), on("2026-06-10", "8.x-1.7", "Security update"),
		on("2026-05-20", "8.x-1.6", "Security update"), on("2026-01-01", "8.x-1.5")))
	b := newBench(t, source)
	site := b.addSite()
	b.mustInstall(site, "token", "8.x-1.5")
	b.sync()
	e := b.mustEvidence(site, "token")
	if got := versionsOf(e.SecurityUpdates); got != "8.x-1.6 8.x-1.7" || e.SecurityUpdates[0].Link == "" || e.SecurityUpdates[0].Date != at("2026-05-20") {
		t.Errorf("got %+v", e.SecurityUpdates)
	}
	if e.InsecureSince != nil || e.ExposedSince != nil {
		t.Errorf("what has no mark is insecure since %+v", e.InsecureSince)
	}
}

func TestInsecureSinceWhen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		feed    string
		version string
		rules   string
		basis   SinceBasis
		release string
		date    string
	}{
		"the first security release after it in its branch": {
			feed:    feedXML("token", "2.0.,2.1.", on("2026-09-01", "2.1.5", "Security update"), on("2026-08-01", "2.0.9", "Security update"), on("2026-03-01", "2.0.8", "Security update", "Insecure"), on("2026-02-01", "2.0.7", "Insecure")),
			version: "2.0.7", basis: SinceSecurityRelease, release: "2.0.8", date: "2026-03-01",
		},
		"a security release that is insecure itself, by the next": {
			feed:    feedXML("token", "2.0.", on("2026-08-01", "2.0.9", "Security update"), on("2026-03-01", "2.0.8", "Security update", "Insecure")),
			version: "2.0.8", basis: SinceSecurityRelease, release: "2.0.9", date: "2026-08-01",
		},
		"one of another branch says nothing": {
			feed:    feedXML("token", "2.0.,2.1.", on("2026-09-01", "2.1.5", "Security update"), on("2026-02-01", "2.0.7", "Insecure")),
			version: "2.0.7", basis: SinceFirstSeen, date: "2026-11-02",
		},
		"a mark without any security release": {
			feed:    feedXML("token", "2.0.", on("2026-02-01", "2.0.7", "Insecure")),
			version: "2.0.7", basis: SinceFirstSeen, date: "2026-11-02",
		},
		"a project that is insecure as a whole": {
			feed:    strings.Replace(feedXML("token", "2.0.", on("2026-09-01", "2.0.8", "Security update"), on("2026-02-01", "2.0.7")), ">published</project_status>", ">insecure</project_status>", 1),
			version: "2.0.7", basis: SinceFirstSeen, date: "2026-11-02",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := newMemorySource()
			source.set("token", c.feed)
			b := newBench(t, source)
			site := b.addSite()
			b.mustInstall(site, "token", c.version)
			b.sync()
			e := b.mustEvidence(site, "token")
			s := e.InsecureSince
			if s == nil || s.Basis != c.basis || s.Release != c.release || s.At.UTC().Format(time.DateOnly) != c.date {
				t.Fatalf("got %+v", s)
			}
			if said := strings.Contains(Explain(e.Version, e.Verdict), " since "); said != (c.basis == SinceSecurityRelease) {
				t.Errorf("explained: %s", Explain(e.Version, e.Verdict))
			}
		})
	}
}

func TestEvidenceShowsTheAgeOfWhatFailed(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", feedXML("token", "8.x-1.", rel("8.x-1.4")))
	b := newBench(t, source)
	site := b.addSite()
	b.mustInstall(site, "token", "8.x-1.4")
	b.sync()
	good := b.clock.Now()
	source.fail("token", &FetchError{Message: "the server answered 503"})
	b.syncLater()
	e := b.mustEvidence(site, "token")
	if e.Verdict.Status != updatestatus.Current || e.Feed.State != FeedFailed || !e.Feed.FetchedAt.Equal(good) || e.Feed.CheckedAt.Equal(good) {
		t.Errorf("%s by %+v", e.Verdict.Status, e.Feed)
	}
	if e.Feed.StateText != "The last request failed: the server answered 503; the last good data stays in force." {
		t.Errorf("in words: %s", e.Feed.StateText)
	}
	b.mustInstall(site, "unheard", "1.0.0")
	if e := b.mustEvidence(site, "unheard"); e.Feed.State != FeedNever || e.Installed != nil || e.RuleText == "" {
		t.Errorf("before it was asked for: %+v", e)
	}
}

// TestEveryRuleHasWords keeps a new rule from being shown without any.
func TestEveryRuleHasWords(t *testing.T) {
	t.Parallel()
	for _, rule := range []updatestatus.Rule{
		updatestatus.RuleNeverFetched, updatestatus.RuleFetchFailed, updatestatus.RuleProjectStatus, updatestatus.RuleEmptyVersion,
		updatestatus.RuleInvalidVersion, updatestatus.RuleNoReleases, updatestatus.RuleReleaseInsecure, updatestatus.RuleReleaseUnpublished,
		updatestatus.RuleReleaseUnsupported, updatestatus.RuleBranchUnsupported, updatestatus.RuleMajorUnsupported, updatestatus.RuleSecurityUpdate,
		updatestatus.RuleIsRecommended, updatestatus.RuleIsLatest, updatestatus.RuleNewerRelease, updatestatus.RuleSnapshotWithoutDate,
		updatestatus.RuleSnapshotUpToDate, updatestatus.RuleSnapshotOutdated,
	} {
		if ruleTexts[rule] == "" {
			t.Errorf("no words for %s", rule)
		}
	}
	if len(ruleTexts) != 18 {
		t.Errorf("%d rules have words", len(ruleTexts))
	}
}

// platform is what a site's row says of its platform, with the counters that
// depend on it: unsupported, and those that count as one.
func (b *testBench) platform(site int64) string {
	b.t.Helper()
	var state, end string
	var unsupported, ended int
	err := b.pool.QueryRow(b.t.Context(), `SELECT platform_state, platform_end, unsupported_count, platform_ended_count FROM site_states WHERE site_id = $1`, site).
		Scan(&state, &end, &unsupported, &ended)
	if err != nil {
		b.t.Fatal(err)
	}
	return fmt.Sprintf("%s %s %d %d", state, end, unsupported, ended)
}

func TestAnEndedMajorIsOneState(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	core := strings.Replace(feedXML("drupal", "", rel("7.105"), rel("7.100")), "<supported_branches></supported_branches>", "<supported_majors></supported_majors>", 1)
	source.feeds["drupal/7.x"] = core
	dead := func(name string) string {
		return strings.Replace(feedXML(name, "", rel("7.x-1.0")), ">published</project_status>", ">unsupported</project_status>", 1)
	}
	b := newBench(t, source)
	site, modern := b.addSite(), b.addSite()
	put := func(project, version string) {
		t.Helper()
		if err := b.install(t.Context(), site, Installed{Project: project, RuleSet: "7", Version: &version}); err != nil {
			t.Fatal(err)
		}
	}
	put("drupal", "7.105")
	for i := range 10 {
		name := fmt.Sprintf("old_%d", i)
		source.feeds[name+"/7.x"] = dead(name)
		put(name, "7.x-1.0")
	}
	source.feeds["holed/7.x"] = feedXML("holed", "", rel("7.x-1.1", "Security update"), rel("7.x-1.0", "Insecure"))
	put("holed", "7.x-1.0")
	source.feeds["gone/7.x"] = strings.Replace(dead("gone"), ">unsupported</project_status>", ">revoked</project_status>", 1)
	put("gone", "7.x-1.0")
	source.set("drupal", feedXML("drupal", "11.3.", rel("11.3.0"), rel("11.2.0"), rel("11.1.0")))
	b.mustInstall(modern, "drupal", "11.1.0")
	source.set("old_0", feedXML("old_0", "2.0.", rel("2.0.0"), rel("1.0.0")))
	b.mustInstall(modern, "old_0", "1.0.0")
	b.sync()

	// Ten unsupported projects are the platform's state, counted once; what was
	// withdrawn and what is insecure stay alarms of their own.
	if got := b.platform(site); got != "ended 2025-01-05 2 10" {
		t.Errorf("Drupal 7: %s", got)
	}
	if got := b.counters(site); got[0] != 1 {
		t.Errorf("insecure: %v", got)
	}
	// A minor past its coverage is a state too, but its projects have only
	// themselves to blame.
	if got := b.platform(modern); got != "minor-ended 11.3.0 2 0" {
		t.Errorf("Drupal 11.1: %s", got)
	}
}

// TestADateOfCoverageMovesExactlyWhatItConcerns lets the day pass on which a
// minor of core loses its coverage.
func TestADateOfCoverageMovesExactlyWhatItConcerns(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("drupal", feedXML("drupal", "10.6.,11.2.,11.3.", rel("11.3.0"), rel("11.2.0"), rel("10.6.1")))
	source.set("token", feedXML("token", "1.", rel("1.0.0")))
	b := newBench(t, source)
	ten, eleven := b.addSite(), b.addSite()
	b.mustInstall(ten, "drupal", "10.6.1")
	b.mustInstall(eleven, "drupal", "11.3.0")
	b.mustInstall(eleven, "token", "1.0.0")
	b.sync()
	if got := b.platform(ten); got != "ending 2026-12-09 0 0" {
		t.Fatalf("before: %s", got)
	}
	spreads := func() int {
		return count(t, b.pool, `SELECT count(*) FROM verdict_spreads WHERE reason LIKE 'coverage%'`)
	}
	b.clock.at = time.Date(2026, 12, 8, 23, 59, 0, 0, time.UTC)
	if err := b.service.rejudgeCore(t.Context()); err != nil || spreads() != 0 {
		t.Fatalf("the evening before moved something: %v", err)
	}
	b.clock.at = time.Date(2026, 12, 9, 0, 0, 1, 0, time.UTC)
	for range 2 { // the second time there is nothing left to do
		if err := b.service.rejudgeCore(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, b.pool, `SELECT count(*) FROM verdict_spreads s, module_versions v
		WHERE s.reason LIKE 'coverage%' AND s.version_ids = ARRAY[v.id] AND v.version_number = '10.6.1' AND s.created_at = $1`, b.clock.Now()); n != 1 || spreads() != 1 {
		t.Errorf("%d of %d spreads are of that version alone and of that moment", n, spreads())
	}
	if n, err := b.service.spreader.run(t.Context()); n != 1 || err != nil {
		t.Errorf("%d sites visited, %v", n, err)
	}
	if got := b.platform(ten); got != "ended 2026-12-09 1 0" {
		t.Errorf("after: %s", got)
	}
	if got := b.platform(eleven); got != "supported 11.5.0 0 0" {
		t.Errorf("the other: %s", got)
	}
	e := b.mustEvidence(ten, "drupal")
	if !strings.Contains(e.CoverageText, "2026-12-09") || e.CoverageBasis == "" {
		t.Errorf("%q from %q", e.CoverageText, e.CoverageBasis)
	}
}
