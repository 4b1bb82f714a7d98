package xmlscan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	bomUTF8    = []byte{0xEF, 0xBB, 0xBF}
	bomUTF16BE = []byte{0xFE, 0xFF}
	bomUTF16LE = []byte{0xFF, 0xFE}
)

// ToUTF8 gives the document in UTF-8 without a byte-order mark. The encoding
// is taken from the byte-order mark, else from the XML declaration, else it is
// UTF-8. The result may share memory with data. UTF-8, UTF-16, US-ASCII,
// ISO-8859-1 and Windows-1252 are known; anything else is an error.
func ToUTF8(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, bomUTF8):
		return data[len(bomUTF8):], nil
	case bytes.HasPrefix(data, bomUTF16BE):
		return fromUTF16(data[2:], binary.BigEndian)
	case bytes.HasPrefix(data, bomUTF16LE):
		return fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0, '<', 0, '?'}):
		return fromUTF16(data, binary.BigEndian)
	case bytes.HasPrefix(data, []byte{'<', 0, '?', 0}):
		return fromUTF16(data, binary.LittleEndian)
	}
	switch name := declaredEncoding(data); strings.ToLower(name) {
	case "", "utf-8", "utf8":
		return data, nil
	case "us-ascii", "ascii":
		for _, b := range data {
			if b >= 0x80 {
				return nil, errors.New("byte outside of declared encoding US-ASCII")
			}
		}
		return data, nil
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1":
		return fromSingleByte(data, nil)
	case "windows-1252", "cp1252", "cp-1252":
		return fromSingleByte(data, &windows1252)
	case "utf-16", "utf-16le", "utf-16be", "utf16":
		return nil, fmt.Errorf("document labelled %s is not in that encoding", name)
	default:
		return nil, fmt.Errorf("unsupported encoding %q", clip(name))
	}
}

// declaredEncoding reads the encoding pseudo-attribute of an XML declaration,
// "" when there is none. Well-formedness of the declaration is the scanner's.
func declaredEncoding(data []byte) string {
	if !bytes.HasPrefix(data, []byte("<?xml")) {
		return ""
	}
	end := bytes.Index(data[:min(len(data), 1024)], []byte("?>"))
	if end < 0 {
		return ""
	}
	attrs := string(data[len("<?xml"):end])
	at := strings.Index(attrs, "encoding")
	if at < 0 {
		return ""
	}
	rest := strings.TrimLeft(attrs[at+len("encoding"):], " \t\r\n")
	rest, found := strings.CutPrefix(rest, "=")
	if !found {
		return ""
	}
	rest = strings.TrimLeft(rest, " \t\r\n")
	if rest == "" || (rest[0] != '"' && rest[0] != '\'') {
		return ""
	}
	name, _, _ := strings.Cut(rest[1:], rest[:1])
	return name
}

func fromUTF16(data []byte, order binary.ByteOrder) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, errors.New("UTF-16 document with an odd number of bytes")
	}
	out := make([]byte, 0, len(data)*3/4)
	for i := 0; i < len(data); i += 2 {
		r := rune(order.Uint16(data[i:]))
		if utf16.IsSurrogate(r) {
			if i+4 > len(data) {
				return nil, errors.New("UTF-16 document ends within a surrogate pair")
			}
			r = utf16.DecodeRune(r, rune(order.Uint16(data[i+2:])))
			if r == utf8.RuneError {
				return nil, errors.New("invalid UTF-16 surrogate pair")
			}
			i += 2
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

// fromSingleByte decodes Latin-1, with the bytes 0x80 to 0x9F taken from table
// when one is given. A 0 in the table is an undefined byte.
func fromSingleByte(data []byte, table *[32]rune) ([]byte, error) {
	out := make([]byte, 0, len(data)+len(data)/16)
	for _, b := range data {
		r := rune(b)
		if table != nil && b >= 0x80 && b < 0xA0 {
			r = table[b-0x80]
			if r == 0 {
				return nil, fmt.Errorf("byte %#x is undefined in the declared encoding", b)
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

// windows1252 holds what differs from Latin-1: 0x80 to 0x9F.
var windows1252 = [32]rune{
	0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
	0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
	0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
	0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
}

// clip keeps hostile text short in error messages.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
