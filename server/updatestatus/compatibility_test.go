package updatestatus_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"drumbeat/server/updatestatus"
)

func TestCoreCompatibility(t *testing.T) {
	t.Parallel()
	core := history{shortName: "drupal", branches: "10.4.,11.1.", releases: []release{
		r("11.1.2"), r("11.1.1", insecure), r("11.2.0-beta1"), r("11.0.9"), r("10.4.3"),
		{version: "10.4.2", unpublished: true}, r("10.4.1"), r("10.3.9"), r("11.x-dev"),
	}}
	type messages = map[string]updatestatus.Compatibility
	module := func(constraint string) history {
		newest := r("1.1.0")
		newest.core = constraint
		return history{branches: "1.", releases: []release{newest, r("1.0.0")}}
	}
	cases := []struct {
		name   string
		core   history
		module history
		site   string
		rules  updatestatus.RuleSet
		want   messages
	}{
		{
			"all cores from the installed one on are listed as one run", core, module("^10 || ^11"), "10.4.1", "",
			messages{"1.1.0": {Compatible: true, Ranges: "10.4.1 to 11.1.2"}},
		},
		{
			"gaps split the list", core, module("10.4.1 || 10.4.3 || ^11"), "10.4.1", "",
			messages{"1.1.0": {Compatible: true, Ranges: "10.4.1, 10.4.3 to 11.1.2"}},
		},
		{
			"a release for later cores is not compatible", core, module("^11"), "10.4.3", "",
			messages{"1.1.0": {Compatible: false, Ranges: "11.1.1 to 11.1.2"}},
		},
		{
			"a core on a dropped branch can be compatible with nothing in the list", core, module("<11"), "11.0.9", "",
			messages{"1.1.0": {Compatible: false, Ranges: ""}},
		},
		{
			"a constraint that does not parse fits nothing", core, module("not-a-constraint"), "10.4.1", "",
			messages{"1.1.0": {Compatible: false, Ranges: ""}},
		},
		{"a core the feed does not list gives no messages", core, module("^10"), "10.4.9", "", nil},
		{"a release without a constraint gets no message", core, module(""), "10.4.1", "", nil},
		{
			"without branches of core there are no messages",
			history{shortName: "drupal", noBranches: true, releases: core.releases}, module("^10"), "10.4.1", "", nil,
		},
		{
			"older cores do not look at branches", core, module("^10 || ^11"), "10.3.9", updatestatus.Rules10_2,
			messages{"1.1.0": {Compatible: true, Ranges: "10.3.9 to 11.1.2"}},
		},
		{"Drupal 7 has no messages", core, module("^10"), "10.4.1", updatestatus.Rules7, nil},
		{
			"the short name of core's feed does not matter",
			history{branches: core.branches, releases: core.releases}, module("^10.4"), "10.4.1", "",
			messages{"1.1.0": {Compatible: true, Ranges: "10.4.1 to 10.4.3"}},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := input(c.module.parse(t), "1.0.0")
			in.CoreFeed, in.Installed.CoreVersion, in.Rules = c.core.parse(t), c.site, c.rules
			got := updatestatus.Evaluate(in).CoreCompatibility
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			in.CoreFeed = nil
			if got := updatestatus.Evaluate(in).CoreCompatibility; got != nil {
				t.Errorf("messages without core's feed: %v", got)
			}
		})
	}
}

func TestCoreCompatibilityIsGivenForEveryReleaseNamed(t *testing.T) {
	t.Parallel()
	with := func(version string, terms ...string) release {
		one := r(version, terms...)
		one.core = "^11"
		return one
	}
	module := history{branches: "1.,2.", releases: []release{
		with("2.0.0"), with("1.4.0-rc1"), with("1.3.0"), with("1.2.0", security), with("1.1.0"), r("1.0.0"),
	}}
	in := input(module.parse(t), "1.0.0")
	in.CoreFeed = history{shortName: "drupal", branches: "11.", releases: []release{r("11.2.0")}}.parse(t)
	var named []string
	for version := range updatestatus.Evaluate(in).CoreCompatibility {
		named = append(named, version)
	}
	want := []string{"1.2.0", "1.3.0", "1.4.0-rc1", "2.0.0"}
	if diff := cmp.Diff(want, named, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("releases (-want +got):\n%s", diff)
	}
}

func TestCoreItselfHasNoCompatibility(t *testing.T) {
	t.Parallel()
	newest := r("11.2.1")
	newest.core = "^11"
	feed := history{shortName: "drupal", branches: "11.", releases: []release{newest, r("11.2.0")}}.parse(t)
	in := coreInput(feed, "11.2.0", time.Time{})
	in.CoreFeed = feed
	if got := updatestatus.Evaluate(in).CoreCompatibility; got != nil {
		t.Errorf("messages: %v", got)
	}
}
