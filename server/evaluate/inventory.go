package evaluate

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"drumbeat/server/updatestatus"
)

// Inventory is what is on one site: the version of its core and its projects.
type Inventory struct {
	Core     string    `json:"core"`
	Projects []Project `json:"projects"`
}

// Project is one drupal.org project on a site.
type Project struct {
	Name      string  `json:"name"`    // short name; "drupal" for core
	Type      string  `json:"type"`    // "core", "module", "theme", …
	Version   *string `json:"version"` // verbatim; nil when the site reports none
	Datestamp int64   `json:"datestamp"`
}

// largestInventory bounds a file of an inventory, in bytes.
const largestInventory = 64 << 20

// ReadInventory reads a list of projects, as {"core": …, "projects": […]}, or
// a report as sites submit it.
func ReadInventory(r io.Reader) (Inventory, error) {
	data, err := io.ReadAll(io.LimitReader(r, largestInventory+1))
	if err != nil {
		return Inventory{}, fmt.Errorf("read inventory: %w", err)
	}
	if len(data) > largestInventory {
		return Inventory{}, fmt.Errorf("inventory has more than %d bytes", largestInventory)
	}
	var shape struct {
		Extensions json.RawMessage `json:"extensions"`
		Projects   json.RawMessage `json:"projects"`
	}
	if err := json.Unmarshal(data, &shape); err != nil {
		return Inventory{}, fmt.Errorf("decode inventory: %w", err)
	}
	if shape.Projects == nil && shape.Extensions != nil {
		return readReport(data)
	}
	var inventory Inventory
	if err := json.Unmarshal(data, &inventory); err != nil {
		return Inventory{}, fmt.Errorf("decode inventory: %w", err)
	}
	if len(inventory.Projects) == 0 {
		return Inventory{}, errors.New("inventory lists no projects")
	}
	return inventory, nil
}

// Finding is the verdict on one project of a site.
type Finding struct {
	Project   string  `json:"project"`
	Type      string  `json:"type,omitempty"`
	Installed *string `json:"installed"`
	Link      string  `json:"link,omitempty"` // the project's page, as the feed says
	// UpdateAvailable tells whether there is a release to move to.
	UpdateAvailable bool                 `json:"updateAvailable"`
	Class           updatestatus.Class   `json:"class"`
	Verdict         updatestatus.Verdict `json:"verdict"`
	// FeedError says why the feed could not be used, if it could not.
	FeedError string `json:"feedError,omitempty"`
}

// Assessment is what the update check says of a whole site. Every project is in
// exactly one of the lists; each is ordered by the name of the project, core
// first.
type Assessment struct {
	Core     string               `json:"core"`
	Rules    updatestatus.RuleSet `json:"rules"`
	Security []Finding            `json:"security"` // not secure
	Updates  []Finding            `json:"updates"`  // something else to do: outdated, or no longer supported
	UpToDate []Finding            `json:"upToDate"`
	// Unknown could not be judged. That is never the same as up to date.
	Unknown []Finding `json:"unknown"`
}

// FeedSource gives the release history of a project in a series; the error is
// fs.ErrNotExist when it has none.
type FeedSource interface {
	Open(project, series string) (io.ReadCloser, error)
}

// Assess judges every project of an inventory by the rules of its core.
func Assess(inventory Inventory, feeds FeedSource, now time.Time) (Assessment, error) {
	rules := updatestatus.RuleSetForCore(inventory.Core)
	assessment := Assessment{
		Core: inventory.Core, Rules: rules,
		Security: []Finding{}, Updates: []Finding{}, UpToDate: []Finding{}, Unknown: []Finding{},
	}
	core, _, err := openFeed(feeds, "drupal", rules.Series())
	if err != nil {
		return assessment, err
	}
	for _, project := range inventory.Projects {
		feed, feedError, err := openFeed(feeds, project.Name, rules.Series())
		if err != nil {
			return assessment, err
		}
		assessment.add(judge(project, inventory.Core, rules, feed, core, feedError, now))
	}
	for _, list := range [][]Finding{assessment.Security, assessment.Updates, assessment.UpToDate, assessment.Unknown} {
		slices.SortStableFunc(list, func(a, b Finding) int {
			if c := compareBool(b.Project == "drupal", a.Project == "drupal"); c != 0 {
				return c
			}
			return cmp.Compare(a.Project, b.Project)
		})
	}
	return assessment, nil
}

func judge(
	project Project, coreVersion string, rules updatestatus.RuleSet,
	feed, core parsedFeed, feedError string, now time.Time,
) Finding {
	verdict := updatestatus.Evaluate(updatestatus.Input{
		Installed: updatestatus.Installed{
			Project:     project.Name,
			ProjectType: project.Type,
			Version:     project.Version,
			Datestamp:   project.Datestamp,
			CoreVersion: coreVersion,
		},
		Fetch:    feed.state,
		Feed:     feed.feed,
		CoreFeed: core.feed,
		Now:      now,
		Rules:    rules,
	})
	installed := ""
	if project.Version != nil {
		installed = *project.Version
	}
	finding := Finding{
		Project:         project.Name,
		Type:            project.Type,
		Installed:       project.Version,
		UpdateAvailable: updatestatus.UpdateAvailable(verdict, installed),
		Class:           verdict.Status.Class(),
		Verdict:         verdict,
		FeedError:       feedError,
	}
	if feed.feed != nil {
		finding.Link = feed.feed.Link
	}
	return finding
}

func (a *Assessment) add(finding Finding) {
	switch finding.Class {
	case updatestatus.ClassInsecure:
		a.Security = append(a.Security, finding)
	case updatestatus.ClassUnsupported, updatestatus.ClassOutdated:
		a.Updates = append(a.Updates, finding)
	case updatestatus.ClassCurrent:
		a.UpToDate = append(a.UpToDate, finding)
	default:
		a.Unknown = append(a.Unknown, finding)
	}
}

// openFeed reads and parses a feed; feedError says for a person why there is
// none to use. The error is one of reading, which ends the run.
func openFeed(feeds FeedSource, project, series string) (parsed parsedFeed, feedError string, err error) {
	body, err := feeds.Open(project, series)
	if errors.Is(err, fs.ErrNotExist) {
		return parsedFeed{state: updatestatus.NeverFetched}, "there is no feed of this project", nil
	}
	if err != nil {
		return parsedFeed{}, "", fmt.Errorf("feed of %q: %w", project, err)
	}
	defer body.Close()
	feed, err := updatestatus.ParseFeed(body)
	if err != nil {
		feedError = err.Error()
	}
	parsed, err = classify(feed, err)
	if err != nil {
		return parsedFeed{}, "", fmt.Errorf("feed of %q: %w", project, err)
	}
	return parsed, feedError, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// WriteText prints the lists for a person, the urgent one first.
func (a Assessment) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Drupal core %s, rules: %s\n", printable(a.Core), a.Rules)
	for _, list := range []struct {
		title    string
		findings []Finding
	}{
		{"SECURITY UPDATES", a.Security},
		{"Other updates", a.Updates},
		{"Could not be judged", a.Unknown},
		{"Up to date", a.UpToDate},
	} {
		fmt.Fprintf(&b, "\n%s (%d)\n", list.title, len(list.findings))
		width, versions := 0, 0
		for _, f := range list.findings {
			width = max(width, len(printable(f.Project)))
			versions = max(versions, len(f.version()))
		}
		for _, f := range list.findings {
			line := fmt.Sprintf("  %-*s  %-*s  %s", width, printable(f.Project), versions, f.version(), f.advice())
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f Finding) version() string {
	switch {
	case f.Installed == nil:
		return "(no version)"
	case *f.Installed == "":
		return "(empty version)"
	}
	return printable(*f.Installed)
}

// advice says what to do, or why nothing is known.
func (f Finding) advice() string {
	v := f.Verdict
	var parts []string
	if f.UpdateAvailable {
		parts = append(parts, "-> "+printable(v.Recommended))
	}
	switch v.Status {
	case updatestatus.NotSecure:
		if !f.UpdateAvailable {
			parts = append(parts, "not secure, and no release to move to")
		}
		if len(v.SecurityUpdates) > 0 {
			parts = append(parts, "security updates: "+printable(strings.Join(v.SecurityUpdates, ", ")))
		}
	case updatestatus.Revoked:
		parts = append(parts, "revoked")
	case updatestatus.NotSupported:
		parts = append(parts, "not supported")
	case updatestatus.NotCurrent, updatestatus.Current:
	default:
		reason := strings.ReplaceAll(string(v.Reason), "-", " ")
		if f.FeedError != "" {
			reason = f.FeedError
		}
		parts = append(parts, printable(reason))
	}
	if v.Status != updatestatus.NotSecure && v.Status != updatestatus.Current && len(v.SecurityUpdates) > 0 {
		parts = append(parts, "includes security updates: "+printable(strings.Join(v.SecurityUpdates, ", ")))
	}
	if !f.UpdateAvailable && v.Status != updatestatus.Current {
		for _, other := range v.Also {
			parts = append(parts, "also available: "+printable(other.Version))
		}
	}
	if v.Coverage != nil && v.Coverage.State != updatestatus.Covered {
		parts = append(parts, "security coverage "+string(v.Coverage.State))
	}
	return strings.Join(parts, "; ")
}

// printable keeps hostile text from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 || r == 0x2028 || r == 0x2029 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, text)
}
