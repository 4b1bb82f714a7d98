package orgs

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// newToken makes a token of 256 random bits, as text for a cookie or link.
func newToken() string {
	var b [32]byte
	rand.Read(b[:]) // never fails; the program ends if there is no randomness
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashToken gives what is stored of a token.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
