// Package cursor makes the page tokens of lists: opaque to the caller, good
// only for the request they came from.
//
// A token holds the sort key of the last row of a page. It grants nothing (the
// queries check again whose rows they are), so that it is bound but not signed.
package cursor

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"drumbeat/server/platform/fault"
)

const bindingSize = 8

// Binding is what a token is good for: a list with its filters and order.
type Binding [bindingSize]byte

// Bind makes a binding of everything that decides which rows a list holds and
// in which order. The page size does not.
func Bind(parts ...any) Binding {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%T %q\n", p, fmt.Sprint(p))
	}
	return Binding(h.Sum(nil)[:bindingSize])
}

// Encode makes the token of the page after the row with the given key, which
// is any value that JSON can hold.
func Encode(b Binding, key any) (string, error) {
	body, err := json.Marshal(key)
	if err != nil {
		return "", fmt.Errorf("encode a page token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(append(b[:], body...)), nil
}

// Decode reads the key of a token into key. The error is of kind
// fault.Invalid and names page_token.
func Decode(b Binding, token string, key any) error {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < bindingSize {
		return fault.Field("page_token", "is not a token of this server")
	}
	if Binding(raw[:bindingSize]) != b {
		return fault.Field("page_token", "belongs to another list, order or search; start from the first page")
	}
	d := json.NewDecoder(bytes.NewReader(raw[bindingSize:]))
	d.DisallowUnknownFields()
	if err := d.Decode(key); err != nil {
		return fault.Field("page_token", "is not a token of this server")
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.Field("page_token", "is not a token of this server")
	}
	return nil
}
