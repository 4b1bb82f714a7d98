package rpc_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	authv1 "drumbeat/gen/go/drumbeat/auth/v1"
	orgsv1 "drumbeat/gen/go/drumbeat/orgs/v1"
	"drumbeat/server/orgs"
)

const goodPassword = "a horse with no name"

func first() orgs.FirstAdministrator {
	return orgs.FirstAdministrator{Organization: "Acme", Name: "Ann", Email: "ann@example.org", Password: goodPassword}
}

// withAdministrator makes the first administrator, whose password is goodPassword.
func withAdministrator(t *testing.T, w *world) {
	t.Helper()
	if made, err := w.orgs.CreateFirstAdministrator(t.Context(), first()); err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
}

// codeOf gives the code of an error, "" for none.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return connect.CodeOf(err).String()
}

// post sends JSON and gives the answer with its body.
func post(t *testing.T, w *world, procedure, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+procedure, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		r.Header[k] = v
		if k == "Host" {
			r.Host = v[0]
		}
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

const signIn = "/drumbeat.auth.v1.AuthService/SignIn"

func signInBody(email, password string) string {
	return fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)
}

func TestOneOfManySetupsWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	stale, err := w.orgs.NewSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.orgs.NewSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := w.client("")
	if s, err := c.auth.GetSetupState(t.Context(), &authv1.GetSetupStateRequest{}); err != nil || !s.GetSetupNeeded() {
		t.Fatalf("got %v, %v", s, err)
	}
	in := &authv1.CompleteSetupRequest{Token: stale, OrganizationName: "Acme", Name: "Ann", Email: "ann@example.org", Password: goodPassword}
	if _, err := c.auth.CompleteSetup(t.Context(), in); codeOf(err) != "permission_denied" {
		t.Fatalf("with an older link: %v", err)
	}
	codes := make(chan string, 50)
	var all sync.WaitGroup
	for i := range cap(codes) {
		all.Go(func() {
			_, err := w.client("").auth.CompleteSetup(t.Context(), &authv1.CompleteSetupRequest{
				Token: token, OrganizationName: "Acme", Name: "Ann", Email: fmt.Sprintf("ann%d@example.org", i), Password: goodPassword,
			})
			codes <- codeOf(err)
		})
	}
	all.Wait()
	close(codes)
	won := 0
	for code := range codes {
		switch code {
		case "":
			won++
		case "failed_precondition", "permission_denied":
		default:
			t.Errorf("a loser was told %s", code)
		}
	}
	var users, superusers, members int
	w.scan(`SELECT count(*), count(*) FILTER (WHERE is_superuser AND role = 'organization_admin') FROM users`, nil, &users, &superusers)
	w.scan(`SELECT count(*) FROM user_organizations uo JOIN roles r ON r.id = uo.role_id WHERE r.name = 'organization_admin'`, nil, &members)
	if won != 1 || users != 1 || superusers != 1 || members != 1 {
		t.Fatalf("%d won; %d users, %d of them superusers, %d members", won, users, superusers, members)
	}
	if again, err := w.orgs.NewSetupToken(t.Context()); err != nil || again != "" {
		t.Fatalf("another link was made: %q, %v", again, err)
	}
	if s, err := c.auth.GetSetupState(t.Context(), &authv1.GetSetupStateRequest{}); err != nil || s.GetSetupNeeded() {
		t.Fatalf("got %v, %v", s, err)
	}
}

func TestAWeakPasswordIsRefusedAndNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	token, err := w.orgs.NewSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"password", "Password123!", "12345678", "aaaaaaaaaa", "qwertyuiop", "ann@example.org", "Ann Archer", "annarcher99", "Drumbeat2026"} {
		_, err := w.client("").auth.CompleteSetup(t.Context(), &authv1.CompleteSetupRequest{
			Token: token, OrganizationName: "Acme", Name: "Ann Archer", Email: "ann@example.org", Password: password,
		})
		if codeOf(err) != "invalid_argument" || !strings.Contains(err.Error(), "password") {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestACookieIsMadeForItsConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	withAdministrator(t, w)
	distrusting := newWorld(t, worldOptions{})
	withAdministrator(t, distrusting)
	https := http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"203.0.113.7"}}
	for name, c := range map[string]struct {
		w      *world
		header http.Header
		secure bool
	}{
		"plain without TLS":                  {w, nil, false},
		"secure behind a trusted proxy":      {w, https, true},
		"plain when anybody says it was TLS": {distrusting, https, false},
		"plain when the proxy took it plain": {w, http.Header{"X-Forwarded-Proto": {"http"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, text := post(t, c.w, signIn, signInBody("Ann@Example.org", goodPassword), c.header)
			if res.StatusCode != http.StatusOK || len(res.Cookies()) != 1 {
				t.Fatalf("%d %s", res.StatusCode, text)
			}
			cookie := res.Cookies()[0]
			wantName := "drumbeat"
			if c.secure {
				wantName = "__Host-drumbeat"
			}
			if cookie.Name != wantName || cookie.Secure != c.secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode ||
				cookie.Path != "/" || cookie.Domain != "" || len(cookie.Value) < 43 {
				t.Errorf("got %s", cookie.Raw)
			}
			if hsts := res.Header.Get("Strict-Transport-Security") != ""; hsts != c.secure {
				t.Errorf("HSTS: %v", hsts)
			}
			var address string
			c.w.scan(`SELECT address FROM sessions ORDER BY id DESC LIMIT 1`, nil, &address)
			if _, err := netip.ParseAddr(address); err != nil {
				t.Errorf("address %q", address)
			}
		})
	}
}

func TestAPlantedCookieIsNeverAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	withAdministrator(t, w)
	planted := w.session(w.person("victim@example.org", false, w.own, "developer"))
	res, text := post(t, w, signIn, signInBody("ann@example.org", goodPassword), http.Header{"Cookie": {"drumbeat=" + planted}})
	if res.StatusCode != http.StatusOK || res.Cookies()[0].Value == planted {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	if _, err := w.client(planted).auth.GetCurrentUser(t.Context(), &authv1.GetCurrentUserRequest{}); codeOf(err) != "unauthenticated" {
		t.Fatalf("the session before lives on: %v", err)
	}
}

func TestAWrongPasswordAndAnUnknownAddressAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	withAdministrator(t, w)
	known, a := post(t, w, signIn, signInBody("ann@example.org", "wrong password"), nil)
	unknown, b := post(t, w, signIn, signInBody("bob@example.org", "wrong password"), nil)
	if known.StatusCode != http.StatusUnauthorized || unknown.StatusCode != known.StatusCode || a != b {
		t.Fatalf("%d %s, %d %s", known.StatusCode, a, unknown.StatusCode, b)
	}
}

func TestTriesToSignInAreBounded(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	from := func(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }

	t.Run("five for an account, wherever from", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, worldOptions{trusted: trusted})
		withAdministrator(t, w)
		for i := range 5 {
			if res, text := post(t, w, signIn, signInBody("ann@example.org", "wrong"), from(fmt.Sprintf("203.0.113.%d", i))); res.StatusCode != http.StatusUnauthorized {
				t.Fatalf("try %d: %s", i, text)
			}
		}
		res, text := post(t, w, signIn, signInBody("ANN@example.org", goodPassword), from("203.0.113.99"))
		if res.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("the sixth: %d %s", res.StatusCode, text)
		}
		// 15 minutes hold five tries, so that one is free again after three.
		wait, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil || wait < 100 || wait > 180 {
			t.Fatalf("Retry-After %q", res.Header.Get("Retry-After"))
		}
		if res, text := post(t, w, signIn, signInBody("bob@example.org", "wrong"), from("203.0.113.99")); res.StatusCode != http.StatusUnauthorized {
			t.Fatalf("another account: %s", text)
		}
	})
	t.Run("twenty from an address, whatever account", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, worldOptions{trusted: trusted})
		withAdministrator(t, w)
		refused := 0
		for i := range 22 {
			// One IPv6 network is one address.
			res, _ := post(t, w, signIn, signInBody(fmt.Sprintf("bob%d@example.org", i), "wrong"), from(fmt.Sprintf("2001:db8::%d", i)))
			if res.StatusCode == http.StatusTooManyRequests {
				refused++
			}
		}
		if refused != 2 {
			t.Fatalf("%d of 22 refused", refused)
		}
		if res, text := post(t, w, signIn, signInBody("ann@example.org", goodPassword), from("2001:db8:0:1::1")); res.StatusCode != http.StatusOK {
			t.Fatalf("from elsewhere: %s", text)
		}
	})
	t.Run("the right password clears the account", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, worldOptions{trusted: trusted})
		withAdministrator(t, w)
		for range 3 {
			for range 4 {
				if res, text := post(t, w, signIn, signInBody("ann@example.org", "wrong"), from("203.0.113.1")); res.StatusCode != http.StatusUnauthorized {
					t.Fatal(text)
				}
			}
			if res, text := post(t, w, signIn, signInBody("ann@example.org", goodPassword), from("203.0.113.1")); res.StatusCode != http.StatusOK {
				t.Fatal(text)
			}
		}
	})
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(t *testing.T, w *world, token string)
		live bool
	}{
		"never while it is used":         {func(_ *testing.T, w *world, _ string) { w.clock.Advance(11 * time.Hour) }, true},
		"when it is idle for half a day": {func(_ *testing.T, w *world, _ string) { w.clock.Advance(orgs.SessionIdle) }, false},
		"after 30 days, however used": {func(t *testing.T, w *world, token string) {
			for range 30 * 24 / 10 {
				w.clock.Advance(10 * time.Hour)
				_, _ = w.client(token).auth.GetCurrentUser(t.Context(), &authv1.GetCurrentUserRequest{})
			}
		}, false},
		"when it is signed out": {func(t *testing.T, w *world, token string) {
			if _, err := w.client(token).auth.SignOut(t.Context(), &authv1.SignOutRequest{}); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{})
			token := w.session(w.person("ann@example.org", false, w.own, "developer"))
			c.do(t, w, token)
			_, err := w.client(token).auth.GetCurrentUser(t.Context(), &authv1.GetCurrentUserRequest{})
			if live := err == nil; live != c.live || !live && codeOf(err) != "unauthenticated" {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestAUsedSessionIsWrittenDownOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	token := w.session(w.person("ann@example.org", false, w.own, "developer"))
	used := func() (at time.Time) {
		if _, err := w.client(token).auth.GetCurrentUser(t.Context(), &authv1.GetCurrentUserRequest{}); err != nil {
			t.Fatal(err)
		}
		w.scan(`SELECT last_used_at FROM sessions`, nil, &at)
		return at
	}
	start := used()
	w.clock.Advance(50 * time.Second)
	if at := used(); !at.Equal(start) {
		t.Errorf("written after 50 seconds")
	}
	w.clock.Advance(20 * time.Second)
	if at := used(); at.Sub(start) < time.Minute {
		t.Errorf("not written after 70 seconds: %v", at.Sub(start))
	}
}

func TestANewPasswordEndsAllOtherSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	withAdministrator(t, w)
	token := func(password string) string {
		res, text := post(t, w, signIn, signInBody("ann@example.org", password), nil)
		if res.StatusCode != http.StatusOK {
			t.Fatal(text)
		}
		return res.Cookies()[0].Value
	}
	here, elsewhere := token(goodPassword), token(goodPassword)
	change := func(current, next string) (*http.Response, string) {
		return post(t, w, "/drumbeat.auth.v1.AuthService/ChangePassword", fmt.Sprintf(`{"currentPassword":%q,"newPassword":%q}`, current, next),
			http.Header{"Cookie": {"drumbeat=" + here}})
	}
	if res, text := change("not this one", "another horse entirely"); res.StatusCode != http.StatusBadRequest || !strings.Contains(text, "current_password") {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	res, text := change(goodPassword, "another horse entirely")
	if res.StatusCode != http.StatusOK || len(res.Cookies()) != 1 {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	for name, c := range map[string]struct {
		token string
		live  bool
	}{"before": {here, false}, "elsewhere": {elsewhere, false}, "renewed": {res.Cookies()[0].Value, true}} {
		if _, err := w.client(c.token).auth.GetCurrentUser(t.Context(), &authv1.GetCurrentUserRequest{}); (err == nil) != c.live {
			t.Errorf("%s: %v", name, err)
		}
	}
	if res, _ := post(t, w, signIn, signInBody("ann@example.org", goodPassword), nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old password: %d", res.StatusCode)
	}
	token("another horse entirely")
}

func TestRequestsOfOtherWebSitesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	token := w.session(w.person("ann@example.org", false, w.own, "organization_admin"))
	update := fmt.Sprintf(`{"organizationId":%q,"taxId":"1","updateMask":"taxId"}`, w.own.uuid)
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"without an origin, as tools send":  {nil, http.StatusOK},
		"from our own page":                 {http.Header{"Origin": {w.url}, "Sec-Fetch-Site": {"same-origin"}}, http.StatusOK},
		"from another site":                 {http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden},
		"from another site's fetch":         {http.Header{"Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
		"from a neighbour of our domain":    {http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://x.example.org"}}, http.StatusForbidden},
		"from a page without an origin":     {http.Header{"Origin": {"null"}}, http.StatusForbidden},
		"as a form":                         {http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, http.StatusUnsupportedMediaType},
		"as text, which needs no preflight": {http.Header{"Content-Type": {"text/plain"}}, http.StatusUnsupportedMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{"Cookie": {"drumbeat=" + token}}
			for k, v := range c.header {
				header[k] = v
			}
			res, text := post(t, w, "/drumbeat.orgs.v1.OrgsService/UpdateOrganization", update, header)
			if res.StatusCode != c.status {
				t.Fatalf("%d %s", res.StatusCode, text)
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("CORS for %q", got)
			}
		})
	}
	t.Run("a write by GET", func(t *testing.T) {
		t.Parallel()
		res, err := http.Get(w.url + "/drumbeat.orgs.v1.OrgsService/UpdateOrganization?encoding=json&message=%7B%7D")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			t.Fatal("it was served")
		}
	})
}

func TestABadRequestNamesItsField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	token := w.session(w.person("ann@example.org", false, w.own, "organization_admin"))
	cookie := http.Header{"Cookie": {"drumbeat=" + token}}
	for name, c := range map[string]struct{ method, body, want string }{
		"no UUID":                    {"sites.v1.SitesService/ListSites", `{"organizationId":"1"}`, "organization_id"},
		"an unknown order":           {"sites.v1.SitesService/ListSites", fmt.Sprintf(`{"organizationId":%q,"orderBy":"name; drop table"}`, w.own.uuid), "order_by"},
		"a page token of nowhere":    {"sites.v1.SitesService/ListSites", fmt.Sprintf(`{"organizationId":%q,"pageToken":"x"}`, w.own.uuid), "page_token"},
		"a page beyond bounds":       {"sites.v1.SitesService/ListSites", fmt.Sprintf(`{"organizationId":%q,"pageSize":201}`, w.own.uuid), "page_size"},
		"NUL in a search":            {"sites.v1.SitesService/ListSites", fmt.Sprintf(`{"organizationId":%q,"search":"a\u0000"}`, w.own.uuid), "search"},
		"NUL in a list":              {"notifications.v1.NotificationsService/UpdatePreferences", `{"preferences":{"security":1,"other":1,"emails":["a\u0000@example.org"]}}`, "preferences.emails[0]"},
		"a name that turns the text": {"sites.v1.SitesService/CreateSite", fmt.Sprintf(`{"organizationId":%q,"name":"a\u202eb","url":"https://x.example"}`, w.own.uuid), "name"},
		"an address with a password": {"sites.v1.SitesService/CreateSite", fmt.Sprintf(`{"organizationId":%q,"name":"a","url":"https://u:p@x.example"}`, w.own.uuid), "url"},
		"a mask of nothing known":    {"orgs.v1.OrgsService/UpdateOrganization", fmt.Sprintf(`{"organizationId":%q,"updateMask":"createdBy"}`, w.own.uuid), "update_mask"},
		"a field nobody knows":       {"orgs.v1.OrgsService/GetOrganization", fmt.Sprintf(`{"organizationId":%q,"role":"admin"}`, w.own.uuid), "role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, text := post(t, w, "/drumbeat."+c.method, c.body, cookie)
			if name == "a field nobody knows" {
				// Connect ignores it, so that old servers serve new clients; it must do nothing.
				if res.StatusCode != http.StatusOK {
					t.Fatalf("%d %s", res.StatusCode, text)
				}
				return
			}
			if res.StatusCode != http.StatusBadRequest || !strings.Contains(text, c.want) {
				t.Fatalf("%d %s", res.StatusCode, text)
			}
		})
	}
}

func TestWhatNobodyAsksForIsNotServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	for path, want := range map[string]int{
		"/drumbeat.sites.v1.SitesService/Nothing": http.StatusNotFound,
		"/drumbeat.nothing.v1.Service/Do":         http.StatusNotFound,
		"/sites":                                  http.StatusOK, // a page
	} {
		res, _ := post(t, w, path, "{}", nil)
		if res.StatusCode != want {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	res, text := post(t, w, signIn, `{"email":"`+strings.Repeat("x", 300<<10)+`"}`, nil)
	if res.StatusCode == http.StatusOK {
		t.Errorf("a body of 300 KiB: %s", text)
	}
}

// TestNoSecretIsLogged looks for what was secret in all that was said at debug level.
func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return said.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	w := newWorld(t, worldOptions{log: log})
	withAdministrator(t, w)
	secrets := []string{goodPassword, "wrong-and-secret"}
	post(t, w, signIn, signInBody("ann@example.org", "wrong-and-secret"), nil)
	res, _ := post(t, w, signIn, signInBody("ann@example.org", goodPassword), nil)
	token := res.Cookies()[0].Value
	secrets = append(secrets, token)
	user, err := w.client(token).auth.GetCurrentUser(t.Context(), &authv1.GetCurrentUserRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, text := post(t, w, "/drumbeat.sites.v1.SitesService/CreateSite",
		fmt.Sprintf(`{"organizationId":%q,"name":"x","url":"https://x.example"}`, user.GetUser().GetMemberships()[0].GetOrganizationId()), http.Header{"Cookie": {"drumbeat=" + token}})
	i := strings.Index(text, "dbt_site_")
	if i < 0 {
		t.Fatal(text)
	}
	secrets = append(secrets, text[i:i+40])
	// An error of the database, whose cause is logged.
	w.exec(`ALTER TABLE users RENAME TO people`)
	if res, text := post(t, w, signIn, signInBody("ann@example.org", goodPassword), nil); res.StatusCode != http.StatusInternalServerError ||
		strings.Contains(text, "users") || strings.Contains(text, "SQLSTATE") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, s := range secrets {
		if strings.Contains(said.String(), s) {
			t.Errorf("the log holds %q", s)
		}
	}
	if !strings.Contains(said.String(), "error_id=") {
		t.Error("the cause was not logged")
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestARoleIsWorthWhatItIsNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	id := w.person("ann@example.org", false, w.own, "organization_admin")
	c := w.client(w.session(id))
	update := func() string {
		_, err := c.orgs.UpdateOrganization(t.Context(), renaming(w))
		return codeOf(err)
	}
	if got := update(); got != "" {
		t.Fatal(got)
	}
	w.exec(`UPDATE user_organizations SET role_id = (SELECT id FROM roles WHERE name = 'developer') WHERE user_id = $1`, id)
	if got := update(); got != "permission_denied" {
		t.Errorf("as a developer: %s", got)
	}
	w.exec(`DELETE FROM user_organizations WHERE user_id = $1`, id)
	if got := update(); got != "not_found" {
		t.Errorf("as no member: %s", got)
	}
	w.exec(`UPDATE users SET is_active = false WHERE id = $1`, id)
	if got := update(); got != "unauthenticated" {
		t.Errorf("as nobody: %s", got)
	}
}

func renaming(w *world) *orgsv1.UpdateOrganizationRequest {
	return &orgsv1.UpdateOrganizationRequest{
		OrganizationId: w.own.uuid.String(), Name: "Renamed", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}},
	}
}
