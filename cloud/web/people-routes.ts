/** Where the pages about people are: who may do what, keys, the audit, one's own account. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { withWords } from "./lib/i18n.ts";
import { root, text, type Search } from "./root.tsx";

export const peoplePages = {
  people: withWords(["people"], () => import("./pages/people.tsx")),
  keys: withWords(["people"], () => import("./pages/keys.tsx")),
  audit: withWords(["commands", "people"], () => import("./pages/audit.tsx")),
  account: withWords(["sign-in", "people"], () => import("./pages/account.tsx")),
};

const getParentRoute = () => root;

const people = createRoute({
  getParentRoute,
  path: "/people",
  component: lazyRouteComponent(peoplePages.people, "PeoplePage"),
});

const keys = createRoute({
  getParentRoute,
  path: "/keys",
  component: lazyRouteComponent(peoplePages.keys, "KeysPage"),
});

/** `from` and `to` are days of the browser's zone. */
export type AuditSearch = {
  actor?: string | undefined;
  action?: string | undefined;
  subject?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
};

const audit = createRoute({
  getParentRoute,
  path: "/audit",
  validateSearch: (search: Search): AuditSearch => ({
    actor: text(search, "actor"),
    action: text(search, "action"),
    subject: text(search, "subject"),
    from: text(search, "from"),
    to: text(search, "to"),
  }),
  component: lazyRouteComponent(peoplePages.audit, "AuditPage"),
});

const account = createRoute({
  getParentRoute,
  path: "/account",
  component: lazyRouteComponent(peoplePages.account, "AccountPage"),
});

export const peopleRoutes = [people, keys, audit, account];
