package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	authv1 "drumbeat/gen/go/drumbeat/auth/v1"
	"drumbeat/gen/go/drumbeat/auth/v1/authv1connect"
	sitesv1 "drumbeat/gen/go/drumbeat/sites/v1"
	"drumbeat/gen/go/drumbeat/sites/v1/sitesv1connect"
	"drumbeat/server/platform/testkit"
)

// patience bounds what has to happen; nothing is timed.
const patience = 2 * time.Minute

// binary is built once for all tests of this file.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := testkit.TempDir()
	if err != nil {
		return "", err
	}
	builtIn.Store(dir)
	path := filepath.Join(dir, "drumbeat")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the binary: %w\n%s", err, out)
	}
	return path, nil
})

// builtIn is the folder of the binary, once there is one.
var builtIn atomic.Value

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, ok := builtIn.Load().(string); ok {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// folder is one that the built-in servers can use, also when the tests run as root.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := testkit.TempDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// process is a running binary.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	setup  string // token; empty when there is none
	out    lines
	waited chan error
}

// lines collects what a process says.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// clean is the environment without what would change the binary's defaults.
func clean() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DRUMBEAT_") && !strings.HasPrefix(v, "DATABASE_URL=") && !strings.HasPrefix(v, "REDIS_URL=") {
			env = append(env, v)
		}
	}
	return env
}

var (
	openLine  = regexp.MustCompile(`Open +(http://\S+)`)
	setupLine = regexp.MustCompile(`/setup#token=(\S+)`)
)

// start runs "drumbeat serve" and waits until it is ready.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, waited: make(chan error, 1)}
	p.cmd = exec.Command(path, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	p.cmd.Env = append(clean(), env...)
	p.cmd.Stderr = &p.out
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Log(p.out.String())
		}
	})
	banner := make(chan struct{})
	go func() {
		sc := bufio.NewScanner(stdout)
		for sc.Scan() {
			fmt.Fprintln(&p.out, sc.Text())
			if m := openLine.FindStringSubmatch(sc.Text()); m != nil {
				p.url = m[1]
			}
			if m := setupLine.FindStringSubmatch(sc.Text()); m != nil {
				p.setup = m[1]
			}
			if strings.HasPrefix(sc.Text(), "Stop with") {
				close(banner)
			}
		}
		p.waited <- p.cmd.Wait()
	}()
	select {
	case <-banner:
	case err := <-p.waited:
		t.Fatalf("it ended: %v\n%s", err, p.out.String())
	case <-time.After(patience):
		t.Fatalf("it did not start\n%s", p.out.String())
	}
	res, err := http.Get(p.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		t.Fatalf("not ready: %s", body)
	}
	return p
}

// stop sends a SIGTERM and expects a clean end.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.waited:
		if err != nil {
			p.t.Fatalf("it ended with %v\n%s", err, p.out.String())
		}
	case <-time.After(patience):
		p.t.Fatalf("it did not stop\n%s", p.out.String())
	}
}

// until tries do until it is content.
func until(t *testing.T, what string, do func(ctx context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := do(ctx)
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: never; the last error was %v", what, err)
		}
	}
}

const tokenFeed = `<?xml version="1.0" encoding="utf-8"?>
<project xmlns:dc="http://purl.org/dc/elements/1.1/">
<title>Token</title><short_name>token</short_name><type>project_module</type><supported_branches>8.x-1.</supported_branches>
<project_status>published</project_status><link>https://www.drupal.org/project/token</link>
<releases>
<release><name>token 8.x-1.5</name><version>8.x-1.5</version><status>published</status><release_link>https://www.drupal.org/project/token/releases/8.x-1.5</release_link><download_link>https://ftp.drupal.org/files/projects/token-8.x-1.5.tar.gz</download_link><date>1700000000</date><core_compatibility>^10</core_compatibility>
<terms><term><name>Release type</name><value>Security update</value></term></terms></release>
<release><name>token 8.x-1.4</name><version>8.x-1.4</version><status>published</status><release_link>https://www.drupal.org/project/token/releases/8.x-1.4</release_link><download_link>https://ftp.drupal.org/files/projects/token-8.x-1.4.tar.gz</download_link><date>1600000000</date><core_compatibility>^10</core_compatibility>
<terms><term><name>Release type</name><value>Insecure</value></term></terms></release>
</releases></project>`

// TestFromNothingToAVerdict is the product's main job by the binary alone: an
// empty folder, a first administrator, a site, its report as the curl line
// sends it, the verdict, and all of it again after a restart.
func TestFromNothingToAVerdict(t *testing.T) {
	t.Parallel()
	data, feeds := folder(t), folder(t)
	if err := os.WriteFile(filepath.Join(feeds, "token.xml"), []byte(tokenFeed), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"--data-dir", data, "--feeds", feeds}
	p := start(t, nil, args...)
	if p.setup == "" {
		t.Fatalf("no set-up link\n%s", p.out.String())
	}

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	auth := authv1connect.NewAuthServiceClient(browser, p.url)
	made, err := auth.CompleteSetup(t.Context(), &authv1.CompleteSetupRequest{
		Token: p.setup, OrganizationName: "Acme", Name: "Ann", Email: "ann@example.org", Password: "a horse with no name",
	})
	if err != nil {
		t.Fatal(err)
	}
	organization := made.GetUser().GetMemberships()[0].GetOrganizationId()
	fleet := sitesv1connect.NewSitesServiceClient(browser, p.url)
	site, err := fleet.CreateSite(t.Context(), &sitesv1.CreateSiteRequest{OrganizationId: organization, Name: "Shop", Url: "https://shop.example.org/"})
	if err != nil {
		t.Fatal(err)
	}

	report := fmt.Sprintf(`{"reportId":"0195a000-0000-7000-8000-000000000001","collectedAt":%q,"trigger":"manual",
		"agent":{"name":"curl"},"site":{"url":"https://shop.example.org"},"platform":{"drupalVersion":"10.3.1","phpVersion":"8.3.1"},
		"extensions":[{"name":"token","type":"module","enabled":true,"project":"token","version":"8.x-1.4"},
		{"name":"shop_custom","type":"module","enabled":true}]}`, time.Now().UTC().Format(time.RFC3339))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/drumbeat.ingest.v1.IngestService/SubmitReport", strings.NewReader(report))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+site.GetKey())
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("the report: %d %s", res.StatusCode, body)
	}

	judged := func(fleet sitesv1connect.SitesServiceClient) {
		t.Helper()
		until(t, "the verdict", func(ctx context.Context) (bool, error) {
			list, err := fleet.ListSites(ctx, &sitesv1.ListSitesRequest{OrganizationId: organization})
			if err != nil || len(list.GetSites()) != 1 {
				return false, err
			}
			return list.GetSites()[0].GetSecurityUpdateCount() == 1, nil
		})
		modules, err := fleet.ListSiteModules(t.Context(), &sitesv1.ListSiteModulesRequest{SiteId: site.GetSite().GetId()})
		if err != nil {
			t.Fatal(err)
		}
		if len(modules.GetModules()) == 0 || len(modules.GetCustomExtensions()) != 1 || modules.GetCustomExtensions()[0].GetName() != "shop_custom" {
			t.Fatalf("got %v", modules)
		}
		m := modules.GetModules()[0]
		if m.GetModuleName() != "token" || m.GetTitle() != "Token" || m.GetStatus() != sitesv1.ModuleStatus_MODULE_STATUS_NOT_SECURE ||
			m.GetList() != sitesv1.ModuleList_MODULE_LIST_SECURITY || m.GetCurrentVersion() != "8.x-1.4" || m.GetRecommendedVersion() != "8.x-1.5" ||
			m.GetRecommendedLink() != "https://www.drupal.org/project/token/releases/8.x-1.5" || m.GetExplanation() == "" || len(m.GetExtensions()) != 1 {
			t.Fatalf("got %v", m)
		}
	}
	judged(fleet)
	if _, err := fleet.UpdateSite(t.Context(), &sitesv1.UpdateSiteRequest{
		SiteId: site.GetSite().GetId(), Name: "Our shop", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}},
	}); err != nil {
		t.Fatal(err)
	}

	// The tools work beside a running server, and see its data.
	if out, err := tool(t, "doctor", "--data-dir", data, "--feeds", feeds, "--output", "json"); err == nil {
		t.Errorf("doctor found nothing although the folder has no release history of core:\n%s", out)
	} else {
		var report struct{ Checks []check }
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, c := range report.Checks {
			if c.OK == (c.Name == "feeds") {
				t.Errorf("doctor on %s: %v %s", c.Name, c.OK, c.Detail)
			}
		}
	}

	// A page that is open when the server stops does not hold it up.
	open, err := fleet.WatchSites(t.Context(), &sitesv1.WatchSitesRequest{OrganizationId: organization})
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if !open.Receive() {
		t.Fatalf("the stream did not open: %v", open.Err())
	}
	p.stop()
	for open.Receive() {
	}
	if code := connect.CodeOf(open.Err()); code != connect.CodeUnavailable {
		t.Errorf("the open page was told %v", open.Err())
	}
	if strings.Contains(p.out.String(), "cut off") {
		t.Errorf("not everything ended in time\n%s", p.out.String())
	}

	again := start(t, nil, args...)
	if again.setup != "" {
		t.Error("a set-up link although there is an administrator")
	}
	fleet = sitesv1connect.NewSitesServiceClient(browser, again.url)
	judged(fleet)
	got, err := fleet.GetSite(t.Context(), &sitesv1.GetSiteRequest{SiteId: site.GetSite().GetId()})
	if err != nil || got.GetSite().GetName() != "Our shop" || got.GetSite().GetUrl() != "https://shop.example.org" {
		t.Fatalf("after the restart: %v, %v", got, err)
	}

	// A second server on the same folder, or on the same port, says what is wrong.
	out, err := tool(t, "serve", "--listen", "127.0.0.1:0", "--data-dir", data)
	if code := codeOf(err); code != 1 || !strings.Contains(out, data) {
		t.Errorf("the same folder: exit %d\n%s", code, out)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(again.url, "http://"))
	out, err = tool(t, "serve", "--listen", "127.0.0.1:"+port, "--data-dir", folder(t))
	if code := codeOf(err); code != 1 || !strings.Contains(out, "port "+port) {
		t.Errorf("the same port: exit %d\n%s", code, out)
	}
	again.stop()
	if _, err := os.Stat(filepath.Join(data, runningFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file with the passwords stays: %v", err)
	}
}

// tool runs the binary to its end.
func tool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = clean()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	return string(out) + stderrOf(args, &stderr), err
}

// stderrOf leaves out what would make JSON unreadable.
func stderrOf(args []string, stderr *bytes.Buffer) string {
	if strings.Contains(strings.Join(args, " "), "--output json") {
		return ""
	}
	return stderr.String()
}

func codeOf(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// onePortSpeaksEveryProtocol asks the same over Connect, gRPC and gRPC-Web.
func onePortSpeaksEveryProtocol(t *testing.T, url string) {
	t.Helper()
	var h2c http.Protocols
	h2c.SetUnencryptedHTTP2(true)
	overHTTP2 := &http.Client{Transport: &http.Transport{Protocols: &h2c}}
	for name, c := range map[string]authv1connect.AuthServiceClient{
		"Connect":          authv1connect.NewAuthServiceClient(http.DefaultClient, url),
		"Connect by GET":   authv1connect.NewAuthServiceClient(http.DefaultClient, url, connect.WithHTTPGet()),
		"Connect in JSON":  authv1connect.NewAuthServiceClient(http.DefaultClient, url, connect.WithProtoJSON()),
		"Connect on HTTP2": authv1connect.NewAuthServiceClient(overHTTP2, url),
		"gRPC":             authv1connect.NewAuthServiceClient(overHTTP2, url, connect.WithGRPC()),
		"gRPC-Web":         authv1connect.NewAuthServiceClient(http.DefaultClient, url, connect.WithGRPCWeb()),
	} {
		if res, err := c.GetSetupState(t.Context(), &authv1.GetSetupStateRequest{}); err != nil || res.GetSetupNeeded() {
			t.Errorf("%s: %v, %v", name, res, err)
		}
	}
	stream := grpcreflect.NewClient(overHTTP2, url, connect.WithGRPC()).NewStream(t.Context())
	names, err := stream.ListServices()
	if err != nil || !slices.Contains(names, "drumbeat.sites.v1.SitesService") {
		t.Errorf("reflection: %v, %v", names, err)
	}
	if _, err := stream.Close(); err != nil {
		t.Errorf("close the reflection stream: %v", err)
	}
}

func TestAnAdministratorFromTheEnvironmentCanSignIn(t *testing.T) {
	t.Parallel()
	data := folder(t)
	env := []string{
		"DRUMBEAT_ADMIN_EMAIL=ops@example.org", "DRUMBEAT_ADMIN_PASSWORD=unattended and long",
		"DRUMBEAT_ORGANIZATION=Ops", "DRUMBEAT_DATA_DIR=" + data, "DRUMBEAT_FEEDS=" + folder(t),
	}
	p := start(t, env)
	if p.setup != "" {
		t.Error("a set-up link although there is an administrator")
	}
	res, err := authv1connect.NewAuthServiceClient(http.DefaultClient, p.url).SignIn(t.Context(), &authv1.SignInRequest{Email: "ops@example.org", Password: "unattended and long"})
	if err != nil || !res.GetUser().GetIsSuperuser() || res.GetUser().GetMemberships()[0].GetOrganizationName() != "Ops" {
		t.Fatalf("got %v, %v", res, err)
	}
	onePortSpeaksEveryProtocol(t, p.url)
	p.stop()
}

func TestServeSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := filepath.Join(folder(t), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a role nobody knows":             {[]string{"--roles", "apu"}, `no role "apu"`},
		"an address that is none":         {[]string{"--listen", "8080"}, "host:port"},
		"a proxy that is none":            {[]string{"--trusted-proxies", "proxy"}, "trusted proxy"},
		"a public URL that is none":       {[]string{"--public-url", "drumbeat.example.org"}, "public URL"},
		"a log format nobody knows":       {[]string{"--log-format", "xml"}, "log format"},
		"a data folder that is a file":    {[]string{"--data-dir", file, "--listen", "127.0.0.1:0"}, file},
		"a feed folder that is not there": {[]string{"--feeds", file + "-missing"}, "feed"},
		"a database that is no address":   {[]string{"--listen", "127.0.0.1:0", "--database-url", "nonsense://", "--redis-url", "redis://127.0.0.1:1"}, "PostgreSQL address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := tool(t, append([]string{"serve"}, c.args...)...)
			if code := codeOf(err); code != 1 || !strings.Contains(out, c.want) {
				t.Fatalf("exit %d\n%s", code, out)
			}
		})
	}
}

func TestToolsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	empty := folder(t)
	if err := os.WriteFile(filepath.Join(empty, "running.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"doctor"}, {"feeds", "status"}, {"feeds", "sync", "--all"}, {"feeds", "show", "token"}, {"deadletters", "list"}, {"deadletters", "replay", "--all"},
	} {
		t.Run(strings.Join(args, " ")+" in a folder without a database", func(t *testing.T) {
			t.Parallel()
			out, err := tool(t, append(args, "--data-dir", empty)...)
			if codeOf(err) != 1 || !strings.Contains(out, "no database in the data folder "+empty) {
				t.Fatalf("exit %d\n%s", codeOf(err), out)
			}
			if _, err := os.Stat(filepath.Join(empty, "postgres")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a database was made: %v", err)
			}
		})
	}
	t.Run("a database without tables", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		pg, err := testkit.StartPostgres(t.Context(), filepath.Join(dir, "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer pg.Stop()
		out, err := tool(t, "feeds", "status", "--database-url", pg.URL)
		if codeOf(err) != 1 || !strings.Contains(out, "drumbeat migrate") {
			t.Errorf("exit %d\n%s", codeOf(err), out)
		}
		out, err = tool(t, "doctor", "--database-url", pg.URL, "--redis-url", "redis://127.0.0.1:1", "--feeds", empty)
		if codeOf(err) != 1 || !strings.Contains(out, "BAD  redis") || strings.Contains(out, "pool.go") {
			t.Errorf("exit %d, a Redis that is not there\n%s", codeOf(err), out)
		}
	})
}
