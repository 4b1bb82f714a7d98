package rpc

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"connectrpc.com/validate"
	"google.golang.org/protobuf/reflect/protoreflect"

	authv1 "drumbeat/gen/go/drumbeat/auth/v1"
	"drumbeat/gen/go/drumbeat/auth/v1/authv1connect"
	ingestv1 "drumbeat/gen/go/drumbeat/ingest/v1"
	notificationsv1 "drumbeat/gen/go/drumbeat/notifications/v1"
	"drumbeat/gen/go/drumbeat/notifications/v1/notificationsv1connect"
	orgsv1 "drumbeat/gen/go/drumbeat/orgs/v1"
	"drumbeat/gen/go/drumbeat/orgs/v1/orgsv1connect"
	releasesv1 "drumbeat/gen/go/drumbeat/releases/v1"
	"drumbeat/gen/go/drumbeat/releases/v1/releasesv1connect"
	reportsv1 "drumbeat/gen/go/drumbeat/reports/v1"
	"drumbeat/gen/go/drumbeat/reports/v1/reportsv1connect"
	sitesv1 "drumbeat/gen/go/drumbeat/sites/v1"
	"drumbeat/gen/go/drumbeat/sites/v1/sitesv1connect"
	"drumbeat/server/notifications"
	"drumbeat/server/orgs"
	"drumbeat/server/releases"
	"drumbeat/server/reports"
	"drumbeat/server/sites"
)

// maxRequest bounds what a person's client may send, in bytes, compressed and
// not. Reports of sites have limits of their own.
const maxRequest = 256 << 10

// Config is what the services are made of.
type Config struct {
	Orgs          *orgs.Service
	Sites         *sites.Service
	Watcher       *sites.Watcher
	Reports       *reports.Service
	Notifications *notifications.Service
	// Releases and Overrides are what is known of feeds, and said instead of them.
	Releases  *releases.Reader
	Overrides *releases.Overrides
	// Ingest serves the reports of sites, under the path "/drumbeat.ingest.v1.IngestService/";
	// it checks site keys itself. Nil where this process takes none.
	Ingest http.Handler
	// TrustedProxies are the addresses whose forwarding headers are believed.
	TrustedProxies []netip.Prefix
	// Origins are where pages may call from besides the server's own host, such
	// as "https://drumbeat.example.org" behind a proxy that changes the host.
	Origins []string
	// Pages serves everything that is no procedure: the web client, health.
	Pages http.Handler
	Log   *slog.Logger
	Now   func() time.Time
}

// Services lists the descriptors of everything that is served.
func Services() []protoreflect.ServiceDescriptor {
	var all []protoreflect.ServiceDescriptor
	for _, file := range []protoreflect.FileDescriptor{
		authv1.File_drumbeat_auth_v1_auth_proto,
		ingestv1.File_drumbeat_ingest_v1_ingest_proto,
		notificationsv1.File_drumbeat_notifications_v1_notifications_proto,
		orgsv1.File_drumbeat_orgs_v1_orgs_proto,
		releasesv1.File_drumbeat_releases_v1_releases_proto,
		reportsv1.File_drumbeat_reports_v1_reports_proto,
		sitesv1.File_drumbeat_sites_v1_sites_proto,
	} {
		for i := range file.Services().Len() {
			all = append(all, file.Services().Get(i))
		}
	}
	return all
}

// New makes the handler of all services and pages; a procedure that it does
// not know it answers with 404. It fails when a method has no policy that can be enforced.
func New(c Config) (http.Handler, error) {
	policies, err := ReadPolicies(Services()...)
	if err != nil {
		return nil, fmt.Errorf("read the policies of the contracts: %w", err)
	}
	errs := &errorMapper{log: c.Log}
	options := connect.WithHandlerOptions(
		connect.WithInterceptors(
			&outermost{log: c.Log, errs: errs, now: c.Now},
			noNUL{},
			validate.NewInterceptor(),
			&policyInterceptor{policies: policies, access: c.Orgs},
		),
		connect.WithReadMaxBytes(maxRequest),
		connect.WithCompressMinBytes(1024),
	)

	mux := http.NewServeMux()
	mux.Handle(authv1connect.NewAuthServiceHandler(&authHandler{orgs: c.Orgs}, options))
	mux.Handle(orgsv1connect.NewOrgsServiceHandler(&orgsHandler{orgs: c.Orgs}, options))
	mux.Handle(sitesv1connect.NewSitesServiceHandler(&sitesHandler{sites: c.Sites, watcher: c.Watcher, orgs: c.Orgs, feeds: c.Releases, log: c.Log}, options))
	mux.Handle(releasesv1connect.NewReleasesServiceHandler(&releasesHandler{feeds: c.Releases, overrides: c.Overrides, orgs: c.Orgs}, options))
	mux.Handle(reportsv1connect.NewReportsServiceHandler(&reportsHandler{reports: c.Reports}, options))
	mux.Handle(notificationsv1connect.NewNotificationsServiceHandler(&notificationsHandler{notifications: c.Notifications}, options))

	people := http.MaxBytesHandler(withSession(policies, c.Orgs, errs, mux), maxRequest)
	guarded := http.NewCrossOriginProtection()
	for _, o := range c.Origins {
		if err := guarded.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("trust the origin %q: %w", o, err)
		}
	}
	guarded.SetDenyHandler(http.HandlerFunc(writeForbidden))

	all := http.NewServeMux()
	all.Handle("/", guarded.Handler(people))
	if c.Ingest != nil {
		all.Handle("/"+string(ingestv1.File_drumbeat_ingest_v1_ingest_proto.Services().Get(0).FullName())+"/", c.Ingest)
	}
	names := []string{}
	for _, s := range Services() {
		names = append(names, string(s.FullName()))
	}
	reflector := grpcreflect.NewStaticReflector(names...)
	all.Handle(grpcreflect.NewHandlerV1(reflector, connect.WithReadMaxBytes(maxRequest)))
	all.Handle(grpcreflect.NewHandlerV1Alpha(reflector, connect.WithReadMaxBytes(maxRequest)))
	return withConnection(c.TrustedProxies, headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.Pages != nil && !isProcedure(r.URL.Path) {
			c.Pages.ServeHTTP(w, r)
			return
		}
		// Answers differ by session, so that no cache may keep them.
		w.Header().Set("Cache-Control", "no-store")
		all.ServeHTTP(w, r)
	}))), nil
}

// isProcedure says whether a path is one of an RPC, existing or not, rather
// than that of a page.
func isProcedure(path string) bool {
	return strings.HasPrefix(path, "/drumbeat.") || strings.HasPrefix(path, "/grpc.")
}

// headers adds what every answer carries. Pages set a policy of their own.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if connectionFrom(r.Context()).secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
