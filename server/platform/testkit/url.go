package testkit

import (
	"net/url"
	"strconv"

	"github.com/redis/go-redis/v9"
)

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

// formatRedisURL is the inverse of redis.ParseURL, for what tests need of it.
func formatRedisURL(o *redis.Options) string {
	u := url.URL{Scheme: "redis", Host: o.Addr, Path: "/" + strconv.Itoa(o.DB)}
	if o.TLSConfig != nil {
		u.Scheme = "rediss"
	}
	if o.Password != "" {
		u.User = url.UserPassword(o.Username, o.Password)
	}
	return u.String()
}
