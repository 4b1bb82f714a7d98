package evaluate

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drumbeat/server/feedfolder"
)

var now = time.Date(2025, 8, 20, 0, 0, 0, 0, time.UTC)

func ownFeeds(t *testing.T) *feedfolder.Folder {
	t.Helper()
	feeds, err := feedfolder.New(ownVectors + "/feeds")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := feeds.Close(); err != nil {
			t.Error(err)
		}
	})
	return feeds
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestInventoryIsSortedIntoLists(t *testing.T) {
	t.Parallel()
	inventory, err := ReadInventory(strings.NewReader(readFile(t, "testdata/site.json")))
	if err != nil {
		t.Fatal(err)
	}
	assessment, err := Assess(inventory, ownFeeds(t), now)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := assessment.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(readFile(t, "testdata/site.txt"), text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	finding := assessment.Security[0]
	if finding.Link != "https://www.drupal.org/project/lantern_blocks" || !finding.UpdateAvailable {
		t.Errorf("finding %+v", finding)
	}
}

func TestReportIsGroupedIntoProjects(t *testing.T) {
	t.Parallel()
	report := readFile(t, "testdata/report.json")
	want := Inventory{Core: "11.2.3", Projects: []Project{
		{Name: "drupal", Type: "core", Version: pointer("11.2.3")},
		{Name: "lantern_blocks", Type: "module", Version: pointer("8.x-1.8")},
	}}
	for name, document := range map[string]string{
		"as written":                       report,
		"with the numbers of the encoder":  strings.ReplaceAll(report, "1730000000", `"1730000000"`),
		"with the names of the definition": strings.ReplaceAll(report, "drupalVersion", "drupal_version"),
	} {
		got, err := ReadInventory(strings.NewReader(document))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsNoInventory(t *testing.T) {
	t.Parallel()
	report := readFile(t, "testdata/report.json")
	for document, want := range map[string]string{
		"":                      "decode inventory",
		"[]":                    "decode inventory",
		`{"core": "11.0.0"}`:    "lists no projects",
		`{"projects": "token"}`: "decode inventory",
		strings.Replace(report, `"manual"`, `"whim"`, 1):              "trigger",
		strings.Replace(report, `"extensions"`, `"things"`, 1):        "lists no projects",
		strings.Replace(report, `"enabled": true`, `"enabled": 7`, 1): "decode report",
	} {
		if _, err := ReadInventory(strings.NewReader(document)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: error %v, want %q", document, err, want)
		}
	}
}

type brokenSource struct{ err error }

func (b brokenSource) Open(string, string) (io.ReadCloser, error) { return nil, b.err }

func TestErrorsOfTheSourceAreNotTakenForMissingFeeds(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	_, err := Assess(Inventory{Core: "11.0.0", Projects: []Project{{Name: "token"}}}, brokenSource{broken}, now)
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func pointer[T any](v T) *T { return &v }
