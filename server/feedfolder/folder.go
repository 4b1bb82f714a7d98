// Package feedfolder finds release-history feeds in a folder of files, so that
// the server and its tools can work without drupal.org.
//
// Project names come from sites and are hostile input: a name that is not
// plain letters, digits and underscores never becomes part of a path, and
// nothing outside the folder is opened, not even by a symbolic link.
package feedfolder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Folder is an open folder of feeds. It may be used by several goroutines.
type Folder struct {
	root *os.Root
	path string
	subs []string // sub-folders, newest name first
}

// New opens the folder at path. Sub-folders are looked up once, here.
func New(path string) (*Folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open feed folder: %w", err)
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("list feed folder: %w", err), root.Close())
	}
	folder := &Folder{root: root, path: path}
	for _, entry := range entries {
		if entry.IsDir() {
			folder.subs = append(folder.subs, entry.Name())
		}
	}
	slices.Sort(folder.subs)
	slices.Reverse(folder.subs)
	return folder, nil
}

// Close releases the folder; feeds opened before can still be read.
func (f *Folder) Close() error { return f.root.Close() }

// Path is the path the folder was opened with.
func (f *Folder) Path() string { return f.path }

// Open opens the feed of a project in a series ("current", "7.x"). The error is
// fs.ErrNotExist when the folder has none, also for names that cannot be a
// project's. These places are tried in turn:
//
//	<project>/<series>
//	<series>/<project>.xml
//	<project>-<series>.xml
//	<project>.xml
//	<project>
//
// then <project>.xml and <project> in every sub-folder whose name begins with
// the series, such as current-2026-10, the newest name first. The project's
// name is tried as it is and in lower case.
func (f *Folder) Open(project, series string) (io.ReadCloser, error) {
	if !plain(project, "_") || !plain(series, "._-") || strings.HasPrefix(series, ".") {
		return nil, &fs.PathError{Op: "open feed", Path: clip(project), Err: fs.ErrNotExist}
	}
	for _, name := range spellings(project) {
		for _, place := range f.places(name, series) {
			file, err := f.openFile(place)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("open feed: %w", err)
			}
			return file, nil
		}
	}
	return nil, &fs.PathError{Op: "open feed", Path: project, Err: fs.ErrNotExist}
}

func (f *Folder) places(project, series string) []string {
	places := []string{
		project + "/" + series,
		series + "/" + project + ".xml",
		project + "-" + series + ".xml",
		project + ".xml",
		project,
	}
	for _, sub := range f.subs {
		if strings.HasPrefix(sub, series) {
			places = append(places, sub+"/"+project+".xml", sub+"/"+project)
		}
	}
	return places
}

// openFile opens a regular file; anything else counts as missing.
func (f *Folder) openFile(name string) (io.ReadCloser, error) {
	// Opening a FIFO would block, so what it is gets looked at first.
	info, err := f.root.Stat(name)
	if err != nil {
		if notDirectory(err) {
			return nil, fs.ErrNotExist
		}
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return f.root.Open(name)
}

// notDirectory tells whether a path failed because part of it is a file, as
// <project>/<series> does where <project> is the feed.
func notDirectory(err error) bool {
	return errors.Is(err, errNotDirectory)
}

func spellings(project string) []string {
	if lower := strings.ToLower(project); lower != project {
		return []string{project, lower}
	}
	return []string{project}
}

// plain tells whether a name consists of ASCII letters, digits and the given
// other characters.
func plain(name, others string) bool {
	const longest = 128
	if name == "" || len(name) > longest {
		return false
	}
	for i := range len(name) {
		b := name[i]
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		case strings.IndexByte(others, b) >= 0:
		default:
			return false
		}
	}
	return true
}

// clip keeps a hostile name short in error messages.
func clip(name string) string {
	const most = 60
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}
