package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/gen/db"
)

// ErrNoDeadLetter says that there is no such dead letter, or that it was
// replayed already.
var ErrNoDeadLetter = errors.New("no such dead letter")

// DeadLetter is an entry that could not be applied.
type DeadLetter struct {
	ID int64 `json:"id"`
	// SiteID and ReportID are absent where the entry could not be read.
	SiteID     *int64     `json:"siteId,omitempty"`
	ReportID   *uuid.UUID `json:"reportId,omitempty"`
	Reason     string     `json:"reason"`
	Deliveries int        `json:"deliveries"`
	Size       int        `json:"size"` // of the entry in bytes
	CreatedAt  time.Time  `json:"createdAt"`
	ReplayedAt *time.Time `json:"replayedAt,omitempty"`
	// Entries is what the entry holds; only of GetDeadLetter.
	Entries []DeadEntry `json:"entries,omitempty"`
	// Unreadable is why the entry cannot be read; only of GetDeadLetter.
	Unreadable string `json:"unreadable,omitempty"`
}

// DeadEntry is one entry of a dead letter, for people.
type DeadEntry struct {
	Kind          string    `json:"kind"`
	SiteID        int64     `json:"siteId"`
	ReportID      uuid.UUID `json:"reportId"`
	ReceivedAt    time.Time `json:"receivedAt"`
	CollectedAt   time.Time `json:"collectedAt"`
	Trigger       string    `json:"trigger,omitempty"`
	InventoryHash string    `json:"inventoryHash,omitempty"`
	Detail        string    `json:"detail,omitempty"`
	Body          string    `json:"body,omitempty"` // as text
}

// ListDeadLetters lists up to limit dead letters behind the id after, oldest
// first; with replayed also those that were replayed.
func ListDeadLetters(ctx context.Context, pool *pgxpool.Pool, after int64, limit int, replayed bool) ([]DeadLetter, error) {
	rows, err := db.New(pool).ListDeadLetters(ctx, db.ListDeadLettersParams{AfterID: after, Replayed: replayed, MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list the dead letters: %w", err)
	}
	letters := make([]DeadLetter, 0, len(rows))
	for _, r := range rows {
		letters = append(letters, DeadLetter{ID: r.ID, SiteID: r.SiteID, ReportID: r.ReportID, Reason: r.Reason,
			Deliveries: int(r.Deliveries), Size: int(r.EntrySize), CreatedAt: r.CreatedAt, ReplayedAt: r.ReplayedAt})
	}
	return letters, nil
}

// GetDeadLetter gives one dead letter with what it holds, or ErrNoDeadLetter.
func GetDeadLetter(ctx context.Context, pool *pgxpool.Pool, id int64) (*DeadLetter, error) {
	r, err := db.New(pool).GetDeadLetter(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoDeadLetter
	}
	if err != nil {
		return nil, fmt.Errorf("read dead letter %d: %w", id, err)
	}
	letter := &DeadLetter{ID: r.ID, SiteID: r.SiteID, ReportID: r.ReportID, Reason: r.Reason,
		Deliveries: int(r.Deliveries), Size: len(r.Entry), CreatedAt: r.CreatedAt, ReplayedAt: r.ReplayedAt}
	entries, err := DecodeRecord(r.Entry)
	if err != nil {
		letter.Unreadable = err.Error()
		return letter, nil
	}
	kinds := map[Kind]string{KindReport: "report", KindHeartbeat: "heartbeat", KindRefused: "refused"}
	for i := range entries {
		e := &entries[i]
		body, err := e.plain()
		if err != nil {
			body = nil
			letter.Unreadable = err.Error()
		}
		letter.Entries = append(letter.Entries, DeadEntry{
			Kind: kinds[e.Kind], SiteID: e.SiteID, ReportID: uuid.UUID(e.ReportID), ReceivedAt: e.ReceivedAt(), CollectedAt: e.CollectedAt(),
			Trigger: e.Trigger.String(), InventoryHash: e.InventoryHash, Detail: e.Detail, Body: clip(body, MaxBody),
		})
	}
	return letter, nil
}

// ReplayDeadLetter puts a dead letter back to where reports are applied from,
// once. It returns ErrNoDeadLetter for one that is not there or was replayed.
func ReplayDeadLetter(ctx context.Context, pool *pgxpool.Pool, id int64) error {
	n, err := db.New(pool).ReplayDeadLetter(ctx, id)
	if err != nil {
		return fmt.Errorf("replay dead letter %d: %w", id, err)
	}
	if n == 0 {
		return ErrNoDeadLetter
	}
	return nil
}

// DropDeadLetter deletes a dead letter for good, or returns ErrNoDeadLetter.
func DropDeadLetter(ctx context.Context, pool *pgxpool.Pool, id int64) error {
	n, err := db.New(pool).DropDeadLetter(ctx, id)
	if err != nil {
		return fmt.Errorf("drop dead letter %d: %w", id, err)
	}
	if n == 0 {
		return ErrNoDeadLetter
	}
	return nil
}
