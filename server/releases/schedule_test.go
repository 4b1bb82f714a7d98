package releases

import (
	"testing"
	"time"
)

func TestNextCheck(t *testing.T) {
	t.Parallel()
	monday := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	wednesday := func(hour, minute int) time.Time { return time.Date(2026, 11, 4, hour, minute, 0, 0, time.UTC) }
	for name, test := range map[string]struct {
		now           time.Time
		state         FeedState
		unused, known bool
		failures      int
		soonest, last time.Duration
	}{
		"within six hours":                                   {now: monday, state: FeedOK, soonest: 4*time.Hour + 30*time.Minute, last: 6 * time.Hour},
		"daily when nobody has it any more":                  {now: monday, state: FeedOK, unused: true, soonest: 18 * time.Hour, last: 24 * time.Hour},
		"every ten minutes in the security window":           {now: wednesday(17, 0), state: FeedOK, soonest: 8 * time.Minute, last: 10 * time.Minute},
		"at the window's opening when due later":             {now: wednesday(15, 0), state: FeedOK, soonest: time.Hour, last: time.Hour + 10*time.Minute},
		"window in another time zone":                        {now: wednesday(17, 0).In(time.FixedZone("", 9*3600)), state: FeedOK, soonest: 8 * time.Minute, last: 10 * time.Minute},
		"usual again after the window":                       {now: wednesday(22, 0), state: FeedOK, soonest: 4*time.Hour + 30*time.Minute, last: 6 * time.Hour},
		"unused projects are not asked for in the window":    {now: wednesday(17, 0), state: FeedOK, unused: true, soonest: 18 * time.Hour, last: 24 * time.Hour},
		"unknown projects after days":                        {now: monday, state: FeedMissing, soonest: 48 * time.Hour, last: 96 * time.Hour},
		"unknown projects after days also in the window":     {now: wednesday(17, 0), state: FeedMissing, soonest: 48 * time.Hour, last: 96 * time.Hour},
		"a known project that is suddenly unknown as ever":   {now: monday, state: FeedMissing, known: true, soonest: 4*time.Hour + 30*time.Minute, last: 6 * time.Hour},
		"one that is suddenly unknown in the window too":     {now: wednesday(17, 0), state: FeedMissing, known: true, soonest: 8 * time.Minute, last: 10 * time.Minute},
		"after many failures no later than the window":       {now: wednesday(15, 0), state: FeedFailed, failures: 30, soonest: time.Hour, last: time.Hour + 10*time.Minute},
		"after many failures soon again in the window":       {now: wednesday(17, 0), state: FeedFailed, failures: 30, soonest: 8 * time.Minute, last: 10 * time.Minute},
		"a minute after the first failure":                   {now: monday, state: FeedFailed, failures: 1, soonest: 30 * time.Second, last: time.Minute},
		"longer after each further failure":                  {now: monday, state: FeedMalformed, failures: 4, soonest: 4 * time.Minute, last: 8 * time.Minute},
		"never longer than six hours, however many failures": {now: monday, state: FeedFailed, failures: 900, soonest: 3 * time.Hour, last: 6 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, random := range []float64{0, 0.5, 0.999} {
				wait := nextCheck(test.now, test.state, !test.unused, test.known, test.failures, random).Sub(test.now)
				if wait < test.soonest || wait > test.last {
					t.Errorf("after %s with %v, want from %s to %s", wait, random, test.soonest, test.last)
				}
			}
			if nextCheck(test.now, test.state, !test.unused, test.known, test.failures, 0).Equal(nextCheck(test.now, test.state, !test.unused, test.known, test.failures, 0.9)) {
				t.Error("feeds that were fetched together stay together")
			}
		})
	}
}
