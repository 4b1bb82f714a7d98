import { useQuery } from "@connectrpc/connect-query";
import {
  SitesService,
  type AppliedOverride,
  type FeedEvidence,
  type ModuleVerdict,
  type ReleaseEvidence,
  type SiteModule,
  type VerdictChange,
} from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Skeleton } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Badge } from "@/components/ui/badge";
import { ExternalLink } from "@/components/ui/external-link";
import { ProblemNotice } from "@/components/ui/notice";
import { TimeAgo } from "@/components/ui/time-ago";
import { formatDay, formatExact, formatVersion, toDate } from "@/lib/format";
import { describeStatus } from "@/lib/words";
import classes from "./module-lists.module.css";

/**
 * Why the verdict on a project is what it is: what decided, since when, what
 * to go to, and how old the data is.
 *
 * @param judged whether the row above says the reason already.
 */
export function ModuleEvidence({ siteId, module, judged }: { siteId: string; module: SiteModule; judged: boolean }) {
  const query = useQuery(SitesService.method.getModuleVerdict, { siteId, moduleName: module.moduleName });
  const verdict = query.data?.verdict;
  if (query.error && !verdict) {
    return (
      <div className={classes.evidenceProblem}>
        <ProblemNotice error={query.error} onRetry={() => void query.refetch()} />
      </div>
    );
  }
  if (!verdict) {
    return (
      <div className={classes.details} role="status" aria-label="Loading the reasons">
        <Skeleton height={18} width="60%" />
        <Skeleton height={18} width="40%" />
      </div>
    );
  }
  return <Evidence verdict={verdict} module={module} judged={judged} />;
}

function Evidence({ verdict, module, judged }: { verdict: ModuleVerdict; module: SiteModule; judged: boolean }) {
  const { installed, recommended, latest, development, insecureSince, coreCoverage, feed } = verdict;
  const installedAt = toDate(module.installedAt);
  const exposed = toDate(verdict.exposedSince);
  const better = recommended && recommended.version !== module.currentVersion ? recommended : undefined;
  return (
    <dl className={classes.details} data-testid="evidence">
      {!judged && module.explanation && <Fact name="Why">{module.explanation}</Fact>}
      {module.override && (
        <Fact name="Said by an administrator">
          <Override override={module.override} />
        </Fact>
      )}
      <Fact name="What decided">
        {verdict.ruleText}{" "}
        {verdict.ruleSetText && <span className="soft">By {verdict.ruleSetText}.</span>}
        {verdict.rule === "branch-unsupported" && verdict.supportedBranches.length > 0 && (
          <> Supported: {verdict.supportedBranches.map((branch) => `${branch}x`).join(", ")}.</>
        )}
      </Fact>
      {insecureSince && (
        <Fact name="Insecure since">
          {insecureSince.text}
          {exposed && (
            <>
              {" "}
              This site is exposed since <span title={formatExact(exposed)}>{formatDay(exposed)}</span>.
            </>
          )}
        </Fact>
      )}
      <Fact name="Installed">
        {installed ? (
          <Release release={installed} />
        ) : (
          <>{formatVersion(module.currentVersion)}, which the release history does not list</>
        )}
        {installedAt && (
          <span className="soft">
            {" "}
            On this site since <span title={formatExact(installedAt)}>{formatDay(installedAt)}</span>.
          </span>
        )}
      </Fact>
      {better && (
        <Fact name="Go to">
          <Release release={better} />
        </Fact>
      )}
      {verdict.securityUpdates.length > 0 && (
        <Fact name="Security releases on the way">
          <Releases releases={verdict.securityUpdates} label="Security releases, oldest first" />
        </Fact>
      )}
      {latest && latest.version !== module.currentVersion && (
        <Fact name="Latest">
          <Release release={latest} />
        </Fact>
      )}
      {development && (
        <Fact name="Newest snapshot">
          <Release release={development} />
        </Fact>
      )}
      {verdict.alsoAvailable.length > 0 && (
        <Fact name="Also available">
          <Releases releases={verdict.alsoAvailable} label="Also available" />
        </Fact>
      )}
      {coreCoverage && (
        <Fact name="Security coverage">
          {coreCoverage.text} <span className="soft">Known from {coreCoverage.basis}.</span>
        </Fact>
      )}
      {feed && (
        <Fact name="Data">
          <Data feed={feed} />
        </Fact>
      )}
      {verdict.changes.length > 0 && (
        <Fact name="Verdict over time">
          <Changes changes={verdict.changes} />
        </Fact>
      )}
      {module.extensions.length > 0 && <Fact name="Extensions of it here">{module.extensions.join(", ")}</Fact>}
      <Fact name="Elsewhere">
        <Link to="/modules/$name" params={{ name: module.moduleName }}>
          All sites with {module.title || module.moduleName}
        </Link>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** What an administrator says instead of the release history, why and until when. */
export function Override({ override }: { override: AppliedOverride }) {
  const since = toDate(override.since);
  const until = toDate(override.until);
  return (
    <>
      {override.note} <span className="soft">Why: {override.reason}</span>{" "}
      <span className="soft">
        ({override.author}
        {since && `, ${formatDay(since)}`}
        {until ? `, until ${formatDay(until)}` : ", until it is removed"}.) Without it: {describeStatus(override.insteadOf).label}.
      </span>
    </>
  );
}

const MARKS: Record<string, "danger" | "warning" | "good"> = {
  Insecure: "danger",
  Unsupported: "warning",
  "Security update": "good",
};

function Release({ release }: { release: ReleaseEvidence }) {
  const date = toDate(release.date);
  return (
    <span className={classes.release}>
      <span className="nums">
        <ExternalLink href={release.link}>{release.version}</ExternalLink>
      </span>
      {date && (
        <span className="soft nums" title={formatExact(date)}>
          {formatDay(date)}
        </span>
      )}
      {release.terms.map((term) => (
        <Badge key={term} tone={MARKS[term] ?? "neutral"}>
          {term}
        </Badge>
      ))}
      {release.unpublished && <Badge tone="danger">Withdrawn</Badge>}
      {release.coreCompatibility && (
        <span className={release.coreCompatibility.compatible ? "soft small" : classes.needsCore}>
          {release.coreCompatibility.text}
        </span>
      )}
    </span>
  );
}

function Releases({ releases, label }: { releases: readonly ReleaseEvidence[]; label: string }) {
  return (
    <ol className={classes.releases} aria-label={label}>
      {releases.map((release) => (
        <li key={release.version}>
          <Release release={release} />
        </li>
      ))}
    </ol>
  );
}

function Data({ feed }: { feed: FeedEvidence }) {
  const fetched = toDate(feed.fetchedAt);
  const next = toDate(feed.nextCheckAt);
  return (
    <>
      Release history at {feed.source}, series {feed.series}. {feed.stateText}{" "}
      {fetched ? (
        <>
          Confirmed <TimeAgo date={fetched} />.
        </>
      ) : (
        "Never had."
      )}
      {next && (
        <span className="soft">
          {" "}
          Asked again by <span title={formatExact(next)}>{formatExact(next)}</span>.
        </span>
      )}
    </>
  );
}

function Changes({ changes }: { changes: readonly VerdictChange[] }) {
  return (
    <ol className={classes.releases} aria-label="Changes of the verdict, newest first">
      {changes.map((change, index) => {
        const at = toDate(change.at);
        return (
          <li key={index}>
            <span className="nums" title={at && formatExact(at)}>
              {at && formatDay(at)}
            </span>
            : {describeStatus(change.to).label}
            {change.from !== 0 && <span className="soft"> (was {describeStatus(change.from).label})</span>}.{" "}
            <span className="soft">{change.reason}</span>
          </li>
        );
      })}
    </ol>
  );
}
