package releases

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"drumbeat/server/platform/fault"
	"drumbeat/server/updatestatus"
)

func TestTheClosestOverrideCounts(t *testing.T) {
	t.Parallel()
	now := newTestClock().Now()
	past, future := now, now.Add(time.Second)
	k := &knownFeed{overrides: []override{
		{versions: "", note: "all"}, {versions: "8.x-1.*", note: "branch"}, {versions: "8.x-1.4*", note: "longer"},
		{versions: "8.x-1.4", note: "one"}, {versions: "2.0.0", note: "over", until: &past}, {versions: "2.1.0", note: "still", until: &future},
	}}
	for name, c := range map[string]struct {
		version *string
		want    string
	}{
		"the version itself":               {ptr("8.x-1.4"), "one"},
		"the longest beginning":            {ptr("8.x-1.41"), "longer"},
		"a beginning":                      {ptr("8.x-1.5"), "branch"},
		"all that is left":                 {ptr("3.0.0"), "all"},
		"one whose time is over is none":   {ptr("2.0.0"), "all"},
		"one whose time is not over is":    {ptr("2.1.0"), "still"},
		"a version that nobody knows":      {nil, "all"},
		"an empty version, which is known": {ptr(""), "all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if o := k.overriding(c.version, now); o == nil || o.note != c.want {
				t.Errorf("got %+v, want %s", o, c.want)
			}
		})
	}
	if o := (&knownFeed{overrides: []override{{versions: "1.*"}}}).overriding(nil, now); o != nil {
		t.Errorf("no version begins with 1.: %+v", o)
	}
}

func TestWhatCannotBeSaidIsRefused(t *testing.T) {
	t.Parallel()
	now := newTestClock().Now()
	for field, spoil := range map[string]func(*OverrideDraft){
		"module_name": func(d *OverrideDraft) { d.Project = "../etc" },
		"versions":    func(d *OverrideDraft) { d.Versions = "8.*-1.*" },
		"note":        func(d *OverrideDraft) { d.Note = " " },
		"reason":      func(d *OverrideDraft) { d.Reason = "a\x00b" },
		"status":      func(d *OverrideDraft) { d.Status = "not-fetched" },
		"until":       func(d *OverrideDraft) { d.Until = &now },
		"author":      func(d *OverrideDraft) { d.Author = "" },
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			d := OverrideDraft{Project: "token", Status: updatestatus.Current, Note: "n", Reason: "r", Author: "a"}
			if err := d.tidy(now); err != nil {
				t.Fatal(err)
			}
			spoil(&d)
			if err := d.tidy(now); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), field) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestAnOverrideActsUntilItsTimeIsOver follows one from its beginning to its end
// by itself: verdicts, counters, words and history, and nothing else moves.
func TestAnOverrideActsUntilItsTimeIsOver(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", feedXML("token", "8.x-1.", rel("8.x-1.5", "Security update"), rel("8.x-1.4", "Insecure")))
	source.set("views", feedXML("views", "1.", rel("1.0.0")))
	b := newBench(t, source)
	patched, other := b.addSite(), b.addSite()
	b.mustInstall(patched, "token", "8.x-1.4")
	b.mustInstall(patched, "views", "1.0.0")
	b.mustInstall(other, "token", "8.x-1.5")
	b.sync()
	if got := b.counters(patched); got != (counters{1, 0, 0, 1, 0, 1}) {
		t.Fatalf("before: %v", got)
	}
	until := b.clock.Now().Add(48 * time.Hour)
	overrides := b.service.overrides
	made, changed, err := overrides.Set(t.Context(), OverrideDraft{
		Project: "Token", Versions: "8.x-1.4*", Status: updatestatus.Current, Note: "patched by us", Reason: "our build has the fix", Author: "Ann", Until: &until,
	})
	if err != nil || changed != 1 {
		t.Fatalf("%d changed, %v", changed, err)
	}
	b.mustSpread()
	if got := b.counters(patched); got != (counters{0, 0, 0, 2, 0, 0}) {
		t.Errorf("with the override: %v", got)
	}
	if got := b.counters(other); got != (counters{0, 0, 0, 1, 0, 0}) {
		t.Errorf("another version: %v", got)
	}
	e, err := b.reader().Evidence(t.Context(), patched, "token")
	if err != nil {
		t.Fatal(err)
	}
	want := "An administrator says: patched by us. (our build has the fix; Ann, 2026-11-02, until 2026-11-04.) " +
		"Its release history says: 8.x-1.4 carries the mark Insecure since 2023-11-14; 8.x-1.5 in the same branch fixes it."
	if got := Explain(e.Version, e.Verdict); !strings.HasPrefix(got, want) {
		t.Errorf("explained: %s", got)
	}
	if o := e.Verdict.Override; o == nil || o.Instead != updatestatus.NotSecure || o.Until != until.Unix() {
		t.Errorf("override %+v", o)
	}
	// A feed that says the same again takes nothing back.
	b.clock.advance(time.Hour)
	if err := b.service.SyncNow(t.Context(), []string{"token"}, false, func(SyncResult) {}); err != nil {
		t.Fatal(err)
	}
	if got := b.status("token", "8.x-1.4"); got != "current" {
		t.Errorf("after a sync: %s", got)
	}
	if n, err := overrides.expire(t.Context()); n != 0 || err != nil {
		t.Errorf("%d ran out early, %v", n, err)
	}
	b.clock.advance(48 * time.Hour)
	if n, err := overrides.expire(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d ran out, %v", n, err)
	}
	b.mustSpread()
	if got := b.counters(patched); got != (counters{1, 0, 0, 1, 0, 1}) {
		t.Errorf("afterwards: %v", got)
	}
	list, _, err := overrides.List(t.Context(), OverridePage{WithEnded: true})
	if err != nil || len(list) != 1 || list[0].EndedAt == nil || list[0].EndedBecause != "its time was over" || list[0].ID != made.ID {
		t.Errorf("listed %+v, %v", list, err)
	}
	if got := b.changes("token", "8.x-1.4"); got != "override:current>not-secure override:not-secure>current feed:unknown>not-secure report:>unknown" {
		t.Errorf("history: %s", got)
	}
	if got := b.changes("token", "8.x-1.5"); got != "feed:unknown>current report:>unknown" {
		t.Errorf("history of another version: %s", got)
	}
}

func TestAnOverrideIsReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	b := newBench(t, source)
	site := b.addSite()
	b.mustInstall(site, "our_own", "1.0.0")
	b.sync()
	draft := OverrideDraft{Project: "our_own", Status: updatestatus.NotSupported, Note: "n", Reason: "r", Author: "Ann"}
	if _, changed, err := b.service.overrides.Set(t.Context(), draft); changed != 1 || err != nil {
		t.Fatalf("%d, %v", changed, err)
	}
	draft.Status, draft.Versions = updatestatus.Current, "*"
	made, changed, err := b.service.overrides.Set(t.Context(), draft)
	if changed != 1 || err != nil || made.Versions != "" {
		t.Fatalf("%d, %+v, %v", changed, made, err)
	}
	b.mustSpread()
	if got := b.counters(site); got != (counters{0, 0, 0, 1, 0, 0}) {
		t.Errorf("a project of one's own: %v", got)
	}
	// What a site reports for the first time is judged by it at once.
	b.mustInstall(site, "our_own", "2.0.0")
	if got := b.status("our_own", "2.0.0"); got != "current" {
		t.Errorf("a new version: %s", got)
	}
	if n, err := b.service.overrides.Remove(t.Context(), made.ID, "Ben"); n != 2 || err != nil {
		t.Errorf("removed: %d, %v", n, err)
	}
	if got := b.status("our_own", "2.0.0"); got != "unknown" {
		t.Errorf("without it: %s", got)
	}
	for _, id := range []uuid.UUID{made.ID, uuid.New()} {
		if _, err := b.service.overrides.Remove(t.Context(), id, "Ben"); !fault.Is(err, fault.NotFound) {
			t.Errorf("removed again: %v", err)
		}
	}
	first, next, err := b.service.overrides.List(t.Context(), OverridePage{WithEnded: true, Size: 1})
	if err != nil || len(first) != 1 || next == "" {
		t.Fatalf("the first page: %+v, %q, %v", first, next, err)
	}
	second, next, err := b.service.overrides.List(t.Context(), OverridePage{WithEnded: true, Size: 1, PageToken: next})
	if err != nil || len(second) != 1 || next != "" || second[0].EndedBecause != "replaced by Ann" {
		t.Errorf("the second page: %+v, %q, %v", second, next, err)
	}
	if none, _, err := b.service.overrides.List(t.Context(), OverridePage{}); err != nil || len(none) != 0 {
		t.Errorf("in force: %+v, %v", none, err)
	}
}
