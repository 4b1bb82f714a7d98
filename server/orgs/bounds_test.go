package orgs

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"drumbeat/server/platform/fault"
	"drumbeat/server/platform/testkit"
)

func TestAPasswordIsCheckedAgainstItsHash(t *testing.T) {
	t.Parallel()
	h, err := newHasher()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := h.hash(t.Context(), "a horse with no name")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		password, hash string
		ok, stale      bool
	}{
		"the right one matches":         {"a horse with no name", hash, true, false},
		"another does not":              {"a horse with no nama", hash, false, false},
		"nobody's hash matches nothing": {"a horse with no name", "", false, false},
		"older settings are stale":      {"x", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok, stale, err := h.matches(t.Context(), c.password, c.hash)
			if err != nil || ok != c.ok || stale != c.stale {
				t.Fatalf("got %v, %v, %v", ok, stale, err)
			}
		})
	}
}

func TestHashingNeverPilesUp(t *testing.T) {
	t.Parallel()
	h, err := newHasher()
	if err != nil {
		t.Fatal(err)
	}
	for range hashesAtOnce + hashesQueued {
		h.queue <- struct{}{}
	}
	if _, _, err := h.matches(t.Context(), "x", ""); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("with a full queue: %v", err)
	}
	<-h.queue
	if _, _, err := h.matches(t.Context(), "x", ""); err != nil {
		t.Fatalf("with room: %v", err)
	}
}

func TestWithoutRedisTriesAreCountedMoreStrictly(t *testing.T) {
	t.Parallel()
	// Nothing listens there.
	dead := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", DialTimeout: time.Second, MaxRetries: -1})
	t.Cleanup(func() { _ = dead.Close() })
	for name, client := range map[string]redis.UniversalClient{"when it is down": dead, "when there is none": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			th := newThrottle(client, testkit.Logger(t))
			allowed := 0
			for range 10 {
				if th.allow(t.Context(), "ann@example.org", "203.0.113.1") == nil {
					allowed++
				}
			}
			if want := accountLimits[0].Burst / 2; allowed != want {
				t.Fatalf("%d tries, want %d", allowed, want)
			}
			th.forget(t.Context(), "ANN@example.org ")
			if err := th.allow(t.Context(), "ann@example.org", "203.0.113.2"); err != nil {
				t.Fatalf("after the right password: %v", err)
			}
		})
	}
}

func TestTheLongerOneGuessesTheLongerOneWaits(t *testing.T) {
	t.Parallel()
	th := newThrottle(testkit.Redis(t), testkit.Logger(t)).counting(t.Context())
	th.ctx = t.Context() // no hurry
	defer th.end()
	key := accountKey("ann@example.org")
	var waits []time.Duration
	for i, limit := range accountLimits {
		// The tiers count alike; each is used up on its own here.
		for range limit.Burst {
			if w := th.one(t.Context(), tierKey(key, i), limit); w > 0 {
				t.Fatalf("tier %d refused within its burst", i)
			}
		}
		waits = append(waits, th.one(t.Context(), tierKey(key, i), limit))
	}
	for i, w := range waits {
		if w <= 0 || i > 0 && w < 2*waits[i-1] {
			t.Fatalf("waits %v do not grow", waits)
		}
	}
	if last := waits[len(waits)-1]; last > time.Hour {
		t.Fatalf("the longest wait is %v", last)
	}
}

func TestAddressesAreCountedByWhoHasThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b string
		same bool
	}{
		"an IPv6 network is one":      {"2001:db8::1", "2001:db8::ffff:1", true},
		"the next network is another": {"2001:db8::1", "2001:db8:0:1::1", false},
		"IPv4 in IPv6 is IPv4":        {"::ffff:203.0.113.1", "203.0.113.1", true},
		"neighbours are two":          {"203.0.113.1", "203.0.113.2", false},
		"nonsense is one":             {"", "nonsense", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if same := addressKey(c.a) == addressKey(c.b); same != c.same {
				t.Fatalf("%s, %s", addressKey(c.a), addressKey(c.b))
			}
		})
	}
}
