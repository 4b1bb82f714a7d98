package inventory

import (
	"strings"

	"drumbeat/server/updatestatus"
)

// CoreProject is the drupal.org project of Drupal core.
const CoreProject = "drupal"

// Project is one drupal.org project on a site.
type Project struct {
	// Name is the machine name at drupal.org: `[a-z0-9_]`, at most 128 characters.
	Name string
	// Title is the name for people where the list has an extension of the
	// project's own name; empty otherwise.
	Title string
	// Type is core, module or theme, with `-uninstalled` behind it when
	// nothing of the project is installed.
	Type string
	// Version is nil when the site knows none; empty when it says an empty one.
	Version *string
	// Datestamp is when drupal.org packaged a development snapshot, in Unix
	// seconds; 0 for every other version.
	Datestamp int64
	// StatusURL is where the project publishes its releases instead of
	// drupal.org, as its first extension says; empty for drupal.org.
	StatusURL string
	// Extensions are the names of what belongs to the project, installed first.
	Extensions []string
}

// Custom is code that is of no drupal.org project and is never looked up.
type Custom struct {
	Name, Title, Type string
	Enabled           bool
	Version           *string
	// Note says why it is here although it names a project; empty otherwise.
	Note string
}

// Inventory is what is on a site, in projects.
type Inventory struct {
	// CoreVersion is as the site reports it.
	CoreVersion string
	RuleSet     updatestatus.RuleSet
	Projects    []Project
	Custom      []Custom
}

// The notes of Custom.
const (
	NoteStarterKit  = "made from a starter kit of another project"
	NoteProjectName = "names a project that cannot exist at drupal.org"
	NoteCopy        = "copied from another project, which is elsewhere on the site"
)

// Group sorts the extensions of a report into projects as Drupal does:
// installed modules first, then installed themes, then what is not installed,
// each in the order of the list; the first extension of a project gives its
// version. Beyond Drupal it finds all of core, and shows a checkout of a
// contributed project as a project of unknown version rather than not at all. A
// version that somebody wrote into the info file of a checkout by hand is no
// release and counts for nothing; what Composer fetched is known by Composer.
func Group(rep *Report) Inventory {
	g := grouper{
		rep:   rep,
		index: make(map[string]int, len(rep.List)/2+1),
		homes: homes(rep.List),
		inv: Inventory{
			CoreVersion: rep.Platform.DrupalVersion,
			RuleSet:     updatestatus.RuleSetForCore(rep.Platform.DrupalVersion),
			Projects:    make([]Project, 0, len(rep.List)/2+1),
		},
	}
	for _, pass := range [...]struct{ enabled, themes bool }{{true, false}, {true, true}, {false, false}, {false, true}} {
		for i := range rep.List {
			e := &rep.List[i]
			if e.Enabled == pass.enabled && (e.Type == "theme") == pass.themes {
				g.add(e)
			}
		}
	}
	if _, ok := g.index[CoreProject]; !ok {
		version := rep.Platform.DrupalVersion
		g.inv.Projects = append(g.inv.Projects, Project{Name: CoreProject, Type: "core", Version: &version})
	}
	for i := range g.inv.Projects {
		p := &g.inv.Projects[i]
		if p.Name == CoreProject {
			p.Title = "Drupal core"
			if p.Version == nil {
				version := rep.Platform.DrupalVersion
				p.Version = &version
			}
			if *p.Version != "" {
				g.inv.CoreVersion = *p.Version
			}
		}
		if p.Version == nil || !strings.Contains(*p.Version, "dev") && !strings.Contains(*p.Version, "HEAD") {
			p.Datestamp = 0
		}
	}
	return g.inv
}

type grouper struct {
	rep   *Report
	inv   Inventory
	index map[string]int
	homes map[string]home
	// composer is made when the first checkout asks for it.
	composer map[string]*Package
}

// home is where a project is on the site, to tell copies of its parts.
type home struct {
	// contrib is set when a part of it lies where contributed code belongs.
	contrib bool
	// main is the theme of the project's own name, which gives the version that
	// all themes of the project have as long as they are its own.
	main *Extension
}

func homes(list []Extension) map[string]home {
	found := map[string]home{}
	for i := range list {
		e := &list[i]
		if e.Project == "" {
			continue
		}
		project := strings.ToLower(e.Project)
		h := found[project]
		h.contrib = h.contrib || e.PathKind == "contrib"
		if e.Type == "theme" && strings.EqualFold(e.Name, project) {
			h.main = e
		}
		found[project] = h
	}
	return found
}

// copied says whether an extension only names the project that it was made
// from, and with which note. No update of that project will ever change it.
func (g *grouper) copied(e *Extension, project string) (note string) {
	if strings.EqualFold(e.Name, project) {
		return ""
	}
	h := g.homes[project]
	switch {
	case e.Type == "theme" && e.PathKind == "custom":
		return NoteStarterKit
	case e.Type == "theme" && h.main != nil && h.main.PathKind != "custom" &&
		(h.main.Version != e.Version || h.main.HasVersion != e.HasVersion):
		// What drupal.org packages together has one version.
		return NoteStarterKit
	case e.PathKind == "custom" && (h.contrib || project == CoreProject):
		return NoteCopy
	}
	return ""
}

// isCore tells whether an extension is a part of Drupal core.
func (g *grouper) isCore(e *Extension) bool {
	if e.Project != "" {
		return e.Project == CoreProject && e.PathKind != "custom" || e.PathKind == "core"
	}
	switch {
	case g.inv.RuleSet == updatestatus.Rules7:
		// Drupal 7 goes by the package, and by nothing else; test modules of core
		// are of a package of their own.
		return (e.PathKind == "core" || e.PathKind == "") && (e.Package == "Core" || e.Package == "Testing") ||
			e.PathKind == "core" && (e.Package == "" || e.Type != "module")
	case e.PathKind == "core":
		return true
	}
	// Senders that do not know paths.
	return e.PathKind == "" && e.Package == "Core" && e.HasVersion && e.Version == g.rep.Platform.DrupalVersion
}

func (g *grouper) add(e *Extension) {
	if e.Hidden && (!e.Enabled || e.Package == "Testing") {
		return
	}
	version, datestamp := e.Version, e.Datestamp
	hasVersion := e.HasVersion
	var project string
	switch {
	case g.isCore(e):
		project = CoreProject
	case e.Project != "":
		project = strings.ToLower(e.Project)
		if !validName(project) {
			g.custom(e, NoteProjectName)
			return
		}
		if note := g.copied(e, project); note != "" {
			g.custom(e, note)
			return
		}
	case g.isCheckout(e):
		// Its info file names no project, so that no packager ever saw it.
		project = strings.ToLower(e.Name)
		version, hasVersion = "", false
		if p := g.packageOf(project); p != nil {
			version, hasVersion = p.DrupalVersion, p.DrupalVersion != ""
			datestamp = max(datestamp, p.Datestamp)
		}
	default:
		g.custom(e, "")
		return
	}

	kind := "module"
	switch {
	case project == CoreProject:
		kind = "core"
	case e.Type == "theme":
		kind = "theme"
	}
	// Core is on every site, whatever of it the list names.
	if !e.Enabled && kind != "core" {
		kind += "-uninstalled"
	}

	at, known := g.index[project]
	if !known {
		at = len(g.inv.Projects)
		g.index[project] = at
		g.inv.Projects = append(g.inv.Projects, Project{Name: project, Type: kind, StatusURL: e.StatusURL})
	}
	p := &g.inv.Projects[at]
	p.Extensions = append(p.Extensions, e.Name)
	if !known && hasVersion {
		p.Version = &version
	}
	if p.Type == kind {
		p.Datestamp = max(p.Datestamp, datestamp)
	}
	if p.Title == "" && strings.EqualFold(e.Name, project) {
		p.Title = e.Title
	}
}

// isCheckout tells whether an extension that names no project is contributed
// code nevertheless: by its place, or because Composer knows it.
func (g *grouper) isCheckout(e *Extension) bool {
	name := strings.ToLower(e.Name)
	return validName(name) && (e.PathKind == "contrib" || e.PathKind == "" && g.packageOf(name) != nil)
}

func (g *grouper) custom(e *Extension, note string) {
	c := Custom{Name: e.Name, Title: e.Title, Type: e.Type, Enabled: e.Enabled, Note: note}
	if e.HasVersion {
		version := e.Version
		c.Version = &version
	}
	g.inv.Custom = append(g.inv.Custom, c)
}

func (g *grouper) packageOf(project string) *Package {
	if g.composer == nil {
		g.composer = make(map[string]*Package, len(g.rep.Composer))
		for i := range g.rep.Composer {
			p := &g.rep.Composer[i]
			if name, ok := strings.CutPrefix(strings.ToLower(p.Name), "drupal/"); ok && g.composer[name] == nil {
				g.composer[name] = p
			}
		}
	}
	return g.composer[project]
}

func validName(name string) bool {
	if name == "" {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}
