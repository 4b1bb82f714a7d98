// Command drumbeat is the server and its tools.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"
)

// version is set when the binary is built.
var version = "development"

func main() {
	os.Exit(run())
}

func run() int {
	// Prints what its callers are told anyway, past the log and its format.
	logging.Disable()
	root := newRootCommand()
	ctx, stop := untilSignal()
	defer stop()
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "drumbeat:", explained(err))
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}

// explained adds what to do to errors that a person can mend but not understand.
func explained(err error) error {
	var failed *pgconn.PgError
	if errors.As(err, &failed) && (failed.Code == "42P01" || failed.Code == "42703") {
		// No such table, no such column.
		return fmt.Errorf("%w\nThe database has not the schema of this version: drumbeat migrate brings it there", err)
	}
	return err
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
		newReportCommand(),
		&cobra.Command{
			Use: "version", Short: "Print the version", Args: cobra.NoArgs,
			Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "drumbeat", version) },
		},
	)
	return root
}
