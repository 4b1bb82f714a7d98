package sites

import (
	"net"
	"net/url"
	"strings"

	"drumbeat/server/platform/fault"
	"drumbeat/server/platform/plaintext"
)

// siteURL brings a site's address into one form: scheme and host in lower
// case, no default port, no fragment, no slash for an empty path. Credentials
// are refused rather than dropped, since whoever typed them should know.
func siteURL(raw string) (string, error) {
	line, err := plaintext.Line(raw)
	if err != nil {
		return "", fault.Field("url", "%v", err)
	}
	u, err := url.Parse(line)
	if err != nil || strings.Contains(line, " ") {
		return "", fault.Field("url", "is not a web address")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	if u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" {
		return "", fault.Field("url", "must begin with http:// or https://")
	}
	if u.User != nil {
		return "", fault.Field("url", "must not contain a user name or password")
	}
	if u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
		return "", fault.Field("url", "must name a host")
	}
	u.Host = strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	} else if port != "" {
		if _, err := net.LookupPort("tcp", port); err != nil {
			return "", fault.Field("url", "must not name an impossible port")
		}
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "/" {
		u.Path, u.RawPath = "", ""
	}
	return u.String(), nil
}
