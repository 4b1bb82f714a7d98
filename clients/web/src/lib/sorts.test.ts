import { expect, it } from "vitest";
import { directionOf, nextSort } from "./sorts";

it("begins a number with the largest and a text with A", () => {
  expect(nextSort("name", "security")).toBe("security desc");
  expect(nextSort("security desc", "name")).toBe("name");
});

it("turns the order round on the second click", () => {
  expect(nextSort("name", "name")).toBe("name desc");
  expect(nextSort("last_report desc", "last_report")).toBe("last_report");
});

it("does not take one column for another", () => {
  expect(directionOf("updates desc", "security")).toBeUndefined();
  expect(directionOf("updates desc", "updates")).toBe("descending");
});
