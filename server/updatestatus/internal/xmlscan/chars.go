package xmlscan

import (
	"fmt"
	"unicode/utf8"
)

// checkChars refuses what may not occur anywhere in an XML document: invalid
// UTF-8, control characters, the noncharacters U+FFFE and U+FFFF.
func checkChars(data []byte) error {
	for i := 0; i < len(data); {
		b := data[i]
		if b < utf8.RuneSelf {
			if b < 0x20 && b != '\t' && b != '\n' && b != '\r' {
				return fmt.Errorf("control character %#x at byte %d", b, i)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size <= 1 {
			return fmt.Errorf("invalid UTF-8 at byte %d", i)
		}
		if !validChar(r) {
			return fmt.Errorf("character %U at byte %d is not allowed", r, i)
		}
		i += size
	}
	return nil
}

// validChar is the production Char of XML 1.0.
func validChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF ||
		r >= 0xE000 && r <= 0xFFFD ||
		r >= 0x10000 && r <= 0x10FFFF
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// nameLength gives the length of the name at the beginning of data, 0 when
// there is none. A colon counts as a name character.
func nameLength(data []byte) int {
	i := 0
	for i < len(data) {
		b := data[i]
		if b < utf8.RuneSelf {
			if !asciiNameChar(b, i == 0) {
				break
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		if !nameChar(r, i == 0) {
			break
		}
		i += size
	}
	return i
}

func asciiNameChar(b byte, first bool) bool {
	switch {
	case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '_', b == ':':
		return true
	case b >= '0' && b <= '9', b == '-', b == '.':
		return !first
	}
	return false
}

// nameChar is the production NameChar (NameStartChar when first) of XML 1.0,
// fifth edition, beyond ASCII.
func nameChar(r rune, first bool) bool {
	switch {
	case r >= 0xC0 && r <= 0x2FF:
		return r != 0xD7 && r != 0xF7
	case r >= 0x370 && r <= 0x1FFF:
		return r != 0x37E
	case r == 0x200C, r == 0x200D,
		r >= 0x2070 && r <= 0x218F,
		r >= 0x2C00 && r <= 0x2FEF,
		r >= 0x3001 && r <= 0xD7FF,
		r >= 0xF900 && r <= 0xFDCF,
		r >= 0xFDF0 && r <= 0xFFFD,
		r >= 0x10000 && r <= 0xEFFFF:
		return true
	case r == 0xB7, r >= 0x300 && r <= 0x36F, r == 0x203F, r == 0x2040:
		return !first
	}
	return false
}
