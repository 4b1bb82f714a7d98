import { describe, expect, it } from "vitest";
import { safeHref, safeReturnPath } from "./safe-url";

describe("safeHref", () => {
  it.each([
    ["https://www.drupal.org/project/token", true],
    ["http://intranet.example/", true],
    ["javascript:alert(1)", false],
    ["JavaScript:alert(1)", false],
    [" javascript:alert(1)", false],
    ["data:text/html,x", false],
    ["//elsewhere.example", false],
    ["/relative", false],
    ["", false],
  ])("%s", (url, allowed) => {
    expect(safeHref(url)).toBe(allowed ? url : undefined);
  });
});

describe("safeReturnPath", () => {
  it.each([
    ["a page of ours is returned to", "/sites?state=insecure", "/sites?state=insecure"],
    ["nothing leads to the sites", undefined, "/sites"],
    ["another host is refused", "https://elsewhere.example/", "/sites"],
    ["a host without a scheme is refused", "//elsewhere.example/", "/sites"],
    ["a backslash is refused", "/\\elsewhere.example/", "/sites"],
    ["dots that make a host are refused", "/.//elsewhere.example", "/sites"],
    ["the sign-in page would be a circle", "/sign-in?return=/sites", "/sites"],
  ])("%s", (_, path, expected) => {
    expect(safeReturnPath(path)).toBe(expected);
  });
});
