package sitekey

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func newKey(t *testing.T) Key {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNewKeyIsReadBack(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		k := newKey(t)
		back, err := Parse(k.Reveal())
		if err != nil || back != k {
			t.Fatalf("Parse(new key) = %v, %v", back, err)
		}
		if seen[k.Reveal()] {
			t.Fatal("the same key twice")
		}
		seen[k.Reveal()] = true
		want := sha256.Sum256([]byte(k.Reveal()))
		if !bytes.Equal(k.Hash(), want[:]) || k.Sum() != want {
			t.Fatal("Hash is not the SHA-256 of the whole key")
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := newKey(t).Reveal()
	flip := func(i int) string {
		c := byte('a')
		if good[i] == c {
			c = 'b'
		}
		return good[:i] + string(c) + good[i+1:]
	}
	cases := map[string]string{
		"nothing":                      "",
		"another prefix":               "dbt_user_" + good[len(prefix):],
		"one character less":           good[:len(good)-1],
		"one character more":           good + "a",
		"a typo in the random part":    flip(20),
		"a typo in the checksum":       flip(len(good) - 1),
		"characters outside of base62": prefix + strings.Repeat("-", randomChars+checkChars),
		"a space before":               " " + good[:len(good)-1],
	}
	body := prefix + strings.Repeat("-", randomChars)
	sum := checksum(body)
	cases["a right checksum over other characters"] = body + string(sum[:])
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if k, err := Parse(text); err != ErrMalformed || k != (Key{}) {
				t.Fatalf("Parse = %v, %v", k, err)
			}
		})
	}
}

func TestKeyNeverPrintsItself(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s %q %x", k, k, k, k, k, k)
	fmt.Fprintf(&out, "%v %+v %#v", struct{ K Key }{k}, []Key{k}, map[string]Key{"a": k})
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "key", k, "in", struct{ K Key }{k})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k)
	if err := json.NewEncoder(&out).Encode(struct{ K Key }{k}); err != nil {
		t.Fatal(err)
	}
	secret := k.Reveal()[len(prefix) : len(k.Reveal())-hintTail]
	if strings.Contains(out.String(), secret) || strings.Contains(out.String(), fmt.Sprintf("%x", secret)) {
		t.Fatalf("the key was printed: %s", out.String())
	}
	if want := prefix + "…" + k.Reveal()[len(k.Reveal())-4:]; k.Hint() != want {
		t.Fatalf("Hint = %q, want %q", k.Hint(), want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("")
	f.Add("dbt_site_")
	f.Add("dbt_site_0123456789ABCDEFGHIJKLMNOPQRST012345")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := Parse(text); err == nil && k.Reveal() != text {
			t.Fatal("parsed into another key")
		}
	})
}
