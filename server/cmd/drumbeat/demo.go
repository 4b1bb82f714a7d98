package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"drumbeat/server/demo"
	"drumbeat/server/platform/embedded"
	"drumbeat/server/releases"
)

// forDemo turns the options into those of a demo: a data folder of its own,
// beside that of real data, and release histories that need no network.
func (o *serveOptions) forDemo(now time.Time) error {
	if host, _, err := net.SplitHostPort(o.listen); err == nil && host != "localhost" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("a demo has a password that everybody knows, so it listens on this machine only: not on %q", o.listen)
		}
	}
	if o.feeds != releases.DefaultSource {
		return errors.New("a demo brings its own release histories: leave --feeds out")
	}
	if len(o.roles) < 3 {
		return errors.New("a demo needs all roles in one process: leave --roles out")
	}
	if o.dataDir == "" {
		dir, err := embedded.DefaultDataDir()
		if err != nil {
			return err
		}
		o.dataDir = filepath.Clean(dir) + "-demo"
	}
	var err error
	o.feeds, err = demo.Feeds(o.dataDir, now)
	return err
}

// loadDemo fills the database once; what goes wrong ends up in the log, and is
// tried again at the next start.
func (s *server) loadDemo(ctx context.Context) error {
	loader := demo.Loader{
		Pool: s.pool, Orgs: s.people, Catalog: releases.NewCatalog(s.pool, s.log), Log: s.log, Now: time.Now(),
		Releases: releases.NewService(releases.Options{Pool: s.pool, Source: s.source, Log: s.log}),
	}
	if err := loader.Load(ctx); err != nil {
		return fmt.Errorf("load the demo fleet: %w", err)
	}
	return nil
}
