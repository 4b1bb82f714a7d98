package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/s2"

	"drumbeat/server/inventory"
)

// MaxBody is the largest report in bytes, as sent and again after inflating.
const MaxBody = 2 << 20

// maxDetail bounds the reason of a refused report in bytes.
const maxDetail = 1024

// maxRefusedData bounds what is kept of a refused report in bytes.
const maxRefusedData = 64 << 10

// Kind says what an entry holds. The numbers are stored: never renumber.
type Kind uint8

// The kinds of entries.
const (
	KindReport Kind = 1 + iota
	KindHeartbeat
	KindRefused
)

// Encoding says how an entry's body is compressed. The numbers are stored.
type Encoding uint8

// The encodings of bodies.
const (
	Identity Encoding = iota
	Gzip
	// S2 is github.com/klauspost/compress/s2, for what came plain: it costs the
	// door less than it spares Redis, and a backlog takes a third of the memory.
	S2
)

// Entry is one report on its way from the door to the database.
type Entry struct {
	Kind     Kind
	SiteID   int64
	ReportID inventory.UUID
	// Received is the server's clock, in Unix microseconds.
	Received int64
	// Collected is the site's clock, in Unix microseconds.
	Collected     int64
	Trigger       inventory.Trigger
	InventoryHash string
	// ContentHash is SHA-256 of the report less what always changes; of full reports only.
	ContentHash [32]byte
	Encoding    Encoding
	// Body is the report as it came; for refused ones the beginning of it.
	Body []byte
	// Detail is why a report was refused.
	Detail string
}

// An encoded record is one byte of format version, then entries one after the
// other. Each begins with its kind. A record holds either one entry with a
// body or any number of heartbeats.
const formatVersion = 1

var errRecord = errors.New("not an entry of the report stream")

// ReceivedAt is Received as a time in UTC.
func (e *Entry) ReceivedAt() time.Time { return time.UnixMicro(e.Received).UTC() }

// CollectedAt is Collected as a time in UTC.
func (e *Entry) CollectedAt() time.Time { return time.UnixMicro(e.Collected).UTC() }

// appendEntry appends the entry without the format version.
func appendEntry(dst []byte, e *Entry) []byte {
	dst = append(dst, byte(e.Kind), byte(e.Encoding), byte(e.Trigger))
	dst = binary.AppendUvarint(dst, uint64(e.SiteID))
	dst = append(dst, e.ReportID[:]...)
	dst = binary.AppendVarint(dst, e.Received)
	dst = binary.AppendVarint(dst, e.Collected)
	dst = appendText(dst, e.InventoryHash)
	switch e.Kind {
	case KindReport:
		dst = append(dst, e.ContentHash[:]...)
	case KindRefused:
		dst = appendText(dst, e.Detail)
	case KindHeartbeat:
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Body)))
	return append(dst, e.Body...)
}

func appendText(dst []byte, text string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

// EncodeEntry gives the record of one entry.
func EncodeEntry(e *Entry) []byte {
	dst := make([]byte, 0, len(e.Body)+len(e.Detail)+len(e.InventoryHash)+96)
	return appendEntry(append(dst, formatVersion), e)
}

// DecodeRecord reads the entries of a record. They share its memory.
func DecodeRecord(record []byte) ([]Entry, error) {
	if len(record) == 0 {
		return nil, fmt.Errorf("%w: it is empty", errRecord)
	}
	if record[0] != formatVersion {
		return nil, fmt.Errorf("%w: format %d is not known", errRecord, record[0])
	}
	r := reader{b: record[1:]}
	var entries []Entry
	for len(r.b) > 0 {
		e := Entry{Kind: Kind(r.byte()), Encoding: Encoding(r.byte()), Trigger: inventory.Trigger(r.byte())}
		e.SiteID = int64(r.uvarint())
		copy(e.ReportID[:], r.bytes(len(e.ReportID)))
		e.Received, e.Collected = r.varint(), r.varint()
		e.InventoryHash = string(r.bytes(r.length()))
		switch e.Kind {
		case KindReport:
			copy(e.ContentHash[:], r.bytes(len(e.ContentHash)))
			e.Body = r.bytes(r.length())
		case KindRefused:
			e.Detail = string(r.bytes(r.length()))
			e.Body = r.bytes(r.length())
		case KindHeartbeat:
		default:
			r.bad = true
		}
		if r.bad || e.Encoding > S2 || e.SiteID <= 0 {
			return nil, fmt.Errorf("%w: it is damaged", errRecord)
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w: it holds nothing", errRecord)
	}
	return entries, nil
}

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	b := r.bytes(1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) length() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

// ErrTooLarge says that a body is larger than MaxBody, as sent or inflated.
var ErrTooLarge = fmt.Errorf("the report is larger than %d bytes (2 MiB), which is the limit as sent and again after inflating", MaxBody)

// ErrGzip says that a body is not the gzip it claims to be.
var ErrGzip = errors.New("the body is not valid gzip")

var gzipReaders sync.Pool

// Inflate appends what the gzip in body holds to dst. It reads no more than
// MaxBody bytes: a bomb costs what a large report costs.
func Inflate(dst, body []byte) ([]byte, error) {
	src := bytes.NewReader(body)
	zr, _ := gzipReaders.Get().(*gzip.Reader)
	var err error
	if zr == nil {
		zr, err = gzip.NewReader(src)
	} else {
		err = zr.Reset(src)
	}
	if err != nil {
		return dst, ErrGzip
	}
	defer gzipReaders.Put(zr)
	start := len(dst)
	for {
		if len(dst)-start > MaxBody {
			return dst, ErrTooLarge
		}
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := zr.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			if len(dst)-start > MaxBody {
				return dst, ErrTooLarge
			}
			return dst, nil
		}
		if err != nil {
			return dst, ErrGzip
		}
	}
}

// plain gives the body as text, inflated where it is compressed.
func (e *Entry) plain() ([]byte, error) {
	switch e.Encoding {
	case Gzip:
		return Inflate(nil, e.Body)
	case S2:
		if n, err := s2.DecodedLen(e.Body); err != nil || n > MaxBody {
			return nil, errors.New("the body is not what the door compressed")
		}
		body, err := s2.Decode(nil, e.Body)
		if err != nil {
			return nil, fmt.Errorf("decompress a report: %w", err)
		}
		return body, nil
	}
	return e.Body, nil
}

// clip cuts text to at most n bytes at a character, and makes it fit for the
// database: valid UTF-8 without U+0000.
func clip(text []byte, n int) string {
	if len(text) > n {
		text = text[:n]
		for len(text) > 0 && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
		if r, size := utf8.DecodeLastRune(text); r == utf8.RuneError && size == 1 {
			text = text[:len(text)-1]
		}
	}
	text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	return string(bytes.ReplaceAll(text, []byte{0}, []byte("\uFFFD")))
}
