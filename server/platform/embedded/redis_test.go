package embedded

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func startRedis(t *testing.T, o RedisOptions) *Redis {
	t.Helper()
	if o.Binary == "" {
		bin, err := FindRedis(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		o.Binary = bin
	}
	r, err := StartRedis(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRedisLife(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	o := RedisOptions{DataDir: filepath.Join(tempDir(t), "a folder with spaces"), MaxMemory: 64 << 20}
	r := startRedis(t, o)
	if !r.Durable || r.Kind != KindRedisServer {
		t.Errorf("durable %v, kind %s", r.Durable, r.Kind)
	}
	c := redisClient(t, r.URL)
	if d, w := CheckRedis(ctx, c); d != DurabilityAlways || len(w) != 0 {
		t.Errorf("our own server is %s, with %v", d, w)
	}
	if got := c.ConfigGet(ctx, "maxmemory").Val()["maxmemory"]; got != "67108864" {
		t.Errorf("maxmemory is %s", got)
	}
	if err := c.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	nobody := redis.NewClient(&redis.Options{Addr: c.Options().Addr})
	defer nobody.Close()
	if err := nobody.Get(ctx, "k").Err(); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without the password: %v", err)
	}

	_, err := StartRedis(ctx, o)
	var inUse *inUseError
	if !errors.As(err, &inUse) {
		t.Errorf("a second start on a folder in use: %v", err)
	}

	kept := func(after string) {
		t.Helper()
		if v, err := c.Get(ctx, "k").Result(); err != nil || v != "v" {
			t.Errorf("after %s: %q, %v", after, v, err)
		}
	}
	o.Port = r.Port
	for range 2 {
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	r = startRedis(t, o)
	kept("a restart")

	orphan := r
	abandon(r.lock)
	if _, err := StartRedis(ctx, RedisOptions{DataDir: tempDir(t), Port: r.Port}); err == nil || !strings.Contains(err.Error(), "in use by another program") {
		t.Errorf("a start on a busy port: %v", err)
	}
	r = startRedis(t, o)
	<-orphan.Done()
	kept("an orphan")

	r.Kill()
	startRedis(t, o)
	kept("a crash")
}

func TestRedisInTheProcessExpiresKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, err := startInProcess(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	if r.Durable || r.Kind != KindInProcess {
		t.Errorf("durable %v, kind %s", r.Durable, r.Kind)
	}
	c := redisClient(t, r.URL)
	if d, _ := CheckRedis(ctx, c); d == DurabilityAlways {
		t.Error("it passes for durable")
	}
	if err := c.Set(ctx, "k", "v", time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	if !waitUntil(ctx, 30*time.Second, func() bool { return errors.Is(c.Get(ctx, "k").Err(), redis.Nil) }) {
		t.Error("a key never expired")
	}
	for range 2 {
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	<-r.Done()
}

func TestRedisRefusesAnUnknownBinary(t *testing.T) {
	t.Parallel()
	_, err := StartRedis(t.Context(), RedisOptions{DataDir: tempDir(t), Binary: filepath.Join(tempDir(t), "redis-server")})
	if err == nil || !strings.Contains(err.Error(), "cannot be used as Redis") {
		t.Error(err)
	}
}

func TestCheckRedisNamesEachWeakness(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config   map[string]string
		want     Durability
		settings []string
	}{
		"a second may be lost":        {map[string]string{"appendfsync": "everysec"}, DurabilitySecond, []string{"appendfsync"}},
		"the system decides":          {map[string]string{"appendfsync": "no"}, DurabilityNone, []string{"appendfsync"}},
		"nothing is kept":             {map[string]string{"appendonly": "no"}, DurabilityNone, []string{"appendonly"}},
		"a rewrite suspends the sync": {map[string]string{"no-appendfsync-on-rewrite": "yes"}, DurabilitySecond, []string{"no-appendfsync-on-rewrite"}},
		"full memory drops keys":      {map[string]string{"maxmemory-policy": "allkeys-lru"}, DurabilityAlways, []string{"maxmemory-policy"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := redisClient(t, startRedis(t, RedisOptions{DataDir: tempDir(t)}).URL)
			for k, v := range tc.config {
				if err := c.ConfigSet(t.Context(), k, v).Err(); err != nil {
					t.Fatal(err)
				}
			}
			got, warnings := CheckRedis(t.Context(), c)
			var settings []string
			for _, w := range warnings {
				settings = append(settings, w.Setting)
			}
			if got != tc.want || !slices.Equal(settings, tc.settings) {
				t.Errorf("got %s, %v; want %s, %v", got, warnings, tc.want, tc.settings)
			}
		})
	}
}

func TestCheckRedisAnswersWithoutPermission(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := startRedis(t, RedisOptions{DataDir: tempDir(t)})
	admin := redisClient(t, r.URL)
	tests := map[string]struct {
		rules []any
		want  Durability
	}{
		"of CONFIG":          {[]any{"+@all", "-config"}, DurabilityUnknown},
		"of CONFIG and INFO": {[]any{"+@all", "-config", "-info"}, DurabilityUnknown},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			user := strings.ReplaceAll(name, " ", "_")
			if err := admin.Do(ctx, append([]any{"acl", "setuser", user, "on", ">pw", "~*", "&*"}, tc.rules...)...).Err(); err != nil {
				t.Fatal(err)
			}
			c := redis.NewClient(&redis.Options{Addr: admin.Options().Addr, Username: user, Password: "pw"})
			defer c.Close()
			got, warnings := CheckRedis(ctx, c)
			if got != tc.want || len(warnings) == 0 {
				t.Errorf("got %s, %v", got, warnings)
			}
		})
	}
	t.Run("when nobody answers", func(t *testing.T) {
		c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
		defer c.Close()
		if got, warnings := CheckRedis(ctx, c); got != DurabilityUnknown || len(warnings) != 1 {
			t.Errorf("got %s, %v", got, warnings)
		}
	})
}
