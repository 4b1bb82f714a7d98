package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"drumbeat/server/ingest"
)

// newDeadLettersCommand builds "drumbeat deadletters", for operators.
func newDeadLettersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deadletters",
		Short: "Look at reports that could not be applied; replay or drop them",
		Long: "A report that could not be applied five times over stands here with the reason, so\n" +
			"that it holds up no other. Once the reason is mended, replay it: it goes the ordinary\n" +
			"way again, and has its effect only once whatever happens.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newDeadLettersListCommand(), newDeadLettersShowCommand(),
		newDeadLettersEachCommand("replay", "Replay dead letters, by id or all", "replayed", ingest.ReplayDeadLetter),
		newDeadLettersEachCommand("drop", "Delete dead letters for good, by id or all", "dropped", ingest.DropDeadLetter))
	return cmd
}

func newDeadLettersListCommand() *cobra.Command {
	var o feedsOptions
	var after int64
	var limit int
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List dead letters, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 10_000 {
				return errors.New("--limit must be from 1 to 10000")
			}
			return o.run(cmd.Context(), func(pool *pgxpool.Pool) error {
				letters, err := ingest.ListDeadLetters(cmd.Context(), pool, after, limit, all)
				if err != nil {
					return err
				}
				out := cmd.OutOrStdout()
				if o.output == "json" {
					return writeJSON(out, letters)
				}
				if len(letters) == 0 {
					fmt.Fprintln(out, "No dead letters.")
					return nil
				}
				table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
				fmt.Fprintln(table, "ID\tSINCE\tSITE\tREPORT\tREPLAYED\tREASON")
				for _, l := range letters {
					site, report, replayed := "-", "-", "-"
					if l.SiteID != nil {
						site = strconv.FormatInt(*l.SiteID, 10)
					}
					if l.ReportID != nil {
						report = l.ReportID.String()
					}
					if l.ReplayedAt != nil {
						replayed = l.ReplayedAt.UTC().Format(time.RFC3339)
					}
					// Quoted: a reason may quote what a site sent.
					fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%.200q\n", l.ID, l.CreatedAt.UTC().Format(time.RFC3339), site, report, replayed, l.Reason)
				}
				return table.Flush()
			})
		},
	}
	cmd.Flags().Int64Var(&after, "after", 0, "begin behind this id")
	cmd.Flags().IntVar(&limit, "limit", 100, "how many to list at most")
	cmd.Flags().BoolVar(&all, "all", false, "list those replayed as well")
	o.addFlags(cmd)
	return cmd
}

func newDeadLettersShowCommand() *cobra.Command {
	var o feedsOptions
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one dead letter with the report in it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseLetterID(args[0])
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), func(pool *pgxpool.Pool) error {
				l, err := ingest.GetDeadLetter(cmd.Context(), pool, id)
				if err != nil {
					return fmt.Errorf("dead letter %d: %w", id, err)
				}
				out := cmd.OutOrStdout()
				if o.output == "json" {
					return writeJSON(out, l)
				}
				fmt.Fprintf(out, "Dead letter %d, since %s, after %d deliveries\nReason: %q\n", l.ID, l.CreatedAt.UTC().Format(time.RFC3339), l.Deliveries, l.Reason)
				if l.Unreadable != "" {
					fmt.Fprintf(out, "It cannot be read: %q\n", l.Unreadable)
				}
				for _, e := range l.Entries {
					fmt.Fprintf(out, "\n%s of site %d, report %s\nreceived %s, collected %s\n", e.Kind, e.SiteID, e.ReportID,
						e.ReceivedAt.Format(time.RFC3339), e.CollectedAt.Format(time.RFC3339))
					if e.Detail != "" {
						fmt.Fprintf(out, "%q\n", e.Detail)
					}
					if e.Body != "" {
						// Quoted: what a site sent must not steer the terminal.
						fmt.Fprintf(out, "%q\n", e.Body)
					}
				}
				return nil
			})
		},
	}
	o.addFlags(cmd)
	return cmd
}

func newDeadLettersEachCommand(use, short, done string, act func(context.Context, *pgxpool.Pool, int64) error) *cobra.Command {
	var o feedsOptions
	var all bool
	cmd := &cobra.Command{
		Use: use + " [ID ...]", Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("name the ids, or --all")
			}
			var ids []int64
			for _, arg := range args {
				id, err := parseLetterID(arg)
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return o.run(cmd.Context(), func(pool *pgxpool.Pool) error {
				count := 0
				each := func(id int64) error {
					if err := act(cmd.Context(), pool, id); err != nil {
						return fmt.Errorf("dead letter %d: %w", id, err)
					}
					count++
					return nil
				}
				var err error
				if all {
					err = eachLetter(cmd.Context(), pool, each)
				} else {
					for _, id := range ids {
						if err = each(id); err != nil {
							break
						}
					}
				}
				if o.output == "json" {
					return errors.Join(err, writeJSON(cmd.OutOrStdout(), map[string]int{done: count}))
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d %s.\n", count, done)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all that were not replayed yet")
	o.addFlags(cmd)
	return cmd
}

// eachLetter goes through all open dead letters. One that is gone meanwhile is
// no reason to stop.
func eachLetter(ctx context.Context, pool *pgxpool.Pool, do func(int64) error) error {
	for after := int64(0); ; {
		letters, err := ingest.ListDeadLetters(ctx, pool, after, 500, false)
		if err != nil || len(letters) == 0 {
			return err
		}
		for _, l := range letters {
			if err := do(l.ID); err != nil && !errors.Is(err, ingest.ErrNoDeadLetter) {
				return err
			}
			after = l.ID
		}
	}
}

func parseLetterID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%q is no id of a dead letter", text)
	}
	return id, nil
}
