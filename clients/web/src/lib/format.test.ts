import { describe, expect, it } from "vitest";
import { formatCount, formatRelative, formatUrl, formatVersion } from "./format";

const now = new Date("2026-11-22T12:00:00Z");

describe("formatRelative", () => {
  it.each([
    ["the same moment is just now", "2026-11-22T12:00:00Z", "just now"],
    ["59 seconds are just now", "2026-11-22T11:59:01Z", "just now"],
    ["a clock slightly ahead is just now", "2026-11-22T12:00:30Z", "just now"],
    ["a minute", "2026-11-22T11:59:00Z", "1 minute ago"],
    ["59 minutes are no hour yet", "2026-11-22T11:00:01Z", "59 minutes ago"],
    ["hours are whole", "2026-11-22T09:01:00Z", "2 hours ago"],
    ["a day is yesterday", "2026-11-21T11:00:00Z", "yesterday"],
    ["days", "2026-11-12T12:00:00Z", "10 days ago"],
    ["months", "2026-09-01T12:00:00Z", "2 months ago"],
    ["years", "2023-11-01T12:00:00Z", "3 years ago"],
  ])("%s", (_, date, expected) => {
    expect(formatRelative(new Date(date), now)).toBe(expected);
  });
});

describe("formatVersion", () => {
  it("tells absent from empty", () => {
    expect(formatVersion(undefined)).toBe("unknown");
    expect(formatVersion("")).toBe("(empty)");
    expect(formatVersion("8.x-1.2")).toBe("8.x-1.2");
  });
});

describe("formatCount and formatUrl", () => {
  it("counts in words", () => {
    expect(formatCount(1, "site", "sites")).toBe("1 site");
    expect(formatCount(20000, "site", "sites")).toBe("20,000 sites");
  });
  it("leaves out what nobody reads", () => {
    expect(formatUrl("https://example.org/")).toBe("example.org");
    expect(formatUrl("http://example.org/de/")).toBe("example.org/de");
  });
});
