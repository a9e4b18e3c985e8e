/**
 * Where the pages of the business are: tariffs, money, payments, drivers, alarms, what goes out, reports,
 * settings.
 */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { ACCOUNT_KINDS, type AccountKind } from "./lib/account-kinds.ts";
import { withWords } from "./lib/i18n.ts";
import { PAYMENT_STATUSES } from "./lib/payments.ts";
import { PERIODS, REPORTS, type Period, type ReportName } from "./lib/reports.ts";
import type { PaymentView } from "../api/payment-schemas.ts";
import { oneOf, root, text, type Search } from "./root.tsx";

export const businessPages = {
  tariffs: withWords(["tariffs"], () => import("./pages/tariffs.tsx")),
  tariff: withWords(["money", "tariffs"], () => import("./pages/tariff.tsx")),
  cdrs: withWords(["money"], () => import("./pages/cdrs.tsx")),
  cdrsHeld: withWords(["flags", "work", "money"], () => import("./pages/cdrs-held.tsx")),
  cdr: withWords(["flags", "transactions", "work", "money", "tariffs"], () => import("./pages/cdr.tsx")),
  ledger: withWords(["money"], () => import("./pages/ledger.tsx")),
  ledgerAccount: withWords(["money"], () => import("./pages/ledger-account.tsx")),
  statements: withWords(["money"], () => import("./pages/statements.tsx")),
  statement: withWords(["money"], () => import("./pages/statement.tsx")),
  payments: withWords(["money", "payments"], () => import("./pages/payments.tsx")),
  paymentFindings: withWords(["payments"], () => import("./pages/payment-findings.tsx")),
  paymentProviders: withWords(["money", "payments"], () => import("./pages/payment-providers.tsx")),
  payment: withWords(["money", "payments"], () => import("./pages/payment.tsx")),
  sticker: withWords(["tariffs", "payments"], () => import("./pages/sticker.tsx")),
  drivers: withWords(["drivers"], () => import("./pages/drivers.tsx")),
  driver: withWords(["money", "drivers", "people"], () => import("./pages/driver.tsx")),
  alarms: withWords(["notices"], () => import("./pages/alarms.tsx")),
  alarmRules: withWords(["notices"], () => import("./pages/alarm-rules.tsx")),
  webhooks: withWords(["notices"], () => import("./pages/webhooks.tsx")),
  webhook: withWords(["notices"], () => import("./pages/webhook.tsx")),
  mails: withWords(["notices"], () => import("./pages/mails.tsx")),
  reports: withWords(["reports"], () => import("./pages/reports.tsx")),
  exports: withWords(["reports"], () => import("./pages/exports.tsx")),
  operator: withWords(["people"], () => import("./pages/operator.tsx")),
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

const cdrs = createRoute({
  getParentRoute,
  path: "/cdrs",
  validateSearch: (search: Search): { siteId?: string | undefined; payer?: string | undefined } => ({
    siteId: text(search, "siteId"),
    payer: text(search, "payer"),
  }),
  component: lazyRouteComponent(businessPages.cdrs, "CdrsPage"),
});

const cdrsHeld = createRoute({
  getParentRoute,
  path: "/cdrs/held",
  component: lazyRouteComponent(businessPages.cdrsHeld, "CdrsHeldPage"),
});

const cdr = createRoute({
  getParentRoute,
  path: "/cdrs/$cdrId",
  component: lazyRouteComponent(businessPages.cdr, "CdrPage"),
});

const ledger = createRoute({
  getParentRoute,
  path: "/ledger",
  validateSearch: (search: Search): { kind?: AccountKind | undefined } => ({
    kind: oneOf(search, "kind", ACCOUNT_KINDS),
  }),
  component: lazyRouteComponent(businessPages.ledger, "LedgerPage"),
});

const ledgerAccount = createRoute({
  getParentRoute,
  path: "/ledger/$account",
  component: lazyRouteComponent(businessPages.ledgerAccount, "LedgerAccountPage"),
});

const statements = createRoute({
  getParentRoute,
  path: "/statements",
  validateSearch: (search: Search): { account?: string | undefined } => ({
    account: text(search, "account"),
  }),
  component: lazyRouteComponent(businessPages.statements, "StatementsPage"),
});

const statement = createRoute({
  getParentRoute,
  path: "/statements/$statementId",
  component: lazyRouteComponent(businessPages.statement, "StatementPage"),
});

type PaymentSearch = {
  status?: PaymentView["status"] | undefined;
  stationId?: string | undefined;
  account?: string | undefined;
};

const payments = createRoute({
  getParentRoute,
  path: "/payments",
  validateSearch: (search: Search): PaymentSearch => ({
    status: oneOf(search, "status", PAYMENT_STATUSES),
    stationId: text(search, "stationId"),
    account: text(search, "account"),
  }),
  component: lazyRouteComponent(businessPages.payments, "PaymentsPage"),
});

const paymentFindings = createRoute({
  getParentRoute,
  path: "/payments/findings",
  component: lazyRouteComponent(businessPages.paymentFindings, "PaymentFindingsPage"),
});

const paymentProviders = createRoute({
  getParentRoute,
  path: "/payments/providers",
  component: lazyRouteComponent(businessPages.paymentProviders, "PaymentProvidersPage"),
});

const payment = createRoute({
  getParentRoute,
  path: "/payments/$paymentId",
  component: lazyRouteComponent(businessPages.payment, "PaymentPage"),
});

const sticker = createRoute({
  getParentRoute,
  path: "/stickers/$stationId/$evseId",
  component: lazyRouteComponent(businessPages.sticker, "StickerPage"),
});

const drivers = createRoute({
  getParentRoute,
  path: "/drivers",
  validateSearch: (search: Search): { q?: string | undefined; wish?: true | undefined } => ({
    q: text(search, "q"),
    wish: search["wish"] === true ? true : undefined,
  }),
  component: lazyRouteComponent(businessPages.drivers, "DriversPage"),
});

const driver = createRoute({
  getParentRoute,
  path: "/drivers/$driverId",
  component: lazyRouteComponent(businessPages.driver, "DriverPage"),
});

const alarms = createRoute({
  getParentRoute,
  path: "/alarms",
  validateSearch: (search: Search): { status?: "open" | "cleared" | undefined } => ({
    status: oneOf(search, "status", ["cleared"] as const),
  }),
  component: lazyRouteComponent(businessPages.alarms, "AlarmsPage"),
});

const alarmRules = createRoute({
  getParentRoute,
  path: "/alarms/rules",
  component: lazyRouteComponent(businessPages.alarmRules, "AlarmRulesPage"),
});

const webhooks = createRoute({
  getParentRoute,
  path: "/webhooks",
  component: lazyRouteComponent(businessPages.webhooks, "WebhooksPage"),
});

const webhook = createRoute({
  getParentRoute,
  path: "/webhooks/$endpointId",
  validateSearch: (search: Search): { status?: "pending" | "failed" | "delivered" | undefined } => ({
    status: oneOf(search, "status", ["pending", "failed", "delivered"] as const),
  }),
  component: lazyRouteComponent(businessPages.webhook, "WebhookPage"),
});

const mails = createRoute({
  getParentRoute,
  path: "/mails",
  component: lazyRouteComponent(businessPages.mails, "MailsPage"),
});

/** Days are those of the browser, the last one included; they are there only where the period is chosen. */
export type ReportSearch = {
  report?: ReportName | undefined;
  period?: Period | undefined;
  from?: string | undefined;
  to?: string | undefined;
  siteId?: string | undefined;
  group?: "site" | "station" | undefined;
};

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const day = (search: Search, name: string) => {
  const given = text(search, name);
  return given !== undefined && DAY.test(given) && !Number.isNaN(Date.parse(given)) ? given : undefined;
};

const reports = createRoute({
  getParentRoute,
  path: "/reports",
  validateSearch: (search: Search): ReportSearch => ({
    report: oneOf(search, "report", REPORTS),
    period: oneOf(search, "period", PERIODS),
    from: day(search, "from"),
    to: day(search, "to"),
    siteId: text(search, "siteId"),
    group: oneOf(search, "group", ["site", "station"] as const),
  }),
  component: lazyRouteComponent(businessPages.reports, "ReportsPage"),
});

const exports = createRoute({
  getParentRoute,
  path: "/exports",
  component: lazyRouteComponent(businessPages.exports, "ExportsPage"),
});

const operator = createRoute({
  getParentRoute,
  path: "/operator",
  component: lazyRouteComponent(businessPages.operator, "OperatorPage"),
});

export const businessRoutes = [
  ...[tariffs, tariff, cdrs, cdrsHeld, cdr, ledger, ledgerAccount, statements, statement],
  ...[payments, paymentFindings, paymentProviders, payment, sticker, drivers, driver],
  ...[alarms, alarmRules, webhooks, webhook, mails, reports, exports, operator],
];
