package staticweb_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"drumbeat/server/platform/staticweb"
)

const policy = "default-src 'none'"

func newHandler(t *testing.T) http.Handler {
	t.Helper()
	h, err := staticweb.New(fstest.MapFS{
		"index.html":       {Data: []byte("<!doctype html><title>page</title>")},
		"favicon.svg":      {Data: []byte("<svg/>")},
		"assets/app-1a.js": {Data: []byte(strings.Repeat("console.log(1);\n", 200))},
		".gitkeep":         {},
	}, policy)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestServing(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	for name, c := range map[string]struct {
		method, path       string
		status             int
		contentType, cache string
		contains           string
		withPolicy         bool
	}{
		"the root is the page":                {"GET", "/", 200, "text/html; charset=utf-8", "no-cache", "page", true},
		"a path of the page is the page":      {"GET", "/sites/5b0c", 200, "text/html; charset=utf-8", "no-cache", "page", true},
		"an asset stays for ever":             {"GET", "/assets/app-1a.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "console", false},
		"a file is checked again":             {"GET", "/favicon.svg", 200, "image/svg+xml", "no-cache", "<svg/>", false},
		"an asset that is gone is no page":    {"GET", "/assets/app-0.js", 404, "", "", "", false},
		"a file that is not there is no page": {"GET", "/robots.txt", 404, "", "", "", false},
		"a hidden file is not there":          {"GET", "/.gitkeep", 404, "", "", "", false},
		"a page takes no posts":               {"POST", "/", 405, "", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
				t.Fatalf("got %d %q", w.Code, w.Body)
			}
			if c.status != 200 {
				return
			}
			if got := w.Header().Get("Content-Type"); got != c.contentType {
				t.Errorf("type %q", got)
			}
			if got := w.Header().Get("Cache-Control"); got != c.cache {
				t.Errorf("cache %q", got)
			}
			if got := w.Header().Get("Content-Security-Policy") == policy; got != c.withPolicy {
				t.Errorf("policy %v", got)
			}
		})
	}
}

func TestWhatABrowserHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	again := httptest.NewRecorder()
	h.ServeHTTP(again, r)
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Fatalf("got %d with %d bytes", again.Code, again.Body.Len())
	}
}

func TestTextIsCompressedForThoseWhoTakeIt(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	r := httptest.NewRequest("GET", "/assets/app-1a.js", nil)
	r.Header.Set("Accept-Encoding", "br, gzip;q=0.8")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("headers %v", w.Header())
	}
	zr, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(zr); err != nil || len(body) != 3200 {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
}
