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

// nextCheck says when to ask for a feed again. failures counts those in a row;
// random is from 0 (included) to 1.
func nextCheck(now time.Time, state FeedState, inUse bool, failures int, random float64) time.Time {
	switch state {
	case FeedFailed, FeedMalformed:
		wait := longestBackoff
		if shift := max(failures, 1) - 1; shift < 10 {
			wait = min(firstBackoff<<shift, longestBackoff)
		}
		return now.Add(shorten(wait, 0.5, random))
	case FeedMissing:
		return now.Add(shorten(missingInterval, 0.5, random))
	}
	if !inUse {
		return now.Add(shorten(unusedInterval, 0.25, random))
	}
	opens, closes := securityWindow(now)
	if !now.Before(opens) && now.Before(closes) {
		return now.Add(shorten(windowInterval, 0.2, random))
	}
	next := now.Add(shorten(usualInterval, 0.25, random))
	if next.After(opens) {
		// Whatever is due during the window is asked for at its beginning.
		next = opens.Add(time.Duration(random * float64(windowInterval)))
	}
	return next
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
