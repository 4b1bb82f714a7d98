import { expect, it } from "vitest";
import { uuidv7 } from "./uuid";

it("is a UUID of version 7 that begins with the time", () => {
  const id = uuidv7(new Date("2026-11-22T12:00:00.123Z"));
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const millis = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  expect(new Date(millis).toISOString()).toBe("2026-11-22T12:00:00.123Z");
});

it("is another one each time", () => {
  const now = new Date();
  expect(new Set(Array.from({ length: 100 }, () => uuidv7(now))).size).toBe(100);
});
