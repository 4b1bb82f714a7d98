package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// child is a server process that belongs to this one.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has exited and been waited for
	err  error         // how it exited; read only after done

	stopOnce sync.Once
	stopErr  error
}

// startChild starts cmd in a process group of its own, so that a Ctrl-C in the
// terminal reaches only us and the server is stopped after its last query.
func startChild(cmd *exec.Cmd, user *runAs) (*child, error) {
	prepare(cmd, user)
	dieWithParent(cmd.SysProcAttr)
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The signal that Linux sends to children at a parent's death is sent at the
		// death of the *thread* that started them, so this one must live as long.
		runtime.LockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		c.err = cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// runChild runs cmd to its end and returns what it printed.
func runChild(ctx context.Context, cmd *exec.Cmd, user *runAs) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	c, err := startChild(cmd, user)
	if err != nil {
		return nil, err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		c.kill()
		return out.Bytes(), ctx.Err()
	}
	return out.Bytes(), c.err
}

func (c *child) exited() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// stop asks politely with ask, waits up to patience, then kills.
func (c *child) stop(ask func() error, patience time.Duration) error {
	c.stopOnce.Do(func() {
		if c.exited() {
			return
		}
		if err := ask(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			c.stopErr = err
		}
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-c.done:
			c.stopErr = nil
		case <-timer.C:
			c.stopErr = fmt.Errorf("process %d did not stop within %s and was killed", c.cmd.Process.Pid, patience)
			_ = c.cmd.Process.Kill()
			<-c.done
		}
	})
	<-c.done
	return c.stopErr
}

// kill ends the process as a crash would and waits for it.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// childEnv is the environment for the servers: nothing that would change their
// behaviour or their messages, and no secret of ours.
func childEnv() []string {
	keep := []string{"PATH", "TMPDIR", "SYSTEMROOT", "WINDIR", "TEMP", "TMP"}
	env := []string{"LC_ALL=C", "LANG=C", "TZ=UTC"}
	for _, name := range keep {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// portBusyError is the message for a port that somebody else listens on.
func portBusyError(port int, what string) error {
	return fmt.Errorf("%s cannot listen on 127.0.0.1:%d: the port is in use by another program; stop that one or choose another port", what, port)
}

// choosePort returns want if it is free, or any free port if want is 0.
func choosePort(want int, what string) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", want))
	if err != nil {
		if want != 0 {
			return 0, portBusyError(want, what)
		}
		return 0, fmt.Errorf("find a free port for %s: %w", what, err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// logTail is the end of a server's log, for error messages.
func logTail(path string, from int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	const most = 4096
	if st, err := f.Stat(); err == nil && st.Size()-from > most {
		from = st.Size() - most
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return ""
	}
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return ""
	}
	lines := strings.Split(string(bytes.TrimSpace(b)), "\n")
	if len(lines) > 12 {
		lines = lines[len(lines)-12:]
	}
	return strings.Join(lines, "\n")
}

// openLog opens a server's log for appending, and starts it anew, keeping one old
// file, when it has grown beyond 16 MiB. It returns where the new part begins.
func openLog(path string, user *runAs) (*os.File, int64, error) {
	if st, err := os.Stat(path); err == nil && st.Size() > 16<<20 {
		_ = os.Rename(path, path+".1")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, err
	}
	if err := user.own(path); err != nil {
		f.Close()
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}
