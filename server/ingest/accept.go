package ingest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"

	"drumbeat/server/inventory"
	"drumbeat/server/sitekey"
)

// DefaultNextReport is what sites are told to wait: hourly is fresh enough to
// see a patch day, and an unchanged site's heartbeat costs next to nothing.
const DefaultNextReport = time.Hour

// ErrOtherSite says that a report names another site than the key's.
var ErrOtherSite = errors.New("this key belongs to another site")

// Acceptor decides on reports at the door.
type Acceptor struct {
	Keys    *Keys
	Limiter *Limiter
	Buffer  *Buffer
	Log     *slog.Logger
	// NextReport is what senders are told to wait.
	NextReport time.Duration
	// Now is the clock.
	Now func() time.Time
}

// NewAcceptor puts the parts together, with the default clock and interval.
func NewAcceptor(keys *Keys, limiter *Limiter, buffer *Buffer, log *slog.Logger) *Acceptor {
	return &Acceptor{Keys: keys, Limiter: limiter, Buffer: buffer, Log: log, NextReport: DefaultNextReport, Now: time.Now}
}

// Site gives the site that a key's text opens: ErrUnknownKey for a text that
// is no key, or opens none; any other error means that it could not be found out.
func (a *Acceptor) Site(ctx context.Context, text string) (*Site, error) {
	key, err := sitekey.Parse(text)
	if err != nil {
		return nil, ErrUnknownKey
	}
	return a.Keys.Find(ctx, key)
}

// Submission is a report that was checked against the contract.
type Submission struct {
	Summary *inventory.Summary
	// Text is the report that Summary was scanned from.
	Text []byte
	// Sent is the report as it came, in Encoding; Text where it came plain.
	Sent     []byte
	Encoding Encoding
}

// Accept stores a report of the site. It returns ErrOtherSite, ErrUnavailable,
// or nil when the report is stored; fullNeeded says then that it was a
// heartbeat of an inventory that is not known.
func (a *Acceptor) Accept(ctx context.Context, site *Site, s *Submission) (fullNeeded bool, err error) {
	sum := s.Summary
	if sum.HasSiteID && sum.SiteID != site.UUID {
		return false, ErrOtherSite
	}
	e := Entry{
		Kind: KindReport, SiteID: site.ID, ReportID: sum.ReportID, Received: a.Now().UnixMicro(),
		Collected: sum.CollectedAt, Trigger: sum.Trigger, InventoryHash: sum.InventoryHash,
	}
	if sum.Heartbeat() {
		e.Kind = KindHeartbeat
		if fullNeeded, err = a.unknownInventory(ctx, site, sum.InventoryHash); err != nil {
			// The applier compares anyway; the site is asked when it can be found out.
			a.Log.Warn("a heartbeat could not be compared", "site", site.ID, "error", err)
		}
		return fullNeeded, a.Buffer.Store(&e)
	}
	e.ContentHash = sum.ContentHash(s.Text)
	e.Body, e.Encoding = s.Sent, s.Encoding
	if e.Encoding == Identity && len(e.Body) >= compressFrom {
		packed := packs.Get().(*[]byte)
		defer packs.Put(packed)
		if need := s2.MaxEncodedLen(len(e.Body)); cap(*packed) < need {
			*packed = make([]byte, 0, need)
		}
		e.Body, e.Encoding = s2.Encode((*packed)[:cap(*packed)], e.Body), S2
	}
	if err := a.Buffer.Store(&e); err != nil {
		return false, err
	}
	if known := site.inventory.Load(); known == nil || *known != sum.InventoryHash {
		hash := sum.InventoryHash
		site.inventory.Store(&hash)
	}
	return false, nil
}

// compressFrom is the size in bytes from which a plain report is compressed.
const compressFrom = 1024

var packs = sync.Pool{New: func() any { b := make([]byte, 0, 32<<10); return &b }}

// unknownInventory tells whether hash is not that of the site's last accepted
// report. This process may not know of a report that another one took: then the
// database is asked, which may lag behind by what is in the stream. A wrong
// answer costs a full report or an entry that the applier marks as unknown; it
// never loses a change.
func (a *Acceptor) unknownInventory(ctx context.Context, site *Site, hash string) (bool, error) {
	if known := site.inventory.Load(); known != nil && *known == hash {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	stored, err := a.Keys.inventoryOf(ctx, site)
	if err != nil {
		return false, err
	}
	if stored != hash {
		return true, nil
	}
	site.inventory.Store(&stored)
	return false, nil
}

// Refused notes a report that was refused for what it says, so that people see
// it in the site's log. It is best effort.
func (a *Acceptor) Refused(site *Site, sum *inventory.Summary, why string, body []byte) {
	e := Entry{Kind: KindRefused, SiteID: site.ID, Received: a.Now().UnixMicro(), Detail: clip([]byte(why), maxDetail)}
	if sum != nil {
		e.ReportID, e.Collected, e.Trigger = sum.ReportID, sum.CollectedAt, sum.Trigger
	}
	e.Body = body[:min(len(body), maxRefusedData)]
	if err := a.Buffer.Store(&e); err != nil {
		a.Log.Warn("a refused report could not be noted", "site", site.ID, "error", err)
	}
}
