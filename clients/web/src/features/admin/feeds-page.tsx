import { useInfiniteQuery, useMutation } from "@connectrpc/connect-query";
import { FeedState, ReleasesService, type Feed } from "@drumbeat/api/drumbeat/releases/v1/releases_pb";
import { Button, Skeleton, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { EmptyState } from "@/components/ui/empty-state";
import { Icon } from "@/components/ui/icon";
import { ProblemNotice } from "@/components/ui/notice";
import { useDocumentTitle } from "@/components/ui/page";
import { TimeAgo, useNow } from "@/components/ui/time-ago";
import { formatExact, formatNumber, toDate } from "@/lib/format";
import { useSession } from "@/lib/session/session";
import { AdminFrame } from "./admin-frame";
import classes from "./admin.module.css";
import { describeFeed, FEED_STATES, type FeedStateName } from "./feed-words";

/** How fresh the release histories are that all verdicts rest on, and what is wrong with them. */
export function FeedsPage() {
  useDocumentTitle("Feeds");
  const { user } = useSession();
  const { state, q = "" } = useSearch({ from: "/signed-in/admin/feeds" });
  const navigate = useNavigate({ from: "/admin/feeds" });
  const [text, setText] = useState(q);
  const search = useDebouncedCallback(
    (next: string) =>
      void navigate({ search: (previous) => ({ ...previous, q: next.trim() || undefined }), replace: true, resetScroll: false }),
    250,
  );
  const list = useInfiniteQuery(
    ReleasesService.method.listFeeds,
    { pageSize: 100, pageToken: "", state: state ? FEED_STATES[state].state : FeedState.UNSPECIFIED, search: q },
    {
      pageParamKey: "pageToken",
      getNextPageParam: (page) => page.nextPageToken || undefined,
      enabled: user.isSuperuser,
      placeholderData: keepPreviousData,
      refetchInterval: 30_000,
    },
  );
  const counts = new Map(list.data?.pages[0]?.counts.map((each) => [each.state, each.feeds]));
  const total = [...counts.values()].reduce((sum, each) => sum + each, 0);
  const feeds = list.data?.pages.flatMap((page) => page.feeds);

  return (
    <AdminFrame intro="Every verdict rests on a project’s release history. Where one cannot be had, the last good one stays in force.">
      <nav className={classes.states} aria-label="Feeds by state">
        <Link to="/admin/feeds" search={{ q: q || undefined }} aria-current={state ? undefined : "true"} activeProps={{}}>
          All <Badge tone="neutral">{formatNumber(total)}</Badge>
        </Link>
        {(Object.keys(FEED_STATES) as FeedStateName[]).map((name) => (
          <Link
            key={name}
            to="/admin/feeds"
            search={{ q: q || undefined, state: name }}
            aria-current={state === name ? "true" : undefined}
            activeProps={{}}
            title={FEED_STATES[name].hint}
          >
            {FEED_STATES[name].label}{" "}
            <Badge tone={counts.get(FEED_STATES[name].state) ? FEED_STATES[name].tone : "neutral"}>
              {formatNumber(counts.get(FEED_STATES[name].state) ?? 0)}
            </Badge>
          </Link>
        ))}
      </nav>
      <section className="card" aria-label="Feeds" aria-busy={list.isPlaceholderData}>
        <div className={classes.toolbar}>
          <TextInput
            className={classes.search}
            type="search"
            aria-label="Search by project"
            placeholder="Search by project"
            leftSection={<Icon name="search" size={16} />}
            maxLength={128}
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
              search(event.currentTarget.value);
            }}
          />
        </div>
        {list.error && !feeds ? (
          <div style={{ padding: "1rem" }}>
            <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />
          </div>
        ) : !feeds ? (
          <div style={{ padding: "1rem" }} role="status" aria-label="Loading the feeds">
            <Skeleton height={220} />
          </div>
        ) : feeds.length === 0 ? (
          <EmptyState icon="search" title={q || state ? "No feed matches" : "No feeds yet"}>
            <p>{q || state ? "Try another name or state." : "They come with the first report of a site."}</p>
          </EmptyState>
        ) : (
          <>
            <div className={classes.columns} aria-hidden="true">
              <span>Project</span>
              <span>State</span>
              <span>Data confirmed</span>
              <span>Asked again</span>
              <span />
            </div>
            <ul aria-label="Feeds">
              {feeds.map((feed) => (
                <Row key={`${feed.moduleName} ${feed.series}`} feed={feed} />
              ))}
            </ul>
          </>
        )}
        {list.hasNextPage && (
          <div className={classes.more}>
            <Button variant="default" size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              Show more
            </Button>
          </div>
        )}
      </section>
    </AdminFrame>
  );
}

function Row({ feed }: { feed: Feed }) {
  const word = describeFeed(feed.state);
  const now = useNow();
  const fetched = toDate(feed.fetchedAt);
  const next = toDate(feed.nextCheckAt);
  const check = useMutation(ReleasesService.method.checkFeed);
  return (
    <li className={classes.feed}>
      <div className={classes.wideCell}>
        <Link to="/modules/$name" params={{ name: feed.moduleName }} className={classes.name}>
          {feed.moduleName}
        </Link>{" "}
        <span className="soft small">{feed.series === "7.x" ? "Drupal 7" : "Drupal 8 and later"}</span>
      </div>
      <div>
        <span className={classes.label} aria-hidden="true">
          State
        </span>
        <Badge tone={word.tone} title={word.hint}>
          {word.label}
        </Badge>
      </div>
      <div>
        <span className={classes.label}>Data confirmed</span>
        {fetched ? <TimeAgo date={fetched} /> : <span className="soft">never</span>}
      </div>
      <div>
        <span className={classes.label}>Asked again</span>
        {next && (next <= now ? "now" : <span title={formatExact(next)}>{formatClock(next)}</span>)}
      </div>
      <div className={classes.end}>
        <Button
          variant="default"
          size="xs"
          loading={check.isPending}
          disabled={check.isSuccess}
          aria-label={`Check ${feed.moduleName} now`}
          onClick={() => check.mutate({ moduleName: feed.moduleName })}
        >
          {check.isSuccess ? "Asked" : "Check now"}
        </Button>
      </div>
      {feed.error && (
        <p className={classes.error}>
          {feed.error}
          {feed.failures > 1 && `, ${formatNumber(feed.failures)} times in a row`}
        </p>
      )}
      {check.error && (
        <div className={classes.error}>
          <ProblemNotice error={check.error} />
        </div>
      )}
    </li>
  );
}

const clock = new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });

function formatClock(date: Date): string {
  return clock.format(date);
}
