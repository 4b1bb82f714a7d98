package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"drumbeat/server/evaluate"
	"drumbeat/server/feedfolder"
	"drumbeat/server/updatestatus"
)

// exitError is an error that asks for a certain exit code of the process.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// ExitCode is the exit code of the process.
func (e *exitError) ExitCode() int { return e.code }

// Exit codes of "evaluate --vectors".
const (
	exitDisagreement = 1 // at least one vector does not agree
	exitNoVectors    = 2 // there was nothing to compare
)

type evaluateOptions struct {
	feeds, vectors, inventory string
	rules, output, now        string
}

// newEvaluateCommand builds "drumbeat evaluate", which runs the update
// calculation over files, without a database or network.
func newEvaluateCommand() *cobra.Command {
	var options evaluateOptions
	command := &cobra.Command{
		Use:   "evaluate --feeds DIR (--vectors FILE | --inventory FILE)",
		Short: "Judge an inventory, or check the judgement against vectors",
		Long: `Runs the update calculation over files, without a database or network.

With --vectors it evaluates every line of a file of conformance vectors, prints
each one that does not come out as expected, and how many agree. It exits with
1 when any does not agree, with 2 when the file holds none.

With --inventory it judges what is on one site, given as a list of projects or
as a report in the form sites submit it, and prints the lists of security
updates, other updates, and what is up to date or could not be judged.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			return options.run(cmd.OutOrStdout(), time.Now())
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.feeds, "feeds", "", "folder of release-history feeds (required)")
	flags.StringVar(&options.vectors, "vectors", "", "file of conformance vectors, one JSON object a line")
	flags.StringVar(&options.inventory, "inventory", "", "JSON file of what is on a site")
	flags.StringVar(&options.rules, "rules", "", "rule set for --vectors: current, 10.2 or 7 (default: by the name of the file)")
	flags.StringVar(&options.output, "output", "text", "text or json")
	flags.StringVar(&options.now, "now", "", "time of the judgement of --inventory, RFC 3339 (default: now)")
	_ = command.MarkFlagRequired("feeds")
	command.MarkFlagsOneRequired("vectors", "inventory")
	command.MarkFlagsMutuallyExclusive("vectors", "inventory")
	command.MarkFlagsMutuallyExclusive("rules", "inventory")
	command.MarkFlagsMutuallyExclusive("now", "vectors")
	return command
}

func (o *evaluateOptions) run(out io.Writer, now time.Time) error {
	if o.output != "text" && o.output != "json" {
		return fmt.Errorf("--output %q is neither text nor json", o.output)
	}
	if o.vectors != "" {
		return o.runVectors(out)
	}
	if o.now != "" {
		parsed, err := time.Parse(time.RFC3339, o.now)
		if err != nil {
			return fmt.Errorf("--now: %w", err)
		}
		now = parsed
	}
	return o.runInventory(out, now)
}

func (o *evaluateOptions) runVectors(out io.Writer) error {
	rules := evaluate.RulesForFile(o.vectors)
	if o.rules != "" {
		rules = updatestatus.RuleSet(o.rules)
	}
	if !rules.Valid() {
		return fmt.Errorf("--rules %q is none of current, 10.2 and 7", o.rules)
	}
	if info, err := os.Stat(o.feeds); err != nil {
		return fmt.Errorf("folder of feeds: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("folder of feeds: %s is not a folder", o.feeds)
	}
	file, err := os.Open(o.vectors)
	if err != nil {
		return fmt.Errorf("open vectors: %w", err)
	}
	defer file.Close()
	vectors, err := evaluate.ReadVectors(file)
	if err != nil {
		return fmt.Errorf("vectors %s: %w", o.vectors, err)
	}
	result := evaluate.RunVectors(vectors, o.feeds, rules)
	if err := o.write(out, result); err != nil {
		return err
	}
	switch {
	case result.Total == 0:
		return &exitError{exitNoVectors, fmt.Errorf("%s holds no vectors", o.vectors)}
	case result.Agree < result.Total:
		return &exitError{exitDisagreement, fmt.Errorf("%d vectors do not agree", result.Total-result.Agree)}
	}
	return nil
}

func (o *evaluateOptions) runInventory(out io.Writer, now time.Time) (err error) {
	file, err := os.Open(o.inventory)
	if err != nil {
		return fmt.Errorf("open inventory: %w", err)
	}
	defer file.Close()
	inventory, err := evaluate.ReadInventory(file)
	if err != nil {
		return fmt.Errorf("inventory %s: %w", o.inventory, err)
	}
	feeds, err := feedfolder.New(o.feeds)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, feeds.Close()) }()
	assessment, err := evaluate.Assess(inventory, feeds, now)
	if err != nil {
		return err
	}
	return o.write(out, assessment)
}

func (o *evaluateOptions) write(out io.Writer, result interface{ WriteText(io.Writer) error }) error {
	if o.output == "text" {
		return result.WriteText(out)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(result)
}
