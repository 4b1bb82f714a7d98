package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"drumbeat/server/platform/postgres"
)

func newMigrateCommand() *cobra.Command {
	var o backendOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to the schema of this version",
		Long: "Brings the database to the schema of this version. serve does so by itself when it\n" +
			"starts; this is for those who want to do it at another time.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			log, err := newLogger("text", "warn")
			if err != nil {
				return err
			}
			o.mayCreate = true
			// Redis has no schema.
			if o.redisURL == "" {
				o.redisURL = "redis://none.invalid:1"
			}
			b, err := openToolBackends(cmd.Context(), o, log)
			if err != nil {
				return err
			}
			defer func() {
				if stopErr := b.close(); err == nil {
					err = stopErr
				}
			}()
			if err := postgres.Migrate(cmd.Context(), b.databaseURL); err != nil {
				return err
			}
			current, _, err := postgres.SchemaVersion(cmd.Context(), b.databaseURL)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The database is at schema version %d.\n", current)
			return nil
		},
	}
	o.flags(cmd)
	return cmd
}
