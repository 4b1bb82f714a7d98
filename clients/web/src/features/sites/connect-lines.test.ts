import { fromJson } from "@bufbuild/protobuf";
import { SubmitReportRequestSchema } from "@drumbeat/api/drumbeat/ingest/v1/ingest_pb";
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { connectionString, curlLine, exampleReport, quotePhp, settingsLines } from "./connect-lines";
import { quoteShell } from "./shell-quote";

const hostile = {
  id: "018f0001-0000-7000-8000-000000000001",
  name: `O'Brien & "Sons" $(id) \`id\` \\ ü %s\n!`,
  url: "https://example.org/'$(id)",
  environment: "production",
};
const now = new Date("2026-11-22T12:00:00Z");

/** What a program sees as its arguments when a POSIX shell runs the line. */
function argumentsOf(line: string): string[] {
  const stub = `curl() { for each in "$@"; do printf '%s\\0' "$each"; done; }\n`;
  return execFileSync("sh", ["-c", stub + line], { encoding: "utf8" }).split("\0").slice(0, -1);
}

describe("quoteShell", () => {
  it.each(["", "plain", "it's", "''", "a\\'b", "$(id)", "`id`", '"', "new\nline", "-n", "ü", "!"])("%j", (text) => {
    expect(argumentsOf(`curl ${quoteShell(text)}`)).toEqual([text]);
  });
});

describe("curlLine", () => {
  const line = curlLine("http://localhost:8080", "dbk_secret", hostile, now);

  it("reaches curl as it was meant, whatever the site is called", () => {
    const [silent, flag, method, url, , type, , authorization, data, body] = argumentsOf(line);
    expect([silent, flag, method]).toEqual(["-sS", "-X", "POST"]);
    expect(url).toBe("http://localhost:8080/drumbeat.ingest.v1.IngestService/SubmitReport");
    expect(type).toBe("Content-Type: application/json");
    expect(authorization).toBe("Authorization: Bearer dbk_secret");
    expect(data).toBe("--data-raw");
    expect(JSON.parse(body ?? "").site.name).toBe(hostile.name);
  });

  it("holds a fresh report each time", () => {
    const ids = [line, curlLine("http://localhost:8080", "k", hostile, now)].map(
      (each) => JSON.parse(argumentsOf(each).at(-1) ?? "").reportId,
    );
    expect(ids[0]).not.toBe(ids[1]);
  });
});

describe("exampleReport", () => {
  it("is a report that the server's contract knows, with no unknown field", () => {
    const report = fromJson(SubmitReportRequestSchema, JSON.parse(JSON.stringify(exampleReport(hostile, now))));
    expect(report.extensions.length).toBeGreaterThan(0);
    expect(report.platform?.drupalVersion).toBe("10.3.1");
    expect(report.collectedAt).toBeDefined();
    const custom = report.extensions.find((each) => each.pathKind === "custom");
    expect(custom?.version).toBeUndefined();
  });
});

describe("settingsLines", () => {
  it("name server, site and key", () => {
    expect(settingsLines("https://drumbeat.example", "dbk_1", hostile)).toBe(
      [
        "$config['drumbeat.settings']['server_url'] = 'https://drumbeat.example';",
        `$config['drumbeat.settings']['site_id'] = '${hostile.id}';`,
        "$settings['drumbeat']['key'] = 'dbk_1';",
        "$settings['drumbeat']['environment'] = 'production';",
      ].join("\n"),
    );
  });

  it("let an environment report that would stay silent, and allow http only where it is needed", () => {
    const lines = settingsLines("http://10.0.0.5:8080", "dbk_1", { ...hostile, environment: "o'staging" });
    expect(lines).toContain("['reporting_environments'] = ['o\\'staging'];");
    expect(lines).toContain("['allow_http'] = TRUE;");
    expect(settingsLines("http://localhost:8080", "dbk_1", hostile)).not.toContain("allow_http");
    expect(settingsLines("http://127.0.0.1:8080", "dbk_1", { ...hostile, environment: "" })).not.toContain("environment");
  });

  it("quote for PHP", () => {
    expect(quotePhp("a'b\\c")).toBe("'a\\'b\\\\c'");
  });
});

describe("connectionString", () => {
  it("holds address, site and key", () => {
    const text = connectionString("https://drumbeat.example", "dbt_site_x", hostile);
    expect(text).toMatch(/^drumbeat:[A-Za-z0-9_-]+$/);
    const json = Buffer.from(text.slice("drumbeat:".length), "base64url").toString();
    expect(JSON.parse(json)).toEqual({ v: 1, url: "https://drumbeat.example", site: hostile.id, key: "dbt_site_x" });
  });
});
