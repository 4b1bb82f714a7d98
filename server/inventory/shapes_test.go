package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"drumbeat/server/updatestatus"
)

// report wraps extensions, and what else there is, into a report as a site
// sends it, and groups it.
func grouped(t *testing.T, core, extensions, packages string) Inventory {
	t.Helper()
	body := fmt.Sprintf(`{"reportId": "018f4e4e-7a5b-7c3d-8e9f-0123456789ab", "collectedAt": "2026-03-04T04:06:07Z", "trigger": "cron",
		"agent": {"name": "drumbeat", "version": "1.0.0"}, "site": {"url": "https://example.org"},
		"platform": {"drupalVersion": %q, "phpVersion": "8.3.1", "profile": "minimal"},
		"extensions": [%s], "composerPackages": [%s]}`, core, extensions, packages)
	rep, err := Parse([]byte(body))
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return Group(rep)
}

// line shows a project as "name version type datestamp: extensions", custom code
// as "name version (note)"; a version that is not known is ?, an empty one "".
func line(inv Inventory) []string {
	version := func(v *string) string {
		switch {
		case v == nil:
			return "?"
		case *v == "":
			return `""`
		}
		return *v
	}
	var lines []string
	for _, p := range inv.Projects {
		text := fmt.Sprintf("%s %s %s", p.Name, version(p.Version), p.Type)
		if p.Datestamp != 0 {
			text += fmt.Sprintf(" %d", p.Datestamp)
		}
		if p.StatusURL != "" {
			text += " <" + p.StatusURL + ">"
		}
		lines = append(lines, text+": "+strings.Join(p.Extensions, " "))
	}
	for _, c := range inv.Custom {
		text := "custom " + c.Name + " " + version(c.Version)
		if c.Note != "" {
			text += " (" + c.Note + ")"
		}
		lines = append(lines, text)
	}
	return lines
}

// TestGroupReadsRealShapes takes the shapes that sites of each kind report: a
// tarball, Composer, git checkouts, and Drupal 7.
func TestGroupReadsRealShapes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		core, extensions, packages string
		want                       []string
	}{
		"core from the tarball": {core: "10.4.2", extensions: `
			{"name": "node", "type": "module", "enabled": true, "project": "drupal", "version": "10.4.2", "datestamp": 1738798431, "title": "Node", "pathKind": "core", "lifecycle": "stable", "package": "Core"},
			{"name": "minimal", "type": "profile", "enabled": true, "project": "drupal", "version": "10.4.2", "datestamp": 1738798431, "title": "Minimal", "pathKind": "core", "hidden": true},
			{"name": "olivero", "type": "theme", "enabled": true, "project": "drupal", "version": "10.4.2", "datestamp": 1738798431, "pathKind": "core", "package": "Core"},
			{"name": "ban", "type": "module", "project": "drupal", "version": "10.4.2", "datestamp": 1738798431, "pathKind": "core", "package": "Core"}`,
			want: []string{"drupal 10.4.2 core: node minimal olivero ban"},
		},
		"core from Composer has no project: modules, themes and profile are core's": {core: "11.4.5", extensions: `
			{"name": "node", "type": "module", "enabled": true, "version": "11.4.5", "pathKind": "core", "package": "Core"},
			{"name": "minimal", "type": "profile", "enabled": true, "version": "11.4.5", "pathKind": "core", "hidden": true},
			{"name": "claro", "type": "theme", "enabled": true, "version": "11.4.5", "pathKind": "core"},
			{"name": "stark", "type": "theme", "version": "11.4.5", "pathKind": "core"}`,
			want: []string{"drupal 11.4.5 core: node minimal claro stark"},
		},
		"packaged dev core is what its info files say, not the constant": {core: "11.0-dev", extensions: `
			{"name": "node", "type": "module", "enabled": true, "project": "drupal", "version": "11.0.0-alpha1+508-dev", "datestamp": 1716000000, "pathKind": "core", "package": "Core"}`,
			want: []string{"drupal 11.0.0-alpha1+508-dev core 1716000000: node"},
		},
		"a sender that knows no paths: core by its package and version, which prove nothing alone": {core: "11.4.5", extensions: `
			{"name": "node", "type": "module", "enabled": true, "version": "11.4.5", "package": "Core"},
			{"name": "posing", "type": "module", "enabled": true, "version": "1.0.0", "package": "Core"},
			{"name": "classy_like", "type": "theme", "enabled": true, "project": "classy_like", "version": "1.0.2", "package": "Core", "datestamp": 1663949787}`,
			want: []string{"drupal 11.4.5 core: node", "classy_like 1.0.2 theme: classy_like", "custom posing 1.0.0"},
		},
		"submodules stand under their project, whatever they are called": {core: "11.4.5", extensions: `
			{"name": "formwork_ui", "type": "module", "enabled": true, "project": "formwork", "version": "6.3.0", "datestamp": 1783438707, "title": "Formwork UI", "pathKind": "contrib"},
			{"name": "formwork", "type": "module", "enabled": true, "project": "formwork", "version": "6.3.0", "datestamp": 1783438707, "title": "Formwork", "pathKind": "contrib"},
			{"name": "quite_else", "type": "module", "project": "formwork", "version": "6.3.0", "datestamp": 1783438707, "pathKind": "contrib"}`,
			want: []string{"formwork 6.3.0 module: formwork_ui formwork quite_else", "drupal 11.4.5 core: "},
		},
		"a project with nothing installed is uninstalled, in its kind": {core: "11.4.5", extensions: `
			{"name": "groups", "type": "module", "project": "groups", "version": "4.0.0", "datestamp": 1745408691, "pathKind": "contrib"},
			{"name": "groups_more", "type": "module", "project": "groups", "version": "4.0.0", "datestamp": 1745408691, "pathKind": "contrib"},
			{"name": "skin", "type": "theme", "project": "skin", "version": "5.0.15", "pathKind": "contrib"},
			{"name": "mixed", "type": "module", "project": "mixed", "version": "1.0.0", "pathKind": "contrib"},
			{"name": "mixed_theme", "type": "theme", "enabled": true, "project": "mixed", "version": "1.0.0", "pathKind": "contrib"}`,
			want: []string{"mixed 1.0.0 theme: mixed_theme mixed", "groups 4.0.0 module-uninstalled: groups groups_more", "skin 5.0.15 theme-uninstalled: skin", "drupal 11.4.5 core: "},
		},
		"custom code stands apart, with a version that looks real or none": {core: "10.4.2", extensions: `
			{"name": "ours", "type": "module", "enabled": true, "pathKind": "custom", "package": "Custom"},
			{"name": "ours_two", "type": "module", "enabled": true, "version": "2.3.1", "pathKind": "custom"},
			{"name": "in_our_profile", "type": "module", "enabled": true, "pathKind": "profile"},
			{"name": "our_theme", "type": "theme", "enabled": true, "version": null, "pathKind": "custom"}`,
			want: []string{"drupal 10.4.2 core: ", "custom ours ?", "custom ours_two 2.3.1", "custom in_our_profile ?", "custom our_theme ?"},
		},
		"a theme made by a starter kit is labelled, and its frozen version judged by nobody": {core: "11.4.5", extensions: `
			{"name": "island", "type": "theme", "enabled": true, "project": "raddish", "version": "6.0.8", "datestamp": 1781864350, "pathKind": "custom"},
			{"name": "raddish", "type": "theme", "enabled": true, "project": "raddish", "version": "6.0.9", "datestamp": 1790000000, "pathKind": "contrib"}`,
			want: []string{"raddish 6.0.9 theme: raddish", "drupal 11.4.5 core: ", "custom island 6.0.8 (" + NoteStarterKit + ")"},
		},
		"so is one whose parent is not on the site": {core: "11.4.5", extensions: `
			{"name": "island", "type": "theme", "enabled": true, "project": "raddish", "version": "6.0.8", "pathKind": "custom"}`,
			want: []string{"drupal 11.4.5 core: ", "custom island 6.0.8 (" + NoteStarterKit + ")"},
		},
		"and one that lies elsewhere, told by its version": {core: "11.4.5", extensions: `
			{"name": "island", "type": "theme", "enabled": true, "project": "raddish", "version": "6.0.8"},
			{"name": "raddish_sub", "type": "theme", "enabled": true, "project": "raddish", "version": "6.0.9"},
			{"name": "raddish", "type": "theme", "enabled": true, "project": "raddish", "version": "6.0.9"}`,
			want: []string{"raddish 6.0.9 theme: raddish_sub raddish", "drupal 11.4.5 core: ", "custom island 6.0.8 (" + NoteStarterKit + ")"},
		},
		"one made from core's own starter kit is not core": {core: "10.4.2", extensions: `
			{"name": "house", "type": "theme", "enabled": true, "project": "drupal", "version": "10.1.0", "pathKind": "custom"}`,
			want: []string{"drupal 10.4.2 core: ", "custom house 10.1.0 (" + NoteStarterKit + ")"},
		},
		"a module copied from a project that is there as well is labelled": {core: "10.4.2", extensions: `
			{"name": "a_fork", "type": "module", "enabled": true, "project": "formwork", "version": "6.0.0", "pathKind": "custom"},
			{"name": "formwork", "type": "module", "enabled": true, "project": "formwork", "version": "6.3.0", "pathKind": "contrib"}`,
			want: []string{"formwork 6.3.0 module: formwork", "drupal 10.4.2 core: ", "custom a_fork 6.0.0 (" + NoteCopy + ")"},
		},
		"a contributed module that somebody put among the custom ones is judged": {core: "10.4.2", extensions: `
			{"name": "formwork", "type": "module", "enabled": true, "project": "formwork", "version": "6.3.0", "pathKind": "custom"}`,
			want: []string{"formwork 6.3.0 module: formwork", "drupal 10.4.2 core: "},
		},
		"a checkout has no version, whatever somebody wrote into it": {core: "11.4.5", extensions: `
			{"name": "loggy", "type": "module", "enabled": true, "version": null, "pathKind": "contrib"},
			{"name": "hand_written", "type": "module", "enabled": true, "version": "2.3.1", "pathKind": "contrib"}`,
			want: []string{"loggy ? module: loggy", "hand_written ? module: hand_written", "drupal 11.4.5 core: "},
		},
		"one that Composer fetched has Composer's, also without a folder for it": {core: "11.4.5", extensions: `
			{"name": "loggy", "type": "module", "enabled": true, "pathKind": "contrib"},
			{"name": "plain", "type": "module", "enabled": true, "version": "7.x-1.x"},
			{"name": "elsewhere", "type": "module", "enabled": true}`,
			packages: `{"name": "drupal/loggy", "version": "dev-1.x", "reference": "4b825dc642cb6eb9", "drupalVersion": "8.x-1.0-beta1+20-dev", "datestamp": 1722206213},
				{"name": "drupal/plain", "version": "1.2.0", "drupalVersion": "1.2.0"}`,
			want: []string{"loggy 8.x-1.0-beta1+20-dev module 1722206213: loggy", "plain 1.2.0 module: plain", "drupal 11.4.5 core: ", "custom elsewhere ?"},
		},
		"where Composer and the disk disagree the disk wins": {core: "10.4.2", extensions: `
			{"name": "toolbelt", "type": "module", "enabled": true, "project": "toolbelt", "version": "3.5.3", "datestamp": 1740156801, "pathKind": "contrib"},
			{"name": "token_like", "type": "module", "enabled": true, "project": "token_like", "version": "8.x-1.15", "datestamp": 1722206215, "pathKind": "contrib"}`,
			packages: `{"name": "drupal/toolbelt", "version": "3.5.1", "drupalVersion": "3.5.1", "datestamp": 1700000000},
				{"name": "drupal/token_like", "version": "1.15.0", "reference": "8.x-1.15", "drupalVersion": "8.x-1.15"}`,
			want: []string{"toolbelt 3.5.3 module: toolbelt", "token_like 8.x-1.15 module: token_like", "drupal 10.4.2 core: "},
		},
		"what only Composer lists is not on the site": {core: "10.4.2", extensions: `
			{"name": "node", "type": "module", "enabled": true, "version": "10.4.2", "pathKind": "core"}`,
			packages: `{"name": "drupal/ghost", "version": "1.0.0", "drupalVersion": "1.0.0"}`,
			want:     []string{"drupal 10.4.2 core: node"},
		},
		"hidden code counts where it is installed, test code nowhere": {core: "10.4.2", extensions: `
			{"name": "helper", "type": "module", "enabled": true, "project": "helper", "version": "1.0.0", "pathKind": "contrib", "hidden": true, "package": "Other"},
			{"name": "helper_off", "type": "module", "project": "helper_off", "version": "1.0.0", "pathKind": "contrib", "hidden": true},
			{"name": "helper_test", "type": "module", "enabled": true, "project": "helper_test", "version": "1.0.0", "pathKind": "contrib", "hidden": true, "package": "Testing"}`,
			want: []string{"helper 1.0.0 module: helper", "drupal 10.4.2 core: "},
		},
		"a project names its own server by its first extension": {core: "10.4.2", extensions: `
			{"name": "acme", "type": "module", "enabled": true, "project": "acme", "version": "1.0.0", "pathKind": "contrib", "statusUrl": "https://updates.acme.example/history"},
			{"name": "acme_ui", "type": "module", "enabled": true, "project": "acme", "version": "1.0.0", "pathKind": "contrib", "statusUrl": "https://elsewhere.example"}`,
			want: []string{"acme 1.0.0 module <https://updates.acme.example/history>: acme acme_ui", "drupal 10.4.2 core: "},
		},
		"a profile of one's own is custom, contributed modules in it are not": {core: "10.4.2", extensions: `
			{"name": "our_profile", "type": "profile", "enabled": true, "hidden": true, "pathKind": "profile"},
			{"name": "token_like", "type": "module", "enabled": true, "project": "token_like", "version": "8.x-1.15", "pathKind": "profile"}`,
			want: []string{"token_like 8.x-1.15 module: token_like", "drupal 10.4.2 core: ", "custom our_profile ?"},
		},
		"Drupal 7: datestamps are texts, and only snapshots have a use for them": {core: "7.105", extensions: `
			{"name": "clone", "type": "module", "enabled": true, "project": "node_clone", "version": "7.x-1.0", "datestamp": "1447900441", "title": "Node clone", "pathKind": "contrib", "package": "Other"},
			{"name": "draggy", "type": "module", "enabled": true, "project": "draggy", "version": "7.x-2.0+26-dev", "datestamp": "1349093683", "pathKind": "contrib"},
			{"name": "system", "type": "module", "enabled": true, "project": "drupal", "version": "7.105", "datestamp": "1749000000", "pathKind": "core", "package": "Core"}`,
			want: []string{"node_clone 7.x-1.0 module: clone", "draggy 7.x-2.0+26-dev module 1349093683: draggy", "drupal 7.105 core: system"},
		},
		"Drupal 7 from git: core is what is of the package Core": {core: "7.105", extensions: `
			{"name": "system", "type": "module", "enabled": true, "version": "7.105", "pathKind": "core", "package": "Core"},
			{"name": "bartik", "type": "theme", "enabled": true, "version": "7.105", "pathKind": "core", "package": "Core"},
			{"name": "standard", "type": "profile", "enabled": true, "version": "7.105", "pathKind": "core"},
			{"name": "dropped_in", "type": "module", "enabled": true, "pathKind": "core", "package": "Other"},
			{"name": "in_sites_all", "type": "module", "enabled": true, "version": "7.x-1.x", "package": "Shop"}`,
			want: []string{"drupal 7.105 core: system standard bartik", "custom dropped_in ?", "custom in_sites_all 7.x-1.x"},
		},
		"Drupal 7: a sub-theme made from a starter kit, without a folder for custom code": {core: "7.105", extensions: `
			{"name": "shop", "type": "theme", "enabled": true, "project": "zenlike", "version": "7.x-5.4", "datestamp": "1400000000"},
			{"name": "zenlike", "type": "theme", "project": "zenlike", "version": "7.x-5.6", "datestamp": "1440000000"}`,
			want: []string{"zenlike 7.x-5.6 theme-uninstalled: zenlike", "drupal 7.105 core: ", "custom shop 7.x-5.4 (" + NoteStarterKit + ")"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := grouped(t, c.core, c.extensions, c.packages)
			if got := line(inv); !slices.Equal(got, c.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
			}
			if want := updatestatus.RuleSetForCore(c.core); inv.RuleSet != want {
				t.Errorf("rules %s, want %s", inv.RuleSet, want)
			}
		})
	}
}

// TestACheckoutIsNeverFine judges what a checkout gives by a feed in which its
// hand-written version would be the newest one.
func TestACheckoutIsNeverFine(t *testing.T) {
	t.Parallel()
	inv := grouped(t, "11.4.5", `{"name": "loggy", "type": "module", "enabled": true, "version": "2.3.1", "pathKind": "contrib"}`, "")
	feed := &updatestatus.Feed{ShortName: "loggy", SupportedBranches: []string{"2.3."}, Releases: []updatestatus.Release{
		{Version: "2.3.1", Status: "published", ReleaseLink: "https://www.drupal.org/project/loggy/releases/2.3.1"},
	}}
	p := inv.Projects[0]
	v := updatestatus.Evaluate(updatestatus.Input{
		Installed: updatestatus.Installed{Project: p.Name, ProjectType: p.Type, Version: p.Version, CoreVersion: inv.CoreVersion}, Feed: feed, Rules: inv.RuleSet,
	})
	if v.Status.Class() != updatestatus.ClassUnknown {
		t.Errorf("it is %s", v.Status)
	}
}
