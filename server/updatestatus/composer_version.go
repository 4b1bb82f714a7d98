package updatestatus

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
)

var errComposerVersion = errors.New("not a version Composer understands")

// composerVersion is a version as Composer normalises it: four numbers and a
// stability, or the name of a branch without numbers.
type composerVersion struct {
	branch    string // of "dev-main"; then nothing else is set
	numbers   [4]int64
	stability stability
	suffix    [2]int64 // the numbers after the stability: 3 of "beta3"
	suffixes  int
	dev       bool // "-dev" after everything else
}

// stability orders what may follow the numbers, as PHP does.
type stability int8

const (
	alpha stability = iota - 3
	beta
	candidate
	stable
	patched
)

// wildcard stands for the x of a branch such as 11.x-dev.
const wildcard = 9999999

// parseComposerVersion normalises a version such as "10.3.6", "v8.1",
// "11.0.0-beta1", "10.3.x-dev" or "dev-main". Years as major are not treated
// apart: they too are numbers.
func parseComposerVersion(text string) (composerVersion, error) {
	text = strings.TrimSpace(text)
	if at := strings.IndexByte(text, '@'); at > 0 && isStabilityFlag(text[at+1:]) {
		text = text[:at]
	}
	lower := strings.ToLower(text)
	if lower == "master" || lower == "trunk" || lower == "default" {
		return composerVersion{branch: lower}, nil
	}
	if strings.HasPrefix(lower, "dev-") && len(text) > len("dev-") {
		return composerVersion{branch: text[len("dev-"):]}, nil
	}
	// Build metadata is dropped.
	if plus := strings.IndexByte(lower, '+'); plus > 0 && plus < len(lower)-1 && !strings.ContainsAny(lower, ", \t") {
		lower = lower[:plus]
	}
	v, parts, rest, ok := leadingNumbers(lower)
	if ok {
		if err := v.parseSuffix(rest); err == nil {
			return v, nil
		}
	}
	return parseComposerBranch(lower, v, parts, rest, ok)
}

// parseComposerBranch reads versions such as "11.x-dev", "10.3.x-dev" and
// "feature-dev".
func parseComposerBranch(lower string, v composerVersion, parts int, rest string, numbered bool) (composerVersion, error) {
	name, found := strings.CutSuffix(lower, "dev")
	if !found || lower == "dev" {
		return composerVersion{}, errComposerVersion
	}
	name = strings.TrimRight(name, ".-")
	if numbered && strings.HasPrefix(rest, ".") {
		wild := strings.TrimRight(strings.TrimSuffix(rest, "dev"), ".-")
		wild = strings.NewReplacer(".x", "", ".*", "").Replace(wild)
		if wild == "" {
			for i := parts; i < len(v.numbers); i++ {
				v.numbers[i] = wildcard
			}
			v.dev = true
			return v, nil
		}
	}
	return composerVersion{branch: name}, nil
}

// leadingNumbers reads up to four numbers with an optional v before them.
func leadingNumbers(text string) (v composerVersion, parts int, rest string, ok bool) {
	rest = strings.TrimPrefix(text, "v")
	for parts < len(v.numbers) {
		piece := rest
		if parts > 0 {
			if !strings.HasPrefix(piece, ".") {
				break
			}
			piece = piece[1:]
		}
		n := digits(piece)
		if n == 0 {
			break
		}
		if parts == 0 && n > 8 {
			return v, 0, text, false
		}
		v.numbers[parts] = toInteger(piece[:n])
		rest = piece[n:]
		parts++
	}
	return v, parts, rest, parts > 0
}

// parseSuffix reads stability and numbers from what follows the numbers.
func (v *composerVersion) parseSuffix(rest string) error {
	own := *v
	if trimmed := strings.TrimLeft(rest, "._-"); len(rest)-len(trimmed) <= 1 {
		for _, known := range stabilityNames {
			tail, found := strings.CutPrefix(trimmed, known.name)
			if !found {
				continue
			}
			if tail, ok := own.parseSuffixNumbers(tail); ok && own.parseDev(tail) {
				own.stability = known.stability
				if known.stability == stable {
					own.suffixes = 0
				}
				*v = own
				return nil
			}
			own = *v
		}
	}
	if !own.parseDev(rest) {
		return errComposerVersion
	}
	*v = own
	return nil
}

// stabilityNames are the words for a stability, longer ones before those they
// begin with.
var stabilityNames = []struct {
	name      string
	stability stability
}{
	{"stable", stable}, {"beta", beta}, {"b", beta}, {"rc", candidate},
	{"alpha", alpha}, {"a", alpha}, {"patch", patched}, {"pl", patched}, {"p", patched},
}

func (v *composerVersion) parseSuffixNumbers(tail string) (rest string, ok bool) {
	for {
		piece := tail
		if strings.HasPrefix(piece, ".") || strings.HasPrefix(piece, "-") {
			piece = piece[1:]
		}
		n := digits(piece)
		if n == 0 {
			return tail, true
		}
		if v.suffixes == len(v.suffix) {
			return tail, false
		}
		v.suffix[v.suffixes] = toInteger(piece[:n])
		v.suffixes++
		tail = piece[n:]
	}
}

func (v *composerVersion) parseDev(tail string) bool {
	if tail == "" {
		return true
	}
	if tail[0] == '.' || tail[0] == '-' {
		tail = tail[1:]
	}
	v.dev = tail == "dev"
	return v.dev
}

// isStable tells whether Composer regards the version as stable.
func (v composerVersion) isStable() bool {
	return v.branch == "" && !v.dev && v.stability >= stable
}

// compare orders two versions that are no named branches.
func (v *composerVersion) compare(w *composerVersion) int {
	for i := range v.numbers {
		if c := cmp.Compare(v.numbers[i], w.numbers[i]); c != 0 {
			return c
		}
	}
	// 1.0-dev comes before 1.0-alpha1, but 1.0-alpha1-dev between the two.
	rank := func(v *composerVersion) stability {
		if v.dev && v.stability == stable {
			return alpha - 1
		}
		return v.stability
	}
	if c := cmp.Compare(rank(v), rank(w)); c != 0 {
		return c
	}
	for i := range min(v.suffixes, w.suffixes) {
		if c := cmp.Compare(v.suffix[i], w.suffix[i]); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(v.suffixes, w.suffixes); c != 0 {
		return c
	}
	switch {
	case v.dev == w.dev:
		return 0
	case v.dev:
		return -1
	}
	return 1
}

func isStabilityFlag(flag string) bool {
	switch strings.ToLower(flag) {
	case "stable", "rc", "beta", "alpha", "dev":
		return true
	}
	return false
}

// String gives the normalised form, for messages and tests.
func (v composerVersion) String() string {
	if v.branch != "" {
		return "dev-" + v.branch
	}
	var b strings.Builder
	for i, n := range v.numbers {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatInt(n, 10))
	}
	switch v.stability {
	case alpha:
		b.WriteString("-alpha")
	case beta:
		b.WriteString("-beta")
	case candidate:
		b.WriteString("-RC")
	case patched:
		b.WriteString("-patch")
	case stable:
	}
	for i := range v.suffixes {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatInt(v.suffix[i], 10))
	}
	if v.dev {
		b.WriteString("-dev")
	}
	return b.String()
}
