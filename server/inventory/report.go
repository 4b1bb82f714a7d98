package inventory

import (
	"encoding/binary"
	"time"
)

// The bounds of the contract that the reader shares with the encoder.
const (
	MaxExtensions    = 5000
	MaxPackages      = 5000
	MaxInventoryHash = 128
	// MaxDatestamp is the last second of the year 9999.
	MaxDatestamp = 253402300799
	minTimestamp = -62135596800
)

// Trigger says why a report was sent.
type Trigger uint8

// The triggers of the contract. Their numbers are stored: never renumber.
const (
	TriggerNone Trigger = iota
	TriggerCron
	TriggerPostUpdate
	TriggerInstall
	TriggerManual
	TriggerCI
)

var triggerNames = [...]string{"", "cron", "post-update", "install", "manual", "ci"}

// String is the trigger as the contract writes it; empty for none.
func (t Trigger) String() string {
	if int(t) < len(triggerNames) {
		return triggerNames[t]
	}
	return ""
}

// ParseTrigger reads a trigger as the contract writes it.
func ParseTrigger(text string) (Trigger, bool) {
	for i, name := range triggerNames {
		if i > 0 && name == text {
			return Trigger(i), true
		}
	}
	return TriggerNone, false
}

// UUID is the 16 bytes of a UUID.
type UUID [16]byte

// Summary is what the accepting side has to know of a report.
type Summary struct {
	ReportID UUID
	// CollectedAt is the site's clock in Unix microseconds.
	CollectedAt int64
	Trigger     Trigger
	// SiteID is the site that the report says it is of; zero when it does not say.
	SiteID    UUID
	HasSiteID bool
	// InventoryHash is the sender's own hash, at most 128 characters.
	InventoryHash string
	Extensions    int
	Packages      int
	// volatile are the spans of the values that change with every report.
	volatile [3]span
}

// Heartbeat tells whether the report leaves its lists out.
func (s *Summary) Heartbeat() bool { return s.Extensions == 0 }

type span struct{ from, to int }

// Report is a whole report. Its strings share the memory of the body.
type Report struct {
	Summary
	AgentName    string
	AgentVersion string
	Site         Site
	Platform     Platform
	HasPlatform  bool
	List         []Extension
	Composer     []Package
}

// Site is what a site says of itself.
type Site struct{ URL, Name, Environment string }

// Platform is what a site runs on.
type Platform struct {
	DrupalVersion, PHPVersion, PHPSAPI, DBDriver, DBVersion, Profile string
}

// Extension is one module, theme or profile on the site's disk.
type Extension struct {
	Name, Type             string
	Project, Version       string
	HasProject, HasVersion bool
	Enabled, Hidden        bool
	Datestamp              int64
	Title, PathKind        string
	Lifecycle, Package     string
	StatusURL              string // `project status url`
}

// Package is one package of drupal.org as Composer has it.
type Package struct {
	Name, Version, Reference, DrupalVersion, SecurityCoverage string
	Datestamp                                                 int64
}

// Time is CollectedAt as a time.
func (s *Summary) Time() time.Time { return time.UnixMicro(s.CollectedAt).UTC() }

var (
	lowBits  = uint64(0x0101010101010101)
	highBits = uint64(0x8080808080808080)
)

// wordStop marks, in the high bit of each of the eight bytes, what ends the
// plain run of a JSON string: a quote, a backslash, a control character or
// anything that is not ASCII. A byte behind the first mark may be marked wrongly.
func wordStop(b []byte) uint64 {
	w := binary.LittleEndian.Uint64(b)
	quote := w ^ (lowBits * '"')
	slash := w ^ (lowBits * '\\')
	return ((quote - lowBits) &^ quote & highBits) |
		((slash - lowBits) &^ slash & highBits) |
		((w - lowBits*0x20) &^ w & highBits) |
		(w & highBits)
}
