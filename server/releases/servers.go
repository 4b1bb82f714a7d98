package releases

import (
	"fmt"
	"net/url"
	"strings"
)

// Servers are the release servers besides the usual source that an
// administrator allows, by name: host and path of the address. A project whose
// info file names one of them (`project status url`) has its feed from there.
//
// Such a project is another than the one of the same name at drupal.org: it is
// known as `project@server`, so that no site can lead the feed of a project
// that others have to somewhere else.
type Servers struct{ addresses map[string]string }

// ParseServers reads the addresses, such as "https://updates.example.org/release-history".
func ParseServers(addresses []string) (Servers, error) {
	s := Servers{addresses: make(map[string]string, len(addresses))}
	for _, address := range addresses {
		address = strings.TrimSpace(address)
		name := serverName(address)
		if name == "" {
			return Servers{}, fmt.Errorf("the feed server %q must look like https://updates.example.org/release-history", address)
		}
		s.addresses[name] = strings.TrimRight(address, "/")
	}
	return s, nil
}

// Open makes a source of each server, by name.
func (s Servers) Open(options HTTPOptions) (map[string]Source, error) {
	sources := make(map[string]Source, len(s.addresses))
	for name, address := range s.addresses {
		source, err := NewHTTPSource(address, options)
		if err != nil {
			return nil, err
		}
		sources[name] = source
	}
	return sources, nil
}

// moduleName is the name under which a project is known here: its own, with
// the server behind it where it names one that is allowed. What names any other
// server is taken for the project of that name at drupal.org, as if it named none.
func (s Servers) moduleName(project, statusURL string) string {
	if statusURL == "" || len(s.addresses) == 0 {
		return project
	}
	if name := serverName(statusURL); name != "" && s.addresses[name] != "" {
		return project + "@" + name
	}
	return project
}

// serverName is the host and path of an address; empty for what is none. The
// scheme is not part of it: the administrator's counts.
func serverName(address string) string {
	const longest = 300
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" || len(address) > longest || strings.ContainsAny(u.Host+u.Path, "@ \t\n") {
		return ""
	}
	return strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/")
}

// splitProject takes a name as it is known here apart.
func splitProject(module string) (project, server string, own bool) {
	return strings.Cut(module, "@")
}

// ProjectName is the short name of a project, without the server that its feed
// is from.
func ProjectName(module string) string {
	project, _, _ := splitProject(module)
	return project
}
