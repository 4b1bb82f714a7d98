//go:build unix

package feedfolder

import "syscall"

const errNotDirectory = syscall.ENOTDIR
