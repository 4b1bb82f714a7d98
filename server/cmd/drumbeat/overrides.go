package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"drumbeat/server/releases"
	"drumbeat/server/updatestatus"
)

// newOverridesCommand builds "drumbeat overrides", for operators.
func newOverridesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "overrides",
		Short: "Say something of a release instead of what its release history says",
		Long: "Where a release history is wrong, or says nothing of a project of your own, an override\n" +
			"gives the verdict on one version, on all that begin alike (8.x-1.*) or on the whole\n" +
			"project. It shows wherever it acts, with who said it, why and until when; when its time\n" +
			"is over the release history counts again by itself.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newOverridesListCommand(), newOverridesSetCommand(), newOverridesRemoveCommand())
	return cmd
}

func newOverridesListCommand() *cobra.Command {
	var o feedsOptions
	var all bool
	cmd := &cobra.Command{
		Use: "list [PROJECT]", Short: "List overrides, newest first", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			project := ""
			if len(args) == 1 {
				project = args[0]
			}
			return o.run(cmd.Context(), func(pool *pgxpool.Pool) error {
				list, err := allOverrides(cmd.Context(), releases.NewOverrides(pool, time.Now, toolLog()), project, all)
				if err != nil {
					return err
				}
				if o.output == "json" {
					return writeJSON(cmd.OutOrStdout(), list)
				}
				return writeOverrides(cmd.OutOrStdout(), list)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that are not in force any more")
	o.addFlags(cmd)
	return cmd
}

// allOverrides reads page after page.
func allOverrides(ctx context.Context, overrides *releases.Overrides, project string, withEnded bool) ([]releases.Override, error) {
	list := []releases.Override{}
	page := releases.OverridePage{Project: project, WithEnded: withEnded, Size: 200}
	for {
		next, token, err := overrides.List(ctx, page)
		if err != nil {
			return nil, err
		}
		list = append(list, next...)
		if token == "" {
			return list, nil
		}
		page.PageToken = token
	}
}

func writeOverrides(out io.Writer, list []releases.Override) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "No overrides.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tPROJECT\tVERSIONS\tSAYS\tNOTE\tWHY\tBY\tSINCE\tUNTIL")
	for _, v := range list {
		versions, until := "all", "until removed"
		if v.Versions != "" {
			versions = shown(v.Versions)
		}
		switch {
		case v.EndedAt != nil:
			until = "ended " + v.EndedAt.UTC().Format(time.DateOnly) + ": " + shown(v.EndedBecause)
		case v.Until != nil:
			until = v.Until.UTC().Format(time.DateOnly)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.ID, shown(v.Project), versions, v.Status, shown(v.Note), shown(v.Reason),
			shown(v.Author), v.Since.UTC().Format(time.DateOnly), until)
	}
	return table.Flush()
}

func newOverridesSetCommand() *cobra.Command {
	var o feedsOptions
	var status, note, reason, until, by string
	cmd := &cobra.Command{
		Use:   "set PROJECT [VERSION | PREFIX*]",
		Short: "Override the verdict on a version, on all that begin alike, or on a whole project",
		Example: "  drumbeat overrides set token '8.x-1.*' --status current --note 'patched by us' \\\n" +
			"      --reason 'the patch of SA-CONTRIB-2026-001 is in our build' --until 2026-12-31",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			draft := releases.OverrideDraft{Project: args[0], Status: updatestatus.Status(status), Note: note, Reason: reason, Author: by}
			if len(args) == 2 {
				draft.Versions = args[1]
			}
			if until != "" {
				at, err := time.Parse(time.DateOnly, until)
				if err != nil {
					return fmt.Errorf("--until %q is no date such as 2026-12-31", until)
				}
				draft.Until = &at
			}
			return o.run(cmd.Context(), func(pool *pgxpool.Pool) error {
				overrides := releases.NewOverrides(pool, time.Now, toolLog())
				made, changed, err := overrides.Set(cmd.Context(), draft)
				if err != nil {
					return err
				}
				sites, err := overrides.Spread(cmd.Context())
				if err != nil {
					return err
				}
				if o.output == "json" {
					return writeJSON(cmd.OutOrStdout(), made)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Override %s is in force: %s judged otherwise, on %s.\n",
					made.ID, counted(changed, "installed version is", "installed versions are"), counted(sites, "site", "sites"))
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&status, "status", "", "what to say: not-secure, revoked, not-supported, not-current, current, not-checked or unknown")
	f.StringVar(&note, "note", "", "what people read beside the verdict")
	f.StringVar(&reason, "reason", "", "why it is said")
	f.StringVar(&until, "until", "", "the day, as 2026-12-31 (UTC), from which the release history counts again; without it until removed")
	f.StringVar(&by, "by", operator(), "who says it")
	for _, name := range []string{"status", "note", "reason"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	o.addFlags(cmd)
	return cmd
}

func newOverridesRemoveCommand() *cobra.Command {
	var o feedsOptions
	var by string
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Take an override back", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return errors.New("name the id that \"drumbeat overrides list\" shows")
			}
			return o.run(cmd.Context(), func(pool *pgxpool.Pool) error {
				overrides := releases.NewOverrides(pool, time.Now, toolLog())
				changed, err := overrides.Remove(cmd.Context(), id, by)
				if err != nil {
					return err
				}
				sites, err := overrides.Spread(cmd.Context())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Removed: %s judged by the release history again, on %s.\n",
					counted(changed, "installed version is", "installed versions are"), counted(sites, "site", "sites"))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&by, "by", operator(), "who removes it")
	o.addFlags(cmd)
	return cmd
}

// counted is a number with the word that goes with it.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// operator is who runs the command, as the system knows them.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "operator"
}
