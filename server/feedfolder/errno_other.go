//go:build !unix

package feedfolder

import "io/fs"

var errNotDirectory = fs.ErrNotExist
