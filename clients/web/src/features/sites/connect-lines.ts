import type { Site } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { uuidv7 } from "@/lib/uuid";
import { quoteShell } from "./shell-quote";

const SUBMIT_PATH = "/drumbeat.ingest.v1.IngestService/SubmitReport";

/**
 * A small but complete report in the JSON that SubmitReport takes: core, two
 * contributed projects and a module of the site's own.
 */
export function exampleReport(site: Pick<Site, "id" | "url" | "name" | "environment">, now: Date): object {
  const core = { version: "10.3.1", pathKind: "core", lifecycle: "stable", package: "Core", enabled: true };
  const contributed = { type: "module", enabled: true, pathKind: "contrib", lifecycle: "stable" };
  return {
    reportId: uuidv7(now),
    collectedAt: now.toISOString(),
    trigger: "manual",
    agent: { name: "curl", version: "example" },
    site: { id: site.id, url: site.url, name: site.name, environment: site.environment },
    platform: {
      drupalVersion: "10.3.1",
      phpVersion: "8.3.14",
      phpSapi: "cli",
      dbDriver: "mysql",
      dbVersion: "10.11.6-MariaDB",
      profile: "standard",
    },
    extensions: [
      { ...core, name: "system", type: "module", project: "drupal", title: "System" },
      { ...core, name: "node", type: "module", project: "drupal", title: "Node" },
      { ...core, name: "claro", type: "theme", project: "drupal", title: "Claro" },
      {
        ...contributed,
        name: "token",
        project: "token",
        version: "8.x-1.13",
        datestamp: 1697885927,
        title: "Token",
        package: "Other",
      },
      {
        ...contributed,
        name: "pathauto",
        project: "pathauto",
        version: "8.x-1.12",
        datestamp: 1696776684,
        title: "Pathauto",
        package: "Other",
      },
      {
        name: "example_custom",
        type: "module",
        enabled: true,
        title: "Example of custom code",
        pathKind: "custom",
        package: "Custom",
      },
    ],
  };
}

/** The command that sends the example report, to paste into any POSIX shell. */
export function curlLine(
  origin: string,
  key: string,
  site: Pick<Site, "id" | "url" | "name" | "environment">,
  now: Date,
): string {
  return [
    `curl -sS -X POST ${quoteShell(origin + SUBMIT_PATH)}`,
    `  -H 'Content-Type: application/json'`,
    `  -H ${quoteShell(`Authorization: Bearer ${key}`)}`,
    `  --data-raw ${quoteShell(JSON.stringify(exampleReport(site, now)))}`,
  ].join(" \\\n");
}

/**
 * Address, site and key in one line, as the Drupal module's form takes it:
 * `drumbeat:` and the base64url, without padding, of a JSON object.
 */
export function connectionString(origin: string, key: string, site: Pick<Site, "id">): string {
  const json = JSON.stringify({ v: 1, url: origin, site: site.id, key });
  const encoded = btoa(json).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `drumbeat:${encoded}`;
}

/** The environments that the Drupal module reports from unless told otherwise. */
const REPORTING = ["production", "prod", "live"];

/** Whether the key would cross a network unencrypted, which the Drupal module refuses unless allowed. */
export function isPlainHttp(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  const local = /^(localhost|.*\.localhost|\[::1\]|127(\.\d+){3})$/.test(hostname);
  return protocol === "http:" && !local;
}

/** The lines for a Drupal site's settings.php, instead of the connection string. */
export function settingsLines(origin: string, key: string, site: Pick<Site, "id" | "environment">): string {
  const { environment } = site;
  return [
    `$config['drumbeat.settings']['server_url'] = ${quotePhp(origin)};`,
    `$config['drumbeat.settings']['site_id'] = ${quotePhp(site.id)};`,
    `$settings['drumbeat']['key'] = ${quotePhp(key)};`,
    environment && `$settings['drumbeat']['environment'] = ${quotePhp(environment)};`,
    environment &&
      !REPORTING.includes(environment) &&
      `$config['drumbeat.settings']['reporting_environments'] = [${quotePhp(environment)}];`,
    isPlainHttp(origin) && "$settings['drumbeat']['allow_http'] = TRUE;",
  ]
    .filter(Boolean)
    .join("\n");
}

/** A PHP string in single quotes, where only the backslash and the quote are special. */
export function quotePhp(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
