/** Where the pages of the business are: tariffs, money, payments, drivers, alarms, what goes out, reports, settings. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "./root.tsx";

export const businessPages = {
  tariffs: () => import("./pages/tariffs.tsx"),
  tariff: () => import("./pages/tariff.tsx"),
};

const getParentRoute = () => root;

const tariffs = createRoute({
  getParentRoute,
  path: "/tariffs",
  component: lazyRouteComponent(businessPages.tariffs, "TariffsPage"),
});

const tariff = createRoute({
  getParentRoute,
  path: "/tariffs/$tariffId",
  component: lazyRouteComponent(businessPages.tariff, "TariffPage"),
});

export const businessRoutes = [tariffs, tariff];
