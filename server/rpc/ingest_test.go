package rpc

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"

	ingestv1 "drumbeat/gen/go/drumbeat/ingest/v1"
	"drumbeat/gen/go/drumbeat/ingest/v1/ingestv1connect"
	"drumbeat/server/ingest"
	"drumbeat/server/platform/testkit"
)

func zipped(t *testing.T, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPostedReportBecomesWhatIsOnTheSite(t *testing.T) {
	t.Parallel()
	d := newDoor(t, doorOptions{})
	d.apply()
	site := d.site("a")
	status, header, text := d.post(site.key.Reveal(), report())
	if status != http.StatusOK || header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", status, text)
	}
	var answer struct{ ReportID, NextReportIn string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || uuid.Validate(answer.ReportID) != nil || answer.NextReportIn != "3600s" {
		t.Fatalf("%s: %v", text, err)
	}
	d.eventually("the site's modules", `
		SELECT count(*) = 2 AND bool_and(p.valid_to IS NULL)
		FROM site_module_periods p JOIN modules m ON m.id = p.module_id WHERE p.site_id = $1`, site.id)
	var core, hash string
	var parts []int32
	var custom int
	if err := d.pool.QueryRow(t.Context(), "SELECT core_version, core_version_parts, inventory_hash, custom_count FROM site_states WHERE site_id = $1", site.id).
		Scan(&core, &parts, &hash, &custom); err != nil {
		t.Fatal(err)
	}
	if core != "10.4.2" || !slices.Equal(parts, []int32{10, 4, 2}) || hash != "abc" || custom != 2 {
		t.Errorf("state: %s %v %s %d", core, parts, hash, custom)
	}

	// The same again is unchanged, with gzip as well; a heartbeat and a change follow.
	d.post(site.key.Reveal(), zipped2(t, report()), "Content-Encoding", "gzip")
	d.post(site.key.Reveal(), heartbeat("abc"))
	if _, _, text := d.post(site.key.Reveal(), heartbeat("other")); !strings.Contains(text, `"fullReportNeeded":true`) {
		t.Errorf("a heartbeat of an unknown inventory got %s", text)
	}
	d.post(site.key.Reveal(), report(`"version": "8.x-1.15"`, `"version": "8.x-1.16"`))
	d.eventually("five audit rows", "SELECT count(*) = 5 FROM audit_logs WHERE site_id = $1", site.id)
	want := []string{"applied", "unchanged", "heartbeat", "inventory_unknown", "applied"}
	if d := cmp.Diff(want, d.statuses(site)); d != "" {
		t.Errorf("audit (-want +got):\n%s", d)
	}
	var kind, from, to string
	if err := d.pool.QueryRow(t.Context(), `
		SELECT i.kind, f.version_number, t.version_number FROM patch_runs r JOIN patch_run_items i ON i.patch_run_id = r.id
		JOIN module_versions f ON f.id = i.from_version_id JOIN module_versions t ON t.id = i.to_version_id
		WHERE r.site_id = $1 AND r.item_count = 1 AND r.trigger = 'cron'`, site.id).Scan(&kind, &from, &to); err != nil {
		t.Fatal(err)
	}
	if kind != "updated" || from != "8.x-1.15" || to != "8.x-1.16" {
		t.Errorf("patch run: %s %s %s", kind, from, to)
	}
	d.eventually("an empty stream", "SELECT NOT EXISTS (SELECT FROM report_spool)")
}

func zipped2(t *testing.T, text string) string { t.Helper(); return zipped(t, []byte(text)) }

func heartbeat(hash string) string {
	return fmt.Sprintf(`{"reportId":%q,"collectedAt":%q,"trigger":"cron","agent":{"name":"x"},"site":{},"inventoryHash":%q}`,
		uuid.NewString(), time.Now().UTC().Format(time.RFC3339Nano), hash)
}

func TestBadReportsAreRefusedWithTheFieldNamed(t *testing.T) {
	t.Parallel()
	d := newDoor(t, doorOptions{})
	d.apply()
	site, other := d.site("a"), d.site("b")
	revoked := d.site("revoked")
	if _, err := d.pool.Exec(t.Context(), "UPDATE site_keys SET revoked_at = now() WHERE site_id = $1", revoked.id); err != nil {
		t.Fatal(err)
	}
	key := site.key.Reveal()
	many := func(n int) string {
		return report(`"extensions": [`, `"extensions": [`+strings.Repeat(`{"name":"m","type":"module"},`, n))
	}
	mistyped := []byte(key)
	mistyped[20] ^= 1
	cases := map[string]struct {
		key, body string
		headers   []string
		status    int
		code      string
		message   string // a part of it
	}{
		"no key":                     {"", report(), nil, 401, "unauthenticated", "Authorization"},
		"a key with a typo":          {string(mistyped), report(), nil, 401, "unauthenticated", "not known"},
		"a key of nobody":            {newTestKey(t), report(), nil, 401, "unauthenticated", "not known"},
		"a revoked key":              {revoked.key.Reveal(), report(), nil, 401, "unauthenticated", "no longer valid"},
		"a key of another site":      {key, report(`"site": {`, `"site": {"id": "`+other.uuid.String()+`", `), nil, 403, "permission_denied", "another site"},
		"nothing":                    {key, "", nil, 400, "invalid_argument", "contract"},
		"no JSON":                    {key, "hello", nil, 400, "invalid_argument", "contract"},
		"an empty object":            {key, "{}", nil, 400, "invalid_argument", "reportId: "},
		"no agent":                   {key, report(`"agent": {"name": "drumbeat", "version": "1.0.0"},`, ""), nil, 400, "invalid_argument", "agent: "},
		"a report id that is none":   {key, report(`"reportId": "`, `"reportId": "x`), nil, 400, "invalid_argument", "reportId: "},
		"a number for a text":        {key, report(`"name": "token"`, `"name": 5`), nil, 400, "invalid_argument", "name"},
		"a text for a truth":         {key, report(`"enabled": false`, `"enabled": "no"`), nil, 400, "invalid_argument", "enabled"},
		"an unknown trigger":         {key, report(`"cron"`, `"boredom"`), nil, 400, "invalid_argument", "trigger: "},
		"an unknown type":            {key, report(`"type": "theme"`, `"type": "plugin"`), nil, 400, "invalid_argument", "extensions[3].type: "},
		"an extension with no name":  {key, report(`"name": "token", "type"`, `"name": "", "type"`), nil, 400, "invalid_argument", "extensions[1].name: must be at least 1 characters"},
		"a name that is too long":    {key, report(`"ours"`, `"`+strings.Repeat("ü", 129)+`"`), nil, 400, "invalid_argument", "extensions[2].name: "},
		"a negative time":            {key, report(`1738798431`, `-1`), nil, 400, "invalid_argument", "extensions[0].datestamp: "},
		"no extensions and no hash":  {key, `{"reportId":"` + uuid.NewString() + `","collectedAt":"2026-01-01T00:00:00Z","trigger":"ci","agent":{"name":"x"},"site":{}}`, nil, 400, "invalid_argument", "extensions: must list"},
		"10,000 extensions":          {key, many(10_000), nil, 400, "invalid_argument", "extensions: "},
		"U+0000":                     {key, report(`"title": "Token"`, `"title": "To\u0000ken"`), nil, 400, "invalid_argument", "extensions[1].title: must not contain U+0000"},
		"a half of a surrogate pair": {key, report(`"title": "Token"`, `"title": "\ud800"`), nil, 400, "invalid_argument", "contract"},
		"invalid UTF-8":              {key, report(`"title": "Token"`, "\"title\": \"\xff\xfe\""), nil, 400, "invalid_argument", "UTF-8"},
		"a field twice":              {key, report(`"title": "Token"`, `"title": "Token", "title": "Again"`), nil, 400, "invalid_argument", "title"},
		"deep nesting":               {key, report(`"trigger"`, `"deep": `+strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)+`, "trigger"`), nil, 400, "invalid_argument", "depth"},
		"a body of 5 MB":             {key, report(`"title": "Token"`, `"title": "`+strings.Repeat("a", 5<<20)+`"`), nil, 413, "invalid_argument", "2 MiB"},
		"a gzip bomb":                {key, zipped(t, make([]byte, 512<<20)), []string{"Content-Encoding", "gzip"}, 413, "invalid_argument", "2 MiB"},
		"gzip that is none":          {key, report(), []string{"Content-Encoding", "gzip"}, 400, "invalid_argument", "gzip"},
		"another encoding":           {key, report(), []string{"Content-Encoding", "br"}, 415, "invalid_argument", "gzip"},
		"another content type":       {key, report(), []string{"Content-Type", "text/plain"}, 415, "invalid_argument", "Content-Type: application/json"},
		"a form":                     {key, report(), []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "invalid_argument", "Content-Type: application/json"},
	}
	t.Run("cases", func(t *testing.T) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := d.in(t)
				status, _, text := d.post(c.key, c.body, c.headers...)
				if status != c.status {
					t.Fatalf("status %d, want %d: %.300s", status, c.status, text)
				}
				var answer struct{ Code, Message string }
				if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Code != c.code || !strings.Contains(answer.Message, c.message) {
					t.Fatalf("%.500s does not say %s, %q (%v)", text, c.code, c.message, err)
				}
			})
		}
	})
	d.eventually("the refused reports in the audit log", `
		SELECT count(*) >= 20 AND bool_and(status = 'refused' AND detail <> '') FROM audit_logs WHERE site_id = $1`, site.id)
}

func TestAReportThatStopsHalfwayIsWorthSendingAgain(t *testing.T) {
	t.Parallel()
	d := newDoor(t, doorOptions{})
	site := d.site("a")
	for name, length := range map[string]int64{"of known length": 1000, "of unknown length": -1} {
		for _, contentType := range []string{"application/json", "application/proto"} {
			t.Run(name+" as "+contentType, func(t *testing.T) {
				t.Parallel()
				req := d.in(t).request(site.key.Reveal(), "", "Content-Type", contentType)
				req.Body, req.ContentLength = io.NopCloser(iotest.TimeoutReader(strings.NewReader(report()[:100]))), length
				w := httptest.NewRecorder()
				d.server.Config.Handler.ServeHTTP(w, req)
				if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "to its end") {
					t.Errorf("%d, Retry-After %q: %s", w.Code, w.Header().Get("Retry-After"), w.Body)
				}
			})
		}
	}
}

func newTestKey(t *testing.T) string {
	t.Helper()
	d := &door{t: t}
	return d.newKey()
}

func TestOddReportsAreTaken(t *testing.T) {
	t.Parallel()
	d := newDoor(t, doorOptions{})
	d.apply()
	versions := []string{"", "not a version", "9" + strings.Repeat("9", 120), "1.x-dev", "v1.0.0", "8.x-1.x", "'; DROP TABLE sites; --", "\u202e1.0", "<script>"}
	cases := map[string]string{
		"a body with unknown fields":     report(`"trigger"`, `"later": {"deep": [1, 2, {}]}, "trigger"`),
		"names in snake case":            report(`"reportId"`, `"report_id"`),
		"duplicate project names":        report(`"extensions": [`, `"extensions": [`+strings.Repeat(`{"name":"token","type":"module","enabled":true,"project":"token","version":"2.0.0","pathKind":"contrib"},`, 50)),
		"a clock in the year 9999":       report(`"collectedAt": "`+time.Now().UTC().Format("2006-01-02"), `"collectedAt": "9999-12-31`),
		"a clock in 1970":                report(`"collectedAt": "`+time.Now().UTC().Format("2006-01-02"), `"collectedAt": "1970-01-01`),
		"a project name like a path":     report(`"project": "token"`, `"project": "../../../etc/passwd"`),
		"a byte-order mark in the title": report(`"title": "Token"`, `"title": "\ufeff<b>"`),
	}
	for i, v := range versions {
		quoted, _ := json.Marshal(v)
		cases["version "+strconv.Itoa(i)] = report(`"version": "8.x-1.15"`, `"version": `+string(quoted))
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := d.in(t)
			site := d.site(name)
			if status, _, text := d.post(site.key.Reveal(), body); status != http.StatusOK {
				t.Fatalf("%d %s", status, text)
			}
			d.eventually("the report", "SELECT count(*) = 1 FROM audit_logs WHERE site_id = $1 AND status = 'applied'", site.id)
			d.eventually("its time", "SELECT collected_at BETWEEN now() - interval '1 hour' AND now() AND changed_at IS NOT NULL FROM site_states WHERE site_id = $1", site.id)
		})
	}
}

func TestGeneratedClientsSubmit(t *testing.T) {
	t.Parallel()
	d := newDoor(t, doorOptions{next: 90 * time.Second})
	d.apply()
	check := testCheck(t)
	cases := map[string][]connect.ClientOption{
		"Connect, binary":     nil,
		"Connect, JSON":       {connect.WithProtoJSON()},
		"Connect, gzip":       {connect.WithSendGzip()},
		"Connect, JSON, gzip": {connect.WithProtoJSON(), connect.WithSendGzip()},
		"gRPC":                {connect.WithGRPC()},
		"gRPC, gzip":          {connect.WithGRPC(), connect.WithSendGzip()},
		"gRPC-Web":            {connect.WithGRPCWeb()},
		"Connect, GET":        {connect.WithHTTPGet()},
	}
	for name, options := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := d.in(t)
			site := d.site(name)
			client := ingestv1connect.NewIngestServiceClient(d.server.Client(), d.server.URL, options...)
			ctx, info := connect.NewClientContext(t.Context())
			info.RequestHeader().Set("Authorization", "Bearer "+site.key.Reveal())

			found, err := client.CheckConnection(ctx, &ingestv1.CheckConnectionRequest{})
			if err != nil || found.GetSiteId() != site.uuid.String() || found.GetSiteName() != name || !found.GetServerTime().IsValid() {
				t.Fatalf("CheckConnection: %v, %v", found, err)
			}
			msg, err := check.decodeJSON([]byte(report()))
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.SubmitReport(ctx, msg)
			if err != nil {
				t.Fatal(err)
			}
			if res.GetReportId() != msg.GetReportId() || res.GetNextReportIn().AsDuration() != 90*time.Second || res.GetFullReportNeeded() {
				t.Errorf("answer: %v", res)
			}
			msg.Extensions[1].Name = ""
			msg.ReportId = uuid.NewString()
			_, err = client.SubmitReport(ctx, msg)
			var failed *connect.Error
			if connect.CodeOf(err) != connect.CodeInvalidArgument || !asConnect(err, &failed) || !strings.Contains(failed.Message(), "extensions[1].name: ") {
				t.Fatalf("a bad report: %v", err)
			}
			if len(failed.Details()) != 1 {
				t.Fatalf("details: %v", failed.Details())
			}
			value, err := failed.Details()[0].Value()
			if v, ok := value.(*validate.Violations); err != nil || !ok || len(v.GetViolations()) != 1 {
				t.Errorf("detail: %v, %v", value, err)
			}
			_, err = client.SubmitReport(context.WithoutCancel(t.Context()), msg)
			if connect.CodeOf(err) != connect.CodeUnauthenticated {
				t.Errorf("without a key: %v", err)
			}
			d.eventually("the report", "SELECT count(*) = 1 FROM audit_logs WHERE site_id = $1 AND status = 'applied'", site.id)
		})
	}
}

func TestRevokedKeyIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	d := newDoor(t, doorOptions{})
	a, b := d.site("a"), d.site("b")
	for name, site := range map[string]testSite{"key": a, "site": b} {
		if status, _, text := d.post(site.key.Reveal(), report()); status != http.StatusOK {
			t.Fatalf("%s: %d %s", name, status, text)
		}
	}
	for _, statement := range []string{
		fmt.Sprintf("UPDATE site_keys SET revoked_at = now() WHERE site_id = %d; SELECT pg_notify('site_keys', '%x')", a.id, a.key.Hash()),
		fmt.Sprintf("UPDATE sites SET deleted_at = now() WHERE id = %d; SELECT pg_notify('site_keys', 'site:%d')", b.id, b.id),
	} {
		if _, err := d.pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, site := range []testSite{a, b} {
		deadline := time.Now().Add(20 * time.Second)
		for {
			status, _, text := d.post(site.key.Reveal(), report())
			if status == http.StatusUnauthorized {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("still %d %s", status, text)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func TestTooManyReportsAreToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	d := newDoor(t, doorOptions{rate: ingest.Rate{Burst: 4, Count: 1, Per: time.Hour}})
	noisy, quiet := d.site("noisy"), d.site("quiet")
	refused := 0
	for range 12 {
		status, header, text := d.post(noisy.key.Reveal(), report())
		if status == http.StatusOK {
			continue
		}
		refused++
		after, err := strconv.Atoi(header.Get("Retry-After"))
		if status != http.StatusTooManyRequests || err != nil || after < 1 || after > 4*3600 || !strings.Contains(text, `"resource_exhausted"`) {
			t.Fatalf("%d, Retry-After %q: %s", status, header.Get("Retry-After"), text)
		}
	}
	// A burst of four, and what the process grants by itself: one in any case, four
	// more should Redis ever take too long to answer.
	if refused < 4 || refused > 7 {
		t.Errorf("%d of 12 refused, want 4 to 7", refused)
	}
	if status, _, text := d.post(quiet.key.Reveal(), report()); status != http.StatusOK {
		t.Errorf("a quiet site got %d %s", status, text)
	}
}

func TestWithoutRedisReportsGoThroughTheSpool(t *testing.T) {
	t.Parallel()
	server := testkit.RedisServer(t)
	d := newDoor(t, doorOptions{redis: server.Client()})
	site := d.site("a")
	faults := []struct {
		name       string
		break_, ok func()
	}{
		{"killed", server.Kill, server.Start},
		{"full", func() { server.LimitMemory(1) }, func() { server.LimitMemory(0) }},
		{"paused", server.Pause, server.Resume},
	}
	for i, fault := range faults {
		fault.break_()
		for range 3 {
			started := time.Now()
			status, header, text := d.post(site.key.Reveal(), report())
			if status != http.StatusOK && (status != http.StatusServiceUnavailable || header.Get("Retry-After") == "") {
				t.Fatalf("%s: %d %s", fault.name, status, text)
			}
			if status != http.StatusOK {
				t.Errorf("%s: %d although PostgreSQL is there: %s", fault.name, status, text)
			}
			if took := time.Since(started); took > 10*time.Second {
				t.Errorf("%s: answered after %s", fault.name, took)
			}
		}
		d.eventually("the spooled reports", "SELECT count(*) >= $1 FROM report_spool", 3*(i+1))
		fault.ok()
	}
	d.apply()
	d.eventually("all reports applied", "SELECT count(*) = 9 AND NOT EXISTS (SELECT FROM report_spool) FROM audit_logs WHERE site_id = $1", site.id)
}

func TestWithoutBothNothingPretends(t *testing.T) {
	t.Parallel()
	server := testkit.RedisServer(t)
	d := newDoor(t, doorOptions{redis: server.Client()})
	site := d.site("a")
	if status, _, text := d.post(site.key.Reveal(), report()); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	if _, err := d.pool.Exec(t.Context(), "ALTER TABLE report_spool RENAME TO elsewhere"); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	status, header, text := d.post(site.key.Reveal(), report())
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(text, `"unavailable"`) {
		t.Fatalf("%d %v %s", status, header, text)
	}
	if strings.Contains(text, "report_spool") {
		t.Errorf("the answer tells of the inside: %s", text)
	}
}
