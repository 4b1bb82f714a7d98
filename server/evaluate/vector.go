// Package evaluate runs the update calculation over files: conformance vectors
// and inventories of sites. It is what the command of the same name does, apart
// from flags.
package evaluate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"drumbeat/server/updatestatus"
)

// Vector is one line of a file of vectors: an input and what Drupal says to it.
type Vector struct {
	ID        string  `json:"id"`
	Family    string  `json:"family"`
	Feed      *string `json:"feed"`  // path below the folder of feeds; nil when there is none
	Fetch     string  `json:"fetch"` // "ok", "failed", "never"
	Installed struct {
		Name        string  `json:"name"`
		ProjectType string  `json:"project_type"`
		Version     *string `json:"version"`
		Datestamp   int64   `json:"datestamp"`
	} `json:"installed"`
	Core     string  `json:"core"`
	CoreFeed *string `json:"core_feed"`
	Now      int64   `json:"now"`

	// Expect holds the fields to compare, and only those.
	Expect map[string]json.RawMessage `json:"expect"`
}

// longestLine bounds one line of a file of vectors.
const longestLine = 4 << 20

// ReadVectors reads a file of vectors, one JSON object a line.
func ReadVectors(r io.Reader) ([]Vector, error) {
	var vectors []Vector
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for number := 1; lines.Scan(); number++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var vector Vector
		if err := json.Unmarshal(line, &vector); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		vectors = append(vectors, vector)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read vectors: %w", err)
	}
	return vectors, nil
}

// RulesForFile tells the rule set of a file of vectors from its name: a name
// with "-10.2" or "-7x" in it holds those rules, any other the current ones.
func RulesForFile(name string) updatestatus.RuleSet {
	name = filepath.Base(name)
	switch {
	case strings.Contains(name, "-10.2"):
		return updatestatus.Rules10_2
	case strings.Contains(name, "-7x"):
		return updatestatus.Rules7
	}
	return updatestatus.RulesCurrent
}

// feedCache parses every feed file once.
type feedCache struct {
	dir   string
	feeds map[string]parsedFeed
}

type parsedFeed struct {
	feed  *updatestatus.Feed
	state updatestatus.FetchState
}

func newFeedCache(dir string) *feedCache {
	return &feedCache{dir: dir, feeds: map[string]parsedFeed{}}
}

// load gives the feed at a path below the folder. The paths are the operator's
// own and may lead out of the folder. A file that is no feed is no error: that
// is a feed without releases, or a failed fetch when the file is empty.
func (c *feedCache) load(name string) (parsedFeed, error) {
	if known, ok := c.feeds[name]; ok {
		return known, nil
	}
	file, err := os.Open(filepath.Join(c.dir, filepath.FromSlash(name)))
	if err != nil {
		return parsedFeed{}, fmt.Errorf("open feed: %w", err)
	}
	defer file.Close()
	parsed, err := parseFeed(file)
	if err != nil {
		return parsedFeed{}, fmt.Errorf("feed %s: %w", name, err)
	}
	c.feeds[name] = parsed
	return parsed, nil
}

// parseFeed reads a body as the fetch of a feed would judge it. The error is
// that of reading.
func parseFeed(r io.Reader) (parsedFeed, error) {
	return classify(updatestatus.ParseFeed(r))
}

// classify turns the outcome of parsing into an input of the calculation: a
// body that is no release history is not an error but a feed without releases,
// and an empty one a failed fetch.
func classify(feed *updatestatus.Feed, err error) (parsedFeed, error) {
	switch {
	case err == nil:
		return parsedFeed{feed: feed}, nil
	case errors.Is(err, updatestatus.ErrEmptyFeed):
		return parsedFeed{state: updatestatus.FetchFailed}, nil
	case errors.Is(err, updatestatus.ErrMalformedFeed), errors.Is(err, updatestatus.ErrNoReleaseHistory):
		return parsedFeed{}, nil
	}
	return parsedFeed{}, err
}

// input builds what the vector asks to evaluate.
func (v *Vector) input(feeds *feedCache, rules updatestatus.RuleSet) (updatestatus.Input, error) {
	in := updatestatus.Input{
		Installed: updatestatus.Installed{
			Project:     v.Installed.Name,
			ProjectType: v.Installed.ProjectType,
			Version:     v.Installed.Version,
			Datestamp:   v.Installed.Datestamp,
			CoreVersion: v.Core,
		},
		Rules: rules,
	}
	if v.Now != 0 {
		in.Now = time.Unix(v.Now, 0).UTC()
	}
	switch v.Fetch {
	case "ok":
		if v.Feed == nil {
			return in, errors.New("fetch is ok but there is no feed")
		}
		parsed, err := feeds.load(*v.Feed)
		if err != nil {
			return in, err
		}
		in.Feed, in.Fetch = parsed.feed, parsed.state
	case "failed":
		in.Fetch = updatestatus.FetchFailed
	case "never":
		in.Fetch = updatestatus.NeverFetched
	default:
		return in, fmt.Errorf("unknown fetch state %q", v.Fetch)
	}
	if v.CoreFeed != nil {
		parsed, err := feeds.load(*v.CoreFeed)
		if err != nil {
			return in, err
		}
		in.CoreFeed = parsed.feed
	}
	return in, nil
}
