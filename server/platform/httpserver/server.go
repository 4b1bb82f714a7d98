// Package httpserver serves HTTP/1.1 and unencrypted HTTP/2 on one port with limits on
// everything a client could hold on to, and stops in order.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// DefaultAddr is reachable from this machine only; being reachable from elsewhere is
// the user's decision.
const DefaultAddr = "127.0.0.1:8080"

// Options says how to serve. The zero value of each field means its default.
type Options struct {
	// Log hears of the server's own troubles; nil is silence.
	Log *slog.Logger
	// HeaderTimeout is for reading a request's headers (5 s).
	HeaderTimeout time.Duration
	// BodyTimeout is for reading a request's body, from when its headers are there
	// (30 s). The answer has no such limit, because it may be a stream.
	BodyTimeout time.Duration
	// WriteTimeout is how long a single write may wait for a client that does not
	// read (30 s).
	WriteTimeout time.Duration
	// IdleTimeout is for a connection between two requests (2 min).
	IdleTimeout time.Duration
	// MaxHeaderBytes bounds a request's headers (32 KiB).
	MaxHeaderBytes int
	// Grace is how long requests may go on after the stop was asked for (10 s).
	Grace time.Duration
}

func (o Options) withDefaults() Options {
	duration := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	duration(&o.HeaderTimeout, 5*time.Second)
	duration(&o.BodyTimeout, 30*time.Second)
	duration(&o.WriteTimeout, 30*time.Second)
	duration(&o.IdleTimeout, 2*time.Minute)
	duration(&o.Grace, 10*time.Second)
	if o.MaxHeaderBytes == 0 {
		o.MaxHeaderBytes = 32 << 10
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Listen opens addr ("host:port"; without a host it is this machine only; port 0 is
// any free one). Its errors say what to do.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	if addr == "" {
		addr = DefaultAddr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the address %q cannot be read: write host:port, such as %s", addr, DefaultAddr)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %s on %s is in use by another program (maybe another Drumbeat): stop that one, or choose another port", port, host)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %s may not be used by this user: choose one above 1023, or allow it to the program", port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("this machine has no address %s: choose 127.0.0.1, 0.0.0.0 or one of its own", host)
	}
	return nil, fmt.Errorf("listen on %s: %w", addr, err)
}

// Serve answers requests on l until ctx ends, then stops in order: no new connections,
// streams are told (see Draining), requests get o.Grace to finish, and what is left is
// cut off. It closes l. The error is nil after an orderly stop.
func Serve(ctx context.Context, l net.Listener, h http.Handler, o Options) error {
	o = o.withDefaults()
	draining := make(chan struct{})
	base, cutOff := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), drainingKey{}, draining))
	defer cutOff()

	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Handler:           limitBodies(h, o.BodyTimeout),
		ReadHeaderTimeout: o.HeaderTimeout,
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    o.MaxHeaderBytes,
		Protocols:         &protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 250,
			SendPingTimeout:      30 * time.Second,
			PingTimeout:          15 * time.Second,
			WriteByteTimeout:     o.WriteTimeout,
		},
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    slog.NewLogLogger(quiet{o.Log.Handler()}, slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(&stallListener{l, o.WriteTimeout}) }()

	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	close(draining)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Grace)
	defer cancel()
	err := server.Shutdown(grace)
	if err != nil {
		o.Log.Warn("requests did not end in time and are cut off", "grace", o.Grace)
		cutOff()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	}
	<-served
	return nil
}

type drainingKey struct{}

// Draining is closed when the server that ctx's request belongs to wants to stop. A
// stream should end then, so that its client connects to another copy. It is nil, and
// so blocks for ever, for a context of no such request.
func Draining(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(drainingKey{}).(chan struct{})
	return c
}

// limitBodies bounds the time for reading each body. http.Server's own ReadTimeout
// would also end streams and slow answers.
func limitBodies(h http.Handler, d time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			rc := http.NewResponseController(w)
			if rc.SetReadDeadline(time.Now().Add(d)) == nil {
				r.Body = &timedBody{ReadCloser: r.Body, over: func() { _ = rc.SetReadDeadline(time.Time{}) }}
			}
		}
		h.ServeHTTP(w, r)
	})
}

// timedBody lifts the deadline at the body's end.
type timedBody struct {
	io.ReadCloser
	once sync.Once
	over func()
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.once.Do(b.over)
	}
	return n, err
}

// stallListener gives every write of its connections a deadline, so that a client
// that stops reading does not hold a handler for ever.
type stallListener struct {
	net.Listener
	timeout time.Duration
}

func (l *stallListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stallConn{c, l.timeout}, nil
}

type stallConn struct {
	net.Conn
	timeout time.Duration
}

func (c *stallConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// quiet drops what any stranger could fill the log with.
type quiet struct{ slog.Handler }

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "http: TLS handshake error") || strings.Contains(r.Message, "URL query contains semicolon") {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(n string) slog.Handler      { return quiet{q.Handler.WithGroup(n)} }
