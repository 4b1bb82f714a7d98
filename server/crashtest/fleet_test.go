package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"drumbeat/server/platform/embedded"
	"drumbeat/server/platform/testkit"
)

// patience bounds what has to happen, on a machine that does much else.
const patience = 3 * time.Minute

// running is a process that was started and answers.
type running interface {
	Kill()
	Done() <-chan struct{}
}

// keeper starts a process, and starts it again whenever it ends, as the system's
// own supervisor would.
type keeper struct {
	name  string
	start func(context.Context) (running, error)
	// downtime is how long the process stays away.
	downtime func() time.Duration
	kills    chan kill

	mu    sync.Mutex
	up    bool
	count tallyOfKeeper
	last  error
}

type tallyOfKeeper struct {
	kills, starts int
	// failed counts starts that failed, and ends that nobody asked for: the
	// server cannot start without its PostgreSQL.
	failed int
}

// kill asks for a SIGKILL. The process stays down until release is closed, or
// for a short while where release is nil. done is closed when it is dead.
type kill struct {
	release <-chan struct{}
	done    chan struct{}
}

func newKeeper(name string, downtime func() time.Duration, start func(context.Context) (running, error)) *keeper {
	return &keeper{name: name, start: start, downtime: downtime, kills: make(chan kill)}
}

// run keeps the process running until ctx ends, and kills it then.
func (k *keeper) run(ctx context.Context) {
	// What dies with its parent dies with the thread that started it.
	runtime.LockOSThread()
	for ctx.Err() == nil {
		p, err := k.start(ctx)
		if err != nil {
			k.note(func() { k.count.failed++; k.last = err })
			rest(ctx, 50*time.Millisecond+k.downtime()/4)
			continue
		}
		k.note(func() { k.up = true; k.count.starts++ })
		var released <-chan struct{}
		select {
		case wanted := <-k.kills:
			k.note(func() { k.up = false; k.count.kills++ })
			p.Kill()
			close(wanted.done)
			released = wanted.release
		case <-p.Done():
			k.note(func() { k.up = false; k.count.failed++; k.last = errors.New("it ended by itself") })
			p.Kill() // frees what it held
		case <-ctx.Done():
			p.Kill()
			return
		}
		if released == nil {
			rest(ctx, k.downtime())
			continue
		}
		select {
		case <-released:
		case <-ctx.Done():
		}
	}
}

func (k *keeper) note(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

func (k *keeper) isUp() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.up
}

func (k *keeper) tally() tallyOfKeeper {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count
}

// kill ends the process with SIGKILL as soon as it runs.
func (k *keeper) kill(ctx context.Context, release <-chan struct{}) error {
	wanted := kill{release: release, done: make(chan struct{})}
	select {
	case k.kills <- wanted:
		<-wanted.done
		return nil
	case <-ctx.Done():
		k.mu.Lock()
		defer k.mu.Unlock()
		return fmt.Errorf("%s does not come up to be killed (last: %w): %w", k.name, k.last, ctx.Err())
	}
}

// rest waits for d or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// freePort gives a port below those that the system hands out by itself, which
// somebody else might be given while the process that listens there is down.
func freePort(t *testing.T, rng *rand.Rand) int {
	t.Helper()
	for range 100 {
		port := 20000 + rng.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("there is no free port")
	return 0
}

// server is a "drumbeat serve" of the binary.
type server struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func (s *server) Kill() {
	_ = s.cmd.Process.Kill() // it may be gone
	<-s.done
}

func (s *server) Done() <-chan struct{} { return s.done }

// startServer starts the binary and returns when it answers.
func startServer(ctx context.Context, binary, logPath string, port int, env, args []string) (running, error) {
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	defer out.Close()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	s := &server{cmd: exec.Command(binary, append([]string{"serve", "--listen", address}, args...)...), done: make(chan struct{})}
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = env, out, out
	dieWithParent(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended stands in its log
		close(s.done)
	}()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		res, err := client.Get("http://" + address + "/healthz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return s, nil
			}
		}
		select {
		case <-s.done:
			return nil, fmt.Errorf("the server ended while it started: %s", tail(logPath, 2000))
		case <-ctx.Done():
			s.Kill()
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tail is the end of a file.
func tail(path string, size int64) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > size {
		_, _ = f.Seek(-size, io.SeekEnd) // else all of it
	}
	text, _ := io.ReadAll(io.LimitReader(f, size))
	return string(text)
}

// clean is the environment without what would change the binary's defaults.
func clean() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DRUMBEAT_") && !strings.HasPrefix(v, "DATABASE_URL=") && !strings.HasPrefix(v, "REDIS_URL=") {
			env = append(env, v)
		}
	}
	return env
}

// fleet is the four processes.
type fleet struct {
	t                            *testing.T
	postgres, redis, api, worker *keeper
	databaseURL, redisURL, url   string
	logs                         map[string]string
}

// newFleet starts PostgreSQL and Redis; startServers starts the rest. All of it
// ends with the test.
func newFleet(t *testing.T, rng *rand.Rand) *fleet {
	t.Helper()
	dir, err := testkit.TempDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the servers' folder: %v", err)
		}
	})
	redisBinary, err := embedded.FindRedis(t.Context(), "")
	if err != nil {
		t.Fatalf("this test needs a real Redis: %v", err)
	}
	binary := filepath.Join(dir, "drumbeat")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "drumbeat/server/cmd/drumbeat").CombinedOutput(); err != nil {
		t.Fatalf("build the binary: %v\n%s", err, out)
	}
	feeds := filepath.Join(dir, "feeds")
	writeFeeds(t, feeds)

	f := &fleet{t: t, logs: map[string]string{}}
	for _, name := range []string{"api", "worker"} {
		f.logs[name] = filepath.Join(dir, name+".log")
	}
	f.logs["postgres"], f.logs["redis"] = filepath.Join(dir, "postgres", "postgres.log"), filepath.Join(dir, "redis", "redis.log")
	t.Cleanup(func() {
		if t.Failed() {
			for name, path := range f.logs {
				t.Logf("the end of the log of %s:\n%s", name, tail(path, 6000))
			}
		}
	})

	postgresOptions := embedded.PostgresOptions{
		DataDir: filepath.Join(dir, "postgres"), Port: freePort(t, rng), Tuning: map[string]string{"shared_buffers": "64MB"},
	}
	redisOptions := embedded.RedisOptions{
		DataDir: filepath.Join(dir, "redis"), Port: freePort(t, rng), Binary: redisBinary, AppendFsync: "always",
	}
	ports := map[string]int{"api": freePort(t, rng), "worker": freePort(t, rng)}
	f.url = fmt.Sprintf("http://127.0.0.1:%d", ports["api"])

	downtime := downtimes(rng)
	urls := make(chan string, 2)
	f.postgres = newKeeper("postgres", downtime, func(ctx context.Context) (running, error) {
		p, err := embedded.StartPostgres(ctx, postgresOptions)
		if err != nil {
			return nil, err
		}
		send(urls, p.URL)
		return p, nil
	})
	redisURLs := make(chan string, 2)
	f.redis = newKeeper("redis", downtime, func(ctx context.Context) (running, error) {
		r, err := embedded.StartRedis(ctx, redisOptions)
		if err != nil {
			return nil, err
		}
		send(redisURLs, r.URL)
		return r, nil
	})
	serve := func(name, roles string) *keeper {
		return newKeeper(name, downtime, func(ctx context.Context) (running, error) {
			env := append(clean(), "DATABASE_URL="+f.databaseURL, "REDIS_URL="+f.redisURL)
			return startServer(ctx, binary, f.logs[name], ports[name], env, []string{"--roles", roles, "--feeds", feeds})
		})
	}
	f.api, f.worker = serve("api", "api"), serve("worker", "worker,scheduler")

	f.keep(f.postgres, f.redis)
	f.databaseURL, f.redisURL = f.first(urls), f.first(redisURLs)
	return f
}

func (f *fleet) all() []*keeper { return []*keeper{f.postgres, f.redis, f.api, f.worker} }

// keep runs keepers until the test ends.
func (f *fleet) keep(keepers ...*keeper) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, k := range keepers {
		all.Go(func() { k.run(ctx) })
	}
	f.t.Cleanup(func() { cancel(); all.Wait() })
}

// first gives the first URL that a server reports; it stays the same.
func (f *fleet) first(urls <-chan string) string {
	f.t.Helper()
	select {
	case url := <-urls:
		return url
	case <-time.After(patience):
		f.t.Fatal("PostgreSQL or Redis does not start")
		return ""
	}
}

func send(to chan<- string, url string) {
	select {
	case to <- url:
	default:
	}
}

// startServers starts the two roles and waits until they answer.
func (f *fleet) startServers() {
	f.t.Helper()
	f.keep(f.api, f.worker)
	f.allUp()
}

// allUp waits until all four run.
func (f *fleet) allUp() {
	f.t.Helper()
	for _, k := range f.all() {
		eventually(f.t, k.name+" comes up", k.isUp)
	}
}

// eventually asks again and again until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// downtimes gives random times up to half a second, so that at times several of
// the four are down at once.
func downtimes(rng *rand.Rand) func() time.Duration {
	var mu sync.Mutex
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(rng.Int64N(int64(500 * time.Millisecond)))
	}
}

// writeFeeds writes the release histories of the fleet's projects.
func writeFeeds(t *testing.T, dir string) {
	t.Helper()
	write := func(project, branch, prefix, suffix string) {
		var b strings.Builder
		fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><project xmlns:dc="http://purl.org/dc/elements/1.1/">`+
			`<title>The %[1]s</title><short_name>%[1]s</short_name><supported_branches>%[2]s</supported_branches>`+
			`<project_status>published</project_status><link>https://www.drupal.org/project/%[1]s</link><releases>`, project, branch)
		for n := releaseCount - 1; n >= 0; n-- {
			term := "Bug fixes"
			if n == 2 {
				term = "Security update"
			} else if n < 2 {
				term = "Insecure"
			}
			version := fmt.Sprintf("%s%d%s", prefix, n, suffix)
			fmt.Fprintf(&b, `<release><name>%[1]s %[2]s</name><version>%[2]s</version><status>published</status>`+
				`<release_link>https://www.drupal.org/project/%[1]s/releases/%[2]s</release_link><date>1700000000</date>`+
				`<terms><term><name>Release type</name><value>%[3]s</value></term></terms></release>`, project, version, term)
		}
		b.WriteString("</releases></project>")
		if err := os.MkdirAll(filepath.Join(dir, project), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, project, "current"), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("drupal", coreSeries, coreSeries, "")
	for n := range moduleCount {
		write(moduleName(n), "1.", "1.", ".0")
	}
}
