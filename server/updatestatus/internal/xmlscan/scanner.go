package xmlscan

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Kind tells what Next found.
type Kind int

// The events of a document. Comments, processing instructions and the DTD are
// checked and passed over.
const (
	// End is the end of a well-formed document; it repeats.
	End Kind = iota
	// StartElement is a start tag, or the first half of an empty-element tag.
	StartElement
	// EndElement is an end tag, or the second half of an empty-element tag.
	EndElement
	// Text is character data or a CDATA section; one run of text may come in
	// several events.
	Text
)

// ErrLimit marks errors of documents that exceed a limit rather than break a
// rule of XML.
var ErrLimit = errors.New("limit exceeded")

// Limits bound what a document may ask for. A zero value means no limit.
type Limits struct {
	Depth    int // nested elements
	Elements int // elements in total
	Expanded int // bytes that entity references may expand to, in total
}

// Scanner reads one document. The slices it returns are valid until the next
// call of Next.
type Scanner struct {
	data   []byte
	pos    int
	limits Limits

	open     [][]byte // names of the open elements
	elements int
	sawRoot  bool
	halfOpen bool // an empty-element tag whose end was not yet reported

	name     []byte
	attrs    []attribute
	text     []byte
	scratch  []byte
	entities map[string]entity
	expanded int
}

type attribute struct {
	name []byte
	raw  []byte // between the quotes, references not resolved
}

// New starts reading data, which must be UTF-8 (see ToUTF8). It fails when the
// document holds characters XML does not allow, or its prolog is broken.
func New(data []byte, limits Limits) (*Scanner, error) {
	if err := checkChars(data); err != nil {
		return nil, err
	}
	s := &Scanner{data: data, limits: limits}
	if err := s.prolog(); err != nil {
		return nil, fmt.Errorf("prolog: %w", err)
	}
	return s, nil
}

// Name is the name of the element that just started or ended, with its prefix.
func (s *Scanner) Name() []byte { return s.name }

// Prefixed tells whether the element's name carries a namespace prefix.
func (s *Scanner) Prefixed() bool { return bytes.IndexByte(s.name, ':') >= 0 }

// Text is the text of a Text event, references resolved, line ends normalised.
func (s *Scanner) Text() []byte { return s.text }

// Attr is the value of an attribute of the element that just started; ok is
// false when it has none of that name. References are resolved.
func (s *Scanner) Attr(name string) (value string, ok bool) {
	for _, a := range s.attrs {
		if string(a.name) == name {
			value, err := s.resolve(nil, a.raw, 0)
			return string(value), err == nil
		}
	}
	return "", false
}

// Depth is the number of open elements. It counts the element of a
// StartElement event, and no longer the one of an EndElement event.
func (s *Scanner) Depth() int { return len(s.open) }

// Next reads the next event. After an error the scanner must not be used on.
func (s *Scanner) Next() (Kind, error) {
	if s.halfOpen {
		s.halfOpen = false
		s.open = s.open[:len(s.open)-1]
		return EndElement, nil
	}
	for {
		if len(s.open) == 0 && s.sawRoot {
			return s.epilog()
		}
		if s.pos >= len(s.data) {
			return End, errors.New("document ends early")
		}
		if s.data[s.pos] != '<' {
			if err := s.characters(); err != nil {
				return End, err
			}
			return Text, nil
		}
		switch {
		case s.at("</"):
			return EndElement, s.endTag()
		case s.at("<!--"):
			if err := s.comment(); err != nil {
				return End, err
			}
		case s.at("<![CDATA["):
			if err := s.cdata(); err != nil {
				return End, err
			}
			return Text, nil
		case s.at("<?"):
			if err := s.instruction(); err != nil {
				return End, err
			}
		default:
			return StartElement, s.startTag()
		}
	}
}

// prolog passes over everything before the root element.
func (s *Scanner) prolog() error {
	if err := s.declaration(); err != nil {
		return err
	}
	sawDoctype := false
	for {
		s.space()
		switch {
		case s.at("<!--"):
			if err := s.comment(); err != nil {
				return err
			}
		case s.at("<?"):
			if err := s.instruction(); err != nil {
				return err
			}
		case s.at("<!DOCTYPE"):
			if sawDoctype {
				return errors.New("second document type declaration")
			}
			sawDoctype = true
			if err := s.doctype(); err != nil {
				return fmt.Errorf("document type: %w", err)
			}
		case s.at("<"):
			return nil
		case s.pos >= len(s.data):
			return errors.New("no root element")
		default:
			return fmt.Errorf("text before the root element at byte %d", s.pos)
		}
	}
}

// declaration checks the XML declaration, which may be missing.
func (s *Scanner) declaration() error {
	if !s.at("<?xml") || len(s.data) < 6 || !isSpace(s.data[5]) {
		return nil
	}
	end := bytes.Index(s.data, []byte("?>"))
	if end < 0 {
		return errors.New("unterminated XML declaration")
	}
	inner := Scanner{data: s.data[5:end]}
	if err := inner.attributes(); err != nil {
		return fmt.Errorf("XML declaration: %w", err)
	}
	if inner.pos != len(inner.data) {
		return errors.New("XML declaration: unexpected text")
	}
	if len(inner.attrs) == 0 || string(inner.attrs[0].name) != "version" {
		return errors.New("XML declaration without version")
	}
	if !validVersion(inner.attrs[0].raw) {
		return errors.New("XML declaration with an invalid version")
	}
	// What may follow the version, in this order.
	optional := []string{"encoding", "standalone"}
	for _, a := range inner.attrs[1:] {
		at := slices.Index(optional, string(a.name))
		if at < 0 {
			return fmt.Errorf("XML declaration: %q is out of place", clip(string(a.name)))
		}
		optional = optional[at+1:]
		if a.name[0] == 's' && string(a.raw) != "yes" && string(a.raw) != "no" {
			return errors.New("XML declaration: standalone is neither yes nor no")
		}
	}
	s.pos = end + 2
	return nil
}

// validVersion takes later versions of XML 1, too: they are read as 1.0.
func validVersion(version []byte) bool {
	minor, found := bytes.CutPrefix(version, []byte("1."))
	return found && len(minor) > 0 && len(bytes.Trim(minor, "0123456789")) == 0
}

// epilog passes over what may follow the root element.
func (s *Scanner) epilog() (Kind, error) {
	for {
		s.space()
		switch {
		case s.pos >= len(s.data):
			return End, nil
		case s.at("<!--"):
			if err := s.comment(); err != nil {
				return End, err
			}
		case s.at("<?"):
			if err := s.instruction(); err != nil {
				return End, err
			}
		default:
			return End, fmt.Errorf("extra content after the root element at byte %d", s.pos)
		}
	}
}

func (s *Scanner) startTag() error {
	s.pos++
	length := nameLength(s.data[s.pos:])
	if length == 0 {
		return fmt.Errorf("no element name at byte %d", s.pos)
	}
	s.name = s.data[s.pos : s.pos+length]
	s.pos += length
	if err := s.attributes(); err != nil {
		return err
	}
	if s.elements++; s.limits.Elements > 0 && s.elements > s.limits.Elements {
		return fmt.Errorf("more than %d elements: %w", s.limits.Elements, ErrLimit)
	}
	if s.limits.Depth > 0 && len(s.open) >= s.limits.Depth {
		return fmt.Errorf("elements nested deeper than %d: %w", s.limits.Depth, ErrLimit)
	}
	switch {
	case s.at("/>"):
		s.pos += 2
		s.halfOpen = true
	case s.at(">"):
		s.pos++
	default:
		return fmt.Errorf("broken start tag at byte %d", s.pos)
	}
	s.sawRoot = true
	s.open = append(s.open, s.name)
	return nil
}

// attributes reads attributes up to whatever is none, and the space after.
func (s *Scanner) attributes() error {
	s.attrs = s.attrs[:0]
	for {
		spaced := s.space()
		length := nameLength(s.data[s.pos:])
		if length == 0 {
			return nil
		}
		if !spaced {
			return fmt.Errorf("no space before the attribute at byte %d", s.pos)
		}
		name := s.data[s.pos : s.pos+length]
		s.pos += length
		s.space()
		if !s.at("=") {
			return fmt.Errorf("attribute without value at byte %d", s.pos)
		}
		s.pos++
		s.space()
		raw, err := s.quoted()
		if err != nil {
			return err
		}
		if bytes.IndexByte(raw, '<') >= 0 {
			return fmt.Errorf("'<' in the attribute value that ends at byte %d", s.pos)
		}
		if bytes.IndexByte(raw, '&') >= 0 {
			if s.scratch, err = s.resolve(s.scratch[:0], raw, 0); err != nil {
				return fmt.Errorf("attribute: %w", err)
			}
		}
		for _, other := range s.attrs {
			if bytes.Equal(other.name, name) {
				return fmt.Errorf("attribute given twice before byte %d", s.pos)
			}
		}
		// Checking for repetition is quadratic, so their number is bounded.
		if len(s.attrs) >= 100 {
			return fmt.Errorf("more than 100 attributes: %w", ErrLimit)
		}
		s.attrs = append(s.attrs, attribute{name: name, raw: raw})
	}
}

// quoted reads a literal in single or double quotes and returns its inside.
func (s *Scanner) quoted() ([]byte, error) {
	if !s.at(`"`) && !s.at(`'`) {
		return nil, fmt.Errorf("no quoted value at byte %d", s.pos)
	}
	quote := s.data[s.pos]
	length := bytes.IndexByte(s.data[s.pos+1:], quote)
	if length < 0 {
		return nil, fmt.Errorf("unterminated value at byte %d", s.pos)
	}
	inside := s.data[s.pos+1 : s.pos+1+length]
	s.pos += length + 2
	return inside, nil
}

func (s *Scanner) endTag() error {
	s.pos += 2
	if len(s.open) == 0 {
		return fmt.Errorf("end tag without start tag at byte %d", s.pos)
	}
	s.name = s.open[len(s.open)-1]
	if !bytes.HasPrefix(s.data[s.pos:], s.name) {
		return fmt.Errorf("end tag at byte %d does not close <%s>", s.pos, clip(string(s.name)))
	}
	s.pos += len(s.name)
	s.space()
	if !s.at(">") {
		return fmt.Errorf("broken end tag at byte %d", s.pos)
	}
	s.pos++
	s.open = s.open[:len(s.open)-1]
	return nil
}

// characters reads text up to the next markup.
func (s *Scanner) characters() error {
	length := bytes.IndexByte(s.data[s.pos:], '<')
	if length < 0 {
		return errors.New("document ends within text")
	}
	raw := s.data[s.pos : s.pos+length]
	if bytes.Contains(raw, []byte("]]>")) {
		return fmt.Errorf("']]>' in text after byte %d", s.pos)
	}
	s.pos += length
	if bytes.IndexByte(raw, '&') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		s.text = raw
		return nil
	}
	var err error
	s.scratch, err = s.resolve(s.scratch[:0], raw, 0)
	s.text = s.scratch
	return err
}

func (s *Scanner) cdata() error {
	if len(s.open) == 0 {
		return errors.New("CDATA section outside of the root element")
	}
	s.pos += len("<![CDATA[")
	length := bytes.Index(s.data[s.pos:], []byte("]]>"))
	if length < 0 {
		return errors.New("unterminated CDATA section")
	}
	s.text = s.data[s.pos : s.pos+length]
	s.pos += length + 3
	if bytes.IndexByte(s.text, '\r') >= 0 {
		s.scratch = appendNormalised(s.scratch[:0], s.text)
		s.text = s.scratch
	}
	return nil
}

func (s *Scanner) comment() error {
	s.pos += len("<!--")
	length := bytes.Index(s.data[s.pos:], []byte("--"))
	if length < 0 {
		return errors.New("unterminated comment")
	}
	s.pos += length
	if !s.at("-->") {
		return fmt.Errorf("'--' within the comment at byte %d", s.pos)
	}
	s.pos += 3
	return nil
}

// instruction passes over a processing instruction.
func (s *Scanner) instruction() error {
	s.pos += len("<?")
	length := nameLength(s.data[s.pos:])
	if length == 0 {
		return fmt.Errorf("processing instruction without name at byte %d", s.pos)
	}
	if bytes.EqualFold(s.data[s.pos:s.pos+length], []byte("xml")) {
		return fmt.Errorf("XML declaration at byte %d is not at the beginning", s.pos)
	}
	s.pos += length
	if !s.at("?>") && !s.space() {
		return fmt.Errorf("broken processing instruction at byte %d", s.pos)
	}
	end := bytes.Index(s.data[s.pos:], []byte("?>"))
	if end < 0 {
		return errors.New("unterminated processing instruction")
	}
	s.pos += end + 2
	return nil
}

func (s *Scanner) at(prefix string) bool {
	rest := s.data[s.pos:]
	return len(rest) >= len(prefix) && string(rest[:len(prefix)]) == prefix
}

// space passes over white space and tells whether there was any.
func (s *Scanner) space() bool {
	start := s.pos
	for s.pos < len(s.data) && isSpace(s.data[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

// appendNormalised appends text with every line end turned into a line feed.
func appendNormalised(to, text []byte) []byte {
	for i, b := range text {
		if b != '\r' {
			to = append(to, b)
		} else if i+1 >= len(text) || text[i+1] != '\n' {
			to = append(to, '\n')
		}
	}
	return to
}
