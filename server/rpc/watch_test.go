package rpc_test

import (
	"context"
	"testing"
	"time"

	"connectrpc.com/connect"

	sitesv1 "drumbeat/gen/go/drumbeat/sites/v1"
)

// patience bounds waiting for what has to happen; nothing is timed.
const patience = 30 * time.Second

// watch opens a stream and takes its first message.
func watch(t *testing.T, w *world, c *client) *connect.ServerStreamForClient[sitesv1.WatchSitesResponse] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	stream, err := c.site.WatchSites(ctx, &sitesv1.WatchSitesRequest{OrganizationId: w.own.uuid.String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	if !stream.Receive() || len(stream.Msg().GetSiteIds()) != 0 {
		t.Fatalf("the first message: %v, %v", stream.Msg(), stream.Err())
	}
	return stream
}

func TestAnOpenPageHearsOfAChange(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]connect.ClientOption{
		"over Connect": nil, "over gRPC-Web": {connect.WithGRPCWeb()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{})
			c := w.client(w.session(w.person("ann@example.org", false, w.own, "user")), options...)
			stream := watch(t, w, c)
			made, err := c.site.CreateSite(t.Context(), &sitesv1.CreateSiteRequest{OrganizationId: w.own.uuid.String(), Name: "x", Url: "https://x.example"})
			if err != nil {
				t.Fatal(err)
			}
			for stream.Receive() {
				ids := stream.Msg().GetSiteIds()
				if len(ids) == 0 {
					continue // the listener came up meanwhile
				}
				if len(ids) != 1 || ids[0] != made.GetSite().GetId() {
					t.Fatalf("heard of %v", ids)
				}
				return
			}
			t.Fatalf("the stream ended: %v", stream.Err())
		})
	}
}

func TestAnOpenPageEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{
		"the session":    `DELETE FROM sessions`,
		"the account":    `UPDATE users SET is_active = false`,
		"the membership": `DELETE FROM user_organizations`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{})
			stream := watch(t, w, w.client(w.session(w.person("ann@example.org", false, w.own, "developer"))))
			w.exec(end)
			for stream.Receive() {
			}
			if code := connect.CodeOf(stream.Err()); code != connect.CodeUnauthenticated {
				t.Fatalf("ended with %v", stream.Err())
			}
		})
	}
}
