package releases

import "time"

// How often feeds are asked for. Each interval is shortened by a random part, so
// that feeds fetched together spread out.
const (
	usualInterval   = 6 * time.Hour
	windowInterval  = 10 * time.Minute
	unusedInterval  = 24 * time.Hour
	missingInterval = 4 * 24 * time.Hour
	firstBackoff    = time.Minute
	longestBackoff  = 6 * time.Hour
)

// Drupal's security releases come out on Wednesdays between these hours, UTC.
const (
	windowOpens  = 16
	windowCloses = 22
)

// nextCheck says when to ask for a feed again. inUse is whether a site runs the
// project, known whether there is good content from before. failures counts
// those in a row; random is from 0 (included) to 1.
func nextCheck(now time.Time, state FeedState, inUse, known bool, failures int, random float64) time.Time {
	opens, closes := securityWindow(now)
	open := !now.Before(opens) && now.Before(closes)
	switch {
	case state == FeedFailed || state == FeedMalformed:
		wait := longestBackoff
		if shift := max(failures, 1) - 1; shift < 10 {
			wait = min(firstBackoff<<shift, longestBackoff)
		}
		next := now.Add(shorten(wait, 0.5, random))
		switch {
		case inUse && open:
			// A source that comes back in the window must not be found out hours
			// later; the pause of a host that fails protects it.
			return earlier(next, now.Add(shorten(windowInterval, 0.2, random)))
		case inUse:
			return earlier(next, opens.Add(time.Duration(random*float64(windowInterval))))
		}
		return next
	case state == FeedMissing && !known:
		return now.Add(shorten(missingInterval, 0.5, random))
	}
	// A project that the source knew before and suddenly does not is asked for as
	// ever: the answer may be a passing fault.
	if !inUse {
		return now.Add(shorten(unusedInterval, 0.25, random))
	}
	if open {
		return now.Add(shorten(windowInterval, 0.2, random))
	}
	next := now.Add(shorten(usualInterval, 0.25, random))
	if next.After(opens) {
		// Whatever is due during the window is asked for at its beginning.
		next = opens.Add(time.Duration(random * float64(windowInterval)))
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// shorten takes a random part of at most the given share off d.
func shorten(d time.Duration, share, random float64) time.Duration {
	return d - time.Duration(share*random*float64(d))
}

// securityWindow gives the window that now lies in, else the next one.
func securityWindow(now time.Time) (opens, closes time.Time) {
	day := now.UTC().Truncate(24 * time.Hour)
	days := (int(time.Wednesday) - int(day.Weekday()) + 7) % 7
	closes = day.Add(time.Duration(days)*24*time.Hour + windowCloses*time.Hour)
	if !now.Before(closes) {
		closes = closes.Add(7 * 24 * time.Hour)
	}
	return closes.Add((windowOpens - windowCloses) * time.Hour), closes
}
