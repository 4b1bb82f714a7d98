package releases

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/klauspost/compress/zstd"

	"drumbeat/gen/db"
	"drumbeat/server/updatestatus"
)

// maxFeedBytes bounds a feed after decompression. Drupal core's has 1 MB.
const maxFeedBytes = 32 << 20

// judges loads what is known of feeds, and keeps the parsed ones at hand.
type judges struct {
	log     *slog.Logger
	decoder *zstd.Decoder
	encoder *zstd.Encoder

	mu     sync.Mutex
	parsed *simplelru.LRU[int64, parsedFeed]
}

type parsedFeed struct {
	hash []byte
	feed *updatestatus.Feed
}

// Feeds kept parsed, and loaded from the database at a time. A typical one
// takes 20 KB parsed, Drupal core's 500.
const (
	cachedFeeds = 256
	loadBatch   = 64
)

type feedKey struct {
	module int64
	series string
}

func newJudges(log *slog.Logger) *judges {
	parsed, err := simplelru.NewLRU[int64, parsedFeed](cachedFeeds, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxFeedBytes+1))
	if err != nil {
		panic(err) // only for invalid options
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err) // only for invalid options
	}
	return &judges{log: log, decoder: decoder, encoder: encoder, parsed: parsed}
}

func (j *judges) cached(id int64, hash []byte) *updatestatus.Feed {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p, ok := j.parsed.Get(id); ok && bytes.Equal(p.hash, hash) {
		return p.feed
	}
	return nil
}

func (j *judges) keep(id int64, hash []byte, feed *updatestatus.Feed) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.parsed.Add(id, parsedFeed{hash: slices.Clone(hash), feed: feed})
}

// load reads what is known of all feeds of the modules.
func (j *judges) load(ctx context.Context, q *db.Queries, modules []int64) (map[feedKey]*knownFeed, error) {
	rows, err := q.FeedsOfModules(ctx, modules)
	if err != nil {
		return nil, fmt.Errorf("load feeds: %w", err)
	}
	known := make(map[feedKey]*knownFeed, len(rows))
	byID := make(map[int64]*knownFeed, len(rows))
	var unparsed []int64
	for _, row := range rows {
		k := &knownFeed{
			id: row.ID, moduleID: row.ModuleID, project: row.ModuleName, series: row.Series,
			state: FeedState(row.State), hash: row.ContentHash,
		}
		known[feedKey{row.ModuleID, row.Series}] = k
		if len(row.ContentHash) == 0 {
			continue
		}
		if k.feed = j.cached(k.id, k.hash); k.feed == nil {
			unparsed, byID[k.id] = append(unparsed, k.id), k
		}
	}
	said, err := loadOverrides(ctx, q, modules)
	if err != nil {
		return nil, err
	}
	for key, k := range known {
		k.overrides = said[key.module]
	}
	for batch := range slices.Chunk(unparsed, loadBatch) {
		contents, err := q.FeedContents(ctx, batch)
		if err != nil {
			return nil, fmt.Errorf("load the content of feeds: %w", err)
		}
		for _, row := range contents {
			k := byID[row.ID]
			feed, err := j.read(row.Content)
			if err != nil {
				// It was read once before it was stored. Such a project is
				// unknown until its feed is fetched again.
				j.log.ErrorContext(ctx, "a stored feed cannot be read", "project", k.project, "series", k.series, "error", err)
				continue
			}
			k.feed = feed
			j.keep(k.id, row.ContentHash, feed)
		}
	}
	return known, nil
}

// read parses a stored document.
func (j *judges) read(content []byte) (*updatestatus.Feed, error) {
	document, err := j.decoder.DecodeAll(content, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return updatestatus.ParseFeed(bytes.NewReader(document))
}

// pack compresses a document for the database.
func (j *judges) pack(document []byte) []byte { return j.encoder.EncodeAll(document, nil) }

// verdictWriter collects verdicts to be written in one statement.
type verdictWriter struct{ arg db.StoreVerdictsParams }

// add notes a verdict; firstGiven says that the judgement is a new one, not
// only its evidence.
func (w *verdictWriter) add(id int64, j judgement, firstGiven bool) {
	w.arg.Ids = append(w.arg.Ids, id)
	w.arg.Statuses = append(w.arg.Statuses, j.status)
	w.arg.Reasons = append(w.arg.Reasons, j.reason)
	w.arg.Classes = append(w.arg.Classes, j.class)
	w.arg.Recommended = append(w.arg.Recommended, j.recommended)
	w.arg.UpdatesAvailable = append(w.arg.UpdatesAvailable, j.updateAvailable)
	w.arg.SecurityUpdates = append(w.arg.SecurityUpdates, j.securityUpdate)
	w.arg.Verdicts = append(w.arg.Verdicts, string(j.verdict))
	w.arg.PlatformStates = append(w.arg.PlatformStates, string(j.platform.State))
	w.arg.PlatformEnds = append(w.arg.PlatformEnds, j.platform.End)
	w.arg.FirstGiven = append(w.arg.FirstGiven, firstGiven)
}

// write stores the verdicts, and for good which statuses change and why; reason
// is that of a spread, up to its colon.
func (w *verdictWriter) write(ctx context.Context, q *db.Queries, now time.Time, reason string) error {
	if len(w.arg.Ids) == 0 {
		return nil
	}
	kind, _, _ := strings.Cut(reason, ":")
	err := q.RecordVerdictChanges(ctx, db.RecordVerdictChangesParams{
		Now: now, Reason: kind, Ids: w.arg.Ids, Statuses: w.arg.Statuses,
	})
	if err != nil {
		return fmt.Errorf("record %d verdicts: %w", len(w.arg.Ids), err)
	}
	w.arg.RulesVersion, w.arg.Now = RulesVersion, now
	if err := q.StoreVerdicts(ctx, w.arg); err != nil {
		return fmt.Errorf("store %d verdicts: %w", len(w.arg.Ids), err)
	}
	return nil
}
