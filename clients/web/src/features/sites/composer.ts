import type { SiteModule } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { quoteShell } from "./shell-quote";

export type ComposerLine = {
  /** The command; empty when there is nothing that Composer can do. */
  command: string;
  /** Projects that the command leaves out, because there is no release to name. */
  leftOut: SiteModule[];
};

const PROJECT = /^[a-z][a-z0-9_]*$/;

/**
 * Composer's constraint for a release of drupal.org: `8.x-1.15` is `^1.15`
 * there, `2.x-dev` stays. Undefined for what Composer cannot require: Drupal 7's
 * releases, and anything that does not look like a version.
 */
export function composerConstraint(version: string, core: boolean): string | undefined {
  const match = /^(?:8\.x-)?(\d+(?:\.\d+){0,2}(?:-(?:alpha|beta|rc)\d+)?|\d+(?:\.\d+)?\.x-dev)$/i.exec(version);
  const plain = match?.[1];
  if (!plain || version.startsWith("7.x-")) return undefined;
  if (plain.endsWith("-dev")) return plain;
  // Core moves to another minor only when one asks for it.
  return core ? `~${plain}` : `^${plain}`;
}

/** One `composer require` that brings all these projects to their recommended release. */
export function composerRequire(modules: readonly SiteModule[]): ComposerLine {
  const wanted: string[] = [];
  const leftOut: SiteModule[] = [];
  for (const module of modules) {
    const core = module.moduleName === "drupal";
    const constraint = composerConstraint(module.recommendedVersion, core);
    const moves = module.recommendedVersion !== module.currentVersion;
    if (!constraint || !moves || !PROJECT.test(module.moduleName)) {
      leftOut.push(module);
    } else if (core) {
      wanted.push(`drupal/core-recommended:${constraint}`, `drupal/core-composer-scaffold:${constraint}`);
    } else {
      wanted.push(`drupal/${module.moduleName}:${constraint}`);
    }
  }
  if (wanted.length === 0) return { command: "", leftOut };
  return {
    command: `composer require ${wanted.map(quoteShell).join(" ")} --update-with-all-dependencies`,
    leftOut,
  };
}
