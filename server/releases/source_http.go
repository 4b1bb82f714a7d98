package releases

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// HTTPOptions tells how to ask a server for feeds. The zero value is what
// drupal.org may expect.
type HTTPOptions struct {
	// UserAgent says who asks; "Drumbeat (monitors Drupal updates)" when empty.
	UserAgent string
	// PerSecond bounds the requests per second; 10 when 0.
	PerSecond float64
	// Timeout bounds one request with its body; 30 s when 0.
	Timeout time.Duration
	// Now is the clock; the real one when nil.
	Now func() time.Time
	// Transport replaces the network, for tests.
	Transport http.RoundTripper
}

// How a server that does not answer is treated, as Drupal itself does.
const (
	failuresToPause = 2
	pauseFor        = 5 * time.Minute
	longestPause    = 6 * time.Hour
)

// HTTPSource asks a server such as drupal.org's. It may be used by several
// goroutines.
type HTTPSource struct {
	base      *url.URL
	client    *http.Client
	userAgent string
	limiter   *rate.Limiter
	now       func() time.Time

	mu          sync.Mutex
	failures    int // in a row
	pausedUntil time.Time
}

// NewHTTPSource makes a source of the server whose feeds are at
// <base>/<project>/<series>.
//
// It sends nothing but the name of the project: no site key, version or list,
// which drupal.org takes for usage statistics.
func NewHTTPSource(base string, options HTTPOptions) (*HTTPSource, error) {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the address of the feed source must look like " + DefaultSource)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address of the feed source must not have a query or a fragment")
	}
	if options.UserAgent == "" {
		options.UserAgent = "Drumbeat (monitors Drupal updates)"
	}
	if options.PerSecond == 0 {
		options.PerSecond = 10
	}
	if options.Timeout == 0 {
		options.Timeout = 30 * time.Second
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Transport == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxConnsPerHost = 8
		transport.ResponseHeaderTimeout = options.Timeout
		transport.MaxResponseHeaderBytes = 64 << 10
		options.Transport = transport
	}
	return &HTTPSource{
		base:      u,
		userAgent: options.UserAgent,
		limiter:   rate.NewLimiter(rate.Limit(options.PerSecond), max(1, int(options.PerSecond))),
		now:       options.Now,
		client:    &http.Client{Transport: options.Transport, Timeout: options.Timeout, CheckRedirect: followFew},
	}, nil
}

func (s *HTTPSource) String() string { return s.base.Redacted() }

// followFew follows up to three redirects, to https or within the same server.
func followFew(to *http.Request, via []*http.Request) error {
	if len(via) > 3 {
		return errors.New("too many redirects")
	}
	first := via[0].URL
	if to.URL.Scheme != "https" && (to.URL.Scheme != first.Scheme || to.URL.Host != first.Host) {
		return errors.New("redirected to an address that is not https")
	}
	return nil
}

// Fetch asks for one feed.
func (s *HTTPSource) Fetch(ctx context.Context, r Request) (Response, error) {
	if err := s.mayAsk(); err != nil {
		return Response{}, err
	}
	if err := s.limiter.Wait(ctx); err != nil {
		return Response{}, fmt.Errorf("wait to ask for %s: %w", r.Project, err)
	}
	// Others may have found out meanwhile that the server wants to be left alone.
	if err := s.mayAsk(); err != nil {
		return Response{}, err
	}
	address := s.base.JoinPath(url.PathEscape(r.Project), url.PathEscape(r.Series))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return Response{}, &FetchError{Message: "no request can be made for this name"}
	}
	request.Header.Set("User-Agent", s.userAgent)
	request.Header.Set("Accept", "text/xml")
	if r.ETag != "" {
		request.Header.Set("If-None-Match", r.ETag)
	}
	if r.LastModified != "" {
		request.Header.Set("If-Modified-Since", r.LastModified)
	}
	response, err := s.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return Response{}, ctx.Err()
		}
		s.failed(0)
		return Response{}, &FetchError{Message: describe(err)}
	}
	defer response.Body.Close()
	return s.read(ctx, response)
}

func (s *HTTPSource) read(ctx context.Context, response *http.Response) (Response, error) {
	switch {
	case response.StatusCode == http.StatusNotModified:
		s.succeeded()
		return Response{NotModified: true}, nil
	case response.StatusCode != http.StatusOK:
		failure := &FetchError{Message: fmt.Sprintf("the server answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))}
		if response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500 {
			failure.RetryAfter = s.retryAfter(response.Header.Get("Retry-After"))
			s.failed(failure.RetryAfter)
		}
		return Response{}, failure
	case response.ContentLength > maxFeedBytes:
		return Response{}, errTooLarge()
	}
	body, err := readBounded(response.Body)
	if err != nil {
		var failure *FetchError
		if errors.As(err, &failure) && !failure.TooLarge {
			if ctx.Err() != nil {
				return Response{}, ctx.Err()
			}
			s.failed(0)
		}
		return Response{}, err
	}
	s.succeeded()
	return Response{
		Body:         body,
		ETag:         validator(response.Header.Get("ETag")),
		LastModified: validator(response.Header.Get("Last-Modified")),
	}, nil
}

// validator keeps what can be stored and sent back.
func validator(header string) string {
	if len(header) > 255 || !storable(header) {
		return ""
	}
	return header
}

// describe says what went wrong without the address, which may hold a password.
func describe(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		if wrapped.Timeout() {
			return "the server did not answer in time"
		}
		err = wrapped.Err
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return "the server's name could not be resolved"
	}
	return "the server could not be asked: " + cut(err.Error(), 200)
}

func (s *HTTPSource) mayAsk() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now().Before(s.pausedUntil) {
		return &PausedError{Until: s.pausedUntil}
	}
	return nil
}

func (s *HTTPSource) succeeded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = 0
}

// failed notes that the server as a whole did not answer as it should, and
// leaves it alone when it said so or it keeps failing.
func (s *HTTPSource) failed(retryAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures++
	if retryAfter == 0 && s.failures >= failuresToPause {
		retryAfter = pauseFor
	}
	if retryAfter == 0 {
		return
	}
	s.failures = 0
	if until := s.now().Add(retryAfter); until.After(s.pausedUntil) {
		s.pausedUntil = until
	}
}

// retryAfter reads the header of that name, seconds or a date.
func (s *HTTPSource) retryAfter(header string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(strings.TrimSpace(header), 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(s.now())
	}
	return min(max(wait, 0), longestPause)
}
