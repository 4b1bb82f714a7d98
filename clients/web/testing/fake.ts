import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { AuthService, UserSchema } from "@drumbeat/api/drumbeat/auth/v1/auth_pb";
import { IngestService } from "@drumbeat/api/drumbeat/ingest/v1/ingest_pb";
import { Role } from "@drumbeat/api/drumbeat/policy/v1/policy_pb";
import {
  FeedSchema,
  FeedState,
  OverrideSchema,
  ReleasesService,
  type Feed,
  type Override,
} from "@drumbeat/api/drumbeat/releases/v1/releases_pb";
import { PatchRunKind, PatchRunSchema, ReportsService } from "@drumbeat/api/drumbeat/reports/v1/reports_pb";
import {
  CustomExtensionSchema,
  InsecureSince_Basis,
  ModuleList,
  ModuleStatus,
  ModuleVerdictSchema,
  PlatformState,
  SiteKeySchema,
  SiteModuleSchema,
  SiteSchema,
  SitesService,
  SiteState,
  type Site,
  type SiteKey,
  type SiteModule,
} from "@drumbeat/api/drumbeat/sites/v1/sites_pb";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const ORGANIZATION_ID = "018f0000-0000-7000-8000-000000000001";
export const OTHER_ORGANIZATION_ID = "018f0000-0000-7000-8000-000000000002";

export type FakeOptions = {
  /** How many sites there are. */
  sites?: number;
  role?: Role;
  signedIn?: boolean;
  superuser?: boolean;
  setupNeeded?: boolean;
};

/** A repeatable source of numbers from 0 up to 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const CATALOGUE: [name: string, title: string, current: string, recommended: string][] = [
  ["admin_toolbar", "Admin Toolbar", "3.5.0", "3.6.2"],
  ["ctools", "Chaos Tool Suite (ctools)", "4.1.0", "4.1.0"],
  ["entity_reference_revisions", "Entity Reference Revisions", "8.x-1.12", "8.x-1.12"],
  ["field_group", "Field Group", "3.6.0", "4.0.0"],
  ["gin", "Gin Admin Theme", "3.0.0-rc14", "4.0.6"],
  ["google_tag", "Google Tag Manager", "2.0.7", "2.0.9"],
  ["metatag", "Metatag", "2.0.2", "2.1.1"],
  ["paragraphs", "Paragraphs", "8.x-1.18", "8.x-1.19"],
  ["pathauto", "Pathauto", "8.x-1.13", "8.x-1.13"],
  ["redirect", "Redirect", "8.x-1.10", "8.x-1.12"],
  ["search_api", "Search API", "8.x-1.35", "8.x-1.39"],
  ["simple_sitemap", "Simple XML sitemap", "4.2.2", "4.2.2"],
  ["token", "Token", "8.x-1.15", "8.x-1.15"],
  ["twig_tweak", "Twig Tweak", "3.4.0", "3.4.1"],
  ["webform", "Webform", "6.2.9", "6.2.9"],
  ["devel", "Devel", "5.3.1", "5.4.0"],
  ["linkit", "Linkit", "6.1.5", "7.0.6"],
  ["crop", "Crop API", "8.x-2.4", "8.x-2.5"],
  ["focal_point", "Focal Point", "2.1.1", "2.1.2"],
  ["diff", "Diff", "8.x-1.8", "8.x-1.8"],
  ["captcha", "CAPTCHA", "2.0.7", "2.0.9"],
  ["eu_cookie_compliance", "EU Cookie Compliance (GDPR Compliance)", "8.x-1.24", "8.x-1.28"],
  ["facets", "Facets", "2.0.9", "3.0.1"],
  ["config_split", "Configuration Split", "2.0.2", "2.0.2"],
];

function uuid(kind: number, index: number): string {
  return `018f${kind.toString(16).padStart(4, "0")}-0000-7000-8000-${index.toString(16).padStart(12, "0")}`
    .replace(/^018f(....)-/, "018f$1-");
}

type Entry = { site: Site; modules: SiteModule[]; keys: SiteKey[]; organizationId: string };

function releaseLink(name: string, version: string): string {
  return `https://www.drupal.org/project/${name}/releases/${version}`;
}

function makeModules(index: number, now: Date): SiteModule[] {
  const random = seeded(index + 7);
  const old = index % 3;
  const core = ["10.5.6", "11.2.8", "10.3.1"][old] ?? "10.5.6";
  const modules: SiteModule[] = [
    create(SiteModuleSchema, {
      moduleName: "drupal",
      title: "Drupal core",
      projectType: "core",
      list: old === 2 ? ModuleList.SECURITY : ModuleList.UP_TO_DATE,
      status: old === 2 ? ModuleStatus.NOT_SECURE : ModuleStatus.CURRENT,
      currentVersion: core,
      recommendedVersion: old === 2 ? "10.5.6" : core,
      recommendedLink: releaseLink("drupal", "10.5.6"),
      drupalLink: "https://www.drupal.org/project/drupal",
      explanation:
        old === 2 ? "Release 10.3.1 is insecure. Security releases of its branch: 10.3.6, 10.3.9 and 10.3.10." : "",
      securityUpdates:
        old === 2
          ? ["10.3.6", "10.3.9", "10.3.10"].map((version) => ({ version, link: releaseLink("drupal", version) }))
          : [],
      alsoAvailable: [{ version: "11.2.8", link: releaseLink("drupal", "11.2.8") }],
      extensions: ["block", "comment", "node", "system", "user", "views"],
    }),
  ];
  for (const [name, title, current, recommended] of CATALOGUE) {
    if (random() < 0.2) continue;
    const behind = current !== recommended && random() < 0.65;
    modules.push(
      create(SiteModuleSchema, {
        moduleName: name,
        title,
        projectType: name === "gin" ? "theme" : random() < 0.08 ? "module-uninstalled" : "module",
        list: behind ? ModuleList.UPDATE : ModuleList.UP_TO_DATE,
        status: behind ? ModuleStatus.NOT_CURRENT : ModuleStatus.CURRENT,
        currentVersion: behind ? current : recommended,
        recommendedVersion: recommended,
        recommendedLink: releaseLink(name, recommended),
        drupalLink: `https://www.drupal.org/project/${name}`,
        extensions: [name, `${name}_ui`],
      }),
    );
  }
  if (index % 2 === 0) {
    modules.push(
      create(SiteModuleSchema, {
        moduleName: "webform_views",
        title: "Webform Views Integration",
        projectType: "module",
        list: ModuleList.SECURITY,
        status: ModuleStatus.NOT_SUPPORTED,
        currentVersion: "8.x-5.0-alpha9",
        drupalLink: "https://www.drupal.org/project/webform_views",
        explanation: "The branch 8.x-5. is no longer supported, and no supported release is on offer.",
        extensions: ["webform_views"],
      }),
      create(SiteModuleSchema, {
        moduleName: "acme_connector",
        title: "ACME Connector",
        projectType: "module",
        list: ModuleList.UNKNOWN,
        status: ModuleStatus.NOT_FETCHED,
        currentVersion: "1.0.0",
        drupalLink: "https://www.drupal.org/project/acme_connector",
        explanation: "drupal.org has no project of this name.",
        extensions: ["acme_connector"],
      }),
    );
  }
  if (index % 4 === 2) {
    modules.push(
      create(SiteModuleSchema, {
        moduleName: "svg_image",
        title: "SVG Image",
        projectType: "module",
        list: ModuleList.SECURITY,
        status: ModuleStatus.REVOKED,
        currentVersion: "3.0.1",
        recommendedVersion: "3.2.1",
        recommendedLink: releaseLink("svg_image", "3.2.1"),
        drupalLink: "https://www.drupal.org/project/svg_image",
        explanation: "Release 3.0.1 was withdrawn on drupal.org.",
        extensions: ["svg_image"],
      }),
    );
  }
  for (const module of modules) {
    module.checkedAt = timestampFromDate(new Date(now.getTime() - 2 * HOUR));
    module.installedAt = timestampFromDate(new Date(now.getTime() - Math.floor(random() * 300) * DAY));
    module.updateAvailable = module.recommendedVersion !== "" && module.recommendedVersion !== module.currentVersion;
    module.securityUpdate = module.status === ModuleStatus.NOT_SECURE;
  }
  const title = (module: SiteModule) => module.title.toLowerCase();
  return modules.toSorted((a, b) => a.list - b.list || title(a).localeCompare(title(b)));
}

/** A site of Drupal 7, whose modules nobody maintains any more. */
function makeLegacyModules(now: Date): SiteModule[] {
  const modules = ["ctools", "views", "token", "pathauto", "entity", "date", "rules", "features", "webform", "link", "libraries", "devel"].map(
    (name) =>
      create(SiteModuleSchema, {
        moduleName: name,
        title: name[0]?.toUpperCase() + name.slice(1),
        projectType: "module",
        list: ModuleList.PLATFORM_ENDED,
        status: ModuleStatus.NOT_SUPPORTED,
        currentVersion: "7.x-1.4",
        drupalLink: `https://www.drupal.org/project/${name}`,
        explanation: "The whole project is no longer supported: it should be replaced.",
        extensions: [name],
      }),
  );
  modules.unshift(
    create(SiteModuleSchema, {
      moduleName: "drupal",
      title: "Drupal core",
      projectType: "core",
      list: ModuleList.UP_TO_DATE,
      status: ModuleStatus.CURRENT,
      currentVersion: "7.103",
      recommendedVersion: "7.103",
      recommendedLink: releaseLink("drupal", "7.103"),
      drupalLink: "https://www.drupal.org/project/drupal",
      explanation: "7.103 is the recommended release.",
      extensions: ["system", "node"],
    }),
    create(SiteModuleSchema, {
      moduleName: "captcha",
      title: "CAPTCHA",
      projectType: "module",
      list: ModuleList.SECURITY,
      status: ModuleStatus.NOT_SECURE,
      currentVersion: "7.x-1.4",
      recommendedVersion: "7.x-1.7",
      recommendedLink: releaseLink("captcha", "7.x-1.7"),
      drupalLink: "https://www.drupal.org/project/captcha",
      explanation: "7.x-1.4 carries the mark Insecure since 2023-05-17; 7.x-1.7 in the same branch fixes it.",
      extensions: ["captcha"],
    }),
  );
  for (const module of modules) {
    module.checkedAt = timestampFromDate(new Date(now.getTime() - 2 * HOUR));
    module.installedAt = timestampFromDate(new Date(now.getTime() - 900 * DAY));
  }
  return modules.toSorted((a, b) => a.list - b.list);
}

function count(site: Site, modules: readonly SiteModule[]): void {
  const of = (...statuses: ModuleStatus[]) => modules.filter((module) => statuses.includes(module.status)).length;
  const ended = modules.filter((module) => module.list === ModuleList.PLATFORM_ENDED).length;
  const core = modules.find((module) => module.moduleName === "drupal");
  site.coreVersion = core?.currentVersion ?? "";
  site.coreStatus = core?.status ?? ModuleStatus.UNSPECIFIED;
  if (site.coreVersion.startsWith("7.")) {
    site.platformState = PlatformState.END_OF_LIFE;
    site.platformNote = "Drupal 7 reached its end of life on 2025-01-05: nothing of it gets security fixes any more.";
  } else if (site.coreVersion.startsWith("10.3.")) {
    site.platformState = PlatformState.END_OF_LIFE;
    site.platformNote = "Security fixes for Drupal 10.3 ended with the release of 10.5.0.";
  } else if (site.coreVersion.startsWith("10.5.")) {
    site.platformState = PlatformState.ENDING;
    site.platformNote = "Drupal 10.5 gets security fixes only until 2026-06-17.";
  } else {
    site.platformState = PlatformState.SUPPORTED;
  }
  site.securityUpdateCount = of(ModuleStatus.NOT_SECURE, ModuleStatus.REVOKED);
  site.updateCount = modules.filter((module) => module.updateAvailable).length;
  site.counts = {
    $typeName: "drumbeat.sites.v1.ModuleCounts",
    insecure: of(ModuleStatus.NOT_SECURE),
    unsupported: ended > 0 ? 1 : of(ModuleStatus.REVOKED, ModuleStatus.NOT_SUPPORTED),
    platformEnded: ended,
    outdated: of(ModuleStatus.NOT_CURRENT),
    current: of(ModuleStatus.CURRENT),
    unknown: of(ModuleStatus.UNKNOWN, ModuleStatus.NOT_FETCHED, ModuleStatus.NOT_CHECKED),
    custom: 2,
  };
}

const PLACES = ["Harbour", "Orchard", "Alpine", "City", "Lakeside", "Northern", "Riverside", "Old Town", "Garden", "Meadow"];
const KINDS = ["Museum", "Clinic", "University", "Library", "Council", "Theatre", "Foundation", "School", "Observatory", "Press"];

function makeEntry(index: number, now: Date): Entry {
  const name = `${PLACES[index % 10]} ${KINDS[Math.floor(index / 10) % 10]}${index >= 100 ? ` ${Math.floor(index / 100) + 1}` : ""}`;
  const waiting = index % 31 === 5;
  const silent = index % 23 === 3;
  const modules = waiting ? [] : index % 12 === 11 ? makeLegacyModules(now) : makeModules(index, now);
  const ago = (millis: number) => timestampFromDate(new Date(now.getTime() - millis));
  const site = create(SiteSchema, {
    id: uuid(1, index),
    organizationId: ORGANIZATION_ID,
    name,
    url: `https://www.${name.toLowerCase().replaceAll(" ", "-")}.example`,
    environment: index % 9 === 4 ? "staging" : "production",
    createdAt: ago((200 + index) * DAY),
    ...(waiting
      ? {}
      : {
          phpVersion: "8.3.14",
          database: "MariaDB 10.11.6",
          profile: "standard",
          lastReportAt: ago(silent ? 6 * DAY : (index % 24) * 0.9 * HOUR + 40_000),
          lastChangeAt: ago((index % 40) * DAY),
        }),
  });
  if (!waiting) count(site, modules);
  const keys = [
    create(SiteKeySchema, { id: uuid(2, index), hint: "dbk_4f9a…c21e", createdAt: ago(200 * DAY), lastUsedAt: ago(HOUR) }),
    create(SiteKeySchema, { id: uuid(3, index), hint: "dbk_99b0…77aa", createdAt: ago(400 * DAY), revokedAt: ago(190 * DAY) }),
  ];
  return { site, modules, keys, organizationId: ORGANIZATION_ID };
}

function makeFeeds(now: Date): Feed[] {
  const ago = (millis: number) => timestampFromDate(new Date(now.getTime() - millis));
  const names = ["acme_connector", ...CATALOGUE.map(([name]) => name), "drupal", "webform_views"].toSorted();
  return names.map((moduleName, index) => {
    const state =
      moduleName === "acme_connector" ? FeedState.MISSING : index === 4 ? FeedState.FAILED : index === 11 ? FeedState.MALFORMED : FeedState.OK;
    return create(FeedSchema, {
      moduleName,
      series: index % 9 === 8 ? "7.x" : "current",
      state,
      error:
        state === FeedState.FAILED
          ? "the server answered 503 Service Unavailable"
          : state === FeedState.MALFORMED
            ? "no release history: the document ends too early"
            : state === FeedState.MISSING
              ? "the source knows no such project"
              : "",
      failures: state === FeedState.FAILED ? 4 : 0,
      fetchedAt: state === FeedState.MISSING ? undefined : ago(state === FeedState.OK ? index * 11 * 60_000 : 2 * DAY),
      checkedAt: ago(index * 11 * 60_000),
      nextCheckAt: ago(-(5 * HOUR) + index * 9 * 60_000),
    });
  });
}

function makeVerdict(module: SiteModule, now: Date) {
  const ago = (days: number) => timestampFromDate(new Date(now.getTime() - days * DAY));
  const release = (version: string, days: number, ...terms: string[]) => ({
    version,
    link: releaseLink(module.moduleName, version),
    date: ago(days),
    terms,
  });
  const insecure = module.status === ModuleStatus.NOT_SECURE;
  const securityUpdates = module.securityUpdates.map((each, index) => release(each.version, 190 - index * 30, "Security update"));
  return create(ModuleVerdictSchema, {
    module,
    rule: insecure ? "release-insecure" : module.status === ModuleStatus.NOT_SUPPORTED ? "branch-unsupported" : "is-recommended",
    ruleText: insecure
      ? "The installed release itself carries the mark Insecure."
      : module.status === ModuleStatus.NOT_SUPPORTED
        ? "The installed version begins with none of the supported branches."
        : "The installed release is the recommended one.",
    ruleSet: "current",
    ruleSetText: "the rules of Drupal 10.3 and later",
    feed: {
      series: "current",
      source: "drupal.org",
      state: "ok",
      stateText: "As the source last said.",
      fetchedAt: module.checkedAt,
      checkedAt: module.checkedAt,
      nextCheckAt: ago(-0.15),
    },
    installed: module.currentVersion ? release(module.currentVersion, 240, ...(insecure ? ["Insecure"] : ["Bug fixes"])) : undefined,
    recommended: module.recommendedVersion
      ? {
          ...release(module.recommendedVersion, 20, "Bug fixes"),
          coreCompatibility: { compatible: false, ranges: "10.5.0 to 10.5.6, 11.2.8", text: "Not with this site's core; it requires Drupal core: 10.5.0 to 10.5.6, 11.2.8." },
        }
      : undefined,
    securityUpdates,
    alsoAvailable: module.alsoAvailable.map((each) => release(each.version, 40)),
    supportedBranches: ["10.5.", "11.2."],
    insecureSince: insecure
      ? {
          at: ago(190),
          basis: InsecureSince_Basis.SECURITY_RELEASE,
          release: securityUpdates[0]?.version ?? "",
          text: "Since the date of the first security release after it in the same branch. With it drupal.org marks the releases before.",
        }
      : undefined,
    exposedSince: insecure ? ago(120) : undefined,
    judgedAt: ago(3),
    changes: [
      { at: ago(3), from: ModuleStatus.CURRENT, to: module.status, reason: "The release history changed." },
      { at: ago(200), to: ModuleStatus.CURRENT, reason: "A site reported this version for the first time." },
    ],
  });
}

/**
 * The API from memory, for working on the pages and for their tests. Its
 * verdicts are made up; only the real server judges.
 */
export function createFake(options: FakeOptions = {}) {
  const now = new Date();
  const entries = Array.from({ length: options.sites ?? 12 }, (_, index) => makeEntry(index, now));
  const watchers = new Set<(siteIds: string[]) => void>();
  let signedIn = options.signedIn ?? true;
  let setupNeeded = options.setupNeeded ?? false;
  let serial = 100_000;

  const user = create(UserSchema, {
    id: uuid(9, 1),
    name: "Ada Admin",
    email: "ada@example.org",
    isSuperuser: options.superuser ?? false,
    memberships: [
      { organizationId: ORGANIZATION_ID, organizationName: "Northwind Agency", role: options.role ?? Role.ORGANIZATION_ADMIN },
      { organizationId: OTHER_ORGANIZATION_ID, organizationName: "Aarhus Office", role: Role.DEVELOPER },
    ],
  });

  const requireUser = () => {
    if (!signedIn) throw new ConnectError("sign in first", Code.Unauthenticated);
  };
  const requireSuperuser = () => {
    requireUser();
    if (!user.isSuperuser) throw new ConnectError("only a superuser of the platform can do this", Code.PermissionDenied);
  };
  const feeds = makeFeeds(now);
  const overrides: Override[] = [
    create(OverrideSchema, {
      id: uuid(6, 1),
      moduleName: "paragraphs",
      versions: "8.x-1.*",
      status: ModuleStatus.CURRENT,
      note: "Patched by us",
      reason: "the fix of SA-CONTRIB-2026-031 is in our build",
      author: "Ada Admin",
      createdAt: timestampFromDate(new Date(now.getTime() - 3 * DAY)),
      until: timestampFromDate(new Date(now.getTime() + 27 * DAY)),
    }),
    create(OverrideSchema, {
      id: uuid(6, 2),
      moduleName: "acme_connector",
      status: ModuleStatus.NOT_SUPPORTED,
      note: "Replaced by acme_client",
      reason: "the vendor ended it",
      author: "Ada Admin",
      createdAt: timestampFromDate(new Date(now.getTime() - 90 * DAY)),
      endedAt: timestampFromDate(new Date(now.getTime() - 9 * DAY)),
      endedBecause: "its time was over",
    }),
  ];
  const find = (siteId: string): Entry => {
    requireUser();
    const entry = entries.find((each) => each.site.id === siteId);
    if (!entry) throw new ConnectError("site not found", Code.NotFound);
    return entry;
  };
  const inOrganization = (organizationId: string): Entry[] => {
    requireUser();
    return entries.filter((entry) => entry.organizationId === organizationId);
  };
  const notify = (...siteIds: string[]) => {
    for (const watcher of watchers) watcher(siteIds);
  };
  const inState = ({ site }: Entry, state: SiteState): boolean => {
    const age = site.lastReportAt && now.getTime() - Number(site.lastReportAt.seconds) * 1000;
    const counts = site.counts;
    switch (state) {
      case SiteState.INSECURE:
        return (counts?.insecure ?? 0) > 0;
      case SiteState.UNSUPPORTED:
        return (counts?.unsupported ?? 0) > 0;
      case SiteState.OUTDATED:
        return site.updateCount > 0;
      case SiteState.UNKNOWN:
        return (counts?.unknown ?? 0) > 0;
      case SiteState.CURRENT:
        return Boolean(counts) && !counts?.insecure && !counts?.unsupported && !counts?.outdated && !counts?.unknown;
      case SiteState.END_OF_LIFE:
        return site.platformState === PlatformState.END_OF_LIFE;
      case SiteState.WAITING:
        return age === undefined;
      case SiteState.SILENT:
        return age !== undefined && age > 26 * HOUR;
      default:
        return true;
    }
  };
  const sortKey = (site: Site, field: string): number | string => {
    switch (field) {
      case "name":
        return site.name.toLowerCase();
      case "url":
        return site.url;
      case "core":
        return site.coreVersion;
      case "updates":
        return site.updateCount;
      case "created":
        return Number(site.createdAt?.seconds ?? 0n);
      case "last_report":
        return Number(site.lastReportAt?.seconds ?? 0n);
      default:
        return site.securityUpdateCount;
    }
  };
  const page = <Item>(items: Item[], size: number, token: string): { items: Item[]; nextPageToken: string } => {
    const start = token ? Number(token) : 0;
    if (!Number.isInteger(start)) throw new ConnectError("page_token: is not valid", Code.InvalidArgument);
    return {
      items: items.slice(start, start + size),
      nextPageToken: start + size < items.length ? String(start + size) : "",
    };
  };
  const newKey = () => {
    serial += 1;
    const key = `dbk_${serial.toString(16)}f3b1c09d5e7a4426`;
    const siteKey = create(SiteKeySchema, {
      id: uuid(4, serial),
      hint: `${key.slice(0, 8)}…${key.slice(-4)}`,
      createdAt: timestampFromDate(new Date()),
    });
    return { key, siteKey };
  };

  function routes(router: ConnectRouter): void {
    router.service(AuthService, {
      getSetupState: () => ({ setupNeeded }),
      completeSetup(request) {
        if (request.password === "password") {
          throw new ConnectError("password: is one of the best-known passwords", Code.InvalidArgument);
        }
        setupNeeded = false;
        signedIn = true;
        return { user };
      },
      signIn(request) {
        if (request.password === "wrong") throw new ConnectError("wrong e-mail or password", Code.Unauthenticated);
        signedIn = true;
        return { user };
      },
      signOut() {
        signedIn = false;
        return {};
      },
      getCurrentUser() {
        requireUser();
        return { user };
      },
      changePassword(request) {
        requireUser();
        if (request.currentPassword === "wrong") {
          throw new ConnectError("current_password: is not your password", Code.InvalidArgument);
        }
        return {};
      },
    });

    router.service(SitesService, {
      listSites(request) {
        const needle = request.search.toLowerCase();
        const [field = "security", direction] = (request.orderBy || "security desc").split(" ");
        const found = inOrganization(request.organizationId)
          .filter((entry) => inState(entry, request.state))
          .map((entry) => entry.site)
          .filter((site) => site.name.toLowerCase().includes(needle) || site.url.includes(needle))
          .toSorted((a, b) => {
            const [left, right] = [sortKey(a, field), sortKey(b, field)];
            const order = left < right ? -1 : left > right ? 1 : 0;
            return direction === "desc" ? -order : order;
          });
        const { items, nextPageToken } = page(found, request.pageSize || 50, request.pageToken);
        return { sites: items, nextPageToken };
      },
      getFleetSummary(request) {
        const all = inOrganization(request.organizationId);
        const of = (state: SiteState) => all.filter((entry) => inState(entry, state)).length;
        const [waiting, silent] = [of(SiteState.WAITING), of(SiteState.SILENT)];
        return {
          sites: all.length,
          insecure: of(SiteState.INSECURE),
          unsupported: of(SiteState.UNSUPPORTED),
          outdated: of(SiteState.OUTDATED),
          unknown: of(SiteState.UNKNOWN),
          current: of(SiteState.CURRENT),
          endOfLife: of(SiteState.END_OF_LIFE),
          waiting,
          silent,
          reporting: all.length - waiting - silent,
        };
      },
      getSite: (request) => ({ site: find(request.siteId).site }),
      createSite(request) {
        requireUser();
        serial += 1;
        const { key, siteKey } = newKey();
        const site = create(SiteSchema, {
          id: uuid(5, serial),
          organizationId: request.organizationId,
          name: request.name,
          url: request.url,
          environment: request.environment,
          createdAt: timestampFromDate(new Date()),
        });
        entries.push({ site, modules: [], keys: [siteKey], organizationId: request.organizationId });
        notify(site.id);
        return { site, key };
      },
      updateSite(request) {
        const { site } = find(request.siteId);
        for (const path of request.updateMask?.paths ?? []) {
          if (path === "name") site.name = request.name;
          if (path === "url") site.url = request.url;
          if (path === "environment") site.environment = request.environment;
        }
        notify(site.id);
        return { site };
      },
      deleteSite(request) {
        entries.splice(entries.indexOf(find(request.siteId)), 1);
        notify(request.siteId);
        return {};
      },
      listSiteModules(request) {
        const { modules } = find(request.siteId);
        const { items, nextPageToken } = page(modules, request.pageSize || 500, request.pageToken);
        const custom = [
          { name: "northwind_frontend", type: "theme", title: "Northwind Frontend", version: "1.0.0", enabled: true,
            note: "Made by a starter kit; its info file still names the project of its parent." },
          { name: "northwind_migrate", type: "module", title: "Northwind Migrate", enabled: false },
        ];
        return {
          modules: items,
          nextPageToken,
          customExtensions:
            request.pageToken || modules.length === 0 ? [] : custom.map((each) => create(CustomExtensionSchema, each)),
        };
      },
      getModuleVerdict(request) {
        const module = find(request.siteId).modules.find((each) => each.moduleName === request.moduleName);
        if (!module) throw new ConnectError("the site has no such project", Code.NotFound);
        return { verdict: makeVerdict(module, now) };
      },
      listModuleSites(request) {
        const found = inOrganization(request.organizationId).flatMap(({ site, modules }) => {
          const module = modules.find((each) => each.moduleName === request.moduleName);
          if (!module || (request.version && module.currentVersion !== request.version)) return [];
          return {
            siteId: site.id,
            siteName: site.name,
            siteUrl: site.url,
            version: module.currentVersion,
            status: module.status,
            recommendedVersion: module.recommendedVersion,
          };
        });
        const { items, nextPageToken } = page(found, request.pageSize || 50, request.pageToken);
        return { sites: items, nextPageToken };
      },
      listSiteKeys: (request) => ({ keys: find(request.siteId).keys }),
      createSiteKey(request) {
        const { key, siteKey } = newKey();
        find(request.siteId).keys.unshift(siteKey);
        return { key, siteKey };
      },
      revokeSiteKey(request) {
        const key = find(request.siteId).keys.find((each) => each.id === request.keyId);
        if (!key) throw new ConnectError("key not found", Code.NotFound);
        key.revokedAt = timestampFromDate(new Date());
        return {};
      },
      async *watchSites(_, context) {
        requireUser();
        const queue: string[][] = [[]];
        let wake = () => {};
        const push = (siteIds: string[]) => {
          queue.push(siteIds);
          wake();
        };
        watchers.add(push);
        context.signal.addEventListener("abort", () => wake());
        try {
          while (!context.signal.aborted) {
            const siteIds = queue.shift();
            if (siteIds) yield { siteIds };
            else await new Promise<void>((resolve) => (wake = resolve));
          }
        } finally {
          watchers.delete(push);
        }
      },
    });

    router.service(ReleasesService, {
      listFeeds(request) {
        requireSuperuser();
        const found = feeds.filter(
          (feed) => (!request.state || feed.state === request.state) && feed.moduleName.includes(request.search.toLowerCase()),
        );
        const { items, nextPageToken } = page(found, request.pageSize || 50, request.pageToken);
        const states = [...new Set(feeds.map((feed) => feed.state))];
        return {
          feeds: items,
          nextPageToken,
          counts: states.map((state) => ({ state, feeds: feeds.filter((feed) => feed.state === state).length })),
        };
      },
      checkFeed() {
        requireSuperuser();
        return {};
      },
      listOverrides(request) {
        requireSuperuser();
        return { overrides: overrides.filter((each) => request.withEnded || !each.endedAt) };
      },
      setOverride(request) {
        requireSuperuser();
        serial += 1;
        const override = create(OverrideSchema, {
          id: uuid(6, serial),
          moduleName: request.moduleName,
          versions: request.versions,
          status: request.status,
          note: request.note,
          reason: request.reason,
          until: request.until,
          author: user.name,
          createdAt: timestampFromDate(new Date()),
        });
        overrides.unshift(override);
        return { override, changedVersions: 1 };
      },
      removeOverride(request) {
        requireSuperuser();
        const override = overrides.find((each) => each.id === request.overrideId);
        if (!override) throw new ConnectError("there is no such override in force", Code.NotFound);
        override.endedAt = timestampFromDate(new Date());
        override.endedBecause = `removed by ${user.name}`;
        return { changedVersions: 1 };
      },
    });

    router.service(ReportsService, {
      listPatchRuns(request) {
        const { site, modules } = find(request.siteId);
        if (!site.lastReportAt) return {};
        const changed = modules.filter((module) => module.currentVersion).slice(0, 14);
        const run = (days: number, trigger: string, from: number, to: number) =>
          create(PatchRunSchema, {
            runDate: timestampFromDate(new Date(now.getTime() - days * DAY)),
            trigger,
            items: changed.slice(from, to).map((module, index) => ({
              moduleName: module.moduleName,
              title: module.title,
              kind: index === 3 ? PatchRunKind.ADDED : PatchRunKind.UPDATED,
              fromVersion: index === 3 ? undefined : "1.0.0",
              toVersion: module.currentVersion,
              securityFix: index === 0,
            })),
          });
        return { patchRuns: [run(2, "post-update", 0, 3), run(31, "cron", 3, 8), run(64, "cron", 0, 14)] };
      },
    });

    router.service(IngestService, {
      submitReport(request) {
        const entry = entries.find((each) => each.site.id === request.site?.id);
        if (!entry) throw new ConnectError("unknown key", Code.Unauthenticated);
        entry.modules = makeModules(2, now);
        Object.assign(entry.site, { phpVersion: request.platform?.phpVersion, database: "MariaDB 10.11.6", profile: "standard" });
        entry.site.lastReportAt = timestampFromDate(new Date());
        count(entry.site, entry.modules);
        notify(entry.site.id);
        return { reportId: request.reportId };
      },
    });
  }

  return {
    routes,
    entries,
    /** Sends a message on all open streams. */
    notify,
    signOut() {
      signedIn = false;
    },
  };
}
