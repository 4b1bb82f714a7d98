import { useInfiniteQuery, useMutation } from "@connectrpc/connect-query";
import { SitesService, type Site, type SiteKey } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Button, Group, Modal, Skeleton } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { EmptyState } from "@/components/ui/empty-state";
import { Icon } from "@/components/ui/icon";
import { ProblemNotice } from "@/components/ui/notice";
import { TimeAgo } from "@/components/ui/time-ago";
import { toDate } from "@/lib/format";
import { isAffected } from "@/lib/live/affected";
import { ConnectPanel } from "./connect-panel";
import classes from "./key-list.module.css";

/** The keys with which a site may report. */
export function KeyList({ site }: { site: Site }) {
  const queryClient = useQueryClient();
  const keys = useInfiniteQuery(
    SitesService.method.listSiteKeys,
    { siteId: site.id, pageSize: 50, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  const refresh = () => queryClient.invalidateQueries({ predicate: isAffected(new Set([site.id])) });
  const create = useMutation(SitesService.method.createSiteKey, { onSuccess: refresh });
  const [revoking, setRevoking] = useState<SiteKey>();
  const revoke = useMutation(SitesService.method.revokeSiteKey, {
    async onSuccess() {
      await refresh();
      setRevoking(undefined);
    },
  });
  const all = keys.data?.pages.flatMap((page) => page.keys);

  return (
    <div className="stack">
      <div className="row row--between">
        <p className="soft" style={{ flex: "1 1 20rem" }}>
          A key lets this site report, and nothing else. To change it without a gap, make a new one, put it in place,
          and revoke the old one.
        </p>
        <Button
          leftSection={<Icon name="plus" size={16} />}
          loading={create.isPending}
          onClick={() => create.mutate({ siteId: site.id })}
        >
          New key
        </Button>
      </div>
      {create.error && <ProblemNotice error={create.error} />}
      {keys.error ? (
        <ProblemNotice error={keys.error} onRetry={() => void keys.refetch()} />
      ) : !all ? (
        <Skeleton height={120} role="status" aria-label="Loading the keys" />
      ) : all.length === 0 ? (
        <div className="card">
          <EmptyState icon="key" title="No key">
            <p>Without a key this site cannot report.</p>
          </EmptyState>
        </div>
      ) : (
        <ul className="card" aria-label="Keys">
          {all.map((key) => (
            <KeyRow
              key={key.id}
              siteKey={key}
              onRevoke={() => {
                revoke.reset();
                setRevoking(key);
              }}
            />
          ))}
        </ul>
      )}
      {keys.hasNextPage && (
        <div>
          <Button variant="default" loading={keys.isFetchingNextPage} onClick={() => void keys.fetchNextPage()}>
            Show more keys
          </Button>
        </div>
      )}
      <Modal
        opened={create.data !== undefined}
        onClose={() => create.reset()}
        title="New key"
        size="lg"
        closeOnClickOutside={false}
        closeButtonProps={{ "aria-label": "Close" }}
      >
        {create.data && (
          <div className="stack">
            <ConnectPanel site={site} siteKey={create.data.key} />
            <Group justify="flex-end">
              <Button onClick={() => create.reset()}>I have copied it</Button>
            </Group>
          </div>
        )}
      </Modal>
      <ConfirmDialog
        opened={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        onConfirm={() => revoking && revoke.mutate({ siteId: site.id, keyId: revoking.id })}
        title="Revoke this key?"
        confirmLabel="Revoke key"
        pending={revoke.isPending}
        error={revoke.error}
      >
        Reports with the key <code>{revoking?.hint}</code> are refused from now on. This cannot be taken back.
      </ConfirmDialog>
    </div>
  );
}

function KeyRow({ siteKey, onRevoke }: { siteKey: SiteKey; onRevoke: () => void }) {
  const created = toDate(siteKey.createdAt);
  const used = toDate(siteKey.lastUsedAt);
  const revoked = toDate(siteKey.revokedAt);
  return (
    <li className={classes.key}>
      <code className={classes.hint} data-revoked={Boolean(revoked)}>
        {siteKey.hint}
      </code>
      <div className={classes.meta}>
        {created && (
          <span>
            made <TimeAgo date={created} />
          </span>
        )}
        <span>{used ? <>last used about <TimeAgo date={used} /></> : "never used"}</span>
      </div>
      {revoked ? (
        <Badge tone="neutral">
          Revoked <TimeAgo date={revoked} />
        </Badge>
      ) : (
        <Button variant="default" size="xs" onClick={onRevoke} aria-label={`Revoke the key ${siteKey.hint}`}>
          Revoke
        </Button>
      )}
    </li>
  );
}
