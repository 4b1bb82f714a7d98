package orgs

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"drumbeat/server/platform/fault"
)

const (
	minPassword = 8
	maxPassword = 128
	// Two hashes fill a small machine; more at a time only slow each other down.
	hashesAtOnce = 4
	hashesQueued = 64
)

// The second of OWASP's recommended settings, at about 30 to 60 ms.
var hashParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hasher bounds how many passwords are hashed at once, since each takes 19 MiB
// and a good part of a core: without it, signing in would be a way to bring
// the server down.
type hasher struct {
	slots chan struct{}
	queue chan struct{}
	// A hash of nothing anybody has, so that an unknown address takes as long as a known one.
	dummy string
}

func newHasher() (*hasher, error) {
	dummy, err := argon2id.CreateHash(newToken(), hashParams)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	return &hasher{slots: make(chan struct{}, hashesAtOnce), queue: make(chan struct{}, hashesAtOnce+hashesQueued), dummy: dummy}, nil
}

func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, &fault.Error{Kind: fault.Unavailable, Message: "too many people are signing in at once; try again in a moment", RetryAfter: 2 * time.Second}
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots; <-h.queue }, nil
	case <-ctx.Done():
		<-h.queue
		return nil, ctx.Err()
	}
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	hash, err := argon2id.CreateHash(password, hashParams)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// matches says whether the password is that of hash, and whether the hash was
// made with other settings than today's. An empty hash matches nothing and
// takes as long.
func (h *hasher) matches(ctx context.Context, password, hash string) (ok, stale bool, err error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	known := hash != ""
	if !known {
		hash = h.dummy
	}
	ok, params, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, fmt.Errorf("check a password: %w", err)
	}
	return ok && known, *params != *hashParams, nil
}

//go:embed common_passwords.txt
var commonPasswordList string

var commonPasswords = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(commonPasswordList) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			set[line] = true
		}
	}
	return set
})

// checkNewPassword refuses what is guessed first: the best-known passwords,
// also with another capitalisation or with digits behind, and what is known
// about the person. There are no rules about kinds of characters.
func checkNewPassword(field, password, name, email string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return fault.Field(field, "must have %d to %d characters", minPassword, maxPassword)
	}
	folded := strings.ToLower(strings.TrimSpace(password))
	bare := strings.TrimRight(folded, "0123456789!.")
	if commonPasswords()[folded] || commonPasswords()[bare] || sameCharacter(folded) {
		return fault.Field(field, "is one of the passwords that are tried first; choose another")
	}
	local, _, _ := strings.Cut(strings.ToLower(email), "@")
	name = strings.ToLower(name)
	for _, known := range []string{strings.ToLower(email), local, name, strings.ReplaceAll(name, " ", "")} {
		if known != "" && (folded == known || bare == known) {
			return fault.Field(field, "must not be your name or address")
		}
	}
	return nil
}

func sameCharacter(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return strings.Trim(s, string(first)) == ""
}
