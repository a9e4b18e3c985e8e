/** Where everything is. Filters are search parameters, so that an address shows what it showed. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { ErrorPage, NotFoundPage } from "./components/error-page.tsx";
import { Shell } from "./components/shell.tsx";
import { isReviewKind, type ReviewKind } from "./lib/review.ts";
import { OverviewPage } from "./pages/overview.tsx";

type Search = Record<string, unknown>;

/** A search parameter as text; anything else is as good as absent. The router reads `a=1` as a number. */
function text(search: Search, name: string): string | undefined {
  const value = search[name];
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Pages that come after the first view. */
const pages = {
  site: () => import("./pages/site.tsx"),
  station: () => import("./pages/station.tsx"),
  transactions: () => import("./pages/transactions.tsx"),
  transaction: () => import("./pages/transaction.tsx"),
  meter: () => import("./pages/meter.tsx"),
  tokens: () => import("./pages/tokens.tsx"),
  er: () => import("./pages/er.tsx"),
  work: () => import("./pages/work.tsx"),
  review: () => import("./pages/review.tsx"),
};

/** Fetches the rest in a quiet moment: a page that is open all day must not fail when the link is down. */
export async function fetchAhead(): Promise<void> {
  await Promise.allSettled([...Object.values(pages).map((load) => load()), import("./components/plot.tsx")]);
}

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFoundPage,
  errorComponent: ErrorPage,
});

const overview = createRoute({ getParentRoute: () => root, path: "/", component: OverviewPage });

const site = createRoute({
  getParentRoute: () => root,
  path: "/sites/$siteId",
  component: lazyRouteComponent(pages.site, "SitePage"),
});

const station = createRoute({
  getParentRoute: () => root,
  path: "/stations/$stationId",
  validateSearch: (search: Search): { action?: string | undefined; kind?: string | undefined } => ({
    action: text(search, "action"),
    kind: text(search, "kind"),
  }),
  component: lazyRouteComponent(pages.station, "StationPage"),
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

const places = [overview, site, er, station, transactions, transaction, meter, tokens, work, review];

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
