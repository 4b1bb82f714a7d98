package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"

	authv1 "drumbeat/gen/go/drumbeat/auth/v1"
	"drumbeat/gen/go/drumbeat/auth/v1/authv1connect"
	ingestv1 "drumbeat/gen/go/drumbeat/ingest/v1"
	sitesv1 "drumbeat/gen/go/drumbeat/sites/v1"
	"drumbeat/gen/go/drumbeat/sites/v1/sitesv1connect"
	"drumbeat/server/sitekey"
)

const siteLock = `{"content-hash":"f92d567936d48b0f1f20e36ad05d7bad","packages":[
{"name":"drupal/core","type":"drupal-core","version":"10.3.1","source":{"type":"git","url":"https://github.com/drupal/core.git","reference":"37366e"}},
{"name":"drupal/token","type":"drupal-module","version":"1.4.0","source":{"type":"git","url":"https://git.drupalcode.org/project/token.git","reference":"8.x-1.4"},
 "extra":{"drupal":{"version":"8.x-1.4","datestamp":"1600000000","security-coverage":{"status":"covered"}}}},
{"name":"drupal/potion","type":"drupal-module","version":"dev-2.x","source":{"type":"git","url":"https://git.drupalcode.org/project/potion.git","reference":"0c2a"}},
{"name":"acme/shop","type":"drupal-custom-module","version":"1.0.0"}],
"packages-dev":[{"name":"drupal/devel","type":"drupal-module","version":"5.3.3","notification-url":"https://packages.drupal.org/8/downloads"}]}`

// reporting is one run of the command against a server that is made for it.
type reporting struct {
	t      *testing.T
	env    map[string]string
	waited []time.Duration
	notes  bytes.Buffer
	client *http.Client
	cancel bool // instead of waiting
}

var reportTime = time.Date(2026, 11, 18, 20, 15, 0, 0, time.UTC)

func (r *reporting) run(args ...string) (string, error) {
	if r.client == nil {
		r.client = reportClient()
	}
	cmd := reportCommand(reporter{
		env: func(name string) string { return r.env[name] },
		now: func() time.Time { return reportTime },
		sleep: func(_ context.Context, d time.Duration) error {
			r.waited = append(r.waited, d)
			if r.cancel {
				return context.Canceled
			}
			return nil
		},
		jitter: func() float64 { return 0 }, client: r.client, notes: &r.notes,
	})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(r.t.Context())
	return out.String(), err
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func siteKey(t *testing.T) string {
	t.Helper()
	key, err := sitekey.New()
	if err != nil {
		t.Fatal(err)
	}
	return key.Reveal()
}

func connectionString(server, site, key string) string {
	said, _ := json.Marshal(map[string]any{"v": 1, "url": server, "site": site, "key": key})
	return "drumbeat:" + base64.RawURLEncoding.EncodeToString(said)
}

func TestADryRunPrintsTheReportAndSendsNothing(t *testing.T) {
	t.Parallel()
	r := &reporting{t: t}
	out, err := r.run("--composer-lock", writeFile(t, siteLock), "--dry-run", "--include-dev", "--site-url", "https://www.example.org",
		"--site-name", "Shop", "--environment", "production", "--php-version", "8.3.1")
	if err != nil {
		t.Fatal(err)
	}
	var m ingestv1.SubmitReportRequest
	if err := protojson.Unmarshal([]byte(out), &m); err != nil {
		t.Fatal(err)
	}
	id, err := uuid.Parse(m.GetReportId())
	if err != nil || id.Version() != 7 {
		t.Errorf("id %s", m.GetReportId())
	}
	m.ReportId = ""
	const want = `{"collectedAt":"2026-11-18T20:15:00Z","trigger":"ci","agent":{"name":"drumbeat-cli","version":"development"},
		"site":{"url":"https://www.example.org","name":"Shop","environment":"production"},"platform":{"drupalVersion":"10.3.1","phpVersion":"8.3.1"},
		"extensions":[{"name":"system","type":"module","enabled":true,"version":"10.3.1","pathKind":"core","package":"Core"},
		{"name":"token","type":"module","enabled":true,"project":"token","version":"8.x-1.4","datestamp":"1600000000","pathKind":"contrib"},
		{"name":"potion","type":"module","enabled":true,"project":"potion","pathKind":"contrib"},
		{"name":"shop","type":"module","enabled":true,"version":"1.0.0","pathKind":"custom"},
		{"name":"devel","type":"module","enabled":true,"project":"devel","version":"5.3.3","pathKind":"contrib"}],
		"composerPackages":[{"name":"drupal/core","version":"10.3.1","reference":"37366e"},
		{"name":"drupal/token","version":"1.4.0","reference":"8.x-1.4","drupalVersion":"8.x-1.4","datestamp":"1600000000","securityCoverage":"covered"},
		{"name":"drupal/potion","version":"dev-2.x","reference":"0c2a"},{"name":"drupal/devel","version":"5.3.3"}]}`
	got, err := protojson.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := compact(t, string(got)), compact(t, want); a != b {
		t.Errorf("got  %s\nwant %s", a, b)
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWrongUseSendsNothingAndSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	asked := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("something was sent") }))
	t.Cleanup(asked.Close)
	key, lock := siteKey(t), writeFile(t, siteLock)
	const site = "018f4e4e-7a5b-7c3d-8e9f-0123456789ac"
	withKey := map[string]string{"DRUMBEAT_KEY": key}
	connected := func(text string) map[string]string { return map[string]string{"DRUMBEAT_CONNECTION": text} }
	cases := map[string]struct {
		env  map[string]string
		args []string
		says string
	}{
		"no lock":                            {withKey, []string{"--server", asked.URL}, "--composer-lock"},
		"a lock that is not there":           {withKey, []string{"--server", asked.URL, "--composer-lock", lock + "-missing"}, "no such file"},
		"a file that is no lock":             {withKey, []string{"--server", asked.URL, "--composer-lock", writeFile(t, "hello")}, "not a composer.lock"},
		"a lock without Drupal":              {withKey, []string{"--server", asked.URL, "--composer-lock", writeFile(t, `{"content-hash":"","packages":[]}`)}, "no Drupal"},
		"no server":                          {withKey, []string{"--composer-lock", lock}, "no server"},
		"no key":                             {nil, []string{"--server", asked.URL, "--composer-lock", lock}, "no key"},
		"a key with a typo":                  {map[string]string{"DRUMBEAT_KEY": key[:len(key)-2]}, []string{"--server", asked.URL, "--composer-lock", lock}, "not a site key"},
		"a file with no key":                 {withKey, []string{"--server", asked.URL, "--composer-lock", lock, "--key-file", writeFile(t, "")}, "--key-file"},
		"a server that is not encrypted":     {withKey, []string{"--server", "http://drumbeat.example.org", "--composer-lock", lock}, "https://"},
		"a server whose name only begins":    {withKey, []string{"--server", "http://localhost.example.org", "--composer-lock", lock}, "https://"},
		"a server with a password":           {withKey, []string{"--server", "https://a:b@drumbeat.example.org", "--composer-lock", lock}, "address"},
		"a server that is a file":            {withKey, []string{"--server", "file:///etc/passwd", "--composer-lock", lock}, "address"},
		"a site with a password":             {withKey, []string{"--server", asked.URL, "--composer-lock", lock, "--site-url", "https://a:b@example.org"}, "--site-url"},
		"a name that is too long":            {withKey, []string{"--server", asked.URL, "--composer-lock", lock, "--site-name", strings.Repeat("x", 256)}, "site.name"},
		"an output nobody knows":             {withKey, []string{"--server", asked.URL, "--composer-lock", lock, "--output", "xml"}, "--output"},
		"a flag nobody knows":                {withKey, []string{"--key", key}, "unknown flag: --key"},
		"an argument":                        {withKey, []string{"composer.lock"}, "composer.lock"},
		"a connection of another kind":       {connected("https://x"), []string{"--composer-lock", lock}, `begins with "drumbeat:"`},
		"half a connection":                  {connected(connectionString(asked.URL, site, key)[:80]), []string{"--composer-lock", lock}, "not complete"},
		"a connection with half a key":       {connected(connectionString(asked.URL, site, key[:30])), []string{"--composer-lock", lock}, "not complete"},
		"a connection of no site":            {connected(connectionString(asked.URL, "x", key)), []string{"--composer-lock", lock}, "not complete"},
		"a connection of another version":    {connected("drumbeat:" + base64.RawURLEncoding.EncodeToString([]byte(`{"v":2}`))), []string{"--composer-lock", lock}, "newer kind"},
		"a connection that is not encrypted": {connected(connectionString("http://drumbeat.example.org", site, key)), []string{"--composer-lock", lock}, "https://"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &reporting{t: t, env: tc.env}
			out, err := r.run(tc.args...)
			if exitCode(err) != exitUsage || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("exit %d: %v", exitCode(err), err)
			}
			if name != "a flag nobody knows" && strings.Contains(fmt.Sprint(err)+out, key[:len(key)-2]) {
				t.Errorf("the key is shown: %v", err)
			}
		})
	}
}

// script answers as it is told, one line a try, and keeps what it was sent.
type script struct {
	t       *testing.T
	answers []func(w http.ResponseWriter, id string)
	ids     []string
	bodies  []string
	headers []http.Header
	paths   []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	zip, err := gzip.NewReader(r.Body)
	if err != nil {
		s.t.Errorf("the body: %v", err)
		return
	}
	body, err := io.ReadAll(zip)
	var m ingestv1.SubmitReportRequest
	if err := errors.Join(err, protojson.Unmarshal(body, &m)); err != nil {
		s.t.Errorf("the body: %v", err)
	}
	s.ids, s.bodies = append(s.ids, m.GetReportId()), append(s.bodies, string(body))
	s.headers, s.paths = append(s.headers, r.Header.Clone()), append(s.paths, r.URL.Path)
	s.answers[min(len(s.ids), len(s.answers))-1](w, m.GetReportId())
}

func says(status int, body string, headers ...string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, id string) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "ID", id))
	}
}

func breaksOff(w http.ResponseWriter, _ string) { panic(http.ErrAbortHandler) }

func TestEveryAnswerHasItsMeaning(t *testing.T) {
	t.Parallel()
	accepted := says(200, `{"reportId":"ID","nextReportIn":"3600s"}`)
	const s = time.Second
	type answers = []func(http.ResponseWriter, string)
	cases := map[string]struct {
		answers answers
		exit    int
		tries   int
		waited  []time.Duration
		says    string
	}{
		"accepted":                             {answers{accepted}, 0, 1, nil, ""},
		"busy, then accepted":                  {answers{says(503, `{"code":"unavailable","message":"later"}`, "Retry-After", "7"), accepted}, 0, 2, []time.Duration{7 * s}, ""},
		"too many, until a date":               {answers{says(429, `{"code":"resource_exhausted"}`, "Retry-After", reportTime.Add(9*s).Format(http.TimeFormat)), accepted}, 0, 2, []time.Duration{9 * s}, ""},
		"cut off, then accepted":               {answers{breaksOff, accepted}, 0, 2, []time.Duration{2 * s}, ""},
		"a proxy's 502, then accepted":         {answers{says(502, "<html>"), accepted}, 0, 2, []time.Duration{2 * s}, ""},
		"busy for ever":                        {answers{says(503, "")}, exitUnreachable, 5, []time.Duration{2 * s, 4 * s, 8 * s, 16 * s}, "answered 503"},
		"busy for longer than a pipeline has":  {answers{says(503, "", "Retry-After", "3600")}, exitUnreachable, 1, nil, "wait for 1h0m0s"},
		"a wait that is no number":             {answers{says(503, "", "Retry-After", "soon"), accepted}, 0, 2, []time.Duration{2 * s}, ""},
		"a wait in the past":                   {answers{says(503, "", "Retry-After", "-5"), accepted}, 0, 2, []time.Duration{2 * s}, ""},
		"refused by the contract":              {answers{says(400, `{"code":"invalid_argument","message":"agent: is required"}`)}, exitRefused, 1, nil, "answered 400: agent: is required"},
		"a wrong key":                          {answers{says(401, `{"code":"unauthenticated","message":"The key is not known"}`)}, exitRefused, 1, nil, "answered 401: The key is not known"},
		"busy, then refused":                   {answers{says(503, ""), says(403, `{"code":"permission_denied","message":"another site"}`)}, exitRefused, 2, []time.Duration{2 * s}, "another site"},
		"too large for a proxy":                {answers{says(413, "<html>")}, exitRefused, 1, nil, "answered 413"},
		"a message that would move the cursor": {answers{says(400, `{"code":"x","message":"a\u001b[2Jb"}`)}, exitRefused, 1, nil, "answered 400: a"},
		"a firewall's 403":                     {answers{says(403, "<html>")}, exitUnreachable, 1, nil, "no Drumbeat server"},
		"a login page":                         {answers{says(200, "<html>")}, exitUnreachable, 1, nil, "no Drumbeat server"},
		"accepted, but another report":         {answers{says(200, `{"reportId":"018f4e4e-7a5b-7c3d-8e9f-0123456789ab"}`)}, exitUnreachable, 1, nil, "no Drumbeat server"},
		"sent on":                              {answers{says(302, "", "Location", "https://elsewhere.example.org/")}, exitUnreachable, 1, nil, "sends on to https://elsewhere.example.org/"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &script{t: t, answers: tc.answers}
			web := httptest.NewServer(server)
			t.Cleanup(web.Close)
			key := siteKey(t)
			r := &reporting{t: t, env: map[string]string{"DRUMBEAT_KEY": key}}
			out, err := r.run("--server", web.URL+"/behind/a/path/", "--composer-lock", writeFile(t, siteLock), "--output", "json")
			if exitCode(err) != tc.exit || !slices.Equal(r.waited, tc.waited) || len(server.ids) != tc.tries {
				t.Errorf("exit %d after %d tries and %v: %v", exitCode(err), len(server.ids), r.waited, err)
			}
			var result reportResult
			if err := json.Unmarshal([]byte(out), &result); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if result.Accepted != (tc.exit == 0) || result.Tries != tc.tries || !strings.Contains(result.Message, tc.says) || (result.Message == "") != result.Accepted {
				t.Errorf("got %+v", result)
			}
			if err != nil && err.Error() != result.Message || strings.ContainsRune(result.Message, 0x1b) {
				t.Errorf("error %q, message %q", err, result.Message)
			}
			for i := range server.ids {
				h := server.headers[i]
				if server.bodies[i] != server.bodies[0] || server.ids[i] != result.ReportID || h.Get("Authorization") != "Bearer "+key ||
					h.Get("Content-Type") != "application/json" || server.paths[i] != "/behind/a/path/drumbeat.ingest.v1.IngestService/SubmitReport" {
					t.Errorf("try %d: %s %v\n%s", i+1, server.paths[i], h, server.bodies[i])
				}
			}
			if strings.Contains(out+r.notes.String()+fmt.Sprint(err), key) {
				t.Error("the key is shown")
			}
		})
	}
}

func TestAServerThatIsNotThereIsUnreachable(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	r := &reporting{t: t, env: map[string]string{"DRUMBEAT_KEY": siteKey(t)}}
	out, err := r.run("--server", gone.URL, "--composer-lock", writeFile(t, siteLock))
	if exitCode(err) != exitUnreachable || len(r.waited) != 4 || out != "" || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("exit %d, %v: %v\n%s", exitCode(err), r.waited, err, out)
	}
	if strings.Count(r.notes.String(), "next try in") != 4 {
		t.Errorf("said %s", r.notes.String())
	}
	stopped := &reporting{t: t, env: r.env, cancel: true}
	if _, err := stopped.run("--server", gone.URL, "--composer-lock", writeFile(t, siteLock)); exitCode(err) != exitUnreachable || len(stopped.waited) != 1 {
		t.Errorf("stopped while waiting: %v, %v", stopped.waited, err)
	}
}

func TestAWrongCertificateIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("something was sent") }))
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	t.Cleanup(web.Close)
	r := &reporting{t: t, env: map[string]string{"DRUMBEAT_KEY": siteKey(t)}}
	if _, err := r.run("--server", web.URL, "--composer-lock", writeFile(t, siteLock)); exitCode(err) != exitUnreachable || r.waited != nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v: %v", r.waited, err)
	}
}

func TestTheKeyComesFromTheNearestPlace(t *testing.T) {
	t.Parallel()
	inFile, inEnv, inString := siteKey(t), siteKey(t), siteKey(t)
	const site = "018f4e4e-7a5b-7c3d-8e9f-0123456789ac"
	for name, tc := range map[string]struct {
		env, file bool
		want      string
	}{
		"a file before all":             {true, true, inFile},
		"the key before the connection": {true, false, inEnv},
		"the connection":                {false, false, inString},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &script{t: t, answers: []func(http.ResponseWriter, string){says(200, `{"reportId":"ID"}`)}}
			web := httptest.NewServer(server)
			t.Cleanup(web.Close)
			text := connectionString(web.URL, strings.ToUpper(site), inString)
			r := &reporting{t: t, env: map[string]string{"DRUMBEAT_CONNECTION": text[:40] + "\n " + text[40:] + "\n"}}
			if tc.env {
				r.env["DRUMBEAT_KEY"] = inEnv + "\n"
			}
			args := []string{"--composer-lock", writeFile(t, siteLock)}
			if tc.file {
				args = append(args, "--key-file", writeFile(t, inFile+"\n"))
			}
			out, err := r.run(args...)
			if err != nil || !strings.Contains(out, "Accepted by "+web.URL+": Drupal 10.3.1, 3 projects of drupal.org, 1 other extensions.") ||
				!strings.Contains(out, "drupal.org's version of potion") {
				t.Fatalf("%v\n%s", err, out)
			}
			if got := server.headers[0].Get("Authorization"); got != "Bearer "+tc.want {
				t.Error("another key")
			}
			if !strings.Contains(server.bodies[0], `"id": "`+site+`"`) {
				t.Errorf("the site is not named: %s", server.bodies[0])
			}
		})
	}
}

// TestALockBecomesVerdicts is the whole way by the binary alone: a server, a site,
// the report of its lock, and what the site's page shows then.
func TestALockBecomesVerdicts(t *testing.T) {
	t.Parallel()
	data, feeds := folder(t), folder(t)
	if err := os.WriteFile(filepath.Join(feeds, "token.xml"), []byte(tokenFeed), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, nil, "--data-dir", data, "--feeds", feeds)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	made, err := authv1connect.NewAuthServiceClient(browser, p.url).CompleteSetup(t.Context(), &authv1.CompleteSetupRequest{
		Token: p.setup, OrganizationName: "Acme", Name: "Ann", Email: "ann@example.org", Password: "a horse with no name",
	})
	if err != nil {
		t.Fatal(err)
	}
	fleet := sitesv1connect.NewSitesServiceClient(browser, p.url)
	site, err := fleet.CreateSite(t.Context(), &sitesv1.CreateSiteRequest{
		OrganizationId: made.GetUser().GetMemberships()[0].GetOrganizationId(), Name: "Shop", Url: "https://shop.example.org/",
	})
	if err != nil {
		t.Fatal(err)
	}
	id := site.GetSite().GetId()
	report := func(connection string, args ...string) (string, error) {
		path, err := binary()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, append([]string{"report", "--composer-lock", writeFile(t, siteLock)}, args...)...)
		cmd.Env = append(clean(), "DRUMBEAT_CONNECTION="+connection)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	out, err := report(connectionString(p.url, id, site.GetKey()), "--environment", "production")
	if err != nil || !strings.HasPrefix(out, "Accepted by "+p.url) {
		t.Fatalf("%v\n%s", err, out)
	}
	var modules *sitesv1.ListSiteModulesResponse
	until(t, "the verdict", func(ctx context.Context) (bool, error) {
		modules, err = fleet.ListSiteModules(ctx, &sitesv1.ListSiteModulesRequest{SiteId: id})
		return err == nil && slices.ContainsFunc(modules.GetModules(), func(m *sitesv1.SiteModule) bool {
			return m.GetModuleName() == "token" && m.GetStatus() == sitesv1.ModuleStatus_MODULE_STATUS_NOT_SECURE
		}), err
	})
	versions := map[string]string{}
	for _, m := range modules.GetModules() {
		versions[m.GetModuleName()] = m.GetCurrentVersion()
	}
	if len(versions) != 3 || versions["drupal"] != "10.3.1" || versions["token"] != "8.x-1.4" || versions["potion"] != "" {
		t.Errorf("projects: %v", versions)
	}
	if c := modules.GetCustomExtensions(); len(c) != 1 || c[0].GetName() != "shop" {
		t.Errorf("custom: %v", c)
	}

	// The key of another site, and one that is nobody's.
	out, err = report(connectionString(p.url, "018f4e4e-7a5b-7c3d-8e9f-0123456789ac", site.GetKey()))
	if codeOf(err) != exitRefused || !strings.Contains(out, "403") || !strings.Contains(out, "another site") {
		t.Errorf("another site: %v\n%s", err, out)
	}
	out, err = report(connectionString(p.url, id, siteKey(t)))
	if codeOf(err) != exitRefused || !strings.Contains(out, "401") {
		t.Errorf("a key of nobody: %v\n%s", err, out)
	}
	p.stop()
}
