package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/klauspost/compress/zstd"

	"drumbeat/gen/db"
	"drumbeat/server/inventory"
	"drumbeat/server/releases"
)

// item is one entry in a batch.
type item struct {
	Entry
	// record is where the entry came from.
	record *record
	// read is what the body says, where the batch needs it.
	read *reading
	// mustRead is set when the transaction found that it needs the body after all.
	mustRead bool
}

// reading is what is kept of a report's body, understood.
type reading struct {
	// While it is prepared only: they hold on to the body as text.
	report *inventory.Report
	inv    *inventory.Inventory

	// refs are the projects on the site, types what each is there.
	refs  []releases.Ref
	types []string
	about about
	// body is zstd, size is that of the body as text.
	body []byte
	size int
}

// about is what a report says of its site as a whole.
type about struct {
	agent, coreVersion, ruleSet string
	platform                    inventory.Platform
	site                        inventory.Site
	custom                      int
}

// settle keeps what the transaction needs and lets go of the text.
func (r *reading) settle(refs []releases.Ref) {
	r.refs = refs
	r.types = make([]string, len(r.inv.Projects))
	for i := range r.inv.Projects {
		r.types[i] = r.inv.Projects[i].Type
	}
	p, s := &r.report.Platform, &r.report.Site
	r.about = about{
		agent: agentText(r.report), coreVersion: strings.Clone(r.inv.CoreVersion), ruleSet: string(r.inv.RuleSet),
		platform: inventory.Platform{PHPVersion: strings.Clone(p.PHPVersion), PHPSAPI: strings.Clone(p.PHPSAPI), DBDriver: strings.Clone(p.DBDriver),
			DBVersion: strings.Clone(p.DBVersion), Profile: strings.Clone(p.Profile)},
		site:   inventory.Site{URL: strings.Clone(s.URL), Name: strings.Clone(s.Name), Environment: strings.Clone(s.Environment)},
		custom: len(r.inv.Custom),
	}
	r.report, r.inv = nil, nil
}

// readAtOnce is how many bodies are held as text at a time.
const readAtOnce = 64

// prepare reads the bodies that the batch will need and finds the rows of
// their versions, outside of any transaction. What fails for one entry alone
// is returned by entry; an error is of the whole batch.
func (a *Applier) prepare(ctx context.Context, items []*item) (failed map[*item]error, err error) {
	failed = map[*item]error{}
	hashes, err := a.knownHashes(ctx, items)
	if err != nil {
		return failed, err
	}
	readers := make([]*item, 0, readAtOnce)
	for i, it := range items {
		known, ok := hashes[it.SiteID]
		if it.Kind == KindReport && it.read == nil && (it.mustRead || !ok || !bytes.Equal(known, it.ContentHash[:])) {
			if err := a.readOne(it); err != nil {
				failed[it] = err
			} else {
				readers = append(readers, it)
			}
		}
		if len(readers) == readAtOnce || i == len(items)-1 {
			if err := a.resolve(ctx, readers); err != nil {
				return failed, err
			}
			readers = readers[:0]
		}
	}
	return failed, nil
}

// resolve finds the rows of what the reports list. On an error they count as unread.
func (a *Applier) resolve(ctx context.Context, readers []*item) error {
	if len(readers) == 0 {
		return nil
	}
	var installed []releases.Installed
	for _, it := range readers {
		for i := range it.read.inv.Projects {
			p := &it.read.inv.Projects[i]
			installed = append(installed, releases.Installed{
				Project: p.Name, Title: p.Title, RuleSet: string(it.read.inv.RuleSet),
				Version: p.Version, Datestamp: p.Datestamp, StatusURL: p.StatusURL,
			})
		}
	}
	refs, err := a.versions.Resolve(ctx, installed)
	if err == nil && len(refs) != len(installed) {
		err = fmt.Errorf("%d rows for %d versions", len(refs), len(installed))
	}
	if err != nil {
		for _, it := range readers {
			it.read = nil
		}
		return fmt.Errorf("find the versions of %d reports: %w", len(readers), err)
	}
	for _, it := range readers {
		n := len(it.read.inv.Projects)
		it.read.settle(refs[:n:n])
		refs = refs[n:]
	}
	return nil
}

// knownHashes gives the content hash of each site whose reports in the batch
// might all be what is known already. It is a guess: the transaction compares again.
func (a *Applier) knownHashes(ctx context.Context, items []*item) (map[int64][]byte, error) {
	ids := make([]int64, 0, len(items))
	first := make(map[int64]*item, len(items))
	mixed := map[int64]bool{}
	for _, it := range items {
		if it.Kind != KindReport {
			continue
		}
		if other := first[it.SiteID]; other == nil {
			first[it.SiteID] = it
			ids = append(ids, it.SiteID)
		} else if other.ContentHash != it.ContentHash {
			mixed[it.SiteID] = true
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := db.New(a.pool).PeekReportedSites(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look at the state of %d sites: %w", len(ids), err)
	}
	hashes := make(map[int64][]byte, len(rows))
	for _, row := range rows {
		if !mixed[row.SiteID] {
			hashes[row.SiteID] = row.ContentHash
		}
	}
	return hashes, nil
}

// readOne understands one body. A panic in a rule is an error of this report alone.
func (a *Applier) readOne(it *item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("a rule failed on a report", "site", it.SiteID, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("a rule failed: %v", p)
		}
	}()
	body, err := it.plain()
	if err != nil {
		return fmt.Errorf("inflate the report: %w", err)
	}
	rep, err := inventory.Parse(body)
	if err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	if rep.Extensions == 0 {
		return errors.New("the report lists nothing")
	}
	inv := a.group(rep)
	it.read = &reading{report: rep, inv: &inv, body: compress(body), size: len(body)}
	return nil
}

// Shared by all: EncodeAll and DecodeAll keep no state between calls.
var (
	zstdWriter, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<18))
	zstdReader, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxBody+1024))
)

func compress(body []byte) []byte {
	return zstdWriter.EncodeAll(body, make([]byte, 0, len(body)/3))
}

// Decompress gives the text of a report_contents body.
func Decompress(body []byte) ([]byte, error) {
	text, err := zstdReader.DecodeAll(body, nil)
	if err != nil {
		return nil, fmt.Errorf("decompress a stored report: %w", err)
	}
	return text, nil
}
