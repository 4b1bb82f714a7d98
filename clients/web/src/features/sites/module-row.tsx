import type { SiteModule } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { VisuallyHidden } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";
import { Badge, StatusBadge } from "@/components/ui/badge";
import { ExternalLink } from "@/components/ui/external-link";
import { Icon } from "@/components/ui/icon";
import { formatDay, formatExact, formatVersion, toDate } from "@/lib/format";
import { ModuleEvidence } from "./module-evidence";
import classes from "./module-lists.module.css";

/**
 * One project on a site: what is installed, what to go to, and why.
 *
 * @param judged shows the verdict and its reason at once, for lists whose rows
 * differ in it; the others show since when the version is there.
 */
export function ModuleRow({ siteId, module, judged }: { siteId: string; module: SiteModule; judged: boolean }) {
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
          {module.override && (
            <Badge tone="neutral" icon="pencil" title={`${module.override.note}: ${module.override.reason}`}>
              Overridden
            </Badge>
          )}
        </div>
        <div className={classes.cellExpand}>
          <button
            type="button"
            className={classes.expand}
            aria-expanded={open}
            aria-controls={id}
            aria-label={`Details of ${title}`}
            title="Why"
            onClick={() => setOpen(!open)}
          >
            <Icon name="chevronDown" />
          </button>
        </div>
      </div>
      {judged && module.explanation && <p className={classes.why}>{module.explanation}</p>}
      <div id={id} hidden={!open}>
        {open && <ModuleEvidence siteId={siteId} module={module} judged={judged} />}
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
