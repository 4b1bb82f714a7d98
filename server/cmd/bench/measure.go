package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/klauspost/compress/s2"

	"drumbeat/server/ingest"
)

// accept measures how fast reports are taken, side by side.
func (b *bench) accept(ctx context.Context) error {
	full := make([]request, len(b.keys))
	beats := make([]request, len(b.keys))
	records := make([][]byte, len(b.keys))
	entries := make([][]byte, len(b.keys))
	size := 0
	for i, s := range b.keys {
		body := makeReport(acceptProjects, i, 0)
		size += len(body)
		full[i] = makeRequest(s.key, body)
		beats[i] = makeRequest(s.key, makeHeartbeat(fmt.Sprintf("%d-0-0", i)))
		records[i] = body
		entries[i] = ingest.EncodeEntry(&ingest.Entry{Kind: ingest.KindReport, SiteID: s.id, Received: time.Now().UnixMicro(), Collected: time.Now().UnixMicro(),
			InventoryHash: hashOf(body), Encoding: ingest.S2, Body: s2.Encode(nil, body)})
	}
	fmt.Printf("\nAccepting: %d connections, %d keys, reports of %.1f KB on average, heartbeats of %d bytes\n",
		b.connections, len(b.keys), float64(size)/float64(len(b.keys))/1000, len(makeHeartbeat("1000-0-0")))
	// A rewrite in the midst of one measurement would be charged to it alone.
	if err := b.redis.ConfigSet(ctx, "auto-aof-rewrite-percentage", "0").Err(); err != nil {
		return err
	}
	type variant struct {
		name, role string
		requests   []request
		records    [][]byte
	}
	const (
		plain, least, ours, hearts = "plain Connect + XADD", "bare net/http, key, scan + XADD", "ours, all checks", "ours, heartbeats"
		packed, raw                = "XADD alone, as ours stores it", "XADD alone, as sent"
	)
	// Ours stands between what it is compared with, so that whatever else the
	// machine does meets them alike.
	all := []variant{
		{plain, roleConnect, full, nil},
		{least, roleBare, full, nil},
		{packed, "", nil, entries},
		{ours, roleOurs, full, nil},
		{raw, "", nil, records},
		{hearts, roleOurs, beats, nil},
	}
	var variants []variant
	for _, v := range all {
		if strings.Contains(v.name, b.only) || v.name == ours {
			variants = append(variants, v)
		}
	}
	for _, mode := range strings.Split(b.modes, ",") {
		if err := b.redis.ConfigSet(ctx, "appendfsync", mode).Err(); err != nil {
			return err
		}
		results := map[string][]result{}
		for range b.rounds {
			for _, v := range variants {
				r, err := b.acceptOnce(ctx, v.role, v.requests, v.name == hearts, full, v.records)
				if err != nil {
					return fmt.Errorf("%s: %w", v.name, err)
				}
				results[v.name] = append(results[v.name], r)
			}
		}
		ratio := func(a, c string) float64 {
			var all []float64
			for i := range min(len(results[a]), len(results[c])) {
				all = append(all, results[a][i].rate()/results[c][i].rate())
			}
			return median(all)
		}
		fmt.Printf("\nappendfsync %s (medians of %d rounds; ratios are medians of the rounds' own)\n", mode, b.rounds)
		fmt.Printf("  %-34s %10s %10s %10s %8s %9s\n", "", "per s", "p50", "p99", "p99/p50", "CPU each")
		for _, v := range variants {
			var rate, p50, p99, cpu []float64
			for _, r := range results[v.name] {
				rate, p50, p99, cpu = append(rate, r.rate()), append(p50, ms(r.p50)), append(p99, ms(r.p99)), append(cpu, float64(r.cpu.Nanoseconds())/1000)
			}
			fmt.Printf("  %-34s %10.0f %8.2fms %8.2fms %8.1f %7.0fus\n", v.name, median(rate), median(p50), median(p99), median(p99)/median(p50), median(cpu))
		}
		fmt.Printf("  ours ÷ plain Connect %.2f   ours ÷ bare %.2f   ours ÷ XADD as ours stores it %.2f, as sent %.2f   heartbeats ÷ ours %.2f\n",
			ratio(ours, plain), ratio(ours, least), ratio(ours, packed), ratio(ours, raw), ratio(hearts, ours))
	}
	return b.redis.ConfigSet(ctx, "appendfsync", "always").Err()
}

func (b *bench) acceptOnce(ctx context.Context, role string, requests []request, heartbeats bool, full []request, records [][]byte) (result, error) {
	defer b.settle(ctx)
	if role == "" {
		return b.xadds(ctx, records)
	}
	p, err := b.start(ctx, role)
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	// Warm up: keys into the cache, connections opened, and for heartbeats the
	// full reports that they stand for.
	warm := requests
	if heartbeats {
		warm = full
	}
	if _, err := drive(ctx, p.addr, b.connections, warm, len(warm), 0); err != nil {
		return result{}, err
	}
	before := p.cpu()
	r, err := drive(ctx, p.addr, b.connections, requests, 0, b.duration)
	if err != nil {
		return r, err
	}
	r.cpu = (p.cpu() - before) / time.Duration(r.count)
	return r, nil
}

// settle empties Redis and its log, so that each measurement finds the same.
func (b *bench) settle(ctx context.Context) {
	b.redis.FlushDB(ctx)
	b.redis.BgRewriteAOF(ctx)
	for range 100 {
		info, err := b.redis.Info(ctx, "persistence").Result()
		if err != nil || !containsLine(info, "aof_rewrite_in_progress:1") && !containsLine(info, "aof_rewrite_scheduled:1") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// xadds adds the same bytes to a stream and does nothing else.
func (b *bench) xadds(ctx context.Context, records [][]byte) (result, error) {
	deadline := time.Now().Add(b.duration)
	latencies := make([][]time.Duration, b.connections)
	errs := make([]error, b.connections)
	started := time.Now()
	var wg sync.WaitGroup
	for c := range b.connections {
		wg.Go(func() {
			conn := b.redis.Conn()
			defer conn.Close()
			for i := c; time.Now().Before(deadline); i += b.connections {
				at := time.Now()
				if errs[c] = conn.Do(ctx, "xadd", benchStream, "*", "r", records[i%len(records)]).Err(); errs[c] != nil {
					return
				}
				latencies[c] = append(latencies[c], time.Since(at))
			}
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
	return result{count: len(all), duration: took, p50: all[len(all)/2], p99: all[len(all)*99/100]}, nil
}

// endToEnd measures from the first report sent to the last one visible in PostgreSQL.
func (b *bench) endToEnd(ctx context.Context) error {
	fmt.Printf("\nEnd to end: %d sites of %d projects, appendfsync always, synchronous_commit on\n", len(b.keys)*6/7/b.connections*b.connections, b.projects)
	b.settle(ctx)
	if err := b.redis.ConfigSet(ctx, "auto-aof-rewrite-percentage", "100").Err(); err != nil {
		return err
	}
	if err := ingest.EnsurePartitions(ctx, b.pool, time.Now()); err != nil {
		return err
	}
	serve, err := b.start(ctx, roleOurs)
	if err != nil {
		return err
	}
	defer serve.stop()
	worker, err := b.start(ctx, roleWorker)
	if err != nil {
		return err
	}
	defer worker.stop()
	// The tables are not empty on a server that runs, and their statistics are
	// known: a sixth of the sites reports beforehand.
	all := b.keys
	n := len(all) * 6 / 7 / b.connections * b.connections
	var warm []request
	for i, s := range all[n:] {
		warm = append(warm, makeRequest(s.key, makeReport(b.projects, n+i, 0)))
	}
	if _, err := drive(ctx, serve.addr, b.connections, warm, len(warm), 0); err != nil {
		return err
	}
	if err := b.arrived(ctx, 0, len(warm)); err != nil {
		return err
	}
	if _, err := b.pool.Exec(ctx, "ANALYZE"); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	keys := all[:n]
	phases := []struct {
		name  string
		goal  int
		total int
		make  func(i, round int) []byte
	}{
		{"first reports", 1000, n, func(i, _ int) []byte { return makeReport(b.projects, i, 0) }},
		{"daily mix, 3 % with 1 to 3 changes", 4000, 15 * n, func(i, round int) []byte {
			if (i+round*37)%100 < 3 {
				return makeReport(b.projects, i, round+1, []int{5, 17, 33}[:1+i%3]...)
			}
			return nil // as before
		}},
		{"heartbeats", 20000, 50 * n, nil},
	}
	bodies := make([][]byte, n)
	hashes := make([]string, n)
	fmt.Printf("  CPU is in us per report. The last column is what two cores of one's own could do by that, driver included.\n")
	fmt.Printf("  %-34s %8s %9s %9s %8s %6s %6s %6s %6s %6s %7s %7s\n", "", "reports", "applied/s", "taken/s", "p99", "serve", "worker", "redis", "pg", "driver", "goal/s", "by CPU")
	for _, phase := range phases {
		var requests []request
		rounds := phase.total / n
		if phase.make == nil {
			for i, s := range keys {
				requests = append(requests, makeRequest(s.key, makeHeartbeat(hashes[i])))
			}
		} else {
			for round := range rounds {
				for i, s := range keys {
					if body := phase.make(i, round); body != nil {
						bodies[i] = body
						hashes[i] = hashOf(body)
					}
					requests = append(requests, makeRequest(s.key, slices.Clone(bodies[i])))
				}
			}
		}
		before, err := b.audited(ctx)
		if err != nil {
			return err
		}
		cpu, err := b.cpus(ctx, serve, worker)
		if err != nil {
			return err
		}
		started := time.Now()
		taken, err := drive(ctx, serve.addr, b.connections, requests, phase.total, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", phase.name, err)
		}
		if err := b.arrived(ctx, before, phase.total); err != nil {
			return fmt.Errorf("%s: %w", phase.name, err)
		}
		took := time.Since(started)
		after, err := b.cpus(ctx, serve, worker)
		if err != nil {
			return err
		}
		var each [5]float64
		sum := 0.0
		for i := range each {
			each[i] = float64((after[i] - cpu[i]).Microseconds()) / float64(phase.total)
			sum += each[i]
		}
		fmt.Printf("  %-34s %8d %9.0f %9.0f %6.1fms %6.0f %6.0f %6.0f %6.0f %6.0f %7d %7.0f\n", phase.name, phase.total, float64(phase.total)/took.Seconds(),
			taken.rate(), ms(taken.p99), each[0], each[1], each[2], each[3], each[4], phase.goal, 2e6/sum)
	}
	fmt.Printf("  peak memory: serving %d MB (goal 80), worker %d MB (goal 150)\n", serve.peak(), worker.peak())
	rows, err := b.pool.Query(ctx, "SELECT status || ' ' || count(*) FROM audit_logs GROUP BY status ORDER BY 1")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		fmt.Println("  audit:", line)
	}
	return rows.Err()
}

// cpus is the processor time used so far by server, worker, Redis, PostgreSQL and driver.
func (b *bench) cpus(ctx context.Context, serve, worker *process) (all [5]time.Duration, err error) {
	all[0], all[1] = serve.cpu(), worker.cpu()
	if all[3], all[2], err = b.serverCPU(ctx); err != nil {
		return all, err
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return all, err
	}
	all[4] = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return all, nil
}

// arrived waits until so many reports more than before have left their audit row.
func (b *bench) arrived(ctx context.Context, before, count int) error {
	for deadline := time.Now().Add(5 * time.Minute); ; {
		now, err := b.audited(ctx)
		if err != nil || now-before >= count {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("only %d of %d reports arrived", now-before, count)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// audited is how many reports have left their audit row.
func (b *bench) audited(ctx context.Context) (n int, err error) {
	// The identity column counts without a scan; nothing is rolled back here.
	err = b.pool.QueryRow(ctx, "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('audit_logs', 'id')::regclass), 0)").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the audit rows: %w", err)
	}
	return n, nil
}

func hashOf(body []byte) string {
	text := string(body)
	at := len(text) - 2
	for at > 0 && text[at-1] != '"' {
		at--
	}
	return text[at : len(text)-2]
}

func containsLine(text, part string) bool { return slices.Contains(fieldsByLine(text), part) }

func fieldsByLine(text string) []string {
	var lines []string
	start := 0
	for i := range len(text) {
		if text[i] == '\n' {
			end := i
			if end > start && text[end-1] == '\r' {
				end--
			}
			lines = append(lines, text[start:end])
			start = i + 1
		}
	}
	return lines
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
