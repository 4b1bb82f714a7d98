import { AxeBuilder } from "@axe-core/playwright";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { expect } from "vitest";

const results = fileURLToPath(new URL("../test-results/", import.meta.url));

export const WIDTHS = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };

/** Starts the machine's Chromium; `CHROMIUM_PATH` names another one. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM_PATH"] || process.env["CHROMIUM"] || "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    throw new Error(`${executablePath} is missing: install Chromium, or name it in CHROMIUM_PATH`);
  }
  mkdirSync(results, { recursive: true });
  return chromium.launch({
    executablePath,
    args: [
      // Chromium has no sandbox for root.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * Watches for what must not happen on any page: an error in the console, which
 * a broken Content-Security-Policy is as well, an exception, or a request to
 * another host.
 */
export function watchForTrouble(context: BrowserContext, origin: string, expected: RegExp[] = []): string[] {
  const trouble: string[] = [];
  const note = (text: string) => {
    if (!expected.some((pattern) => pattern.test(text))) trouble.push(text);
  };
  context.on("console", (message) => {
    if (message.type() === "error") note(`console: ${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => note(`exception: ${error.error().message}`));
  context.on("request", (request) => {
    if (!request.url().startsWith(origin)) note(`request elsewhere: ${request.url()}`);
  });
  return trouble;
}

/** Fails for a serious or critical finding of axe. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(
    bad.map(({ id, help, nodes }) => `${name}: ${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`),
  ).toEqual([]);
}

/** Fails when the page is wider than the window. */
export async function expectNoSideways(page: Page, name: string): Promise<void> {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(excess, `${name} is ${excess} px too wide`).toBeLessThanOrEqual(0);
}

export async function screenshot(page: Page, name: string, fullPage = false): Promise<void> {
  await page.screenshot({ path: `${results}${name}.png`, fullPage, animations: "disabled" });
}
