import { ModuleList, type SiteModule } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";

export type ModuleGroups = {
  security: SiteModule[];
  update: SiteModule[];
  upToDate: SiteModule[];
  /** Unsupported only because the whole platform is: one state of the site. */
  platformEnded: SiteModule[];
  /** Everything that no list claims as well: never shown as fine. */
  unknown: SiteModule[];
};

/** Puts each project into its list, in the order in which the server gave them. */
export function groupModules(modules: readonly SiteModule[]): ModuleGroups {
  const groups: ModuleGroups = { security: [], update: [], upToDate: [], platformEnded: [], unknown: [] };
  for (const module of modules) {
    switch (module.list) {
      case ModuleList.SECURITY:
        groups.security.push(module);
        break;
      case ModuleList.UPDATE:
        groups.update.push(module);
        break;
      case ModuleList.UP_TO_DATE:
        groups.upToDate.push(module);
        break;
      case ModuleList.PLATFORM_ENDED:
        groups.platformEnded.push(module);
        break;
      default:
        groups.unknown.push(module);
    }
  }
  return groups;
}

/** Whether a project's name, title or one of its extensions contains the text. */
export function matchesModule(module: SiteModule, text: string): boolean {
  const needle = text.trim().toLowerCase();
  if (!needle) return true;
  return (
    module.moduleName.toLowerCase().includes(needle) ||
    module.title.toLowerCase().includes(needle) ||
    module.extensions.some((extension) => extension.toLowerCase().includes(needle))
  );
}
