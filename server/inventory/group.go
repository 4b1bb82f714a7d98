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
)

// Group sorts the extensions of a report into projects as Drupal does:
// installed modules first, then installed themes, then what is not installed,
// each in the order of the list; the first extension of a project gives its
// version. Beyond Drupal it finds all of core, and shows a checkout of a
// contributed project as a project of unknown version rather than not at all.
func Group(rep *Report) Inventory {
	g := grouper{
		rep:   rep,
		index: make(map[string]int, len(rep.List)/2+1),
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
	// composer is made when the first checkout asks for it.
	composer map[string]*Package
}

func (g *grouper) add(e *Extension) {
	if e.Hidden && (!e.Enabled || e.Package == "Testing") {
		return
	}
	version, datestamp := e.Version, e.Datestamp
	hasVersion := e.HasVersion
	var project string
	switch {
	case e.PathKind == "core" || e.Project == CoreProject:
		project = CoreProject
	case e.Project != "":
		project = strings.ToLower(e.Project)
		if !validName(project) {
			g.custom(e, NoteProjectName)
			return
		}
		if e.PathKind == "custom" && e.Type == "theme" && project != strings.ToLower(e.Name) {
			g.custom(e, NoteStarterKit)
			return
		}
	case e.PathKind == "contrib" && validName(strings.ToLower(e.Name)):
		// A checkout: its info file names neither project nor version.
		project = strings.ToLower(e.Name)
		if p := g.packageOf(project); p != nil && !hasVersion {
			if p.DrupalVersion != "" {
				version, hasVersion = p.DrupalVersion, true
			}
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
		g.inv.Projects = append(g.inv.Projects, Project{Name: project, Type: kind})
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
