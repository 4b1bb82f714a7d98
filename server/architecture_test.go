package server_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// order lists the rooms from the bottom up: a room may import those before it.
// Whatever is new gets its place here and its line in ARCHITECTURE.md.
var order = []string{
	"updatestatus", "feedfolder", "sitekey", "inventory", "composerlock", "evaluate",
	"platform",
	"orgs", "sites", "releases", "ingest", "reports", "notifications",
	"demo",
	"rpc",
	"cmd",
}

// pure rooms hold rules without input and output: no technology, no generated code,
// of libraries only what is named. (Reading the files of a folder is feedfolder's
// whole purpose and needs the standard library alone.)
var pure = map[string][]string{
	"updatestatus": {"golang.org/x/text/"},
	"feedfolder":   nil,
	"sitekey":      nil,
	"inventory":    nil,
	"composerlock": nil,
}

// contracts are the rooms that may speak protobuf: those that read what a site sends,
// and the handlers. The others have types of their own.
var contracts = []string{"evaluate", "ingest", "rpc", "cmd"}

// pipelines are the features that are set-based SQL from end to end: a store between
// their steps and the queries would only repeat each query's name. The others call
// their queries in store files alone.
var pipelines = []string{"releases", "ingest"}

// TestRoomsImportOnlyWhatTheyMay keeps the way of the data one-directional.
func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	files := sources(t)
	if len(files) < 10 {
		t.Fatalf("only %d source files were found", len(files))
	}
	for _, f := range files {
		for _, imported := range f.imports {
			if reason := forbidden(f.path, imported); reason != "" {
				t.Errorf("server/%s imports %s: %s", f.path, imported, reason)
			}
		}
	}
}

func TestTheRulesForbidWhatTheyShould(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, imported string
		allowed        bool
	}{
		"a feature may use one below it":            {"releases/service.go", "drumbeat/server/sites", true},
		"a feature may not use one above it":        {"sites/service.go", "drumbeat/server/releases", false},
		"platform knows no feature":                 {"platform/postgres/open.go", "drumbeat/server/orgs", false},
		"platform knows no query":                   {"platform/postgres/store.go", "drumbeat/gen/db", false},
		"a store may call its queries":              {"sites/store_list.go", "drumbeat/gen/db", true},
		"a use case may not":                        {"sites/service.go", "drumbeat/gen/db", false},
		"a pipeline is made of its queries":         {"ingest/apply.go", "drumbeat/gen/db", true},
		"a file that only begins alike may not":     {"sites/storefront.go", "drumbeat/gen/db", false},
		"a handler may not":                         {"rpc/store.go", "drumbeat/gen/db", false},
		"the verdict may normalise text":            {"updatestatus/parse.go", "golang.org/x/text/unicode/norm", true},
		"the verdict knows no database":             {"updatestatus/parse.go", "github.com/jackc/pgx/v5", false},
		"the verdict knows no platform":             {"updatestatus/parse.go", "drumbeat/server/platform/fault", false},
		"a room may use its own inside":             {"updatestatus/parse.go", "drumbeat/server/updatestatus/internal/xmlscan", true},
		"only the binary wires the handlers":        {"demo/demo.go", "drumbeat/server/rpc", false},
		"the binary may":                            {"cmd/drumbeat/serve.go", "drumbeat/server/rpc", true},
		"protobuf stays out of features":            {"sites/service.go", "drumbeat/gen/go/drumbeat/sites/v1", false},
		"handlers translate protobuf":               {"rpc/sites.go", "drumbeat/gen/go/drumbeat/sites/v1", true},
		"the test kit stays out of the product":     {"cmd/drumbeat/serve.go", "drumbeat/server/platform/testkit", false},
		"a room that nobody placed may use nothing": {"somewhere/x.go", "drumbeat/server/sites", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if reason := forbidden(tc.file, tc.imported); (reason == "") != tc.allowed {
				t.Errorf("server/%s imports %s: %q", tc.file, tc.imported, reason)
			}
		})
	}
}

// forbidden says why the file (its path below server/) may not import the package, or
// "" if it may.
func forbidden(file, imported string) string {
	room, rest, _ := strings.Cut(file, "/")
	place := slices.Index(order, room)
	if place < 0 {
		return "the room " + room + " has no place in the order"
	}
	if imported == "drumbeat/server/"+room || strings.HasPrefix(imported, "drumbeat/server/"+room+"/") {
		if imported == "drumbeat/server/platform/testkit" && !strings.HasPrefix(rest, "testkit/") {
			return "only tests may use the test kit"
		}
		return ""
	}

	libraries, isPure := pure[room]
	switch {
	case imported == "drumbeat/server/platform/testkit":
		if file != "cmd/testservices/main.go" && !strings.HasPrefix(file, "cmd/bench/") {
			return "only tests and benchmarks may use the test kit"
		}
	case imported == "drumbeat/gen/db":
		name := path.Base(file)
		if isPure || room == "platform" || room == "rpc" || room == "cmd" {
			return "only features have queries"
		}
		if !slices.Contains(pipelines, room) && name != "store.go" && !strings.HasPrefix(name, "store_") {
			return "only a feature's store.go or store_*.go may call its queries"
		}
	case strings.HasPrefix(imported, "drumbeat/gen/"):
		if !slices.Contains(contracts, room) {
			return "protobuf types stop at the handlers"
		}
	case strings.HasPrefix(imported, "drumbeat/server/"):
		other, _, _ := strings.Cut(strings.TrimPrefix(imported, "drumbeat/server/"), "/")
		otherPlace := slices.Index(order, other)
		if other == "rpc" && room != "cmd" {
			return "only the binary wires the handlers"
		}
		if otherPlace < 0 || otherPlace >= place {
			return other + " does not come before " + room
		}
		if room == "platform" {
			return "technology knows no feature"
		}
	case isPure && strings.Contains(strings.Split(imported, "/")[0], "."):
		if !slices.ContainsFunc(libraries, func(l string) bool { return strings.HasPrefix(imported, l) }) {
			return room + " is pure and has no use for it"
		}
	case isPure && strings.HasPrefix(imported, "drumbeat/"):
		return room + " is pure and has no use for it"
	}
	return ""
}

type source struct {
	path    string
	imports []string
}

// sources reads the imports of all files below server/ that are no tests.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(p)}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
