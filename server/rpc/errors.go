package rpc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/protobuf/proto"

	"drumbeat/server/platform/fault"
)

// errorMapper turns errors into codes, in this one place.
type errorMapper struct {
	log *slog.Logger
}

var codes = map[fault.Kind]connect.Code{
	fault.Invalid:         connect.CodeInvalidArgument,
	fault.NotFound:        connect.CodeNotFound,
	fault.Conflict:        connect.CodeAborted,
	fault.Precondition:    connect.CodeFailedPrecondition,
	fault.Unauthenticated: connect.CodeUnauthenticated,
	fault.Forbidden:       connect.CodePermissionDenied,
	fault.Limited:         connect.CodeResourceExhausted,
	fault.Unavailable:     connect.CodeUnavailable,
}

// toConnect gives the caller what a feature meant for them, and for anything
// else an id under which the log has the cause.
func (m *errorMapper) toConnect(ctx context.Context, procedure string, err error) *connect.Error {
	var known *fault.Error
	var connectErr *connect.Error
	var connection *pgconn.ConnectError
	switch {
	case errors.As(err, &known):
		code, ok := codes[known.Kind]
		if !ok {
			break
		}
		e := connect.NewError(code, errors.New(known.Error()))
		if known.Field != "" {
			if d, err := connect.NewErrorDetail(violation(known)); err == nil {
				e.AddDetail(d)
			}
		}
		if known.RetryAfter > 0 {
			retryAfter(e, known.RetryAfter)
		}
		return e
	case errors.As(err, &connectErr):
		// From connect itself or the field rules: decoding, sizes, unknown methods.
		if connectErr.Code() != connect.CodeInternal && connectErr.Code() != connect.CodeUnknown {
			return connectErr
		}
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		return connect.NewError(connect.CodeDeadlineExceeded, errors.New("the call took longer than its deadline"))
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return connect.NewError(connect.CodeCanceled, errors.New("the call was given up"))
	case errors.As(err, &connection):
		m.log.ErrorContext(ctx, "the database cannot be reached", "method", procedure, "error", err)
		e := connect.NewError(connect.CodeUnavailable, errors.New("the database cannot be reached; try again in a moment"))
		retryAfter(e, 5*time.Second)
		return e
	}
	id := strings.ToLower(rand.Text()[:12])
	m.log.ErrorContext(ctx, "a call failed", "method", procedure, "error_id", id, "error", err)
	return connect.NewError(connect.CodeInternal, fmt.Errorf("something went wrong on the server; its log has more under %s", id))
}

func retryAfter(e *connect.Error, d time.Duration) {
	e.Meta().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))))
}

// violation tells of a wrong field in the form in which the field rules do.
func violation(f *fault.Error) proto.Message {
	return &validate.Violations{Violations: []*validate.Violation{{
		Field:   &validate.FieldPath{Elements: []*validate.FieldPathElement{{FieldName: proto.String(f.Field)}}},
		RuleId:  proto.String("drumbeat." + f.Field),
		Message: proto.String(f.Message),
	}}}
}

// writeForbidden answers a request that another site's page sent.
func writeForbidden(w http.ResponseWriter, r *http.Request) {
	_ = connect.NewErrorWriter().Write(w, r, connect.NewError(connect.CodePermissionDenied, errors.New("requests from other web sites are refused")))
}
