package demo

import (
	"testing"
	"time"
)

var wednesdayEvening = time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC)

func TestCatalogueEndsThisWeek(t *testing.T) {
	t.Parallel()
	projects, err := Catalogue(wednesdayEvening)
	if err != nil {
		t.Fatal(err)
	}
	if len(projects) < 100 {
		t.Errorf("the catalogue has %d projects, want at least 100", len(projects))
	}
	var newest time.Time
	for _, project := range projects {
		for _, release := range project.Releases {
			if release.Date.After(wednesdayEvening) {
				t.Errorf("%s %s comes out in the future, %s", project.Name, release.Version, release.Date)
			}
			if release.Security && project.Type != "core" && release.Date.Weekday() != time.Wednesday {
				t.Errorf("%s %s: a security release on a %s", project.Name, release.Version, release.Date.Weekday())
			}
			if release.Date.After(newest) {
				newest = release.Date
			}
		}
	}
	if age := wednesdayEvening.Sub(newest); age >= 7*day {
		t.Errorf("the newest release is %s old, want less than a week", age)
	}
}

func TestSimulateTellsTheStoryOfAFleet(t *testing.T) {
	t.Parallel()
	catalogue, err := Catalogue(wednesdayEvening)
	if err != nil {
		t.Fatal(err)
	}
	fleet := Fleet()
	if len(fleet) < 55 || len(fleet) > 65 {
		t.Errorf("the fleet has %d sites, want some 60", len(fleet))
	}
	reports, err := Simulate(fleet, catalogue, wednesdayEvening)
	if err != nil {
		t.Fatal(err)
	}
	full := 0
	seen := map[int]time.Time{}
	for i, report := range reports {
		if i > 0 && report.ReceivedAt.Before(reports[i-1].ReceivedAt) {
			t.Fatalf("report %d comes before the one in front of it", i)
		}
		if _, known := seen[report.Site]; !known && report.Heartbeat {
			t.Fatalf("%s begins with a heartbeat", fleet[report.Site].Name)
		}
		if !report.Heartbeat {
			full++
		}
		seen[report.Site] = report.ReceivedAt
	}
	t.Logf("%d sites, %d reports, %d of them full", len(fleet), len(reports), full)
	for index, site := range fleet {
		last, reported := seen[index]
		switch {
		case site.Waiting && reported:
			t.Errorf("%s waits for its first report, and has one", site.Name)
		case site.Silent && wednesdayEvening.Sub(last) < 2*day:
			t.Errorf("%s is silent, and reported at %s", site.Name, last)
		case !site.Waiting && !site.Silent && wednesdayEvening.Sub(last) > 26*time.Hour:
			t.Errorf("%s last reported at %s", site.Name, last)
		}
	}
	again, err := Simulate(fleet, catalogue, wednesdayEvening)
	if err != nil {
		t.Fatal(err)
	}
	for i := range reports {
		if string(reports[i].Body) != string(again[i].Body) {
			t.Fatalf("report %d differs when simulated again", i)
		}
	}
}
