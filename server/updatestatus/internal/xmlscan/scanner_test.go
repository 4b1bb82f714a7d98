package xmlscan

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// record reads a document to its end and writes down what it saw.
func record(document string, limits Limits) (string, error) {
	data, err := ToUTF8([]byte(document))
	if err != nil {
		return "", err
	}
	s, err := New(data, limits)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var text []byte
	flush := func() {
		if len(text) > 0 {
			b.WriteString("[" + string(text) + "]")
			text = text[:0]
		}
	}
	for {
		kind, err := s.Next()
		if err != nil {
			return b.String(), err
		}
		switch kind {
		case StartElement:
			flush()
			b.WriteString("<" + string(s.Name()) + ">")
		case EndElement:
			flush()
			b.WriteString("</" + string(s.Name()) + ">")
		case Text:
			text = append(text, s.Text()...)
		case End:
			return b.String(), nil
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`<a/>`:                                `<a></a>`,
		`<a b="c" ><d/>e</a >`:                `<a><d></d>[e]</a>`,
		`<a>x<![CDATA[<&]]>y</a>`:             `<a>[x<&y]</a>`,
		`<a>&lt;&#65;&#x42;</a>`:              `<a>[<AB]</a>`,
		`<?xml version="1.0"?><!-- c --><a/>`: `<a></a>`,
		`<n:é ü='"'/>`:                        `<n:é></n:é>`,
		`<!DOCTYPE a [<!ELEMENT a (#PCDATA)><!ATTLIST a b CDATA ">"><!NOTATION n SYSTEM "x"><!-- ] --><?p ]?><!ENTITY e 'f'>]><a>&e;</a>`: `<a>[f]</a>`,
		`<!DOCTYPE a [<!ENTITY e "first"><!ENTITY e "second">]><a>&e;</a>`:                                                                `<a>[first]</a>`,
		`<!DOCTYPE a [<!ENTITY e "&#38;amp;">]><a>&e;</a>`:                                                                                `<a>[&]</a>`,
		`<!DOCTYPE a PUBLIC "p" "s"><a/>`:                                                                                                 `<a></a>`,
	} {
		got, err := record(document, Limits{})
		if err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", document, got, err, want)
		}
	}
}

func TestDeclarations(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		`<?xml version="1.0"?>`, `<?xml version='1.1' ?>`, `<?xml version="1.0" encoding="UTF-8" standalone='yes'?>`,
		`<?xml  version = "1.0"  standalone = "no"?>`,
	} {
		if _, err := record(good+"<a/>", Limits{}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		`<?xml?>`, `<?xml ?>`, `<?xml version=""?>`, `<?xml version="2.0"?>`, `<?xml version="1"?>`, `<?xml encoding="utf-8"?>`,
		`<?xml version="1.0" standalone="yes" encoding="utf-8"?>`, `<?xml version="1.0" standalone="maybe"?>`,
		`<?xml version="1.0" other="1"?>`, `<?xml version="1.0" encoding="utf-8"x?>`, `<?XML version="1.0"?>`, `<?xml version="1.0"`,
	} {
		if _, err := record(bad+"<a/>", Limits{}); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	s, err := New([]byte(`<a one="1" two = '&lt;2&gt;'/>`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"one": "1", "two": "<2>"} {
		if got, ok := s.Attr(name); !ok || got != want {
			t.Errorf("attribute %s: %q, %v", name, got, ok)
		}
	}
	if _, ok := s.Attr("three"); ok {
		t.Error("an attribute that is not there is found")
	}
}

func TestLimitErrorsAreMarked(t *testing.T) {
	t.Parallel()
	for document, limits := range map[string]Limits{
		"<a><b><c/></b></a>": {Depth: 2},
		"<a><b/><c/></a>":    {Elements: 2},
		`<!DOCTYPE a [<!ENTITY e "12345">]><a>&e;&e;</a>`: {Expanded: 10},
	} {
		if _, err := record(document, limits); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: error %v", document, err)
		}
	}
}

// Whatever this scanner accepts, the standard decoder reads the same, unless
// the document uses what that does not know.
func FuzzAgainstStandardDecoder(f *testing.F) {
	for _, seed := range []string{
		`<a/>`, `<a b="c">&lt;<![CDATA[x]]></a>`, `<?xml version="1.0" encoding="utf-8"?><!-- c --><a><b>é</b></a>`,
		"<a>\r\n\r</a>", `<a xmlns:x="y"><x:b/></a>`, `<!DOCTYPE a [<!ENTITY e "f">]><a>&e;</a>`, `<a>]]></a>`, `<a></b>`,
		"\xEF\xBB\xBF<a/>", `<a b="1" b="2"/>`, `<?pi?><a/><?pi x?>`,
	} {
		f.Add(seed)
	}
	limits := Limits{Depth: 100, Elements: 1000, Expanded: 1000}
	f.Fuzz(func(t *testing.T, document string) {
		got, err := record(document, limits)
		if err != nil {
			return
		}
		data, _ := ToUTF8([]byte(document))
		if bytes.Contains(data, []byte("<!DOCTYPE")) || bytes.Contains(data, []byte("encoding")) {
			return
		}
		want, err := recordStandard(data)
		if err != nil {
			// It knows the names of an older edition of XML, and checks
			// versions.
			if strings.Contains(err.Error(), "name") || strings.Contains(err.Error(), "version") ||
				strings.Contains(err.Error(), "expected") {
				return
			}
			t.Fatalf("%q is accepted here, but: %v", document, err)
		}
		if got != want {
			t.Fatalf("%q\n got %q\nwant %q", document, got, want)
		}
	})
}

func recordStandard(data []byte) (string, error) {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	var b strings.Builder
	var text []byte
	depth := 0
	name := func(n xml.Name) string {
		if n.Space != "" {
			return n.Space + ":" + n.Local
		}
		return n.Local
	}
	flush := func() {
		if len(text) > 0 && depth > 0 {
			b.WriteString("[" + string(text) + "]")
		}
		text = text[:0]
	}
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.StartElement:
			flush()
			depth++
			b.WriteString("<" + name(token.Name) + ">")
		case xml.EndElement:
			flush()
			depth--
			b.WriteString("</" + name(token.Name) + ">")
		case xml.CharData:
			text = append(text, token...)
		}
	}
}
