package inventory

import (
	"crypto/sha256"
	"errors"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// ErrUnusual says that a body is not a report in its ordinary form. It may
// still be one: the contract's own decoder has the last word.
var ErrUnusual = errors.New("not a report in its ordinary form")

// Scan reads a report's JSON once and checks everything that the contract
// asks: syntax, UTF-8, types, lengths, bounds, known and unrepeated fields,
// and that no text holds U+0000. False means that the body is unusual or bad.
func Scan(body []byte, out *Summary) bool {
	s := scanner{b: body, sum: out}
	*out = Summary{}
	return s.document()
}

// Parse reads a report that Scan accepts into values. The strings of the
// report share memory with body, which must not change afterwards.
func Parse(body []byte) (*Report, error) {
	rep := &Report{}
	s := scanner{b: body, sum: &rep.Summary, rep: rep}
	if !s.document() {
		return nil, ErrUnusual
	}
	return rep, nil
}

// ContentHash is the SHA-256 of the body that was scanned, less the values
// that change with every report: its id, time and trigger.
func (s *Summary) ContentHash(body []byte) [sha256.Size]byte {
	v := s.volatile
	// Three spans: sort by hand.
	if v[0].from > v[1].from {
		v[0], v[1] = v[1], v[0]
	}
	if v[1].from > v[2].from {
		v[1], v[2] = v[2], v[1]
	}
	if v[0].from > v[1].from {
		v[0], v[1] = v[1], v[0]
	}
	h := sha256.New()
	at := 0
	for _, sp := range v {
		h.Write(body[at:sp.from])
		at = sp.to
	}
	h.Write(body[at:])
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

type scanner struct {
	b   []byte
	i   int
	sum *Summary
	// rep is nil when only checking.
	rep *Report
	// scratch holds the last text that had escapes, when only checking.
	scratch []byte
}

const (
	topReportID = 1 << iota
	topCollectedAt
	topTrigger
	topAgent
	topSite
	topPlatform
	topExtensions
	topPackages
	topHash

	topRequired = topReportID | topCollectedAt | topTrigger | topAgent | topSite
)

func (s *scanner) document() bool {
	s.space()
	if !s.open('{') || s.peek() == '}' {
		return false
	}
	var seen uint
	for {
		if !s.topField(&seen) {
			return false
		}
		again, ok := s.more('}')
		if !ok {
			return false
		}
		if !again {
			break
		}
	}
	s.space()
	switch {
	case s.i != len(s.b), seen&topRequired != topRequired:
		return false
	case s.sum.Extensions == 0 && s.sum.InventoryHash == "":
		return false
	case s.sum.Extensions > 0 && seen&topPlatform == 0:
		return false
	case s.sum.Packages > 0 && s.sum.Extensions == 0:
		return false
	}
	return true
}

func (s *scanner) topField(seen *uint) bool {
	key := s.key()
	if key == nil {
		return false
	}
	if s.peek() == 'n' {
		bit := nullable(key)
		return bit != 0 && s.null() && once(seen, bit)
	}
	switch string(key) {
	case "reportId":
		text, ok := s.volatile(0, 36)
		return ok && once(seen, topReportID) && parseUUID(text, &s.sum.ReportID)
	case "collectedAt":
		text, ok := s.volatile(1, 64)
		if !ok || !once(seen, topCollectedAt) {
			return false
		}
		s.sum.CollectedAt, ok = parseTimestamp(text)
		return ok
	case "trigger":
		text, ok := s.volatile(2, 16)
		if !ok || !once(seen, topTrigger) {
			return false
		}
		s.sum.Trigger, ok = ParseTrigger(text)
		return ok
	case "agent":
		return once(seen, topAgent) && s.agent()
	case "site":
		return once(seen, topSite) && s.site()
	case "platform":
		return once(seen, topPlatform) && s.platform()
	case "extensions":
		return once(seen, topExtensions) && s.extensions()
	case "composerPackages":
		return once(seen, topPackages) && s.packages()
	case "inventoryHash":
		text, ok := s.text(MaxInventoryHash)
		s.sum.InventoryHash = string([]byte(text))
		return ok && once(seen, topHash)
	}
	return false
}

// nullable gives the bit of a field that may be null, which means absent; 0 is
// any other field.
func nullable(key []byte) uint {
	switch string(key) {
	case "extensions":
		return topExtensions
	case "composerPackages":
		return topPackages
	case "inventoryHash":
		return topHash
	}
	return 0
}

// volatile reads a text that is left out of the content hash.
func (s *scanner) volatile(n, maxLen int) (string, bool) {
	from := s.i
	text, ok := s.text(maxLen)
	s.sum.volatile[n] = span{from, s.i}
	return text, ok
}

func (s *scanner) agent() bool {
	var name, version string
	const hasName, hasVersion = 1, 2
	var seen uint
	ok := s.fields(func(key []byte) bool {
		var ok bool
		switch string(key) {
		case "name":
			name, ok = s.text(64)
			return ok && name != "" && once(&seen, hasName)
		case "version":
			version, ok = s.text(64)
			return ok && once(&seen, hasVersion)
		}
		return false
	})
	if s.rep != nil {
		s.rep.AgentName, s.rep.AgentVersion = name, version
	}
	return ok && seen&hasName != 0
}

func (s *scanner) site() bool {
	var site Site
	var seen uint
	ok := s.fields(func(key []byte) bool {
		var ok bool
		switch string(key) {
		case "url":
			site.URL, ok = s.text(2048)
			return ok && once(&seen, 1)
		case "name":
			site.Name, ok = s.text(255)
			return ok && once(&seen, 2)
		case "environment":
			site.Environment, ok = s.text(64)
			return ok && once(&seen, 4)
		case "id":
			var text string
			text, ok = s.text(36)
			if !ok || !once(&seen, 8) {
				return false
			}
			if text == "" {
				return true
			}
			s.sum.HasSiteID = true
			return parseUUID(text, &s.sum.SiteID)
		}
		return false
	})
	if s.rep != nil {
		s.rep.Site = site
	}
	return ok
}

func (s *scanner) platform() bool {
	var p Platform
	var seen uint
	ok := s.fields(func(key []byte) bool {
		var ok bool
		switch string(key) {
		case "drupalVersion":
			p.DrupalVersion, ok = s.text(128)
			return ok && p.DrupalVersion != "" && once(&seen, 1)
		case "phpVersion":
			p.PHPVersion, ok = s.text(128)
			return ok && once(&seen, 2)
		case "phpSapi":
			p.PHPSAPI, ok = s.text(64)
			return ok && once(&seen, 4)
		case "dbDriver":
			p.DBDriver, ok = s.text(64)
			return ok && once(&seen, 8)
		case "dbVersion":
			p.DBVersion, ok = s.text(255)
			return ok && once(&seen, 16)
		case "profile":
			p.Profile, ok = s.text(128)
			return ok && once(&seen, 32)
		}
		return false
	})
	if s.rep != nil {
		s.rep.Platform, s.rep.HasPlatform = p, true
	}
	return ok && seen&1 != 0
}

// fields reads an object of few fields, calling field at each value. A null is
// an absent field, which is nothing to be said for a name that is not known.
func (s *scanner) fields(field func(key []byte) bool) bool {
	if !s.open('{') {
		return false
	}
	if s.peek() == '}' {
		s.i++
		return true
	}
	for {
		key := s.key()
		if key == nil || s.peek() == 'n' || !field(key) {
			return false
		}
		again, ok := s.more('}')
		if !ok {
			return false
		}
		if !again {
			return true
		}
	}
}

func (s *scanner) extensions() bool {
	if !s.open('[') {
		return false
	}
	if s.peek() == ']' {
		s.i++
		return true
	}
	var e Extension
	for {
		if s.sum.Extensions++; s.sum.Extensions > MaxExtensions {
			return false
		}
		e = Extension{}
		if !s.extension(&e) {
			return false
		}
		if s.rep != nil {
			s.rep.List = append(s.rep.List, e)
		}
		again, ok := s.more(']')
		if !ok {
			return false
		}
		if !again {
			return true
		}
	}
}

const (
	extName = 1 << iota
	extType
	extEnabled
	extProject
	extVersion
	extDatestamp
	extTitle
	extPathKind
	extHidden
	extLifecycle
	extPackage
	extStatusURL

	extRequired = extName | extType
)

func (s *scanner) extension(e *Extension) bool {
	if !s.open('{') {
		return false
	}
	var seen uint
	for {
		key := s.key()
		if key == nil {
			return false
		}
		null := s.peek() == 'n'
		if null && !s.null() {
			return false
		}
		var ok bool
		var bit uint
		switch string(key) {
		case "name":
			if null {
				return false
			}
			e.Name, ok = s.text(128)
			ok = ok && e.Name != ""
			bit = extName
		case "type":
			if null {
				return false
			}
			e.Type, ok = s.text(16)
			ok = ok && (e.Type == "module" || e.Type == "theme" || e.Type == "profile")
			bit = extType
		case "enabled":
			bit = extEnabled
			if ok = null; !null {
				e.Enabled, ok = s.boolean()
			}
		case "project":
			bit = extProject
			if ok = null; !null {
				e.Project, ok = s.text(128)
				e.HasProject = true
			}
		case "version":
			bit = extVersion
			if ok = null; !null {
				e.Version, ok = s.text(128)
				e.HasVersion = true
			}
		case "datestamp":
			bit = extDatestamp
			if ok = null; !null {
				e.Datestamp, ok = s.integer(MaxDatestamp)
			}
		case "title":
			bit = extTitle
			if ok = null; !null {
				e.Title, ok = s.text(255)
			}
		case "pathKind":
			bit = extPathKind
			if ok = null; !null {
				e.PathKind, ok = s.text(16)
				ok = ok && (e.PathKind == "contrib" || e.PathKind == "core" || e.PathKind == "custom" || e.PathKind == "profile" || e.PathKind == "")
			}
		case "hidden":
			bit = extHidden
			if ok = null; !null {
				e.Hidden, ok = s.boolean()
			}
		case "lifecycle":
			bit = extLifecycle
			if ok = null; !null {
				e.Lifecycle, ok = s.text(32)
			}
		case "package":
			bit = extPackage
			if ok = null; !null {
				e.Package, ok = s.text(255)
			}
		case "statusUrl":
			bit = extStatusURL
			if ok = null; !null {
				e.StatusURL, ok = s.text(2048)
			}
		}
		if !ok || seen&bit != 0 {
			return false
		}
		seen |= bit
		again, ok := s.more('}')
		if !ok {
			return false
		}
		if !again {
			return seen&extRequired == extRequired
		}
	}
}

func (s *scanner) packages() bool {
	if !s.open('[') {
		return false
	}
	if s.peek() == ']' {
		s.i++
		return true
	}
	for {
		if s.sum.Packages++; s.sum.Packages > MaxPackages {
			return false
		}
		var p Package
		if !s.composer(&p) {
			return false
		}
		if s.rep != nil {
			s.rep.Composer = append(s.rep.Composer, p)
		}
		again, ok := s.more(']')
		if !ok {
			return false
		}
		if !again {
			return true
		}
	}
}

func (s *scanner) composer(p *Package) bool {
	if !s.open('{') {
		return false
	}
	var seen uint
	for {
		key := s.key()
		if key == nil {
			return false
		}
		null := s.peek() == 'n'
		if null && !s.null() {
			return false
		}
		var ok bool
		var bit uint
		var text *string
		maxLen := 0
		switch string(key) {
		case "name":
			if null {
				return false
			}
			text, maxLen, bit = &p.Name, 255, 1
		case "version":
			text, maxLen, bit = &p.Version, 128, 2
		case "reference":
			text, maxLen, bit = &p.Reference, 255, 4
		case "drupalVersion":
			text, maxLen, bit = &p.DrupalVersion, 128, 8
		case "securityCoverage":
			text, maxLen, bit = &p.SecurityCoverage, 64, 16
		case "datestamp":
			bit = 32
			if !null {
				p.Datestamp, ok = s.integer(MaxDatestamp)
			}
		default:
			return false
		}
		switch {
		case null:
			ok = true
		case text != nil:
			*text, ok = s.text(maxLen)
		}
		if !ok || seen&bit != 0 {
			return false
		}
		seen |= bit
		again, ok := s.more('}')
		if !ok {
			return false
		}
		if !again {
			return p.Name != ""
		}
	}
}

func once(seen *uint, bit uint) bool {
	if *seen&bit != 0 {
		return false
	}
	*seen |= bit
	return true
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\n', '\t', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek is the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) open(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	s.space()
	return true
}

// more reads what stands behind a value: a comma, or the end of the list.
func (s *scanner) more(end byte) (again, ok bool) {
	c := s.peek()
	if c != ',' && c != end {
		s.space()
		c = s.peek()
	}
	switch c {
	case ',':
		s.i++
		if s.peek() != '"' {
			s.space()
		}
		return true, true
	case end:
		s.i++
		return false, true
	}
	return false, false
}

// key reads a field name of letters and the colon behind it; nil is anything else.
func (s *scanner) key() []byte {
	b, i := s.b, s.i
	if i >= len(b) || b[i] != '"' {
		return nil
	}
	i++
	from := i
	for i < len(b) && b[i]|0x20 >= 'a' && b[i]|0x20 <= 'z' {
		i++
	}
	if i >= len(b) || b[i] != '"' {
		return nil
	}
	key := b[from:i:i]
	s.i = i + 1
	if s.peek() != ':' {
		s.space()
		if s.peek() != ':' {
			return nil
		}
	}
	s.i++
	if s.peek() != '"' {
		s.space()
	}
	return key
}

func (s *scanner) null() bool { return s.word("null") }

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

func (s *scanner) boolean() (value, ok bool) {
	if s.peek() == 't' {
		return true, s.word("true")
	}
	return false, s.word("false")
}

// integer reads digits, bare or in quotes: Drupal 7 sends its datestamps as text.
func (s *scanner) integer(maximum int64) (int64, bool) {
	quoted := s.peek() == '"'
	if quoted {
		s.i++
	}
	from := s.i
	var n int64
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		if n = n*10 + int64(s.b[s.i]-'0'); n > maximum {
			return 0, false
		}
		s.i++
	}
	if s.i == from || s.b[from] == '0' && s.i > from+1 {
		return 0, false
	}
	if quoted {
		if s.peek() != '"' {
			return 0, false
		}
		s.i++
	}
	return n, true
}

// text reads a string of at most maxLen characters. The result shares memory
// with the body, or with scratch, where it lasts until the next call.
func (s *scanner) text(maxLen int) (string, bool) {
	b, i := s.b, s.i
	if i >= len(b) || b[i] != '"' {
		return "", false
	}
	i++
	from := i
	ascii := true
	for {
		if i+8 <= len(b) {
			stop := wordStop(b[i:])
			if stop == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(stop) >> 3
		} else if i >= len(b) {
			return "", false
		}
		c := b[i]
		if c == '"' {
			break
		}
		if c == '\\' {
			return s.escaped(from, i, maxLen)
		}
		if c < 0x20 {
			return "", false
		}
		if c >= utf8.RuneSelf {
			ascii = false
			for i < len(b) && b[i] >= utf8.RuneSelf {
				i++
			}
			continue
		}
		i++
	}
	s.i = i + 1
	value := b[from:i]
	if !ascii && !utf8.Valid(value) || len(value) > maxLen && utf8.RuneCount(value) > maxLen {
		return "", false
	}
	return unsafe.String(unsafe.SliceData(value), len(value)), true
}

// escaped reads the rest of a string whose first backslash stands at i.
func (s *scanner) escaped(from, i, maxLen int) (string, bool) {
	b := s.b
	out := s.scratch[:0]
	if s.rep != nil {
		// The report keeps its strings.
		out = make([]byte, 0, i-from+32)
	}
	for {
		out = append(out, b[from:i]...)
		if i+1 >= len(b) {
			return "", false
		}
		c := b[i+1]
		i += 2
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := hex4(b, i)
			if !ok || r == 0 {
				return "", false
			}
			i += 4
			if utf16.IsSurrogate(r) {
				if i+1 >= len(b) || b[i] != '\\' || b[i+1] != 'u' {
					return "", false
				}
				low, ok := hex4(b, i+2)
				if !ok {
					return "", false
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					return "", false
				}
				i += 6
			}
			out = utf8.AppendRune(out, r)
		default:
			return "", false
		}
		from = i
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
		}
		if i >= len(b) || b[i] < 0x20 {
			return "", false
		}
		if b[i] == '"' {
			out = append(out, b[from:i]...)
			break
		}
	}
	s.i = i + 1
	if s.rep == nil {
		s.scratch = out
	}
	if !utf8.Valid(out) || len(out) > maxLen && utf8.RuneCount(out) > maxLen {
		return "", false
	}
	return unsafe.String(unsafe.SliceData(out), len(out)), true
}

func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	var r rune
	for _, c := range b[i : i+4] {
		n := unhex(c)
		if n > 15 {
			return 0, false
		}
		r = r<<4 | rune(n)
	}
	return r, true
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func parseUUID(text string, out *UUID) bool {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return false
	}
	for n, i := range [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34} {
		high, low := unhex(text[i]), unhex(text[i+1])
		if high > 15 || low > 15 {
			return false
		}
		out[n] = high<<4 | low
	}
	return true
}

// parseTimestamp reads RFC 3339 into Unix microseconds; finer digits are cut.
func parseTimestamp(t string) (int64, bool) {
	if len(t) < 20 || t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' || t[16] != ':' {
		return 0, false
	}
	year, ok1 := digits(t[0:4])
	month, ok2 := digits(t[5:7])
	day, ok3 := digits(t[8:10])
	hour, ok4 := digits(t[11:13])
	minute, ok5 := digits(t[14:16])
	second, ok6 := digits(t[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || year < 1 || month < 1 || month > 12 || day < 1 ||
		day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	rest := t[19:]
	var micros int64
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			if n <= 6 {
				micros = micros*10 + int64(rest[n]-'0')
			}
			n++
		}
		if n == 1 || n > 10 || n == len(rest) {
			return 0, false
		}
		for i := n; i <= 6; i++ {
			micros *= 10
		}
		rest = rest[n:]
	}
	var offset int64
	if rest != "Z" {
		if len(rest) != 6 || rest[0] != '+' && rest[0] != '-' || rest[3] != ':' {
			return 0, false
		}
		h, ok1 := digits(rest[1:3])
		m, ok2 := digits(rest[4:6])
		if !ok1 || !ok2 || h > 23 || m > 59 {
			return 0, false
		}
		if offset = int64(h*3600 + m*60); rest[0] == '-' {
			offset = -offset
		}
	}
	seconds := daysSinceEpoch(year, month, day)*86400 + int64(hour*3600+minute*60+second) - offset
	if seconds < minTimestamp || seconds > MaxDatestamp {
		return 0, false
	}
	return seconds*1_000_000 + micros, true
}

func digits(t string) (int, bool) {
	n := 0
	for i := range len(t) {
		if t[i] < '0' || t[i] > '9' {
			return 0, false
		}
		n = n*10 + int(t[i]-'0')
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSinceEpoch counts days in the Gregorian calendar, years beginning in March.
func daysSinceEpoch(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return int64(365*year+year/4-year/100+year/400+(153*(month-3)+2)/5+day-1) - 719468
}

// ParseUUID reads a UUID in its usual form of 36 characters.
func ParseUUID(text string) (id UUID, ok bool) {
	ok = parseUUID(text, &id)
	return id, ok
}
