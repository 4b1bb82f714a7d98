import type { ReleaseLink, SiteModule } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { VisuallyHidden } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";
import { StatusBadge } from "@/components/ui/badge";
import { ExternalLink } from "@/components/ui/external-link";
import { Icon } from "@/components/ui/icon";
import { TimeAgo } from "@/components/ui/time-ago";
import { formatDay, formatExact, formatVersion, toDate } from "@/lib/format";
import classes from "./module-lists.module.css";

/**
 * One project on a site: what is installed, what to go to, and why.
 *
 * @param judged shows the verdict and its reason at once, for lists whose rows
 * differ in it; the others show since when the version is there.
 */
export function ModuleRow({ module, judged }: { module: SiteModule; judged: boolean }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const title = module.title || module.moduleName;
  const [kind, uninstalled] = module.projectType.split("-");
  return (
    <li className={classes.item}>
      <div className={classes.main}>
        <div className={classes.cellTitle}>
          <div className={classes.title}>
            {module.drupalLink ? <ExternalLink href={module.drupalLink}>{title}</ExternalLink> : title}
          </div>
          <div className={classes.project}>
            {module.moduleName}
            {kind && kind !== "module" && kind !== module.moduleName && ` · ${kind}`}
            {uninstalled && " · not installed"}
          </div>
        </div>
        <div className={classes.cellCurrent}>
          <span className={classes.label} aria-hidden="true">
            Installed
          </span>
          <VisuallyHidden>Installed: </VisuallyHidden>
          <Link
            to="/modules/$name"
            params={{ name: module.moduleName }}
            search={{ version: module.currentVersion || undefined }}
            className={classes.version}
            title="All sites with this version"
          >
            {formatVersion(module.currentVersion)}
          </Link>
        </div>
        <div className={classes.cellRecommended}>
          <span className={classes.label} aria-hidden="true">
            Recommended
          </span>
          <Recommended module={module} />
        </div>
        <div className={classes.cellStatus} data-judged={judged}>
          {judged ? <StatusBadge status={module.status} /> : <Since module={module} />}
        </div>
        <div className={classes.cellExpand}>
          <button
            type="button"
            className={classes.expand}
            aria-expanded={open}
            aria-controls={id}
            aria-label={`Details of ${title}`}
            onClick={() => setOpen(!open)}
          >
            <Icon name="chevronDown" />
          </button>
        </div>
      </div>
      {judged && module.explanation && <p className={classes.why}>{module.explanation}</p>}
      <div id={id} hidden={!open}>
        {open && <Details module={module} judged={judged} />}
      </div>
    </li>
  );
}

function Since({ module }: { module: SiteModule }) {
  const installed = toDate(module.installedAt);
  if (!installed) return null;
  return (
    <span className="soft" title={formatExact(installed)}>
      <span className={classes.sinceWord}>since </span>
      {formatDay(installed)}
    </span>
  );
}

function Recommended({ module }: { module: SiteModule }) {
  if (!module.recommendedVersion) return <span className="soft">none</span>;
  if (module.recommendedVersion === module.currentVersion) return <span className="soft">as installed</span>;
  return (
    <span className={classes.version}>
      <VisuallyHidden>Recommended: </VisuallyHidden>
      <ExternalLink href={module.recommendedLink}>{module.recommendedVersion}</ExternalLink>
    </span>
  );
}

function Details({ module, judged }: { module: SiteModule; judged: boolean }) {
  const installed = toDate(module.installedAt);
  const checked = toDate(module.checkedAt);
  return (
    <dl className={classes.details}>
      {!judged && module.explanation && (
        <>
          <dt>Why</dt>
          <dd>{module.explanation}</dd>
        </>
      )}
      {module.securityUpdates.length > 0 && (
        <>
          <dt>Security releases on the way</dt>
          <dd>
            <Releases releases={module.securityUpdates} />
          </dd>
        </>
      )}
      {module.alsoAvailable.length > 0 && (
        <>
          <dt>Also available</dt>
          <dd>
            <Releases releases={module.alsoAvailable} />
          </dd>
        </>
      )}
      {module.extensions.length > 0 && (
        <>
          <dt>Extensions of it here</dt>
          <dd>{module.extensions.join(", ")}</dd>
        </>
      )}
      {judged && installed && (
        <>
          <dt>This version since</dt>
          <dd>
            <span title={formatExact(installed)}>{formatDay(installed)}</span>
          </dd>
        </>
      )}
      <dt>drupal.org asked</dt>
      <dd>{checked ? <TimeAgo date={checked} /> : "never"}</dd>
      <dt>Elsewhere</dt>
      <dd>
        <Link to="/modules/$name" params={{ name: module.moduleName }}>
          All sites with {module.title || module.moduleName}
        </Link>
      </dd>
    </dl>
  );
}

function Releases({ releases }: { releases: readonly ReleaseLink[] }) {
  return (
    <ul className="row" style={{ gap: "0.25rem 0.75rem" }}>
      {releases.map((release) => (
        <li key={release.version} className="nums">
          <ExternalLink href={release.link}>{release.version}</ExternalLink>
        </li>
      ))}
    </ul>
  );
}

