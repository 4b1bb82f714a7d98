package composerlock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"drumbeat/server/inventory"
)

var (
	// ErrNotLock says that the bytes are no composer.lock; what wraps it says why.
	ErrNotLock = errors.New("not a composer.lock")
	// ErrNoDrupal says that the lock is one, but without Drupal core.
	ErrNoDrupal = errors.New("there is no Drupal in it: neither drupal/core nor drupal/core-recommended")
)

// Options say what to read.
type Options struct {
	// Dev adds the packages that are only for development.
	Dev bool
}

// Contents are what a lock says of a Drupal site.
type Contents struct {
	// DrupalVersion is core's version; never empty.
	DrupalVersion string
	// Extensions are core (as its module "system", which is always installed), then
	// modules, themes and profiles in the order of the lock. A lock does not know
	// what is installed in Drupal's sense: all of them are said to be.
	Extensions []inventory.Extension
	// Packages are those of the vendor drupal, in the order of the lock.
	Packages []inventory.Package
}

// The bounds of the contract, in characters.
const (
	maxPackageName = 255
	maxName        = 128
	maxVersion     = 128
	maxReference   = 255
	maxCoverage    = 64
)

// Read reads a composer.lock. The error is of ErrNotLock or ErrNoDrupal, or says
// that the lock has more than a report may hold.
func Read(data []byte, o Options) (*Contents, error) {
	packages, err := decode(data, o)
	if err != nil {
		return nil, err
	}
	c := &Contents{}
	seen := make(map[string]bool, len(packages))
	var core *lockPackage
	for i := range packages {
		p := &packages[i]
		p.key = strings.ToLower(string(p.Name))
		if seen[p.key] {
			continue
		}
		seen[p.key] = true
		if strings.HasPrefix(p.key, vendor) {
			c.Packages = append(c.Packages, p.composer())
		}
		if rank := coreRank(p.key); rank > 0 && (core == nil || rank > coreRank(core.key)) {
			core = p
		}
		if coreRank(p.key) == 0 {
			if e, ok := p.extension(); ok {
				c.Extensions = append(c.Extensions, e)
			}
		}
	}
	if core == nil {
		return nil, ErrNoDrupal
	}
	if c.DrupalVersion = core.coreVersion(); c.DrupalVersion == "" {
		return nil, fmt.Errorf("%w: %s has no version", ErrNotLock, core.key)
	}
	// What Drupal itself says of core from Composer: no project, core's version.
	c.Extensions = append([]inventory.Extension{{
		Name: "system", Type: "module", Enabled: true, Version: c.DrupalVersion, HasVersion: true, PathKind: "core", Package: "Core",
	}}, c.Extensions...)
	if len(c.Extensions) > inventory.MaxExtensions || len(c.Packages) > inventory.MaxPackages {
		return nil, fmt.Errorf("the lock has %d modules and themes, of which a report holds %d", max(len(c.Extensions), len(c.Packages)), inventory.MaxExtensions)
	}
	return c, nil
}

const vendor = "drupal/"

// coreRank orders the packages that tell core's version; 0 is none of them.
func coreRank(name string) int {
	switch name {
	case "drupal/core":
		return 3
	case "drupal/drupal": // how Drupal 7 comes
		return 2
	case "drupal/core-recommended":
		return 1
	}
	return 0
}

func decode(data []byte, o Options) ([]lockPackage, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var lock struct {
		ContentHash json.RawMessage `json:"content-hash"`
		Hash        json.RawMessage `json:"hash"` // before Composer 1.3
		Packages    json.RawMessage `json:"packages"`
		PackagesDev json.RawMessage `json:"packages-dev"`
		Require     json.RawMessage `json:"require"`
		Autoload    json.RawMessage `json:"autoload"`
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		var syntax *json.SyntaxError
		switch {
		case len(bytes.TrimSpace(data)) == 0:
			return nil, fmt.Errorf("%w: it is empty", ErrNotLock)
		case errors.As(err, &syntax):
			line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
			return nil, fmt.Errorf("%w: no JSON from line %d on (is a merge unfinished?)", ErrNotLock, line)
		}
		return nil, fmt.Errorf("%w: no JSON object", ErrNotLock)
	}
	switch {
	case !isArray(lock.Packages) && (lock.Require != nil || lock.Autoload != nil):
		return nil, fmt.Errorf("%w: this is a composer.json; the lock lies beside it", ErrNotLock)
	case !isArray(lock.Packages):
		return nil, fmt.Errorf("%w: it has no list of packages", ErrNotLock)
	case lock.ContentHash == nil && lock.Hash == nil && lock.PackagesDev == nil:
		return nil, fmt.Errorf("%w: it has packages, but no content-hash", ErrNotLock)
	}
	packages, err := decodePackages("packages", lock.Packages)
	if err != nil || !o.Dev || !isArray(lock.PackagesDev) {
		return packages, err
	}
	dev, err := decodePackages("packages-dev", lock.PackagesDev)
	return append(packages, dev...), err
}

func decodePackages(field string, raw json.RawMessage) ([]lockPackage, error) {
	var packages []lockPackage
	if err := json.Unmarshal(raw, &packages); err != nil {
		return nil, fmt.Errorf("%w: %s is no list of packages", ErrNotLock, field)
	}
	for i := range packages {
		if !validPackageName(string(packages[i].Name)) {
			return nil, fmt.Errorf("%w: %s[%d] has no name such as vendor/package", ErrNotLock, field, i)
		}
	}
	return packages, nil
}

// validPackageName tells whether a name is as Composer has them, so that it can go
// anywhere, a terminal included.
func validPackageName(name string) bool {
	before, after, found := strings.Cut(name, "/")
	if !found || before == "" || after == "" || len(name) > maxPackageName {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '-' || i == len(before)) {
			return false
		}
	}
	return true
}

// text is a JSON string; whatever else stands there reads as nothing.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	*t = ""
	if len(data) == 0 || data[0] != '"' {
		return nil
	}
	return json.Unmarshal(data, (*string)(t))
}

// object is a JSON object; whatever else stands there reads as an empty one, which
// PHP writes as [].
type object map[string]json.RawMessage

func (o *object) UnmarshalJSON(data []byte) error {
	*o = nil
	if len(data) == 0 || data[0] != '{' {
		return nil
	}
	return json.Unmarshal(data, (*map[string]json.RawMessage)(o))
}

func (o object) text(field string) string {
	var t text
	if raw, ok := o[field]; !ok || json.Unmarshal(raw, &t) != nil {
		return ""
	}
	return string(t)
}

func (o object) object(field string) (inner object) {
	if raw, ok := o[field]; ok && json.Unmarshal(raw, &inner) != nil {
		return nil
	}
	return inner
}

// seconds reads a time that drupal.org writes as text.
func (o object) seconds(field string) int64 {
	written := strings.Trim(string(o[field]), `"`)
	n, err := strconv.ParseInt(written, 10, 64)
	if err != nil || n < 0 || n > inventory.MaxDatestamp {
		return 0
	}
	return n
}

func isArray(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '[' }

// bounded gives a text as it is, or nothing where it is longer than most
// characters or holds what no version holds: a part of a version is another version.
func bounded(s string, most int) string {
	if utf8.RuneCountInString(s) > most || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return ""
	}
	return s
}
