package evaluate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
