package updatestatus

import (
	"slices"
	"strings"
)

// Compatibility tells which versions of Drupal core a release can be used
// with. It never changes what is recommended.
type Compatibility struct {
	// Compatible tells whether the installed core is one of them.
	Compatible bool `json:"compatible"`
	// Ranges lists them among the cores the site could move to, as in
	// "10.3.6 to 10.3.9, 11.0.0"; it may be empty even if Compatible.
	Ranges string `json:"ranges"`
}

// coreVersion is a stable release of Drupal core.
type coreVersion struct {
	text     string
	version  composerVersion
	inBranch bool
}

// coreVersions gives the stable ones of core's releases, ascending.
func coreVersions(releases []Release) []coreVersion {
	var versions []coreVersion
	for i := range releases {
		v, err := parseComposerVersion(releases[i].Key)
		if err == nil && v.isStable() {
			versions = append(versions, coreVersion{releases[i].Key, v, releases[i].inBranch})
		}
	}
	slices.SortStableFunc(versions, func(a, b coreVersion) int { return a.version.compare(&b.version) })
	return versions
}

// coreCompatibility fills in the messages for the releases the verdict names.
func (c *calculation) coreCompatibility() {
	if c.CoreFeed == nil || c.Feed == nil || c.Rules == Rules7 || c.Installed.Project == "drupal" {
		return
	}
	installed, possible := c.possibleCores()
	if len(possible) == 0 {
		return
	}
	add := func(key string) {
		release := c.Feed.Release(key)
		if release == nil || release.CoreCompatibility == "" {
			return
		}
		if _, done := c.verdict.CoreCompatibility[key]; done {
			return
		}
		if c.verdict.CoreCompatibility == nil {
			c.verdict.CoreCompatibility = map[string]Compatibility{}
		}
		c.verdict.CoreCompatibility[key] = compatibility(release.CoreCompatibility, installed, possible)
	}
	add(c.verdict.Recommended)
	add(c.verdict.Latest)
	for _, other := range c.verdict.Also {
		add(other.Version)
	}
	for _, version := range c.verdict.SecurityUpdates {
		add(version)
	}
}

// possibleCores gives the cores the site could run from now on, its own
// included, ascending.
func (c *calculation) possibleCores() (installed composerVersion, possible []*coreVersion) {
	if c.CoreFeed.Release(c.Installed.CoreVersion) == nil {
		return installed, nil
	}
	installed, err := parseComposerVersion(c.Installed.CoreVersion)
	if err != nil {
		return installed, nil
	}
	versions := c.CoreFeed.core
	if versions == nil {
		versions = coreVersions(c.CoreFeed.Releases)
	}
	from := condition{">=", installed.orBefore()}
	for i := range versions {
		if (versions[i].inBranch || c.Rules == Rules10_2) && from.satisfiedBy(&versions[i].version) {
			possible = append(possible, &versions[i])
		}
	}
	return installed, possible
}

// compatibility applies a constraint to the installed core and to the possible
// ones. A constraint that does not parse is satisfied by none.
func compatibility(text string, installed composerVersion, possible []*coreVersion) Compatibility {
	required, err := parseConstraint(text)
	if err != nil {
		return Compatibility{}
	}
	var ranges []string
	for i := 0; i < len(possible); i++ {
		if !required.satisfiedBy(&possible[i].version) {
			continue
		}
		first := i
		for i+1 < len(possible) && required.satisfiedBy(&possible[i+1].version) {
			i++
		}
		if first == i {
			ranges = append(ranges, possible[i].text)
		} else {
			ranges = append(ranges, possible[first].text+" to "+possible[i].text)
		}
	}
	return Compatibility{
		Compatible: required.satisfiedBy(&installed),
		Ranges:     strings.Join(ranges, ", "),
	}
}
