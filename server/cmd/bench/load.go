package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"drumbeat/server/sitekey"
)

// acceptProjects makes reports of 10 to 15 KB.
const acceptProjects = 55

type site struct {
	id  int64
	key string
}

// makeSites makes sites of one organisation, each with a key.
func makeSites(ctx context.Context, pool *pgxpool.Pool, n int) ([]site, error) {
	sites := make([]site, n)
	hashes := make([][]byte, n)
	for i := range sites {
		key, err := sitekey.New()
		if err != nil {
			return nil, err
		}
		sites[i].key, hashes[i] = key.Reveal(), key.Hash()
	}
	rows, err := pool.Query(ctx, `
		WITH org AS (INSERT INTO organizations (name) VALUES ('bench') RETURNING id),
		made AS (INSERT INTO sites (organization_id, name, url) SELECT org.id, 'site ' || n, 'https://example.org' FROM org, generate_series(1, $1) n RETURNING id, organization_id),
		owned AS (INSERT INTO site_organizations (site_id, organization_id, is_owner) SELECT id, organization_id, true FROM made),
		numbered AS (SELECT id, row_number() OVER (ORDER BY id) n FROM made),
		keyed AS (INSERT INTO site_keys (site_id, key_hash, hint) SELECT id, ($2::bytea[])[n], '' FROM numbered)
		SELECT id FROM numbered ORDER BY n`, n, hashes)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for i := 0; rows.Next(); i++ {
		if err := rows.Scan(&sites[i].id); err != nil {
			return nil, err
		}
	}
	return sites, rows.Err()
}

const idPlaceholder = "00000000-0000-7000-8000-000000000000"

// makeReport gives a report of so many projects, as a Drupal site would send
// it. The first `changed` of them have another version than before, by wave.
func makeReport(projects, site, wave int, changed ...int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"reportId":"%s","collectedAt":"%s","trigger":"cron","agent":{"name":"drumbeat","version":"1.0.0"},`+
		`"site":{"url":"https:\/\/site%d.example.org\/","name":"Site %d","environment":"production"},`+
		`"platform":{"drupalVersion":"10.4.2","phpVersion":"8.3.14","phpSapi":"cli","dbDriver":"mysql","dbVersion":"10.11.19-MariaDB-0+deb12u1","profile":"standard"},"extensions":[`,
		idPlaceholder, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), site, site)
	fmt.Fprintf(&b, `{"name":"node","type":"module","enabled":true,"project":"drupal","version":"10.4.2","datestamp":1738798431,"title":"Node","pathKind":"core","hidden":false,"lifecycle":"stable","package":"Core"}`)
	for i := range projects - 1 {
		// Popular projects are on most sites, the rest differ.
		n := i
		if i >= 40 {
			n = 40 + (i*7+site*31)%1500
		}
		version := 1 + (n+site)%4
		for _, c := range changed {
			if c == i {
				version += 4 + wave
			}
		}
		fmt.Fprintf(&b, `,{"name":"module_%d","type":"module","enabled":%t,"project":"module_%d","version":"%d.%d.0","datestamp":%d,"title":"The module number %d","pathKind":"contrib","hidden":false,"lifecycle":"stable","package":"Package %d"}`,
			n, i%9 != 0, n, 1+n%3, version, 1700000000+n, n, n%20)
	}
	fmt.Fprintf(&b, `],"inventoryHash":"%d-%d-%d"}`, site, wave, len(changed))
	return b.Bytes()
}

func makeHeartbeat(hash string) []byte {
	return fmt.Appendf(nil, `{"reportId":"%s","collectedAt":"%s","trigger":"cron","agent":{"name":"drumbeat","version":"1.0.0"},"site":{},"inventoryHash":"%s"}`,
		idPlaceholder, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), hash)
}

// request is one whole HTTP request, but for the report's id.
type request struct {
	bytes []byte
	idAt  int
}

func makeRequest(key string, body []byte) request {
	head := fmt.Sprintf("POST /drumbeat.ingest.v1.IngestService/SubmitReport HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"+
		"User-Agent: Drupal/10.4.2 (+https://www.drupal.org/) GuzzleHttp/7\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", key, len(body))
	all := append([]byte(head), body...)
	return request{all, bytes.Index(all, []byte(idPlaceholder))}
}

// result is one measurement.
type result struct {
	count    int
	duration time.Duration
	p50, p99 time.Duration
	cpu      time.Duration // of the measured process, per request
}

func (r result) rate() float64 { return float64(r.count) / r.duration.Seconds() }

var reportIDs atomic.Uint64

// refused counts the answers that told the driver to come back.
var refused atomic.Int64

var errUnavailable = errors.New("unavailable")

// drive sends requests over n connections, each connection its share in turn,
// until total are answered or the time is over; either may be 0.
func drive(ctx context.Context, addr string, n int, requests []request, total int, d time.Duration) (result, error) {
	var left atomic.Int64
	left.Store(int64(total))
	deadline := time.Now().Add(time.Hour)
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	latencies := make([][]time.Duration, n)
	errs := make([]error, n)
	started := time.Now()
	var wg sync.WaitGroup
	for c := range n {
		wg.Go(func() {
			latencies[c], errs[c] = driveOne(ctx, addr, requests, c, n, total > 0, &left, deadline)
		})
	}
	wg.Wait()
	took := time.Since(started)
	for _, err := range errs {
		if err != nil {
			return result{}, err
		}
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	if len(all) == 0 {
		return result{}, fmt.Errorf("no answers")
	}
	return result{count: len(all), duration: took, p50: all[len(all)/2], p99: all[len(all)*99/100]}, nil
}

func driveOne(ctx context.Context, addr string, requests []request, c, n int, counted bool, left *atomic.Int64, deadline time.Time) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 4096)
	latencies := make([]time.Duration, 0, 1<<14)
	var counter [8]byte
	for i := c; ctx.Err() == nil; i += n {
		if counted && left.Add(-1) < 0 || time.Now().After(deadline) {
			break
		}
		r := &requests[i%len(requests)]
		id := reportIDs.Add(1)
		for k := range counter {
			counter[k] = byte(id >> (8 * k))
		}
		// Requests are each connection's own while it sends them: the shares do not overlap.
		hex.Encode(r.bytes[r.idAt+24:r.idAt+36], counter[:6])
		started := time.Now()
		for {
			if _, err := conn.Write(r.bytes); err != nil {
				return nil, err
			}
			err := readAnswer(in)
			if err == nil {
				break
			}
			// As senders do; the time it takes is part of the answer's.
			if !errors.Is(err, errUnavailable) || time.Since(started) > 30*time.Second {
				return nil, err
			}
			refused.Add(1)
			time.Sleep(50 * time.Millisecond)
		}
		latencies = append(latencies, time.Since(started))
	}
	return latencies, ctx.Err()
}

// readAnswer reads one answer and fails unless it is 200.
func readAnswer(in *bufio.Reader) error {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	var failed string
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		failed = string(status)
	}
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		}
	}
	if failed != "" {
		body, _ := io.ReadAll(io.LimitReader(in, int64(min(length, 4096))))
		if strings.HasPrefix(failed, "HTTP/1.1 503 ") {
			return fmt.Errorf("%w: %s", errUnavailable, body)
		}
		return fmt.Errorf("%s: %s", strings.TrimSpace(failed), body)
	}
	_, err = in.Discard(length)
	return err
}
