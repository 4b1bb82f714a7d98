package releases

import "testing"

func TestASourceIsNamedAsPeopleKnowIt(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tests := map[string]struct{ location, want string }{
		"the default is drupal.org":            {DefaultSource, "drupal.org"},
		"a mirror goes by its host":            {"https://mirror.example.org:8443/release-history", "mirror.example.org"},
		"a folder's path is nobody's business": {folder, "this server's own folder"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := OpenSource(tc.location, HTTPOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got := sourceName(source); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
