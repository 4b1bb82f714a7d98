import { useQuery } from "@connectrpc/connect-query";
import { SitesService, type GetFleetSummaryResponse } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Skeleton } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { ProblemNotice } from "@/components/ui/notice";
import { formatCount, formatNumber } from "@/lib/format";
import { SITE_STATES, type SiteStateName, type Tone } from "@/lib/words";
import classes from "./sites.module.css";

const COUNTS: Record<SiteStateName, (summary: GetFleetSummaryResponse) => number> = {
  insecure: (summary) => summary.insecure,
  unsupported: (summary) => summary.unsupported,
  eol: (summary) => summary.endOfLife,
  outdated: (summary) => summary.outdated,
  unknown: (summary) => summary.unknown,
  current: (summary) => summary.current,
  waiting: (summary) => summary.waiting,
  silent: (summary) => summary.silent,
};

const HINTS: Record<SiteStateName, string> = {
  insecure: "Sites with at least one insecure release",
  unsupported: "Sites with at least one revoked or unsupported release",
  eol: "Sites whose version of Drupal gets no security fixes any more",
  outdated: "Sites with at least one newer release to go to",
  unknown: "Sites with at least one project that could not be checked",
  current: "Sites with nothing insecure, unsupported, outdated or unchecked",
  waiting: "Sites that have not reported yet",
  silent: "Sites that reported once, but not within the last 26 hours",
};

export function useFleetSummary(organizationId: string) {
  return useQuery(SitesService.method.getFleetSummary, { organizationId });
}

/** Counts of the whole fleet; each one narrows the list to what it counts. */
export function FleetSummary({ organizationId, active }: { organizationId: string; active: SiteStateName | undefined }) {
  const { data, error, refetch } = useFleetSummary(organizationId);
  if (error && !data) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  return (
    <section aria-label="Fleet summary" className="stack stack--tight">
      <ul className={classes.summary}>
        <li style={{ display: "contents" }}>
          <Tile label="All sites" tone="neutral" value={data?.sites} state={undefined} active={active === undefined} />
        </li>
        {(Object.keys(SITE_STATES) as SiteStateName[]).map((name) => (
          <li key={name} style={{ display: "contents" }}>
            <Tile
              label={SITE_STATES[name].label}
              tone={SITE_STATES[name].tone}
              value={data && COUNTS[name](data)}
              state={name}
              active={active === name}
              hint={HINTS[name]}
            />
          </li>
        ))}
      </ul>
      {data && data.sites > 0 && <Coverage summary={data} />}
    </section>
  );
}

function Tile({
  label,
  tone,
  value,
  state,
  active,
  hint,
}: {
  label: string;
  tone: Tone;
  value: number | undefined;
  state: SiteStateName | undefined;
  active: boolean;
  hint?: string;
}) {
  return (
    <Link
      to="/sites"
      search={(previous) => ({ q: previous.q, sort: previous.sort, state })}
      className={classes.tile}
      aria-current={active ? "true" : undefined}
      activeProps={{}}
      title={hint}
      preload={false}
      resetScroll={false}
    >
      {value === undefined ? (
        <Skeleton height={26} width={48} />
      ) : (
        <span className={classes.tileValue}>{formatNumber(value)}</span>
      )}
      <span className={classes.tileLabel}>
        <span className={classes.swatch} data-tone={tone} />
        {label}
      </span>
    </Link>
  );
}

function Coverage({ summary }: { summary: GetFleetSummaryResponse }) {
  const share = summary.sites === 0 ? 0 : summary.reporting / summary.sites;
  return (
    <div className={classes.coverage}>
      <div className={classes.meter} aria-hidden="true">
        <div className={classes.meterFill} style={{ width: `${share * 100}%` }} />
      </div>
      <span>
        {formatNumber(summary.reporting)} of {formatCount(summary.sites, "site", "sites")} reported in the last 26 hours
      </span>
    </div>
  );
}
