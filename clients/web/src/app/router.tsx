import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  type RouterHistory,
} from "@tanstack/react-router";
import { FEED_STATES, type FeedStateName } from "@/features/admin/feed-words";
import { SITE_STATES, type SiteStateName } from "@/lib/words";
import { SORTS, type Sort } from "@/lib/sorts";
import { ErrorPage, NotFoundPage, PendingPage } from "./error-pages";
import { Root } from "./root";
import { SignedInLayout } from "./signed-in-layout";

type Raw = Record<string, string | undefined>;

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFoundPage });

const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/sites", replace: true });
  },
});

const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/setup",
  component: lazyRouteComponent(() => import("@/features/auth/setup-page"), "SetupPage"),
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (raw: Raw): { return?: string } => ({ return: raw["return"] }),
  component: lazyRouteComponent(() => import("@/features/auth/sign-in-page"), "SignInPage"),
});

const signedInRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "signed-in",
  component: SignedInLayout,
});

export type SitesSearch = { q?: string; state?: SiteStateName; sort?: Sort; page?: string };

const sitesRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/sites",
  validateSearch: (raw: Raw): SitesSearch => ({
    q: raw["q"]?.slice(0, 200) || undefined,
    state: raw["state"] && raw["state"] in SITE_STATES ? (raw["state"] as SiteStateName) : undefined,
    sort: SORTS.find((sort) => sort === raw["sort"]),
    page: raw["page"] || undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/sites/sites-page"), "SitesPage"),
});

const newSiteRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/sites/new",
  component: lazyRouteComponent(() => import("@/features/sites/new-site-page"), "NewSitePage"),
});

const SITE_TABS = ["modules", "runs", "keys"] as const;
export type SiteTab = (typeof SITE_TABS)[number];

const siteRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/sites/$siteId",
  validateSearch: (raw: Raw): { tab?: SiteTab } => ({
    tab: SITE_TABS.find((tab) => tab === raw["tab"] && tab !== "modules"),
  }),
  component: lazyRouteComponent(() => import("@/features/sites/site-page"), "SitePage"),
});

const moduleRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/modules/$name",
  validateSearch: (raw: Raw): { version?: string; page?: string } => ({
    version: raw["version"]?.slice(0, 128) || undefined,
    page: raw["page"] || undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/modules/module-page"), "ModulePage"),
});

const profileRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/profile",
  component: lazyRouteComponent(() => import("@/features/auth/profile-page"), "ProfilePage"),
});

const adminRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/admin",
  beforeLoad: () => {
    throw redirect({ to: "/admin/feeds", replace: true });
  },
});

const feedsRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/admin/feeds",
  validateSearch: (raw: Raw): { state?: FeedStateName; q?: string } => ({
    state: raw["state"] && raw["state"] in FEED_STATES ? (raw["state"] as FeedStateName) : undefined,
    q: raw["q"]?.slice(0, 128) || undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/admin/feeds-page"), "FeedsPage"),
});

const overridesRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/admin/overrides",
  component: lazyRouteComponent(() => import("@/features/admin/overrides-page"), "OverridesPage"),
});

const routeTree = rootRoute.addChildren([
  indexRoute,
  setupRoute,
  signInRoute,
  signedInRoute.addChildren([sitesRoute, newSiteRoute, siteRoute, moduleRoute, profileRoute, adminRoute, feedsRoute, overridesRoute]),
]);

/** The pages by their addresses. Tests pass a history in memory. */
export function createAppRouter(history?: RouterHistory) {
  return createRouter({
    routeTree,
    history,
    scrollRestoration: true,
    defaultPreload: "intent",
    defaultErrorComponent: ErrorPage,
    defaultNotFoundComponent: NotFoundPage,
    defaultPendingComponent: PendingPage,
    // Plain query strings: a search for `12` stays a text.
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => {
      const params = new URLSearchParams();
      for (const [name, value] of Object.entries(search)) {
        if (value !== undefined && value !== "") params.set(name, String(value));
      }
      const text = params.toString();
      return text && `?${text}`;
    },
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
  interface HistoryState {
    /** The page tokens before the current one, for going back a page. */
    trail?: string[];
  }
}
