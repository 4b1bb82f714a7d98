import { createConnectQueryKey } from "@connectrpc/connect-query";
import { AuthService } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import { ReportsService } from "@drumbeat/api/drumbeat/reports/v1/reports_pb";
import { SitesService } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { expect, it } from "vitest";
import { isAffected } from "./affected";

const list = createConnectQueryKey({
  schema: SitesService.method.listSites,
  input: { organizationId: "o", search: "x" },
  cardinality: "finite",
});
const siteA = createConnectQueryKey({ schema: SitesService.method.getSite, input: { siteId: "a" }, cardinality: "finite" });
const modulesB = createConnectQueryKey({
  schema: SitesService.method.listSiteModules,
  input: { siteId: "b", pageSize: 1000 },
  cardinality: "infinite",
});
const runsA = createConnectQueryKey({
  schema: ReportsService.method.listPatchRuns,
  input: { siteId: "a" },
  cardinality: "infinite",
});
const user = createConnectQueryKey({ schema: AuthService.method.getCurrentUser, cardinality: "finite" });

it("a changed site touches its own pages and all lists", () => {
  const affected = isAffected(new Set(["a"]));
  expect([list, siteA, modulesB, runsA, user].map((queryKey) => affected({ queryKey }))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
});

it("an empty message touches every site, and nothing else", () => {
  const affected = isAffected(new Set());
  expect([list, siteA, modulesB, runsA, user].map((queryKey) => affected({ queryKey }))).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
});

it("leaves other keys alone", () => {
  expect(isAffected(new Set())({ queryKey: ["something", {}] })).toBe(false);
});
