package updatestatus

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"drumbeat/server/updatestatus/internal/xmlscan"
)

// Errors of ParseFeed, to be told apart with errors.Is. Drupal treats a feed
// that fails with any of them but ErrEmptyFeed as a feed without releases: the
// input of Evaluate is then Fetched with a nil Feed. An empty body counts
// as a failed fetch.
var (
	// ErrEmptyFeed is given for a body of no bytes.
	ErrEmptyFeed = errors.New("feed is empty")
	// ErrMalformedFeed is given for anything that is no release history.
	ErrMalformedFeed = errors.New("feed is malformed")
	// ErrFeedTooLarge is given, besides ErrMalformedFeed, for a feed that
	// exceeds one of the Limits.
	ErrFeedTooLarge = errors.New("feed is too large")
	// ErrNoReleaseHistory is matched by NoReleaseHistoryError.
	ErrNoReleaseHistory = errors.New("no release history")
)

// NoReleaseHistoryError is drupal.org's own answer for a project (or a series
// of it) that has no release history.
type NoReleaseHistoryError struct {
	Message string // as the server put it, cut to a sensible length
}

func (e *NoReleaseHistoryError) Error() string {
	return fmt.Sprintf("%s: %s", ErrNoReleaseHistory, e.Message)
}

// Is makes the error match ErrNoReleaseHistory.
func (e *NoReleaseHistoryError) Is(target error) bool { return target == ErrNoReleaseHistory }

// Limits bound what a feed may cost. A zero value means the default.
type Limits struct {
	Bytes    int64 // of the body; default 32 MiB (Drupal core's feed has about 1 MB)
	Depth    int   // of nested elements; default 256, as in Drupal's own parser
	Elements int   // in total; default 1,000,000
	Releases int   // default 20,000
	Expanded int   // bytes all entity references expand to; default 1 MiB
}

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 32 << 20
	}
	if l.Depth == 0 {
		l.Depth = 256
	}
	if l.Elements == 0 {
		l.Elements = 1_000_000
	}
	if l.Releases == 0 {
		l.Releases = 20_000
	}
	if l.Expanded == 0 {
		l.Expanded = 1 << 20
	}
	return l
}

// ParseFeed reads a release history within the default Limits.
func ParseFeed(r io.Reader) (*Feed, error) { return ParseFeedLimited(r, Limits{}) }

// ParseFeedLimited reads a release history. The error is one of those above,
// or that of the reader, wrapped.
func ParseFeedLimited(r io.Reader, limits Limits) (*Feed, error) {
	limits = limits.withDefaults()
	data, err := io.ReadAll(io.LimitReader(r, limits.Bytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read feed: %w", err)
	case len(data) == 0:
		return nil, ErrEmptyFeed
	case int64(len(data)) > limits.Bytes:
		return nil, fmt.Errorf("%w: %w: more than %d bytes", ErrMalformedFeed, ErrFeedTooLarge, limits.Bytes)
	}
	feed, err := parse(data, limits)
	var none *NoReleaseHistoryError
	switch {
	case err == nil:
		return feed, nil
	case errors.As(err, &none):
		return nil, err
	case errors.Is(err, xmlscan.ErrLimit):
		return nil, fmt.Errorf("%w: %w: %w", ErrMalformedFeed, ErrFeedTooLarge, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrMalformedFeed, err)
}

func parse(data []byte, limits Limits) (*Feed, error) {
	data, err := xmlscan.ToUTF8(data)
	if err != nil {
		return nil, err
	}
	scanner, err := xmlscan.New(data, xmlscan.Limits{
		Depth: limits.Depth, Elements: limits.Elements, Expanded: limits.Expanded,
	})
	if err != nil {
		return nil, err
	}
	p := &feedParser{Scanner: scanner, limits: limits, feed: &Feed{}, byKey: map[string]int{}}
	return p.document()
}

// feedParser turns the events of one document into a Feed. Each of its methods
// that reads an element is called after the element's start and returns after
// its end.
type feedParser struct {
	*xmlscan.Scanner
	limits Limits
	feed   *Feed
	byKey  map[string]int
	buffer []byte // the text of the element being read
}

func (p *feedParser) document() (*Feed, error) {
	kind, err := p.Next()
	if err != nil {
		return nil, err
	}
	if kind != xmlscan.StartElement {
		return nil, errors.New("no root element")
	}
	// The root's name does not matter to Drupal, so only a document that turns
	// out to be no feed is looked at for drupal.org's error.
	isError := string(p.Name()) == "error"
	hasShortName, hasReleases := false, false
	p.buffer = p.buffer[:0]
	err = p.children(func(name string) error {
		switch name {
		case "short_name":
			hasShortName = true
			return p.textInto(&p.feed.ShortName)
		case "title":
			return p.textInto(&p.feed.Title)
		case "link":
			return p.textInto(&p.feed.Link)
		case "project_status":
			return p.textInto(&p.feed.ProjectStatus)
		case "supported_branches":
			var branches string
			if err := p.textInto(&branches); err != nil {
				return err
			}
			if strings.Count(branches, ",") >= maxBranches {
				return fmt.Errorf("more than %d supported branches: %w", maxBranches, xmlscan.ErrLimit)
			}
			p.feed.SupportedBranches = strings.Split(branches, ",")
			return nil
		case "supported_majors":
			return p.optionalTextInto(&p.feed.SupportedMajors)
		case "recommended_major":
			return p.optionalTextInto(&p.feed.RecommendedMajor)
		case "default_major":
			return p.optionalTextInto(&p.feed.DefaultMajor)
		case "releases":
			if hasReleases {
				return p.skip()
			}
			hasReleases = true
			return p.children(func(string) error { return p.release() })
		}
		return p.skip()
	})
	if err != nil {
		return nil, err
	}
	message := strings.TrimSpace(string(p.buffer))
	// What follows the root element must be well-formed, too.
	if kind, err = p.Next(); err != nil {
		return nil, err
	}
	if kind != xmlscan.End {
		return nil, errors.New("extra content after the root element")
	}
	if !hasShortName {
		if isError {
			return nil, &NoReleaseHistoryError{Message: cut(message, 300)}
		}
		return nil, errors.New("no short_name element")
	}
	p.feed.Prepare()
	return p.feed, nil
}

// release reads one child of the releases block, whatever its name.
func (p *feedParser) release() error {
	var (
		release            Release
		hasVersion         bool
		hasTerms           bool
		emptyDownload      bool
		badDate            bool
		emptyMessage       bool
		hasCoreCompatible  bool
		supportedByDetails string
	)
	err := p.children(func(name string) error {
		switch name {
		case "version":
			if err := p.textInto(&release.Version); err != nil {
				return err
			}
			if !hasVersion {
				hasVersion, release.Key = true, release.Version
			}
			return nil
		case "status":
			return p.textInto(&release.Status)
		case "release_link":
			return p.textInto(&release.ReleaseLink)
		case "download_link":
			err := p.textInto(&release.DownloadLink)
			emptyDownload = release.DownloadLink == ""
			return err
		case "date":
			if err := p.text(); err != nil {
				return err
			}
			date := string(p.buffer)
			badDate = !isNumeric(date)
			release.Date, release.DateSet = toInteger(date), true
			return nil
		case "terms":
			if hasTerms {
				return p.skip()
			}
			hasTerms = true
			return p.children(func(string) error { return p.term(&release) })
		case "core_compatibility":
			return p.textInto(&release.CoreCompatibility)
		case "core_compatibility_message":
			err := p.textInto(&supportedByDetails)
			emptyMessage = supportedByDetails == ""
			return err
		case "core_compatible":
			hasCoreCompatible = true
			return p.skip()
		case "security":
			covered, _ := p.Attr("covered")
			release.SecurityCovered = covered == "1"
			return p.textInto(&release.SecurityText)
		case "version_major":
			return p.optionalTextInto(&release.VersionMajor)
		case "version_patch":
			return p.optionalTextInto(&release.VersionPatch)
		case "version_extra":
			return p.textInto(&release.VersionExtra)
		}
		return p.skip()
	})
	if err != nil {
		return err
	}
	// Drupal adds core_compatible itself, as a boolean; one that comes with the
	// feed is text and so fails Drupal's validation.
	release.malformed = emptyDownload || badDate || emptyMessage || hasCoreCompatible

	if at, known := p.byKey[release.Key]; known {
		p.feed.Releases[at] = release
		return nil
	}
	if len(p.feed.Releases) >= p.limits.Releases {
		return fmt.Errorf("more than %d releases: %w", p.limits.Releases, xmlscan.ErrLimit)
	}
	p.byKey[release.Key] = len(p.feed.Releases)
	p.feed.Releases = append(p.feed.Releases, release)
	return nil
}

// term reads one child of a release's terms block, whatever its name.
func (p *feedParser) term(release *Release) error {
	var term Term
	hasName, hasValue := false, false
	err := p.children(func(name string) error {
		switch {
		case name == "name" && !hasName:
			hasName = true
			return p.textInto(&term.Vocabulary)
		case name == "value" && !hasValue:
			hasValue = true
			return p.textInto(&term.Value)
		}
		return p.skip()
	})
	release.Terms = append(release.Terms, term)
	return err
}

// What no real feed comes near, bounded because every verdict walks over it.
const (
	maxText     = 16 << 10 // bytes of the text of one element that is used
	maxBranches = 500
)

// children calls read for every child element without a namespace prefix, and
// collects the element's own text in the buffer when no child used it.
func (p *feedParser) children(read func(name string) error) error {
	for {
		kind, err := p.Next()
		if err != nil {
			return err
		}
		switch kind {
		case xmlscan.StartElement:
			if p.Prefixed() {
				err = p.skip()
			} else {
				err = read(known(p.Name()))
			}
			if err != nil {
				return err
			}
		case xmlscan.Text:
			p.buffer = append(p.buffer, p.Text()...)
			if len(p.buffer) > maxStrayText {
				p.buffer = p.buffer[:0]
			}
		case xmlscan.EndElement:
			return nil
		case xmlscan.End:
			return errors.New("document ends early")
		}
	}
}

// maxStrayText bounds the text collected between child elements, of which only
// that of drupal.org's error document is ever used.
const maxStrayText = 4096

// text reads the rest of an element and leaves its own text in the buffer.
func (p *feedParser) text() error {
	p.buffer = p.buffer[:0]
	for {
		kind, err := p.Next()
		if err != nil {
			return err
		}
		switch kind {
		case xmlscan.StartElement:
			if err := p.skip(); err != nil {
				return err
			}
		case xmlscan.Text:
			p.buffer = append(p.buffer, p.Text()...)
			if len(p.buffer) > maxText {
				return fmt.Errorf("an element's text has more than %d bytes: %w", maxText, xmlscan.ErrLimit)
			}
		case xmlscan.EndElement:
			return nil
		case xmlscan.End:
			return errors.New("document ends early")
		}
	}
}

func (p *feedParser) textInto(to *string) error {
	err := p.text()
	*to = known(p.buffer)
	return err
}

func (p *feedParser) optionalTextInto(to **string) error {
	var text string
	err := p.textInto(&text)
	*to = &text
	return err
}

// skip reads the rest of an element without keeping anything.
func (p *feedParser) skip() error {
	for depth := p.Depth(); ; {
		kind, err := p.Next()
		if err != nil {
			return err
		}
		switch {
		case kind == xmlscan.EndElement && p.Depth() < depth:
			return nil
		case kind == xmlscan.End:
			return errors.New("document ends early")
		}
	}
}

// known is string(b) without allocating for what every feed repeats.
func known(b []byte) string {
	switch string(b) {
	case "release":
		return "release"
	case "name":
		return "name"
	case "value":
		return "value"
	case "version":
		return "version"
	case "status":
		return "status"
	case "published":
		return "published"
	case "release_link":
		return "release_link"
	case "download_link":
		return "download_link"
	case "date":
		return "date"
	case "terms":
		return "terms"
	case "term":
		return "term"
	case "files":
		return "files"
	case "tag":
		return "tag"
	case "security":
		return "security"
	case "core_compatibility":
		return "core_compatibility"
	case releaseTypes:
		return releaseTypes
	case termSecurityUpdate:
		return termSecurityUpdate
	case termInsecure:
		return termInsecure
	case "Bug fixes":
		return "Bug fixes"
	case "New features":
		return "New features"
	}
	return string(b)
}

// cut shortens text to at most length bytes, at the border of a character.
func cut(text string, length int) string {
	if len(text) <= length {
		return text
	}
	return strings.ToValidUTF8(text[:length], "")
}
