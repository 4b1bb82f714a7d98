// Package sitekey makes and reads the keys that sites report with.
//
// A key reads `dbt_site_`, 30 random characters and a checksum of 6, all of
// base62: the prefix lets secret scanners find a leaked one, the checksum
// refuses typos without a look into the database. Only Hash may be stored.
package sitekey

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
)

const (
	prefix        = "dbt_site_"
	randomChars   = 30 // 178 bits
	checkChars    = 6  // 62^6 > 2^32
	hintTail      = 4
	keyLength     = len(prefix) + randomChars + checkChars
	alphabet      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	unbiasedBytes = 256 - 256%len(alphabet)
)

// ErrMalformed says that a text is no site key: wrong prefix, length,
// alphabet or checksum. It never holds the text.
var ErrMalformed = errors.New("not a site key")

// Key is one site key. It does not print itself; Reveal gives the text.
type Key struct{ text string }

// New makes a key from 178 random bits.
func New() (Key, error) {
	buf := make([]byte, 0, keyLength)
	buf = append(buf, prefix...)
	var random [randomChars * 2]byte
	for len(buf) < len(prefix)+randomChars {
		if _, err := rand.Read(random[:]); err != nil {
			return Key{}, fmt.Errorf("read randomness for a site key: %w", err)
		}
		for _, b := range random {
			if int(b) < unbiasedBytes && len(buf) < len(prefix)+randomChars {
				buf = append(buf, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	sum := checksum(string(buf))
	return Key{text: string(append(buf, sum[:]...))}, nil
}

// Parse reads a key from its text. The error is ErrMalformed or nil.
func Parse(text string) (Key, error) {
	if len(text) != keyLength || text[:len(prefix)] != prefix {
		return Key{}, ErrMalformed
	}
	body := text[:keyLength-checkChars]
	if sum := checksum(body); string(sum[:]) != text[keyLength-checkChars:] {
		return Key{}, ErrMalformed
	}
	for i := len(prefix); i < len(body); i++ {
		c := body[i]
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			return Key{}, ErrMalformed
		}
	}
	return Key{text: text}, nil
}

// Reveal gives the text of the key, to be shown once to the person who made it.
func (k Key) Reveal() string { return k.text }

// Hash is the SHA-256 of the whole key: the only form that is stored.
func (k Key) Hash() []byte {
	sum := sha256.Sum256([]byte(k.text))
	return sum[:]
}

// Sum is Hash as an array, fit for a map.
func (k Key) Sum() [sha256.Size]byte { return sha256.Sum256([]byte(k.text)) }

// Hint is the prefix and the last four characters, to tell keys apart.
func (k Key) Hint() string {
	if k.text == "" {
		return ""
	}
	return prefix + "…" + k.text[len(k.text)-hintTail:]
}

// String is Hint: a key that is printed by accident stays secret.
func (k Key) String() string { return k.Hint() }

// GoString is Hint, for %#v.
func (k Key) GoString() string { return k.Hint() }

// LogValue is Hint.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.Hint()) }

// MarshalText is Hint, so that no encoder spills the key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.Hint()), nil }

func checksum(body string) [checkChars]byte {
	n := crc32.ChecksumIEEE([]byte(body))
	var out [checkChars]byte
	for i := checkChars - 1; i >= 0; i-- {
		out[i] = alphabet[n%uint32(len(alphabet))]
		n /= uint32(len(alphabet))
	}
	return out
}
