package evaluate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drumbeat/server/updatestatus"
)

// conformanceDir is where a checkout may have the full set of vectors beside
// it, relative to this package. DRUMBEAT_CONFORMANCE names another place.
const conformanceDir = "../../../shared/conformance/update-status"

func TestVectorsOfDrupalAgree(t *testing.T) {
	t.Parallel()
	dir := conformanceDir
	if other := os.Getenv("DRUMBEAT_CONFORMANCE"); other != "" {
		dir = other
	}
	files, err := filepath.Glob(filepath.Join(dir, "vectors*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("NOT RUN: the full set of vectors is not at %s (set DRUMBEAT_CONFORMANCE)", dir)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			runVectorFile(t, file, filepath.Join(dir, "feeds"))
		})
	}
}

func runVectorFile(t *testing.T, file, feeds string) {
	t.Helper()
	reader, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	vectors, err := ReadVectors(reader)
	if err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatalf("no vectors in %s", file)
	}
	result := RunVectors(vectors, feeds, RulesForFile(file))
	if result.Agree != result.Total {
		var text strings.Builder
		if err := result.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		t.Error(text.String())
		return
	}
	t.Logf("RAN: %d of %d vectors agree", result.Agree, result.Total)
}

// ownVectors are small files of vectors and feeds that are part of this
// repository.
const ownVectors = "../updatestatus/testdata"

func TestOwnVectorsAgree(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(ownVectors, "vectors*.jsonl"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			runVectorFile(t, file, filepath.Join(ownVectors, "feeds"))
		})
	}
}

func TestDisagreementsAreNamed(t *testing.T) {
	t.Parallel()
	vectors, err := ReadVectors(strings.NewReader(`
{"id":"a","family":"f","feed":"current/lantern_blocks.xml","fetch":"ok","installed":{"name":"lantern_blocks","project_type":"module","version":"2.1.0","datestamp":0},"core":"11.2.3","expect":{"status":"current","recommended":"2.1.1","surprise":1}}
{"id":"b","family":"f","feed":"current/nowhere.xml","fetch":"ok","installed":{"name":"x","version":"1.0"},"core":"11","expect":{"status":"current"}}
{"id":"c","family":"f","feed":null,"fetch":"perhaps","installed":{"name":"x","version":"1.0"},"core":"11","expect":{"status":"current"}}
{"id":"d","family":"f","feed":null,"fetch":"never","installed":{"name":"x","version":"1.0"},"core":"11","expect":{}}
{"id":"e","family":"f","feed":null,"fetch":"never","installed":{"name":"x","version":"1.0"},"core":"11","expect":{"status":"unknown"}}
`))
	if err != nil {
		t.Fatal(err)
	}
	result := RunVectors(vectors, filepath.Join(ownVectors, "feeds"), RulesForFile("vectors.jsonl"))
	if result.Total != 5 || result.Agree != 1 || len(result.Disagreements) != 4 {
		t.Fatalf("result %+v", result)
	}
	want := []Difference{
		{"status", `"current"`, `"not-secure"`},
		{"surprise", `1`, "(not given)"},
	}
	if diff := cmp.Diff(want, result.Disagreements[0].Differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	for i, want := range []string{"", "open feed", `unknown fetch state "perhaps"`, "nothing is expected"} {
		if got := result.Disagreements[i].Error; !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("error %q, want %q", got, want)
		}
	}
	var text strings.Builder
	if err := result.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "1 of 5 vectors agree (rules: current)") {
		t.Errorf("text:\n%s", text.String())
	}
}

func TestBrokenVectorsAreRefusedWithTheirLine(t *testing.T) {
	t.Parallel()
	_, err := ReadVectors(strings.NewReader("{}\n\n{\n"))
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("error %v", err)
	}
}

func TestRulesGoByTheNameOfTheFile(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]updatestatus.RuleSet{
		"vectors.jsonl": updatestatus.RulesCurrent, "/a-7x/vectors.jsonl": updatestatus.RulesCurrent,
		"/a/vectors-10.2.jsonl": updatestatus.Rules10_2, "vectors-7x.jsonl": updatestatus.Rules7,
	} {
		if got := RulesForFile(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
