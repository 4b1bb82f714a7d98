// Package db carries the database's migrations inside the binary, so that any
// copy of the server can bring its database to the schema it was built for.
package db

import (
	"embed"
	"io/fs"
)

//go:embed migrations
var migrations embed.FS

// Migrations returns the numbered goose files as the root of a file system
// ("00001_name.sql", …). They are also the schema that sqlc reads.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil { // only an invalid constant path can cause it
		panic(err)
	}
	return sub
}
