package httpserver_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"drumbeat/server/platform/httpserver"
)

type bundle struct {
	addr, url string
	stop      context.CancelFunc
	done      chan error
}

func serve(t *testing.T, h http.Handler, o httpserver.Options) *bundle {
	t.Helper()
	l, err := httpserver.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &bundle{addr: l.Addr().String(), url: "http://" + l.Addr().String(), stop: cancel, done: make(chan error, 1)}
	go func() { b.done <- httpserver.Serve(ctx, l, h, o) }()
	t.Cleanup(cancel)
	return b
}

func get(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestBothProtocolsAreServedOnOnePort(t *testing.T) {
	t.Parallel()
	b := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }), httpserver.Options{})
	for _, want := range []string{"HTTP/1.1", "HTTP/2.0"} {
		var p http.Protocols
		p.SetHTTP1(want == "HTTP/1.1")
		p.SetUnencryptedHTTP2(want == "HTTP/2.0")
		tr := &http.Transport{Protocols: &p}
		t.Cleanup(tr.CloseIdleConnections)
		body, err := io.ReadAll(get(t, &http.Client{Transport: tr}, b.url).Body)
		if err != nil || string(body) != want {
			t.Errorf("got %q, %v; want %s", body, err, want)
		}
	}
}

func TestAStopLetsRequestsFinishAndTellsStreams(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 2), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-release
		io.WriteString(w, "finished")
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		entered <- struct{}{}
		<-httpserver.Draining(r.Context())
		io.WriteString(w, "bye")
	})
	b := serve(t, mux, httpserver.Options{})
	bodies := make(chan string, 2)
	for _, path := range []string{"/slow", "/stream"} {
		go func() {
			resp, err := http.Get(b.url + path)
			if err != nil {
				bodies <- err.Error()
				return
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			bodies <- string(text)
		}()
	}
	<-entered
	<-entered
	b.stop()
	if got := <-bodies; got != "bye" {
		t.Errorf("the stream ended with %q", got)
	}
	close(release)
	if got := <-bodies; got != "finished" {
		t.Errorf("the request ended with %q", got)
	}
	if err := <-b.done; err != nil {
		t.Error(err)
	}
}

func TestAStopCutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	b := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	}), httpserver.Options{Grace: time.Millisecond})
	go func() {
		if resp, err := http.Get(b.url); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	b.stop()
	if err := <-b.done; err != nil {
		t.Error(err)
	}
}

func TestASlowClientIsCutOff(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"in the headers": "GET / HTTP/1.1\r\nHost: x\r\n",
		"in the body":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
	}
	for name, start := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err == nil {
					t.Error("the body was complete")
				}
			}), httpserver.Options{HeaderTimeout: 20 * time.Millisecond, BodyTimeout: 20 * time.Millisecond})
			conn, err := net.Dial("tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, start); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Fatal(err)
			}
		})
	}
}

func TestAnAnswerMayTakeLongerThanABody(t *testing.T) {
	t.Parallel()
	const limit = 20 * time.Millisecond
	b := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		timer := time.NewTimer(3 * limit)
		defer timer.Stop()
		select {
		case <-timer.C:
			io.WriteString(w, "done")
		case <-r.Context().Done():
			t.Error("the request was cancelled")
		}
	}), httpserver.Options{BodyTimeout: limit})
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Twice, for the deadline must not reach into the next request either.
	answers := bufio.NewReader(conn)
	for range 2 {
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "done" {
			t.Fatalf("got %q, %v", body, err)
		}
	}
}

func TestListenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	taken, err := httpserver.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := map[string]struct{ addr, want string }{
		"the port is busy":          {taken.Addr().String(), "in use by another program"},
		"the address is a number":   {"8080", "write host:port"},
		"the host is somebody else": {"192.0.2.1:0", "no address 192.0.2.1"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := httpserver.Listen(t.Context(), tc.addr); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
