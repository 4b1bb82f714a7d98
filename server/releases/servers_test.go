package releases

import (
	"net/http"
	"testing"
)

func TestOnlyAllowedServersAreNamed(t *testing.T) {
	t.Parallel()
	servers, err := ParseServers([]string{"https://updates.example.org/release-history/", "http://Other.example:8080"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ url, want string }{
		"none":                      {"", "acme"},
		"an allowed one":            {"https://updates.example.org/release-history", "acme@updates.example.org/release-history"},
		"in another case":           {"http://UPDATES.example.org/release-history/", "acme@updates.example.org/release-history"},
		"with a port":               {"http://other.example:8080/", "acme@other.example:8080"},
		"one that nobody allowed":   {"https://evil.example/release-history", "acme"},
		"another path":              {"https://updates.example.org/elsewhere", "acme"},
		"an allowed one as a user":  {"https://updates.example.org@evil.example/release-history", "acme"},
		"with a query":              {"https://updates.example.org/release-history?x=", "acme"},
		"no web address":            {"file:///etc/passwd", "acme"},
		"no address at all":         {"://", "acme"},
		"the inside of the network": {"http://169.254.169.254/latest", "acme"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := servers.moduleName("acme", c.url); got != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
	for _, bad := range []string{"", "updates.example.org", "ftp://x.example", "https://u:p@x.example"} {
		if _, err := ParseServers([]string{bad}); err == nil {
			t.Errorf("%q is allowed", bad)
		}
	}
	if got := ProjectName("acme@updates.example.org"); got != "acme" {
		t.Errorf("the project is %s", got)
	}
}

// TestAProjectOfAnAllowedServerIsAnother installs a project under the same name
// from drupal.org and from a server of its own.
func TestAProjectOfAnAllowedServerIsAnother(t *testing.T) {
	t.Parallel()
	var asked []string
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		_, _ = w.Write([]byte(feedXML("acme", "1.", rel("1.0.0", "Insecure"))))
	}) + "/history"
	servers, err := ParseServers([]string{address})
	if err != nil {
		t.Fatal(err)
	}
	sources, err := servers.Open(HTTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	source := newMemorySource()
	source.set("acme", feedXML("acme", "1.", rel("1.0.0")))
	b := newBench(t, source)
	b.catalog.WithServers(servers)
	b.service.syncer.servers = sources
	own, usual := b.addSite(), b.addSite()
	version := "1.0.0"
	for site, url := range map[int64]string{own: address, usual: "https://not-allowed.example/"} {
		if err := b.install(t.Context(), site, Installed{Project: "acme", RuleSet: "current", Version: &version, StatusURL: url}); err != nil {
			t.Fatal(err)
		}
	}
	b.sync()
	if got := b.counters(own); got[0] != 1 {
		t.Errorf("by its own server: %v", got)
	}
	if got := b.counters(usual); got[3] != 1 {
		t.Errorf("by drupal.org: %v", got)
	}
	if len(asked) != 1 || asked[0] != "/history/acme/current" {
		t.Errorf("asked for %q", asked)
	}
	name := "acme@" + serverName(address)
	if e := b.mustEvidence(own, name); e.Feed.Source != serverName(address) {
		t.Errorf("evidence from %+v", e.Feed)
	}
	// Taken off the list, the server is not asked, and what is known stays.
	b.service.syncer.servers = nil
	b.syncLater()
	if f := b.feed(name); f.state != "failed" || !f.content || len(asked) != 1 || b.counters(own)[0] != 1 {
		t.Errorf("not allowed any more: %+v", f)
	}
}
