package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	ingestv1 "drumbeat/gen/go/drumbeat/ingest/v1"
	"drumbeat/gen/go/drumbeat/ingest/v1/ingestv1connect"
	"drumbeat/server/ingest"
	"drumbeat/server/inventory"
)

// IngestHandler serves IngestService. A report in plain JSON, which is what
// sites send, takes a way of its own past the protobuf decoder; the wire format
// is Connect's all the same. Everything else is served by the generated handler.
//
// The order of the walls: size as declared, key, rate, size as read, shape.
// Nothing of the body is read before the key is known.
type IngestHandler struct {
	acceptor *ingest.Acceptor
	check    *reportCheck
	connect  http.Handler
	errors   *connect.ErrorWriter
	log      *slog.Logger
	next     string
}

// NewIngestHandler gives the path to mount the handler at, and the handler.
// The options are for the generated part.
func NewIngestHandler(acceptor *ingest.Acceptor, log *slog.Logger, opts ...connect.HandlerOption) (string, *IngestHandler, error) {
	check, err := newReportCheck()
	if err != nil {
		return "", nil, err
	}
	h := &IngestHandler{
		acceptor: acceptor, check: check, errors: connect.NewErrorWriter(), log: log,
		next: fmt.Sprintf("%gs", acceptor.NextReport.Seconds()),
	}
	opts = append([]connect.HandlerOption{connect.WithReadMaxBytes(ingest.MaxBody)}, opts...)
	var path string
	path, h.connect = ingestv1connect.NewIngestServiceHandler(ingestService{h}, opts...)
	return path, h, nil
}

type siteContextKey struct{}

// ServeHTTP serves one request.
func (h *IngestHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	submit := r.URL.Path == ingestv1connect.IngestServiceSubmitReportProcedure
	if !submit && r.URL.Path != ingestv1connect.IngestServiceCheckConnectionProcedure {
		http.NotFound(w, r)
		return
	}
	if r.ContentLength > ingest.MaxBody {
		h.fail(w, r, ingest.ErrTooLarge)
		return
	}
	site, err := h.site(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if ok, wait := h.acceptor.Limiter.Allow(r.Context(), site); !ok {
		h.fail(w, r, &limited{wait})
		return
	}
	contentType := r.Header.Get("Content-Type")
	switch {
	case submit && r.Method == http.MethodPost && plainJSON(contentType) && plainConnect(r.Header):
		h.submitJSON(w, r, site)
		return
	case r.Method == http.MethodPost && unaryConnect(contentType):
		// Connect's own word for too large is 429, on which senders try again for ever.
		body, err := h.readPlain(r)
		if err != nil {
			h.refuse(w, r, site, nil, nil, err)
			return
		}
		r = r.Clone(r.Context())
		r.Header.Del("Content-Encoding")
		r.Body, r.ContentLength = body, int64(body.Len())
	case r.Method == http.MethodPost && !framed(contentType):
		// The generated handler would answer with a bare status: whoever forgets the
		// header, which is easy with curl, would not learn what is missing.
		h.refuse(w, r, site, nil, nil, errContentType)
		return
	}
	h.connect.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), siteContextKey{}, site)))
}

// site finds the site of the request's key, which is all that is looked at.
func (h *IngestHandler) site(r *http.Request) (*ingest.Site, error) {
	const scheme = "bearer "
	auth := r.Header.Get("Authorization")
	if len(auth) < len(scheme) || !strings.EqualFold(auth[:len(scheme)], scheme) {
		return nil, errNoKey
	}
	return h.acceptor.Site(r.Context(), strings.TrimSpace(auth[len(scheme):]))
}

// scratch is the memory of one request.
type scratch struct {
	sent, text []byte
	sum        inventory.Summary
}

// keepScratch bounds what a pooled buffer may hold on to, in bytes.
const keepScratch = 256 << 10

var scratches = sync.Pool{New: func() any { return &scratch{sent: make([]byte, 0, 32<<10)} }}

func (s *scratch) release() {
	if cap(s.sent) > keepScratch {
		s.sent = make([]byte, 0, 32<<10)
	}
	if cap(s.text) > keepScratch {
		s.text = nil
	}
	scratches.Put(s)
}

// submitJSON is SubmitReport in plain JSON.
func (h *IngestHandler) submitJSON(w http.ResponseWriter, r *http.Request, site *ingest.Site) {
	s := scratches.Get().(*scratch)
	defer s.release()
	submission := ingest.Submission{Summary: &s.sum}
	var err error
	if s.sent, err = readBody(s.sent[:0], r); err != nil {
		h.refuse(w, r, site, nil, s.sent, err)
		return
	}
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		submission.Text, submission.Sent = s.sent, s.sent
	case "gzip":
		if s.text, err = ingest.Inflate(s.text[:0], s.sent); err != nil {
			h.refuse(w, r, site, nil, nil, err)
			return
		}
		submission.Text, submission.Sent, submission.Encoding = s.text, s.sent, ingest.Gzip
	default:
		h.refuse(w, r, site, nil, nil, &unsupported{"the content encoding is not supported: send the report plain or with gzip"})
		return
	}
	if !inventory.Scan(submission.Text, &s.sum) {
		// Unusual or wrong: the contract's own decoder decides, and says what is wrong.
		msg, err := h.check.decodeJSON(submission.Text)
		if err != nil {
			h.refuse(w, r, site, msg, submission.Text, err)
			return
		}
		if submission.Text, err = h.check.canonical(msg, &s.sum); err != nil {
			h.refuse(w, r, site, msg, submission.Text, err)
			return
		}
		submission.Sent, submission.Encoding = submission.Text, ingest.Identity
	}
	fullNeeded, err := h.acceptor.Accept(r.Context(), site, &submission)
	if err != nil {
		h.refuseSummary(w, r, site, &s.sum, submission.Text, err)
		return
	}
	var answer [128]byte
	out := append(answer[:0], `{"reportId":"`...)
	out = appendUUID(out, s.sum.ReportID)
	out = append(out, `","nextReportIn":"`...)
	out = append(out, h.next...)
	out = append(out, '"')
	if fullNeeded {
		out = append(out, `,"fullReportNeeded":true`...)
	}
	out = append(out, '}')
	w.Header()["Content-Type"] = jsonType
	if _, err := w.Write(out); err != nil {
		h.log.Debug("the answer to a report was not taken", "error", err)
	}
}

var jsonType = []string{"application/json"}

// readBody appends the request's body to dst, at most MaxBody bytes of it.
func readBody(dst []byte, r *http.Request) ([]byte, error) {
	if n := r.ContentLength; n >= 0 {
		if n > ingest.MaxBody {
			return dst, ingest.ErrTooLarge
		}
		if int64(cap(dst)) < n {
			dst = make([]byte, 0, n)
		}
		dst = dst[:n]
		if _, err := io.ReadFull(r.Body, dst); err != nil {
			return dst[:0], &unreadable{err}
		}
		return dst, nil
	}
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Body.Read(dst[len(dst):min(cap(dst), ingest.MaxBody+1)])
		dst = dst[:len(dst)+n]
		if len(dst) > ingest.MaxBody {
			return dst, ingest.ErrTooLarge
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, &unreadable{err}
		}
	}
}

// plainBody is a body in memory.
type plainBody struct{ *strings.Reader }

func (plainBody) Close() error { return nil }

// readPlain reads and inflates a whole body for the generated handler.
func (h *IngestHandler) readPlain(r *http.Request) (plainBody, error) {
	body, err := readBody(nil, r)
	if err != nil {
		return plainBody{}, err
	}
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		if body, err = ingest.Inflate(nil, body); err != nil {
			return plainBody{}, err
		}
	default:
		return plainBody{}, &unsupported{"the content encoding is not supported: send the report plain or with gzip"}
	}
	return plainBody{strings.NewReader(string(body))}, nil
}

// refuse answers a report that cannot be taken, and notes it for the site.
func (h *IngestHandler) refuse(w http.ResponseWriter, r *http.Request, site *ingest.Site, msg *ingestv1.SubmitReportRequest, body []byte, err error) {
	h.refuseSummary(w, r, site, summaryOf(msg), body, err)
}

func (h *IngestHandler) refuseSummary(w http.ResponseWriter, r *http.Request, site *ingest.Site, sum *inventory.Summary, body []byte, err error) {
	if wrong(err) {
		h.acceptor.Refused(site, sum, plainMessage(err), body)
	}
	h.fail(w, r, err)
}

// ingestService is what the generated handler calls: binary, gRPC, and JSON in
// forms that are Connect's alone.
type ingestService struct{ h *IngestHandler }

// SubmitReport takes one report.
func (s ingestService) SubmitReport(ctx context.Context, msg *ingestv1.SubmitReportRequest) (*ingestv1.SubmitReportResponse, error) {
	site, ok := ctx.Value(siteContextKey{}).(*ingest.Site)
	if !ok {
		return nil, connectError(errNoKey)
	}
	var sum inventory.Summary
	err := s.h.check.validate(msg)
	var fullNeeded bool
	var text []byte
	if err == nil {
		if text, err = s.h.check.canonical(msg, &sum); err == nil {
			fullNeeded, err = s.h.acceptor.Accept(ctx, site, &ingest.Submission{Summary: &sum, Text: text, Sent: text})
		}
	}
	if err != nil {
		if wrong(err) {
			s.h.acceptor.Refused(site, summaryOf(msg), plainMessage(err), text)
		}
		return nil, connectError(err)
	}
	return &ingestv1.SubmitReportResponse{
		ReportId:         string(appendUUID(nil, sum.ReportID)),
		NextReportIn:     durationpb.New(s.h.acceptor.NextReport),
		FullReportNeeded: fullNeeded,
	}, nil
}

// CheckConnection says whom the key belongs to.
func (s ingestService) CheckConnection(ctx context.Context, _ *ingestv1.CheckConnectionRequest) (*ingestv1.CheckConnectionResponse, error) {
	site, ok := ctx.Value(siteContextKey{}).(*ingest.Site)
	if !ok {
		return nil, connectError(errNoKey)
	}
	return &ingestv1.CheckConnectionResponse{
		SiteId: string(appendUUID(nil, site.UUID)), SiteName: site.Name, SiteUrl: site.URL,
		ServerTime: timestamppb.New(s.h.acceptor.Now()),
	}, nil
}

// plainJSON tells whether a content type is JSON in UTF-8.
func plainJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	kind, params, _ := strings.Cut(contentType, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return false
	}
	name, value, _ := strings.Cut(strings.TrimSpace(params), "=")
	return name == "" || strings.EqualFold(name, "charset") && strings.EqualFold(strings.Trim(value, `"`), "utf-8")
}

// plainConnect tells whether the headers ask for nothing but Connect's first version.
func plainConnect(header http.Header) bool {
	version := header.Get("Connect-Protocol-Version")
	return version == "" || version == "1"
}

func unaryConnect(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || kind == "application/proto"
}

// framed tells whether a content type is of a protocol with a form of its own for errors.
func framed(contentType string) bool {
	contentType = strings.ToLower(contentType)
	return strings.HasPrefix(contentType, "application/grpc") || strings.HasPrefix(contentType, "application/connect+")
}

var errNoKey = errors.New("send the site's key in the header Authorization: Bearer <key>")

// limited says that a key has sent too many reports.
type limited struct{ wait time.Duration }

func (e *limited) Error() string {
	return fmt.Sprintf("too many reports with this key: send again in %d seconds", int(e.wait.Seconds()))
}

// unsupported says that a body is in a form that nobody asked for.
type unsupported struct{ text string }

func (e *unsupported) Error() string { return e.text }

var errContentType = &unsupported{"send JSON, with the header Content-Type: application/json"}

// unreadable says that the body ended early or came too slowly.
type unreadable struct{ err error }

func (e *unreadable) Error() string { return "the body could not be read to its end" }
func (e *unreadable) Unwrap() error { return e.err }
