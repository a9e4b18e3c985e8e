/**
 * What stands around every page: name, places to go, whether it is live, who is signed in. Places are those of
 * `lib/places.ts` that are allowed; a page that is not allowed is not even asked for.
 */
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate, Outlet, useRouterState } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import { openAlarmsQuery } from "../lib/alarms.ts";
import { useIsDriver, useIsUnanswered, useMay, useMe } from "../lib/me.ts";
import { needOf, PLACES } from "../lib/places.ts";
import { reviewSummaryQuery } from "../lib/queries.ts";
import { Skeleton } from "./card.tsx";
import { Icon, Mark } from "./icon.tsx";
import { LiveIndicator } from "./live-indicator.tsx";
import { ForbiddenPage } from "./may.tsx";
import { Preferences } from "./preferences.tsx";

const GROUPS = ["operate", "money", "organisation"] as const;
const PHONE_PLACES = 4;

const BAR_ITEM = `relative flex items-center justify-center gap-1.5 text-ink-2 hover:text-ink
  aria-[current=page]:font-medium aria-[current=page]:text-ink
  max-md:h-14 max-md:flex-1 max-md:flex-col max-md:gap-0.5 max-md:text-xs max-md:-outline-offset-4
  max-md:aria-[current=page]:text-accent md:h-9 md:rounded-lg md:px-3
  md:hover:bg-raised md:aria-[current=page]:bg-raised`;

/** How much waits, beside the place where it does; more than two digits say nothing more. */
function Count({ count }: { count: number }) {
  const t = useTranslations();
  return (
    <span
      className="min-w-5 rounded-full bg-amber-soft px-1.5 text-center text-xs leading-5 font-medium text-amber
        max-md:absolute max-md:top-1 max-md:left-[calc(50%+0.25rem)]"
    >
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span className="sr-only">{t("nav.waiting", { count })}</span>
    </span>
  );
}

function Bar() {
  const t = useTranslations();
  const may = useMay();
  const known = useMe() !== undefined;
  const open =
    useQuery({ ...reviewSummaryQuery(), enabled: known && may("transactions:read") }).data?.open ?? 0;
  const alarms = useQuery({ ...openAlarmsQuery(), enabled: known && may("alarms:read") }).data?.items ?? [];
  const waiting = { work: open, alarms: alarms.filter(({ status }) => status === "raised").length };
  const allowed = PLACES.filter((place) => may(place.needs));
  const places = allowed.filter((place) => "bar" in place);
  // Where everything stands in the bar, also on a phone, there is nothing more in the menu.
  const all = places.length === allowed.length && places.length <= PHONE_PLACES;
  return (
    <nav
      aria-label={t("nav.label")}
      className="max-md:fixed max-md:inset-x-0 max-md:bottom-0 max-md:flex max-md:border-t max-md:border-line
        max-md:bg-surface max-md:pb-[env(safe-area-inset-bottom)] md:ml-2 md:flex md:gap-1"
    >
      {places.map(({ to, icon, name }, place) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: to === "/", includeSearch: false }}
          className={`${BAR_ITEM} ${place < PHONE_PLACES ? "" : "max-md:hidden"}`}
        >
          <Icon name={icon} className="size-5 md:hidden" />
          {t(`nav.${name}`)}
          {(name === "work" || name === "alarms") && waiting[name] > 0 && <Count count={waiting[name]} />}
        </Link>
      ))}
      {!all && (
        <button type="button" popoverTarget="menu" className={BAR_ITEM}>
          <Icon name="menu" className="size-5" />
          <span className="md:sr-only lg:not-sr-only">{t("nav.menu")}</span>
        </button>
      )}
    </nav>
  );
}

/** Everything there is, in groups. Opens over the page by the browser's popover. */
function Menu() {
  const t = useTranslations();
  const may = useMay();
  const close = () => document.getElementById("menu")?.hidePopover();
  return (
    <div
      id="menu"
      popover="auto"
      className="fixed inset-auto m-0 max-h-[calc(100dvh-5rem)] overflow-y-auto rounded-xl border border-line
        bg-surface p-3 text-ink shadow-card max-md:inset-x-3 max-md:bottom-[calc(4rem+env(safe-area-inset-bottom))]
        md:top-14 md:left-[max(1rem,calc((100%-72rem)/2+1.5rem))] md:min-w-80"
    >
      <nav aria-label={t("nav.all")} className="grid gap-x-6 gap-y-3 sm:auto-cols-max sm:grid-flow-col">
        {GROUPS.map((group) => {
          const places = PLACES.filter((place) => place.group === group && may(place.needs));
          if (places.length === 0) return null;
          return (
            <div key={group}>
              <p className="px-2.5 pb-1 text-[0.8125rem] text-ink-3">{t(`navGroup.${group}`)}</p>
              <ul className="max-sm:grid max-sm:grid-cols-2">
                {places.map(({ to, icon, name }) => (
                  <li key={to}>
                    <Link
                      to={to}
                      onClick={close}
                      activeOptions={{ exact: to === "/", includeSearch: false }}
                      className="flex h-10 items-center gap-2.5 rounded-lg px-2.5 text-ink-2 hover:bg-raised
                        hover:text-ink aria-[current=page]:font-medium aria-[current=page]:text-ink
                        pointer-coarse:h-11"
                    >
                      <Icon name={icon} /> {t(`nav.${name}`)}
                    </Link>
                  </li>
                ))}
              </ul>
            </div>
          );
        })}
      </nav>
    </div>
  );
}

/** The page, where it is allowed. What cannot be known while the cloud is away is left to the page. */
function Page() {
  const known = useMe() !== undefined;
  const unanswered = useIsUnanswered();
  const may = useMay();
  // Of what is on screen: the address is ahead of it while the next page is fetched.
  const pathname = useRouterState({
    select: ({ matches, location }) => (matches.length > 1 && matches.at(-1)?.pathname) || location.pathname,
  });
  const needs = needOf(pathname);
  const isDriver = useIsDriver();
  if (!known && !unanswered) return <Skeleton className="h-72 w-full rounded-xl" />;
  if (pathname === "/" && isDriver === true) return <Navigate to="/my/charges" replace />;
  return needs === undefined || may(needs) ? <Outlet /> : <ForbiddenPage needs={needs} />;
}

export function Shell() {
  const t = useTranslations();
  const isDriver = useIsDriver() === true;
  return (
    <div className="flex min-h-dvh flex-col max-md:pb-16">
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
            to={isDriver ? "/my/charges" : "/"}
            className="flex items-center gap-2 rounded-lg font-semibold"
            aria-label={`Moov.olt, ${t(isDriver ? "nav.myCharges" : "nav.overview")}`}
          >
            <Mark />
            <span className="md:max-lg:sr-only">Moov.olt</span>
          </Link>
          <Bar />
          <Menu />
          <div className="ml-auto flex items-center gap-2">
            {!isDriver && <LiveIndicator />}
            <Preferences />
          </div>
        </div>
      </header>
      <main
        id="main"
        tabIndex={-1}
        className="mx-auto w-full max-w-6xl flex-1 px-4 pt-6 pb-12 outline-none sm:px-6"
      >
        <Page />
      </main>
    </div>
  );
}
