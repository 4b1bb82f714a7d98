// Package web holds the built web client, so that the server's binary brings
// its own pages. `npm run build` in this folder fills dist; without it the
// package holds a placeholder only, and Dist says so.
package web

import (
	"embed"
	"io/fs"
)

// The prefix `all:` takes in the placeholder, whose name begins with a dot:
// without any file the directive would not compile on a fresh clone.
//
//go:embed all:dist
var files embed.FS

// Dist returns the built files, with index.html at the root. It returns false
// when the client has not been built.
func Dist() (fs.FS, bool) {
	dist, err := fs.Sub(files, "dist")
	if err != nil {
		return nil, false
	}
	if _, err := fs.Stat(dist, "index.html"); err != nil {
		return nil, false
	}
	return dist, true
}
