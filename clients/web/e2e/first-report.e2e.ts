import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectAccessible, expectNoSideways, launchBrowser, screenshot, watchForTrouble, WIDTHS } from "./browser";
import { administrator, startServer, type RunningServer } from "./server";

const run = promisify(execFile);

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
});

describe("a first administrator", () => {
  it("follows the printed link, sets up, and finds an empty list that teaches", async () => {
    const server = await startServer({ unattended: false });
    const context = await browser.newContext({ viewport: WIDTHS.desktop });
    try {
      const link = /\s(http:\/\/\S+\/setup#token=\S+)/.exec(server.output())?.[1];
      if (!link) throw new Error(`no set-up link in:\n${server.output()}`);
      const trouble = watchForTrouble(context, server.origin, [/GetCurrentUser/]);
      const page = await context.newPage();

      await page.goto(server.origin);
      await page.getByText("This Drumbeat is new").waitFor();
      await page.goto(link);
      await page.getByLabel("Organisation").fill(administrator.organization);
      await page.getByLabel("Your name").fill(administrator.name);
      await page.getByLabel("E-mail").fill(administrator.email);
      await page.getByLabel("Password", { exact: true }).fill(administrator.password);
      await expectAccessible(page, "setup");
      await screenshot(page, "setup-desktop");
      await page.getByRole("button", { name: "Set up" }).click();
      await page.getByRole("heading", { name: "Connect your first site" }).waitFor();
      await expectAccessible(page, "empty list");
      await screenshot(page, "empty-desktop");
      expect(trouble).toEqual([]);
    } finally {
      await context.close();
      await server.stop();
    }
  });
});

describe("a first report", () => {
  let server: RunningServer;
  let context: BrowserContext;
  let page: Page;
  let trouble: string[];
  let siteUrl = "";

  beforeAll(async () => {
    server = await startServer({ unattended: true });
    context = await browser.newContext({ viewport: WIDTHS.desktop, colorScheme: "light" });
    // Being signed out is answered with an error, which the browser logs; and the
    // stream may tell of a deletion before the deletion itself is answered.
    trouble = watchForTrouble(context, server.origin, [/GetCurrentUser/, /SignIn/, /status of 404 .*SitesService/]);
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
  });

  afterAll(async () => {
    await context?.close();
    await server?.stop();
  });

  it("the server forbids everything that the page does not need", async () => {
    const response = await page.goto(server.origin);
    const policy = (await response?.allHeaders())?.["content-security-policy"] ?? "";
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain("unsafe-inline");
  });

  it("refuses a wrong password and says so", async () => {
    await page.goto(`${server.origin}/sites?sort=name`);
    await page.getByLabel("E-mail").fill(administrator.email);
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("wrong").waitFor();
  });

  it("signs in and goes on where one wanted to be", async () => {
    await page.getByLabel("Password", { exact: true }).fill(administrator.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Connect your first site" }).waitFor();
    expect(page.url()).toBe(`${server.origin}/sites?sort=name`);
    await page.getByTestId("live").and(page.locator("[data-state=live]")).waitFor();
  });

  it("creates a site", async () => {
    await page.getByRole("link", { name: "Add a site" }).click();
    await page.getByLabel("Name").fill(`O'Brien's "Shop" $(id)`);
    await page.getByLabel("URL").fill("https://shop.example");
    await page.getByRole("button", { name: "Add site" }).click();
    await page.getByTestId("site-key").waitFor();
    await page.getByText("Waiting for the first report").waitFor();
    await expectAccessible(page, "connect");
    await screenshot(page, "connect-desktop", true);
  });

  it("takes the curl line exactly as the page shows it, and shows the report without reloading", async () => {
    await page.getByRole("tab", { name: "Try it with curl" }).click();
    const line = await page.getByTestId("curl-line").textContent();
    if (!line) throw new Error("the page shows no curl line");
    await page.evaluate(() => Object.assign(window, { notReloaded: true }));

    await run("sh", ["-c", "command -v curl"]).catch(() => {
      throw new Error("curl is missing: install it, for this test runs the page's curl line");
    });
    const { stdout, stderr } = await run("sh", ["-c", line]);
    expect(JSON.parse(stdout || "{}"), stderr + stdout).toHaveProperty("reportId");

    await page.getByText("First report received").waitFor();
    await page.getByRole("link", { name: "See what the site runs" }).click();
    await page.getByRole("list", { name: "Security" }).waitFor();
    siteUrl = page.url();
    expect(await page.evaluate(() => "notReloaded" in window)).toBe(true);
  });

  it("puts each project into the right list", async () => {
    const list = (name: string) => page.getByRole("list", { name, exact: true }).getByRole("listitem");
    const security = list("Security");
    expect(await security.count()).toBe(1);
    const core = await security.first().textContent();
    for (const text of ["Drupal core", "10.3.1", "10.3.11", "Insecure"]) expect(core).toContain(text);

    const updates = list("Other updates");
    expect(await updates.count()).toBe(1);
    for (const text of ["Token", "8.x-1.13", "8.x-1.15"]) expect(await updates.first().textContent()).toContain(text);

    const current = list("Up to date");
    expect(await current.count()).toBe(1);
    expect(await current.first().textContent()).toContain("Pathauto");

    expect(await list("Custom code").first().textContent()).toContain("Example of custom code");
  });

  it("links to drupal.org", async () => {
    const row = page.getByRole("list", { name: "Other updates" });
    expect(await row.getByRole("link", { name: /^Token/ }).getAttribute("href")).toBe(
      "https://www.drupal.org/project/token",
    );
    expect(await row.getByRole("link", { name: /8\.x-1\.15/ }).getAttribute("href")).toBe(
      "https://www.drupal.org/project/token/releases/8.x-1.15",
    );
  });

  it("changes the open list by itself when the next report arrives", async () => {
    const second = await context.newPage();
    await second.goto(siteUrl);
    await second.getByRole("tab", { name: "Keys" }).click();
    await second.getByRole("button", { name: "New key" }).click();
    await second.getByRole("tab", { name: "Try it with curl" }).click();
    const line = await second.getByTestId("curl-line").textContent();
    await second.close();
    await page.getByTestId("live").and(page.locator("[data-state=live]")).waitFor();
    // The same site, but for Token, which is brought up to date.
    const updated = (line ?? "").replace('"8.x-1.13"', '"8.x-1.15"').replace("1697885927", "1722206211");
    expect(updated).not.toBe(line);
    const { stdout } = await run("sh", ["-c", updated]);
    expect(JSON.parse(stdout)).toHaveProperty("reportId");
    await page.getByText("There is no other update to install.").waitFor();
    await page.getByRole("tab", { name: "Patch runs" }).click();
    const item = page.getByRole("list", { name: "Patch runs" }).getByText("Token").first();
    await item.waitFor();
    await expectAccessible(page, "patch runs");
  });

  it("keeps a new name and URL", async () => {
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("URL").fill("https://new.example/");
    await page.getByLabel("Name").fill("Shop");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "Shop" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Shop" }).waitFor();
    await page.getByRole("link", { name: /new\.example/ }).waitFor();
  });

  it("shows in the list what it counted", async () => {
    await page.goto(`${server.origin}/sites`);
    const row = page.getByRole("row", { name: /Shop/ });
    const text = (await row.textContent()) ?? "";
    for (const part of ["Shop", "new.example", "10.3.1", "Insecure"]) expect(text).toContain(part);
    await page.getByText("1 of 1 site reported in the last 26 hours").waitFor();
    await page.getByRole("searchbox").fill("nothing like this");
    await page.getByText("No site matches").waitFor();
    await page.getByRole("button", { name: "Show all sites" }).click();
    await row.waitFor();
  });

  for (const colorScheme of ["light", "dark"] as const) {
    for (const [device, viewport] of Object.entries(WIDTHS)) {
      it(`is usable and readable on a ${device}, ${colorScheme}`, async () => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(viewport);
        const sitePath = new URL(siteUrl).pathname;
        const pages: [name: string, path: string, ready: string][] = [
          ["sites", "/sites", "Shop"],
          ["site", sitePath, "Custom code"],
          ["runs", `${sitePath}?tab=runs`, "Token"],
          ["keys", `${sitePath}?tab=keys`, "New key"],
          ["new-site", "/sites/new", "Add a site"],
          ["module", "/modules/token", "Sites with token"],
          ["feeds", "/admin/feeds", "token"],
          ["overrides", "/admin/overrides", "No overrides"],
          ["password", "/profile", "Change password"],
          ["not-found", "/nowhere", "This page does not exist"],
        ];
        for (const [name, path, ready] of pages) {
          await page.goto(server.origin + path);
          await page.getByText(ready).first().waitFor();
          await page.waitForLoadState("load");
          await expectAccessible(page, `${name} ${device} ${colorScheme}`);
          await expectNoSideways(page, `${name} ${device}`);
          await screenshot(page, `${name}-${device}-${colorScheme}`, true);
        }
        await page.goto(server.origin + sitePath);
        await page.getByRole("button", { name: /Details of Drupal core/ }).click();
        await page.getByTestId("evidence").getByText("carries the mark Insecure").waitFor();
        await expectAccessible(page, `why ${device} ${colorScheme}`);
        await expectNoSideways(page, `why ${device}`);
        await screenshot(page, `why-${device}-${colorScheme}`, true);
      });
    }
  }

  it("can be worked by keyboard", async () => {
    await page.setViewportSize(WIDTHS.desktop);
    await page.goto(`${server.origin}/sites`);
    await page.getByRole("row", { name: /Shop/ }).waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Updates" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/sort=updates/);
    await page.getByRole("link", { name: "Shop" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Shop" }).waitFor();
    await page.getByRole("button", { name: /Details of Drupal core/ }).focus();
    await page.keyboard.press("Space");
    await page.getByText("Extensions of it here").waitFor();
  });

  it("revokes a key after asking", async () => {
    await page.getByRole("tab", { name: "Keys" }).click();
    const revoke = page.getByRole("button", { name: /Revoke the key/ });
    await revoke.first().waitFor();
    const before = await revoke.count();
    await revoke.first().click();
    await page.getByRole("button", { name: "Revoke key" }).click();
    await page.getByText(/^Revoked/).waitFor();
    expect(await revoke.count()).toBe(before - 1);
  });

  it("deletes a site only when its name is typed", async () => {
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByLabel("Type the name to confirm").fill("Shop");
    await expectAccessible(page, "delete dialog");
    await page.getByRole("button", { name: "Delete site" }).click();
    await page.getByRole("heading", { name: "Connect your first site" }).waitFor();
  });

  it("changes the password and signs out", async () => {
    await page.goto(`${server.origin}/profile`);
    await page.getByLabel("Current password").fill(administrator.password);
    await page.getByLabel("New password").fill("another good password");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("Your password was changed").waitFor();
    await page.getByRole("button", { name: /Account of/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await page.goto(`${server.origin}/sites`);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
  });

  it("nothing broke the policy, failed in the console, or went to another host", () => {
    expect(trouble).toEqual([]);
  });
});
