package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"drumbeat/server/platform/fault"
)

// outermost logs each call, turns errors into codes, and keeps a panic from
// ending more than its own call. Requests are not logged: they hold passwords.
type outermost struct {
	log  *slog.Logger
	errs *errorMapper
	now  func() time.Time
}

func (o *outermost) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (res connect.AnyResponse, err error) {
		err = o.around(ctx, req.Spec().Procedure, func() error {
			var err error
			res, err = next(ctx, req)
			return err
		})
		if err != nil {
			return nil, err
		}
		return res, nil
	}
}

func (o *outermost) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (o *outermost) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return o.around(ctx, conn.Spec().Procedure, func() error { return next(ctx, conn) })
	}
}

func (o *outermost) around(ctx context.Context, procedure string, call func() error) error {
	start := o.now()
	err := recovered(call)
	// Calls that went well are for those who look for something.
	code, level := "ok", slog.LevelDebug
	var out error
	if err != nil {
		e := o.errs.toConnect(ctx, procedure, err)
		code, level, out = e.Code().String(), slog.LevelInfo, e
	}
	o.log.Log(ctx, level, "call", "method", procedure, "code", code, "ms", o.now().Sub(start).Milliseconds(), "address", connectionFrom(ctx).address)
	return out
}

func recovered(call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return call()
}

// noNUL refuses U+0000 in any text of a request: it is valid in JSON and in
// protobuf, and PostgreSQL takes none.
type noNUL struct{}

func (noNUL) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := refuseNUL(req.Any()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

func (noNUL) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (noNUL) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return next(ctx, &policedConn{StreamingHandlerConn: conn, admit: refuseNUL})
	}
}

func refuseNUL(msg any) error {
	m, ok := msg.(proto.Message)
	if !ok {
		return nil
	}
	return refuseNULIn("", m.ProtoReflect())
}

func refuseNULIn(path string, m protoreflect.Message) (err error) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := path + string(f.Name())
		switch {
		case f.IsMap():
			// No request has one; when one does, this has to learn it.
			err = fmt.Errorf("field %s is a map, whose texts nobody checks", name)
		case f.IsList():
			for i := range v.List().Len() {
				if err = refuseNULAt(fmt.Sprintf("%s[%d]", name, i), f, v.List().Get(i)); err != nil {
					break
				}
			}
		default:
			err = refuseNULAt(name, f, v)
		}
		return err == nil
	})
	return err
}

func refuseNULAt(path string, f protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch f.Kind() {
	case protoreflect.StringKind:
		for _, r := range v.String() {
			if r == 0 {
				return fault.Field(path, "must not contain the character U+0000")
			}
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return refuseNULIn(path+".", v.Message())
	}
	return nil
}
