package plaintext_test

import (
	"testing"

	"drumbeat/server/platform/plaintext"
)

func TestALineIsTidied(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"white space at the ends goes": {"  Shop \t", "Shop"},
		"runs of white space shrink":   {"Our  \t shop", "Our shop"},
		"other scripts stay":           {"Ελληνικά עברית 中文", "Ελληνικά עברית 中文"},
		"joined emoji stay":            {"👩\u200d👧", "👩\u200d👧"},
		"markup is text":               {`"><script>`, `"><script>`},
		"nothing stays nothing":        {"   ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := plaintext.Line(c.in)
			if err != nil || got != c.want {
				t.Fatalf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestALineIsRefused(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"with a line break":             "a\nb",
		"with NUL":                      "a\x00b",
		"with a C1 control":             "a\u0085b",
		"with a line separator":         "a\u2028b",
		"with a right-to-left override": "a\u202eb",
		"with an isolate":               "a\u2066b",
		"with a zero-width space":       "a\u200bb",
		"with a byte order mark":        "\ufeffa\ufeffb",
		"with only joiners":             "\u200d\u200d",
		"with broken UTF-8":             "a\xff",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := plaintext.Line(in); err == nil {
				t.Fatalf("got %q", got)
			}
		})
	}
}
