package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"drumbeat/server/platform/postgres"
	"drumbeat/server/releases"
)

// newFeedsCommand builds "drumbeat feeds", for operators.
func newFeedsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "feeds",
		Short: "Look at and fetch the release histories that verdicts are based on",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newFeedsStatusCommand(), newFeedsSyncCommand(), newFeedsShowCommand())
	return cmd
}

// feedsOptions are common to the commands below feeds.
type feedsOptions struct {
	backendOptions
	output string
}

func (o *feedsOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.output, "output", "text", "text or json")
	o.flags(cmd)
}

// run opens the database for do.
func (o *feedsOptions) run(ctx context.Context, do func(*pgxpool.Pool) error) (err error) {
	if o.output != "text" && o.output != "json" {
		return fmt.Errorf("--output %q is neither text nor json", o.output)
	}
	log, err := newLogger("text", "warn")
	if err != nil {
		return err
	}
	// Nothing about feeds is in Redis.
	if o.redisURL == "" {
		o.redisURL = "redis://none.invalid:1"
	}
	b, err := openToolBackends(ctx, o.backendOptions, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	pool, err := postgres.Open(ctx, b.databaseURL, postgres.WithApplicationName("drumbeat feeds"))
	if err != nil {
		return err
	}
	defer pool.Close()
	return do(pool)
}

// toolLog is where commands that look at feeds say that one cannot be read.
func toolLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

const feedServersUsage = "release servers that projects may name as their own, such as https://updates.example.org/release-history ($DRUMBEAT_FEED_SERVERS)"

// openFeedServers reads the list of allowed servers.
func openFeedServers(addresses []string) (releases.Servers, map[string]releases.Source, error) {
	servers, err := releases.ParseServers(addresses)
	if err != nil {
		return servers, nil, err
	}
	sources, err := servers.Open(releases.HTTPOptions{})
	return servers, sources, err
}

func writeJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func newFeedsStatusCommand() *cobra.Command {
	var o feedsOptions
	var state string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "List the feeds: how fresh each is, when it is asked for next, and what is wrong",
		Long: "Lists the feeds of all projects that a site ever reported. States:\n\n" +
			"  never      not asked for yet\n" +
			"  ok         what is known is what the source last said\n" +
			"  missing    the source knows no such project\n" +
			"  failed     the last request failed\n" +
			"  malformed  the last answer was no release history\n\n" +
			"In the last three the last good content stays in force; its age is shown.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			states := []releases.FeedState{
				"", releases.FeedNever, releases.FeedOK, releases.FeedMissing, releases.FeedFailed, releases.FeedMalformed,
			}
			if !slices.Contains(states, releases.FeedState(state)) {
				return fmt.Errorf("--state %q is none of never, ok, missing, failed and malformed", state)
			}
			return o.run(cmd.Context(), func(pool *pgxpool.Pool) error {
				feeds, err := allFeeds(cmd.Context(), releases.NewReader(pool, time.Now, toolLog()), releases.FeedState(state))
				if err != nil {
					return err
				}
				if o.output == "json" {
					return writeJSON(cmd.OutOrStdout(), feeds)
				}
				return writeFeeds(cmd.OutOrStdout(), feeds, time.Now())
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only feeds in this state")
	o.addFlags(cmd)
	return cmd
}

// allFeeds reads page after page.
func allFeeds(ctx context.Context, reader *releases.Reader, state releases.FeedState) ([]releases.FeedStatus, error) {
	feeds := []releases.FeedStatus{}
	page := releases.StatusPage{State: state, Size: 1000}
	for {
		next, err := reader.Status(ctx, page)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, next...)
		if len(next) < page.Size {
			return feeds, nil
		}
		last := next[len(next)-1]
		page.AfterProject, page.AfterSeries = last.Project, last.Series
	}
}

func writeFeeds(out io.Writer, feeds []releases.FeedStatus, now time.Time) error {
	if len(feeds) == 0 {
		_, err := fmt.Fprintln(out, "No feeds. They are added when a site reports a project for the first time.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROJECT\tSERIES\tSTATE\tAGE\tNEXT CHECK\tERROR")
	counts := map[releases.FeedState]int{}
	for _, f := range feeds {
		counts[f.State]++
		age := "-"
		if f.FetchedAt != nil {
			age = span(now.Sub(*f.FetchedAt))
		}
		next := "due"
		if f.NextCheckAt.After(now) {
			next = "in " + span(f.NextCheckAt.Sub(now))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", shown(f.Project), f.Series, f.State, age, next, shown(f.Error))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var sums []string
	for _, state := range []releases.FeedState{
		releases.FeedOK, releases.FeedNever, releases.FeedMissing, releases.FeedFailed, releases.FeedMalformed,
	} {
		if counts[state] > 0 {
			sums = append(sums, fmt.Sprintf("%d %s", counts[state], state))
		}
	}
	_, err := fmt.Fprintf(out, "\n%d feeds: %s.\n", len(feeds), strings.Join(sums, ", "))
	return err
}

// span is a duration for people, in its two largest units at most.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// shown makes text that a site or a feed chose safe for a terminal, and short.
func shown(s string) string {
	const most = 100
	s = printable(s)
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return s
}

// printable replaces what could change more of a terminal than a text should.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, s)
}

func newFeedsSyncCommand() *cobra.Command {
	var o feedsOptions
	var source string
	var servers []string
	var all bool
	cmd := &cobra.Command{
		Use:   "sync (PROJECT… | --all)",
		Short: "Fetch feeds now, judge by them, and bring the verdicts to the sites",
		Long: "Asks for the feeds of the given projects, or of all, whether they are due or not, and\n" +
			"does what the server does by itself when they are. A running server is not disturbed.\n" +
			"Give the same --feeds and --feed-servers as the server.",
		RunE: func(cmd *cobra.Command, projects []string) error {
			if all == (len(projects) > 0) {
				return errors.New("name projects, or give --all")
			}
			from, err := releases.OpenSource(source, releases.HTTPOptions{})
			if err != nil {
				return err
			}
			_, own, err := openFeedServers(servers)
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), func(pool *pgxpool.Pool) error {
				return syncFeeds(cmd.Context(), cmd.OutOrStdout(), pool, from, own, projects, all, o.output)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "fetch the feeds of all projects")
	cmd.Flags().StringSliceVar(&servers, "feed-servers", nil, feedServersUsage)
	cmd.Flags().StringVar(&source, "feeds", releases.DefaultSource, "where release histories come from: a URL or a folder of XML files ($DRUMBEAT_FEEDS)")
	o.addFlags(cmd)
	fromEnvironment(cmd, map[string]string{"feeds": "DRUMBEAT_FEEDS", "feed-servers": "DRUMBEAT_FEED_SERVERS"})
	return cmd
}

// syncedFeed is a line of the output of feeds sync.
type syncedFeed struct {
	Project   string             `json:"project"`
	Series    string             `json:"series"`
	State     releases.FeedState `json:"state,omitempty"`
	Changed   bool               `json:"changed"`
	Error     string             `json:"error,omitempty"`
	Postponed *time.Time         `json:"postponed_until,omitempty"`
}

func syncFeeds(ctx context.Context, out io.Writer, pool *pgxpool.Pool, source releases.Source, servers map[string]releases.Source, projects []string, all bool, output string) error {
	log, err := newLogger("text", "error")
	if err != nil {
		return err
	}
	service := releases.NewService(releases.Options{Pool: pool, Source: source, Servers: servers, Log: log})
	done, changed, bad := 0, 0, 0
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err = service.SyncNow(ctx, projects, all, func(r releases.SyncResult) {
		done++
		if r.Changed {
			changed++
		}
		if r.Error != "" || !r.Postponed.IsZero() {
			bad++
		}
		if output == "json" {
			line := syncedFeed{Project: r.Project, Series: r.Series, State: r.State, Changed: r.Changed, Error: r.Error}
			if !r.Postponed.IsZero() {
				line.Postponed = &r.Postponed
			}
			_ = encoder.Encode(line)
			return
		}
		what := string(r.State)
		switch {
		case !r.Postponed.IsZero():
			what = "not asked before " + r.Postponed.Format(time.TimeOnly) + ": the source is left alone after failures"
		case r.Changed:
			what += ", changed"
		case r.Error != "":
			what += ": " + shown(r.Error)
		}
		fmt.Fprintf(out, "%4d  %s (%s): %s\n", done, shown(r.Project), r.Series, what)
	})
	if err != nil {
		return err
	}
	if output == "text" {
		fmt.Fprintf(out, "Asked for %d feeds: %d changed, %d not to be had.\n", done, changed, bad)
	}
	return nil
}

func newFeedsShowCommand() *cobra.Command {
	var o feedsOptions
	cmd := &cobra.Command{
		Use:   "show PROJECT",
		Short: "Show what is known of a project, and the verdict on each installed version",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), func(pool *pgxpool.Pool) error {
				project, err := releases.NewReader(pool, time.Now, toolLog()).Show(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("%s: %w", shown(args[0]), err)
				}
				if o.output == "json" {
					return writeJSON(cmd.OutOrStdout(), project)
				}
				return writeProject(cmd.OutOrStdout(), project, time.Now())
			})
		},
	}
	o.addFlags(cmd)
	return cmd
}

func writeProject(out io.Writer, p releases.Project, now time.Time) error {
	fmt.Fprintf(out, "%s (%s)\n%s\n\n", shown(p.Name), shown(p.Title), shown(p.Link))
	if err := writeFeeds(out, p.Feeds, now); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nInstalled:")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  VERSION\tRULES\tSITES\tSTATUS\tRECOMMENDED\tWHY")
	for _, v := range p.Installed {
		version, recommended := "(none)", "-"
		if v.Version != nil {
			version = shown(*v.Version)
			if version == "" {
				version = "(empty)"
			}
		}
		if v.Datestamp != 0 {
			version += " of " + time.Unix(v.Datestamp, 0).UTC().Format(time.DateOnly)
		}
		if v.Verdict.Recommended != nil {
			recommended = shown(v.Verdict.Recommended.Version)
		}
		fmt.Fprintf(table, "  %s\t%s\t%d\t%s\t%s\t%s\n", version, v.RuleSet, v.Sites, v.Verdict.Status, recommended, printable(v.Explanation))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	const most = 15
	fmt.Fprintln(out, "\nReleases, newest first:")
	table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, r := range p.Releases {
		if i == most {
			break
		}
		date := "-"
		if r.Date != nil {
			date = r.Date.UTC().Format(time.DateOnly)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", shown(r.Version), date, shown(r.Status), shown(strings.Join(r.Terms, ", ")))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if more := len(p.Releases) - most; more > 0 {
		fmt.Fprintf(out, "  … and %d more\n", more)
	}
	return nil
}
