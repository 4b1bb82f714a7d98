package ingest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// pipelines notes the commands of each pipeline that takes entries off the stream.
type pipelines struct {
	redis.Hook
	mu  sync.Mutex
	all []string
}

func (p *pipelines) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (p *pipelines) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (p *pipelines) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		var names []string
		for _, cmd := range cmds {
			names = append(names, cmd.Name())
		}
		if slices.Contains(names, "xack") || slices.Contains(names, "xdel") {
			p.mu.Lock()
			p.all = append(p.all, strings.Join(names, " "))
			p.mu.Unlock()
		}
		return next(ctx, cmds)
	}
}

// Redis reads some 16 KB at a time and syncs in between: of two long commands
// the first may be on the disk without the second. An entry that was
// acknowledged and not deleted is never read again, and never goes away.
func TestEntriesLeaveTheStreamTogetherWithTheirAcknowledgement(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := &pipelines{}
	b.redis.AddHook(seen)
	b.add(newEntry(t, b.site("A site"), time.Minute, "token 8.x-1.15"))
	b.run(b.applier())
	b.eventually("the end of the stream", func() bool {
		n, err := b.redis.XLen(t.Context(), DefaultStream).Result()
		return err == nil && n == 0 && len(b.query("SELECT status FROM audit_logs")) == 1
	})
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if want := []string{"multi xack xdel exec"}; !slices.Equal(seen.all, want) {
		t.Errorf("the pipelines were %q, want %q", seen.all, want)
	}
}
