// Package plaintext tidies the one-line texts that people type, such as names.
// Whatever shows them later (a page, a mail, a spreadsheet, a terminal) gets
// no characters that turn, hide or break its own text.
package plaintext

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line trims s, makes each run of white space one space, and refuses what has
// no place in a line of text: control characters, and the marks that turn the
// direction of writing or are not seen at all. Letters of every script stay,
// and so do the joiners that some scripts and emoji need.
func Line(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", errors.New("must be valid UTF-8")
	}
	s = strings.TrimSpace(s)
	for _, r := range s {
		switch {
		case r == '\t':
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return "", errors.New("must not contain line breaks or control characters")
		case unicode.Is(unicode.Bidi_Control, r):
			return "", errors.New("must not contain marks that turn the direction of writing")
		case invisible(r):
			return "", errors.New("must not contain invisible characters")
		}
	}
	s = strings.Join(strings.Fields(s), " ")
	if strings.Trim(s, "\u200c\u200d ") == "" && s != "" {
		return "", errors.New("must contain something to read")
	}
	return s, nil
}

func invisible(r rune) bool {
	switch {
	case r == '\u200c', r == '\u200d': // joiners
		return false
	case 0xE0020 <= r && r <= 0xE007F: // tags, which make the flags of regions
		return false
	}
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
}
