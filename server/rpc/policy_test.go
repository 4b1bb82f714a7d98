package rpc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	policyv1 "drumbeat/gen/go/drumbeat/policy/v1"
	"drumbeat/server/orgs"
	"drumbeat/server/rpc"
)

func TestEveryMethodOfEveryContractHasAPolicy(t *testing.T) {
	t.Parallel()
	policies, err := rpc.ReadPolicies(rpc.Services()...)
	if err != nil {
		t.Fatal(err)
	}
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(f.Package()), "drumbeat.") {
			return true
		}
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				m := f.Services().Get(i).Methods().Get(j)
				if _, ok := policies[fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name())]; !ok {
					t.Errorf("%s is no service that is known", m.FullName())
				}
			}
		}
		return true
	})
}

func TestAPolicyThatCannotBeEnforcedIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy *policyv1.Policy
		want   string
	}{
		"none at all":                 {nil, "has no policy"},
		"an empty one":                {&policyv1.Policy{}, "opens it to nobody"},
		"an access nobody knows":      {&policyv1.Policy{Access: 99}, "opens it to nobody"},
		"an organisation not named":   {&policyv1.Policy{Access: policyv1.Access_ACCESS_ORGANIZATION, Role: policyv1.Role_ROLE_USER}, "organization_id"},
		"a site without a role":       {&policyv1.Policy{Access: policyv1.Access_ACCESS_SITE}, "names no role"},
		"a role that nobody asks for": {&policyv1.Policy{Access: policyv1.Access_ACCESS_SIGNED_IN, Role: policyv1.Role_ROLE_USER}, "does not use"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := &descriptorpb.MethodOptions{}
			if c.policy != nil {
				proto.SetExtension(options, policyv1.E_Policy, c.policy)
			}
			file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
				Name: proto.String("test.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
				MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Request"), Field: []*descriptorpb.FieldDescriptorProto{{
					Name: proto.String("site_id"), Number: proto.Int32(1), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
				}}}},
				Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Service"), Method: []*descriptorpb.MethodDescriptorProto{{
					Name: proto.String("Do"), InputType: proto.String(".test.Request"), OutputType: proto.String(".test.Request"), Options: options,
				}}}},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := rpc.ReadPolicies(file.Services().Get(0)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// samples are valid requests of every method, but for the field that names the
// organisation or site. A method without one fails the test below.
var samples = map[protoreflect.FullName]string{
	"drumbeat.auth.v1.AuthService.GetSetupState":                       `{}`,
	"drumbeat.auth.v1.AuthService.CompleteSetup":                       `{"token":"x","organizationName":"x","name":"x","email":"x@example.org","password":"a long password"}`,
	"drumbeat.auth.v1.AuthService.SignIn":                              `{"email":"nobody@example.org","password":"wrong"}`,
	"drumbeat.auth.v1.AuthService.SignOut":                             `{}`,
	"drumbeat.auth.v1.AuthService.GetCurrentUser":                      `{}`,
	"drumbeat.auth.v1.AuthService.ChangePassword":                      `{"currentPassword":"x","newPassword":"12345678"}`,
	"drumbeat.ingest.v1.IngestService.SubmitReport":                    `{}`,
	"drumbeat.ingest.v1.IngestService.CheckConnection":                 `{}`,
	"drumbeat.notifications.v1.NotificationsService.GetPreferences":    `{}`,
	"drumbeat.notifications.v1.NotificationsService.UpdatePreferences": `{"preferences":{"security":"FREQUENCY_DAILY","other":"FREQUENCY_OFF"}}`,
	"drumbeat.orgs.v1.OrgsService.GetOrganization":                     `{}`,
	"drumbeat.orgs.v1.OrgsService.UpdateOrganization":                  `{"taxId":"1","updateMask":"taxId"}`,
	"drumbeat.orgs.v1.OrgsService.ListMembers":                         `{}`,
	"drumbeat.reports.v1.ReportsService.ListPatchRuns":                 `{}`,
	"drumbeat.sites.v1.SitesService.ListSites":                         `{}`,
	"drumbeat.sites.v1.SitesService.GetFleetSummary":                   `{}`,
	"drumbeat.sites.v1.SitesService.GetSite":                           `{}`,
	"drumbeat.sites.v1.SitesService.CreateSite":                        `{"name":"new","url":"https://new.example.org"}`,
	"drumbeat.sites.v1.SitesService.UpdateSite":                        `{"environment":"live","updateMask":"environment"}`,
	"drumbeat.sites.v1.SitesService.DeleteSite":                        `{}`,
	"drumbeat.sites.v1.SitesService.ListSiteModules":                   `{}`,
	"drumbeat.releases.v1.ReleasesService.ListFeeds":                   `{}`,
	"drumbeat.releases.v1.ReleasesService.CheckFeed":                   `{"moduleName":"no_such_project"}`,
	"drumbeat.releases.v1.ReleasesService.ListOverrides":               `{}`,
	"drumbeat.releases.v1.ReleasesService.SetOverride":                 `{"moduleName":"no_such_project","versions":"1.0.0","status":"MODULE_STATUS_CURRENT","note":"n","reason":"r"}`,
	"drumbeat.releases.v1.ReleasesService.RemoveOverride":              `{"overrideId":"0189d6f5-7c1c-7d0e-8a5c-000000000000"}`,
	"drumbeat.sites.v1.SitesService.GetModuleVerdict":                  `{"moduleName":"token"}`,
	"drumbeat.sites.v1.SitesService.ListModuleSites":                   `{"moduleName":"token"}`,
	"drumbeat.sites.v1.SitesService.ListSiteKeys":                      `{}`,
	"drumbeat.sites.v1.SitesService.CreateSiteKey":                     `{}`,
	"drumbeat.sites.v1.SitesService.RevokeSiteKey":                     `{"keyId":"KEY"}`,
	"drumbeat.sites.v1.SitesService.WatchSites":                        `{}`,
}

// answersOfItsOwn are what a method says to the sample of somebody who may call it.
var answersOfItsOwn = map[protoreflect.FullName]string{
	"drumbeat.auth.v1.AuthService.CompleteSetup":          "failed_precondition",
	"drumbeat.auth.v1.AuthService.SignIn":                 "unauthenticated",
	"drumbeat.releases.v1.ReleasesService.CheckFeed":      "not_found",
	"drumbeat.releases.v1.ReleasesService.RemoveOverride": "not_found",
	"drumbeat.auth.v1.AuthService.ChangePassword":         "invalid_argument",
}

// answer is what came back: "ok" or a code, and the whole text.
type answer struct{ code, text string }

// call sends a request as JSON over Connect, with the session's cookie. Of a
// stream it takes the first message.
func (w *world) call(ctx context.Context, m protoreflect.MethodDescriptor, token, body string) answer {
	w.t.Helper()
	contentType := "application/json"
	if m.IsStreamingServer() {
		contentType = "application/connect+json"
		body = "\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + body
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/%s/%s", w.url, m.Parent().FullName(), m.Name()), strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "drumbeat", Value: token})
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if m.IsStreamingServer() && res.StatusCode == http.StatusOK {
		var head [5]byte
		if _, err := io.ReadFull(res.Body, head[:]); err != nil {
			w.t.Fatal(err)
		}
		text := make([]byte, binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(res.Body, text); err != nil {
			w.t.Fatal(err)
		}
		var end struct {
			Error *struct{ Code string } `json:"error"`
		}
		if head[0]&2 != 0 && json.Unmarshal(text, &end) == nil && end.Error != nil {
			return answer{end.Error.Code, string(text)}
		}
		return answer{"ok", string(text)}
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode == http.StatusOK {
		return answer{"ok", string(text)}
	}
	var failure struct{ Code string }
	if err := json.Unmarshal(text, &failure); err != nil {
		return answer{fmt.Sprint(res.StatusCode), string(text)}
	}
	return answer{failure.Code, string(text)}
}

// request fills a sample in: the field that names the target, and a key of it.
func request(t *testing.T, p rpc.Policy, target, key uuid.UUID) string {
	t.Helper()
	sample, ok := samples[p.Method.FullName()]
	if !ok {
		t.Fatalf("%s has no sample request", p.Method.FullName())
	}
	message := dynamicpb.NewMessage(p.Method.Input())
	if err := protojson.Unmarshal([]byte(strings.ReplaceAll(sample, "KEY", key.String())), message); err != nil {
		t.Fatalf("the sample of %s: %v", p.Method.FullName(), err)
	}
	if p.IDField != nil {
		message.Set(p.IDField, protoreflect.ValueOfString(target.String()))
	}
	body, err := protojson.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	// protojson varies its white space on purpose.
	var compact bytes.Buffer
	if err := json.Compact(&compact, body); err != nil {
		t.Fatal(err)
	}
	return compact.String()
}

// TestMatrix calls every method as everybody with their own, a foreign and a
// missing target, and expects what the contract says.
func TestMatrix(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	type caller struct {
		name   string
		token  string
		live   bool
		role   orgs.Role // in the own organisation
		abroad orgs.Role // in the foreign one
		super  bool
	}
	person := func(name string, o organization, role string, super bool) string {
		return w.session(w.person(name+"@example.org", super, o, role))
	}
	expired := person("expired", w.own, "organization_admin", false)
	w.exec(`UPDATE sessions SET expires_at = $1`, w.clock.Now())
	disabled := w.person("disabled@example.org", false, w.own, "organization_admin")
	w.exec(`UPDATE users SET is_active = false WHERE id = $1`, disabled)
	removed := w.person("removed@example.org", false, w.own, "organization_admin")
	removedToken := w.session(removed)
	w.exec(`DELETE FROM user_organizations WHERE user_id = $1`, removed)
	callers := []caller{
		{name: "nobody"},
		{name: "somebody with a made-up session", token: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		{name: "expired session", token: expired},
		{name: "disabled account", token: w.session(disabled)},
		{name: "removed member", token: removedToken, live: true},
		{name: "developer", token: person("developer", w.own, "developer", false), live: true, role: orgs.RoleDeveloper},
		{name: "user", token: person("user", w.own, "user", false), live: true, role: orgs.RoleUser},
		{name: "admin", token: person("admin", w.own, "organization_admin", false), live: true, role: orgs.RoleAdmin},
		{name: "admin of another organisation", token: person(canary, w.foreign, "organization_admin", false), live: true, abroad: orgs.RoleAdmin},
		{name: "superuser", token: person("super", w.own, "", true), live: true, super: true},
	}
	policies, err := rpc.ReadPolicies(rpc.Services()...)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, p := range policies {
		name := p.Method.FullName()
		if p.Access == policyv1.Access_ACCESS_SITE_KEY {
			continue // a door of its own, tested there
		}
		for _, c := range callers {
			var notFound []string
			for _, target := range []string{"own", "foreign", "missing"} {
				if target != "own" && p.IDField == nil {
					continue
				}
				ownSite, key := w.site(w.own, "own site")
				id, role := w.own.uuid, c.role
				if p.Access == policyv1.Access_ACCESS_SITE {
					id = ownSite
				}
				switch target {
				case "foreign":
					id, role = w.foreign.uuid, c.abroad
					if p.Access == policyv1.Access_ACCESS_SITE {
						id, key = w.site(w.foreign, canary+" site")
					}
				case "missing":
					id, role = uuid.New(), orgs.RoleNone
				}
				if c.super && target != "missing" {
					role = orgs.RoleAdmin
				}
				allowed := "ok"
				if own, ok := answersOfItsOwn[name]; ok {
					allowed = own
				}
				want := allowed
				switch {
				case p.Access == policyv1.Access_ACCESS_PUBLIC:
				case !c.live:
					want = "unauthenticated"
				case p.Access == policyv1.Access_ACCESS_SIGNED_IN:
				case p.Access == policyv1.Access_ACCESS_SUPERUSER:
					if !c.super {
						want = "permission_denied"
					}
				case role == orgs.RoleNone:
					want = "not_found"
				case role < p.Role:
					want = "permission_denied"
				}
				token := c.token
				if name == "drumbeat.auth.v1.AuthService.SignOut" {
					token = "" // the session is needed further on
				}
				got := w.call(t.Context(), p.Method, token, request(t, p, id, key))
				calls++
				if name == "drumbeat.auth.v1.AuthService.SignIn" && got.code == "resource_exhausted" {
					got.code = want // throttled, which comes after the policy
				}
				if got.code != want {
					t.Errorf("%s as %s with %s target: %s, want %s: %s", name, c.name, target, got.code, want, got.text)
				}
				if got.code == "not_found" {
					notFound = append(notFound, got.text)
				}
				if c.abroad == orgs.RoleNone && !c.super && strings.Contains(got.text, canary) {
					t.Errorf("%s as %s with %s target shows the other organisation: %s", name, c.name, target, got.text)
				}
			}
			for _, text := range notFound {
				if text != notFound[0] {
					t.Errorf("%s as %s tells foreign from missing: %s, %s", name, c.name, notFound[0], text)
				}
			}
		}
	}
	if len(samples) != len(policies) {
		t.Errorf("%d samples for %d methods", len(samples), len(policies))
	}
	t.Logf("%d calls", calls)
}

// TestReadsWriteNothing runs every method that says it has no side effects on
// connections that can only read, so that GET is as safe as it has to be.
func TestReadsWriteNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{pool: func(own *pgxpool.Pool) *pgxpool.Pool {
		config := own.Config()
		config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}})
	token := w.session(w.person("admin@example.org", true, w.own, "organization_admin"))
	site, key := w.site(w.own, "site")
	policies, err := rpc.ReadPolicies(rpc.Services()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		options := p.Method.Options().(*descriptorpb.MethodOptions)
		if options.GetIdempotencyLevel() != descriptorpb.MethodOptions_NO_SIDE_EFFECTS || p.Access == policyv1.Access_ACCESS_SITE_KEY {
			continue
		}
		id := w.own.uuid
		if p.Access == policyv1.Access_ACCESS_SITE {
			id = site
		}
		if got := w.call(t.Context(), p.Method, token, request(t, p, id, key)); got.code != "ok" {
			t.Errorf("%s: %s", p.Method.FullName(), got.text)
		}
	}
	// The other way round: what writes cannot be done so.
	create := policies["/drumbeat.sites.v1.SitesService/CreateSite"]
	if got := w.call(t.Context(), create.Method, token, request(t, create, w.own.uuid, key)); got.code != "internal" {
		t.Errorf("a write on a connection that reads: %s", got.text)
	}
}
