package ingest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"drumbeat/server/inventory"
)

// The audit statuses of the schema.
const (
	statusApplied          = "applied"
	statusUnchanged        = "unchanged"
	statusHeartbeat        = "heartbeat"
	statusLate             = "late"
	statusDuplicate        = "duplicate"
	statusInventoryUnknown = "inventory_unknown"
	statusRefused          = "refused"
)

// clockTolerance is how far a site's clock may be ahead before it is noted.
const clockTolerance = 5 * time.Minute

// beforeCreation is how long before its creation here a site may have looked at
// itself. A clock further back is wrong: nobody had the key then.
const beforeCreation = 24 * time.Hour

// standing is what is known of a site as a batch goes along.
type standing struct {
	siteID    int64
	created   time.Time
	deleted   bool
	collected time.Time // zero when nothing was ever applied
	contentID int64
	hash      [32]byte
	hasHash   bool
	inventory string

	// What the batch did to it.
	heard   time.Time
	touched bool
	last    *item // the last applied report
	changed bool  // its periods changed
	first   bool  // nothing was known before the batch
}

// effective is the moment that a report speaks for: the site's clock, but
// never ahead of the server's, and never before the site existed.
func effective(e *Entry, created time.Time) (at time.Time, detail string) {
	received, collected := e.ReceivedAt(), e.CollectedAt()
	switch ahead := collected.Sub(received); {
	case ahead > clockTolerance:
		return received, "the site's clock is ahead, at " + collected.Format(time.RFC3339) + "; counted from receipt"
	case ahead > 0:
		return received, ""
	case collected.Before(created.Add(-beforeCreation)):
		return received, "the site's clock is behind, at " + collected.Format(time.RFC3339) + "; counted from receipt"
	}
	return collected, ""
}

// decide says what a report or heartbeat is, and moves s on accordingly.
func decide(s *standing, it *item) (status, detail string) {
	at, detail := effective(&it.Entry, s.created)
	if received := it.ReceivedAt(); received.After(s.heard) {
		s.heard = received
	}
	s.touched = true
	if !s.collected.IsZero() && at.Before(s.collected) {
		return statusLate, join(detail, "the inventory of "+s.collected.Format(time.RFC3339)+" is known already")
	}
	if it.Kind == KindHeartbeat {
		if !s.hasHash || it.InventoryHash != s.inventory || s.inventory == "" {
			return statusInventoryUnknown, detail
		}
		s.collected = at
		return statusHeartbeat, detail
	}
	s.collected = at
	if s.hasHash && s.hash == it.ContentHash {
		return statusUnchanged, detail
	}
	s.hash, s.hasHash, s.inventory, s.last = it.ContentHash, true, it.InventoryHash, it
	return statusApplied, detail
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// period is one project on one site as a batch goes along.
type period struct {
	// id is the row; 0 for one that this batch opens, at place opened.
	id, version int64
	opened      int
	projectType string
}

// change is one project that differs between two reports.
type change struct {
	module   int64
	kind     string // updated, added, removed, or "" where it is the same version still
	from, to int64  // versions; 0 for none
	old      *period
	newType  string
}

// diff compares what is on a site with what its report says. Nothing is changed.
// same says of two version ids whether they are one version under two rule
// sets, as after an update of core.
func diff(current map[int64]*period, r *reading, same func(a, b int64) bool) []change {
	var changes []change
	seen := make(map[int64]bool, len(r.refs))
	for i, ref := range r.refs {
		if seen[ref.ModuleID] {
			continue
		}
		seen[ref.ModuleID] = true
		kind := r.types[i]
		old := current[ref.ModuleID]
		switch {
		case old == nil:
			changes = append(changes, change{module: ref.ModuleID, kind: "added", to: ref.VersionID, newType: kind})
		case old.version != ref.VersionID && !same(old.version, ref.VersionID):
			changes = append(changes, change{module: ref.ModuleID, kind: "updated", from: old.version, to: ref.VersionID, old: old, newType: kind})
		case old.version != ref.VersionID || old.projectType != kind:
			changes = append(changes, change{module: ref.ModuleID, from: old.version, to: ref.VersionID, old: old, newType: kind})
		}
	}
	for module, old := range current {
		if !seen[module] {
			changes = append(changes, change{module: module, kind: "removed", from: old.version, old: old})
		}
	}
	return changes
}

// versionParts gives the leading numbers of a version as a PostgreSQL array:
// "10.4.2-rc1" is {10,4,2}.
func versionParts(version string) string {
	var parts []string
	for part := range strings.SplitSeq(version, ".") {
		end := 0
		for end < len(part) && part[end] >= '0' && part[end] <= '9' {
			end++
		}
		n, err := strconv.ParseInt(part[:end], 10, 32)
		if err != nil || len(parts) == 4 {
			break
		}
		parts = append(parts, strconv.FormatInt(n, 10))
		if end < len(part) {
			break
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func agentText(r *inventory.Report) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", r.AgentName, r.AgentVersion))
}
