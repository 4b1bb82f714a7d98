import { ModuleStatus, PlatformState, type ModuleCounts, type Site } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Skeleton, VisuallyHidden } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { Badge, StatusBadge } from "@/components/ui/badge";
import { Icon } from "@/components/ui/icon";
import { TimeAgo } from "@/components/ui/time-ago";
import { formatCount, formatDay, formatExact, formatNumber, formatUrl, toDate } from "@/lib/format";
import { directionOf, type Sort, type SortField } from "@/lib/sorts";
import { describePlatform, type Tone } from "@/lib/words";
import classes from "./sites.module.css";

/** What the columns beside do not count, as on the tiles above the list. */
const OTHER_COUNTS: { tone: Tone; words: string; of: (counts: ModuleCounts) => number }[] = [
  { tone: "warning", words: "unsupported", of: (counts) => counts.unsupported },
  { tone: "notice", words: "outdated", of: (counts) => counts.outdated },
  { tone: "unknown", words: "unchecked", of: (counts) => counts.unknown },
  { tone: "good", words: "up to date", of: (counts) => counts.current },
];

const COLUMNS: { field?: SortField; label: string; end?: boolean }[] = [
  { field: "name", label: "Name" },
  { field: "url", label: "URL" },
  { field: "core", label: "Drupal core" },
  { field: "security", label: "Security", end: true },
  { field: "updates", label: "Updates", end: true },
  { label: "Projects" },
  { field: "last_report", label: "Last report" },
  { field: "created", label: "Added" },
];

export function useIsPhone(): boolean {
  return useMediaQuery("(max-width: 66rem)", false, { getInitialValueInEffect: false }) ?? false;
}

/** The sites of one page, as a table, or as cards where seven columns do not fit. */
export function SiteTable({
  sites,
  sort,
  onSort,
  stale,
}: {
  sites: readonly Site[];
  sort: Sort;
  onSort: (field: SortField) => void;
  stale: boolean;
}) {
  const phone = useIsPhone();
  if (phone) {
    return (
      <ul className={classes.cards} data-stale={stale} aria-label="Sites">
        {sites.map((site) => (
          <SiteCard key={site.id} site={site} />
        ))}
      </ul>
    );
  }
  return (
    <div className={classes.tableWrap}>
      <table className={classes.table} data-stale={stale} aria-busy={stale}>
        <caption>
          <VisuallyHidden>Sites; the column headers sort</VisuallyHidden>
        </caption>
        <thead>
          <tr>
            {COLUMNS.map(({ field, label, end }) => {
              if (!field) {
                return (
                  <th key={label} scope="col">
                    {label}
                  </th>
                );
              }
              const direction = directionOf(sort, field);
              return (
                <th key={field} scope="col" aria-sort={direction ?? "none"} className={end ? classes.end : undefined}>
                  <button type="button" className={classes.sortButton} onClick={() => onSort(field)}>
                    {label}
                    <Icon name={direction === "ascending" ? "arrowUp" : "arrowDown"} size={14} />
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {sites.map((site) => (
            <SiteRow key={site.id} site={site} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SiteRow({ site }: { site: Site }) {
  const created = toDate(site.createdAt);
  return (
    <tr>
      <td className={classes.nameCell}>
        <Link to="/sites/$siteId" params={{ siteId: site.id }} className={classes.siteName}>
          {site.name}
        </Link>
        {site.environment && site.environment !== "production" && (
          <>
            {" "}
            <Badge tone="neutral">{site.environment}</Badge>
          </>
        )}
      </td>
      <td className={classes.urlCell} title={site.url}>
        {formatUrl(site.url)}
      </td>
      <td>
        <Core site={site} />
      </td>
      <td className={classes.end}>
        <SecurityCount site={site} />
      </td>
      <td className={classes.end}>
        <UpdateCount site={site} />
      </td>
      <td className={classes.nowrap}>
        <OtherCounts site={site} />
      </td>
      <td className={classes.nowrap}>
        <LastReport site={site} />
      </td>
      <td className={`${classes.nowrap} soft`} title={created && formatExact(created)}>
        {created && formatDay(created)}
      </td>
    </tr>
  );
}

function SiteCard({ site }: { site: Site }) {
  const created = toDate(site.createdAt);
  return (
    <li className={classes.siteCard}>
      <div className={classes.cardTop}>
        <Link to="/sites/$siteId" params={{ siteId: site.id }} className={classes.siteName}>
          {site.name}
        </Link>
        {site.securityUpdateCount > 0 && (
          <Badge tone="danger" icon="shield">
            {formatNumber(site.securityUpdateCount)} security
          </Badge>
        )}
      </div>
      <div className={`${classes.ellipsis} small soft`}>{formatUrl(site.url)}</div>
      <div className={classes.cardMeta}>
        {site.lastReportAt && (
          <>
            <span>
              <Core site={site} prefix="Core " />
            </span>
            <OtherCounts site={site} />
            <span>{site.updateCount > 0 ? formatCount(site.updateCount, "update", "updates") : "No updates"}</span>
          </>
        )}
        <span>
          <LastReport site={site} />
        </span>
        {created && <span title={formatExact(created)}>added {formatDay(created)}</span>}
      </div>
    </li>
  );
}

function Core({ site, prefix = "" }: { site: Site; prefix?: string }) {
  if (!site.coreVersion) return <Nothing label="not known yet" />;
  const platform = describePlatform(site.platformState);
  // That a version is unsupported is said by the end of its life already.
  const quiet =
    site.coreStatus === ModuleStatus.CURRENT ||
    (site.platformState === PlatformState.END_OF_LIFE && site.coreStatus === ModuleStatus.NOT_SUPPORTED);
  return (
    <span className={classes.core}>
      <span className="nums">
        {prefix}
        {site.coreVersion}
      </span>
      {!quiet && <StatusBadge status={site.coreStatus} short />}
      {platform && (
        <Badge tone={platform.tone} title={site.platformNote}>
          {platform.label}
        </Badge>
      )}
    </span>
  );
}

function SecurityCount({ site }: { site: Site }) {
  if (!site.lastReportAt) return <Nothing label="no report yet" />;
  if (site.securityUpdateCount === 0) {
    return (
      <span className={classes.count} data-zero="true">
        0
      </span>
    );
  }
  return <span className={classes.securityCount}>{formatNumber(site.securityUpdateCount)}</span>;
}

function UpdateCount({ site }: { site: Site }) {
  if (!site.lastReportAt) return <Nothing label="no report yet" />;
  return (
    <span className={classes.count} data-zero={site.updateCount === 0}>
      {formatNumber(site.updateCount)}
    </span>
  );
}

function OtherCounts({ site }: { site: Site }) {
  if (!site.lastReportAt || !site.counts) return <Nothing label="no report yet" />;
  const { counts } = site;
  return (
    <span className={classes.otherCounts}>
      {OTHER_COUNTS.filter(({ of }) => of(counts) > 0).map(({ tone, words, of }) => (
        <span key={words} title={`${formatNumber(of(counts))} ${words}`}>
          <span className={classes.swatch} data-tone={tone} aria-hidden="true" />
          <span className="nums">{formatNumber(of(counts))}</span>
          <VisuallyHidden> {words}</VisuallyHidden>
        </span>
      ))}
    </span>
  );
}

function LastReport({ site }: { site: Site }) {
  const last = toDate(site.lastReportAt);
  if (!last) return <Badge tone="neutral" title="Waiting for the first report">Waiting</Badge>;
  return <TimeAgo date={last} />;
}

function Nothing({ label }: { label: string }) {
  return (
    <span className="soft">
      <span aria-hidden="true">–</span>
      <VisuallyHidden>{label}</VisuallyHidden>
    </span>
  );
}

/** The shape of the list while it is read for the first time. */
export function SiteTableSkeleton() {
  return (
    <div className="stack" style={{ padding: "1rem" }} aria-label="Loading sites" role="status">
      {Array.from({ length: 10 }, (_, index) => (
        <Skeleton key={index} height={22} />
      ))}
    </div>
  );
}
