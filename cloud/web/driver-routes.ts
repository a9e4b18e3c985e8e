/** Where the pages of a signed-in driver are: what is its own, below `/my`. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { withWords } from "./lib/i18n.ts";
import { root } from "./root.tsx";

export const driverPages = {
  charges: withWords(["own"], () => import("./pages/my-charges.tsx")),
  charge: withWords(["own", "money"], () => import("./pages/my-charge.tsx")),
  statements: withWords(["own"], () => import("./pages/my-statements.tsx")),
  statement: withWords(["own", "money"], () => import("./pages/my-statement.tsx")),
  payment: withWords(["own"], () => import("./pages/my-payment.tsx")),
  tokens: withWords(["own"], () => import("./pages/my-tokens.tsx")),
  data: withWords(["own"], () => import("./pages/my-data.tsx")),
};

const getParentRoute = () => root;

const charges = createRoute({
  getParentRoute,
  path: "/my/charges",
  component: lazyRouteComponent(driverPages.charges, "MyChargesPage"),
});

const charge = createRoute({
  getParentRoute,
  path: "/my/charges/$transactionId",
  component: lazyRouteComponent(driverPages.charge, "MyChargePage"),
});

const statements = createRoute({
  getParentRoute,
  path: "/my/statements",
  component: lazyRouteComponent(driverPages.statements, "MyStatementsPage"),
});

const statement = createRoute({
  getParentRoute,
  path: "/my/statements/$statementId",
  component: lazyRouteComponent(driverPages.statement, "MyStatementPage"),
});

const payment = createRoute({
  getParentRoute,
  path: "/my/payments/$paymentId",
  component: lazyRouteComponent(driverPages.payment, "MyPaymentPage"),
});

const tokens = createRoute({
  getParentRoute,
  path: "/my/tokens",
  component: lazyRouteComponent(driverPages.tokens, "MyTokensPage"),
});

const data = createRoute({
  getParentRoute,
  path: "/my/data",
  component: lazyRouteComponent(driverPages.data, "MyDataPage"),
});

export const driverRoutes = [charges, charge, statements, statement, payment, tokens, data];
