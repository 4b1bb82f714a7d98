package updatestatus

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestConstraints(t *testing.T) {
	t.Parallel()
	cases := []struct {
		constraint string
		yes, no    string // versions, separated by spaces
	}{
		{"^10.3 || ^11", "10.3.0 10.9.9 11.0.0 11.4.5 11.0.0-beta1 10.3.0-rc1", "10.2.9 12.0.0 12.0.0-alpha1 9.5.0"},
		{"^10.4.1||^11.0.1", "10.4.1 11.0.1", "10.4.0 11.0.0"},
		{"^8", "8.0.0 8.9.20", "9.0.0 7.105"},
		{"^0.3", "0.3.1", "0.4.0 0.2.9"},
		{"^0.0.3", "0.0.3", "0.0.4"},
		{"~10.3", "10.3.0 10.9.0", "11.0.0 10.2.0"},
		{"~10.2.0", "10.2.0 10.2.10", "10.3.0 10.1.9"},
		{"~10", "10.0.0 10.9.0", "11.0.0"},
		{"~9.5 | ~10.4", "9.5.0 10.4.0", "10.3.0 11.0.0"},
		{">=10.1,<10.4", "10.1.0 10.3.99 10.1.0-alpha1", "10.4.0 10.4.0-beta1 10.0.9"},
		{">=10.1 <10.4 || >=11.1", "10.2.0 11.1.0 12.0.0", "10.4.0 11.0.0"},
		{">= 9 < 12", "9.0.0 11.9.9", "12.0.0 8.9.20"},
		{">=9 , <12", "9.0.0", "12.0.0"},
		{">10.1.5", "10.1.6", "10.1.5 10.1.5-rc1"},
		{"<=10.2.5", "10.2.5 10.2.5-rc1 9.0.0", "10.2.6"},
		{">=11.0.0-beta1", "11.0.0-beta1 11.0.0-beta2 11.0.0-rc1 11.0.0", "11.0.0-alpha1 10.9.0"},
		{"10.2 - 11.1", "10.2.0 11.1.9 11.0.0", "11.2.0 10.1.9"},
		{"10.2.1 - 10.3.4", "10.2.1 10.3.4", "10.3.5 10.2.0"},
		{"10.2 - 11", "11.9.9", "12.0.0"},
		{"10.x", "10.0.0 10.9.1", "11.0.0 9.9.9"},
		{"10.3.*", "10.3.0 10.3.9", "10.4.0"},
		{"8.x", "8.0.0 8.9.9", "9.0.0"},
		{"10.1.* || 10.3.* || 11.0.*", "10.1.1 10.3.3 11.0.0", "10.2.0 11.1.0"},
		{"*", "1.0.0 11.0.0-alpha1 dev-main", ""},
		{"x.x", "1.0.0", ""},
		{"!=10.2.1", "10.2.0 10.2.2", "10.2.1"},
		{"<>10.2.1", "10.2.0", "10.2.1"},
		{"=10.2.2", "10.2.2", "10.2.3 10.2.2-rc1"},
		{"==10.2.2", "10.2.2", "10.2.3"},
		{"v10.1.8", "10.1.8", "10.1.7"},
		{"^10@beta", "10.0.0 10.5.0", "11.0.0"},
		{">=10@beta", "10.0.0-beta1 10.0.0", "10.0.0-alpha1"},
		{"@dev", "1.0.0", ""},
		{"^10.1 ^10.2", "10.2.0", "10.1.9"},
		{"  ^10.2  ||  ^11.2 ", "10.2.0 11.2.0", "11.1.0"},
		{"dev-main", "dev-main", "dev-other 10.0.0"},
		{"10.3.x-dev", "10.3.x-dev", "10.3.0"},
		{"10.0.0-alpha1", "10.0.0-alpha1 10.0.0-a1", "10.0.0-alpha2 10.0.0"},
	}
	for _, c := range cases {
		parsed, err := parseConstraint(c.constraint)
		if err != nil {
			t.Errorf("%q: %v", c.constraint, err)
			continue
		}
		check := func(text string, want bool) {
			v, err := parseComposerVersion(text)
			if err != nil {
				t.Errorf("%q: %v", text, err)
			} else if parsed.satisfiedBy(&v) != want {
				t.Errorf("%s satisfies %q: want %v", text, c.constraint, want)
			}
		}
		for _, text := range strings.Fields(c.yes) {
			check(text, true)
		}
		for _, text := range strings.Fields(c.no) {
			check(text, false)
		}
	}
}

func TestWhatIsNoConstraint(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "  ", "not-a-constraint", "^", "~", ">=", "^10 ||", "|| ^10", "~>10", "=<10", "^8.x", "10.2 -", "^dev-main",
		"1.2.3.4.5", "^10, , ^11", strings.Repeat("^1 ", 2000),
	} {
		if parsed, err := parseConstraint(text); err == nil {
			t.Errorf("%q is read as %+v", text, parsed)
		}
	}
}

func TestComposerVersionsAreNormalised(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.3.6":                "10.3.6.0",
		"v8.1":                  "8.1.0.0",
		"11":                    "11.0.0.0",
		"11.0.0-beta1":          "11.0.0.0-beta1",
		"11.0.0-RC2":            "11.0.0.0-RC2",
		"11.0.0rc2":             "11.0.0.0-RC2",
		"1.0.0-stable":          "1.0.0.0",
		"1.0.0-p1":              "1.0.0.0-patch1",
		"10.3-dev":              "10.3.0.0-dev",
		"10.3.x-dev":            "10.3.9999999.9999999-dev",
		"11.x-dev":              "11.9999999.9999999.9999999-dev",
		"1.0.0-alpha1-dev":      "1.0.0.0-alpha1-dev",
		"1.0.0+build.5":         "1.0.0.0",
		"dev-main":              "dev-main",
		"11.0.0-alpha1+508-dev": "11.0.0.0-alpha1",
	} {
		v, err := parseComposerVersion(text)
		if err != nil || v.String() != want {
			t.Errorf("%q: %q, %v, want %q", text, v, err, want)
		}
	}
	for _, text := range []string{"", "llama", "8.x-1.0", "1.0.0-llama", "1.0.0-", "1..0", "dev", "123456789.0"} {
		if v, err := parseComposerVersion(text); err == nil {
			t.Errorf("%q is read as %q", text, v)
		}
	}
}

func TestComposerVersionsAreOrdered(t *testing.T) {
	t.Parallel()
	ascending := []string{
		"10.0.0-dev", "10.0.0-alpha1-dev", "10.0.0-alpha1", "10.0.0-alpha2", "10.0.0-alpha10", "10.0.0-beta1",
		"10.0.0-rc1", "10.0.0", "10.0.0-p1", "10.0.1", "10.1.0", "10.10.0", "11.0.0",
	}
	for i := range ascending {
		for j := range ascending {
			a, errA := parseComposerVersion(ascending[i])
			b, errB := parseComposerVersion(ascending[j])
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			if got := a.compare(&b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%s and %s compare as %d", ascending[i], ascending[j], got)
			}
		}
	}
}

func TestCaretIsBoundedByTheNextMajor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string, low int64) int64 { return rapid.Int64Range(low, 99).Draw(t, name) }
		low := composerVersion{numbers: [4]int64{number("major", 1), number("minor", 0), number("patch", 0)}}
		parsed, err := parseConstraint("^" + strings.TrimSuffix(low.String(), ".0"))
		if err != nil {
			t.Fatal(err)
		}
		v := composerVersion{numbers: [4]int64{number("a", 0), number("b", 0), number("c", 0)}}
		want := v.numbers[0] == low.numbers[0] && v.compare(&low) >= 0
		if parsed.satisfiedBy(&v) != want {
			t.Fatalf("%s satisfies ^%s: want %v", v, low, want)
		}
	})
}

func FuzzParseConstraint(f *testing.F) {
	for _, seed := range []string{"^10.3 || ^11", ">=10.1,<10.4", "10.2 - 11.1", "8.x", "~9.5 | ~10.4", "^10@beta", "!= v1", "dev-main"} {
		f.Add(seed)
	}
	v, err := parseComposerVersion("10.3.6")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		if parsed, err := parseConstraint(text); err == nil {
			parsed.satisfiedBy(&v)
		}
	})
}
