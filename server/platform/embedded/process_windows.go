package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// runAs is never needed on Windows; servers run as ourselves.
type runAs struct{ name string }

func runsAsRoot() bool                   { return false }
func unprivileged() (*runAs, error)      { return nil, nil }
func (u *runAs) own(string) error        { return nil }
func (u *runAs) blockedAt(string) string { return "" }

func prepare(cmd *exec.Cmd, _ *runAs) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func dieWithParent(*syscall.SysProcAttr) {}

var errNoSignal = errors.New("this system has no such signal")

func (c *child) interrupt() error { return c.cmd.Process.Kill() }
func (c *child) pause() error     { return errNoSignal }
func (c *child) resume() error    { return errNoSignal }

func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = p.Release()
	return true
}

func interruptPID(int) error { return errNoSignal }
func quitPID(int) error      { return errNoSignal }

func processesIn(string) (pids []int, known bool) { return nil, false }

type folderLock struct{ f *os.File }

// lockFolder takes the folder for this process: Windows refuses to remove a file
// that somebody has open.
func lockFolder(path string) (*folderLock, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, &inUseError{folder: filepath.Dir(path)}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &folderLock{f}, nil
}

func (l *folderLock) release() {
	if l != nil {
		l.f.Close()
	}
}
