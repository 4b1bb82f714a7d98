package embedded

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// DefaultDataDir is where the servers keep their data when the user names no
// folder: $XDG_DATA_HOME/drumbeat or the system's like of it, and as root
// /var/lib/drumbeat, because root's home is closed to the unprivileged user that
// PostgreSQL has to run as. Without a usable home it is the folder "data" in the
// working directory.
func DefaultDataDir() (string, error) {
	if runsAsRoot() {
		return "/var/lib/drumbeat", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "drumbeat"), nil
	}
	if home, err := os.UserHomeDir(); err == nil && writableDir(home) {
		switch runtime.GOOS {
		case "darwin":
			return filepath.Join(home, "Library", "Application Support", "Drumbeat"), nil
		case "windows":
			if dir := os.Getenv("LOCALAPPDATA"); dir != "" {
				return filepath.Join(dir, "Drumbeat"), nil
			}
		}
		return filepath.Join(home, ".local", "share", "drumbeat"), nil
	}
	wd, err := os.Getwd()
	if err == nil && writableDir(wd) {
		return filepath.Join(wd, "data"), nil
	}
	return "", errors.New("there is no home folder and the working directory cannot be written: name a folder for the data")
}

func writableDir(dir string) bool {
	st, err := os.Stat(dir)
	if err != nil || !st.IsDir() {
		return false
	}
	f, err := os.CreateTemp(dir, ".drumbeat-*")
	if err != nil {
		return false
	}
	f.Close()
	os.Remove(f.Name())
	return true
}

// prepareFolder makes dir exist and checks that user can get there. What it
// creates can be passed through by others, but is private below.
func prepareFolder(dir string, user *runAs) (string, error) {
	if dir == "" {
		return "", errors.New("no data folder was given")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("resolve the data folder %s: %w", dir, err)
	}
	mode := fs.FileMode(0o700)
	if user != nil {
		mode = 0o755
	}
	if err := os.MkdirAll(abs, mode); err != nil {
		return "", fmt.Errorf("create the data folder %s: %w; choose a folder you may write to", abs, err)
	}
	// One name per folder, however it was written: the servers compare paths.
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", fmt.Errorf("resolve the data folder %s: %w", dir, err)
	}
	if !writableDir(abs) {
		return "", fmt.Errorf("the data folder %s cannot be written by this user; choose another folder or give it to this user", abs)
	}
	if closed := user.blockedAt(abs); closed != "" {
		return "", fmt.Errorf("the data folder %s cannot be reached by the user %q, as whom the database has to run when started by root, "+
			"because %s is closed to others; choose a folder outside it, such as /var/lib/drumbeat, or start as an ordinary user", abs, user.name, closed)
	}
	return abs, nil
}

// secretFile reads the password in path or makes one; only user may read it.
func secretFile(path string, user *runAs) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		if s := strings.TrimSpace(string(b)); s != "" {
			return s, nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the server's password: %w", err)
	}
	s, err := randomSecret()
	if err != nil {
		return "", err
	}
	if err := writeFile(path, s+"\n", user); err != nil {
		return "", fmt.Errorf("store the server's password: %w", err)
	}
	return s, nil
}

func randomSecret() (string, error) {
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make a password: %w", err)
	}
	return hex.EncodeToString(raw), nil
}

// writeFile replaces path in one step with content that only user may read.
func writeFile(path, content string, user *runAs) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(content), 0o600); err != nil {
		return err
	}
	if err := user.own(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
