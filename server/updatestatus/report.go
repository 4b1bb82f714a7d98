package updatestatus

// LineKind is the kind of a ReportLine.
type LineKind string

// The kinds of lines.
const (
	LineRecommended LineKind = "recommended"
	LineSecurity    LineKind = "security"
	LineLatest      LineKind = "latest"
	LineDevelopment LineKind = "development"
	LineAlso        LineKind = "also"
)

// ReportLine is one release offered on Drupal's page "Available updates".
type ReportLine struct {
	Kind    LineKind `json:"kind"`
	Version string   `json:"version"`
}

// report lists what the page shows, in its order.
func (c *calculation) report() {
	v := &c.verdict
	line := func(kind LineKind, version string) {
		v.ReportLines = append(v.ReportLines, ReportLine{Kind: kind, Version: version})
	}
	if v.Recommended != "" {
		isInstalled := c.Installed.Version != nil && *c.Installed.Version == v.Recommended
		if v.Status != Current || !isInstalled {
			// A single security update that is the recommended release is
			// shown once.
			if len(v.SecurityUpdates) != 1 || v.SecurityUpdates[0] != v.Recommended {
				line(LineRecommended, v.Recommended)
			}
			for _, version := range v.SecurityUpdates {
				line(LineSecurity, version)
			}
		}
		if v.Latest != "" && v.Latest != v.Recommended {
			line(LineLatest, v.Latest)
		}
		if v.InstallType == InstallDev && v.Status != Current && v.DevVersion != "" && v.DevVersion != v.Recommended {
			line(LineDevelopment, v.DevVersion)
		}
	}
	for _, other := range v.Also {
		line(LineAlso, other.Version)
	}
}
