// Command drumbeat is the server and its tools.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// version is set when the binary is built.
var version = "development"

func main() {
	os.Exit(run())
}

func run() int {
	root := newRootCommand()
	ctx, stop := untilSignal()
	defer stop()
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "drumbeat:", err)
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "drumbeat",
		Short: "Watches what is installed on a fleet of Drupal sites",
		Long: "Drumbeat tells the people who look after many Drupal sites which of them are\n" +
			"exposed, since when, and what to do about it.",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("drumbeat {{.Version}}\n")
	root.AddCommand(
		newServeCommand(),
		newMigrateCommand(),
		newDoctorCommand(),
		newFeedsCommand(),
		newOverridesCommand(),
		newDeadLettersCommand(),
		newEvaluateCommand(),
		&cobra.Command{
			Use: "version", Short: "Print the version", Args: cobra.NoArgs,
			Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "drumbeat", version) },
		},
	)
	return root
}
