package releases

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const noHistory = `<?xml version="1.0" encoding="utf-8"?><error>No release history was found for the requested project (token).</error>`

// fineFeed lists 8.x-1.4 as current.
func fineFeed() string { return feedXML("token", "8.x-1.", rel("8.x-1.4")) }

// huge writes 200 MB that begin like a feed.
func huge(w io.Writer) {
	_, _ = io.WriteString(w, strings.TrimSuffix(fineFeed(), "</project>"))
	block := []byte(strings.Repeat("<!-- never ends -->\n", 5000))
	for range 2000 {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

var badAnswers = map[string]struct {
	answer http.HandlerFunc
	state  string
	error  string // part of the message
	first  string // status of an installed version when nothing better is known
}{
	"broken XML": {
		answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<project><title>x</project>") },
		state:  "malformed", error: "malformed", first: "unknown",
	},
	"HTML error page with status 200": {
		answer: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<!DOCTYPE html><html><body><h1>Service unavailable</h1><p>Sorry<br></body></html>")
		},
		state: "malformed", error: "malformed", first: "unknown",
	},
	"error document": {
		answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, noHistory) },
		state:  "missing", error: "No release history was found", first: "unknown",
	},
	"200 MB": {
		answer: func(w http.ResponseWriter, _ *http.Request) { huge(w) },
		state:  "malformed", error: "larger than 32 MiB", first: "unknown",
	},
	"200 MB in a small gzip": {
		answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			huge(z)
			_ = z.Close()
		},
		state: "malformed", error: "larger than 32 MiB", first: "unknown",
	},
	"200 MB announced": {
		answer: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "200000000") },
		state:  "malformed", error: "larger than 32 MiB", first: "unknown",
	},
	"connection lost in the middle": {
		answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, fineFeed())
		},
		state: "failed", error: "broke off", first: "not-fetched",
	},
	"truncated at the server": {
		answer: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.TrimSuffix(fineFeed(), "</releases></project>"))
		},
		state: "malformed", error: "malformed", first: "unknown",
	},
	"empty": {
		answer: func(http.ResponseWriter, *http.Request) {},
		state:  "failed", error: "empty", first: "not-fetched",
	},
	"status 503": {
		answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		state:  "failed", error: "503", first: "not-fetched",
	},
	"status 404": {
		answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		state:  "failed", error: "404", first: "not-fetched",
	},
	"redirect to plain http elsewhere": {
		answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2:1/x", http.StatusFound)
		},
		state: "failed", error: "not https", first: "not-fetched",
	},
	"redirect without end": {
		answer: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		state:  "failed", error: "too many redirects", first: "not-fetched",
	},
	"a version of a kilobyte": {
		answer: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, feedXML("token", "8.x-1.", rel("8.x-1."+strings.Repeat("9", 1000))))
		},
		state: "malformed", error: "more than 512 bytes", first: "unknown",
	},
}

func TestBadAnswersAreRecordedAndTheLastGoodFeedStaysInForce(t *testing.T) {
	t.Parallel()
	for name, test := range badAnswers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var good atomic.Bool
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if good.Load() {
					_, _ = io.WriteString(w, fineFeed())
					return
				}
				test.answer(w, r)
			})
			source, err := OpenSource(address, HTTPOptions{})
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t, source)
			b.mustInstall(b.addSite(), "token", "8.x-1.4")

			b.sync()
			if f := b.feed("token"); f.state != test.state || !strings.Contains(f.error, test.error) || f.content {
				t.Errorf("at first: %+v, want state %s and an error with %q", f, test.state, test.error)
			}
			if s := b.status("token", "8.x-1.4"); s != test.first {
				t.Errorf("at first the version is %s, want %s", s, test.first)
			}
			good.Store(true)
			b.syncLater()
			if f := b.feed("token"); f.state != "ok" || f.error != "" || f.failures != 0 || !f.content {
				t.Errorf("after a good answer: %+v", f)
			}
			good.Store(false)
			b.syncLater()
			f := b.feed("token")
			if f.state != test.state || !f.content {
				t.Errorf("bad again: %+v, want state %s and the content kept", f, test.state)
			}
			if s := b.status("token", "8.x-1.4"); s != "current" {
				t.Errorf("the last good feed is not in force: %s", s)
			}
			if n := b.staleSites(); n != 0 {
				t.Error("the site has a stale counter")
			}
		})
	}
}

func TestAnInsecureVersionStaysInsecureWhenTheFeedBreaks(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", feedXML("token", "8.x-1.", rel("8.x-1.5", "Security update"), rel("8.x-1.4", "Insecure")))
	b := newBench(t, source)
	b.mustInstall(b.addSite(), "token", "8.x-1.4")
	b.sync()
	for _, broken := range []string{"", "<x>", noHistory, "<html></html>"} {
		source.set("token", broken)
		b.syncLater()
		if s := b.status("token", "8.x-1.4"); s != "not-secure" {
			t.Errorf("after %q the version is %s", broken, s)
		}
		b.mustInstall(b.addSite(), "token", "8.x-1.5")
		if s := b.status("token", "8.x-1.5"); s != "current" {
			t.Errorf("after %q a version seen for the first time is %s", broken, s)
		}
	}
}

func TestALargeAnswerIsNotHeldInMemory(t *testing.T) { //nolint:paralleltest // measures memory
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { huge(w) })
	source, err := OpenSource(address, HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = source.Fetch(t.Context(), Request{Project: "token", Series: "current"})
	runtime.ReadMemStats(&after)
	var failure *FetchError
	if !errors.As(err, &failure) || !failure.TooLarge {
		t.Errorf("got %v", err)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 128<<20 {
		t.Errorf("allocated %d MB on the way", allocated>>20)
	}
}

func TestHTTPSourceAsksPolitely(t *testing.T) {
	t.Parallel()
	var conditional atomic.Int32
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/release-history/token/current" || r.URL.RawQuery != "" {
			t.Errorf("asked for %s", r.URL)
		}
		if got := r.Header.Get("Accept"); got != "text/xml" {
			t.Errorf("accepts %q", got)
		}
		if got := r.Header.Get("User-Agent"); !strings.Contains(got, "Drumbeat") {
			t.Errorf("calls itself %q", got)
		}
		if r.Header.Get("If-None-Match") == `"v1"` && r.Header.Get("If-Modified-Since") == "Mon, 02 Nov 2026 00:00:00 GMT" {
			conditional.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Last-Modified", "Mon, 02 Nov 2026 00:00:00 GMT")
		_, _ = io.WriteString(w, fineFeed())
	})
	source, err := OpenSource(address+"/release-history/", HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, source)
	b.mustInstall(b.addSite(), "token", "8.x-1.4")
	b.sync()
	b.syncLater()
	if conditional.Load() != 1 {
		t.Errorf("%d conditional requests, want 1", conditional.Load())
	}
	var fetched, changed time.Time
	if err := b.pool.QueryRow(t.Context(), "SELECT fetched_at, changed_at FROM feeds").Scan(&fetched, &changed); err != nil {
		t.Fatal(err)
	}
	if !fetched.Equal(b.clock.Now()) || !changed.Before(fetched) {
		t.Errorf("content confirmed at %s, changed at %s", fetched, changed)
	}
	if f := b.feed("token"); f.state != "ok" {
		t.Errorf("state %s", f.state)
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	clock := newTestClock()
	for name, header := range map[string]string{
		"seconds": strconv.Itoa(int((2 * time.Hour).Seconds())),
		"date":    clock.Now().Add(2 * time.Hour).Format(http.TimeFormat),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) == 1 {
					w.Header().Set("Retry-After", header)
					w.WriteHeader(http.StatusTooManyRequests)
					return
				}
				_, _ = io.WriteString(w, fineFeed())
			})
			clock := newTestClock()
			source, err := NewHTTPSource(address, HTTPOptions{Now: clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t, source)
			b.clock = clock
			b.service.syncer.now, b.catalog.now = clock.Now, clock.Now
			b.mustInstall(b.addSite(), "token", "8.x-1.4")
			b.sync()
			if f := b.feed("token"); f.state != "failed" || f.next.Before(clock.Now().Add(2*time.Hour)) {
				t.Errorf("%+v, want failed and not asked for 2 h", f)
			}
			// Another project of the same server waits as well.
			b.mustInstall(b.addSite(), "pathauto", "8.x-1.4")
			b.sync()
			clock.advance(119 * time.Minute)
			b.sync()
			if asked.Load() != 1 {
				t.Errorf("asked %d times within the 2 h", asked.Load())
			}
			if f := b.feed("pathauto"); f.state != "never" || f.failures != 0 {
				t.Errorf("a feed that was not asked for: %+v", f)
			}
			clock.advance(3 * time.Minute)
			b.sync()
			if f := b.feed("pathauto"); f.state != "ok" {
				t.Errorf("after the 2 h: %+v", f)
			}
		})
	}
}

func TestAServerThatFailsTwiceIsLeftAloneForFiveMinutes(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	})
	clock := newTestClock()
	source, err := NewHTTPSource(address, HTTPOptions{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		_, err := source.Fetch(t.Context(), Request{Project: "token", Series: "current"})
		return err
	}
	var failure *FetchError
	for range 2 {
		if err := ask(); !errors.As(err, &failure) {
			t.Errorf("got %v, want a failed request", err)
		}
	}
	var paused *PausedError
	if err := ask(); !errors.As(err, &paused) {
		t.Errorf("got %v, want a pause", err)
	}
	clock.advance(pauseFor)
	if err := ask(); !errors.As(err, &failure) {
		t.Errorf("got %v after the pause", err)
	}
	if asked.Load() != 3 {
		t.Errorf("asked %d times, want 3", asked.Load())
	}
}

func TestNamesThatCannotBeProjectsAreNeverAskedFor(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	b := newBench(t, source)
	names := []string{"../../etc/passwd", "a b", "a/../b", "-x", "é", "x?site_key=1", strings.Repeat("x", 200)}
	for _, name := range names {
		b.mustInstall(b.addSite(), name, "1.0.0")
	}
	b.sync()
	if len(source.asked) != 0 {
		t.Errorf("asked for %v", source.asked)
	}
	for _, name := range names {
		if f := b.feed(name); f.state != "missing" {
			t.Errorf("%q: %+v", name, f)
		}
	}
}

func TestUnknownProjectsAreAskedForAgainAfterDays(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	b := newBench(t, source)
	b.mustInstall(b.addSite(), "token", "8.x-1.4")
	b.sync()
	b.clock.advance(24 * time.Hour)
	b.sync()
	if len(source.asked) != 1 {
		t.Errorf("asked %d times within a day, want once", len(source.asked))
	}
	source.set("token", fineFeed())
	b.syncLater()
	if s := b.status("token", "8.x-1.4"); s != "current" {
		t.Errorf("a project that came up later is %s", s)
	}
}

func TestFeedsAreAskedForOnceByAllProcesses(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	b := newBench(t, source)
	installed := make([]Installed, 0, 60)
	for i := range 60 {
		installed = append(installed, Installed{Project: "p" + strconv.Itoa(i), RuleSet: "current"})
	}
	mustResolve(t, b.catalog, installed...)
	done := make(chan error)
	for range 3 {
		go func() { done <- b.service.syncer.syncAll(t.Context(), b.service.syncer.claimDue, nil) }()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(source.asked) != 60 {
		t.Errorf("asked %d times for 60 feeds", len(source.asked))
	}
}

func TestFolderSource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(feed string, at time.Time) {
		t.Helper()
		path := filepath.Join(dir, "token.xml")
		if err := os.WriteFile(path, []byte(feed), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write(fineFeed(), time.Unix(1_700_000_000, 0))
	source, err := OpenSource("file://"+dir, HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	folder := source.(*FolderSource)
	changed := func(want bool) {
		t.Helper()
		got, err := folder.Changed()
		if err != nil || got != want {
			t.Errorf("changed: %t, %v; want %t", got, err, want)
		}
	}
	changed(true)
	changed(false)
	b := newBench(t, source)
	site := b.addSite()
	b.mustInstall(site, "token", "8.x-1.4")
	b.mustInstall(site, "nothing", "1.0.0")
	b.sync()
	if got := b.counters(site); got != (counters{3: 1, 4: 1}) {
		t.Errorf("counters %v", got)
	}
	if f := b.feed("nothing"); f.state != "missing" {
		t.Errorf("a project without a file: %+v", f)
	}
	write(feedXML("token", "8.x-1.", rel("8.x-1.5", "Security update"), rel("8.x-1.4", "Insecure")), time.Unix(1_700_000_060, 0))
	changed(true)
	changed(false)
	b.syncLater()
	if got := b.counters(site); got != (counters{0: 1, 4: 1, 5: 1}) {
		t.Errorf("after the file changed: counters %v", got)
	}
}

func TestOpenSourceRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, location := range []string{
		"ftp://updates.drupal.org", "https://", "https://x/?site_key=1", "https://x/#y",
		filepath.Join(t.TempDir(), "missing"), "file://",
	} {
		if source, err := OpenSource(location, HTTPOptions{}); err == nil {
			t.Errorf("%s is taken for %s", location, source)
		}
	}
	if source, err := OpenSource("", HTTPOptions{}); err != nil || source.String() != DefaultSource {
		t.Errorf("nothing is %v, %v; want drupal.org", source, err)
	}
	source, err := OpenSource("https://me:secret@mirror.example/feeds", HTTPOptions{})
	if err != nil || strings.Contains(source.String(), "secret") {
		t.Errorf("%v, %v", source, err)
	}
}

// The whole service, with its own loops: a report of a new project wakes them.
func TestServiceFetchesAtOnceWhatANewReportNeeds(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", fineFeed())
	b := newBench(t, source)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.service.Run(ctx) }()

	listener, err := b.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Release()
	if _, err := listener.Exec(t.Context(), "LISTEN site_changes"); err != nil {
		t.Fatal(err)
	}
	site := b.addSite()
	b.mustInstall(site, "token", "8.x-1.4")
	// The clock stands still, so only the notification can make this happen
	// again after the first look for due feeds.
	for b.counters(site) != (counters{3: 1}) {
		if _, err := listener.Conn().WaitForNotification(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := listener.Exec(t.Context(), "UNLISTEN *"); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestStatusAndShow(t *testing.T) {
	t.Parallel()
	source := newMemorySource()
	source.set("token", feedXML("token", "8.x-1.", rel("8.x-1.5", "Security update"), rel("8.x-1.4", "Insecure")))
	source.fail("views", &FetchError{Message: "the server answered 500"})
	b := newBench(t, source)
	b.mustInstall(b.addSite(), "token", "8.x-1.4")
	b.mustInstall(b.addSite(), "views", "1.0.0")
	b.mustInstall(b.addSite(), "unheard", "1.0.0")
	var results []SyncResult
	if err := b.service.SyncNow(t.Context(), nil, true, func(r SyncResult) { results = append(results, r) }); err != nil {
		t.Fatal(err)
	}
	if len(results) != 3 {
		t.Errorf("progress on %d feeds, want 3", len(results))
	}
	if err := b.service.SyncNow(t.Context(), []string{"nobody_has_it"}, false, func(SyncResult) {}); !errors.Is(err, ErrUnknownProject) {
		t.Errorf("a project nobody has: %v", err)
	}
	reader := NewReader(b.pool, b.clock.Now, b.log)
	page, err := reader.Status(t.Context(), StatusPage{Size: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(page) != 2 || page[0].Project != "token" || page[0].State != FeedOK || page[0].FetchedAt == nil ||
		page[1].Project != "unheard" || page[1].State != FeedMissing {
		t.Errorf("first page %+v", page)
	}
	page, err = reader.Status(t.Context(), StatusPage{Size: 2, AfterProject: page[1].Project, AfterSeries: page[1].Series})
	if err != nil {
		t.Fatal(err)
	}
	if len(page) != 1 || page[0].State != FeedFailed || page[0].Failures != 1 || page[0].Error != "the server answered 500" {
		t.Errorf("second page %+v", page)
	}
	project, err := reader.Show(t.Context(), "token")
	if err != nil {
		t.Fatal(err)
	}
	if project.Title != "The token" || len(project.Releases) != 2 || project.Releases[0].Version != "8.x-1.5" || len(project.Installed) != 1 {
		t.Errorf("shown %+v", project)
	}
	if i := project.Installed[0]; i.Sites != 1 || i.Explanation != "8.x-1.4 carries the mark Insecure since 2023-11-14; 8.x-1.5 in the same branch fixes it." {
		t.Errorf("installed %+v", i)
	}
	if _, err := reader.Show(t.Context(), "nobody_has_it"); !errors.Is(err, ErrUnknownProject) {
		t.Errorf("a project nobody has: %v", err)
	}
}
