package ingest

import (
	"context"
	"errors"
	"strings"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"

	"drumbeat/gen/db"
)

// readChunk is how many stream entries one command reads: few enough that
// entries of the largest size do not fill the memory.
const readChunk = 64

// block is how long a read waits for entries; short enough to look after what
// else is due.
const block = 500 * time.Millisecond

// readStream reads batches, prepares them and hands them on. It prepares one
// while the one before is in its transaction.
func (a *Applier) readStream(ctx context.Context) {
	reclaimAt := time.Now()
	wait := 100 * time.Millisecond
	ready := false
	for ctx.Err() == nil {
		var messages []redis.XMessage
		var err error
		single := false
		switch {
		case !ready:
			if err = a.ensureGroup(ctx); err == nil {
				ready = true
				continue
			}
		case time.Now().After(reclaimAt):
			if messages, err = a.reclaim(ctx); err == nil && len(messages) < readChunk {
				reclaimAt = time.Now().Add(a.cfg.ReclaimIdle / 3)
			}
		default:
			if messages, err = a.dueRetries(ctx); len(messages) > 0 {
				single = true
			} else if err == nil {
				messages, err = a.readNew(ctx)
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			if strings.HasPrefix(err.Error(), "NOGROUP") {
				ready = false
				continue
			}
			a.log.Warn("the report stream cannot be read", "error", err)
			if !sleep(ctx, wait) {
				return
			}
			wait = min(2*wait, 2*time.Second)
			continue
		}
		wait = 100 * time.Millisecond
		if len(messages) == 0 {
			continue
		}
		records := a.take(messages)
		if single {
			for _, r := range records {
				a.submit(ctx, []*record{r})
			}
		} else if len(records) > 0 {
			a.submit(ctx, records)
		}
	}
}

func (a *Applier) ensureGroup(ctx context.Context) error {
	err := a.redis.XGroupCreateMkStream(ctx, a.cfg.Stream, group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return err
	}
	return nil
}

// readNew reads entries that nobody had yet: as many as make a batch, after a
// linger where there are only few.
func (a *Applier) readNew(ctx context.Context) ([]redis.XMessage, error) {
	var all []redis.XMessage
	size, lingered := 0, false
	for first := true; ; first = false {
		args := &redis.XReadGroupArgs{
			Group: group, Consumer: a.consumer, Streams: []string{a.cfg.Stream, ">"}, Count: readChunk, Block: -1,
		}
		if first {
			args.Block = block
			a.mu.Lock()
			if len(a.retries) > 0 {
				args.Block = min(block, a.cfg.RetryDelay)
			}
			a.mu.Unlock()
		}
		res, err := a.redis.XReadGroup(ctx, args).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			if len(all) > 0 {
				return all, nil
			}
			return nil, err
		}
		got := 0
		for _, stream := range res {
			got += len(stream.Messages)
			for _, m := range stream.Messages {
				size += len(valueOf(m))
			}
			all = append(all, stream.Messages...)
		}
		switch {
		case len(all) == 0, len(all)+readChunk > a.cfg.BatchSize, size >= a.cfg.BatchBytes:
			return all, nil
		case got == readChunk:
			// There is more.
		case lingered:
			return all, nil
		default:
			lingered = true
			if !sleep(ctx, a.cfg.Linger) {
				return all, nil
			}
		}
	}
}

// reclaim takes over what consumers that are gone had not acknowledged. What
// this process is at work on, or waits to try again, is left out: claiming
// counts as a delivery.
func (a *Applier) reclaim(ctx context.Context) ([]redis.XMessage, error) {
	a.mu.Lock()
	own := len(a.inFlight) + len(a.retries)
	a.mu.Unlock()
	idle, err := a.redis.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: a.cfg.Stream, Group: group, Idle: a.cfg.ReclaimIdle, Start: "-", End: "+", Count: int64(readChunk + own),
	}).Result()
	if err != nil {
		return nil, err
	}
	if len(idle) == 0 {
		a.forgetConsumers(ctx)
		return nil, nil
	}
	var ids []string
	a.mu.Lock()
	for _, p := range idle {
		if _, waiting := a.retries[p.ID]; !waiting && !a.inFlight[p.ID] && len(ids) < readChunk {
			ids = append(ids, p.ID)
		}
	}
	a.mu.Unlock()
	if len(ids) == 0 {
		return nil, nil
	}
	// Another process may have been quicker: then they are idle no more.
	return a.redis.XClaim(ctx, &redis.XClaimArgs{
		Stream: a.cfg.Stream, Group: group, Consumer: a.consumer, MinIdle: a.cfg.ReclaimIdle, Messages: ids,
	}).Result()
}

// forgetConsumers removes the names of processes that are gone and hold nothing.
func (a *Applier) forgetConsumers(ctx context.Context) {
	consumers, err := a.redis.XInfoConsumers(ctx, a.cfg.Stream, group).Result()
	if err != nil {
		return
	}
	for _, c := range consumers {
		if c.Name != a.consumer && c.Pending == 0 && c.Idle > time.Hour {
			a.redis.XGroupDelConsumer(ctx, a.cfg.Stream, group, c.Name)
		}
	}
}

// dueRetries delivers entries again that failed a while ago.
func (a *Applier) dueRetries(ctx context.Context) ([]redis.XMessage, error) {
	now := time.Now()
	var due []string
	a.mu.Lock()
	for id, at := range a.retries {
		if !at.After(now) && len(due) < readChunk {
			due = append(due, id)
		}
	}
	a.mu.Unlock()
	if len(due) == 0 {
		return nil, nil
	}
	messages, err := a.redis.XClaim(ctx, &redis.XClaimArgs{Stream: a.cfg.Stream, Group: group, Consumer: a.consumer, Messages: due}).Result()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	for _, id := range due {
		delete(a.retries, id)
	}
	a.mu.Unlock()
	return messages, nil
}

// take marks messages as being worked on and makes records of them.
func (a *Applier) take(messages []redis.XMessage) []*record {
	records := make([]*record, 0, len(messages))
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range messages {
		if a.inFlight[m.ID] {
			continue
		}
		a.inFlight[m.ID] = true
		records = append(records, &record{streamID: m.ID, raw: valueOf(m)})
	}
	return records
}

// valueOf gives the record of a message without copying; it must not be changed.
func valueOf(m redis.XMessage) []byte {
	text, _ := m.Values[field].(string)
	if text == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(text), len(text))
}

// submit prepares records as one batch and hands it to the transactions.
// The batch's done channel is returned; nil when ctx ended.
func (a *Applier) submit(ctx context.Context, records []*record) <-chan struct{} {
	b := &batch{records: records, done: make(chan struct{})}
	for _, r := range records {
		entries, err := DecodeRecord(r.raw)
		if err != nil {
			r.bad = err
			continue
		}
		r.left = len(entries)
		items := make([]item, len(entries))
		for i := range entries {
			items[i] = item{Entry: entries[i], record: r}
			b.items = append(b.items, &items[i])
		}
	}
	b.failed, b.err = a.prepare(ctx, b.items)
	select {
	case a.jobs <- b:
		return b.done
	case <-ctx.Done():
		return nil
	}
}

// readSpool applies what Redis could not take, oldest first.
func (a *Applier) readSpool(ctx context.Context) {
	wait := a.cfg.SpoolInterval
	for sleep(ctx, wait) {
		wait = a.cfg.SpoolInterval
		a.mu.Lock()
		now := time.Now()
		aside := make([]int64, 0, len(a.aside))
		for id, due := range a.aside {
			if due.After(now) {
				aside = append(aside, id)
			} else {
				delete(a.aside, id)
			}
		}
		a.mu.Unlock()
		rows, err := db.New(a.pool).PeekSpool(ctx, db.PeekSpoolParams{Aside: aside, MaxRows: readChunk * 4})
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn("the spool cannot be read", "error", err)
			}
			wait = 2 * time.Second
			continue
		}
		if len(rows) == 0 {
			continue
		}
		records := make([]*record, 0, len(rows))
		for i := range rows {
			records = append(records, &record{spoolID: rows[i].ID, raw: rows[i].Entry, attempts: int(rows[i].Attempts)})
		}
		done := a.submit(ctx, records)
		if done == nil {
			return
		}
		select {
		case <-done:
		case <-ctx.Done():
			return
		}
		if len(rows) == readChunk*4 {
			wait = 0
		}
	}
}
