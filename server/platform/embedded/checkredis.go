package embedded

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Durability is what a Redis promises about a write it has acknowledged.
type Durability string

const (
	// DurabilityAlways: it is on the disk.
	DurabilityAlways Durability = "always"
	// DurabilitySecond: it may be lost when it is a second or two old.
	DurabilitySecond Durability = "everysec"
	// DurabilityNone: it may be lost.
	DurabilityNone Durability = "none"
	// DurabilityUnknown: the server did not say, for lack of permission or connection.
	DurabilityUnknown Durability = "unknown"
)

// Warning is one way in which a Redis is weaker than Drumbeat promises.
type Warning struct {
	Setting string // such as "appendfsync"
	Value   string // what it is; empty if it could not be read
	Want    string // what it should be
	Message string // a sentence: the consequence and what to do
}

func (w Warning) String() string { return w.Message }

// CheckRedis asks a configured Redis how it is set up. It needs no permission for
// CONFIG: without it the answer is taken from INFO as far as that goes, and what
// remains open is a warning.
func CheckRedis(ctx context.Context, client redis.Cmdable) (Durability, []Warning) {
	var warnings []Warning
	warn := func(setting, value, want, message string) {
		warnings = append(warnings, Warning{setting, value, want, message})
	}

	// Servers may refuse INFO's section argument or the command; each field is optional.
	info, err := infoFields(ctx, client, "server")
	if err != nil {
		if !refused(err) {
			warn("connection", "", "", fmt.Sprintf("Redis could not be asked how durable it is: %v.", err))
			return DurabilityUnknown, warnings
		}
		info = map[string]string{}
	}
	if v := info["redis_version"]; v != "" {
		major, _, _ := strings.Cut(v, ".")
		if n, err := strconv.Atoi(major); err == nil && n < MinRedisVersion {
			warn("version", v, strconv.Itoa(MinRedisVersion), fmt.Sprintf("Redis is version %s; commands Drumbeat needs came with %d. Upgrade it.", v, MinRedisVersion))
		}
	}
	persistence, err := infoFields(ctx, client, "persistence")
	if err != nil {
		persistence = map[string]string{}
	}
	memory, err := infoFields(ctx, client, "memory")
	if err != nil {
		memory = map[string]string{}
	}

	setting := func(name string) (string, bool) {
		m, err := client.ConfigGet(ctx, name).Result()
		v, ok := m[name]
		return v, err == nil && ok
	}

	policy, ok := setting("maxmemory-policy")
	if !ok {
		policy, ok = memory["maxmemory_policy"]
	}
	switch {
	case !ok:
		warn("maxmemory-policy", "", "noeviction", "Redis does not say what it does when memory is full. Make sure that maxmemory-policy is noeviction, else it silently drops reports.")
	case policy != "noeviction":
		warn("maxmemory-policy", policy, "noeviction", fmt.Sprintf("Redis drops data when memory is full (maxmemory-policy %s), and with it reports it has accepted. Set maxmemory-policy to noeviction.", policy))
	}
	if persistence["aof_last_write_status"] == "err" {
		warn("aof_last_write_status", "err", "ok", "Redis failed to write its append-only file. See its log; the disk may be full.")
	}

	aof, ok := setting("appendonly")
	if !ok {
		switch persistence["aof_enabled"] {
		case "1":
			aof, ok = "yes", true
		case "0":
			aof, ok = "no", true
		}
	}
	if !ok {
		warn("appendonly", "", "yes", "Redis does not say whether it keeps its data. Make sure that appendonly is yes and appendfsync is always.")
		return DurabilityUnknown, warnings
	}
	if aof != "yes" {
		warn("appendonly", aof, "yes", "Redis keeps no append-only file, so accepted reports are lost when it stops. Set appendonly yes and appendfsync always.")
		return DurabilityNone, warnings
	}

	fsync, ok := setting("appendfsync")
	if !ok {
		warn("appendfsync", "", "always", "Redis does not say when it writes to disk. Make sure that appendfsync is always, else accepted reports may be lost when it crashes.")
		return DurabilityUnknown, warnings
	}
	switch fsync {
	case "always":
	case "everysec":
		warn("appendfsync", fsync, "always", "Redis writes to disk once a second, so a crash loses up to two seconds of accepted reports. Set appendfsync to always.")
		return DurabilitySecond, warnings
	default:
		warn("appendfsync", fsync, "always", "Redis leaves writing to the system, so a crash loses accepted reports. Set appendfsync to always.")
		return DurabilityNone, warnings
	}
	if v, ok := setting("no-appendfsync-on-rewrite"); ok && v == "yes" {
		warn("no-appendfsync-on-rewrite", v, "no", "Redis does not write to disk while it rewrites its file, so a crash then loses accepted reports. Set no-appendfsync-on-rewrite to no.")
		return DurabilitySecond, warnings
	}
	return DurabilityAlways, warnings
}

// refused says whether the server answered, but not what was asked.
func refused(err error) bool {
	_, answered := err.(redis.Error)
	return answered
}

// infoFields reads one section of INFO.
func infoFields(ctx context.Context, client redis.Cmdable, section string) (map[string]string, error) {
	text, err := client.Info(ctx, section).Result()
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[k] = v
		}
	}
	return fields, nil
}
