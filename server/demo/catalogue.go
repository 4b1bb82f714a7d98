package demo

import (
	"bufio"
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

//go:embed catalogue.txt
var catalogueText string

// Project is one project of the demo's catalogue, in one series.
type Project struct {
	Name     string
	Title    string
	Type     string // core, module or theme
	Series   string // "current" or "7.x"
	Branches []string
	Releases []Release // newest first, as drupal.org lists them
}

// Release is one release of a Project.
type Release struct {
	Version  string
	Date     time.Time
	Security bool
}

var (
	coreLine    = regexp.MustCompile(`^(7\.|\d+\.\d+\.)`)
	contribLine = regexp.MustCompile(`^(\d\.x-)?\d+\.`)
)

// line returns the line of development that a release belongs to, such as
// "8.x-1." or, for core, "10.6.". A security release makes the older releases
// of its line insecure.
func (p Project) line(r Release) string {
	if p.Type == "core" {
		return coreLine.FindString(r.Version)
	}
	return contribLine.FindString(r.Version)
}

// Major returns the major version: 1 for 8.x-1.4, 10 for 10.6.2.
func (r Release) Major() int {
	version := r.Version
	for _, prefix := range []string{"8.x-", "7.x-"} {
		version = strings.TrimPrefix(version, prefix)
	}
	major, _, _ := strings.Cut(version, ".")
	number, _ := strconv.Atoi(major) // the catalogue's test proves every version has one
	return number
}

// Catalogue reads the embedded catalogue. All dates are moved by whole weeks,
// so that its newest release is less than a week old at now and advisories
// still come out on Wednesdays.
func Catalogue(now time.Time) ([]Project, error) {
	projects, err := parseCatalogue(catalogueText)
	if err != nil {
		return nil, fmt.Errorf("read the demo's catalogue: %w", err)
	}
	var newest time.Time
	for _, project := range projects {
		for _, release := range project.Releases {
			if release.Date.After(newest) {
				newest = release.Date
			}
		}
	}
	const week = 7 * 24 * time.Hour
	shift := now.Sub(newest).Truncate(week)
	for _, project := range projects {
		for i := range project.Releases {
			project.Releases[i].Date = project.Releases[i].Date.Add(shift)
		}
	}
	return projects, nil
}

func parseCatalogue(text string) ([]Project, error) {
	var projects []Project
	scanner := bufio.NewScanner(strings.NewReader(text))
	for number := 1; scanner.Scan(); number++ {
		row := scanner.Text()
		switch {
		case strings.TrimSpace(row) == "" || strings.HasPrefix(row, "#"):
		case strings.HasPrefix(row, " "):
			release, err := parseRelease(row)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			if len(projects) == 0 {
				return nil, fmt.Errorf("line %d: a release before any project", number)
			}
			last := &projects[len(projects)-1]
			last.Releases = append(last.Releases, release)
		default:
			fields := strings.Split(row, " | ")
			if len(fields) != 4 {
				return nil, fmt.Errorf("line %d: want name | title | type | branches", number)
			}
			project := Project{Name: fields[0], Title: fields[1], Type: fields[2], Series: "current", Branches: strings.Split(fields[3], ",")}
			if fields[3] == "7.x" {
				project.Series = "7.x"
			}
			projects = append(projects, project)
		}
	}
	return projects, scanner.Err()
}

func parseRelease(row string) (Release, error) {
	fields := strings.Fields(row)
	if len(fields) < 2 || len(fields) > 3 || (len(fields) == 3 && fields[2] != "security") {
		return Release{}, fmt.Errorf("want version, date and perhaps `security`, not %q", row)
	}
	// Advisories come out in the afternoon, UTC.
	date, err := time.Parse(time.DateOnly, fields[1])
	if err != nil {
		return Release{}, fmt.Errorf("read date: %w", err)
	}
	if contribLine.FindString(fields[0]) == "" {
		return Release{}, fmt.Errorf("version %q is of no known form", fields[0])
	}
	return Release{Version: fields[0], Date: date.Add(17 * time.Hour), Security: len(fields) == 3}, nil
}
