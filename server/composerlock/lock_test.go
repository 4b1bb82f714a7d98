package composerlock

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drumbeat/server/inventory"
)

// fromDrupalOrg is a package as packages.drupal.org serves it.
func fromDrupalOrg(name, kind, version, tag string) string {
	return fmt.Sprintf(`{"name":"drupal/%[1]s","type":%[2]q,"version":%[3]q,
		"source":{"type":"git","url":"https://git.drupalcode.org/project/%[1]s.git","reference":%[4]q},
		"dist":{"type":"zip","url":"https://ftp.drupal.org/files/projects/%[1]s-%[4]s.zip","reference":%[4]q},
		"notification-url":"https://packages.drupal.org/8/downloads",
		"extra":{"drupal":{"version":%[4]q,"datestamp":"1722206215","security-coverage":{"status":"covered","message":"Covered"}}}}`,
		name, kind, version, tag)
}

const core = `{"name":"drupal/core","type":"drupal-core","version":"11.4.4",
	"source":{"type":"git","url":"https://github.com/drupal/core.git","reference":"37366eee85534e018eb53eadc261d26a46a9b6f4"},
	"notification-url":"https://packagist.org/downloads/","extra":{"branch-alias":{"dev-main":"11.x-dev"},"drupal-scaffold":{"file-mapping":{}}}}`

func lock(packages ...string) []byte { return lockWithDev(nil, packages...) }

func lockWithDev(dev []string, packages ...string) []byte {
	return []byte(`{"_readme":["x"],"content-hash":"f92d567936d48b0f1f20e36ad05d7bad","packages":[` + strings.Join(packages, ",") +
		`],"packages-dev":[` + strings.Join(dev, ",") + `],"aliases":[],"stability-flags":[]}`)
}

var system = inventory.Extension{Name: "system", Type: "module", Enabled: true, Version: "11.4.4", HasVersion: true, PathKind: "core", Package: "Core"}

func TestAPackageBecomesAnExtension(t *testing.T) {
	t.Parallel()
	contrib := func(kind, name, version string, datestamp int64) []inventory.Extension {
		return []inventory.Extension{{
			Name: name, Type: kind, Enabled: true, Project: name, HasProject: true,
			Version: version, HasVersion: version != "", Datestamp: datestamp, PathKind: "contrib",
		}}
	}
	// drupal is a package of drupal.org whose repository said nothing in extra.
	drupal := func(version, more string) string {
		return fmt.Sprintf(`{"name":"drupal/token","type":"drupal-module","version":%q,"notification-url":"https://packages.drupal.org/8/downloads","extra":[]%s}`, version, more)
	}
	cases := map[string]struct {
		pack string
		want []inventory.Extension
	}{
		"a module has drupal.org's version, not Composer's": {
			fromDrupalOrg("token", "drupal-module", "1.15.0", "8.x-1.15"), contrib("module", "token", "8.x-1.15", 1722206215),
		},
		"a theme": {fromDrupalOrg("gin", "drupal-theme", "5.0.15", "5.0.15"), contrib("theme", "gin", "5.0.15", 1722206215)},
		"a profile is contributed code as well": {
			fromDrupalOrg("thunder", "drupal-profile", "7.3.0", "7.3.0"), contrib("profile", "thunder", "7.3.0", 1722206215),
		},
		"a snapshot counts its commits": {
			`{"name":"drupal/aws","type":"drupal-module","version":"dev-2.0.x","source":{"type":"git","url":"https://git.drupalcode.org/project/aws.git","reference":"0c2a"},
			"extra":{"branch-alias":{"dev-2.0.x":"2.0.x-dev"},"drupal":{"version":"2.0.4+1-dev","datestamp":1725630062,"security-coverage":{"status":"not-covered"}}}}`,
			contrib("module", "aws", "2.0.4+1-dev", 1725630062),
		},
		"a snapshot that drupal.org says nothing of is unknown": {
			`{"name":"drupal/potion","type":"drupal-module","version":"dev-2.x","source":{"type":"git","url":"https://git.drupalcode.org/project/potion.git","reference":"0c2a"}}`,
			contrib("module", "potion", "", 0),
		},
		"a mirror keeps what drupal.org said": {
			`{"name":"drupal/token","type":"drupal-module","version":"1.15.0","dist":{"type":"zip","url":"https://satis.example.org/token.zip"},"extra":{"drupal":{"version":"8.x-1.15"}}}`,
			contrib("module", "token", "8.x-1.15", 0),
		},
		"without extra the tag tells": {
			drupal("1.15.0", `,"source":{"url":"https://git.drupalcode.org/project/token.git","reference":"8.x-1.15"}`), contrib("module", "token", "8.x-1.15", 0),
		},
		"without extra the tag of a beta tells": {
			drupal("2.0.0-beta13", `,"source":{"url":"git@git.drupal.org:project/token.git","reference":"8.x-2.0-beta13"}`), contrib("module", "token", "8.x-2.0-beta13", 0),
		},
		"a tag of another version is not believed": {
			drupal("1.16.0", `,"source":{"url":"https://git.drupalcode.org/project/token.git","reference":"8.x-1.15"}`), contrib("module", "token", "", 0),
		},
		"without extra the archive tells": {
			drupal("1.15.0", `,"dist":{"url":"https://ftp.drupal.org/files/projects/token-8.x-1.15.zip"}`), contrib("module", "token", "8.x-1.15", 0),
		},
		"1.15.0 alone may be 8.x-1.15 and is unknown":       {drupal("1.15.0", ""), contrib("module", "token", "", 0)},
		"2.0.0-rc1 alone may be 8.x-2.0-rc1 and is unknown": {drupal("2.0.0-RC1", ""), contrib("module", "token", "", 0)},
		"3.5.1 alone can be nothing else":                   {drupal("3.5.1", ""), contrib("module", "token", "3.5.1", 0)},
		"3.5.1-beta2 alone can be nothing else":             {drupal("3.5.1-beta2", ""), contrib("module", "token", "3.5.1-beta2", 0)},
		"the source names the project, whatever the package": {
			`{"name":"drupal/token_fixed","type":"drupal-module","version":"1.15.0","source":{"url":"https://git.drupalcode.org/project/token.git","reference":"8.x-1.15"}}`,
			contrib("module", "token", "8.x-1.15", 0),
		},
		"a fork for an issue is of the project, with no version": {
			`{"name":"drupal/token","type":"drupal-module","version":"3.5.1","source":{"url":"https://git.drupalcode.org/issue/token-3326097.git","reference":"8.x-1.15"},"extra":{"drupal":{"version":"3.5.1","datestamp":"5"}}}`,
			contrib("module", "token", "", 0),
		},
		"a fork that lies elsewhere is a checkout": {
			`{"name":"drupal/hdbt","type":"drupal-theme","version":"6.17.30","source":{"url":"https://github.com/City/hdbt.git","reference":"0c2a"}}`,
			[]inventory.Extension{{Name: "hdbt", Type: "theme", Enabled: true, PathKind: "contrib"}},
		},
		"a package of another vendor is no project": {
			`{"name":"unocha/common_design","type":"drupal-theme","version":"v9.7.0","source":{"url":"https://github.com/UN-OCHA/common_design.git"}}`,
			[]inventory.Extension{{Name: "common_design", Type: "theme", Enabled: true, Version: "v9.7.0", HasVersion: true}},
		},
		"a custom module is custom": {
			`{"name":"acme/shop","type":"drupal-custom-module","version":"dev-main"}`,
			[]inventory.Extension{{Name: "shop", Type: "module", Enabled: true, Version: "dev-main", HasVersion: true, PathKind: "custom"}},
		},
		"a library is none":              {`{"name":"symfony/yaml","type":"library","version":"v7.1.0"}`, nil},
		"a metapackage is none":          {fromDrupalOrg("commerce_all", "metapackage", "1.0.0", "1.0.0"), nil},
		"a recipe is none":               {fromDrupalOrg("easy_email", "drupal-recipe", "1.0.0", "1.0.0"), nil},
		"a package of no type is none":   {`{"name":"drupal/x","version":"1.0.0"}`, nil},
		"a second one of a name is none": {core, nil},
		"a version with an escape is none": {
			`{"name":"drupal/token","type":"drupal-module","notification-url":"https://packages.drupal.org/8/downloads","version":"1\u001b[2J","extra":{"drupal":{"version":"\u001b[2J"}}}`,
			contrib("module", "token", "", 0),
		},
		"a version that is too long is none, not a part of it": {
			drupal("1.0.0", `,"source":{"url":"https://git.drupalcode.org/project/token.git","reference":"`+strings.Repeat("1", 9999)+`"}`), contrib("module", "token", "", 0),
		},
		"things of the wrong kind are nothing": {
			`{"name":"drupal/token","type":"drupal-module","notification-url":"https://packages.drupal.org/8/downloads","version":7,"source":"x","dist":[1],"extra":{"drupal":{"version":["8.x-1.15"],"datestamp":-7,"security-coverage":"covered"}}}`,
			contrib("module", "token", "", 0),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Read(lock(core, tc.pack), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(append([]inventory.Extension{system}, tc.want...), got.Extensions); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestPackagesOfTheVendorDrupalAreKept(t *testing.T) {
	t.Parallel()
	got, err := Read(lock(core, fromDrupalOrg("token", "drupal-module", "1.15.0", "8.x-1.15"), `{"name":"unocha/common_design","type":"drupal-theme","version":"v9.7.0"}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Package{
		{Name: "drupal/core", Version: "11.4.4", Reference: "37366eee85534e018eb53eadc261d26a46a9b6f4"},
		{Name: "drupal/token", Version: "1.15.0", Reference: "8.x-1.15", DrupalVersion: "8.x-1.15", Datestamp: 1722206215, SecurityCoverage: "covered"},
	}
	if d := cmp.Diff(want, got.Packages); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestDevelopmentPackagesAreReadOnDemand(t *testing.T) {
	t.Parallel()
	data := lockWithDev([]string{fromDrupalOrg("devel", "drupal-module", "5.3.3", "5.3.3")}, core)
	for name, tc := range map[string]struct {
		o    Options
		want int
	}{"no": {Options{}, 1}, "yes": {Options{Dev: true}, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := Read(data, tc.o); err != nil || len(got.Extensions) != tc.want || len(got.Packages) != tc.want {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestCoreTellsItsVersion(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ pack, want string }{
		"a release":                        {core, "11.4.4"},
		"a branch with numbers":            {`{"name":"drupal/core","version":"10.3.x-dev"}`, "10.3.x-dev"},
		"a branch that says what it is of": {`{"name":"drupal/core","version":"dev-main","extra":{"branch-alias":{"dev-main":"11.x-dev"}}}`, "11.x-dev"},
		"a branch that does not":           {`{"name":"drupal/core","version":"dev-main","extra":{"branch-alias":[]}}`, "dev-main"},
		"only the metapackage is there":    {`{"name":"drupal/core-recommended","version":"10.4.2"}`, "10.4.2"},
		"both are there":                   {`{"name":"drupal/core-recommended","version":"10.4.1"},{"name":"Drupal/Core","version":"10.4.2"}`, "10.4.2"},
		"Drupal 7": {
			`{"name":"drupal/drupal","type":"drupal-core","version":"7.105.0","extra":{"drupal":{"version":"7.105","datestamp":"1733425820"}}}`, "7.105",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Read(lock(tc.pack), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got.DrupalVersion != tc.want || len(got.Extensions) != 1 || got.Extensions[0].Version != tc.want {
				t.Errorf("got %+v", got)
			}
			rep := inventory.Group(&inventory.Report{Platform: inventory.Platform{DrupalVersion: got.DrupalVersion}, List: got.Extensions})
			if len(rep.Projects) != 1 || rep.Projects[0].Name != inventory.CoreProject || *rep.Projects[0].Version != tc.want || rep.CoreVersion != tc.want {
				t.Errorf("grouped: %+v", rep)
			}
		})
	}
}

// TestTheServerSortsThemAsMeant goes from a lock to projects.
func TestTheServerSortsThemAsMeant(t *testing.T) {
	t.Parallel()
	got, err := Read(lock(core,
		fromDrupalOrg("token", "drupal-module", "1.15.0", "8.x-1.15"),
		`{"name":"drupal/hdbt","type":"drupal-theme","version":"6.17.30","source":{"url":"https://github.com/City/hdbt.git"}}`,
		`{"name":"unocha/common_design","type":"drupal-theme","version":"v9.7.0"}`,
		`{"name":"acme/shop","type":"drupal-custom-module","version":"1.0.0"}`,
	), Options{})
	if err != nil {
		t.Fatal(err)
	}
	sorted := inventory.Group(&inventory.Report{Platform: inventory.Platform{DrupalVersion: got.DrupalVersion}, List: got.Extensions, Composer: got.Packages})
	var projects, custom []string
	for _, p := range sorted.Projects {
		version := "unknown"
		if p.Version != nil {
			version = *p.Version
		}
		projects = append(projects, p.Type+" "+p.Name+" "+version)
	}
	for _, c := range sorted.Custom {
		custom = append(custom, c.Name)
	}
	if d := cmp.Diff([]string{"core drupal 11.4.4", "module token 8.x-1.15", "theme hdbt unknown"}, projects); d != "" {
		t.Errorf("projects (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"shop", "common_design"}, custom); d != "" {
		t.Errorf("custom (-want +got):\n%s", d)
	}
}

func TestWhatIsNoLockIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	token := fromDrupalOrg("token", "drupal-module", "1.15.0", "8.x-1.15")
	many := make([]string, inventory.MaxExtensions)
	for i := range many {
		many[i] = fmt.Sprintf(`{"name":"acme/m%d","type":"drupal-module"}`, i)
	}
	cases := map[string]struct {
		data string
		is   error
		says string
	}{
		"nothing":                     {"", ErrNotLock, "empty"},
		"a text":                      {"hello", ErrNotLock, "line 1"},
		"an unfinished merge":         {"{\n<<<<<<< HEAD\n}", ErrNotLock, "line 2 on (is a merge unfinished?)"},
		"cut off":                     {string(lock(core, token)[:400]), ErrNotLock, "no JSON"},
		"a number":                    {"7", ErrNotLock, "no JSON object"},
		"null":                        {"null", ErrNotLock, "no list of packages"},
		"a list":                      {"[]", ErrNotLock, "no JSON object"},
		"composer.json":               {`{"name":"acme/site","require":{"drupal/core":"^11"}}`, ErrNotLock, "composer.json"},
		"package-lock.json":           {`{"name":"x","lockfileVersion":3,"packages":{"":{}}}`, ErrNotLock, "no list of packages"},
		"vendor's installed.json":     {`{"packages":[` + core + `],"dev":true,"dev-package-names":[]}`, ErrNotLock, "content-hash"},
		"packages that are none":      {`{"content-hash":"x","packages":[7]}`, ErrNotLock, "packages"},
		"a package without a name":    {`{"content-hash":"x","packages":[{"version":"1"}]}`, ErrNotLock, "packages[0]"},
		"a package with a bad name":   {string(lock(core, `{"name":"drupal/\u001b[2J"}`)), ErrNotLock, "packages[1]"},
		"a name of a megabyte":        {string(lock(core, `{"name":"drupal/`+strings.Repeat("a", 1<<20)+`"}`)), ErrNotLock, "packages[1]"},
		"brackets without end":        {strings.Repeat(`{"packages":[`, 200_000), ErrNotLock, "no JSON"},
		"depth in a place of no use":  {`{"content-hash":"x","packages":[{"name":"drupal/core","extra":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}]}`, ErrNotLock, "no JSON"},
		"no Drupal at all":            {string(lock(`{"name":"symfony/yaml","type":"library","version":"v7.1.0"}`)), ErrNoDrupal, "drupal/core"},
		"no packages at all":          {string(lock()), ErrNoDrupal, "drupal/core"},
		"modules without core":        {string(lock(token)), ErrNoDrupal, "drupal/core"},
		"core without a version":      {string(lock(`{"name":"drupal/core"}`)), ErrNotLock, "no version"},
		"core of an endless version":  {string(lock(`{"name":"drupal/core","version":"` + strings.Repeat("1", 200) + `"}`)), ErrNotLock, "no version"},
		"more than a report may hold": {string(lock(append(many, core)...)), nil, "5001 modules and themes"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Read([]byte(tc.data), Options{Dev: true})
			if err == nil || got != nil {
				t.Fatalf("read as %v", got)
			}
			if tc.is != nil && !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.says) || len(err.Error()) > 200 {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestALockOfFiveMegabytesIsRead(t *testing.T) {
	t.Parallel()
	packages := []string{core}
	size := 0
	for i := 0; size < 5<<20; i++ {
		p := strings.Replace(fromDrupalOrg(fmt.Sprintf("module_%d", i), "drupal-module", "1.15.0", "8.x-1.15"), `"extra":{`,
			`"description":"`+strings.Repeat("What it is for. ", 200)+`","extra":{`, 1)
		size += len(p)
		packages = append(packages, p)
	}
	got, err := Read(lock(packages...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Extensions) != len(packages) || len(got.Packages) != len(packages) || got.Extensions[len(packages)-1].Version != "8.x-1.15" {
		t.Errorf("%d packages became %d and %d", len(packages), len(got.Extensions), len(got.Packages))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(lock(core, fromDrupalOrg("token", "drupal-module", "1.15.0", "8.x-1.15")))
	f.Add([]byte(`{"content-hash":"","packages":[{"name":"drupal/core","version":"dev-main","extra":{"branch-alias":{"dev-main":"11.x-dev"}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Read(data, Options{Dev: true})
		if err != nil {
			return
		}
		if got.DrupalVersion == "" || len(got.Extensions) == 0 {
			t.Fatalf("nothing of Drupal: %+v", got)
		}
		for _, e := range got.Extensions {
			if e.Name == "" || len(e.Name) > maxName || e.HasVersion != (e.Version != "") || e.HasProject != (e.Project != "") || e.Datestamp < 0 {
				t.Fatalf("out of bounds: %+v", e)
			}
		}
		if _, err := json.Marshal(got); err != nil {
			t.Fatal(err)
		}
	})
}
