package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ptr(s string) *string { return &s }

func TestGroup(t *testing.T) {
	t.Parallel()
	core := Project{Name: "drupal", Title: "Drupal core", Type: "core", Version: ptr("11.4.5")}
	ext := func(name, kind, path string, enabled bool) Extension {
		return Extension{Name: name, Type: kind, PathKind: path, Enabled: enabled, Title: "T " + name}
	}
	with := func(e Extension, project, version string, datestamp int64) Extension {
		e.Project, e.HasProject, e.Version, e.HasVersion, e.Datestamp = project, true, version, true, datestamp
		return e
	}
	versioned := func(e Extension, version string) Extension {
		e.Version, e.HasVersion = version, true
		return e
	}
	hidden := func(e Extension, pkg string) Extension {
		e.Hidden, e.Package = true, pkg
		return e
	}
	cases := map[string]struct {
		list     []Extension
		composer []Package
		projects []Project
		custom   []Custom
	}{
		"core modules, themes and profile without a project are core": {
			list: []Extension{
				versioned(ext("node", "module", "core", true), "11.4.5"), versioned(ext("minimal", "profile", "core", true), "11.4.5"),
				versioned(ext("olivero", "theme", "core", true), "11.4.5"), versioned(ext("ban", "module", "core", false), "11.4.5"),
			},
			projects: []Project{{Name: "drupal", Title: "Drupal core", Type: "core", Version: ptr("11.4.5"), Extensions: []string{"node", "minimal", "olivero", "ban"}}},
		},
		"core is there when the list names nothing of it": {
			list:     []Extension{with(ext("token", "module", "contrib", true), "token", "8.x-1.15", 17)},
			projects: []Project{{Name: "token", Title: "T token", Type: "module", Version: ptr("8.x-1.15"), Extensions: []string{"token"}}, core},
		},
		"packaged dev core keeps its own version and datestamp": {
			list: []Extension{with(ext("node", "module", "core", true), "drupal", "11.0.0-alpha1+508-dev", 99)},
			projects: []Project{{Name: "drupal", Title: "Drupal core", Type: "core", Version: ptr("11.0.0-alpha1+508-dev"), Datestamp: 99,
				Extensions: []string{"node"}}},
		},
		"submodules belong to their project, and the enabled one gives the version": {
			list: []Extension{
				with(ext("webform_node", "module", "contrib", false), "webform", "6.2.0", 5),
				with(ext("webform_ui", "module", "contrib", true), "webform", "6.3.0", 5),
				with(ext("webform", "module", "contrib", true), "webform", "6.3.1", 5),
			},
			projects: []Project{{Name: "webform", Title: "T webform", Type: "module", Version: ptr("6.3.0"),
				Extensions: []string{"webform_ui", "webform", "webform_node"}}, core},
		},
		"a project with nothing enabled is uninstalled": {
			list:     []Extension{with(ext("gin", "theme", "contrib", false), "gin", "5.0.15", 7)},
			projects: []Project{{Name: "gin", Title: "T gin", Type: "theme-uninstalled", Version: ptr("5.0.15"), Extensions: []string{"gin"}}, core},
		},
		"the highest datestamp counts, for development versions only": {
			list: []Extension{
				with(ext("a", "module", "contrib", true), "a", "1.x-dev", 5), with(ext("a_ui", "module", "contrib", true), "a", "1.x-dev", 9),
				with(ext("a_off", "module", "contrib", false), "a", "1.x-dev", 50),
				with(ext("b", "module", "contrib", true), "b", "1.0.0", 9),
			},
			projects: []Project{
				{Name: "a", Title: "T a", Type: "module", Version: ptr("1.x-dev"), Datestamp: 9, Extensions: []string{"a", "a_ui", "a_off"}},
				{Name: "b", Title: "T b", Type: "module", Version: ptr("1.0.0"), Extensions: []string{"b"}}, core,
			},
		},
		"hidden and not installed is skipped, so is hidden test code": {
			list: []Extension{
				hidden(with(ext("x", "module", "contrib", false), "x", "1.0.0", 0), "Other"),
				hidden(with(ext("y", "module", "contrib", true), "y", "1.0.0", 0), "Testing"),
				hidden(with(ext("classy", "theme", "contrib", true), "classy", "1.0.2", 0), "Core"),
			},
			projects: []Project{{Name: "classy", Title: "T classy", Type: "theme", Version: ptr("1.0.2"), Extensions: []string{"classy"}}, core},
		},
		"custom code stands apart": {
			list:     []Extension{versioned(ext("ours", "module", "custom", true), "2.3.1"), ext("in_profile", "module", "profile", true), ext("nowhere", "theme", "", false)},
			projects: []Project{core},
			custom: []Custom{{Name: "ours", Title: "T ours", Type: "module", Enabled: true, Version: ptr("2.3.1")},
				{Name: "in_profile", Title: "T in_profile", Type: "module", Enabled: true}, {Name: "nowhere", Title: "T nowhere", Type: "theme"}},
		},
		"a theme from a starter kit is not the starter kit": {
			list:     []Extension{with(ext("east_caribbean", "theme", "custom", true), "radix", "6.0.8", 1), with(ext("radix", "theme", "contrib", true), "radix", "6.0.9", 1)},
			projects: []Project{{Name: "radix", Title: "T radix", Type: "theme", Version: ptr("6.0.9"), Extensions: []string{"radix"}}, core},
			custom:   []Custom{{Name: "east_caribbean", Title: "T east_caribbean", Type: "theme", Enabled: true, Version: ptr("6.0.8"), Note: NoteStarterKit}},
		},
		"a checkout gets project and version from Composer": {
			list:     []Extension{ext("extended_logger", "module", "contrib", true)},
			composer: []Package{{Name: "drupal/extended_logger", DrupalVersion: "8.x-1.0-beta1+20-dev", Datestamp: 44}},
			projects: []Project{{Name: "extended_logger", Title: "T extended_logger", Type: "module", Version: ptr("8.x-1.0-beta1+20-dev"), Datestamp: 44,
				Extensions: []string{"extended_logger"}}, core},
		},
		"a checkout that nothing is known of has no version": {
			list:     []Extension{ext("lost", "module", "contrib", true)},
			projects: []Project{{Name: "lost", Title: "T lost", Type: "module", Extensions: []string{"lost"}}, core},
		},
		"absent and empty versions differ": {
			list:     []Extension{with(ext("e", "module", "contrib", true), "e", "", 0)},
			projects: []Project{{Name: "e", Title: "T e", Type: "module", Version: ptr(""), Extensions: []string{"e"}}, core},
		},
		"impossible project names are custom code": {
			list:     []Extension{with(ext("evil", "module", "contrib", true), "../../etc", "1.0.0", 0), with(ext("Up", "module", "contrib", true), "UpperCase", "1.0.0", 0)},
			projects: []Project{{Name: "uppercase", Type: "module", Version: ptr("1.0.0"), Extensions: []string{"Up"}}, core},
			custom:   []Custom{{Name: "evil", Title: "T evil", Type: "module", Enabled: true, Version: ptr("1.0.0"), Note: NoteProjectName}},
		},
		"an extension listed twice is one project": {
			list:     []Extension{with(ext("a", "module", "contrib", true), "a", "1.0.0", 0), with(ext("a", "module", "contrib", true), "a", "2.0.0", 0)},
			projects: []Project{{Name: "a", Title: "T a", Type: "module", Version: ptr("1.0.0"), Extensions: []string{"a", "a"}}, core},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Group(&Report{List: c.list, Composer: c.composer, Platform: Platform{DrupalVersion: "11.4.5"}})
			if d := cmp.Diff(c.projects, got.Projects); d != "" {
				t.Errorf("projects (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.custom, got.Custom); d != "" {
				t.Errorf("custom (-want +got):\n%s", d)
			}
		})
	}
}
