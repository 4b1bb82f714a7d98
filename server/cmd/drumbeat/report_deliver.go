package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"drumbeat/gen/go/drumbeat/ingest/v1/ingestv1connect"
)

const (
	mostTries     = 5
	answerTimeout = 30 * time.Second
	firstWait     = 2 * time.Second
	// longestWait bounds what a pipeline waits between two tries.
	longestWait = 2 * time.Minute
	// largestAnswer bounds what is read of an answer, in bytes.
	largestAnswer = 64 << 10
)

// noRedirect keeps the key from going where nobody sent it.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// deliver sends the same report until it is accepted or refused, or until trying
// on is of no use. The error has the exit code, and is nil when it is accepted.
func (r reporter) deliver(ctx context.Context, to connection, payload []byte, result *reportResult) error {
	body, err := gzipped(payload)
	if err != nil {
		return err
	}
	for {
		result.Tries++
		answer := r.try(ctx, to, body, result.ReportID)
		result.Status = answer.status
		if answer.accepted {
			result.Accepted, result.Message = true, ""
			return nil
		}
		result.Message = answer.message
		code, wait := exitUnreachable, answer.wait
		switch {
		case answer.refused:
			code = exitRefused
		case answer.again && ctx.Err() == nil && result.Tries < mostTries:
			if wait == 0 {
				// 2, 4, 8 and 16 seconds, less up to a half.
				wait = time.Duration(float64(firstWait<<(result.Tries-1)) * (1 - r.jitter()/2))
			}
			if wait > longestWait {
				result.Message += fmt.Sprintf("; it asks to wait for %s", wait.Round(time.Second))
				break
			}
			fmt.Fprintf(r.notes, "drumbeat: %s; next try in %s\n", answer.message, wait.Round(time.Second))
			if err := r.sleep(ctx, wait); err == nil {
				continue
			}
		}
		return &exitError{code, errors.New(result.Message)}
	}
}

// answer is what became of one try.
type answer struct {
	status   int
	accepted bool
	refused  bool          // for good, by a Drumbeat server
	again    bool          // a later try may go better
	wait     time.Duration // as the server asks; 0 when it does not
	message  string        // for people; fit for a terminal
}

func (r reporter) try(ctx context.Context, to connection, body []byte, id string) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.server+ingestv1connect.IngestServiceSubmitReportProcedure, bytes.NewReader(body))
	if err != nil {
		return answer{message: printable(err.Error())}
	}
	req.Header.Set("Authorization", "Bearer "+to.key.Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "drumbeat-cli/"+version)
	res, err := r.client.Do(req)
	if err != nil {
		var certificate *tls.CertificateVerificationError
		return answer{again: !errors.As(err, &certificate), message: printable("the server cannot be reached: " + err.Error())}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	if err != nil {
		return answer{status: res.StatusCode, again: true, message: printable("the answer broke off: " + err.Error())}
	}
	return r.read(res, text, id)
}

// read says what an answer means. A firewall's 403 or a login page's 200 is no word
// of a Drumbeat server: what is no JSON of its form decides nothing.
func (r reporter) read(res *http.Response, text []byte, id string) answer {
	a := answer{status: res.StatusCode}
	var said struct {
		ReportID string `json:"reportId"`
		Code     string `json:"code"`
		Message  string `json:"message"`
	}
	ours := json.Unmarshal(text, &said) == nil
	reason := fmt.Sprintf("the server answered %d", res.StatusCode)
	if said.Message != "" {
		reason += ": " + printable(said.Message)
	}
	switch {
	case res.StatusCode == http.StatusOK && ours && strings.EqualFold(said.ReportID, id):
		a.accepted = true
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		a.again, a.wait, a.message = true, retryAfter(res.Header.Get("Retry-After"), r.now()), reason
	case res.StatusCode >= 300 && res.StatusCode < 400:
		a.message = "the server sends on to " + shown(res.Header.Get("Location")) + ": give the address that it has now"
	case res.StatusCode == http.StatusRequestEntityTooLarge || res.StatusCode >= 400 && ours && said.Code != "":
		a.refused, a.message = true, reason
	default:
		a.message = fmt.Sprintf("what answered %d at this address is no Drumbeat server", res.StatusCode)
	}
	return a
}

// retryAfter reads the header in both of its forms; 0 when there is none.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(max(0, seconds)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

func gzipped(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("compress the report: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress the report: %w", err)
	}
	return b.Bytes(), nil
}

// sleepFor waits, or gives the context's error when that ends first.
func sleepFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// base64URL reads base64url with or without its padding.
func base64URL(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}
