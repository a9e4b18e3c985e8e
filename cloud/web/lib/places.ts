/**
 * Where one can go, and what one must be allowed to be there: the navigation shows what is allowed, and a
 * page that is asked for without it says so instead of failing. Pure data; a page that is not listed is
 * open to everybody.
 */
import type { Permission } from "../../core/access.ts";
import type { IconName } from "../components/icon.tsx";

type Place = {
  to: string;
  icon: IconName;
  /** `nav.<name>`. */
  name: string;
  needs: Permission;
  group: "operate" | "money" | "organisation" | "own";
  /** Stands in the bar; the rest is in the menu, which has everything. */
  bar?: boolean;
};

/** In the order in which they are shown. The bar of a phone has room for the first four. */
export const PLACES = [
  { to: "/", icon: "home", name: "overview", needs: "sites:read", group: "operate", bar: true },
  {
    to: "/transactions",
    icon: "list",
    name: "transactions",
    needs: "transactions:read",
    group: "operate",
    bar: true,
  },
  { to: "/work", icon: "inbox", name: "work", needs: "transactions:read", group: "operate", bar: true },
  { to: "/alarms", icon: "bell", name: "alarms", needs: "alarms:read", group: "operate", bar: true },
  { to: "/events", icon: "list", name: "events", needs: "stations:read", group: "operate", bar: true },
  { to: "/reports", icon: "chart", name: "reports", needs: "reports:read", group: "operate" },
  { to: "/tokens", icon: "card", name: "tokens", needs: "id-tokens:read", group: "operate" },
  { to: "/drivers", icon: "person", name: "drivers", needs: "drivers:read", group: "operate" },
  { to: "/templates", icon: "settings", name: "templates", needs: "templates:read", group: "operate" },
  { to: "/tariffs", icon: "tag", name: "tariffs", needs: "tariffs:read", group: "money" },
  { to: "/cdrs", icon: "receipt", name: "cdrs", needs: "money:read", group: "money" },
  { to: "/payments", icon: "card", name: "payments", needs: "payments:read", group: "money" },
  { to: "/statements", icon: "receipt", name: "statements", needs: "money:read", group: "money" },
  { to: "/ledger", icon: "scales", name: "ledger", needs: "money:read", group: "money" },
  { to: "/operator", icon: "home", name: "operator", needs: "operator:write", group: "organisation" },
  { to: "/people", icon: "people", name: "people", needs: "users:read", group: "organisation" },
  { to: "/keys", icon: "key", name: "keys", needs: "keys:read", group: "organisation" },
  { to: "/audit", icon: "history", name: "audit", needs: "audit:read", group: "organisation" },
  { to: "/webhooks", icon: "send", name: "webhooks", needs: "webhooks:read", group: "organisation" },
  { to: "/mails", icon: "mail", name: "mails", needs: "mails:read", group: "organisation" },
  { to: "/exports", icon: "download", name: "exports", needs: "exports:read", group: "organisation" },
  { to: "/my/charges", icon: "bolt", name: "myCharges", needs: "own:read", group: "own", bar: true },
  { to: "/my/statements", icon: "receipt", name: "myStatements", needs: "own:read", group: "own", bar: true },
  { to: "/my/tokens", icon: "card", name: "myTokens", needs: "own:read", group: "own", bar: true },
  { to: "/my/data", icon: "person", name: "myData", needs: "own:read", group: "own", bar: true },
] as const satisfies readonly Place[];

/** Pages that no navigation leads to, by the beginning of their address. */
const MORE: readonly (readonly [path: string, needs: Permission])[] = [
  ["/sites", "sites:read"],
  ["/stations", "stations:read"],
  ["/ers", "ers:read"],
  ["/meters", "meters:read"],
  ["/stickers", "stations:read"],
];

const isBelow = (pathname: string, path: string) => pathname === path || pathname.startsWith(`${path}/`);

/** What a page needs; undefined: nothing. */
export function needOf(pathname: string): Permission | undefined {
  if (pathname === "/") return "sites:read";
  const place = PLACES.find(({ to }) => to !== "/" && isBelow(pathname, to));
  return place?.needs ?? MORE.find(([path]) => isBelow(pathname, path))?.[1];
}
