/** What stands around every page: name, places to go, whether it is live, preferences. */
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import { api } from "../lib/api.ts";
import { reviewSummaryQuery } from "../lib/queries.ts";
import { session } from "../lib/session.ts";
import { useValue } from "../lib/value.ts";
import { Icon, Mark } from "./icon.tsx";
import { LiveIndicator } from "./live-indicator.tsx";
import { Preferences } from "./preferences.tsx";

const PLACES = [
  { to: "/", icon: "home", name: "overview" },
  { to: "/transactions", icon: "list", name: "transactions" },
  { to: "/work", icon: "inbox", name: "work" },
  { to: "/events", icon: "bell", name: "events" },
  { to: "/tokens", icon: "card", name: "tokens" },
] as const;

/** How much waits, beside the place where it does; more than two digits say nothing more. */
function Count({ count }: { count: number }) {
  const t = useTranslations();
  return (
    <span
      className="min-w-5 rounded-full bg-amber-soft px-1.5 text-center text-xs leading-5 font-medium text-amber
        max-sm:absolute max-sm:top-1 max-sm:left-[calc(50%+0.25rem)]"
    >
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span className="sr-only">{t("nav.waiting", { count })}</span>
    </span>
  );
}

export function Shell() {
  const t = useTranslations();
  const { key } = useValue(session);
  const open = useQuery(reviewSummaryQuery()).data?.open ?? 0;
  const me = useQuery({ queryKey: ["me"], queryFn: () => api.me(key ?? ""), staleTime: Infinity });
  return (
    <div className="flex min-h-dvh flex-col max-sm:pb-16">
      <a
        href="#main"
        className="sr-only rounded-lg bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:absolute
          focus:top-2 focus:left-2 focus:z-30"
      >
        {t("nav.skip")}
      </a>
      <header className="sticky top-0 z-20 border-b border-line bg-ground">
        <div className="mx-auto flex h-14 max-w-6xl items-center gap-4 px-4 sm:px-6">
          <Link
            to="/"
            className="flex items-center gap-2 rounded-lg font-semibold"
            aria-label={`Moov.olt, ${t("nav.overview")}`}
          >
            <Mark />
            <span>Moov.olt</span>
          </Link>
          <nav
            aria-label={t("nav.label")}
            className="max-sm:fixed max-sm:inset-x-0 max-sm:bottom-0 max-sm:flex max-sm:border-t
              max-sm:border-line max-sm:bg-surface max-sm:pb-[env(safe-area-inset-bottom)]
              sm:ml-2 sm:flex sm:gap-1"
          >
            {PLACES.map(({ to, icon, name }) => (
              <Link
                key={to}
                to={to}
                activeOptions={{ exact: to === "/", includeSearch: false }}
                className="relative flex items-center justify-center gap-1.5 text-ink-2 hover:text-ink
                  aria-[current=page]:font-medium
                  aria-[current=page]:text-ink max-sm:h-14 max-sm:flex-1 max-sm:flex-col max-sm:gap-0.5
                  max-sm:text-xs max-sm:-outline-offset-4
                  max-sm:aria-[current=page]:text-accent sm:h-9 sm:rounded-lg sm:px-3
                  sm:hover:bg-raised sm:aria-[current=page]:bg-raised"
              >
                <Icon name={icon} className="size-5 sm:hidden" />
                {t(`nav.${name}`)}
                {name === "work" && open > 0 && <Count count={open} />}
              </Link>
            ))}
          </nav>
          <div className="ml-auto flex items-center gap-2">
            <LiveIndicator />
            <Preferences keyName={me.data?.keyName ?? ""} operatorId={me.data?.operatorId ?? ""} />
          </div>
        </div>
      </header>
      <main
        id="main"
        tabIndex={-1}
        className="mx-auto w-full max-w-6xl flex-1 px-4 pt-6 pb-12 outline-none sm:px-6"
      >
        <Outlet />
      </main>
    </div>
  );
}
