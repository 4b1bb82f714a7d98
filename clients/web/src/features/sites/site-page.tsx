import { useMutation, useQuery } from "@connectrpc/connect-query";
import { ModuleStatus, PlatformState, SitesService, type ModuleCounts, type Site } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Button, Group, Skeleton, Tabs } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { Badge, StatusBadge } from "@/components/ui/badge";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { EmptyState } from "@/components/ui/empty-state";
import { ExternalLink } from "@/components/ui/external-link";
import { Icon } from "@/components/ui/icon";
import { Notice, ProblemNotice } from "@/components/ui/notice";
import { useDocumentTitle } from "@/components/ui/page";
import { TimeAgo } from "@/components/ui/time-ago";
import { toProblem } from "@/lib/errors";
import { formatDay, formatExact, formatNumber, formatUrl, toDate } from "@/lib/format";
import { isAffected } from "@/lib/live/affected";
import { Role, useSession } from "@/lib/session/session";
import { describePlatform, type Tone } from "@/lib/words";
import { EditSiteForm } from "./edit-site-form";
import { KeyList } from "./key-list";
import { ModuleLists } from "./module-lists";
import { PatchRuns } from "./patch-runs";
import classes from "./site-page.module.css";

export function SitePage() {
  const { siteId } = useParams({ from: "/signed-in/sites/$siteId" });
  const site = useQuery(SitesService.method.getSite, { siteId });
  useDocumentTitle(site.data?.site?.name);

  return (
    <div className="page stack stack--wide">
      <div className="stack">
        <div>
          <Link to="/sites" className={classes.back}>
            <Icon name="chevronLeft" size={16} />
            All sites
          </Link>
        </div>
        {site.data?.site ? (
          // A site's page starts afresh for another site.
          <SiteContent key={siteId} site={site.data.site} problem={site.error} onRetry={() => void site.refetch()} />
        ) : site.error ? (
          <SiteProblem error={site.error} onRetry={() => void site.refetch()} />
        ) : (
          <div className="stack" role="status" aria-label="Loading the site">
            <Skeleton height={32} width={280} />
            <Skeleton height={90} />
            <Skeleton height={320} />
          </div>
        )}
      </div>
    </div>
  );
}

function SiteProblem({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { kind } = toProblem(error);
  if (kind !== "not-found" && kind !== "invalid") return <ProblemNotice error={error} onRetry={onRetry} />;
  return (
    <div className="card">
      <EmptyState icon="question" title="There is no such site" actions={<Link to="/sites">Go to the sites</Link>}>
        <p>It was removed, or it belongs to an organisation that you are not in.</p>
      </EmptyState>
    </div>
  );
}

function SiteContent({ site, problem, onRetry }: { site: Site; problem: unknown; onRetry: () => void }) {
  const { may } = useSession();
  const { tab = "modules" } = useSearch({ from: "/signed-in/sites/$siteId" });
  const navigate = useNavigate({ from: "/sites/$siteId" });
  const mayEdit = may(Role.USER, site.organizationId);
  const mayDelete = may(Role.ORGANIZATION_ADMIN, site.organizationId);

  return (
    <>
      <SiteHeader site={site} mayEdit={mayEdit} mayDelete={mayDelete} />
      {problem ? <ProblemNotice error={problem} onRetry={onRetry} /> : null}
      {site.platformState === PlatformState.END_OF_LIFE && (
        <Notice tone="warning" title="End of life">
          {site.platformNote} Whatever is said below of its projects, the site itself has to move on.
        </Notice>
      )}
      {site.platformState === PlatformState.ENDING && <Notice tone="info">{site.platformNote}</Notice>}
      <Facts site={site} />
      <Tabs
        value={tab}
        onChange={(value) =>
          void navigate({
            search: { tab: value === "runs" || value === "keys" ? value : undefined },
            resetScroll: false,
          })
        }
        keepMounted={false}
        className={classes.tabs}
      >
        <Tabs.List>
          <Tabs.Tab value="modules">Modules</Tabs.Tab>
          <Tabs.Tab value="runs">Patch runs</Tabs.Tab>
          {mayEdit && <Tabs.Tab value="keys">Keys</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="modules">
          <ModuleLists site={site} mayEdit={mayEdit} />
        </Tabs.Panel>
        <Tabs.Panel value="runs">
          <PatchRuns siteId={site.id} />
        </Tabs.Panel>
        {mayEdit && (
          <Tabs.Panel value="keys">
            <KeyList site={site} />
          </Tabs.Panel>
        )}
      </Tabs>
    </>
  );
}

function SiteHeader({ site, mayEdit, mayDelete }: { site: Site; mayEdit: boolean; mayDelete: boolean }) {
  const [editing, setEditing] = useState(false);
  if (editing) return <EditSiteForm site={site} onDone={() => setEditing(false)} />;
  return (
    <div className="row row--between" style={{ alignItems: "flex-start" }}>
      <div style={{ minWidth: 0, flex: "1 1 16rem" }}>
        <Group gap="xs">
          <h1>{site.name}</h1>
          {site.environment && <Badge tone="neutral">{site.environment}</Badge>}
        </Group>
        <p className="wrap-anywhere">
          <ExternalLink href={site.url}>{formatUrl(site.url)}</ExternalLink>
        </p>
      </div>
      <Group gap="xs">
        {mayEdit && (
          <Button variant="default" leftSection={<Icon name="pencil" size={16} />} onClick={() => setEditing(true)}>
            Edit
          </Button>
        )}
        {mayDelete && <DeleteSite site={site} />}
      </Group>
    </div>
  );
}

function DeleteSite({ site }: { site: Site }) {
  const [asking, setAsking] = useState(false);
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const remove = useMutation(SitesService.method.deleteSite, {
    async onSuccess() {
      await navigate({ to: "/sites" });
      await queryClient.invalidateQueries({ predicate: isAffected(new Set([site.id])), refetchType: "active" });
    },
  });
  return (
    <>
      <Button
        variant="default"
        leftSection={<Icon name="trash" size={16} />}
        onClick={() => {
          remove.reset();
          setAsking(true);
        }}
      >
        Delete
      </Button>
      <ConfirmDialog
        opened={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => remove.mutate({ siteId: site.id })}
        title="Delete this site?"
        confirmLabel="Delete site"
        typed={site.name}
        pending={remove.isPending}
        error={remove.error}
      >
        It disappears from all lists, and its keys stop working at once. Its history stays.
      </ConfirmDialog>
    </>
  );
}

function Facts({ site }: { site: Site }) {
  const last = toDate(site.lastReportAt);
  const changed = toDate(site.lastChangeAt);
  const created = toDate(site.createdAt);
  const platform = describePlatform(site.platformState);
  // Nothing on a dead platform is simply up to date.
  const shown = site.platformState !== PlatformState.END_OF_LIFE || site.coreStatus !== ModuleStatus.CURRENT;
  const facts: [string, ReactNode][] = [
    [
      "Drupal core",
      site.coreVersion && (
        <Group gap="xs">
          {site.coreVersion}
          {shown && <StatusBadge status={site.coreStatus} />}
          {platform && <Badge tone={platform.tone}>{platform.label}</Badge>}
        </Group>
      ),
    ],
    ["PHP", site.phpVersion],
    ["Database", site.database],
    ["Profile", site.profile],
    ["Last report", last ? <TimeAgo date={last} /> : "none yet"],
    ["Last change", changed && <TimeAgo date={changed} />],
    ["Added", created && <span title={formatExact(created)}>{formatDay(created)}</span>],
  ];
  return (
    <section className="card" aria-label="Facts about the site">
      <dl className={classes.facts}>
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="nums">{value}</dd>
            </div>
          ))}
      </dl>
      {site.counts && last && <Counts counts={site.counts} />}
    </section>
  );
}

function Counts({ counts }: { counts: ModuleCounts }) {
  const all: { value: number; label: string; tone: Tone }[] = [
    { value: counts.insecure, label: "insecure", tone: "danger" },
    { value: counts.unsupported, label: "unsupported", tone: "warning" },
    { value: counts.platformEnded, label: "unsupported with the platform", tone: "neutral" },
    { value: counts.outdated, label: "with an update", tone: "notice" },
    { value: counts.unknown, label: "not checked", tone: "unknown" },
    { value: counts.current, label: "up to date", tone: "good" },
    { value: counts.custom, label: "custom", tone: "neutral" },
  ];
  return (
    <ul className={classes.counts} aria-label="Projects by verdict">
      {all
        .filter(({ value }) => value > 0)
        .map(({ value, label, tone }) => (
          <li key={label}>
            <Badge tone={tone}>
              {formatNumber(value)} {label}
            </Badge>
          </li>
        ))}
    </ul>
  );
}
