package updatestatus

// releaseTypes is the only vocabulary a release may have terms of.
const releaseTypes = "Release type"

// Values of the vocabulary "Release type" that mean something, compared
// exactly.
const (
	termSecurityUpdate = "Security update"
	termInsecure       = "Insecure"
	termUnsupported    = "Unsupported"
)

// Term is a taxonomy term of a release.
type Term struct {
	Vocabulary string `json:"vocabulary"` // "Release type" at drupal.org
	Value      string `json:"value"`
}

// Release is one release of a project, as the feed gives it. Text is never
// trimmed. An element that is missing is the same as an empty one unless a
// field says otherwise.
type Release struct {
	// Key is the version the release is known by. It equals Version unless
	// the feed gives a release several versions: the first is the key, the
	// last is Version.
	Key     string `json:"-"`
	Version string `json:"version"`
	Status  string `json:"status"` // "published", "unpublished"; anything else is malformed

	ReleaseLink  string `json:"release_link,omitempty"`
	DownloadLink string `json:"download_link,omitempty"`

	Date    int64 `json:"date,omitempty"` // Unix seconds; 0 when unset or no number
	DateSet bool  `json:"-"`              // the feed has the element

	Terms             []Term `json:"terms,omitempty"` // in feed order
	CoreCompatibility string `json:"core_compatibility,omitempty"`

	// SecurityText says whether the release is covered by Drupal's security
	// team, for display. SecurityCovered is set when the feed says so in a
	// form a program can read.
	SecurityText    string `json:"security_text,omitempty"`
	SecurityCovered bool   `json:"security_covered,omitempty"`

	// Only feeds of the series 7.x have these.
	VersionMajor *string `json:"version_major,omitempty"`
	VersionPatch *string `json:"version_patch,omitempty"`
	VersionExtra string  `json:"version_extra,omitempty"`

	// malformed is set by the parser for what the fields above cannot show,
	// such as an element that is present but empty.
	malformed bool

	// What Feed.Prepare derives.
	valid     bool // passes the validation of Drupal 8.8 and later
	parsed    Version
	inBranch  bool // in one of the feed's supported branches
	insecure  bool
	unsupport bool // has the term "Unsupported"
	security  bool
}

// SecurityUpdate tells whether the release is marked as a security update.
func (r *Release) SecurityUpdate() bool { return r.hasType(termSecurityUpdate) }

// Insecure tells whether the release is marked as insecure.
func (r *Release) Insecure() bool { return r.hasType(termInsecure) }

// Unsupported tells whether the release itself is marked as unsupported; its
// branch may be unsupported all the same.
func (r *Release) Unsupported() bool { return r.hasType(termUnsupported) }

// Published tells whether the release is (still) published.
func (r *Release) Published() bool { return r.Status == "published" }

func (r *Release) hasType(value string) bool {
	for _, term := range r.Terms {
		if term.Vocabulary == releaseTypes && term.Value == value {
			return true
		}
	}
	return false
}

// wellFormed is the validation that decides whether modern Drupal looks at a
// release at all; its version is checked apart.
func (r *Release) wellFormed() bool {
	if r.malformed || r.Version == "" || r.ReleaseLink == "" {
		return false
	}
	if r.Status != "published" && r.Status != "unpublished" {
		return false
	}
	for _, term := range r.Terms {
		if term.Vocabulary != releaseTypes {
			return false
		}
	}
	return true
}

// prepare derives what Evaluate needs many times over.
func (r *Release) prepare(feed *Feed) {
	if r.Key == "" {
		r.Key = r.Version
	}
	r.insecure, r.unsupport, r.security = r.Insecure(), r.Unsupported(), r.SecurityUpdate()
	r.inBranch = feed.inSupportedBranch(r.Version)
	var err error
	r.parsed, err = ParseVersion(r.Version)
	r.valid = err == nil && r.wellFormed()
}

// supported is the current rules' idea of a release that is supported.
func (r *Release) supported() bool { return r.inBranch && !r.unsupport }
