// Package staticweb serves a built single-page application from memory: files
// under /assets/ for ever, everything else checked again by its ETag, and the
// index page for every path that is a page of the application.
package staticweb

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// minCompressed is the size in bytes below which compressing does not pay.
const minCompressed = 1024

// A browser's own list differs between machines; these are the types that a
// build is made of.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
	".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8", ".woff2": "font/woff2", ".map": "application/json",
}

// file is one file, ready to be sent.
type file struct {
	body, gzipped []byte // gzipped is nil where it does not pay
	contentType   string
	etag          string
	immutable     bool
}

// Handler serves the files.
type Handler struct {
	files map[string]*file // by URL path
	csp   string
}

// New reads all files of dist, which holds index.html at its root. The policy
// is sent as the Content-Security-Policy of the pages.
func New(dist fs.FS, policy string) (*Handler, error) {
	h := &Handler{files: map[string]*file{}, csp: policy}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.HasPrefix(path.Base(name), ".") {
			return nil
		}
		body, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		h.files["/"+name] = prepare(name, body)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the web client: %w", err)
	}
	if h.files["/index.html"] == nil {
		return nil, fmt.Errorf("read the web client: it has no index.html")
	}
	return h, nil
}

func prepare(name string, body []byte) *file {
	sum := sha256.Sum256(body)
	f := &file{
		body: body, contentType: types[path.Ext(name)],
		etag:      base64.RawURLEncoding.EncodeToString(sum[:12]),
		immutable: strings.HasPrefix(name, "assets/"),
	}
	if f.contentType == "" {
		if f.contentType = mime.TypeByExtension(path.Ext(name)); f.contentType == "" {
			f.contentType = "application/octet-stream"
		}
	}
	if compressible(f.contentType) && len(body) >= minCompressed {
		var buf bytes.Buffer
		w, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // the level is a valid one
		w.Write(body)                                           // a buffer takes everything
		w.Close()
		if buf.Len() < len(body)*9/10 {
			f.gzipped = buf.Bytes()
		}
	}
	return f
}

func compressible(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || strings.HasPrefix(contentType, "application/json") ||
		strings.HasPrefix(contentType, "application/manifest") || contentType == "image/svg+xml"
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this is a page: read it", http.StatusMethodNotAllowed)
		return
	}
	f := h.files[r.URL.Path]
	if f == nil {
		// A missing file must not come back as a page, or a script that is gone
		// after an update would be HTML to the browser.
		if strings.HasPrefix(r.URL.Path, "/assets/") || path.Ext(r.URL.Path) != "" {
			http.NotFound(w, r)
			return
		}
		f = h.files["/index.html"]
	}
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	if strings.HasPrefix(f.contentType, "text/html") {
		header.Set("Content-Security-Policy", h.csp)
	}
	if f.immutable {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		header.Set("Cache-Control", "no-cache")
	}
	body, etag := f.body, `"`+f.etag+`"`
	if f.gzipped != nil {
		header.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			body, etag = f.gzipped, `"`+f.etag+`-gzip"`
			header.Set("Content-Encoding", "gzip")
		}
	}
	header.Set("ETag", etag)
	if matches(r.Header.Values("If-None-Match"), etag) {
		header.Del("Content-Type")
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the client is gone
	}
}

func acceptsGzip(values []string) bool {
	for _, part := range strings.Split(strings.Join(values, ","), ",") {
		coding, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		q = strings.ReplaceAll(q, " ", "")
		if (coding == "gzip" || coding == "*") && q != "q=0" && !strings.HasPrefix(q, "q=0.0") {
			return true
		}
	}
	return false
}

func matches(values []string, etag string) bool {
	for _, part := range strings.Split(strings.Join(values, ","), ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == etag || part == "*" {
			return true
		}
	}
	return false
}
