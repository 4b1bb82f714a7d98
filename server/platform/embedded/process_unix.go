//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// runAs is the unprivileged user that servers run as when we are root; nil when
// they run as ourselves.
type runAs struct {
	name     string
	uid, gid int
}

func runsAsRoot() bool { return os.Geteuid() == 0 }

// unprivileged picks whom to become: PostgreSQL refuses to run as root, and initdb
// wants a user that the system knows.
func unprivileged() (*runAs, error) {
	if !runsAsRoot() {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 != nil || err2 != nil || uid == 0 {
			continue
		}
		return &runAs{name: name, uid: uid, gid: gid}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root and there is neither a user \"postgres\" nor \"nobody\" to run it as; start as an ordinary user")
}

// own gives a file or folder to the user.
func (u *runAs) own(path string) error {
	if u == nil {
		return nil
	}
	if err := os.Chown(path, u.uid, u.gid); err != nil {
		return fmt.Errorf("give %s to the user %q: %w", path, u.name, err)
	}
	return nil
}

// blockedAt names the first folder on the way to path that the user may not pass,
// or "" if there is none.
func (u *runAs) blockedAt(path string) string {
	if u == nil {
		return ""
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		st, err := os.Stat(dir)
		if err != nil {
			return dir
		}
		sys, ok := st.Sys().(*syscall.Stat_t)
		bit := os.FileMode(0o001)
		switch {
		case ok && int(sys.Uid) == u.uid:
			bit = 0o100
		case ok && int(sys.Gid) == u.gid:
			bit = 0o010
		}
		if st.IsDir() && st.Mode()&bit == 0 {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func prepare(cmd *exec.Cmd, u *runAs) {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if u != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid), Groups: []uint32{}}
	}
	cmd.SysProcAttr = attr
}

func (c *child) signal(s syscall.Signal) error { return c.cmd.Process.Signal(s) }

// interrupt asks for a fast shutdown: PostgreSQL ends its sessions and checkpoints,
// Redis writes and leaves.
func (c *child) interrupt() error { return c.signal(syscall.SIGINT) }

// pause stops the process without its knowledge, as a stalled machine would.
func (c *child) pause() error { return c.signal(syscall.SIGSTOP) }

func (c *child) resume() error { return c.signal(syscall.SIGCONT) }

// alive says whether a process of this number exists. One that has died but was
// not waited for by its parent still has its number, and is not alive.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	if err != nil && !errors.Is(err, syscall.EPERM) {
		return false
	}
	return !zombie(pid)
}

func interruptPID(pid int) error { return syscall.Kill(pid, syscall.SIGINT) }
func quitPID(pid int) error      { return syscall.Kill(pid, syscall.SIGQUIT) }

type folderLock struct{ f *os.File }

// lockFolder takes the folder for this process until it ends, however it ends.
func lockFolder(path string) (*folderLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		b := make([]byte, 32)
		n, _ := f.ReadAt(b, 0)
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &inUseError{folder: filepath.Dir(path), pid: string(b[:n])}
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return &folderLock{f}, nil
}

func (l *folderLock) release() {
	if l != nil {
		l.f.Close()
	}
}
