package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// MinRedisVersion is the oldest Redis that has all commands we use.
const MinRedisVersion = 7

// Kinds of Redis that StartRedis may come back with.
const (
	KindRedisServer = "redis-server"
	KindInProcess   = "in-process"
)

// RedisOptions says how to start a Redis.
type RedisOptions struct {
	// DataDir is the folder for everything of this server: its data, configuration,
	// password and log. It is created if missing. Required.
	DataDir string
	// Binary is a redis-server or valkey-server; empty finds one.
	Binary string
	// AppendFsync is when a write reaches the disk: "always" (default: before it is
	// acknowledged), "everysec" or "no".
	AppendFsync string
	// Port to listen on at 127.0.0.1; 0 takes any free one.
	Port int
	// MaxMemory in bytes; beyond it writes are refused, nothing is evicted. 0 is no
	// limit.
	MaxMemory int64
	// Databases that SELECT can reach; 0 is 16.
	Databases int
	// Log hears what is going on; nil is silence. The server's own log is the file
	// redis.log in DataDir.
	Log *slog.Logger
	// Ephemeral keeps nothing on disk. For tests only.
	Ephemeral bool
}

// Redis is a running server.
type Redis struct {
	// URL connects to it. It holds the password.
	URL string
	// Durable is true when an acknowledged write has reached the disk.
	Durable bool
	// Kind is KindRedisServer (or a compatible one) or KindInProcess.
	Kind string
	// Version as the server reports it; empty in the process.
	Version string
	// Port on 127.0.0.1.
	Port int

	child *child
	lock  *folderLock
	mini  *inProcess
}

// StartRedis starts the server in o.DataDir and returns when it answers. Where no
// Redis is installed it starts one in the process: fully functional, but with
// Durable false and everything gone at the end. When ctx ends during the start, the
// start is undone; afterwards only Stop ends the server.
func StartRedis(ctx context.Context, o RedisOptions) (_ *Redis, err error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	switch o.AppendFsync {
	case "":
		o.AppendFsync = "always"
	case "always", "everysec", "no":
	default:
		return nil, fmt.Errorf("%q is no value of appendfsync: use always, everysec or no", o.AppendFsync)
	}
	bin, err := FindRedis(ctx, o.Binary)
	if err != nil {
		if o.Binary != "" {
			return nil, err
		}
		log.Warn("no Redis is installed, so one in the process takes its place; nothing in it survives a stop. "+
			"Install redis-server, or set REDIS_URL, for full speed", "reason", err)
		return startInProcess(o.Port)
	}

	user, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := prepareFolder(o.DataDir, user)
	if err != nil {
		return nil, err
	}
	lock, err := lockFolder(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.release()
		}
	}()
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("create the Redis data folder: %w", err)
	}
	if err := user.own(data); err != nil {
		return nil, err
	}
	password, err := secretFile(filepath.Join(dir, "password"), user)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "redis.conf")
	if err := stopOrphanRedis(ctx, conf, data, password, log); err != nil {
		return nil, err
	}

	r := &Redis{Kind: KindRedisServer, Durable: o.AppendFsync == "always" && !o.Ephemeral, lock: lock}
	for attempt := 1; ; attempt++ {
		r.Port, err = choosePort(o.Port, "Redis")
		if err != nil {
			return nil, err
		}
		r.URL = redisURL(r.Port, password)
		err = r.launch(ctx, bin, dir, redisConf(o, r.Port, data, password), user)
		if err == nil {
			break
		}
		if o.Port != 0 || attempt == 3 || !strings.Contains(err.Error(), "Address already in use") {
			return nil, err
		}
	}
	log.Info("Redis is up", "version", r.Version, "port", r.Port, "appendfsync", o.AppendFsync, "folder", dir)
	return r, nil
}

var redisVersionPattern = regexp.MustCompile(`v=(\d+)\.(\d+)\.\d+`)

// FindRedis returns the path of a redis-server or valkey-server that is new enough:
// binary if given, else one on the PATH. The error names what to install.
func FindRedis(ctx context.Context, binary string) (string, error) {
	names := []string{"redis-server", "valkey-server"}
	if binary != "" {
		names = []string{binary}
	}
	var tried []string
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		cmd := exec.CommandContext(ctx, path, "--version")
		cmd.Env = childEnv()
		out, err := cmd.Output()
		cancel()
		if err != nil {
			tried = append(tried, fmt.Sprintf("%s does not run: %v", path, err))
			continue
		}
		// Valkey counts its versions from 7.2 on, where it left Redis.
		m := redisVersionPattern.FindStringSubmatch(string(out))
		if m == nil {
			tried = append(tried, fmt.Sprintf("%s does not say its version", path))
			continue
		}
		if major, _ := strconv.Atoi(m[1]); major < MinRedisVersion {
			tried = append(tried, fmt.Sprintf("%s is version %s.%s", path, m[1], m[2]))
			continue
		}
		return path, nil
	}
	msg := fmt.Sprintf("no Redis %d or later was found: install redis-server or valkey-server "+
		"(Debian: apt-get install redis-server; macOS: brew install redis)", MinRedisVersion)
	if binary != "" {
		msg = fmt.Sprintf("%s cannot be used as Redis %d or later", binary, MinRedisVersion)
	}
	if len(tried) > 0 {
		msg += "; found, but not usable: " + strings.Join(tried, "; ")
	}
	return "", errors.New(msg)
}

func redisURL(port int, password string) string {
	u := url.URL{Scheme: "redis", User: url.UserPassword("", password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/0"}
	return u.String()
}

// redisConf is a whole configuration file: the password must not be in the process
// list, and the system's own file must not weaken ours.
func redisConf(o RedisOptions, port int, data, password string) string {
	var b strings.Builder
	line := func(name string, args ...string) {
		b.WriteString(name)
		for _, a := range args {
			b.WriteString(" " + strconv.Quote(a))
		}
		b.WriteByte('\n')
	}
	line("bind", "127.0.0.1")
	line("port", strconv.Itoa(port))
	line("requirepass", password)
	line("dir", data)
	line("daemonize", "no")
	line("save", "")
	line("maxmemory", strconv.FormatInt(o.MaxMemory, 10))
	line("maxmemory-policy", "noeviction")
	line("databases", strconv.Itoa(max(o.Databases, 16)))
	line("tcp-keepalive", "60")
	if o.Ephemeral {
		line("appendonly", "no")
		return b.String()
	}
	line("appendonly", "yes")
	line("appendfsync", o.AppendFsync)
	// While the file is rewritten too; the default would acknowledge without fsync.
	line("no-appendfsync-on-rewrite", "no")
	line("aof-load-truncated", "yes")
	return b.String()
}

func (r *Redis) launch(ctx context.Context, bin, dir, conf string, user *runAs) error {
	confPath := filepath.Join(dir, "redis.conf")
	if err := writeFile(confPath, conf, user); err != nil {
		return fmt.Errorf("write the Redis configuration: %w", err)
	}
	logPath := filepath.Join(dir, "redis.log")
	logFile, from, err := openLog(logPath, user)
	if err != nil {
		return fmt.Errorf("open Redis's log: %w", err)
	}
	defer logFile.Close()
	cmd := exec.Command(bin, confPath)
	cmd.Dir, cmd.Env = filepath.Join(dir, "data"), childEnv()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	c, err := startChild(cmd, user)
	if err != nil {
		return fmt.Errorf("start %s: %w", bin, err)
	}
	r.child = c
	if err := r.waitReady(ctx); err != nil {
		if c.exited() {
			tail := logTail(logPath, from)
			hint := ""
			if strings.Contains(tail, "AOF") || strings.Contains(tail, "Bad file format") {
				hint = fmt.Sprintf("\nThe data in %s is damaged. Nothing was changed. Restore it from a backup, repair it with redis-check-aof --fix, "+
					"or move it away to start empty", filepath.Join(dir, "data"))
			}
			return fmt.Errorf("%w; its log (%s) says:\n%s%s", err, logPath, tail, hint)
		}
		_ = c.stop(c.interrupt, stopPatience)
		return err
	}
	return nil
}

func (r *Redis) waitReady(ctx context.Context) error {
	opts, err := redis.ParseURL(r.URL)
	if err != nil {
		return fmt.Errorf("read the address of Redis: %w", err)
	}
	opts.MaxRetries = -1
	opts.DialerRetries = 1
	client := redis.NewClient(opts)
	defer client.Close()
	began := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := dial(ctx, r.Port)
		var info map[string]string
		if err == nil {
			info, err = infoFields(ctx, client, "server")
		}
		if err == nil {
			if pid := info["process_id"]; pid != "" && pid != strconv.Itoa(r.child.cmd.Process.Pid) {
				return errors.New("another program answers on the port chosen for Redis")
			}
			r.Version = info["redis_version"]
			return nil
		}
		loading := strings.HasPrefix(err.Error(), "LOADING")
		if time.Since(began) > recoveryPatience || (!loading && time.Since(began) > time.Minute) {
			return fmt.Errorf("Redis does not answer on port %d: %w", r.Port, err)
		}
		select {
		case <-r.child.done:
			return fmt.Errorf("Redis ended while starting (%v)", r.child.err)
		case <-ctx.Done():
			return fmt.Errorf("start Redis: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// stopOrphanRedis ends a server that still works in data. We hold the folder's lock,
// so whoever started it is gone. It is found through the port in the configuration
// it was started with and known by password and folder.
func stopOrphanRedis(ctx context.Context, conf, data, password string, log *slog.Logger) error {
	port, err := confPort(conf)
	if err != nil || port == 0 || dial(ctx, port) != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{
		Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Password: password,
		MaxRetries: -1, DialerRetries: 1, DialTimeout: 2 * time.Second, ReadTimeout: 5 * time.Second,
	})
	defer client.Close()
	ours := func() bool {
		if dial(ctx, port) != nil {
			return false
		}
		got, err := client.ConfigGet(ctx, "dir").Result()
		if err != nil {
			return strings.HasPrefix(err.Error(), "LOADING")
		}
		return filepath.Clean(got["dir"]) == data
	}
	if !ours() {
		return nil
	}
	log.Warn("stopping a Redis that was left running", "port", port)
	if !waitUntil(ctx, stopPatience, func() bool {
		client.Shutdown(ctx)
		return !ours()
	}) {
		return fmt.Errorf("a Redis was left running on port %d and does not stop: end it by hand", port)
	}
	return nil
}

// dial says whether anything listens; the client would log each refusal.
func dial(ctx context.Context, port int) error {
	d := net.Dialer{Timeout: 2 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return conn.Close()
}

// confPort reads the port from a configuration of ours; 0 if there is none.
func confPort(path string) (int, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the last Redis configuration: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "port "); ok {
			port, err := strconv.Atoi(strings.Trim(rest, `"`))
			if err != nil {
				return 0, nil
			}
			return port, nil
		}
	}
	return 0, lines.Err()
}

// Stop has the server write what is left, and waits for it. It may be called more
// than once.
func (r *Redis) Stop() error {
	if r.mini != nil {
		r.mini.stop()
		return nil
	}
	err := r.child.stop(r.child.interrupt, stopPatience)
	r.lock.release()
	if err != nil {
		return fmt.Errorf("stop Redis: %w", err)
	}
	return nil
}

// Done is closed when the server has ended, for whatever reason.
func (r *Redis) Done() <-chan struct{} {
	if r.mini != nil {
		return r.mini.done
	}
	return r.child.done
}

// Kill ends the server as a crash would (SIGKILL). For tests.
func (r *Redis) Kill() {
	if r.mini != nil {
		r.mini.stop()
		return
	}
	r.child.kill()
	r.lock.release()
}

// Pause freezes the server without closing its connections, as a stalled machine
// would, until Resume. For tests.
func (r *Redis) Pause() error {
	if r.child == nil {
		return errors.New("a Redis in the process cannot be paused")
	}
	return r.child.pause()
}

// Resume ends a Pause.
func (r *Redis) Resume() error {
	if r.child == nil {
		return errors.New("a Redis in the process cannot be paused")
	}
	return r.child.resume()
}

// inProcess is a Redis of goroutines and maps, with a clock that really ticks.
type inProcess struct {
	server *miniredis.Miniredis
	quit   chan struct{}
	done   chan struct{}
}

func startInProcess(port int) (*Redis, error) {
	port, err := choosePort(port, "Redis")
	if err != nil {
		return nil, err
	}
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err != nil {
		return nil, fmt.Errorf("start a Redis in the process: %w", err)
	}
	// Loopback is open to every user of the machine.
	var password string
	if password, err = randomSecret(); err != nil {
		server.Close()
		return nil, err
	}
	server.RequireAuth(password)
	m := &inProcess{server: server, quit: make(chan struct{}), done: make(chan struct{})}
	go m.tick()
	return &Redis{URL: redisURL(port, password), Kind: KindInProcess, Port: port, mini: m}, nil
}

// tick lets keys expire, which the server does only when told that time has passed.
func (m *inProcess) tick() {
	defer close(m.done)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-m.quit:
			m.server.Close()
			return
		case now := <-ticker.C:
			m.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

func (m *inProcess) stop() {
	select {
	case <-m.done:
		return
	case m.quit <- struct{}{}:
		<-m.done
	}
}
