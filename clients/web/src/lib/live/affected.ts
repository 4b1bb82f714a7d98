import { SitesService } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { ReportsService } from "@drumbeat/api/drumbeat/reports/v1/reports_pb";
import type { Query } from "@tanstack/react-query";

/** Queries over many sites: any change may touch them. */
const FLEET = new Set([
  `${SitesService.typeName}/${SitesService.method.listSites.name}`,
  `${SitesService.typeName}/${SitesService.method.getFleetSummary.name}`,
  `${SitesService.typeName}/${SitesService.method.listModuleSites.name}`,
]);

/** Queries of one site, by the `siteId` of their request. */
const SITE = new Set([
  `${SitesService.typeName}/${SitesService.method.getSite.name}`,
  `${SitesService.typeName}/${SitesService.method.listSiteModules.name}`,
  `${SitesService.typeName}/${SitesService.method.getModuleVerdict.name}`,
  `${SitesService.typeName}/${SitesService.method.listSiteKeys.name}`,
  `${ReportsService.typeName}/${ReportsService.method.listPatchRuns.name}`,
]);

type KeyPart = { serviceName?: string; methodName?: string; input?: { siteId?: string } | "skipped" };

/**
 * Says which cached answers a change of sites makes stale.
 *
 * @param siteIds the changed sites; empty for "anything may have changed".
 */
export function isAffected(siteIds: ReadonlySet<string>): (query: Pick<Query, "queryKey">) => boolean {
  return ({ queryKey }) => {
    if (queryKey[0] !== "connect-query") return false;
    const { serviceName, methodName, input } = queryKey[1] as KeyPart;
    const method = `${serviceName}/${methodName}`;
    if (FLEET.has(method)) return true;
    if (!SITE.has(method)) return false;
    if (siteIds.size === 0) return true;
    return typeof input === "object" && input.siteId !== undefined && siteIds.has(input.siteId);
  };
}
