package updatestatus

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseVersion(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text  string
		major int64
		extra string
		has   bool
	}{
		{"8.x-1.0", 1, "", false},
		{"8.x-2.3-beta1", 2, "beta1", true},
		{"2.3.0", 2, "", false},
		{"2.3", 2, "", false},
		{"10.0.0-rc2", 10, "rc2", true},
		{"8.x-dev", 8, "dev", true},
		{"11.x-dev", 11, "dev", true},
		{"7.x-dev", 7, "dev", true},
		{"8.x-1.x-dev", 1, "dev", true},
		{"2.0.x-dev", 2, "dev", true},
		{"2.x-dev", 2, "dev", true},
		{"100.x-dev", 100, "dev", true},
		{"1.0-", 1, "", true},
		{"2.0.0-rc1-fix2", 2, "rc1", true},
		{"8.x-1.0-beta1+5-dev", 1, "beta1+5", true},
		{"2.0.0-0", 2, "0", true},
		{"8.x-8.x-1.0", 0, "", false}, // an error, see below
		{"0.1.0", 0, "", false},
		{"99999999999999999999.0", math.MaxInt64, "", false},
	}
	for _, c := range cases {
		v, err := ParseVersion(c.text)
		if c.text == "8.x-8.x-1.0" {
			if err == nil {
				t.Errorf("%q is a version", c.text)
			}
			continue
		}
		if err != nil || v.Major != c.major || v.Extra != c.extra || v.HasExtra != c.has {
			t.Errorf("%q: %+v, %v", c.text, v, err)
		}
	}
}

func TestWhatIsNoVersion(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "8", "main", "HEAD", "Unknown", "v1.0.0", "1.0.0.0", "1.2.3.4", "1.0.0-alpha.1", "dev-1.x", "dev-main",
		"7.x-1.0", "10.x-2.0", "7.x-2.x-dev", "8.x-1.x", "1.x", "1.x-rc1", "1.a.0", "a.1", ".", "..", "1.", ".1",
		"8.x-", "8.x", "1..0", "1.0.x-Dev", "1.0-dev.1",
	} {
		if v, err := ParseVersion(text); err == nil {
			t.Errorf("%q is read as %+v", text, v)
		}
	}
}

func TestGroupOfAVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1.6-bugfix":       "1.6",
		"1.6":              "1.6",
		"8.x-1.0-rc1":      "8.x-1.0",
		"2.0.0-rc1-rc1":    "2.0.0",
		"2.0.0-rc1-fix":    "2.0.0-fix",
		"2.0.0-0":          "2.0.0-0",
		"2.0.0-":           "2.0.0-",
		"2.0.x-dev":        "2.0.x",
		"2.0.0-beta1+5-ab": "2.0.0-ab",
	} {
		v, err := ParseVersion(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.withoutExtra(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestNumericStrings(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0", "12", " 12", "12\n", "+1", "-1", "1.5", ".5", "5.", "1e3", "1E-3", "007"} {
		if !isNumeric(text) {
			t.Errorf("%q is not numeric", text)
		}
	}
	for _, text := range []string{"", " ", ".", "+", "e3", "1e", "1e+", "0x1A", "1_000", "1 2", "½", "inf", "NaN", "1.2.3"} {
		if isNumeric(text) {
			t.Errorf("%q is numeric", text)
		}
	}
}

func TestInstallType(t *testing.T) {
	t.Parallel()
	version := func(s string) *string { return &s }
	for _, c := range []struct {
		version *string
		want    InstallType
	}{
		{nil, InstallUnknown},
		{version(""), InstallOfficial},
		{version("1.0.0"), InstallOfficial},
		{version("2.x-dev"), InstallDev},
		{version("1.0.0-beta1+5-dev"), InstallDev},
		{version("HEAD"), InstallDev},
		{version("developer"), InstallDev},
	} {
		if got := installType(c.version); got != c.want {
			t.Errorf("%v: %q, want %q", c.version, got, c.want)
		}
	}
}

func TestVersionsOfTheUsualFormsAreRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(8\.x-)?[1-9][0-9]{0,3}\.[0-9]{1,3}(-(alpha|beta|rc)[1-9])?`).Draw(t, "legacy")
		if _, err := ParseVersion(text); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		semver := rapid.StringMatching(`[0-9]{1,3}\.[0-9]{1,3}\.([0-9]{1,3}(-(alpha|beta|rc)[1-9])?|x-dev)`).Draw(t, "semver")
		v, err := ParseVersion(semver)
		if err != nil {
			t.Fatalf("%q: %v", semver, err)
		}
		if major, _, _ := strings.Cut(semver, "."); toInteger(major) != v.Major {
			t.Fatalf("%q: major %d", semver, v.Major)
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	for _, seed := range []string{"8.x-1.0", "2.0.x-dev", "1.0-", "11.x-dev", "7.x-1.0", "8.x-8.x-dev", "1e9.0-0", "\xff.\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseVersion(text)
		if err != nil {
			return
		}
		if v.Extra != "" && !v.HasExtra {
			t.Errorf("%q: an extra that is none: %+v", text, v)
		}
		if strings.Contains(v.Extra, "-") {
			t.Errorf("%q: the extra goes on after a dash: %+v", text, v)
		}
		if group := v.withoutExtra(text); len(group) > len(text) {
			t.Errorf("%q: group %q", text, group)
		}
	})
}
