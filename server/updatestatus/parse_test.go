package updatestatus_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"drumbeat/server/updatestatus"
)

// usual is a feed with something of everything.
func usual() history {
	return history{branches: "8.x-1.,2.0.", releases: []release{
		{version: "2.0.1", terms: []string{bugFixes, security}, core: "^10.3 || ^11"},
		{version: "2.0.0", terms: []string{insecure}},
		{version: "8.x-1.5", unpublished: true},
		{version: "2.0.x-dev"},
	}}
}

func TestFeedIsReadInFull(t *testing.T) {
	t.Parallel()
	h := usual()
	h.releases[0].extra = `<security covered="1">Covered by the policy</security><files><file><version>9.9.9</version></file></files>`
	want := &updatestatus.Feed{
		Title: "Example", ShortName: "example", Link: "https://example.com/project", ProjectStatus: "published",
		SupportedBranches: []string{"8.x-1.", "2.0."},
	}
	for _, one := range h.releases {
		release := updatestatus.Release{
			Key: one.version, Version: one.version, Status: "published",
			ReleaseLink:  "https://example.com/releases/" + one.version,
			DownloadLink: "https://example.com/files/" + one.version + ".tar.gz",
			Date:         usualDate, DateSet: true, CoreCompatibility: one.core,
		}
		if one.unpublished {
			release.Status = "unpublished"
		}
		for _, term := range one.terms {
			release.Terms = append(release.Terms, updatestatus.Term{Vocabulary: "Release type", Value: term})
		}
		want.Releases = append(want.Releases, release)
	}
	want.Releases[0].SecurityText, want.Releases[0].SecurityCovered = "Covered by the policy", true
	if diff := compareFeeds(want, h.parse(t)); diff != "" {
		t.Errorf("feed (-want +got):\n%s", diff)
	}
}

func compareFeeds(want, got *updatestatus.Feed) string {
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(updatestatus.Feed{}, updatestatus.Release{}))
}

func TestUnusualFeedsReadTheSame(t *testing.T) {
	t.Parallel()
	document := usual().xml()
	want := parse(t, document)
	body := strings.TrimPrefix(document, `<?xml version="1.0" encoding="utf-8"?>`+"\n")
	utf16Document := func(order func(uint16) []byte, declaration string) string {
		var b strings.Builder
		for _, unit := range utf16.Encode([]rune(declaration + body)) {
			b.Write(order(unit))
		}
		return b.String()
	}
	little := func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }
	big := func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }
	replace := func(from, to string) string {
		if !strings.Contains(document, from) {
			t.Fatalf("the document has no %q", from)
		}
		return strings.Replace(document, from, to, 1)
	}
	cases := []struct{ name, document string }{
		{"with a byte-order mark", "\xEF\xBB\xBF" + document},
		{"without a declaration", body},
		{"with Windows line ends", strings.ReplaceAll(document, "\n", "\r\n")},
		{"in Latin-1", replace("utf-8", "ISO-8859-1")},
		{"in Windows-1252", replace("utf-8", "windows-1252")},
		{"in ASCII", replace("utf-8", "us-ascii")},
		{"in UTF-16, little-endian, with a mark", "\xFF\xFE" + utf16Document(little, "")},
		{"in UTF-16, big-endian, with a mark", "\xFE\xFF" + utf16Document(big, `<?xml version="1.0" encoding="UTF-16"?>`)},
		{"in UTF-16 without a mark", utf16Document(little, `<?xml version="1.0" encoding="UTF-16"?>`)},
		{"with another root element", strings.NewReplacer("<project ", "<history ", "</project>", "</history>").Replace(document)},
		{"with a default namespace", replace("<project ", `<project xmlns="https://example.com/ns" `)},
		{"with a comment in a version", replace("<version>2.0.1", "<version><!-- newest -->2.0.1")},
		{"with a comment after the root", document + "<!-- the end -->\n"},
		{"with a processing instruction", replace("<releases>", "<?look here?><releases>")},
		{"with a CDATA section", replace("<version>2.0.1", "<version><![CDATA[2.0]]>.1")},
		{"with character references", replace("<version>2.0.1", "<version>2&#46;0&#x2E;1")},
		{"with internal entities", strings.Replace(
			replace("<project ", `<!DOCTYPE project [<!ENTITY two "2.0"> <!ENTITY v "&two;.1">]><project `),
			"<version>2.0.1", "<version>&v;", 1)},
		{"with a DTD that is never opened", replace("<project ", `<!DOCTYPE project SYSTEM "file:///etc/passwd"><project `)},
		{"with attributes", replace("<version>", `<version kind="a &lt; b" other='"'>`)},
		{"with unknown elements", replace("<releases>", "<new><short_name>x</short_name></new><releases>")},
		{"with prefixed elements", replace("<releases>", "<dc:short_name>x</dc:short_name><dc:releases><release/></dc:releases><releases>")},
		{"with elements within text", replace("<version>2.0.1", "<version>2.<b>9.9</b>0.1")},
		{"with the status given twice, the last right", replace("<status>", "<status>draft</status><status>")},
		{"with a second block of releases", replace("</project>", "<releases><release><version>9.9.9</version></release></releases></project>")},
		{"with a second block of terms", strings.Replace(document, "</terms>", "</terms><terms><term><name>x</name></term></terms>", 1)},
		{"with releases of another element name", strings.NewReplacer("<release>", "<item>", "</release>", "</item>").Replace(document)},
		{"with terms of another element name", strings.NewReplacer("<term>", "<item>", "</term>", "</item>").Replace(document)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := compareFeeds(want, parse(t, c.document)); diff != "" {
				t.Errorf("feed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTextIsDecoded(t *testing.T) {
	t.Parallel()
	title := func(encoding, text string) string {
		return fmt.Sprintf("<?xml version='1.0' encoding='%s'?><p><short_name/><title>%s</title></p>", encoding, text)
	}
	for document, want := range map[string]string{
		title("iso-8859-1", "H\xE9ron \x80"):              "Héron \u0080",
		title("windows-1252", "H\xE9ron \x80"):            "Héron €",
		title("utf-8", "Héron &amp;&lt;&gt;&quot;&apos;"): `Héron &<>"'`,
		title("utf-8", "a\r\nb\rc&#13;"):                  "a\nb\nc\r",
	} {
		if got := parse(t, document).Title; got != want {
			t.Errorf("title %q, want %q", got, want)
		}
	}
}

func TestWhatIsNoFeed(t *testing.T) {
	t.Parallel()
	document := usual().xml()
	replace := func(from, to string) string { return strings.Replace(document, from, to, 1) }
	cases := []struct{ name, document string }{
		{"white space", " \n "},
		{"plain text", "Service Unavailable"},
		{"JSON", `{"title": "no feed"}`},
		{"an HTML page", "<!DOCTYPE html>\n<html><head><title>503</title></head><body><p>Sorry<br></body></html>"},
		{"a well-formed HTML page", "<html><head><title>503</title></head><body/></html>"},
		{"a truncated feed", document[:len(document)/2]},
		{"a feed without its last byte", strings.TrimSpace(document)[:len(strings.TrimSpace(document))-1]},
		{"text after the root", document + "oops"},
		{"a second root", document + "<project/>"},
		{"text before the root", "oops" + document},
		{"white space before the declaration", "\n" + document},
		{"a declaration in the middle", replace("<releases>", `<?xml version="1.0"?><releases>`)},
		{"invalid UTF-8", replace("Example", "Ex\xE9mple")},
		{"a control character", replace("Example", "Ex\x01mple")},
		{"a reference to a control character", replace("Example", "Ex&#1;mple")},
		{"a surrogate", replace("Example", "Ex&#xD800;mple")},
		{"an unknown encoding", replace("utf-8", "klingon")},
		{"UTF-16 in the declaration only", replace("utf-8", "utf-16")},
		{"ASCII with other bytes", strings.Replace(replace("utf-8", "us-ascii"), "Example", "Exämple", 1)},
		{"UTF-16 of an odd length", "\xFF\xFE<\x00a\x00/\x00>"},
		{"no short name", replace("<short_name>example</short_name>", "")},
		{"a short name with a prefix only", replace("<short_name>example</short_name>", "<dc:short_name>example</dc:short_name>")},
		{"a short name further down only", replace("<short_name>example</short_name>", "<a><short_name>example</short_name></a>")},
		{"a feed within another element", "<wrapper>" + strings.TrimPrefix(document, `<?xml version="1.0" encoding="utf-8"?>`) + "</wrapper>"},
		{"an end tag that does not match", replace("</title>", "</titel>")},
		{"an undeclared entity", replace("Example", "&nbsp;")},
		{"a bare ampersand", replace("Example", "A & B")},
		{"a CDATA end in text", replace("Example", "a ]]> b")},
		{"an attribute given twice", replace("<releases>", `<releases a="1" a="2">`)},
		{"an attribute without quotes", replace("<releases>", `<releases a=1>`)},
		{"a less-than in an attribute", replace("<releases>", `<releases a="<">`)},
		{"attributes without space between", replace("<releases>", `<releases a="1"b="2">`)},
		{"two dashes in a comment", replace("<releases>", "<!-- a -- b --><releases>")},
		{"an unterminated comment", replace("<releases>", "<!-- <releases>")},
		{"an external entity", strings.Replace(
			replace("<project ", `<!DOCTYPE project [<!ENTITY x SYSTEM "file:///etc/passwd">]><project `), "Example", "&x;", 1)},
		{"a parameter entity", replace("<project ", `<!DOCTYPE project [<!ENTITY % x "y"> %x;]><project `)},
		{"an entity that holds markup", strings.Replace(
			replace("<project ", `<!DOCTYPE project [<!ENTITY x "<b/>">]><project `), "Example", "&x;", 1)},
		{"entities that refer to each other", strings.Replace(
			replace("<project ", `<!DOCTYPE project [<!ENTITY x "&y;"><!ENTITY y "&x;">]><project `), "Example", "&x;", 1)},
		{"a document type after the root began", replace("<releases>", "<!DOCTYPE project><releases>")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			feed, err := updatestatus.ParseFeed(strings.NewReader(c.document))
			if !errors.Is(err, updatestatus.ErrMalformedFeed) {
				t.Errorf("error %v, feed %+v", err, feed)
			}
		})
	}
}

func TestEmptyBodyIsToldApart(t *testing.T) {
	t.Parallel()
	if _, err := updatestatus.ParseFeed(strings.NewReader("")); !errors.Is(err, updatestatus.ErrEmptyFeed) {
		t.Errorf("error %v", err)
	}
}

func TestErrorOfTheServerIsPassedOn(t *testing.T) {
	t.Parallel()
	document := `<?xml version="1.0"?>` + "\n<error>No release history was found for the requested project (llama).</error>"
	_, err := updatestatus.ParseFeed(strings.NewReader(document))
	var none *updatestatus.NoReleaseHistoryError
	if !errors.As(err, &none) || !errors.Is(err, updatestatus.ErrNoReleaseHistory) {
		t.Fatalf("error %v", err)
	}
	if want := "No release history was found for the requested project (llama)."; none.Message != want {
		t.Errorf("message %q", none.Message)
	}
	_, err = updatestatus.ParseFeed(strings.NewReader("<error>" + strings.Repeat("é", 5000) + "</error>"))
	if !errors.As(err, &none) || len(none.Message) > 300 {
		t.Errorf("a long message is not cut: %v", err)
	}
}

func TestErrorOfTheReaderIsPassedOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	_, err := updatestatus.ParseFeed(io.MultiReader(strings.NewReader("<project>"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || errors.Is(err, updatestatus.ErrMalformedFeed) {
		t.Errorf("error %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	bomb := `<!DOCTYPE p [<!ENTITY a0 "lol">`
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf(`<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
	}
	bomb += "]><p><short_name>&a9;</short_name></p>"
	var silent strings.Builder
	silent.WriteString(`<!DOCTYPE p [<!ENTITY a0 "">`)
	for i := 1; i < 15; i++ {
		fmt.Fprintf(&silent, `<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
	}
	silent.WriteString("]><p><short_name>&a14;</short_name></p>")

	cases := []struct {
		name     string
		limits   updatestatus.Limits
		document string
	}{
		{"bytes", updatestatus.Limits{Bytes: 100}, usual().xml()},
		{"depth", updatestatus.Limits{}, strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300)},
		{"depth of a document that never ends", updatestatus.Limits{}, strings.Repeat("<a>", 100_000)},
		{"elements", updatestatus.Limits{Elements: 20}, usual().xml()},
		{"releases", updatestatus.Limits{Releases: 3}, usual().xml()},
		{"entities that grow", updatestatus.Limits{}, bomb},
		{"entities that only cost time", updatestatus.Limits{}, silent.String()},
		{"length of a text", updatestatus.Limits{}, "<p><short_name>" + strings.Repeat("x", 1<<20) + "</short_name></p>"},
		{"supported branches", updatestatus.Limits{}, "<p><short_name/><supported_branches>" +
			strings.Repeat(",", 10_000) + "</supported_branches></p>"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := updatestatus.ParseFeedLimited(strings.NewReader(c.document), c.limits)
			if !errors.Is(err, updatestatus.ErrFeedTooLarge) || !errors.Is(err, updatestatus.ErrMalformedFeed) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Names that drupal.org might add tomorrow, or that mean nothing here.
var strangers = []string{
	"<future/>", "<future><a>1</a><version>9</version></future>", "<!-- a comment -->", "<?an instruction?>",
	"<dc:status>draft</dc:status>", "<Status>draft</Status>", "<files><file><status>x</status></file></files>", "\n\t ",
}

func TestStrangersAndOrderOfElementsDoNotMatter(t *testing.T) {
	t.Parallel()
	want := usual().parse(t)
	rapid.Check(t, func(rt *rapid.T) {
		stranger := func(label string) string {
			return rapid.SampledFrom(strangers).Draw(rt, label)
		}
		releases := ""
		for i := range want.Releases {
			one := &want.Releases[i]
			terms := ""
			for _, term := range one.Terms {
				parts := rapid.Permutation([]string{
					"<name>" + term.Vocabulary + "</name>", "<value>" + term.Value + "</value>", stranger("in term"),
				}).Draw(rt, "term")
				terms += "<term>" + strings.Join(parts, "") + "</term>"
			}
			parts := rapid.Permutation([]string{
				"<version>" + one.Version + "</version>", "<status>" + one.Status + "</status>",
				"<release_link>" + one.ReleaseLink + "</release_link>",
				"<download_link>" + one.DownloadLink + "</download_link>",
				fmt.Sprintf("<date>%d</date>", one.Date), "<terms>" + terms + "</terms>",
				"<core_compatibility>" + one.CoreCompatibility + "</core_compatibility>", stranger("in release"),
			}).Draw(rt, "release")
			releases += "<release>" + strings.Join(parts, "") + "</release>"
		}
		parts := rapid.Permutation([]string{
			"<title>" + want.Title + "</title>", "<short_name>" + want.ShortName + "</short_name>",
			"<supported_branches>" + strings.Join(want.SupportedBranches, ",") + "</supported_branches>",
			"<project_status>" + want.ProjectStatus + "</project_status>", "<link>" + want.Link + "</link>",
			"<releases>" + releases + "</releases>", stranger("in project"),
		}).Draw(rt, "project")
		document := `<project xmlns:dc="http://purl.org/dc/elements/1.1/">` + strings.Join(parts, "") + "</project>"
		got, err := updatestatus.ParseFeed(strings.NewReader(document))
		if err != nil {
			rt.Fatalf("%v\n%s", err, document)
		}
		if diff := compareFeeds(want, got); diff != "" {
			rt.Fatalf("feed (-want +got):\n%s\n%s", diff, document)
		}
	})
}

func TestTruncatedFeedsAreRefused(t *testing.T) {
	t.Parallel()
	document := strings.TrimSpace(usual().xml())
	for length := 1; length < len(document); length++ {
		if _, err := updatestatus.ParseFeed(strings.NewReader(document[:length])); !errors.Is(err, updatestatus.ErrMalformedFeed) {
			t.Fatalf("the first %d of %d bytes: error %v", length, len(document), err)
		}
	}
}

func TestDuplicateVersionsKeepTheFirstPlaceAndTheLastData(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		versions := rapid.SliceOfN(rapid.SampledFrom([]string{"1.0.0", "1.1.0", "1.2.0", "1.3.0"}), 0, 12).Draw(rt, "versions")
		h := history{branches: "1."}
		var order []string
		last := map[string]int64{}
		for i, version := range versions {
			date := int64(1000 + i)
			h.releases = append(h.releases, release{version: version, date: date})
			if _, seen := last[version]; !seen {
				order = append(order, version)
			}
			last[version] = date
		}
		feed, err := updatestatus.ParseFeed(strings.NewReader(h.xml()))
		if err != nil {
			rt.Fatal(err)
		}
		var got []string
		for i := range feed.Releases {
			got = append(got, feed.Releases[i].Version)
			if feed.Releases[i].Date != last[feed.Releases[i].Version] {
				rt.Fatalf("%s has date %d", feed.Releases[i].Version, feed.Releases[i].Date)
			}
		}
		if diff := cmp.Diff(order, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("order (-want +got):\n%s", diff)
		}
	})
}

func TestFeedPutTogetherByHandIsJudgedTheSame(t *testing.T) {
	t.Parallel()
	parsed := usual().parse(t)
	byHand := &updatestatus.Feed{
		Title: parsed.Title, ShortName: parsed.ShortName, Link: parsed.Link, ProjectStatus: parsed.ProjectStatus,
		SupportedBranches: parsed.SupportedBranches,
	}
	for _, one := range parsed.Releases {
		byHand.Releases = append(byHand.Releases, updatestatus.Release{
			Version: one.Version, Status: one.Status, ReleaseLink: one.ReleaseLink, DownloadLink: one.DownloadLink,
			Date: one.Date, DateSet: one.DateSet, Terms: one.Terms, CoreCompatibility: one.CoreCompatibility,
		})
	}
	for _, version := range []string{"2.0.1", "2.0.0", "8.x-1.5", "2.0.x-dev", "1.9.9"} {
		want := outcomeOf(updatestatus.Evaluate(input(parsed, version)))
		if diff := cmp.Diff(want, outcomeOf(updatestatus.Evaluate(input(byHand, version)))); diff != "" {
			t.Errorf("%s (-parsed +by hand):\n%s", version, diff)
		}
	}
	if byHand.Release("2.0.0") == nil || byHand.Release("9.9.9") != nil {
		t.Error("releases are not found by version")
	}
}

func FuzzParseFeed(f *testing.F) {
	f.Add([]byte(usual().xml()))
	f.Add([]byte(majors("2", "1,2", seven("7.x-2.0", "2", "0", "")).xml()))
	f.Add([]byte("<error>No release history</error>"))
	f.Add([]byte(`<!DOCTYPE p [<!ENTITY a "b">]><p><short_name>&a;</short_name><releases><r><version>1.0</version></r></releases></p>`))
	f.Add([]byte("\xFF\xFE<\x00a\x00/\x00>\x00"))
	limits := updatestatus.Limits{Bytes: 64 << 10, Elements: 2000}
	f.Fuzz(func(t *testing.T, data []byte) {
		feed, err := updatestatus.ParseFeedLimited(strings.NewReader(string(data)), limits)
		if err != nil {
			if feed != nil {
				t.Error("a feed comes with an error")
			}
			return
		}
		versions := []string{"", "1.0.0", "8.x-1.x-dev"}
		for i := range min(len(feed.Releases), 5) {
			versions = append(versions, feed.Releases[i].Version)
		}
		for _, rules := range []updatestatus.RuleSet{updatestatus.RulesCurrent, updatestatus.Rules10_2, updatestatus.Rules7} {
			for _, version := range versions {
				in := input(feed, version)
				in.Rules, in.CoreFeed, in.Installed.CoreVersion = rules, feed, version
				checkInvariants(t, in, updatestatus.Evaluate(in))
			}
		}
	})
}

// checkInvariants states what holds for every verdict.
func checkInvariants(t *testing.T, in updatestatus.Input, v updatestatus.Verdict) {
	t.Helper()
	if !v.Status.Valid() || v.Decided.Rule == "" {
		t.Errorf("no status: %+v", v)
	}
	needsReason := v.Status.Class() == updatestatus.ClassUnknown
	if (v.Reason != "") != needsReason {
		t.Errorf("status %q with reason %q", v.Status, v.Reason)
	}
	for _, version := range v.SecurityUpdates {
		found := false
		for i := range in.Feed.Releases {
			one := &in.Feed.Releases[i]
			found = found || one.Version == version && one.SecurityUpdate()
		}
		if !found {
			t.Errorf("%q is no security update of the feed", version)
		}
	}
	if v.Status == updatestatus.Current && updatestatus.UpdateAvailable(v, *in.Installed.Version) {
		t.Error("a current project has an update")
	}
}
