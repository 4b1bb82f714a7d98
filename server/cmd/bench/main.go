// Command bench measures the way of reports, from the wire to the tables, on
// servers that it starts for itself:
//
//	go run ./server/cmd/bench            everything, about three minutes
//	go run ./server/cmd/bench accept     the accepting side alone
//	go run ./server/cmd/bench end-to-end accepted to visible in PostgreSQL
//
// Driver, servers, Redis and PostgreSQL share the machine, so only ratios travel.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"drumbeat/server/platform/embedded"
	"drumbeat/server/platform/postgres"
	"drumbeat/server/platform/testkit"
)

func main() {
	var o options
	flag.IntVar(&o.connections, "connections", 32, "connections of the driver")
	flag.IntVar(&o.sites, "sites", 2352, "sites, each with a key of its own")
	flag.IntVar(&o.projects, "projects", 100, "projects of a site in the end-to-end part")
	flag.DurationVar(&o.duration, "duration", 3*time.Second, "of one measurement")
	flag.IntVar(&o.rounds, "rounds", 3, "how often the measurements of accepting are repeated, taking turns")
	flag.StringVar(&o.modes, "modes", "everysec,always", "values of appendfsync to measure accepting with")
	flag.StringVar(&o.only, "only", "", "measure ours, and of accepting's others only those with this in their name")
	flag.StringVar(&o.profile, "profile", "", "folder to write CPU profiles of our server and worker to")
	role := flag.String("role", "", "for the processes that this command starts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *role != "" {
		err = runRole(ctx, *role, o.profile)
	} else {
		err = run(ctx, o, flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	connections, sites, projects, rounds int
	duration                             time.Duration
	modes, only, profile                 string
}

// bench is what the measurements share.
type bench struct {
	options
	pool     *pgxpool.Pool
	redis    *redis.Client
	pgURL    string
	redisURL string
	keys     []site
}

func run(ctx context.Context, o options, part string) (err error) {
	if part != "" && part != "accept" && part != "end-to-end" {
		return fmt.Errorf("%q is no part: accept or end-to-end", part)
	}
	dir, err := testkit.TempDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	pg, err := embedded.StartPostgres(ctx, embedded.PostgresOptions{DataDir: filepath.Join(dir, "postgres"), Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Stop()) }()
	r, err := embedded.StartRedis(ctx, embedded.RedisOptions{DataDir: filepath.Join(dir, "redis"), Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	if r.Kind == embedded.KindInProcess {
		return errors.New("the figures need a redis-server on the machine")
	}
	if err := postgres.Migrate(ctx, pg.URL); err != nil {
		return err
	}
	b := &bench{options: o, pgURL: pg.URL, redisURL: r.URL}
	if b.pool, err = postgres.Open(ctx, pg.URL); err != nil {
		return err
	}
	defer b.pool.Close()
	opts, err := redis.ParseURL(r.URL)
	if err != nil {
		return err
	}
	opts.PoolSize, opts.ReadTimeout = o.connections+4, 60*time.Second
	b.redis = redis.NewClient(opts)
	defer b.redis.Close()
	fmt.Printf("%s, %d CPUs, PostgreSQL %s, Redis %s; driver on the same machine\n", runtime.Version(), runtime.NumCPU(), pg.Version, r.Version)
	if b.keys, err = makeSites(ctx, b.pool, o.sites); err != nil {
		return err
	}
	if part != "end-to-end" {
		if err := b.accept(ctx); err != nil {
			return err
		}
	}
	if part != "accept" {
		if err := b.endToEnd(ctx); err != nil {
			return err
		}
	}
	if n := refused.Load(); n > 0 {
		fmt.Printf("\nThe server asked the driver %d times to come back: the disk stood still.\n", n)
	}
	return nil
}

// process is one server of a measurement.
type process struct {
	cmd  *exec.Cmd
	addr string
	in   io.Closer
}

// start runs this program again in a role and waits until it says where it listens.
func (b *bench) start(ctx context.Context, role string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-role", role, "-profile", b.profile)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+b.pgURL, "REDIS_URL="+b.redisURL)
	cmd.Stderr = os.Stderr
	// The child ends when this pipe closes, also if this process is killed.
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = in.Close()
		_ = cmd.Wait()
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	return &process{cmd: cmd, addr: strings.TrimSpace(line), in: in}, nil
}

func (p *process) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait()
}

// peak is the most memory that the process ever held, in MB.
func (p *process) peak() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(text)) {
		var kb int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return -1
}

// cpu is the processor time that the process used so far.
func (p *process) cpu() time.Duration {
	_, used := procStat(p.cmd.Process.Pid)
	return used
}

// procStat gives the parent of a process, and the processor time that it and
// its children that ended used.
func procStat(pid int) (parent int, used time.Duration) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	// The name in brackets may hold spaces.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 15 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(fields[1])
	var ticks int64
	for _, field := range fields[11:15] {
		n, _ := strconv.ParseInt(field, 10, 64)
		ticks += n
	}
	return parent, time.Duration(ticks) * 10 * time.Millisecond
}

// serverCPU is the processor time that PostgreSQL and Redis used so far.
func (b *bench) serverCPU(ctx context.Context) (postgres, redis time.Duration, err error) {
	var postmaster int
	if err := b.pool.QueryRow(ctx, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer").Scan(&postmaster); err != nil {
		return 0, 0, fmt.Errorf("find the process of PostgreSQL: %w", err)
	}
	_, postgres = procStat(postmaster)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, 0, err
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if parent, used := procStat(pid); parent == postmaster {
				postgres += used
			}
		}
	}
	info, err := b.redis.Info(ctx, "server").Result()
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(info) {
		var pid int
		if n, _ := fmt.Sscanf(line, "process_id:%d", &pid); n == 1 {
			_, redis = procStat(pid)
		}
	}
	return postgres, redis, nil
}
