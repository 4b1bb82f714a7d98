import { createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { SitesService } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { VisuallyHidden } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { createContext, use, useEffect, useMemo, useState, type ReactNode } from "react";
import { toProblem } from "../errors";
import { isAffected } from "./affected";
import { watch, type LiveState } from "./watch";

/** Changes are gathered this long, so that a busy fleet does not refetch without end. */
const GATHER = 2_000;
const ANNOUNCE_EVERY = 10_000;
/** A hidden tab closes its stream: over HTTP/1.1 a browser has only six connections per server. */
const HIDDEN_GRACE = 10_000;

const LiveContext = createContext<LiveState>("connecting");

/** How the page's connection to the stream of changes stands. */
export function useLiveState(): LiveState {
  return use(LiveContext);
}

/** Keeps one stream of changes per tab, and marks what it names as stale. */
export function LiveProvider({ organizationId, children }: { organizationId: string; children: ReactNode }) {
  const transport = useTransport();
  const queryClient = useQueryClient();
  const [state, setState] = useState<LiveState>("connecting");
  const [announcement, setAnnouncement] = useState("");
  const client = useMemo(() => createClient(SitesService, transport), [transport]);

  useEffect(() => {
    let connection: AbortController | undefined;
    let gatherTimer: ReturnType<typeof setTimeout> | undefined;
    let hiddenTimer: ReturnType<typeof setTimeout> | undefined;
    let pending = new Set<string>();
    let everything = false;
    let lastFlush = 0;
    let lastAnnouncement = 0;

    const flush = () => {
      gatherTimer = undefined;
      lastFlush = Date.now();
      const affected = isAffected(everything ? new Set() : pending);
      pending = new Set();
      everything = false;
      const onScreen = queryClient.getQueryCache().findAll({ predicate: affected, type: "active" });
      void queryClient.invalidateQueries({ predicate: affected });
      if (onScreen.length > 0 && Date.now() - lastAnnouncement > ANNOUNCE_EVERY) {
        lastAnnouncement = Date.now();
        setAnnouncement(`New reports arrived; this page was updated at ${new Date().toLocaleTimeString()}.`);
      }
    };

    const onChange = (siteIds: readonly string[]) => {
      if (siteIds.length === 0) everything = true;
      for (const id of siteIds) pending.add(id);
      gatherTimer ??= setTimeout(flush, Math.max(0, lastFlush + GATHER - Date.now()));
    };

    const connect = () => {
      connection = new AbortController();
      void watch(connection.signal, {
        async *open(signal) {
          for await (const message of client.watchSites({ organizationId }, { signal })) yield message.siteIds;
        },
        onState: setState,
        onChange,
        isWorthRetrying(reason) {
          const { kind } = toProblem(reason);
          if (kind === "signed-out") {
            // The first query that finds the session ended leads to the sign-in page.
            void queryClient.invalidateQueries();
            return false;
          }
          return true;
        },
      });
    };

    const onVisibility = () => {
      clearTimeout(hiddenTimer);
      if (document.hidden) {
        hiddenTimer = setTimeout(() => {
          connection?.abort();
          connection = undefined;
        }, HIDDEN_GRACE);
      } else if (!connection) {
        connect();
        onChange([]);
      }
    };

    const onOnline = () => {
      if (document.hidden) return;
      connection?.abort();
      connect();
      onChange([]);
    };

    connect();
    document.addEventListener("visibilitychange", onVisibility);
    window.addEventListener("online", onOnline);
    return () => {
      connection?.abort();
      clearTimeout(gatherTimer);
      clearTimeout(hiddenTimer);
      document.removeEventListener("visibilitychange", onVisibility);
      window.removeEventListener("online", onOnline);
    };
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- does not see the use inside the generator
  }, [client, organizationId, queryClient]);

  return (
    <LiveContext value={state}>
      {children}
      <VisuallyHidden role="status" aria-live="polite">
        {announcement}
      </VisuallyHidden>
    </LiveContext>
  );
}
