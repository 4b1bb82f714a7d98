package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	ingestv1 "drumbeat/gen/go/drumbeat/ingest/v1"
	"drumbeat/server/composerlock"
	"drumbeat/server/ingest"
	"drumbeat/server/inventory"
	"drumbeat/server/sitekey"
)

// Exit codes of "report".
const (
	exitRefused     = 1 // the server will not have the report, or the key
	exitUsage       = 2 // nothing was sent: flags, key or lock are not right
	exitUnreachable = 3 // no answer of a Drumbeat server, or it is busy
)

// largestLock bounds the file, in bytes. Large sites have 2 MiB.
const largestLock = 64 << 20

type reportOptions struct {
	lock                           string
	server, keyFile                string
	siteURL, siteName, environment string
	phpVersion                     string
	includeDev, dryRun             bool
	output                         string
}

// reporter runs "drumbeat report"; its parts can be others in a test.
type reporter struct {
	env    func(string) string
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	jitter func() float64 // from 0 to below 1
	client *http.Client
	notes  io.Writer
}

// newReportCommand builds "drumbeat report", which tells a server what a
// composer.lock holds.
func newReportCommand() *cobra.Command {
	return reportCommand(reporter{env: os.Getenv, now: time.Now, sleep: sleepFor, jitter: rand.Float64, client: reportClient(), notes: os.Stderr})
}

func reportCommand(r reporter) *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report --composer-lock FILE",
		Short: "Report what a composer.lock holds, as a site's module would",
		Long: `Reads core, modules, themes and profiles from a composer.lock and reports them
to a Drumbeat server: from a deployment, or for a site without the module. (Where
the module reports, leave it to it: it sees what is on the disk and what is
installed. A lock does not list what came without Composer, such as custom code.)

The server's address, the site and its key come from the connection string in
$DRUMBEAT_CONNECTION; or the address from --server, and the key from --key-file or
$DRUMBEAT_KEY.

Exit codes: 0 accepted, 1 refused, 2 wrong usage or no lock of a Drupal site,
3 server not reachable or busy (it was tried five times).`,
		Example: `  DRUMBEAT_CONNECTION=drumbeat:eyJ2… drumbeat report --composer-lock composer.lock --environment production
  drumbeat report --composer-lock composer.lock --dry-run`,
		Args: func(cmd *cobra.Command, args []string) error { return usageError(cobra.NoArgs(cmd, args)) },
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context(), cmd.OutOrStdout(), o) },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(err) })
	f := cmd.Flags()
	f.StringVar(&o.lock, "composer-lock", "", "the composer.lock (required)")
	f.StringVar(&o.server, "server", "", "address of the Drumbeat server, when not that of $DRUMBEAT_CONNECTION")
	f.StringVar(&o.keyFile, "key-file", "", "file with the site's key, instead of $DRUMBEAT_KEY or $DRUMBEAT_CONNECTION")
	f.StringVar(&o.siteURL, "site-url", "", "address of the site")
	f.StringVar(&o.siteName, "site-name", "", "name of the site")
	f.StringVar(&o.environment, "environment", "", "for example production")
	f.StringVar(&o.phpVersion, "php-version", "", "version of PHP that the site runs on")
	f.BoolVar(&o.includeDev, "include-dev", false, "also the packages for development")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the report, byte for byte, and send nothing")
	f.StringVar(&o.output, "output", "text", "text or json")
	return cmd
}

func usageError(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitUsage, err}
}

// reportResult is what --output json prints.
type reportResult struct {
	Accepted bool   `json:"accepted"`
	ReportID string `json:"reportId"`
	Server   string `json:"server"`
	// Status is of the last answer; 0 when there was none.
	Status int `json:"status"`
	Tries  int `json:"tries"`
	// Message says why the report was not accepted.
	Message string      `json:"message,omitempty"`
	Found   reportFound `json:"found"`
}

// reportFound is what the lock holds, as the server will sort it.
type reportFound struct {
	DrupalVersion string `json:"drupalVersion"`
	// Projects counts those of drupal.org, core included.
	Projects int `json:"projects"`
	// UnknownVersions are the projects whose version the lock does not tell.
	UnknownVersions []string `json:"unknownVersions"`
	// Custom are the extensions that are of no project.
	Custom []string `json:"custom"`
}

func (r reporter) run(ctx context.Context, out io.Writer, o reportOptions) error {
	if o.output != "text" && o.output != "json" {
		return usageError(fmt.Errorf("--output %q is neither text nor json", o.output))
	}
	if o.lock == "" {
		return usageError(errors.New("name the lock: --composer-lock composer.lock"))
	}
	if o.siteURL != "" && !siteAddress(o.siteURL) {
		return usageError(errors.New("--site-url is no address such as https://www.example.org"))
	}
	var to connection
	if !o.dryRun || r.env("DRUMBEAT_CONNECTION") != "" {
		var err error
		if to, err = r.connection(o); err != nil {
			return usageError(err)
		}
	}
	data, err := readBounded(o.lock, largestLock)
	if err != nil {
		return usageError(fmt.Errorf("read the lock: %w", err))
	}
	contents, err := composerlock.Read(data, composerlock.Options{Dev: o.includeDev})
	if err != nil {
		return usageError(fmt.Errorf("%s: %w", o.lock, err))
	}
	message, err := r.message(contents, o, to.site)
	if err != nil {
		return usageError(err)
	}
	payload, err := payloadOf(message)
	if err != nil {
		return err
	}
	if o.dryRun {
		_, err := out.Write(payload)
		return err
	}
	result := reportResult{ReportID: message.GetReportId(), Server: to.server, Found: found(contents)}
	failed := r.deliver(ctx, to, payload, &result)
	if o.output == "json" {
		if err := writeJSON(out, result); err != nil {
			return errors.Join(failed, err)
		}
	} else if failed == nil {
		if err := result.writeText(out); err != nil {
			return err
		}
	}
	return failed
}

func (r *reportResult) writeText(out io.Writer) error {
	f := r.Found
	_, err := fmt.Fprintf(out, "Accepted by %s: Drupal %s, %d projects of drupal.org, %d other extensions. Report %s.\n",
		r.Server, shown(f.DrupalVersion), f.Projects, len(f.Custom), r.ReportID)
	if err == nil && len(f.UnknownVersions) > 0 {
		_, err = fmt.Fprintf(out, "The lock does not tell drupal.org's version of %s: the server shows them as unknown.\n", listed(f.UnknownVersions))
	}
	return err
}

// listed shortens a list for people.
func listed(names []string) string {
	const most = 10
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// found sorts the contents as the server does.
func found(c *composerlock.Contents) reportFound {
	sorted := inventory.Group(&inventory.Report{
		Platform: inventory.Platform{DrupalVersion: c.DrupalVersion}, List: c.Extensions, Composer: c.Packages,
	})
	f := reportFound{DrupalVersion: c.DrupalVersion, Projects: len(sorted.Projects), UnknownVersions: []string{}, Custom: []string{}}
	for _, p := range sorted.Projects {
		if p.Version == nil {
			f.UnknownVersions = append(f.UnknownVersions, p.Name)
		}
	}
	for _, custom := range sorted.Custom {
		f.Custom = append(f.Custom, custom.Name)
	}
	return f
}

// message builds the report. The error is about what the flags say.
func (r reporter) message(c *composerlock.Contents, o reportOptions, site string) (*ingestv1.SubmitReportRequest, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make the report's id: %w", err)
	}
	m := &ingestv1.SubmitReportRequest{
		ReportId:    id.String(),
		CollectedAt: timestamppb.New(r.now()),
		Trigger:     inventory.TriggerCI.String(),
		Agent:       &ingestv1.Agent{Name: "drumbeat-cli", Version: version},
		Site:        &ingestv1.Site{Url: o.siteURL, Name: o.siteName, Environment: o.environment, Id: site},
		Platform:    &ingestv1.Platform{DrupalVersion: c.DrupalVersion, PhpVersion: o.phpVersion},
	}
	for i := range c.Extensions {
		e := &c.Extensions[i]
		x := &ingestv1.Extension{Name: e.Name, Type: e.Type, Enabled: e.Enabled, Datestamp: e.Datestamp, PathKind: e.PathKind, Package: e.Package}
		if e.HasProject {
			x.Project = &e.Project
		}
		if e.HasVersion {
			x.Version = &e.Version
		}
		m.Extensions = append(m.Extensions, x)
	}
	for _, p := range c.Packages {
		m.ComposerPackages = append(m.ComposerPackages, &ingestv1.ComposerPackage{
			Name: p.Name, Version: p.Version, Reference: p.Reference, DrupalVersion: p.DrupalVersion,
			Datestamp: p.Datestamp, SecurityCoverage: p.SecurityCoverage,
		})
	}
	if err := protovalidate.Validate(m); err != nil {
		return nil, fmt.Errorf("the report would be refused: %w", err)
	}
	return m, nil
}

// payloadOf is the report as it is sent. (The encoder of protobuf varies its
// blanks on purpose; here they are always the same.)
func payloadOf(m *ingestv1.SubmitReportRequest) ([]byte, error) {
	text, err := protojson.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the report: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, fmt.Errorf("lay out the report: %w", err)
	}
	if b.Len() > ingest.MaxBody {
		b.Reset()
		if err := json.Compact(&b, text); err != nil {
			return nil, fmt.Errorf("lay out the report: %w", err)
		}
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// connection is where the report goes, and as whom.
type connection struct {
	server string // without a slash at the end
	site   string // UUID; empty when unknown
	key    sitekey.Key
}

// connection finds server, site and key. Its errors never hold a key.
func (r reporter) connection(o reportOptions) (connection, error) {
	var c connection
	if text := r.env("DRUMBEAT_CONNECTION"); strings.TrimSpace(text) != "" {
		var err error
		if c, err = parseConnection(text); err != nil {
			return connection{}, fmt.Errorf("$DRUMBEAT_CONNECTION: %w", err)
		}
	}
	if o.server != "" {
		c.server = o.server
	}
	if c.server == "" {
		return connection{}, errors.New("no server: give --server, or a connection string in $DRUMBEAT_CONNECTION")
	}
	var err error
	if c.server, err = serverAddress(c.server); err != nil {
		return connection{}, err
	}
	from, text := "$DRUMBEAT_KEY", r.env("DRUMBEAT_KEY")
	if o.keyFile != "" {
		data, err := readBounded(o.keyFile, 4<<10)
		if err != nil {
			return connection{}, fmt.Errorf("read the key: %w", err)
		}
		from, text = "--key-file", string(data)
	}
	if text = strings.TrimSpace(text); text != "" || o.keyFile != "" {
		if c.key, err = sitekey.Parse(text); err != nil {
			return connection{}, fmt.Errorf("%s: %w (a key begins with dbt_site_)", from, err)
		}
	}
	if c.key == (sitekey.Key{}) {
		return connection{}, errors.New("no key: set $DRUMBEAT_KEY or $DRUMBEAT_CONNECTION, or give --key-file")
	}
	return c, nil
}

// parseConnection reads a connection string; its errors never hold it.
func parseConnection(text string) (connection, error) {
	const prefix = "drumbeat:"
	encoded, ok := strings.CutPrefix(strings.Join(strings.Fields(text), ""), prefix)
	if !ok {
		return connection{}, errors.New(`a connection string begins with "drumbeat:"`)
	}
	var said struct {
		Version int    `json:"v"`
		URL     string `json:"url"`
		Site    string `json:"site"`
		Key     string `json:"key"`
	}
	data, err := base64URL(encoded)
	if err != nil || json.Unmarshal(data, &said) != nil {
		return connection{}, errors.New("the connection string is not complete: copy all of it")
	}
	if said.Version != 1 {
		return connection{}, errors.New("the connection string is of a newer kind: update drumbeat")
	}
	key, err := sitekey.Parse(said.Key)
	if err != nil || uuid.Validate(said.Site) != nil || said.URL == "" {
		return connection{}, errors.New("the connection string is not complete: copy all of it")
	}
	return connection{server: said.URL, site: strings.ToLower(said.Site), key: key}, nil
}

// serverAddress checks where a key may be sent to.
func serverAddress(text string) (string, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(text), "/"))
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("the server's address is none such as https://drumbeat.example.org")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", errors.New("the server's address must begin with https://: the key would go over the wire in clear")
	}
	return u.String(), nil
}

func loopback(host string) bool {
	host = strings.ToLower(host)
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// siteAddress keeps passwords out of what is reported.
func siteAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// readBounded reads a file of at most so many bytes.
func readBounded(name string, most int64) (data []byte, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err = io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return data, err
}

func reportClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport, Timeout: answerTimeout, CheckRedirect: noRedirect}
}
