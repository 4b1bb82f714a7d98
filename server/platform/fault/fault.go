// Package fault is how a feature says that a call cannot be served: what kind
// of obstacle it is and a sentence for the caller. Any other error is internal
// and never shown. It knows no protocol: the adapters turn kinds into codes.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind is the sort of obstacle, by what the caller can do about it.
type Kind int

const (
	// Invalid: the request is wrong and has to be changed.
	Invalid Kind = iota + 1
	// NotFound: there is no such thing, or it is not the caller's to see.
	NotFound
	// Conflict: it collides with what is there.
	Conflict
	// Precondition: it cannot be done in the present state.
	Precondition
	// Unauthenticated: the caller has to sign in.
	Unauthenticated
	// Forbidden: the caller's role is too low.
	Forbidden
	// Limited: too many calls; see RetryAfter.
	Limited
	// Unavailable: something needed is down or full; see RetryAfter.
	Unavailable
)

// Error is an obstacle that the caller may know of.
type Error struct {
	Kind Kind
	// Field of the request that is wrong, as in the contract; empty for none.
	Field string
	// Message is a sentence without a full stop. It never holds a secret.
	Message string
	// RetryAfter is when it is worth trying again; 0 when not known.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// New makes an error of a kind.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Field makes an Invalid error about one field of the request.
func Field(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Is says whether err is, or wraps, an Error of the kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}
