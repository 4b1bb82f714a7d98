package sites_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"drumbeat/server/platform/fault"
	"drumbeat/server/sites"
)

// fleet makes 90 sites with many ties in every order: 70 owned, 10 shared in
// and 10 that are none of the organisation's business.
func fleet(t *testing.T, w *world) []sites.Site {
	t.Helper()
	var shared []uuid.UUID
	for i := range 90 {
		owner := w.own
		if i%9 >= 7 {
			owner = w.other
		}
		// Names of one length and of plain letters sort alike in every collation.
		s, a := w.create(t, owner, fmt.Sprintf("Site%c%c", 'a'+i*7%26, 'a'+i%3), fmt.Sprintf("https://%c%c.example.org/x%c%d", 'a'+i*11%26, 'a'+i%2, "_a"[i/10%2], i%10))
		w.exec(t, `UPDATE sites SET created_at = $2 WHERE id = $1`, a.SiteID, now.Add(-time.Duration(i%13)*time.Hour))
		if i%6 != 0 {
			w.exec(t, `UPDATE site_states SET last_report_at = $2, core_version = '10.' || $3::int, core_version_parts = ARRAY[10, $3::int],
				insecure_count = $4, unsupported_count = $5, outdated_count = $6, unknown_count = $7, update_count = $6 WHERE site_id = $1`,
				a.SiteID, now.Add(-time.Duration(i%5)*7*time.Hour), i%4, max(0, i%8-5), max(0, i%7-5), i%3, max(0, i%5-3))
			w.exec(t, `UPDATE site_states SET platform_state = $2 WHERE site_id = $1`, a.SiteID, []string{"", "supported", "ending", "minor-ended", "ended"}[i%5])
		}
		if i%9 == 7 {
			w.exec(t, `INSERT INTO site_organizations (site_id, organization_id) VALUES ($1, $2)`, a.SiteID, w.own.OrganizationID)
		}
		if i%9 != 8 {
			shared = append(shared, s.ID)
		}
	}
	// What is deleted is nowhere.
	_, gone := w.create(t, w.own, "Siteaa", "https://gone.example.org")
	if err := w.service.Delete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	var all []sites.Site
	for _, s := range listAll(t, w, sites.Query{Size: 200}) {
		if !slices.Contains(shared, s.ID) {
			t.Fatalf("%s is none of this organisation's", s.Name)
		}
		all = append(all, s)
	}
	if len(all) != len(shared) {
		t.Fatalf("%d sites, want %d", len(all), len(shared))
	}
	return all
}

func listAll(t *testing.T, w *world, q sites.Query) []sites.Site {
	t.Helper()
	var all []sites.Site
	for {
		page, next, err := w.service.List(t.Context(), w.own, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > q.Size {
			t.Fatalf("a page of %d, asked for %d", len(page), q.Size)
		}
		all = append(all, page...)
		if q.PageToken = next; next == "" {
			return all
		}
	}
}

var orders = map[string]func(a, b sites.Site) int{
	"security": func(a, b sites.Site) int {
		return cmp.Or(cmp.Compare(a.Counts.Insecure, b.Counts.Insecure), cmp.Compare(a.Counts.Unsupported, b.Counts.Unsupported), cmp.Compare(a.UpdateCount, b.UpdateCount))
	},
	"updates": func(a, b sites.Site) int { return cmp.Compare(a.UpdateCount, b.UpdateCount) },
	"name":    func(a, b sites.Site) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) },
	"url":     func(a, b sites.Site) int { return strings.Compare(a.URL[:10], b.URL[:10]) },
	"created": func(a, b sites.Site) int { return a.CreatedAt.Compare(b.CreatedAt) },
	"core":    func(a, b sites.Site) int { return strings.Compare(a.CoreVersion, b.CoreVersion) },
	"last_report": func(a, b sites.Site) int {
		at := func(s sites.Site) time.Time {
			if s.LastReportAt == nil {
				return time.Time{}
			}
			return *s.LastReportAt
		}
		return at(a).Compare(at(b))
	},
}

var states = map[sites.State]func(s sites.Site) bool{
	sites.StateAny:         func(sites.Site) bool { return true },
	sites.StateInsecure:    func(s sites.Site) bool { return s.Counts.Insecure > 0 },
	sites.StateUnsupported: func(s sites.Site) bool { return s.Counts.Unsupported > 0 },
	sites.StateOutdated:    func(s sites.Site) bool { return s.UpdateCount > 0 },
	sites.StateUnknown:     func(s sites.Site) bool { return s.Counts.Unknown > 0 },
	sites.StateCurrent: func(s sites.Site) bool {
		return s.LastReportAt != nil && s.Counts.Insecure+s.Counts.Unsupported+s.Counts.Outdated+s.Counts.Unknown == 0 && !ended(s)
	},
	sites.StateWaiting:   func(s sites.Site) bool { return s.LastReportAt == nil },
	sites.StateSilent:    func(s sites.Site) bool { return s.LastReportAt != nil && now.Sub(*s.LastReportAt) > sites.SilentAfter },
	sites.StateEndOfLife: ended,
}

func ended(s sites.Site) bool { return s.PlatformState == "ended" || s.PlatformState == "minor-ended" }

func TestEveryOrderIsThatOfAPlainSort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := fleet(t, w)
	searches := map[string]func(s sites.Site) bool{
		"":      func(sites.Site) bool { return true },
		"SITEC": func(s sites.Site) bool { return strings.HasPrefix(s.Name, "Sitec") },
		"x_3":   func(s sites.Site) bool { return strings.HasSuffix(s.URL, "x_3") },
		"%":     func(sites.Site) bool { return false },
	}
	for name, compare := range orders {
		for _, desc := range []bool{false, true} {
			for state, inState := range states {
				for search, found := range searches {
					if search != "" && state > sites.StateInsecure {
						continue
					}
					q := sites.Query{OrderBy: name, State: state, Search: search, Size: 7}
					if desc {
						q.OrderBy += " desc"
					}
					got := listAll(t, w, q)
					var want []sites.Site
					for _, s := range all {
						if inState(s) && found(s) {
							want = append(want, s)
						}
					}
					if len(got) != len(want) {
						t.Errorf("%q, state %d, search %q: %d sites, want %d", q.OrderBy, state, search, len(got), len(want))
						continue
					}
					seen := map[uuid.UUID]bool{}
					for i, s := range got {
						if seen[s.ID] || !inState(s) || !found(s) {
							t.Fatalf("%q, state %d, search %q: %s is there again, or should not be", q.OrderBy, state, search, s.Name)
						}
						seen[s.ID] = true
						if i == 0 {
							continue
						}
						if c := compare(got[i-1], s); desc && c < 0 || !desc && c > 0 {
							t.Fatalf("%q, state %d, search %q: place %d is out of order", q.OrderBy, state, search, i)
						}
					}
				}
			}
		}
	}
}

func TestTheEmptyOrderIsMostInsecureFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet(t, w)
	ids := func(list []sites.Site) (ids []uuid.UUID) {
		for _, s := range list {
			ids = append(ids, s.ID)
		}
		return ids
	}
	if !slices.Equal(ids(listAll(t, w, sites.Query{Size: 50})), ids(listAll(t, w, sites.Query{Size: 9, OrderBy: "security desc"}))) {
		t.Fatal("the orders differ")
	}
}

func TestASearchOfManyHitsIsPagedLikeAnyOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `WITH made AS (INSERT INTO sites (organization_id, name, url) SELECT $1, 'shop ' || g, 'https://x.example' FROM generate_series(1, 620) g RETURNING id),
		owned AS (INSERT INTO site_organizations (site_id, organization_id, is_owner) SELECT id, $1, true FROM made)
		INSERT INTO site_states (site_id, organization_id, update_count) SELECT id, $1, id % 5 FROM made`, w.own.OrganizationID)
	for order := range orders {
		if n := len(listAll(t, w, sites.Query{OrderBy: order, Search: "SHOP", Size: 200})); n != 620 {
			t.Errorf("%s: %d hits", order, n)
		}
	}
}

func TestAPageTokenIsOnlyGoodForItsList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet(t, w)
	_, token, err := w.service.List(t.Context(), w.own, sites.Query{OrderBy: "name", Size: 5})
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]sites.Query{
		"not for another order":   {OrderBy: "url"},
		"not the other way round": {OrderBy: "name desc"},
		"not for another state":   {OrderBy: "name", State: sites.StateInsecure},
		"not for another search":  {OrderBy: "name", Search: "x"},
		"not when it was made up": {OrderBy: "name", PageToken: "bm9uc2Vuc2UgdG9rZW4"},
		"not for somebody else's": {OrderBy: "name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			actor := w.own
			if strings.Contains(name, "somebody") {
				actor = w.other
			}
			if q.PageToken == "" {
				q.PageToken = token
			}
			q.Size = 5
			if _, _, err := w.service.List(t.Context(), actor, q); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "page_token") {
				t.Fatalf("got %v", err)
			}
		})
	}
	if _, _, err := w.service.List(t.Context(), w.own, sites.Query{OrderBy: "name", Size: 11, PageToken: token}); err != nil {
		t.Errorf("another page size: %v", err)
	}
}

func TestTheSummaryCountsWhatTheListShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := fleet(t, w)
	got, err := w.service.Summary(t.Context(), w.own)
	if err != nil {
		t.Fatal(err)
	}
	count := func(s sites.State) (n int32) {
		for _, site := range all {
			if states[s](site) {
				n++
			}
		}
		return n
	}
	want := sites.Summary{
		Sites: count(sites.StateAny), Insecure: count(sites.StateInsecure), Unsupported: count(sites.StateUnsupported),
		Outdated: count(sites.StateOutdated), Unknown: count(sites.StateUnknown), Current: count(sites.StateCurrent),
		Waiting: count(sites.StateWaiting), Silent: count(sites.StateSilent),
		Reporting: count(sites.StateAny) - count(sites.StateWaiting) - count(sites.StateSilent),
		EndOfLife: count(sites.StateEndOfLife),
	}
	for _, s := range all {
		if s.PlatformState == "ending" {
			want.Ending++
		}
	}
	if want.EndOfLife == 0 || want.Ending == 0 {
		t.Fatalf("the fleet has no such sites: %+v", want)
	}
	if got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}
