/** Where everything is. Filters are search parameters, so that an address shows what it showed. */
import { createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { businessPages, businessRoutes } from "./business-routes.ts";
import { driverPages, driverRoutes } from "./driver-routes.ts";
import { isEventKind, type EventKind } from "./lib/events.ts";
import { AREAS, needWords, withWords } from "./lib/i18n.ts";
import { isReviewKind, type ReviewKind } from "./lib/review.ts";
import { wasDriver } from "./lib/me.ts";
import { fetchSignIn } from "./outside.ts";
import { OverviewPage } from "./pages/overview.tsx";
import { peoplePages, peopleRoutes } from "./people-routes.ts";
import { root, text, type Search } from "./root.tsx";

/** Pages that come after the first view. */
const pages = {
  site: withWords(["stations"], () => import("./pages/site.tsx")),
  station: withWords(["stations"], () => import("./pages/station.tsx")),
  stationOverview: withWords(["stations", "commands", "flags"], () => import("./pages/station-overview.tsx")),
  stationCommands: withWords(["commands"], () => import("./pages/station-commands.tsx")),
  stationCommand: withWords(["commands"], () => import("./pages/station-command.tsx")),
  stationConfiguration: withWords(
    ["stations", "commands"],
    () => import("./pages/station-configuration.tsx"),
  ),
  stationEvents: withWords(["stations"], () => import("./pages/station-events.tsx")),
  stationEnergy: withWords(["stations", "commands"], () => import("./pages/station-energy.tsx")),
  stationFiles: withWords(["stations", "commands"], () => import("./pages/station-files.tsx")),
  stationSettings: withWords(["stations", "commands"], () => import("./pages/station-settings.tsx")),
  events: withWords(["stations"], () => import("./pages/events.tsx")),
  stationTimeline: withWords(["stations", "flags"], () => import("./pages/station-timeline.tsx")),
  templates: withWords(["commands"], () => import("./pages/templates.tsx")),
  template: withWords(["commands"], () => import("./pages/template.tsx")),
  transactions: () => import("./pages/transactions.tsx"),
  transaction: withWords(
    ["flags", "transactions", "work", "money", "tariffs"],
    () => import("./pages/transaction.tsx"),
  ),
  meter: withWords(["stations", "flags", "transactions"], () => import("./pages/meter.tsx")),
  tokens: withWords(["drivers"], () => import("./pages/tokens.tsx")),
  er: withWords(["stations"], () => import("./pages/er.tsx")),
  work: withWords(["stations", "commands", "transactions", "work"], () => import("./pages/work.tsx")),
  review: withWords(["stations", "commands", "transactions", "work"], () => import("./pages/review.tsx")),
};

/** The words of what a driver sees. */
const DRIVER_AREAS = ["own", "money", "sign-in", "people"] as const;

/**
 * Fetches the rest in a quiet moment: a page that is open all day must not fail when the link is down. A driver's
 * phone is spared what it will never show.
 */
export async function fetchAhead(): Promise<void> {
  if (wasDriver()) {
    await needWords(...DRIVER_AREAS).catch(() => {});
    await Promise.allSettled(
      [...Object.values(driverPages), peoplePages.account, fetchSignIn].map((load) => load()),
    );
    return;
  }
  // All words in one go: each time that there are new ones, everything renders again.
  await needWords(...AREAS.filter((area) => area !== "guest" && area !== "own")).catch(() => {});
  const all = Object.values({ ...pages, ...peoplePages, ...businessPages }).map((load) => load());
  await Promise.allSettled([...all, fetchSignIn(), import("./components/plot.tsx")]);
}

const overview = createRoute({ getParentRoute: () => root, path: "/", component: OverviewPage });

const site = createRoute({
  getParentRoute: () => root,
  path: "/sites/$siteId",
  component: lazyRouteComponent(pages.site, "SitePage"),
});

const station = createRoute({
  getParentRoute: () => root,
  path: "/stations/$stationId",
  component: lazyRouteComponent(pages.station, "StationPage"),
});

const stationOverview = createRoute({
  getParentRoute: () => station,
  path: "/",
  component: lazyRouteComponent(pages.stationOverview, "StationOverview"),
});

/** `send`: the form that is open, by its intent; `message`: of the expert form. */
type CommandSearch = { send?: string | undefined; message?: string | undefined };

const stationCommands = createRoute({
  getParentRoute: () => station,
  path: "/commands",
  validateSearch: (search: Search): CommandSearch => ({
    send: text(search, "send"),
    message: text(search, "message"),
  }),
  component: lazyRouteComponent(pages.stationCommands, "StationCommands"),
});

const stationCommand = createRoute({
  getParentRoute: () => station,
  path: "/commands/$commandId",
  component: lazyRouteComponent(pages.stationCommand, "StationCommand"),
});

const stationConfiguration = createRoute({
  getParentRoute: () => station,
  path: "/configuration",
  validateSearch: (search: Search): { drift?: boolean | undefined; find?: string | undefined } => ({
    drift: search["drift"] === true ? true : undefined,
    find: text(search, "find"),
  }),
  component: lazyRouteComponent(pages.stationConfiguration, "StationConfigurationTab"),
});

/** The kinds of events that can be asked for. */
function eventKind(search: Search): EventKind | undefined {
  const kind = text(search, "kind");
  return kind !== undefined && isEventKind(kind) ? kind : undefined;
}

const stationEvents = createRoute({
  getParentRoute: () => station,
  path: "/events",
  validateSearch: (search: Search): { kind?: EventKind | undefined } => ({ kind: eventKind(search) }),
  component: lazyRouteComponent(pages.stationEvents, "StationEvents"),
});

const stationEnergy = createRoute({
  getParentRoute: () => station,
  path: "/energy",
  component: lazyRouteComponent(pages.stationEnergy, "StationEnergy"),
});

const stationFiles = createRoute({
  getParentRoute: () => station,
  path: "/files",
  component: lazyRouteComponent(pages.stationFiles, "StationFiles"),
});

const stationSettings = createRoute({
  getParentRoute: () => station,
  path: "/settings",
  component: lazyRouteComponent(pages.stationSettings, "StationSettings"),
});

const stationTimeline = createRoute({
  getParentRoute: () => station,
  path: "/timeline",
  validateSearch: (search: Search): { action?: string | undefined; kind?: string | undefined } => ({
    action: text(search, "action"),
    kind: text(search, "kind"),
  }),
  component: lazyRouteComponent(pages.stationTimeline, "StationTimeline"),
});

const stationTabs = [
  ...[stationOverview, stationCommands, stationCommand, stationConfiguration, stationEvents],
  ...[stationEnergy, stationFiles, stationTimeline, stationSettings],
];

export type EventSearch = { kind?: EventKind | undefined; siteId?: string | undefined };

const events = createRoute({
  getParentRoute: () => root,
  path: "/events",
  validateSearch: (search: Search): EventSearch => ({
    kind: eventKind(search),
    siteId: text(search, "siteId"),
  }),
  component: lazyRouteComponent(pages.events, "EventsPage"),
});

const templates = createRoute({
  getParentRoute: () => root,
  path: "/templates",
  component: lazyRouteComponent(pages.templates, "TemplatesPage"),
});

const template = createRoute({
  getParentRoute: () => root,
  path: "/templates/$templateId",
  component: lazyRouteComponent(pages.template, "TemplatePage"),
});

export type TransactionSearch = {
  siteId?: string | undefined;
  stationId?: string | undefined;
  status?: "active" | "ended" | undefined;
  idToken?: string | undefined;
};

const transactions = createRoute({
  getParentRoute: () => root,
  path: "/transactions",
  validateSearch: (search: Search): TransactionSearch => {
    const status = text(search, "status");
    return {
      siteId: text(search, "siteId"),
      stationId: text(search, "stationId"),
      status: status === "active" || status === "ended" ? status : undefined,
      idToken: text(search, "idToken"),
    };
  },
  component: lazyRouteComponent(pages.transactions, "TransactionsPage"),
});

const transaction = createRoute({
  getParentRoute: () => root,
  path: "/transactions/$transactionId",
  component: lazyRouteComponent(pages.transaction, "TransactionPage"),
});

const meter = createRoute({
  getParentRoute: () => root,
  path: "/meters/$meterId",
  validateSearch: (search: Search): { minutes?: number | undefined } => ({
    minutes: typeof search.minutes === "number" ? search.minutes : undefined,
  }),
  component: lazyRouteComponent(pages.meter, "MeterPage"),
});

const tokens = createRoute({
  getParentRoute: () => root,
  path: "/tokens",
  component: lazyRouteComponent(pages.tokens, "TokensPage"),
});

const er = createRoute({
  getParentRoute: () => root,
  path: "/ers/$erId",
  component: lazyRouteComponent(pages.er, "ErPage"),
});

export type WorkSearch = {
  kind?: ReviewKind | undefined;
  siteId?: string | undefined;
  status?: "resolved" | undefined;
};

const work = createRoute({
  getParentRoute: () => root,
  path: "/work",
  validateSearch: (search: Search): WorkSearch => {
    const kind = text(search, "kind");
    return {
      kind: kind !== undefined && isReviewKind(kind) ? kind : undefined,
      siteId: text(search, "siteId"),
      status: search.status === "resolved" ? "resolved" : undefined,
    };
  },
  component: lazyRouteComponent(pages.work, "WorkPage"),
});

const review = createRoute({
  getParentRoute: () => root,
  path: "/work/$reviewId",
  component: lazyRouteComponent(pages.review, "ReviewPage"),
});

const places = [
  ...[overview, site, er, transactions, transaction, meter, tokens, work, review],
  ...[templates, template, events],
  ...[...peopleRoutes, ...businessRoutes, ...driverRoutes],
  station.addChildren(stationTabs),
];

export const router = createRouter({
  routeTree: root.addChildren(places),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
