package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Report is one report of one demo site, as the site would have posted it.
type Report struct {
	Site       int // index into the fleet
	ReceivedAt time.Time
	Body       []byte // SubmitReport's JSON
	// Inventory is the sender's hash; a heartbeat carries nothing else.
	Inventory string
	Heartbeat bool
}

const day = 24 * time.Hour

// History is how far back the demo's reports go.
const History = 26 * 7 * day

// Simulate returns what the fleet reported from History ago until now, oldest
// first: one report a day from each site, a full one whenever something
// changed. The same fleet, catalogue and moment give the same reports.
func Simulate(fleet []Site, catalogue []Project, now time.Time) ([]Report, error) {
	var reports []Report
	for index, site := range fleet {
		if site.Waiting {
			continue
		}
		simulated, err := newSimulation(index, site, catalogue, now).run()
		if err != nil {
			return nil, fmt.Errorf("simulate %s: %w", site.Name, err)
		}
		reports = append(reports, simulated...)
	}
	slices.SortStableFunc(reports, func(a, b Report) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), cmp.Compare(a.Site, b.Site))
	})
	return reports, nil
}

// simulation is one site on its way through time.
type simulation struct {
	index     int
	site      Site
	dice      *rand.Rand
	now       time.Time
	projects  []Project
	installed map[string]Release
	revision  int // counts changes; stands for the inventory's hash
}

func newSimulation(index int, site Site, catalogue []Project, now time.Time) *simulation {
	s := &simulation{
		index: index, site: site, now: now,
		dice:      rand.New(rand.NewPCG(uint64(index), 7)),
		installed: map[string]Release{},
	}
	series := "current"
	if site.CoreMajor == 7 {
		series = "7.x"
	}
	var contrib []Project
	for _, project := range catalogue {
		switch {
		case project.Series != series:
		case project.Type == "core":
			s.projects = append(s.projects, project)
		default:
			contrib = append(contrib, project)
		}
	}
	s.dice.Shuffle(len(contrib), func(i, j int) { contrib[i], contrib[j] = contrib[j], contrib[i] })
	s.projects = append(s.projects, contrib[:min(site.Projects, len(contrib))]...)
	return s
}

func (s *simulation) run() ([]Report, error) {
	start := s.now.Add(-History).Add(time.Duration(s.dice.IntN(20)) * day)
	for _, project := range s.projects {
		if release, ok := s.newest(project, start, true); ok {
			s.installed[project.Name] = release
		}
	}
	end := s.now
	if s.site.Silent {
		end = s.now.Add(-time.Duration(3+s.dice.IntN(9)) * day)
	}
	// Every site beats at a minute of its own.
	beat := start.Truncate(day).Add(time.Duration(s.dice.IntN(24*60)) * time.Minute)
	delay := 1 + s.dice.IntN(2) // days a security release waits with prompt people
	var reports []Report
	trigger := "install"
	for at := beat; !at.After(end); at = at.Add(day) {
		changed := trigger == "install"
		if trigger != "install" {
			changed = s.patch(at, delay)
		}
		if changed {
			s.revision++
			if trigger != "install" {
				trigger = "post-update"
			}
		}
		report, err := s.report(at, trigger, !changed)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
		trigger = "cron"
	}
	return reports, nil
}

// patch does what the site's people would do on that day, and says whether
// anything changed.
func (s *simulation) patch(at time.Time, delay int) bool {
	weekday := at.Weekday()
	changed := false
	for _, project := range s.projects {
		current, ok := s.installed[project.Name]
		if !ok || (s.site.Checkout && project.Name == s.checkout()) {
			continue
		}
		target, ok := s.newest(project, at, false)
		if !ok || target.Version == current.Version {
			continue
		}
		security := s.securityWaiting(project, current, at.Add(-time.Duration(delay)*day))
		due := false
		switch s.site.Habit {
		case Prompt:
			due = security || weekday == time.Thursday
		case Weekly:
			due = weekday == time.Thursday
		case Monthly:
			due = weekday == time.Tuesday && at.Day() <= 7
		case SecurityOnly:
			due = s.securityWaiting(project, current, at.Add(-5*day))
		case Neglected:
			middle := s.now.Add(-History / 2)
			due = at.After(middle) && at.Before(middle.Add(day)) && s.site.CoreMajor != 7
		}
		// Now and then an update is put off for one round.
		if due && s.dice.IntN(12) > 0 {
			s.installed[project.Name] = target
			changed = true
		}
	}
	return changed
}

// newest returns the newest release of the project's own major that was out at
// the moment; at the first sight of a site, an older one for those who lag.
func (s *simulation) newest(project Project, at time.Time, first bool) (Release, bool) {
	major := -1
	if project.Type == "core" {
		major = s.site.CoreMajor
	} else if current, ok := s.installed[project.Name]; ok {
		major = current.Major()
	}
	var candidates []Release
	for _, release := range project.Releases {
		if !release.Date.After(at) && (major < 0 || release.Major() == major) {
			candidates = append(candidates, release)
		}
	}
	if len(candidates) == 0 {
		// All of the history is younger than the site: it began with the oldest.
		if first && len(project.Releases) > 0 && (major < 0 || project.Releases[len(project.Releases)-1].Major() == major) {
			return project.Releases[len(project.Releases)-1], true
		}
		return Release{}, false
	}
	// The catalogue lists versions in order, so the first is the newest.
	if first && s.site.Habit >= Monthly {
		return candidates[min(s.dice.IntN(3), len(candidates)-1)], true
	}
	return candidates[0], true
}

// securityWaiting says whether a security release of the installed line came
// out before the moment.
func (s *simulation) securityWaiting(project Project, current Release, before time.Time) bool {
	for _, release := range project.Releases {
		if release.Version == current.Version {
			return false
		}
		if release.Security && project.line(release) == project.line(current) && !release.Date.After(before) {
			return true
		}
	}
	return false
}

func (s *simulation) checkout() string { return s.projects[1].Name }

// The JSON of SubmitReport, as far as the demo fills it.
type (
	reportJSON struct {
		ReportID      uuid.UUID       `json:"reportId"`
		CollectedAt   time.Time       `json:"collectedAt"`
		Trigger       string          `json:"trigger"`
		Agent         agentJSON       `json:"agent"`
		Site          siteJSON        `json:"site"`
		Platform      *platformJSON   `json:"platform,omitempty"`
		Extensions    []extensionJSON `json:"extensions,omitempty"`
		InventoryHash string          `json:"inventoryHash"`
	}
	agentJSON struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	siteJSON struct {
		URL         string `json:"url"`
		Name        string `json:"name"`
		Environment string `json:"environment"`
	}
	platformJSON struct {
		DrupalVersion string `json:"drupalVersion"`
		PHPVersion    string `json:"phpVersion"`
		PHPSAPI       string `json:"phpSapi"`
		DBDriver      string `json:"dbDriver"`
		DBVersion     string `json:"dbVersion"`
		Profile       string `json:"profile"`
	}
	extensionJSON struct {
		Name      string `json:"name"`
		Type      string `json:"type"`
		Enabled   bool   `json:"enabled"`
		Project   string `json:"project,omitempty"`
		Version   string `json:"version,omitempty"`
		Datestamp int64  `json:"datestamp,omitempty"`
		Title     string `json:"title"`
		PathKind  string `json:"pathKind"`
		Lifecycle string `json:"lifecycle"`
		Package   string `json:"package"`
	}
)

func (s *simulation) report(at time.Time, trigger string, heartbeat bool) (Report, error) {
	hash := fmt.Sprintf("demo-%d-%d", s.index, s.revision)
	body := reportJSON{
		ReportID:    uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s#%d", s.site.URL, at.Unix())),
		CollectedAt: at.UTC(), Trigger: trigger,
		Agent:         agentJSON{"drumbeat-demo", "1.0.0"},
		Site:          siteJSON{s.site.URL, s.site.Name, s.site.Environment},
		InventoryHash: hash,
	}
	if !heartbeat {
		body.Platform, body.Extensions = s.platform(), s.extensions()
	}
	content, err := json.Marshal(body)
	if err != nil {
		return Report{}, fmt.Errorf("write report: %w", err)
	}
	return Report{Site: s.index, ReceivedAt: at, Body: content, Inventory: hash, Heartbeat: heartbeat}, nil
}

func (s *simulation) platform() *platformJSON {
	platform := &platformJSON{
		DrupalVersion: s.installed["drupal"].Version, PHPVersion: "8.4.14", PHPSAPI: "fpm-fcgi",
		DBDriver: "mysql", DBVersion: "10.11.14-MariaDB", Profile: "standard",
	}
	switch {
	case s.site.CoreMajor == 7:
		platform.PHPVersion = "8.2.29"
	case s.site.CoreMajor == 10:
		platform.PHPVersion = "8.3.27"
	}
	if s.index%5 == 0 {
		platform.DBDriver, platform.DBVersion = "pgsql", "16.10"
	}
	return platform
}

var (
	coreModules = []string{
		"block", "breakpoint", "ckeditor5", "comment", "config", "contextual", "datetime", "dblog", "dynamic_page_cache",
		"editor", "field", "field_ui", "file", "filter", "image", "language", "layout_builder", "link", "locale", "media",
		"media_library", "menu_ui", "node", "options", "page_cache", "path", "path_alias", "search", "shortcut", "system",
		"taxonomy", "text", "toolbar", "update", "user", "views", "views_ui", "workflows",
	}
	coreModules7 = []string{"block", "comment", "dblog", "field", "file", "filter", "image", "menu", "node", "path", "system", "taxonomy", "text", "user"}
	submodules   = map[string][]string{
		"admin_toolbar": {"admin_toolbar_tools", "admin_toolbar_search"},
		"metatag":       {"metatag_open_graph", "metatag_views"},
		"paragraphs":    {"paragraphs_library", "paragraphs_type_permissions"},
		"search_api":    {"search_api_db"},
		"devel":         {"devel_generate"},
		"views":         {"views_ui"},
	}
)

func (s *simulation) extensions() []extensionJSON {
	var list []extensionJSON
	core := s.installed["drupal"].Version
	modules, themes := coreModules, []string{"claro", "olivero"}
	if s.site.CoreMajor == 7 {
		modules, themes = coreModules7, []string{"bartik", "seven"}
	}
	for _, name := range modules {
		list = append(list, extensionJSON{Name: name, Type: "module", Enabled: true, Version: core, Title: title(name), PathKind: "core", Lifecycle: "stable", Package: "Core"})
	}
	for _, name := range themes {
		list = append(list, extensionJSON{Name: name, Type: "theme", Enabled: true, Version: core, Title: title(name), PathKind: "core", Lifecycle: "stable", Package: "Core"})
	}
	for i, project := range s.projects {
		release, ok := s.installed[project.Name]
		if project.Type == "core" || !ok {
			continue
		}
		extension := extensionJSON{
			Name: project.Name, Type: project.Type, Enabled: i%11 != 5, Project: project.Name, Version: release.Version,
			Datestamp: release.Date.Unix(), Title: project.Title, PathKind: "contrib", Lifecycle: "stable", Package: "Other",
		}
		if s.site.Checkout && project.Name == s.checkout() {
			extension.Project, extension.Version, extension.Datestamp = "", "", 0
		}
		list = append(list, extension)
		for _, name := range submodules[project.Name] {
			sub := extension
			sub.Name, sub.Title = name, title(name)
			list = append(list, sub)
		}
	}
	for _, name := range s.site.Custom {
		list = append(list, extensionJSON{Name: name, Type: "module", Enabled: true, Title: title(name), PathKind: "custom", Lifecycle: "stable", Package: "Custom"})
	}
	return list
}

func title(name string) string {
	words := []byte(name)
	for i, c := range words {
		if c == '_' {
			words[i] = ' '
		}
	}
	if len(words) > 0 && words[0] >= 'a' && words[0] <= 'z' {
		words[0] -= 'a' - 'A'
	}
	return string(words)
}
