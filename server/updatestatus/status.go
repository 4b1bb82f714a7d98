package updatestatus

// Status is Drupal's judgement of one installed project.
type Status string

// The statuses, in Drupal's order of severity.
const (
	NotSecure    Status = "not-secure"    // the installed release or the project is marked insecure
	Revoked      Status = "revoked"       // the installed release or the project was unpublished
	NotSupported Status = "not-supported" // release, branch or project is no longer supported
	NotCurrent   Status = "not-current"   // there is something newer
	Current      Status = "current"       // up to date
	NotChecked   Status = "not-checked"   // a snapshot without a date cannot be compared
	Unknown      Status = "unknown"       // see Reason
	NotFetched   Status = "not-fetched"   // the feed could not be fetched
)

// Class is what a Status means to someone who has to act.
type Class string

// The classes, most urgent first.
const (
	ClassInsecure    Class = "insecure"
	ClassUnsupported Class = "unsupported" // Revoked and NotSupported
	ClassOutdated    Class = "outdated"
	ClassCurrent     Class = "current"
	ClassUnknown     Class = "unknown"
)

// Class gives the class of a status; unknown strings are ClassUnknown.
func (s Status) Class() Class {
	switch s {
	case NotSecure:
		return ClassInsecure
	case Revoked, NotSupported:
		return ClassUnsupported
	case NotCurrent:
		return ClassOutdated
	case Current:
		return ClassCurrent
	case NotChecked, Unknown, NotFetched:
		return ClassUnknown
	}
	return ClassUnknown
}

// Valid tells whether s is one of the statuses of this package.
func (s Status) Valid() bool {
	switch s {
	case NotSecure, Revoked, NotSupported, NotCurrent, Current, NotChecked, Unknown, NotFetched:
		return true
	}
	return false
}

// Reason says why a status of NotChecked, Unknown or NotFetched is no better.
type Reason string

// The reasons. NoReason is that of every status which needs none.
const (
	NoReason           Reason = ""
	NoReleases         Reason = "no-releases"
	InvalidVersion     Reason = "invalid-version"
	EmptyVersion       Reason = "empty-version"
	UnknownReleaseDate Reason = "unknown-release-date"
	FetchFailedReason  Reason = "fetch-failed"
	// InvalidInfo occurs under Drupal 7's rules only: the site reports no
	// version.
	InvalidInfo Reason = "invalid-info"
)

// Notice is an extra text which Drupal shows beside the status.
type Notice string

// The notices.
const (
	ProjectNotSecure            Notice = "project-not-secure"
	ProjectRevoked              Notice = "project-revoked"
	ProjectNotSupported         Notice = "project-not-supported"
	ReleaseRevoked              Notice = "release-revoked"
	ReleaseNotSupported         Notice = "release-not-supported"
	ReleaseNotSupportedNoUpdate Notice = "release-not-supported-no-update"
)

// InstallType is the kind of version a site has installed.
type InstallType string

// The kinds of installation.
const (
	InstallOfficial InstallType = "official"
	InstallDev      InstallType = "dev"
	InstallUnknown  InstallType = "unknown"
)
