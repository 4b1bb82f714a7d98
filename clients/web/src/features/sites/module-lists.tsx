import { useInfiniteQuery } from "@connectrpc/connect-query";
import {
  SitesService,
  type CustomExtension,
  type Site,
  type SiteModule,
} from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Button, Skeleton, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect, useId, useState, type ReactNode } from "react";
import { Badge } from "@/components/ui/badge";
import { CodeBlock } from "@/components/ui/code-block";
import { EmptyState } from "@/components/ui/empty-state";
import { Icon, type IconName } from "@/components/ui/icon";
import { ProblemNotice } from "@/components/ui/notice";
import { formatCount, formatNumber, formatVersion } from "@/lib/format";
import type { Tone } from "@/lib/words";
import { composerRequire } from "./composer";
import { FirstReport } from "./connect-panel";
import { groupModules, matchesModule } from "./group-modules";
import classes from "./module-lists.module.css";
import { ModuleRow } from "./module-row";

const COLLAPSED = 10;

/** Reads all of a site's projects, page after page: a list in parts could call a site secure that is not. */
function useSiteModules(siteId: string) {
  const query = useInfiniteQuery(
    SitesService.method.listSiteModules,
    { siteId, pageSize: 1000, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  const { hasNextPage, isFetchingNextPage, isError, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isError, fetchNextPage]);
  return {
    error: query.error,
    refetch: query.refetch,
    modules: query.data?.pages.flatMap((page) => page.modules),
    custom: query.data?.pages.flatMap((page) => page.customExtensions) ?? [],
    complete: Boolean(query.data) && !hasNextPage,
  };
}

export function ModuleLists({ site, mayEdit }: { site: Site; mayEdit: boolean }) {
  const { modules, custom, complete, error, refetch } = useSiteModules(site.id);

  if (!site.lastReportAt) return <Waiting site={site} mayEdit={mayEdit} />;
  if (error) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (!modules || !complete) {
    return (
      <div className="stack" role="status" aria-label="Loading the modules">
        <Skeleton height={160} />
        <Skeleton height={220} />
      </div>
    );
  }

  const groups = groupModules(modules);
  return (
    <div className="stack">
      <Security siteId={site.id} modules={groups.security} />
      <Section
        siteId={site.id}
        title="Other updates"
        tone="notice"
        icon="update"
        modules={groups.update}
        empty="There is no other update to install."
              />
      {groups.platformEnded.length > 0 && (
        <Section
          siteId={site.id}
          title="Unsupported with the platform"
          tone="warning"
          icon="alert"
          intro={`Nobody maintains these for this version of Drupal any more. That is one thing to do, not ${formatNumber(groups.platformEnded.length)}: move the site to a supported version.`}
          modules={groups.platformEnded}
          searchable
        />
      )}
      {groups.unknown.length > 0 && (
        <Section
          siteId={site.id}
          title="Could not be checked"
          tone="unknown"
          icon="question"
          intro="There is no verdict on these. That does not mean that they are fine: look at each of them yourself."
          modules={groups.unknown}
          judged
        />
      )}
      <Section
        siteId={site.id}
        title="Up to date"
        tone="good"
        icon="checkCircle"
        modules={groups.upToDate}
        empty="Nothing is up to date."
                searchable
      />
      {custom.length > 0 && <Custom extensions={custom} />}
    </div>
  );
}

function Waiting({ site, mayEdit }: { site: Site; mayEdit: boolean }) {
  return (
    <div className="card">
      <EmptyState
        icon="inbox"
        title="No report yet"
        actions={
          mayEdit && (
            <Button
              variant="default"
              leftSection={<Icon name="key" size={16} />}
              renderRoot={(props) => (
                <Link to="/sites/$siteId" params={{ siteId: site.id }} search={{ tab: "keys" }} {...props} />
              )}
            >
              Make a key and connect the site
            </Button>
          )
        }
      >
        <p>
          This site has not sent anything, so that nothing is known of what it runs. Give it its key; the next run of
          cron sends the first report.
        </p>
        <FirstReport siteId={site.id} />
      </EmptyState>
    </div>
  );
}

function Security({ siteId, modules }: { siteId: string; modules: readonly SiteModule[] }) {
  const [showing, setShowing] = useState(false);
  const composer = composerRequire(modules);
  const id = useId();
  if (modules.length === 0) {
    return (
      <section className={`card ${classes.section}`} aria-labelledby={id}>
        <div className={classes.sectionHead} data-empty="true">
          <Icon name="checkCircle" />
          <h2 id={id}>Security</h2>
          <Badge tone="good">0</Badge>
          <p>Nothing that was checked is insecure, revoked or unsupported.</p>
        </div>
      </section>
    );
  }
  return (
    <section className={`card ${classes.section} ${classes.security}`} aria-labelledby={id}>
      <div className={classes.sectionHead}>
        <Icon name="shield" />
        <h2 id={id}>Security</h2>
        <Badge tone="danger">{formatNumber(modules.length)}</Badge>
        {composer.command && (
          <div className={classes.headEnd}>
            <Button
              size="xs"
              variant="default"
              aria-expanded={showing}
              leftSection={<Icon name="code" size={15} />}
              onClick={() => setShowing(!showing)}
            >
              Composer command
            </Button>
          </div>
        )}
        <p>Insecure, revoked or unsupported: act on these first.</p>
      </div>
      {showing && (
        <div className={classes.composer} style={{ borderTop: 0 }}>
          <CodeBlock label="Composer command for the security list" text={composer.command} testId="composer" />
          <p className="small soft" style={{ marginTop: "0.375rem" }}>
            Run it in the site’s project folder, then <code>drush updatedb</code>.
            {composer.leftOut.length > 0 &&
              ` Left out, for there is no release to go to: ${composer.leftOut.map((each) => each.moduleName).join(", ")}.`}
          </p>
        </div>
      )}
      <Columns judged />
      <ul aria-label="Security">
        {modules.map((module) => (
          <ModuleRow key={module.moduleName} siteId={siteId} module={module} judged />
        ))}
      </ul>
    </section>
  );
}

function Columns({ judged }: { judged: boolean }) {
  return (
    <div className={classes.columns} aria-hidden="true">
      <span>Project</span>
      <span>Installed</span>
      <span>Recommended</span>
      <span>{judged ? "Verdict" : "Since"}</span>
      <span />
    </div>
  );
}

function Section({
  siteId,
  title,
  tone,
  icon,
  intro,
  modules,
  empty,
  judged = false,
  searchable = false,
}: {
  siteId: string;
  title: string;
  tone: Tone;
  icon: IconName;
  intro?: ReactNode;
  modules: readonly SiteModule[];
  empty?: string;
  judged?: boolean;
  searchable?: boolean;
}) {
  const [all, setAll] = useState(false);
  const [filter, setFilter] = useState("");
  const id = useId();
  const long = modules.length > COLLAPSED;
  const found = searchable && filter ? modules.filter((module) => matchesModule(module, filter)) : modules;
  const shown = searchable && long && !all && !filter ? found.slice(0, COLLAPSED) : found;
  return (
    <section className={`card ${classes.section}`} aria-labelledby={id}>
      <div className={classes.sectionHead} data-empty={modules.length === 0}>
        <Icon name={icon} />
        <h2 id={id}>{title}</h2>
        <Badge tone={modules.length > 0 ? tone : "neutral"}>{formatNumber(modules.length)}</Badge>
        {searchable && long && (
          <div className={`${classes.headEnd} ${classes.filter}`}>
            <TextInput
              size="xs"
              type="search"
              aria-label={`Search in ${title}`}
              placeholder="Search"
              leftSection={<Icon name="search" size={14} />}
              value={filter}
              onChange={(event) => setFilter(event.currentTarget.value)}
            />
          </div>
        )}
        {modules.length === 0 ? <p>{empty}</p> : intro && <p>{intro}</p>}
      </div>
      {modules.length > 0 && (
        <>
          {shown.length > 0 ? (
            <>
              <Columns judged={judged} />
              <ul aria-label={title}>
                {shown.map((module) => (
                  <ModuleRow key={module.moduleName} siteId={siteId} module={module} judged={judged} />
                ))}
              </ul>
            </>
          ) : (
            <p className={classes.nothing}>Nothing found for “{filter}”.</p>
          )}
          {searchable && long && !filter && (
            <div className={classes.more}>
              <Button variant="subtle" size="xs" aria-expanded={all} onClick={() => setAll(!all)}>
                {all ? "Show fewer" : `Show all ${formatNumber(modules.length)}`}
              </Button>
            </div>
          )}
        </>
      )}
    </section>
  );
}

function Custom({ extensions }: { extensions: readonly CustomExtension[] }) {
  const id = useId();
  return (
    <section className={`card ${classes.section}`} aria-labelledby={id}>
      <div className={classes.sectionHead}>
        <Icon name="code" />
        <h2 id={id}>Custom code</h2>
        <Badge tone="neutral">{formatNumber(extensions.length)}</Badge>
        <p>
          {formatCount(extensions.length, "extension", "extensions")} of the site’s own. Never looked up, and never
          judged.
        </p>
      </div>
      <ul aria-label="Custom code">
        {extensions.map((extension) => (
          <li key={`${extension.type} ${extension.name}`} className={classes.item}>
            <div className={classes.main}>
              <div className={classes.cellTitle}>
                <div className={classes.title}>{extension.title || extension.name}</div>
                <div className={classes.project}>
                  {extension.name} · {extension.type}
                  {!extension.enabled && " · not installed"}
                </div>
              </div>
              <div className={classes.cellCurrent}>
                <span className={classes.version}>
                  {extension.version === undefined ? <span className="soft">no version</span> : formatVersion(extension.version)}
                </span>
              </div>
            </div>
            {extension.note && <p className={classes.why}>{extension.note}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
