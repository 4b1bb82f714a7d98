package releases

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"drumbeat/server/feedfolder"
)

// DefaultSource is where drupal.org publishes release histories.
const DefaultSource = "https://updates.drupal.org/release-history"

// Source is where release histories come from.
type Source interface {
	// Fetch asks for the release history of one project in one series
	// ("current", "7.x"). Its errors are ErrNoSuchProject, *PausedError and
	// *FetchError; anything else is unexpected.
	Fetch(ctx context.Context, r Request) (Response, error)
	// String names the source for people, without secrets.
	String() string
}

// Request asks for one release history.
type Request struct {
	Project, Series string
	// What the source said of the content at hand, to be told when there is
	// nothing newer; both empty when there is none at hand.
	ETag, LastModified string
}

// Response is what a source has of a project. The body may be anything.
type Response struct {
	NotModified        bool
	Body               []byte // at most 32 MiB
	ETag, LastModified string
}

// ErrNoSuchProject says that the source knows no such project.
var ErrNoSuchProject = errors.New("the source knows no such project")

// FetchError is a request that failed.
type FetchError struct {
	Message string // for the operator
	// RetryAfter is how long the source wants to be left alone; 0 when it did
	// not say.
	RetryAfter time.Duration
	// TooLarge says that there was an answer, but one beyond all bounds.
	TooLarge bool
}

func (e *FetchError) Error() string { return e.Message }

// PausedError says that the source was not asked, because it must not be before
// the given time.
type PausedError struct{ Until time.Time }

func (e *PausedError) Error() string {
	return "the source is not asked before " + e.Until.UTC().Format(time.RFC3339)
}

// OpenSource opens the source at a location: an http or https address, which
// /<project>/<series> is appended to, or a folder of XML files, as a path or a
// file URL. Empty is drupal.org.
func OpenSource(location string, options HTTPOptions) (Source, error) {
	location = strings.TrimSpace(location)
	if location == "" {
		location = DefaultSource
	}
	switch scheme, _, found := strings.Cut(location, "://"); {
	case found && (scheme == "http" || scheme == "https"):
		return NewHTTPSource(location, options)
	case found && scheme == "file":
		u, err := url.Parse(location)
		if err != nil || u.Path == "" {
			return nil, fmt.Errorf("the feed source %q is no file URL", location)
		}
		return NewFolderSource(filepath.FromSlash(u.Path))
	case found:
		return nil, fmt.Errorf("the feed source %q is neither an http(s) address nor a folder", location)
	}
	return NewFolderSource(location)
}

// FolderSource reads release histories from a folder. It may be used by several
// goroutines.
type FolderSource struct {
	path string

	mu     sync.RWMutex
	folder *feedfolder.Folder
	print  [sha256.Size]byte // of the folder when it was last looked at
}

// NewFolderSource opens a folder of feeds; feedfolder.Folder.Open tells how the
// files are named.
func NewFolderSource(path string) (*FolderSource, error) {
	folder, err := feedfolder.New(path)
	if err != nil {
		return nil, fmt.Errorf("the feed source %q: %w", path, err)
	}
	return &FolderSource{path: path, folder: folder}, nil
}

func (s *FolderSource) String() string { return "folder " + s.path }

// Fetch reads one file.
func (s *FolderSource) Fetch(_ context.Context, r Request) (Response, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	file, err := s.folder.Open(r.Project, r.Series)
	if errors.Is(err, fs.ErrNotExist) {
		return Response{}, ErrNoSuchProject
	}
	if err != nil {
		return Response{}, &FetchError{Message: err.Error()}
	}
	defer file.Close()
	body, err := readBounded(file)
	if err != nil {
		return Response{}, err
	}
	return Response{Body: body}, nil
}

// Changed tells whether anything in the folder changed since it was last asked;
// the first time it did.
func (s *FolderSource) Changed() (bool, error) {
	hash := sha256.New()
	err := filepath.WalkDir(s.path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && path != s.path {
				return nil // gone while we look
			}
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // gone while we look
		}
		fmt.Fprintf(hash, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look through the feed folder: %w", err)
	}
	print := [sha256.Size]byte(hash.Sum(nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	if print == s.print {
		return false, nil
	}
	folder, err := feedfolder.New(s.path)
	if err != nil {
		return false, err
	}
	_ = s.folder.Close()
	s.folder, s.print = folder, print
	return true, nil
}

// errTooLarge is the answer to a document that is never read to its end.
func errTooLarge() error {
	return &FetchError{Message: fmt.Sprintf("the answer is larger than %d MiB", maxFeedBytes>>20), TooLarge: true}
}

// largeBody lets one document of more than smallBody be held in memory at a
// time, however many are fetched: no real one is.
var largeBody = make(chan struct{}, 1)

const smallBody = 4 << 20

// readBounded reads a document of at most maxFeedBytes.
func readBounded(r io.Reader) ([]byte, error) {
	var buffer bytes.Buffer
	n, err := buffer.ReadFrom(io.LimitReader(r, smallBody+1))
	if err != nil {
		return nil, &FetchError{Message: "the answer broke off: " + err.Error()}
	}
	if n <= smallBody {
		return buffer.Bytes(), nil
	}
	largeBody <- struct{}{}
	defer func() { <-largeBody }()
	buffer.Grow(maxFeedBytes - smallBody + bytes.MinRead) // once, rather than by doubling
	if _, err := buffer.ReadFrom(io.LimitReader(r, maxFeedBytes-smallBody)); err != nil {
		return nil, &FetchError{Message: "the answer broke off: " + err.Error()}
	}
	if buffer.Len() > maxFeedBytes {
		return nil, errTooLarge()
	}
	return buffer.Bytes(), nil
}

// drupalOrg is what people call the default source.
const drupalOrg = "drupal.org"

// sourceName names a source to people who look after sites: the host that is
// asked, or that it is a folder, whose path is the operator's business.
func sourceName(source Source) string {
	switch s := source.(type) {
	case *FolderSource:
		return "this server's own folder"
	case *HTTPSource:
		if host := s.base.Hostname(); host != "updates."+drupalOrg {
			return host
		}
	}
	return drupalOrg
}
