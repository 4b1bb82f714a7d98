import { create } from "@bufbuild/protobuf";
import { SiteModuleSchema } from "@drumbeat/api/drumbeat/sites/v1/sites_pb";
import { describe, expect, it } from "vitest";
import { composerConstraint, composerRequire } from "./composer";

describe("composerConstraint", () => {
  it.each([
    ["8.x-1.15", false, "^1.15"],
    ["2.0.3", false, "^2.0.3"],
    ["3.0.0-rc14", false, "^3.0.0-rc14"],
    ["8.x-5.0-alpha9", false, "^5.0-alpha9"],
    ["2.x-dev", false, "2.x-dev"],
    ["2.0.x-dev", false, "2.0.x-dev"],
    ["8.x-1.x-dev", false, "1.x-dev"],
    ["10.5.6", true, "~10.5.6"],
    ["7.x-1.2", false, undefined],
    ["", false, undefined],
    ["1.0; rm -rf /", false, undefined],
    ["1.0 --foo", false, undefined],
  ])("%s", (version, core, expected) => {
    expect(composerConstraint(version, core)).toBe(expected);
  });
});

describe("composerRequire", () => {
  const module = (moduleName: string, currentVersion: string, recommendedVersion: string) =>
    create(SiteModuleSchema, { moduleName, currentVersion, recommendedVersion });

  it("names each project with the release to go to", () => {
    const { command, leftOut } = composerRequire([
      module("drupal", "10.3.1", "10.5.6"),
      module("token", "8.x-1.13", "8.x-1.15"),
    ]);
    expect(command).toBe(
      "composer require 'drupal/core-recommended:~10.5.6' 'drupal/core-composer-scaffold:~10.5.6' 'drupal/token:^1.15' --update-with-all-dependencies",
    );
    expect(leftOut).toEqual([]);
  });

  it("leaves out what has no release, and what has a name that is none", () => {
    const { command, leftOut } = composerRequire([
      module("abandoned", "1.0.0", ""),
      module("same", "1.0.0", "1.0.0"),
      module("x'; rm -rf /", "1.0.0", "1.1.0"),
    ]);
    expect(command).toBe("");
    expect(leftOut.length).toBe(3);
  });
});
