//go:build unix && !linux

package embedded

import "syscall"

// Only Linux can tie a child's life to its parent's; elsewhere the next start stops
// what was left behind.
func dieWithParent(*syscall.SysProcAttr) {}

func zombie(int) bool { return false }

func processesIn(string) (pids []int, known bool) { return nil, false }
