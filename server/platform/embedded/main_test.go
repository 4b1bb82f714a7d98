package embedded

import (
	"os"
	"testing"
)

// tempDir is like t.TempDir, but the user that servers become when the tests run as
// root can reach it.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "drumbeat-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// abandon makes a server look as if the process that started it had been killed: it
// runs on, and nobody holds its folder.
func abandon(l *folderLock) { l.release() }
