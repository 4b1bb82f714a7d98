package embedded

import (
	"fmt"
	"strings"
)

// inUseError says that another living process uses the folder.
type inUseError struct{ folder, pid string }

func (e *inUseError) Error() string {
	who := "another Drumbeat"
	if pid := strings.TrimSpace(e.pid); pid != "" {
		who += " (process " + pid + ")"
	}
	return fmt.Sprintf("the data folder %s is in use by %s: stop that one first, or choose another data folder", e.folder, who)
}
