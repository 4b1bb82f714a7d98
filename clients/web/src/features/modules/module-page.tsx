import { useQuery } from "@connectrpc/connect-query";
import { SitesService, type ModuleSite } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { Button, Loader, Skeleton, VisuallyHidden } from "@mantine/core";
import { keepPreviousData } from "@tanstack/react-query";
import { Link, useLocation, useParams, useSearch } from "@tanstack/react-router";
import { StatusBadge } from "@/components/ui/badge";
import { EmptyState } from "@/components/ui/empty-state";
import { ExternalLink } from "@/components/ui/external-link";
import { Icon } from "@/components/ui/icon";
import { ProblemNotice } from "@/components/ui/notice";
import { useDocumentTitle } from "@/components/ui/page";
import { formatUrl, formatVersion } from "@/lib/format";
import { useSession } from "@/lib/session/session";
import classes from "./module-page.module.css";

/** Which sites run a project, or one version of it. */
export function ModulePage() {
  const { name } = useParams({ from: "/signed-in/modules/$name" });
  const { version, page } = useSearch({ from: "/signed-in/modules/$name" });
  const trail = useLocation({ select: (location) => location.state.trail });
  const { organization } = useSession();
  useDocumentTitle(version ? `${name} ${version}` : name);
  const list = useQuery(
    SitesService.method.listModuleSites,
    {
      organizationId: organization.organizationId,
      moduleName: name,
      version: version ?? "",
      pageSize: 100,
      pageToken: page ?? "",
    },
    { placeholderData: keepPreviousData },
  );
  const sites = list.data?.sites;
  const before = trail?.at(-1);

  return (
    <div className="page stack">
      <div>
        <h1>
          Sites with {name}
          {version && ` ${version}`}
        </h1>
        <p className="row" style={{ gap: "0.25rem 1rem" }}>
          {version && (
            <Link to="/modules/$name" params={{ name }}>
              Show all versions
            </Link>
          )}
          {/^[a-z][a-z0-9_]*$/.test(name) && (
            <ExternalLink href={`https://www.drupal.org/project/${name}`}>Project on drupal.org</ExternalLink>
          )}
        </p>
      </div>
      {list.error ? (
        <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />
      ) : !sites ? (
        <Skeleton height={320} role="status" aria-label="Loading the sites" />
      ) : (
        <section className="card" aria-label="Sites" aria-busy={list.isPlaceholderData}>
          {sites.length === 0 ? (
            <EmptyState icon="search" title="No site runs this">
              <p>
                No site of {organization.organizationName} has {name}
                {version && ` ${version}`} at present.
              </p>
            </EmptyState>
          ) : (
            <>
              <div className={classes.columns} aria-hidden="true">
                <span>Site</span>
                <span>Installed</span>
                <span>Recommended</span>
                <span>Verdict</span>
              </div>
              <ul aria-label="Sites">
                {sites.map((site) => (
                  <Row key={site.siteId} site={site} />
                ))}
              </ul>
            </>
          )}
          {(page || list.data?.nextPageToken) && (
            <nav className={classes.pager} aria-label="Pages">
              {page ? (
                <Button
                  variant="default"
                  size="sm"
                  leftSection={<Icon name="chevronLeft" size={16} />}
                  renderRoot={(props) => (
                    <Link
                      to="/modules/$name"
                      params={{ name }}
                      search={{ version, page: before || undefined }}
                      state={(previous) => ({ ...previous, trail: trail && trail.length > 1 ? trail.slice(0, -1) : undefined })}
                      {...props}
                    />
                  )}
                >
                  {trail ? "Previous" : "First page"}
                </Button>
              ) : (
                <span />
              )}
              {list.isFetching && <Loader size="xs" aria-label="Updating" />}
              {list.data?.nextPageToken && !list.isPlaceholderData ? (
                <Button
                  variant="default"
                  size="sm"
                  rightSection={<Icon name="chevronRight" size={16} />}
                  renderRoot={(props) => (
                    <Link
                      to="/modules/$name"
                      params={{ name }}
                      search={{ version, page: list.data?.nextPageToken }}
                      state={(previous) => ({ ...previous, trail: [...(trail ?? []), page ?? ""] })}
                      {...props}
                    />
                  )}
                >
                  Next
                </Button>
              ) : (
                <span />
              )}
            </nav>
          )}
        </section>
      )}
    </div>
  );
}

function Row({ site }: { site: ModuleSite }) {
  return (
    <li className={classes.row}>
      <div className={classes.site}>
        <Link to="/sites/$siteId" params={{ siteId: site.siteId }} className={classes.name}>
          {site.siteName}
        </Link>
        <div className="small soft wrap-anywhere">{formatUrl(site.siteUrl)}</div>
      </div>
      <div className="nums wrap-anywhere">
        <VisuallyHidden>Installed: </VisuallyHidden>
        {formatVersion(site.version)}
      </div>
      <div className="nums wrap-anywhere">
        {site.recommendedVersion && site.recommendedVersion !== site.version ? (
          <>
            <span className={classes.arrow}>
              <Icon name="arrowRight" size={14} />
            </span>
            <VisuallyHidden>Recommended: </VisuallyHidden>
            {site.recommendedVersion}
          </>
        ) : (
          <span className="soft">{site.recommendedVersion ? "as installed" : "none"}</span>
        )}
      </div>
      <div>
        <StatusBadge status={site.status} />
      </div>
    </li>
  );
}
