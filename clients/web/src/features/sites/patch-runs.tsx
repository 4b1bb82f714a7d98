import { useInfiniteQuery } from "@connectrpc/connect-query";
import {
  PatchRunKind,
  ReportsService,
  type PatchRun,
  type PatchRunItem,
} from "@drumbeat/api/drumbeat/reports/v1/reports_pb";
import { Button, Skeleton, VisuallyHidden } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { EmptyState } from "@/components/ui/empty-state";
import { Icon } from "@/components/ui/icon";
import { ProblemNotice } from "@/components/ui/notice";
import { TimeAgo } from "@/components/ui/time-ago";
import { formatDay, formatNumber, formatVersion, toDate } from "@/lib/format";
import { describeTrigger } from "@/lib/words";
import classes from "./patch-runs.module.css";

const SHOWN_ITEMS = 12;

/** What changed on a site, round by round, newest first. */
export function PatchRuns({ siteId }: { siteId: string }) {
  const runs = useInfiniteQuery(
    ReportsService.method.listPatchRuns,
    { siteId, pageSize: 20, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  if (runs.error && !runs.data) return <ProblemNotice error={runs.error} onRetry={() => void runs.refetch()} />;
  if (!runs.data) return <Skeleton height={220} role="status" aria-label="Loading the patch runs" />;
  const all = runs.data.pages.flatMap((page) => page.patchRuns);
  if (all.length === 0) {
    return (
      <div className="card">
        <EmptyState icon="refresh" title="No patch run yet">
          <p>When a report shows that versions changed on the site, the change is listed here.</p>
        </EmptyState>
      </div>
    );
  }
  return (
    <div className="stack">
      {runs.error && <ProblemNotice error={runs.error} onRetry={() => void runs.refetch()} />}
      <ol className="card" aria-label="Patch runs">
        {all.map((run, index) => (
          <Run key={`${run.runDate?.seconds ?? 0n}-${run.runDate?.nanos ?? 0}-${index}`} run={run} />
        ))}
      </ol>
      {runs.hasNextPage && (
        <div>
          <Button variant="default" loading={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
            Show older runs
          </Button>
        </div>
      )}
    </div>
  );
}

function Run({ run }: { run: PatchRun }) {
  const [all, setAll] = useState(false);
  const date = toDate(run.runDate);
  const items = all ? run.items : run.items.slice(0, SHOWN_ITEMS);
  return (
    <li className={classes.run}>
      <div>
        <div className={classes.when}>{date && formatDay(date)}</div>
        <div className="small soft">
          {date && <TimeAgo date={date} />}
          {run.trigger && `, ${describeTrigger(run.trigger)}`}
        </div>
      </div>
      <div className={classes.items}>
        <ul className={classes.items}>
          {items.map((item) => (
            <Item key={`${item.moduleName}-${item.kind}`} item={item} />
          ))}
        </ul>
        {run.items.length > SHOWN_ITEMS && (
          <div>
            <Button variant="subtle" size="xs" aria-expanded={all} onClick={() => setAll(!all)}>
              {all ? "Show fewer" : `Show all ${formatNumber(run.items.length)} changes`}
            </Button>
          </div>
        )}
      </div>
    </li>
  );
}

function Item({ item }: { item: PatchRunItem }) {
  return (
    <li className={classes.change}>
      <Link to="/modules/$name" params={{ name: item.moduleName }}>
        {item.title || item.moduleName}
      </Link>
      <span className={classes.versions}>
        <Change item={item} />
      </span>
      {item.securityFix && (
        <Badge tone="good" icon="shield">
          Security fix
        </Badge>
      )}
    </li>
  );
}

function Change({ item }: { item: PatchRunItem }) {
  switch (item.kind) {
    case PatchRunKind.ADDED:
      return <>added {item.toVersion !== undefined && formatVersion(item.toVersion)}</>;
    case PatchRunKind.REMOVED:
      return <>removed {item.fromVersion !== undefined && `(was ${formatVersion(item.fromVersion)})`}</>;
    default:
      return (
        <>
          {formatVersion(item.fromVersion)}
          <Icon name="arrowRight" size={14} />
          <VisuallyHidden> to </VisuallyHidden>
          {formatVersion(item.toVersion)}
        </>
      );
  }
}
