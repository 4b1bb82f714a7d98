package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

const (
	firstRestart = time.Second
	lastRestart  = time.Minute
	// calm is how long a loop has to run before its failures are forgotten.
	calm = 5 * time.Minute
)

// supervisor runs the background loops of a process. One that fails, or
// panics, is started again after a while that grows; it never takes the
// process with it.
type supervisor struct {
	log  *slog.Logger
	done sync.WaitGroup
}

// run starts a loop that works until ctx ends.
func (s *supervisor) run(ctx context.Context, name string, loop func(context.Context) error) {
	s.done.Go(func() {
		delay := firstRestart
		for ctx.Err() == nil {
			start := time.Now()
			err := safely(ctx, loop)
			if ctx.Err() != nil {
				return
			}
			if time.Since(start) > calm {
				delay = firstRestart
			}
			s.log.ErrorContext(ctx, "a background task ended and is started again", "task", name, "after", delay, "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(delay):
			}
			delay = min(2*delay, lastRestart)
		}
	})
}

// wait waits for all loops, which have to have been told to end; it says
// whether they did in time.
func (s *supervisor) wait(patience time.Duration) bool {
	ended := make(chan struct{})
	go func() {
		s.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-time.After(patience):
		return false
	}
}

func safely(ctx context.Context, loop func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return loop(ctx)
}
