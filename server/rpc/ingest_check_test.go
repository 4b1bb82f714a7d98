package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	ingestv1 "drumbeat/gen/go/drumbeat/ingest/v1"
	"drumbeat/server/inventory"
)

const sampleReport = `{
 "reportId": "018f4e4e-7a5b-7c3d-8e9f-0123456789ab",
 "collectedAt": "2026-03-04T05:06:07.25+01:00",
 "trigger": "cron",
 "agent": {"name": "drumbeat", "version": "1.0.0"},
 "site": {"url": "https:\/\/example.org\/", "name": "Caf\u00e9 \ud83d\ude00 Zürich", "environment": "production", "id": "018f4e4e-7a5b-7c3d-8e9f-0123456789ac"},
 "platform": {"drupalVersion": "10.4.2", "phpVersion": "8.3.1", "phpSapi": "cli", "dbDriver": "mysql", "dbVersion": "10.11.19-MariaDB", "profile": "minimal"},
 "extensions": [
  {"name": "node", "type": "module", "enabled": true, "project": "drupal", "version": "10.4.2", "datestamp": 1738798431, "title": "Node", "pathKind": "core", "hidden": false, "lifecycle": "stable", "package": "Core"},
  {"name": "token", "type": "module", "enabled": true, "project": "token", "version": "8.x-1.15", "datestamp": "1722206215", "title": "Token", "pathKind": "contrib", "lifecycle": "stable", "package": "Other", "statusUrl": "https://updates.example.org/history"},
  {"name": "ours", "type": "module", "enabled": false, "project": null, "version": null, "title": "", "pathKind": "custom"},
  {"name": "e", "type": "theme", "version": ""}
 ],
 "composerPackages": [{"name": "drupal/token", "version": "1.15.0", "reference": "8.x-1.15", "drupalVersion": "8.x-1.15", "datestamp": 1722206213, "securityCoverage": "covered"}],
 "inventoryHash": "abc"
}`

func testCheck(t testing.TB) *reportCheck {
	t.Helper()
	check, err := newReportCheck()
	if err != nil {
		t.Fatal(err)
	}
	return check
}

// sameMeaning fails when what the scanner accepts is not what the contract's
// decoder accepts, or means something else there.
func sameMeaning(t interface{ Fatalf(string, ...any) }, check *reportCheck, body []byte) (accepted bool) {
	body = bytes.Clone(body)
	var sum inventory.Summary
	if !inventory.Scan(body, &sum) {
		return false
	}
	msg, err := check.decodeJSON(body)
	if err != nil {
		t.Fatalf("the scanner accepts what the contract refuses (%v): %q", err, body)
	}
	rep, err := inventory.Parse(body)
	if err != nil {
		t.Fatalf("Scan accepts what Parse refuses: %q", body)
	}
	// The canonical form shows every value, so equal forms mean equal reports.
	var canonical inventory.Summary
	text, err := check.canonical(msg, &canonical)
	if err != nil {
		t.Fatalf("the canonical form does not scan: %q", body)
	}
	if got := fromParsed(rep); string(appendReport(nil, got)) != string(appendReport(nil, withoutNanos(msg))) {
		t.Fatalf("read differently:\n%s\n%s", appendReport(nil, got), text)
	}
	a, b := sum, canonical
	if a.ReportID != b.ReportID || a.CollectedAt != b.CollectedAt || a.Trigger != b.Trigger || a.SiteID != b.SiteID ||
		a.HasSiteID != b.HasSiteID || a.InventoryHash != b.InventoryHash || a.Extensions != b.Extensions || a.Packages != b.Packages {
		t.Fatalf("summaries differ: %+v %+v", a, b)
	}
	return true
}

// withoutNanos drops what PostgreSQL could not keep either.
func withoutNanos(m *ingestv1.SubmitReportRequest) *ingestv1.SubmitReportRequest {
	m.CollectedAt.Nanos -= m.CollectedAt.Nanos % 1000
	m.ReportId = strings.ToLower(m.ReportId)
	m.Site.Id = strings.ToLower(m.Site.GetId())
	return m
}

func fromParsed(r *inventory.Report) *ingestv1.SubmitReportRequest {
	m := &ingestv1.SubmitReportRequest{
		ReportId: string(appendUUID(nil, r.ReportID)), CollectedAt: timestampOf(r.Time()), Trigger: r.Trigger.String(),
		Agent:         &ingestv1.Agent{Name: r.AgentName, Version: r.AgentVersion},
		Site:          &ingestv1.Site{Url: r.Site.URL, Name: r.Site.Name, Environment: r.Site.Environment},
		InventoryHash: r.InventoryHash,
	}
	if r.HasSiteID {
		m.Site.Id = string(appendUUID(nil, r.SiteID))
	}
	if p := r.Platform; r.HasPlatform {
		m.Platform = &ingestv1.Platform{DrupalVersion: p.DrupalVersion, PhpVersion: p.PHPVersion, PhpSapi: p.PHPSAPI,
			DbDriver: p.DBDriver, DbVersion: p.DBVersion, Profile: p.Profile}
	}
	for i := range r.List {
		e := &r.List[i]
		x := &ingestv1.Extension{Name: e.Name, Type: e.Type, Enabled: e.Enabled, Datestamp: e.Datestamp, Title: e.Title,
			PathKind: e.PathKind, Hidden: e.Hidden, Lifecycle: e.Lifecycle, Package: e.Package, StatusUrl: e.StatusURL}
		if e.HasProject {
			x.Project = &e.Project
		}
		if e.HasVersion {
			x.Version = &e.Version
		}
		m.Extensions = append(m.Extensions, x)
	}
	for _, p := range r.Composer {
		m.ComposerPackages = append(m.ComposerPackages, &ingestv1.ComposerPackage{Name: p.Name, Version: p.Version, Reference: p.Reference,
			DrupalVersion: p.DrupalVersion, Datestamp: p.Datestamp, SecurityCoverage: p.SecurityCoverage})
	}
	return m
}

func TestScannerTakesOrdinaryReports(t *testing.T) {
	t.Parallel()
	check := testCheck(t)
	compact := &bytes.Buffer{}
	if err := json.Compact(compact, []byte(sampleReport)); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"a full report":                     sampleReport,
		"a full report without white space": compact.String(),
		"a heartbeat":                       `{"reportId":"018f4e4e-7a5b-7c3d-8e9f-0123456789ab","collectedAt":"2026-03-04T05:06:07Z","trigger":"ci","agent":{"name":"x"},"site":{},"inventoryHash":"h"}`,
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !sameMeaning(t, check, []byte(body)) {
				t.Fatal("not taken")
			}
		})
	}
}

// bend changes a valid report a little, in ways that JSON, the contract or
// hostile senders might.
func bend(n func(int) int, body []byte) []byte {
	pieces := []string{`"`, `\`, `{`, `}`, `[`, `]`, `,`, `:`, ` `, "\n", "\x00", "\x1f", "\xff", "é", "\u2028", `\u0000`, `\ud800`, `\udc00`, `\u00e9`, `\/`, `\x`,
		`null`, `true`, `false`, `0`, `-1`, `1.0`, `1e3`, `9999999999999999999`, `01`, `""`, `{}`, `[]`, `"unknown":1,`, `"name":"twice",`, `"report_id":`, `"type":"plugin",`,
		`"enabled":1,`, `"datestamp":-5,`, `"datestamp":1.5,`, `"datestamp":"007",`, strings.Repeat("a", 130), strings.Repeat("é", 130), "2026-02-30T00:00:00Z", "24:00:00", "Z", "+23:59", ".123456789", "\ufeff"}
	out := bytes.Clone(body)
	for range 1 + n(3) {
		at := n(len(out) + 1)
		switch n(5) {
		case 0:
			end := min(len(out), at+n(12))
			out = append(out[:at:at], out[end:]...)
		case 1:
			if at < len(out) {
				out[at] = byte(n(256))
			}
		case 2:
			end := min(len(out), at+n(80))
			out = append(append(out[:end:end], out[at:end]...), out[end:]...)
		case 3:
			// At the beginning of a token, where it bends most.
			if i := bytes.IndexAny(out[at:], `"{[,:`); i >= 0 {
				at += i + 1
			}
			fallthrough
		default:
			piece := pieces[n(len(pieces))]
			out = append(append(out[:at:at], piece...), out[at:]...)
		}
		if len(out) == 0 {
			return out
		}
	}
	return out
}

func TestScannerNeverTakesMoreThanTheContract(t *testing.T) {
	t.Parallel()
	check := testCheck(t)
	random := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range 20_000 {
		if sameMeaning(t, check, bend(random.IntN, []byte(sampleReport))) {
			taken++
		}
	}
	if taken < 100 {
		t.Fatalf("only %d bent reports were taken: the test shows little", taken)
	}
}

func TestEveryValidReportSurvivesTheCanonicalForm(t *testing.T) {
	t.Parallel()
	check := testCheck(t)
	text := func(maxLen int) *rapid.Generator[string] {
		return rapid.StringOfN(rapid.RuneFrom([]rune("aZ09_-./\\\"\t\n\x01\x7fé漢😀\u2028\ufffd")), 0, maxLen, -1)
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := &ingestv1.SubmitReportRequest{
			ReportId:    "018F4e4e-7a5b-7c3d-8e9f-0123456789ab",
			CollectedAt: timestampAt(rapid.Int64Range(-62135596800, 253402300799).Draw(rt, "at"), rapid.Int32Range(0, 999999999).Draw(rt, "nanos")),
			Trigger:     rapid.SampledFrom([]string{"cron", "post-update", "install", "manual", "ci"}).Draw(rt, "trigger"),
			Agent:       &ingestv1.Agent{Name: "a" + text(20).Draw(rt, "agent"), Version: text(64).Draw(rt, "agent version")},
			Site:        &ingestv1.Site{Url: text(2048).Draw(rt, "url"), Name: text(255).Draw(rt, "name"), Environment: text(64).Draw(rt, "environment")},
			Platform:    &ingestv1.Platform{DrupalVersion: "1" + text(20).Draw(rt, "core"), DbVersion: text(255).Draw(rt, "database")},
		}
		for range rapid.IntRange(1, 4).Draw(rt, "extensions") {
			e := &ingestv1.Extension{Name: "n" + text(127).Draw(rt, "ext"), Type: rapid.SampledFrom([]string{"module", "theme", "profile"}).Draw(rt, "type"),
				Enabled: rapid.Bool().Draw(rt, "enabled"), Datestamp: rapid.Int64Range(0, 253402300799).Draw(rt, "datestamp"), Title: text(255).Draw(rt, "title"),
				PathKind: rapid.SampledFrom([]string{"", "core", "contrib", "custom", "profile"}).Draw(rt, "path")}
			if rapid.Bool().Draw(rt, "has version") {
				v := text(128).Draw(rt, "version")
				e.Version = &v
			}
			m.Extensions = append(m.Extensions, e)
		}
		if err := check.validate(m); err != nil {
			rt.Fatalf("the generator made an invalid report: %v", err)
		}
		var sum inventory.Summary
		body, err := check.canonical(m, &sum)
		if err != nil {
			rt.Fatalf("%v: %s", err, body)
		}
		if !sameMeaning(rt, check, body) {
			rt.Fatalf("the canonical form is not taken: %s", body)
		}
		rep, err := inventory.Parse(body)
		if err != nil {
			rt.Fatalf("parse: %v", err)
		}
		if got, want := appendReport(nil, fromParsed(rep)), appendReport(nil, withoutNanos(m)); string(got) != string(want) {
			rt.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func TestContentHashIgnoresWhatAlwaysChanges(t *testing.T) {
	t.Parallel()
	hash := func(body string) [32]byte {
		var sum inventory.Summary
		if !inventory.Scan([]byte(body), &sum) {
			t.Fatalf("not taken: %s", body)
		}
		return sum.ContentHash([]byte(body))
	}
	base := hash(sampleReport)
	replace := func(from, to string) string {
		if !strings.Contains(sampleReport, from) {
			t.Fatalf("no %s in the sample", from)
		}
		return strings.Replace(sampleReport, from, to, 1)
	}
	for _, same := range []string{
		replace("0123456789ab", "ffffffffffff"), replace("2026-03-04T05:06:07.25+01:00", "2027-01-01T00:00:00Z"), replace(`"cron"`, `"manual"`),
	} {
		if hash(same) != base {
			t.Errorf("another hash for %s", same)
		}
	}
	for _, other := range []string{replace("8.x-1.15", "8.x-1.16"), replace("8.3.1", "8.3.2"), replace(`"abc"`, `"abd"`)} {
		if hash(other) == base {
			t.Errorf("the same hash for %s", other)
		}
	}
	order := fmt.Sprintf(`{"trigger":"ci","agent":{"name":"x"},"collectedAt":%q,"site":{},"inventoryHash":"h","reportId":%q}`, "2026-03-04T05:06:07Z", "018f4e4e-7a5b-7c3d-8e9f-0123456789ab")
	if hash(order) != hash(strings.Replace(order, "89ab", "89ac", 1)) {
		t.Error("another order of fields changes what is left out")
	}
}

func FuzzScanner(f *testing.F) {
	check := testCheck(f)
	f.Add([]byte(sampleReport))
	f.Add([]byte(`{"reportId":"018f4e4e-7a5b-7c3d-8e9f-0123456789ab","collectedAt":"2026-03-04T05:06:07Z","trigger":"ci","agent":{"name":"x"},"site":{},"inventoryHash":"h"}`))
	f.Add([]byte(`{"site":{}`))
	f.Add([]byte(`{"reportId":"\u0000"}`))
	f.Fuzz(func(t *testing.T, body []byte) { sameMeaning(t, check, body) })
}
