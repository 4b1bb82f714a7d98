package updatestatus

import (
	"slices"
	"strings"
)

// Feed is the release history of one project.
//
// ParseFeed returns feeds ready for use. A Feed put together by hand should be
// prepared once with Prepare; Evaluate prepares a copy of one that was not,
// every time. After that its fields must not be changed.
type Feed struct {
	Title     string `json:"title"`
	ShortName string `json:"short_name"` // as the feed says; not checked against anything
	Link      string `json:"link"`       // the project's page

	ProjectStatus string `json:"project_status"` // "published", "insecure", "revoked", …

	// SupportedBranches are prefixes of version strings. Nil when the feed has
	// no such element: nothing is supported. One empty prefix when the element
	// is empty: everything is supported.
	SupportedBranches []string `json:"supported_branches"`

	// Only feeds of the series 7.x have these; nil when missing.
	SupportedMajors  *string `json:"supported_majors,omitempty"`
	RecommendedMajor *string `json:"recommended_major,omitempty"`
	DefaultMajor     *string `json:"default_major,omitempty"`

	// Releases in the order of the feed, which decides. Of releases with the
	// same key the last one's data stands at the first one's place.
	Releases []Release `json:"releases"`

	prepared bool
	byKey    map[string]int
	core     []coreVersion // versions that Composer's rules understand, ascending
}

// Release finds a release by the version it is known by, nil when the feed has
// none. The result is shared: it must not be changed.
func (f *Feed) Release(version string) *Release {
	if f == nil {
		return nil
	}
	if f.prepared {
		if i, ok := f.byKey[version]; ok {
			return &f.Releases[i]
		}
		return nil
	}
	for i := range f.Releases {
		if key := f.Releases[i].Key; key == version || key == "" && f.Releases[i].Version == version {
			return &f.Releases[i]
		}
	}
	return nil
}

// Prepare derives what Evaluate needs from the exported fields. It must not
// run while the feed is used elsewhere.
func (f *Feed) Prepare() {
	f.byKey = make(map[string]int, len(f.Releases))
	for i := range f.Releases {
		f.Releases[i].prepare(f)
		f.byKey[f.Releases[i].Key] = i
	}
	f.core = nil
	if f.ShortName == "drupal" {
		f.core = coreVersions(f.Releases)
	}
	f.prepared = true
}

// ready gives the feed itself when it is prepared, else a prepared copy.
func (f *Feed) ready() *Feed {
	if f == nil || f.prepared {
		return f
	}
	own := *f
	own.Releases = slices.Clone(f.Releases)
	own.Prepare()
	return &own
}

// inSupportedBranch tells whether a version string begins with one of the
// supported branches.
func (f *Feed) inSupportedBranch(version string) bool {
	for _, branch := range f.SupportedBranches {
		if strings.HasPrefix(version, branch) {
			return true
		}
	}
	return false
}
