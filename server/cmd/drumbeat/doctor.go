package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"drumbeat/server/ingest"
	"drumbeat/server/platform/embedded"
	"drumbeat/server/platform/postgres"
	"drumbeat/server/releases"
)

type doctorOptions struct {
	backendOptions
	feeds  string
	output string
}

func newDoctorCommand() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the database, Redis and the feed source, and say what to do",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.output != "text" && o.output != "json" {
				return fmt.Errorf("the output %q is none of text and json", o.output)
			}
			log, err := newLogger("text", "error")
			if err != nil {
				return err
			}
			b, err := openToolBackends(cmd.Context(), o.backendOptions, log)
			if err != nil {
				return err
			}
			defer func() {
				if stopErr := b.close(); err == nil {
					err = stopErr
				}
			}()
			checks := examine(cmd.Context(), b, o.feeds, log)
			if err := printChecks(cmd.OutOrStdout(), checks, o.output); err != nil {
				return err
			}
			for _, c := range checks {
				if !c.OK {
					return &exitError{code: 1, err: errors.New("not all is well; see above")}
				}
			}
			return nil
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.feeds, "feeds", releases.DefaultSource, "where release histories come from: a URL or a folder of XML files ($DRUMBEAT_FEEDS)")
	cmd.Flags().StringVar(&o.output, "output", "text", "text or json")
	fromEnvironment(cmd, map[string]string{"feeds": "DRUMBEAT_FEEDS"})
	return cmd
}

// examine runs every check; none keeps the others from running.
func examine(ctx context.Context, b *backends, feeds string, log *slog.Logger) []check {
	var checks []check
	add := func(name string, ok bool, detail string) {
		checks = append(checks, check{Name: name, OK: ok, Detail: detail})
	}
	pool, err := postgres.Open(ctx, b.databaseURL, postgres.WithMaxConns(2))
	if err != nil {
		add("postgresql", false, err.Error())
	} else {
		defer pool.Close()
		examineDatabase(ctx, pool, b.databaseURL, add)
	}
	examineRedis(ctx, b.redisURL, add)
	examineFeeds(ctx, feeds, add)
	return checks
}

func examineDatabase(ctx context.Context, pool *pgxpool.Pool, databaseURL string, add func(string, bool, string)) {
	var version string
	_ = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		version = c.Conn().PgConn().ParameterStatus("server_version")
		return nil
	})
	add("postgresql", true, "version "+version)
	current, target, err := postgres.SchemaVersion(ctx, databaseURL)
	switch {
	case err != nil:
		add("migrations", false, err.Error())
	case current < target:
		add("migrations", false, fmt.Sprintf("the database is at version %d, this binary at %d: run drumbeat migrate", current, target))
	case current > target:
		add("migrations", true, fmt.Sprintf("the database is at version %d, ahead of this binary (%d): a newer one runs on it", current, target))
	default:
		add("migrations", true, fmt.Sprintf("at version %d", current))
	}
	if err == nil && current >= target {
		if err := ingest.EnsurePartitions(ctx, pool, time.Now()); err != nil {
			add("partitions", false, err.Error())
		} else {
			add("partitions", true, "those of this month and the next three are there")
		}
	}
}

func examineRedis(ctx context.Context, url string, add func(string, bool, string)) {
	client, err := openRedis(url)
	if err != nil {
		add("redis", false, err.Error())
		return
	}
	defer client.Close()
	if err := client.Set(ctx, "drumbeat:doctor", "x", time.Minute).Err(); err != nil {
		add("redis", false, fmt.Sprintf("does not take writes: %v", err))
		return
	}
	durability, warnings := embedded.CheckRedis(ctx, client)
	texts := []string{}
	for _, w := range warnings {
		texts = append(texts, w.Message)
	}
	detail := "durability: " + string(durability)
	if len(texts) > 0 {
		detail += ". " + strings.Join(texts, " ")
	}
	add("redis", len(warnings) == 0, detail)
}

func examineFeeds(ctx context.Context, location string, add func(string, bool, string)) {
	source, err := releases.OpenSource(location, releases.HTTPOptions{})
	if err != nil {
		add("feeds", false, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	_, err = source.Fetch(ctx, releases.Request{Project: "drupal", Series: "current"})
	if err != nil {
		add("feeds", false, fmt.Sprintf("%s: the release history of drupal could not be read: %v", source, err))
		return
	}
	add("feeds", true, source.String())
}

func printChecks(out io.Writer, checks []check, format string) error {
	if format == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"checks": checks})
	}
	for _, c := range checks {
		mark := "ok  "
		if !c.OK {
			mark = "BAD "
		}
		if _, err := fmt.Fprintf(out, "%s %-12s %s\n", mark, c.Name, c.Detail); err != nil {
			return err
		}
	}
	return nil
}
