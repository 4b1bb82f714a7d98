package rpc

import (
	"errors"
	"net/http"
	"strconv"

	"connectrpc.com/connect"

	"drumbeat/server/ingest"
)

// retrySoon is what a sender waits when the fault is the server's, in seconds.
const retrySoon = "2"

// ingestFault is how one error reaches a sender. The status says what to do:
// 400, 413, 415 drop the report; 401, 403 stop; 429, 503 keep it and come back.
type ingestFault struct {
	status int
	code   connect.Code
	err    error
	retry  string
}

func faultOf(err error) ingestFault {
	var limit *limited
	var form *unsupported
	var bad *invalidReport
	var cut *unreadable
	switch {
	case errors.Is(err, errNoKey), errors.Is(err, ingest.ErrUnknownKey):
		return ingestFault{http.StatusUnauthorized, connect.CodeUnauthenticated, err, ""}
	case errors.Is(err, ingest.ErrOtherSite):
		return ingestFault{http.StatusForbidden, connect.CodePermissionDenied, err, ""}
	case errors.Is(err, ingest.ErrTooLarge):
		return ingestFault{http.StatusRequestEntityTooLarge, connect.CodeInvalidArgument, err, ""}
	case errors.As(err, &form):
		return ingestFault{http.StatusUnsupportedMediaType, connect.CodeInvalidArgument, err, ""}
	case errors.As(err, &limit):
		return ingestFault{http.StatusTooManyRequests, connect.CodeResourceExhausted, err, strconv.Itoa(int(limit.wait.Seconds()))}
	case errors.As(err, &bad), errors.Is(err, ingest.ErrGzip):
		return ingestFault{http.StatusBadRequest, connect.CodeInvalidArgument, err, ""}
	case errors.As(err, &cut):
		// The line was at fault, not the report: it is worth sending again.
		return ingestFault{http.StatusServiceUnavailable, connect.CodeUnavailable, err, retrySoon}
	}
	// What is wrong in here is nobody's business out there.
	return ingestFault{http.StatusServiceUnavailable, connect.CodeUnavailable, ingest.ErrUnavailable, retrySoon}
}

// wrong tells whether an error is about what the report says, so that people
// should see it in the site's log.
func wrong(err error) bool {
	switch faultOf(err).status {
	case http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusBadRequest, http.StatusUnsupportedMediaType:
		return true
	}
	return false
}

func plainMessage(err error) string { return faultOf(err).err.Error() }

// connectError is the error as the generated handler passes it on.
func connectError(err error) *connect.Error {
	fault := faultOf(err)
	out := connect.NewError(fault.code, fault.err)
	if fault.retry != "" {
		out.Meta().Set("Retry-After", fault.retry)
	}
	var bad *invalidReport
	if errors.As(err, &bad) && bad.violations != nil {
		if detail, err := connect.NewErrorDetail(bad.violations); err == nil {
			out.AddDetail(detail)
		}
	}
	return out
}

// fail answers with an error in the protocol of the request.
func (h *IngestHandler) fail(w http.ResponseWriter, r *http.Request, err error) {
	fault := faultOf(err)
	if fault.status == http.StatusServiceUnavailable {
		h.log.Warn("a report could not be taken", "error", err)
	}
	if fault.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	out := http.ResponseWriter(w)
	if !framed(r.Header.Get("Content-Type")) {
		out = &statusWriter{w, fault.status}
	}
	if err := h.errors.Write(out, r, connectError(err)); err != nil {
		h.log.Debug("the refusal of a report was not taken", "error", err)
	}
}

// statusWriter answers with a status of its own: Connect has fewer than senders
// have to tell apart.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(int) { w.ResponseWriter.WriteHeader(w.status) }
