package composerlock

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"drumbeat/server/inventory"
)

// lockPackage is one package of a lock.
type lockPackage struct {
	Name         text   `json:"name"`
	Version      text   `json:"version"`
	Type         text   `json:"type"`
	Source       object `json:"source"`
	Dist         object `json:"dist"`
	Notification text   `json:"notification-url"`
	Extra        object `json:"extra"`

	key string // the name in lower case
}

// composer is the package as the contract has it.
func (p *lockPackage) composer() inventory.Package {
	drupal := p.Extra.object("drupal")
	return inventory.Package{
		Name:             p.key,
		Version:          bounded(string(p.Version), maxVersion),
		Reference:        bounded(p.reference(), maxReference),
		DrupalVersion:    bounded(drupal.text("version"), maxVersion),
		Datestamp:        drupal.seconds("datestamp"),
		SecurityCoverage: bounded(drupal.object("security-coverage").text("status"), maxCoverage),
	}
}

func (p *lockPackage) reference() string {
	if r := p.Source.text("reference"); r != "" {
		return r
	}
	return p.Dist.text("reference")
}

// extension is what the package puts on the site, if that is an extension.
func (p *lockPackage) extension() (e inventory.Extension, ok bool) {
	custom := false
	switch strings.ToLower(string(p.Type)) {
	case "drupal-module":
		e.Type = "module"
	case "drupal-theme":
		e.Type = "theme"
	case "drupal-profile":
		e.Type = "profile"
	case "drupal-custom-module":
		e.Type, custom = "module", true
	case "drupal-custom-theme":
		e.Type, custom = "theme", true
	case "drupal-custom-profile":
		e.Type, custom = "profile", true
	default:
		return e, false
	}
	e.Enabled = true
	_, own, _ := strings.Cut(p.key, "/")
	e.Name = own
	from := p.origin()
	switch {
	case !custom && from.project != "":
		e.Name, e.Project, e.HasProject, e.PathKind = from.project, from.project, true, "contrib"
		e.Version = p.drupalVersion(from)
		e.HasVersion = e.Version != ""
		e.Datestamp = p.Extra.object("drupal").seconds("datestamp")
		if from.fork {
			e.Datestamp = 0
		}
	case !custom && strings.HasPrefix(p.key, vendor):
		// By its name it stands for a project of drupal.org, but it comes from
		// elsewhere: a checkout, whose version says nothing.
		e.PathKind = "contrib"
	default:
		if custom {
			e.PathKind = "custom"
		}
		e.Version = bounded(string(p.Version), maxVersion)
		e.HasVersion = e.Version != ""
	}
	return e, len(e.Name) <= maxName
}

// origin is where a package came from.
type origin struct {
	// project is the one at drupal.org; empty for a package from elsewhere.
	project string
	// fork is set when the code is not the project's own.
	fork bool
	// packaged is the version in the name of drupal.org's archive.
	packaged string
}

func (p *lockPackage) origin() (o origin) {
	source, dist := p.Source.text("url"), p.Dist.text("url")
	if host, at := place(source); host == "git.drupalcode.org" || host == "git.drupal.org" {
		kind, name, _ := strings.Cut(strings.TrimSuffix(at, ".git"), "/")
		switch name = strings.ToLower(name); {
		case kind == "project" && validProject(name):
			o.project = name
		case kind == "issue":
			// issue/token-3326097
			if cut := strings.LastIndexByte(name, '-'); cut > 0 && validProject(name[:cut]) {
				o.project, o.fork = name[:cut], true
			}
		}
	}
	if host, at := place(dist); host == "ftp.drupal.org" {
		name, version, _ := strings.Cut(path.Base(at), "-")
		for _, ending := range [...]string{".zip", ".tar.gz"} {
			version = strings.TrimSuffix(version, ending)
		}
		if validProject(name) && (o.project == "" || o.project == name) && !o.fork {
			o.project, o.packaged = name, version
		}
	}
	if o.project != "" {
		return o
	}
	name, ours := strings.CutPrefix(p.key, vendor)
	if !ours || !validProject(name) {
		return o
	}
	host, _ := place(string(p.Notification))
	if host == "packages.drupal.org" || p.Extra.object("drupal").text("version") != "" {
		o.project = name
	}
	return o
}

// place gives host and path of an address, also of the form git@host:path.
func place(address string) (host, at string) {
	if rest, ok := strings.CutPrefix(address, "git@"); ok {
		host, at, _ = strings.Cut(rest, ":")
		return strings.ToLower(host), strings.TrimPrefix(at, "/")
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", ""
	}
	return strings.ToLower(u.Hostname()), strings.TrimPrefix(u.Path, "/")
}

func validProject(name string) bool {
	return len(name) <= maxName && projectName.MatchString(name)
}

var (
	projectName = regexp.MustCompile(`^[a-z0-9_]+$`)
	// 8.x-1.15, 8.x-2.0-beta13, 3.0.1, 3.0.0-rc21: what drupal.org calls releases.
	releaseName = regexp.MustCompile(`^(?:[0-9]+\.x-[0-9]+\.[0-9]+|[0-9]+\.[0-9]+\.[0-9]+)(?:-(?:alpha|beta|rc|unstable)[0-9]+)?$`)
	apiPrefix   = regexp.MustCompile(`^[0-9]+\.x-`)
	// Composer's third number is 0 for every 8.x-1.15, so that one with another
	// cannot have been anything else.
	unmistakable = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[1-9][0-9]*(?:-(?:alpha|beta|rc)[0-9]+)?$`)
)

// drupalVersion is the version as drupal.org calls it, or "" where the lock does not
// tell for certain.
func (p *lockPackage) drupalVersion(from origin) string {
	if from.fork {
		return ""
	}
	if v := bounded(p.Extra.object("drupal").text("version"), maxVersion); v != "" {
		return v
	}
	pretty := strings.ToLower(strings.TrimPrefix(string(p.Version), "v"))
	for _, said := range [...]string{from.packaged, p.Source.text("reference"), p.Dist.text("reference")} {
		if len(said) <= maxVersion && releaseName.MatchString(said) && composerName(said) == pretty {
			return said
		}
	}
	if len(pretty) <= maxVersion && unmistakable.MatchString(pretty) {
		return pretty
	}
	return ""
}

// composerName is what Composer calls a release of drupal.org.
func composerName(release string) string {
	bare := apiPrefix.ReplaceAllString(release, "")
	if bare == release {
		return release
	}
	number, stability, found := strings.Cut(bare, "-")
	if number += ".0"; found {
		number += "-" + stability
	}
	return number
}

// coreVersion is core's version.
func (p *lockPackage) coreVersion() string {
	if v := bounded(p.Extra.object("drupal").text("version"), maxVersion); v != "" {
		return v
	}
	version := bounded(strings.TrimSpace(string(p.Version)), maxVersion)
	if strings.HasPrefix(version, "dev-") {
		// A branch says itself which version it is to become.
		if alias := bounded(p.Extra.object("branch-alias").text(version), maxVersion); alias != "" {
			return alias
		}
	}
	return version
}
