package rpc

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"connectrpc.com/connect"

	"drumbeat/server/orgs"
)

// The cookie's name. With the prefix a browser takes it only over a secure
// connection, from this very host, for all paths; without TLS there can be no
// such cookie.
const (
	secureCookie = "__Host-drumbeat"
	plainCookie  = "drumbeat"
)

// connection is what is known of the client's side of a request.
type connection struct {
	// address is the client's, or that of the last proxy nobody vouched for.
	address string
	// secure says whether the client speaks TLS, to us or to a trusted proxy.
	secure bool
}

type connectionKey struct{}
type callerKey struct{}

func connectionFrom(ctx context.Context) connection {
	c, _ := ctx.Value(connectionKey{}).(connection)
	return c
}

func callerFrom(ctx context.Context) (orgs.Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(orgs.Caller)
	return c, ok
}

// withConnection finds out who the client is. Of forwarding headers it
// believes only what trusted proxies wrote: the last address in
// X-Forwarded-For that is not a trusted proxy itself.
func withConnection(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := connection{secure: r.TLS != nil}
		peer, _ := netip.ParseAddrPort(r.RemoteAddr)
		address := peer.Addr().Unmap().WithZone("")
		if isTrusted(trusted, address) {
			c.secure = c.secure || strings.EqualFold(lastOf(r.Header.Values("X-Forwarded-Proto")), "https")
			hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
			for i := len(hops) - 1; i >= 0 && isTrusted(trusted, address); i-- {
				hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
				if err != nil {
					break
				}
				address = hop.Unmap().WithZone("")
			}
		}
		c.address = address.String()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), connectionKey{}, c)))
	})
}

func isTrusted(trusted []netip.Prefix, a netip.Addr) bool {
	for _, p := range trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func lastOf(values []string) string {
	if len(values) == 0 {
		return ""
	}
	list := strings.Split(values[len(values)-1], ",")
	return strings.TrimSpace(list[len(list)-1])
}

// authenticator says who has a session.
type authenticator interface {
	Authenticate(ctx context.Context, token string) (orgs.Caller, error)
}

// withSession refuses calls that need a session and have none before anything
// of their body is read.
func withSession(policies map[string]Policy, auth authenticator, errs *errorMapper, next http.Handler) http.Handler {
	writer := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := policies[r.URL.Path]
		if !ok || !p.NeedsSession() {
			next.ServeHTTP(w, r)
			return
		}
		caller, err := auth.Authenticate(r.Context(), sessionToken(r.Context(), r.Header))
		if err != nil {
			_ = writer.Write(w, r, errs.toConnect(r.Context(), p.Procedure, err)) // the client is gone
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	})
}

func cookieName(ctx context.Context) string {
	if connectionFrom(ctx).secure {
		return secureCookie
	}
	return plainCookie
}

// sessionToken gives the token in the request's cookie, empty for none.
func sessionToken(ctx context.Context, h http.Header) string {
	r := http.Request{Header: h}
	c, err := r.Cookie(cookieName(ctx))
	if err != nil {
		return ""
	}
	return c.Value
}

// setSession gives the browser its session, or takes it away with an empty token.
func setSession(ctx context.Context, token string) {
	info, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return
	}
	c := http.Cookie{
		Name: cookieName(ctx), Value: token, Path: "/",
		Secure: connectionFrom(ctx).secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(orgs.SessionLifetime / time.Second),
	}
	if token == "" {
		c.MaxAge = -1
	}
	info.ResponseHeader().Add("Set-Cookie", c.String())
}

// requestHeader gives the headers of the request that a handler serves.
func requestHeader(ctx context.Context) http.Header {
	if info, ok := connect.CallInfoForHandlerContext(ctx); ok {
		return info.RequestHeader()
	}
	return http.Header{}
}

func origin(ctx context.Context) orgs.Origin {
	return orgs.Origin{Address: connectionFrom(ctx).address, UserAgent: requestHeader(ctx).Get("User-Agent")}
}
