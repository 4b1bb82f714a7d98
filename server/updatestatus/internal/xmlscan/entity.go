package xmlscan

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// entityDepth bounds entities that refer to entities. It also ends loops.
const entityDepth = 20

type entity struct {
	text     []byte // replacement text: character references already resolved
	external bool
}

// doctype reads a document type declaration for its internal entities.
func (s *Scanner) doctype() error {
	s.pos += len("<!DOCTYPE")
	if !s.space() {
		return errors.New("no space after DOCTYPE")
	}
	length := nameLength(s.data[s.pos:])
	if length == 0 {
		return errors.New("no name")
	}
	s.pos += length
	s.space()
	if err := s.externalID(); err != nil {
		return err
	}
	s.space()
	if s.at("[") {
		s.pos++
		if err := s.internalSubset(); err != nil {
			return err
		}
		s.space()
	}
	if !s.at(">") {
		return fmt.Errorf("not closed at byte %d", s.pos)
	}
	s.pos++
	return nil
}

// externalID passes over SYSTEM "…" or PUBLIC "…" "…", if there is one. What
// it names is never opened.
func (s *Scanner) externalID() error {
	literals := 0
	switch {
	case s.at("SYSTEM"):
		literals = 1
	case s.at("PUBLIC"):
		literals = 2
	default:
		return nil
	}
	s.pos += len("SYSTEM")
	for range literals {
		if !s.space() {
			return fmt.Errorf("no space in the external identifier at byte %d", s.pos)
		}
		if _, err := s.quoted(); err != nil {
			return err
		}
	}
	return nil
}

// internalSubset reads declarations up to the closing bracket.
func (s *Scanner) internalSubset() error {
	for {
		s.space()
		var err error
		switch {
		case s.at("]"):
			s.pos++
			return nil
		case s.at("<!ENTITY"):
			err = s.entityDeclaration()
		case s.at("<!--"):
			err = s.comment()
		case s.at("<?"):
			err = s.instruction()
		case s.at("<!ELEMENT"), s.at("<!ATTLIST"), s.at("<!NOTATION"):
			err = s.skipDeclaration()
		case s.at("%"):
			err = errors.New("parameter entities are not supported")
		default:
			err = fmt.Errorf("unexpected text at byte %d", s.pos)
		}
		if err != nil {
			return err
		}
	}
}

func (s *Scanner) skipDeclaration() error {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case '>':
			s.pos++
			return nil
		case '"', '\'':
			if _, err := s.quoted(); err != nil {
				return err
			}
		default:
			s.pos++
		}
	}
	return errors.New("unterminated declaration")
}

func (s *Scanner) entityDeclaration() error {
	s.pos += len("<!ENTITY")
	if !s.space() {
		return errors.New("no space after ENTITY")
	}
	if s.at("%") {
		return errors.New("parameter entities are not supported")
	}
	length := nameLength(s.data[s.pos:])
	if length == 0 {
		return errors.New("entity without name")
	}
	name := string(s.data[s.pos : s.pos+length])
	s.pos += length
	if !s.space() {
		return errors.New("no space after the entity's name")
	}
	var declared entity
	if s.at("SYSTEM") || s.at("PUBLIC") {
		declared.external = true
		if err := s.externalID(); err != nil {
			return err
		}
		// An unparsed entity may name its notation here.
		if err := s.skipDeclaration(); err != nil {
			return err
		}
	} else {
		value, err := s.quoted()
		if err != nil {
			return err
		}
		if declared.text, err = resolveCharacters(value); err != nil {
			return err
		}
		s.space()
		if !s.at(">") {
			return errors.New("entity declaration not closed")
		}
		s.pos++
	}
	// The first declaration of a name is the binding one.
	if _, known := s.entities[name]; !known {
		if s.entities == nil {
			s.entities = map[string]entity{}
		}
		s.entities[name] = declared
	}
	return nil
}

// resolve appends raw to to, with references resolved and line ends
// normalised.
func (s *Scanner) resolve(to, raw []byte, depth int) ([]byte, error) {
	for {
		at := bytes.IndexByte(raw, '&')
		if at < 0 {
			return appendNormalised(to, raw), nil
		}
		to = appendNormalised(to, raw[:at])
		raw = raw[at+1:]
		end := bytes.IndexByte(raw, ';')
		if end <= 0 {
			return to, errors.New("'&' that begins no reference")
		}
		name := raw[:end]
		raw = raw[end+1:]
		var err error
		if name[0] == '#' {
			to, err = appendCharacter(to, name[1:])
		} else {
			to, err = s.expand(to, name, depth)
		}
		if err != nil {
			return to, err
		}
	}
}

// expand appends what the entity called name stands for.
func (s *Scanner) expand(to, name []byte, depth int) ([]byte, error) {
	switch string(name) {
	case "lt":
		return append(to, '<'), nil
	case "gt":
		return append(to, '>'), nil
	case "amp":
		return append(to, '&'), nil
	case "quot":
		return append(to, '"'), nil
	case "apos":
		return append(to, '\''), nil
	}
	known, ok := s.entities[string(name)]
	switch {
	case !ok:
		return to, fmt.Errorf("entity %q is not declared", clip(string(name)))
	case known.external:
		return to, fmt.Errorf("entity %q is external", clip(string(name)))
	case depth >= entityDepth:
		return to, fmt.Errorf("entities nested deeper than %d: %w", entityDepth, ErrLimit)
	case bytes.IndexByte(known.text, '<') >= 0:
		return to, fmt.Errorf("entity %q holds markup", clip(string(name)))
	}
	// Empty entities that refer to empty entities cost time without growing
	// the text, so every reference counts as one byte more.
	s.expanded += len(known.text) + 1
	if s.limits.Expanded > 0 && s.expanded > s.limits.Expanded {
		return to, fmt.Errorf("entities expand to more than %d bytes: %w", s.limits.Expanded, ErrLimit)
	}
	return s.resolve(to, known.text, depth+1)
}

// resolveCharacters resolves character references only, as is done where an
// entity is declared; other references are resolved where it is used.
func resolveCharacters(raw []byte) ([]byte, error) {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] == '%':
			return nil, errors.New("'%' in an entity value: parameter entities are not supported")
		case raw[i] == '&' && i+1 < len(raw) && raw[i+1] == '#':
			end := bytes.IndexByte(raw[i:], ';')
			if end < 0 {
				return nil, errors.New("unterminated character reference")
			}
			var err error
			if out, err = appendCharacter(out, raw[i+2:i+end]); err != nil {
				return nil, err
			}
			i += end
		default:
			out = append(out, raw[i])
		}
	}
	return out, nil
}

// appendCharacter appends the character of a reference like &#38; or &#x26;,
// given what stands between # and ;.
func appendCharacter(to, digits []byte) ([]byte, error) {
	base := 10
	if len(digits) > 0 && digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	if len(digits) == 0 || digits[0] == '+' || digits[0] == '-' || bytes.IndexByte(digits, '_') >= 0 {
		return to, errors.New("broken character reference")
	}
	code, err := strconv.ParseUint(string(digits), base, 32)
	if err != nil || !validChar(rune(min(code, 0x7FFFFFFF))) {
		return to, fmt.Errorf("invalid character reference %q", clip(string(digits)))
	}
	return utf8.AppendRune(to, rune(code)), nil
}
