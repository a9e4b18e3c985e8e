/** Where everything is. Filters are search parameters, so that an address shows what it showed. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { ErrorPage, NotFoundPage } from "./components/error-page.tsx";
import { Shell } from "./components/shell.tsx";
import { OverviewPage } from "./pages/overview.tsx";

type Search = Record<string, unknown>;

/** A search parameter as text; anything else is as good as absent. The router reads `a=1` as a number. */
function text(search: Search, name: string): string | undefined {
  const value = search[name];
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage, errorComponent: ErrorPage });

const overview = createRoute({ getParentRoute: () => root, path: "/", component: OverviewPage });

const site = createRoute({
  getParentRoute: () => root,
  path: "/sites/$siteId",
  component: lazyRouteComponent(() => import("./pages/site.tsx"), "SitePage"),
});

const station = createRoute({
  getParentRoute: () => root,
  path: "/stations/$stationId",
  validateSearch: (search: Search): { action?: string | undefined; kind?: string | undefined } => ({
    action: text(search, "action"),
    kind: text(search, "kind"),
  }),
  component: lazyRouteComponent(() => import("./pages/station.tsx"), "StationPage"),
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
  component: lazyRouteComponent(() => import("./pages/transactions.tsx"), "TransactionsPage"),
});

const transaction = createRoute({
  getParentRoute: () => root,
  path: "/transactions/$transactionId",
  component: lazyRouteComponent(() => import("./pages/transaction.tsx"), "TransactionPage"),
});

const meter = createRoute({
  getParentRoute: () => root,
  path: "/meters/$meterId",
  validateSearch: (search: Search): { minutes?: number | undefined } => ({
    minutes: typeof search.minutes === "number" ? search.minutes : undefined,
  }),
  component: lazyRouteComponent(() => import("./pages/meter.tsx"), "MeterPage"),
});

const tokens = createRoute({
  getParentRoute: () => root,
  path: "/tokens",
  component: lazyRouteComponent(() => import("./pages/tokens.tsx"), "TokensPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([overview, site, station, transactions, transaction, meter, tokens]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
