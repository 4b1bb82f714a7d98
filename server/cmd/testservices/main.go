// Command testservices starts a PostgreSQL and a Redis for tests, runs a command that
// finds them through the environment, stops them and exits as the command did:
//
//	go run ./server/cmd/testservices -- go test ./...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"drumbeat/server/platform/testkit"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testservices:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return 2, errors.New("name the command to run after --, for example: testservices -- go test all")
	}
	// The command shares our terminal and gets a Ctrl-C by itself; we only wait.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	dir, err := testkit.TempDir()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	var env [2]string
	var errs [2]error
	var stops [2]func() error
	var wg sync.WaitGroup
	wg.Go(func() {
		pg, err := testkit.StartPostgres(ctx, filepath.Join(dir, "postgres"))
		if errs[0] = err; err == nil {
			env[0], stops[0] = testkit.DatabaseURLVariable+"="+pg.URL, pg.Stop
		}
	})
	wg.Go(func() {
		r, err := testkit.StartRedis(ctx, filepath.Join(dir, "redis"))
		if errs[1] = err; err == nil {
			env[1], stops[1] = testkit.RedisURLVariable+"="+r.URL, r.Stop
		}
	})
	wg.Wait()
	defer func() {
		for _, stop := range stops {
			if stop != nil {
				err = errors.Join(err, stop())
			}
		}
	}()
	if err := errors.Join(errs[:]...); err != nil {
		return 1, err
	}

	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env[:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("run %s: %w", args[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s != os.Interrupt {
				_ = cmd.Process.Signal(s)
			}
		case err := <-ended:
			var exit *exec.ExitError
			switch {
			case err == nil:
				return 0, nil
			case errors.As(err, &exit):
				if code := exit.ExitCode(); code > 0 {
					return code, nil
				}
				return 1, fmt.Errorf("%s: %s", args[0], exit)
			}
			return 1, fmt.Errorf("run %s: %w", args[0], err)
		}
	}
}
