// Command drumbeat is the server and its tools.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{
		Use:           "drumbeat",
		Short:         "Watches what is installed on a fleet of Drupal sites",
		SilenceErrors: true,
	}
	root.AddCommand(newEvaluateCommand())
	err := root.Execute()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "drumbeat:", err)
	code := 1
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		code = coded.ExitCode()
	}
	os.Exit(code)
}
