package sites_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"drumbeat/server/platform/fault"
	"drumbeat/server/platform/testkit"
	"drumbeat/server/sites"
)

func asFault(err error, f **fault.Error) bool { return errors.As(err, f) }

// startWatcher gives a watcher that listens already, with a subscription.
func startWatcher(t *testing.T, w *world, organization uuid.UUID) (*sites.Watcher, *sites.Subscription) {
	t.Helper()
	watcher := sites.NewWatcher(w.pool, testkit.Logger(t))
	sub := watcher.Subscribe(organization)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- watcher.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the watcher ended with %v", err)
		}
		sub.Close()
	})
	// The first word of a new connection: everything may have changed.
	wait(t, sub)
	if _, all := sub.Take(); !all {
		t.Fatal("a new connection did not say that everything may have changed")
	}
	return watcher, sub
}

func wait(t *testing.T, sub *sites.Subscription) {
	t.Helper()
	select {
	case <-sub.Changed():
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was heard")
	}
}

func TestAChangeIsHeardByItsOrganisationAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	watcher, sub := startWatcher(t, w, w.ownID)
	other := watcher.Subscribe(w.otherID)
	defer other.Close()
	s, _ := w.create(t, w.own, "x", "https://example.org")
	wait(t, sub)
	if ids, all := sub.Take(); all || len(ids) != 1 || ids[0] != s.ID {
		t.Fatalf("heard %v, %v", ids, all)
	}
	select {
	case <-other.Changed():
		t.Fatal("another organisation heard of it")
	default:
	}
}

func TestTooManyChangesAreEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, sub := startWatcher(t, w, w.ownID)
	ids := make([]int64, 0, 120)
	for range 120 {
		_, a := w.create(t, w.own, "x", "https://example.org")
		ids = append(ids, a.SiteID)
	}
	deadline := time.After(30 * time.Second)
	for {
		select {
		case <-sub.Changed():
		case <-deadline:
			t.Fatal("120 changes were never told as everything")
		}
		// Not taken meanwhile: what piles up becomes one word.
		tx, err := w.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := sites.NotifyChanged(t.Context(), tx, ids); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, all := sub.Take(); all {
			return
		}
	}
}
