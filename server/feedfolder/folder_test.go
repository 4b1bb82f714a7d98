package feedfolder

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder makes a folder with the given files, each holding its own name.
func folder(t *testing.T, files ...string) *Folder {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "feeds")
	for _, name := range append([]string{"../outside.xml"}, files...) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	opened, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened
}

func TestPlacesOfAFeed(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name            string
		files           []string
		project, series string
		want            string // empty: there is none
	}{
		{"as the address at drupal.org", []string{"token/current", "token.xml"}, "token", "current", "token/current"},
		{"a folder for the series", []string{"current/token.xml", "7.x/token.xml"}, "token", "7.x", "7.x/token.xml"},
		{"the series in the name", []string{"token-7.x.xml", "token.xml"}, "token", "7.x", "token-7.x.xml"},
		{"the project alone", []string{"token.xml"}, "token", "current", "token.xml"},
		{"without an ending", []string{"token"}, "token", "current", "token"},
		{"the newest of several folders", []string{"current-2020-03/token.xml", "current-2026-10/token.xml"}, "token", "current", "current-2026-10/token.xml"},
		{"an older folder when the newest has none", []string{"current-2020-03/token.xml", "current-2026-10/pathauto.xml"}, "token", "current", "current-2020-03/token.xml"},
		{"a folder of another series is not looked at", []string{"7.x-2014-08/token.xml"}, "token", "current", ""},
		{"only one level of folders is looked at", []string{"current-1/deep/token.xml"}, "token", "current", ""},
		{"a name in other letters", []string{"token.xml"}, "Token", "current", "token.xml"},
		{"a folder is no feed", []string{"token/other"}, "token", "current", ""},
		{"an unknown project", []string{"token.xml"}, "pathauto", "current", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file, err := folder(t, c.files...).Open(c.project, c.series)
			if c.want == "" {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(file)
			if err := errors.Join(err, file.Close()); err != nil {
				t.Fatal(err)
			}
			if string(content) != c.want {
				t.Errorf("%s is opened", content)
			}
		})
	}
}

func TestHostileNamesAreMissing(t *testing.T) {
	t.Parallel()
	f := folder(t, "token.xml", "token/current", "current/x.xml")
	for _, project := range []string{
		"", ".", "..", "../outside", "../outside.xml", "/etc/passwd", "token/current", `..\outside`, "token\x00", "tok en",
		"current/x", "token.xml", "tökén", "-rf", strings.Repeat("a", 129),
	} {
		if _, err := f.Open(project, "current"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("project %q: error %v", project, err)
		}
	}
	for _, series := range []string{"", ".", "..", "../feeds", "/", "cur/rent", "current\x00"} {
		if _, err := f.Open("outside", series); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("series %q: error %v", series, err)
		}
	}
}

func TestLinksDoNotLeadOutOfTheFolder(t *testing.T) {
	t.Parallel()
	f := folder(t, "token.xml")
	if err := os.Symlink("../outside.xml", filepath.Join(f.Path(), "evil.xml")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := os.Symlink("token.xml", filepath.Join(f.Path(), "good.xml")); err != nil {
		t.Fatal(err)
	}
	if file, err := f.Open("evil", "current"); err == nil {
		t.Errorf("a link out of the folder is followed: %v", file.Close())
	}
	file, err := f.Open("good", "current")
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFolderThatIsNone(t *testing.T) {
	t.Parallel()
	if _, err := New(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
