import { create } from "@bufbuild/protobuf";
import { ModuleList, SiteModuleSchema } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { expect, it } from "vitest";
import { groupModules, matchesModule } from "./group-modules";

const module = (moduleName: string, list: ModuleList) => create(SiteModuleSchema, { moduleName, list });

it("puts each project into its list and keeps the order", () => {
  const groups = groupModules([
    module("b", ModuleList.SECURITY),
    module("a", ModuleList.SECURITY),
    module("c", ModuleList.UPDATE),
    module("d", ModuleList.UP_TO_DATE),
    module("e", ModuleList.UNKNOWN),
    module("f", ModuleList.PLATFORM_ENDED),
  ]);
  expect(groups.platformEnded.map((each) => each.moduleName)).toEqual(["f"]);
  expect(groups.security.map((each) => each.moduleName)).toEqual(["b", "a"]);
  expect(groups.update.map((each) => each.moduleName)).toEqual(["c"]);
  expect(groups.upToDate.map((each) => each.moduleName)).toEqual(["d"]);
  expect(groups.unknown.map((each) => each.moduleName)).toEqual(["e"]);
});

it("never takes a list that it does not know for fine", () => {
  const groups = groupModules([module("a", ModuleList.UNSPECIFIED), module("b", 99 as ModuleList)]);
  expect(groups.unknown.length).toBe(2);
});

it("finds by name, title and extension, in any case", () => {
  const token = create(SiteModuleSchema, { moduleName: "token", title: "Token", extensions: ["token_actions"] });
  expect(matchesModule(token, " TOK ")).toBe(true);
  expect(matchesModule(token, "actions")).toBe(true);
  expect(matchesModule(token, "pathauto")).toBe(false);
  expect(matchesModule(token, "")).toBe(true);
});
