package crashtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// The projects of the fleet, and the releases that their feeds list. The third
// release is a security release: the two before it are insecure.
const (
	moduleCount  = 30
	releaseCount = 5
	coreSeries   = "11.2."
)

func moduleName(n int) string  { return fmt.Sprintf("crash_module_%02d", n) }
func releaseName(n int) string { return fmt.Sprintf("1.%d.0", n) }

func versionOf(text string) string {
	version, _, _ := strings.Cut(text, " ")
	return version
}

// reportingSite is a site as its Drupal knows it. It belongs to one sender.
type reportingSite struct {
	id   int64
	keys []string
	used int // reports tried with the first key

	now       inventory
	lastClock int64
	// fullNeeded is set until a full report is acknowledged, and again when the
	// server asks for one.
	fullNeeded bool
	sent       []*report
	// bodies are those of the last reports, to send some of them again.
	again []delivery
}

// delivery is a report as it goes over the wire.
type delivery struct {
	report *report
	body   []byte
	gzip   bool
}

// perKey is how many reports are tried with one key: what the server takes of
// one at once.
const perKey = 10

// key gives the key for the next try. A real site has one and sends hourly; here
// it has many, so that the limit of each does not slow the test down.
func (s *reportingSite) key() string {
	if s.used++; s.used > perKey {
		s.nextKey()
	}
	return s.keys[0]
}

func (s *reportingSite) nextKey() {
	s.keys, s.used = append(s.keys[1:], s.keys[0]), 1
}

// clock is the site's: now, but never the same twice.
func (s *reportingSite) clock() int64 {
	s.lastClock = max(s.lastClock+1, time.Now().UnixMicro())
	return s.lastClock
}

// start gives the site its first inventory.
func (s *reportingSite) start(rng *rand.Rand) {
	s.now = inventory{"drupal": coreSeries + fmt.Sprint(rng.IntN(releaseCount)) + " core"}
	for n := range moduleCount {
		if rng.IntN(10) < 8 {
			s.now[moduleName(n)] = releaseName(rng.IntN(releaseCount)) + " module"
		}
	}
	s.fullNeeded = true
}

// change updates, installs, uninstalls or removes one to three projects.
func (s *reportingSite) change(rng *rand.Rand) {
	s.now = maps.Clone(s.now)
	if rng.IntN(5) == 0 {
		s.now["drupal"] = coreSeries + fmt.Sprint(rng.IntN(releaseCount)) + " core"
	}
	for range 1 + rng.IntN(3) {
		name := moduleName(rng.IntN(moduleCount))
		old, there := s.now[name]
		switch rng.IntN(5) {
		case 0:
			if there {
				delete(s.now, name)
				continue
			}
		case 1:
			if there {
				s.now[name] = versionOf(old) + " module-uninstalled"
				continue
			}
		}
		s.now[name] = releaseName(rng.IntN(releaseCount)) + " module"
	}
}

// next is the site's next report: heartbeats, full reports that say nothing new,
// changed ones, late ones, and old ones once more.
func (s *reportingSite) next(rng *rand.Rand) delivery {
	what := rng.IntN(100)
	switch {
	case s.fullNeeded:
		return s.build(rng, s.now, s.clock())
	case what < 35:
		return s.build(rng, nil, s.clock())
	case what < 60:
		return s.build(rng, s.now, s.clock())
	case what < 85:
		s.change(rng)
		return s.build(rng, s.now, s.clock())
	case what < 92:
		// What was on the site a while ago, from a queue that was stuck.
		before := s.now
		s.change(rng)
		late := s.now
		s.now = before
		return s.build(rng, late, s.clock()-int64(time.Second/time.Microsecond)*int64(1+rng.IntN(60))-rng.Int64N(1e6))
	default:
		return s.again[rng.IntN(len(s.again))]
	}
}

type wireExtension struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Enabled  bool   `json:"enabled"`
	Project  string `json:"project,omitempty"`
	Version  string `json:"version"`
	Title    string `json:"title"`
	PathKind string `json:"pathKind"`
	Package  string `json:"package"`
}

// build makes a report of lists, or a heartbeat of the site's inventory.
func (s *reportingSite) build(rng *rand.Rand, lists inventory, collected int64) delivery {
	r := &report{id: newID(rng), site: s.id, heartbeat: lists == nil, collected: collected, lists: lists}
	said := lists
	if r.heartbeat {
		said = s.now
	}
	wire := map[string]any{
		"reportId":    r.id,
		"collectedAt": time.UnixMicro(collected).UTC().Format("2006-01-02T15:04:05.000000Z"),
		"trigger":     "cron",
		"agent":       map[string]string{"name": "crashtest", "version": "1.0.0"},
		"site":        map[string]string{"url": "https://example.org", "name": "A site"},
		"platform":    map[string]string{"drupalVersion": versionOf(said["drupal"]), "phpVersion": "8.3.6"},
	}
	names := slices.Sorted(maps.Keys(said))
	hash := sha256.New()
	for _, name := range names {
		fmt.Fprintf(hash, "%s %s\n", name, said[name])
	}
	wire["inventoryHash"] = hex.EncodeToString(hash.Sum(nil))
	if !r.heartbeat {
		var list []wireExtension
		for n := range 40 {
			list = append(list, wireExtension{Name: fmt.Sprintf("core_part_%d", n), Type: "module", Enabled: true,
				Version: versionOf(said["drupal"]), Title: fmt.Sprintf("A part of core, number %d", n), PathKind: "core", Package: "Core"})
		}
		for _, name := range names {
			if name == "drupal" {
				continue
			}
			version, kind, _ := strings.Cut(said[name], " ")
			list = append(list, wireExtension{Name: name, Type: "module", Enabled: kind == "module", Project: name, Version: version,
				Title: "The module " + name + " with a title of usual length", PathKind: "contrib", Package: "Crash test"})
		}
		wire["extensions"] = list
	}
	body, err := json.Marshal(wire)
	if err != nil {
		panic(err) // maps of strings
	}
	d := delivery{report: r, body: body, gzip: !r.heartbeat && rng.IntN(2) == 0}
	if d.gzip {
		var packed bytes.Buffer
		w, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		_, _ = w.Write(body) // into memory
		_ = w.Close()
		d.body = packed.Bytes()
	}
	s.sent = append(s.sent, r)
	if s.again = append(s.again, d); len(s.again) > 8 {
		s.again = s.again[1:]
	}
	return d
}

func newID(rng *rand.Rand) string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(rng.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

// tally is what the senders saw.
type tally struct {
	mu                sync.Mutex
	acked, heartbeats int
	repeated, retries int
	unexpected        []string
	worst             time.Duration
	refusals          map[string]int
}

func (t *tally) ackedSoFar() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.acked
}

// sender posts the reports of its sites, one at a time.
type sender struct {
	url    string
	client *http.Client
	sites  []*reportingSite
	rng    *rand.Rand
	tally  *tally
}

// run sends until enough says so, and until what it has begun is acknowledged.
func (s *sender) run(ctx context.Context, enough func() bool) error {
	for !enough() {
		site := s.sites[s.rng.IntN(len(s.sites))]
		if err := s.deliver(ctx, site, site.next(s.rng)); err != nil {
			return err
		}
	}
	return nil
}

// deliver sends one report until it is acknowledged, as a good sender does: the
// same bytes with the same id.
func (s *sender) deliver(ctx context.Context, site *reportingSite, d delivery) error {
	began := time.Now()
	for try := 0; ; try++ {
		full, why, err := s.post(ctx, site.key(), d)
		if why == "" {
			site.fullNeeded = full || site.fullNeeded && d.report.heartbeat
			s.tally.mu.Lock()
			defer s.tally.mu.Unlock()
			s.tally.worst = max(s.tally.worst, time.Since(began))
			s.tally.retries += try
			switch {
			case d.report.acked:
				s.tally.repeated++
			case d.report.heartbeat:
				s.tally.heartbeats++
				fallthrough
			default:
				s.tally.acked++
			}
			d.report.acked = true
			return nil
		}
		s.tally.mu.Lock()
		s.tally.refusals[why]++
		if err != nil && ctx.Err() == nil {
			s.tally.unexpected = append(s.tally.unexpected, err.Error())
		}
		s.tally.mu.Unlock()
		if why == "429" {
			site.nextKey()
		}
		wait := time.NewTimer(time.Duration(1+s.rng.IntN(20<<min(try, 4))) * time.Millisecond)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return fmt.Errorf("report %s of site %d was not taken after %d tries (last: %s): %w", d.report.id, site.id, try+1, why, ctx.Err())
		}
	}
}

// post sends a report once. why is empty when it was acknowledged; err says that
// the answer is one that no crash may lead to.
func (s *sender) post(ctx context.Context, key string, d delivery) (fullNeeded bool, why string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/drumbeat.ingest.v1.IngestService/SubmitReport", bytes.NewReader(d.body))
	if err != nil {
		return false, "request", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	if d.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := s.client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return false, "timeout", nil
		}
		return false, "connection", nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return false, "answer cut off", nil
	}
	switch {
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode >= 500:
		return false, fmt.Sprint(res.StatusCode), nil
	case res.StatusCode != http.StatusOK:
		return false, fmt.Sprint(res.StatusCode), fmt.Errorf("%s: %s", res.Status, text)
	}
	var answer struct {
		ReportID         string `json:"reportId"`
		FullReportNeeded bool   `json:"fullReportNeeded"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.ReportID != d.report.id {
		return false, "odd answer", fmt.Errorf("the answer to %s is %s", d.report.id, text)
	}
	return answer.FullReportNeeded, "", nil
}
