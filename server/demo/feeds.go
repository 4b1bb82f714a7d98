package demo

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The elements of drupal.org's release history, as far as the demo fills them.
type (
	feedProject struct {
		XMLName           xml.Name      `xml:"project"`
		Title             string        `xml:"title"`
		ShortName         string        `xml:"short_name"`
		Type              string        `xml:"type"`
		APIVersion        string        `xml:"api_version,omitempty"`
		RecommendedMajor  string        `xml:"recommended_major,omitempty"`
		SupportedMajors   string        `xml:"supported_majors,omitempty"`
		DefaultMajor      string        `xml:"default_major,omitempty"`
		SupportedBranches string        `xml:"supported_branches,omitempty"`
		ProjectStatus     string        `xml:"project_status"`
		Link              string        `xml:"link"`
		Releases          []feedRelease `xml:"releases>release"`
	}
	feedRelease struct {
		Name         string     `xml:"name"`
		Version      string     `xml:"version"`
		VersionMajor string     `xml:"version_major,omitempty"`
		VersionPatch string     `xml:"version_patch,omitempty"`
		Status       string     `xml:"status"`
		ReleaseLink  string     `xml:"release_link"`
		DownloadLink string     `xml:"download_link"`
		Date         int64      `xml:"date"`
		Terms        []feedTerm `xml:"terms>term"`
		Security     *feedCover `xml:"security,omitempty"`
	}
	feedTerm struct {
		Name  string `xml:"name"`
		Value string `xml:"value"`
	}
	feedCover struct {
		Covered int    `xml:"covered,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteFeeds writes the release history of each project to
// dir/<project>/<series>, the layout of drupal.org's addresses, so that the
// folder can be the server's source of feeds.
func WriteFeeds(dir string, projects []Project) error {
	for _, project := range projects {
		content, err := project.feed()
		if err != nil {
			return err
		}
		folder := filepath.Join(dir, project.Name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("make folder for the feed of %s: %w", project.Name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, project.Series), content, 0o644); err != nil {
			return fmt.Errorf("write feed of %s: %w", project.Name, err)
		}
	}
	return nil
}

func (p Project) feed() ([]byte, error) {
	doc := feedProject{
		Title: p.Title, ShortName: p.Name, Type: "project_" + p.Type,
		ProjectStatus: "published", Link: "https://www.drupal.org/project/" + p.Name,
	}
	if p.Series == "7.x" {
		// drupal.org ended all support of Drupal 7 in January 2025.
		major := fmt.Sprint(p.Releases[0].Major())
		doc.ProjectStatus, doc.APIVersion = "unsupported", "7.x"
		doc.RecommendedMajor, doc.SupportedMajors, doc.DefaultMajor = major, major, major
	} else {
		doc.SupportedBranches = strings.Join(p.Branches, ",")
	}
	fixed := map[string]bool{} // lines whose newer security release was already met
	for _, release := range p.Releases {
		kind := []feedTerm{{"Release type", "Bug fixes"}}
		if release.Security {
			kind = []feedTerm{{"Release type", "Security update"}}
		}
		if fixed[p.line(release)] {
			kind = append(kind, feedTerm{"Release type", "Insecure"})
		}
		if release.Security {
			fixed[p.line(release)] = true
		}
		item := feedRelease{
			Name: p.Title + " " + release.Version, Version: release.Version, Status: "published",
			ReleaseLink:  "https://www.drupal.org/project/" + p.Name + "/releases/" + release.Version,
			DownloadLink: "https://ftp.drupal.org/files/projects/" + p.Name + "-" + release.Version + ".tar.gz",
			Date:         release.Date.Unix(), Terms: kind,
			Security: &feedCover{Covered: 1, Text: "Covered by Drupal's security advisory policy"},
		}
		if p.Series == "7.x" {
			item.VersionMajor = fmt.Sprint(release.Major())
			item.VersionPatch = release.Version[strings.LastIndex(release.Version, ".")+1:]
		}
		doc.Releases = append(doc.Releases, item)
	}
	content, err := xml.MarshalIndent(doc, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write feed of %s: %w", p.Name, err)
	}
	return append([]byte(xml.Header), content...), nil
}
