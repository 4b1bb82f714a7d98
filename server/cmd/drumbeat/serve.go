package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	web "drumbeat/clients/web"
	"drumbeat/server/ingest"
	"drumbeat/server/notifications"
	"drumbeat/server/orgs"
	"drumbeat/server/platform/embedded"
	"drumbeat/server/platform/httpserver"
	"drumbeat/server/platform/postgres"
	"drumbeat/server/platform/staticweb"
	"drumbeat/server/releases"
	"drumbeat/server/reports"
	"drumbeat/server/rpc"
	"drumbeat/server/sites"
)

const (
	// The stop has to be over in ten seconds: what is killed after that may
	// have to be recovered at the next start.
	requestGrace    = 4 * time.Second
	backgroundGrace = 4 * time.Second

	roleAPI       = "api"
	roleWorker    = "worker"
	roleScheduler = "scheduler"
)

// contentSecurityPolicy allows the web client its own files and nothing else:
// no inline script or style, no other host.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

type serveOptions struct {
	backendOptions
	listen         string
	feeds          string
	feedServers    []string
	roles          []string
	publicURL      string
	trustedProxies []string
	logFormat      string
	logLevel       string
	demo           bool
}

func newServeCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Start the server, with a PostgreSQL and a Redis of its own unless told otherwise",
		Long: "Starts the server: the interface for sites, people and tools, the web client and the\n" +
			"work in the background, all on one port. Without --database-url and --redis-url it\n" +
			"starts a PostgreSQL and a Redis of its own. Ctrl-C stops everything in order.\n\n" +
			"Each flag can be given as the environment variable in brackets. For installations\n" +
			"without a person, DRUMBEAT_ADMIN_EMAIL, DRUMBEAT_ADMIN_PASSWORD, DRUMBEAT_ADMIN_NAME\n" +
			"and DRUMBEAT_ORGANIZATION make the first administrator.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := serve(cmd.Context(), o, cmd.OutOrStdout())
			if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
				return nil // stopped while it started
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", httpserver.DefaultAddr, "host and port to listen on; port 0 takes any free one ($DRUMBEAT_LISTEN)")
	f.StringVar(&o.feeds, "feeds", releases.DefaultSource, "where release histories come from: a URL or a folder of XML files ($DRUMBEAT_FEEDS)")
	f.StringSliceVar(&o.feedServers, "feed-servers", nil, feedServersUsage)
	f.StringSliceVar(&o.roles, "roles", []string{roleAPI, roleWorker, roleScheduler}, "what this process does ($DRUMBEAT_ROLES)")
	f.StringVar(&o.publicURL, "public-url", "", "address under which people reach the server, where that is not the one it listens on ($DRUMBEAT_PUBLIC_URL)")
	f.StringSliceVar(&o.trustedProxies, "trusted-proxies", nil, "addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed ($DRUMBEAT_TRUSTED_PROXIES)")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json ($DRUMBEAT_LOG_FORMAT)")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error ($DRUMBEAT_LOG_LEVEL)")
	f.BoolVar(&o.demo, "demo", false, "show a fleet of sample sites with months of history, in a data folder of its own")
	o.backendOptions.flags(cmd)
	fromEnvironment(cmd, map[string]string{
		"listen": "DRUMBEAT_LISTEN", "feeds": "DRUMBEAT_FEEDS", "feed-servers": "DRUMBEAT_FEED_SERVERS", "roles": "DRUMBEAT_ROLES", "public-url": "DRUMBEAT_PUBLIC_URL",
		"trusted-proxies": "DRUMBEAT_TRUSTED_PROXIES", "log-format": "DRUMBEAT_LOG_FORMAT", "log-level": "DRUMBEAT_LOG_LEVEL",
	})
	return cmd
}

func (o *serveOptions) has(role string) bool { return slices.Contains(o.roles, role) }

// check finds what is wrong with the options before anything is started.
func (o *serveOptions) check() (proxies []netip.Prefix, err error) {
	for _, r := range o.roles {
		if r != roleAPI && r != roleWorker && r != roleScheduler {
			return nil, fmt.Errorf("there is no role %q: choose of %s, %s and %s", r, roleAPI, roleWorker, roleScheduler)
		}
	}
	if len(o.roles) == 0 {
		return nil, errors.New("this process would do nothing: name at least one role")
	}
	if o.publicURL != "" {
		u, err := url.Parse(o.publicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			return nil, fmt.Errorf("the public URL %q must look like https://drumbeat.example.org", o.publicURL)
		}
		o.publicURL = u.Scheme + "://" + u.Host
	}
	for _, text := range o.trustedProxies {
		text = strings.TrimSpace(text)
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, fmt.Errorf("the trusted proxy %q is neither an address nor a network such as 10.0.0.0/8", text)
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		proxies = append(proxies, p.Masked())
	}
	return proxies, nil
}

// serve runs the server until ctx ends, and prints on out what a person needs
// to know.
func serve(ctx context.Context, o serveOptions, out io.Writer) (err error) {
	proxies, err := o.check()
	if err != nil {
		return err
	}
	log, err := newLogger(o.logFormat, o.logLevel)
	if err != nil {
		return err
	}
	if o.demo {
		if err := o.forDemo(time.Now()); err != nil {
			return err
		}
	}
	source, err := releases.OpenSource(o.feeds, releases.HTTPOptions{})
	if err != nil {
		return err
	}
	servers, ownSources, err := openFeedServers(o.feedServers)
	if err != nil {
		return err
	}
	// First of all, since a busy port is found out in no time.
	listener, err := httpserver.Listen(ctx, o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()

	b, err := openBackends(ctx, o.backendOptions, log)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := b.close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("stop the built-in servers: %w", closeErr))
		}
	}()
	withdraw, err := b.announce()
	if err != nil {
		return err
	}
	defer withdraw()

	if err := postgres.Migrate(ctx, b.databaseURL); err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, b.databaseURL, postgres.WithMinIdleConns(2))
	if err != nil {
		return err
	}
	defer pool.Close()
	client, err := openRedis(b.redisURL)
	if err != nil {
		return err
	}
	defer client.Close()

	durable, undecided := b.redisDurable, false
	if !b.redisBuiltIn {
		var warnings []embedded.Warning
		var durability embedded.Durability
		durability, warnings = embedded.CheckRedis(ctx, client)
		durable, undecided = durability == embedded.DurabilityAlways, durability == embedded.DurabilityUnknown
		for _, w := range warnings {
			log.WarnContext(ctx, w.Message, "setting", w.Setting, "value", w.Value, "want", w.Want)
		}
	}

	people, err := orgs.New(pool, client, time.Now, log)
	if err != nil {
		return err
	}
	var setupToken string
	if !o.demo {
		if setupToken, err = firstAdministrator(ctx, people); err != nil {
			return err
		}
	}

	s := &server{options: o, log: log, pool: pool, redis: client, redisDurable: durable, redisUndecided: undecided, source: source, servers: servers, ownSources: ownSources, people: people, proxies: proxies}
	handler, err := s.build(b.databaseURL)
	if err != nil {
		return err
	}
	defer s.close()

	background, endBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer endBackground()
	loops := &supervisor{log: log}
	s.start(background, loops)
	if o.demo {
		go func() {
			if err := s.loadDemo(background); err != nil && background.Err() == nil {
				log.ErrorContext(background, "the demo is not complete", "error", err)
			}
		}()
	}

	address := o.publicURL
	if address == "" {
		address = "http://" + reachable(listener.Addr())
	}
	banner{
		address: address, setupToken: setupToken, dataDir: b.dataDir, database: b.database,
		redis: b.redis, redisDurable: durable, feeds: source.String(), roles: o.roles, hasAPI: o.has(roleAPI), demo: o.demo,
	}.print(out)

	serving, stopServing := context.WithCancelCause(ctx)
	defer stopServing(nil)
	go func() {
		select {
		case <-b.postgresDone:
			stopServing(errors.New("the built-in PostgreSQL ended by itself; see postgres.log in the data folder"))
		case <-b.redisDone:
			stopServing(errors.New("the built-in Redis ended by itself; see redis.log in the data folder"))
		case <-serving.Done():
		}
	}()
	err = httpserver.Serve(serving, listener, handler, httpserver.Options{Log: log, Grace: requestGrace})
	if ctx.Err() == nil && context.Cause(serving) != nil {
		err = context.Cause(serving)
	}
	if err == nil {
		fmt.Fprintln(out, "\nStopping …")
	}
	// What was taken is applied or waits safely; what is under way may end.
	endBackground()
	if !loops.wait(backgroundGrace) {
		log.Warn("background tasks did not end in time and are cut off")
	}
	return err
}

// firstAdministrator makes the first administrator from the environment, or a
// token for the set-up page, where there is no user yet.
func firstAdministrator(ctx context.Context, people *orgs.Service) (setupToken string, err error) {
	if email := os.Getenv("DRUMBEAT_ADMIN_EMAIL"); email != "" {
		in := orgs.FirstAdministrator{
			Email: email, Password: os.Getenv("DRUMBEAT_ADMIN_PASSWORD"),
			Name: os.Getenv("DRUMBEAT_ADMIN_NAME"), Organization: os.Getenv("DRUMBEAT_ORGANIZATION"),
		}
		if in.Name == "" {
			in.Name, _, _ = strings.Cut(email, "@")
		}
		if in.Organization == "" {
			in.Organization = "My organization"
		}
		if _, err := people.CreateFirstAdministrator(ctx, in); err != nil {
			return "", fmt.Errorf("make the first administrator from the DRUMBEAT_ADMIN_ variables: %w", err)
		}
		return "", nil
	}
	return people.NewSetupToken(ctx)
}

// reachable is the listening address as one can type it.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return net.JoinHostPort(host, port)
}

// server is the wiring of one process.
type server struct {
	options      serveOptions
	log          *slog.Logger
	pool         *pgxpool.Pool
	redis        *redis.Client
	redisDurable bool
	// redisUndecided: nobody could say yet whether Redis is durable.
	redisUndecided bool
	source         releases.Source
	servers        releases.Servers           // that projects may name as their own
	ownSources     map[string]releases.Source // of these, by name
	people         *orgs.Service
	proxies        []netip.Prefix

	watcher *sites.Watcher
	keys    *ingest.Keys
	limiter *ingest.Limiter
	buffer  *ingest.Buffer
}

// build makes what answers requests.
func (s *server) build(databaseURL string) (http.Handler, error) {
	pages := http.NewServeMux()
	(&health{pool: s.pool, redis: s.redis, databaseURL: databaseURL, now: time.Now}).register(pages)
	if !s.options.has(roleAPI) {
		return pages, nil
	}
	client, err := webClient()
	if err != nil {
		return nil, err
	}
	pages.Handle("/", client)

	s.watcher = sites.NewWatcher(s.pool, s.log)
	s.keys = ingest.NewKeys(s.pool, s.log)
	s.limiter = ingest.NewLimiter(s.redis, s.log, ingest.Rate{})
	s.buffer = ingest.NewBuffer(s.redis, s.pool, s.log, ingest.BufferConfig{Durable: s.redisDurable})
	_, reportsDoor, err := rpc.NewIngestHandler(ingest.NewAcceptor(s.keys, s.limiter, s.buffer, s.log), s.log)
	if err != nil {
		return nil, fmt.Errorf("make the handler of reports: %w", err)
	}
	config := rpc.Config{
		Ingest: reportsDoor,
		Orgs:   s.people, Sites: sites.New(s.pool, time.Now, s.log), Watcher: s.watcher,
		Reports: reports.New(s.pool), Notifications: notifications.New(s.pool, time.Now),
		Releases: releases.NewReader(s.pool, time.Now, s.log).From(s.source), Overrides: releases.NewOverrides(s.pool, time.Now, s.log),
		TrustedProxies: s.proxies, Pages: pages, Log: s.log, Now: time.Now,
	}
	if s.options.publicURL != "" {
		config.Origins = []string{s.options.publicURL}
	}
	return rpc.New(config)
}

// start starts the background loops of the process's roles.
func (s *server) start(ctx context.Context, loops *supervisor) {
	if s.options.has(roleAPI) {
		loops.run(ctx, "changed sites", s.watcher.Run)
		loops.run(ctx, "open streams", s.people.Guard)
		loops.run(ctx, "site keys", s.keys.Run)
		if s.redisUndecided {
			loops.run(ctx, "durability of Redis", s.decideOnRedis)
		}
	}
	if s.options.has(roleWorker) {
		applier := ingest.NewApplier(s.pool, s.redis, releases.NewCatalog(s.pool, s.log).WithServers(s.servers), s.log, ingest.ApplierConfig{})
		loops.run(ctx, "reports", applier.Run)
	}
	if s.options.has(roleScheduler) {
		loops.run(ctx, "release data", releases.NewService(releases.Options{Pool: s.pool, Source: s.source, Servers: s.ownSources, Log: s.log}).Run)
		loops.run(ctx, "sessions", s.people.SweepSessions)
	}
}

// redisAskInterval is how often a Redis that did not say how durable it is is
// asked again.
const redisAskInterval = time.Second

// decideOnRedis asks until Redis says how durable it is. One that was down when
// the server started would otherwise go unused for as long as the server runs.
func (s *server) decideOnRedis(ctx context.Context) error {
	tick := time.NewTicker(redisAskInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		durability, warnings := embedded.CheckRedis(ctx, s.redis)
		if durability == embedded.DurabilityUnknown {
			continue
		}
		for _, w := range warnings {
			s.log.WarnContext(ctx, w.Message, "setting", w.Setting, "value", w.Value, "want", w.Want)
		}
		if durability == embedded.DurabilityAlways {
			s.buffer.TrustRedis()
			s.log.InfoContext(ctx, "Redis is durable and takes reports from now on")
		}
		<-ctx.Done()
		return nil
	}
}

// close frees what build made.
func (s *server) close() {
	if s.buffer != nil {
		s.buffer.Close()
	}
	if s.limiter != nil {
		_ = s.limiter.Close()
	}
}

// webClient gives the built web client, or a page that says how to build it.
func webClient() (http.Handler, error) {
	dist, built := web.Dist()
	if built {
		return staticweb.New(dist, contentSecurityPolicy)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<!doctype html><title>Drumbeat</title><h1>Drumbeat runs</h1>"+
			"<p>This binary was built without the web client. <code>make run</code> builds it with it.</p>")
	}), nil
}
