package embedded

import (
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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	superuser = "drumbeat"
	database  = "drumbeat"

	// stopPatience is how long a server may take for its last checkpoint.
	stopPatience = time.Minute
	// recoveryPatience bounds crash recovery at start, which is silent but alive.
	recoveryPatience = 15 * time.Minute
)

// PostgresOptions says how to start a PostgreSQL.
type PostgresOptions struct {
	// DataDir is the folder for everything of this server: the cluster ("pgdata"),
	// its password, its log. It is created if missing. Required.
	DataDir string
	// BinDir holds postgres and initdb; empty finds them.
	BinDir string
	// Log hears what is going on; nil is silence. The server's own log is the file
	// postgres.log in DataDir.
	Log *slog.Logger
	// Port to listen on at 127.0.0.1; 0 takes any free one.
	Port int
	// Tuning are settings as in postgresql.conf; they beat ours.
	Tuning map[string]string
	// Ephemeral gives up durability for speed. For tests only.
	Ephemeral bool
}

// Postgres is a running server.
type Postgres struct {
	// URL connects to the database "drumbeat" as its owner. It holds the password.
	URL string
	// Version of the server, such as "18.4".
	Version string
	// Port on 127.0.0.1.
	Port int

	child *child
	lock  *folderLock
	user  *runAs
	log   *slog.Logger
}

// StartPostgres starts the server in o.DataDir, after making the cluster if there is
// none, and returns when it answers. What a killed process left running there is
// stopped first. When ctx ends during the start, the start is undone; afterwards only
// Stop ends the server.
func StartPostgres(ctx context.Context, o PostgresOptions) (_ *Postgres, err error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
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

	pgdata := filepath.Join(dir, "pgdata")
	major, err := clusterVersion(pgdata)
	if err != nil {
		return nil, err
	}
	bin, err := findPostgres(ctx, o.BinDir, dir, user, major)
	if err != nil {
		if major != 0 {
			return nil, fmt.Errorf("the data in %s was made by PostgreSQL %d: %w\nOr choose another data folder to start anew", pgdata, major, err)
		}
		return nil, err
	}
	if major != 0 {
		if err := stopOrphan(ctx, pgdata, log); err != nil {
			return nil, err
		}
	}
	password, err := secretFile(filepath.Join(dir, "password"), user)
	if err != nil {
		return nil, err
	}
	if major == 0 {
		log.Info("creating the database cluster", "folder", pgdata, "postgresql", bin.version)
		if err := initdb(ctx, bin, dir, user, o.Ephemeral); err != nil {
			return nil, err
		}
	}

	p := &Postgres{Version: bin.version, lock: lock, user: user, log: log}
	// A port that was free may be taken by the time the server binds it.
	for attempt := 1; ; attempt++ {
		p.Port, err = choosePort(o.Port, "PostgreSQL")
		if err != nil {
			return nil, err
		}
		err = p.launch(ctx, bin, dir, password, o)
		if err == nil {
			break
		}
		if o.Port != 0 || attempt == 3 || !strings.Contains(err.Error(), "could not bind") {
			return nil, err
		}
	}
	p.URL = p.urlFor(database, password)
	if err := p.createDatabase(ctx, password); err != nil {
		_ = p.Stop()
		return nil, err
	}
	log.Info("PostgreSQL is up", "version", bin.version, "port", p.Port, "folder", dir)
	return p, nil
}

func (p *Postgres) urlFor(db, password string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)),
		Path:     "/" + db,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// clusterVersion reads the major version of the cluster in pgdata; 0 if there is none.
func clusterVersion(pgdata string) (int, error) {
	b, err := os.ReadFile(filepath.Join(pgdata, "PG_VERSION"))
	if err == nil {
		major, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil || major < 1 {
			return 0, brokenError(pgdata, "its file PG_VERSION is damaged")
		}
		for _, must := range []string{"global/pg_control", "postgresql.conf"} {
			if _, err := os.Stat(filepath.Join(pgdata, filepath.FromSlash(must))); errors.Is(err, os.ErrNotExist) {
				return 0, brokenError(pgdata, "its file "+must+" is missing")
			}
		}
		return major, nil
	}
	if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return 0, fmt.Errorf("read the database's data folder: %w; it belongs to another user, or to root: start as that user or choose another data folder", err)
	}
	switch entries, err := os.ReadDir(pgdata); {
	case errors.Is(err, os.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read the database's data folder: %w", err)
	case len(entries) == 0:
		return 0, nil
	}
	return 0, brokenError(pgdata, "it is not empty and has no file PG_VERSION")
}

func brokenError(pgdata, why string) error {
	return fmt.Errorf("the database's data folder %s is broken: %s. Nothing was changed. "+
		"Restore it from a backup, or move it away to start with an empty database", pgdata, why)
}

// initdb makes the cluster beside its final place and moves it there when complete,
// so that an interrupted one never looks like data.
func initdb(ctx context.Context, bin binaries, dir string, user *runAs, ephemeral bool) error {
	tmp := filepath.Join(dir, "pgdata.new")
	args := []string{"-D", tmp, "-U", superuser, "-A", "scram-sha-256", "--pwfile", filepath.Join(dir, "password"), "-E", "UTF8", "-k"}
	if ephemeral {
		args = append(args, "--no-sync")
	}
	locales := [][]string{{"--locale=C.UTF-8"}, {"--locale=C"}}
	if bin.major >= 17 {
		// The built-in provider needs nothing of the system and sorts alike everywhere.
		locales = [][]string{{"--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"}}
	}
	var out []byte
	var err error
	for _, locale := range locales {
		if err := os.RemoveAll(tmp); err != nil {
			return fmt.Errorf("clear an unfinished cluster: %w", err)
		}
		if err := os.Mkdir(tmp, 0o700); err != nil {
			return fmt.Errorf("create the cluster's folder: %w", err)
		}
		if err := user.own(tmp); err != nil {
			return err
		}
		cmd := exec.Command(bin.path("initdb"), append(slices.Clone(args), locale...)...)
		cmd.Dir, cmd.Env = dir, childEnv()
		out, err = runChild(ctx, cmd, user)
		if err == nil {
			final := filepath.Join(dir, "pgdata")
			if err := os.Remove(final); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("move the new cluster into place: %w", err)
			}
			if err := os.Rename(tmp, final); err != nil {
				return fmt.Errorf("move the new cluster into place: %w", err)
			}
			return nil
		}
		if !strings.Contains(string(out), "locale") {
			break
		}
	}
	_ = os.RemoveAll(tmp)
	if ctx.Err() != nil {
		return fmt.Errorf("create the database cluster: %w", ctx.Err())
	}
	return fmt.Errorf("create the database cluster in %s: initdb: %w\n%s", dir, err, strings.TrimSpace(string(out)))
}

// stopOrphan ends a server that still runs on pgdata. We hold the folder's lock, so
// whoever started it is gone.
func stopOrphan(ctx context.Context, pgdata string, log *slog.Logger) error {
	pidFile := filepath.Join(pgdata, "postmaster.pid")
	b, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return waitForStragglers(ctx, pgdata)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", pidFile, err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 {
		return brokenError(pgdata, "its file postmaster.pid is damaged")
	}
	// The number may have been given to an unrelated program since.
	isOurs := alive(pid)
	pids, known := processesIn(pgdata)
	if known {
		isOurs = isOurs && slices.Contains(pids, pid)
	}
	if isOurs {
		log.Warn("stopping a PostgreSQL that was left running", "pid", pid)
		if err := interruptPID(pid); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the PostgreSQL left running as process %d: %w", pid, err)
		}
		if !waitUntil(ctx, stopPatience, func() bool { return !alive(pid) }) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			_ = quitPID(pid)
			if !waitUntil(ctx, 10*time.Second, func() bool { return !alive(pid) }) {
				return fmt.Errorf("a PostgreSQL was left running as process %d and does not stop: end it by hand", pid)
			}
		}
	}
	if err := waitForStragglers(ctx, pgdata); err != nil {
		return err
	}
	if known {
		// Nobody is left in the folder, so the file is stale. PostgreSQL would not see
		// that when the number is alive again or was never waited for.
		if err := os.Remove(pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the stale %s: %w", pidFile, err)
		}
	}
	return nil
}

// waitForStragglers waits for the sessions of a killed server; they end by
// themselves when they notice, and two servers must never share a cluster.
func waitForStragglers(ctx context.Context, pgdata string) error {
	var left []int
	gone := waitUntil(ctx, 30*time.Second, func() bool {
		left = left[:0]
		pids, _ := processesIn(pgdata)
		for _, pid := range pids {
			if alive(pid) {
				left = append(left, pid)
			}
		}
		return len(left) == 0
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !gone {
		return fmt.Errorf("processes %v still work in %s: end them by hand", left, pgdata)
	}
	return nil
}

func waitUntil(ctx context.Context, patience time.Duration, done func() bool) bool {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if done() {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-deadline.C:
			return done()
		case <-tick.C:
		}
	}
}

var settingPattern = regexp.MustCompile(`^[a-z_][a-z0-9_.]*$`)

// settings are ours, overridden by the caller's, as arguments in a stable order.
func settings(o PostgresOptions) ([]string, error) {
	all := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_line_prefix":         "%m [%p] ",
		"log_checkpoints":         "off",
		"logging_collector":       "off",
		"max_connections":         "200",
		"shared_buffers":          "128MB",
		"max_wal_size":            "2GB",
		"random_page_cost":        "1.1",
		"jit":                     "off", // compiling costs more than our short queries
		"fsync":                   "on",
		"full_page_writes":        "on",
		"synchronous_commit":      "on",
	}
	if o.Ephemeral {
		all["fsync"], all["full_page_writes"], all["synchronous_commit"] = "off", "off", "off"
		all["wal_level"], all["max_wal_senders"] = "minimal", "0"
		all["autovacuum"] = "off"
	}
	for k, v := range o.Tuning {
		if !settingPattern.MatchString(k) {
			return nil, fmt.Errorf("%q is no name of a PostgreSQL setting", k)
		}
		all[k] = v
	}
	var args []string
	for k, v := range all {
		args = append(args, k+"="+v)
	}
	slices.Sort(args)
	return args, nil
}

// launch starts the server on p.Port and waits until it takes queries.
func (p *Postgres) launch(ctx context.Context, bin binaries, dir, password string, o PostgresOptions) error {
	pgdata := filepath.Join(dir, "pgdata")
	conf, err := settings(o)
	if err != nil {
		return err
	}
	args := []string{"-D", pgdata, "-p", strconv.Itoa(p.Port)}
	for _, c := range conf {
		args = append(args, "-c", c)
	}
	logPath := filepath.Join(dir, "postgres.log")
	// The log is a file rather than a pipe: an orphan would die writing to a pipe.
	logFile, from, err := openLog(logPath, p.user)
	if err != nil {
		return fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer logFile.Close()
	cmd := exec.Command(bin.path("postgres"), args...)
	cmd.Dir, cmd.Env = dir, childEnv()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	c, err := startChild(cmd, p.user)
	if err != nil {
		return fmt.Errorf("start %s: %w", bin.path("postgres"), err)
	}
	p.child = c
	if err := p.waitReady(ctx, pgdata, password); err != nil {
		if c.exited() {
			return startError(pgdata, logPath, logTail(logPath, from), err)
		}
		_ = c.stop(c.interrupt, stopPatience)
		return err
	}
	return nil
}

// startError explains why the server ended at once.
func startError(pgdata, logPath, tail string, err error) error {
	for _, sign := range []string{"checkpoint record", "control file", "could not open file", "could not read file", "invalid page", "PANIC"} {
		if strings.Contains(tail, sign) {
			return fmt.Errorf("%w\nIts log says:\n%s", brokenError(pgdata, "PostgreSQL cannot start from it"), tail)
		}
	}
	return fmt.Errorf("%w; its log (%s) says:\n%s", err, logPath, tail)
}

// waitReady connects until the server takes queries, as long as it lives.
func (p *Postgres) waitReady(ctx context.Context, pgdata, password string) error {
	began := time.Now()
	nextNote := began.Add(5 * time.Second)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.try(ctx, pgdata, password)
		if err == nil {
			return nil
		}
		if errors.Is(err, errStranger) {
			return err
		}
		var pgErr *pgconn.PgError
		answered := errors.As(err, &pgErr)
		if answered && pgErr.Code == "28P01" {
			return fmt.Errorf("the password in %s is not the one this cluster was made with: put the right one back, or move the folder away to start anew",
				filepath.Join(filepath.Dir(pgdata), "password"))
		}
		if now := time.Now(); now.After(nextNote) {
			p.log.Info("PostgreSQL is still recovering from an unclean stop", "for", now.Sub(began).Round(time.Second))
			nextNote = now.Add(10 * time.Second)
		}
		if time.Since(began) > recoveryPatience || (!answered && time.Since(began) > 2*time.Minute) {
			return fmt.Errorf("PostgreSQL does not answer on port %d: %w", p.Port, err)
		}
		select {
		case <-p.child.done:
			return fmt.Errorf("PostgreSQL ended while starting (%v)", p.child.err)
		case <-ctx.Done():
			return fmt.Errorf("start PostgreSQL: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

var errStranger = errors.New("another program answers on the port chosen for PostgreSQL")

// try connects once and makes sure that it is our server that answers.
func (p *Postgres) try(ctx context.Context, pgdata, password string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.urlFor("postgres", password))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var dir string
	if err := conn.QueryRow(ctx, "show data_directory").Scan(&dir); err != nil {
		return err
	}
	if filepath.Clean(dir) != pgdata {
		return errStranger
	}
	return nil
}

func (p *Postgres) createDatabase(ctx context.Context, password string) error {
	conn, err := pgx.Connect(ctx, p.urlFor("postgres", password))
	if err != nil {
		return fmt.Errorf("connect to the new server: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var there bool
	err = conn.QueryRow(ctx, "select exists(select from pg_database where datname = $1)", database).Scan(&there)
	if err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, "create database "+database); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return nil
}

// Stop ends all sessions, has the server write its last checkpoint and waits for it.
// It may be called more than once.
func (p *Postgres) Stop() error {
	err := p.child.stop(p.child.interrupt, stopPatience)
	p.lock.release()
	if err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// Done is closed when the server has ended, for whatever reason.
func (p *Postgres) Done() <-chan struct{} { return p.child.done }

// Kill ends the server as a crash would (SIGKILL to its main process). For tests.
func (p *Postgres) Kill() {
	p.child.kill()
	p.lock.release()
}
