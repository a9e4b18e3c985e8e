/** A station: what is it saying, and what can I do? The head and the tabs; each tab is a page of its own. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, Outlet } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTranslations } from "use-intl";
import type { Site, Station } from "../../api/schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Card, Skeleton } from "../components/card.tsx";
import { Icon } from "../components/icon.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { StationContext } from "../components/station-context.tsx";
import { TAB, Tabs } from "../components/tabs.tsx";
import { When } from "../components/time.tsx";
import { isSkewed } from "../lib/er-health.ts";
import { useFormat } from "../lib/i18n.ts";
import { siteQuery, stationQuery } from "../lib/queries.ts";
import { ONLINE_LOOK, REGISTRATION_LOOK } from "../lib/state.ts";

const route = getRouteApi("/stations/$stationId");

const TABS = [
  { to: "/stations/$stationId", name: "overview" },
  { to: "/stations/$stationId/commands", name: "commands" },
  { to: "/stations/$stationId/configuration", name: "configuration" },
  { to: "/stations/$stationId/events", name: "events" },
  { to: "/stations/$stationId/energy", name: "energy" },
  { to: "/stations/$stationId/files", name: "files" },
  { to: "/stations/$stationId/timeline", name: "timeline" },
  { to: "/stations/$stationId/settings", name: "settings" },
] as const;

export function StationPage() {
  const { stationId } = route.useParams();
  const query = useQuery(stationQuery(stationId));
  const told = query.data;
  const site = useQuery(siteQuery(told?.siteId ?? "")).data;
  const shown = useMemo(() => {
    if (told === undefined) return null;
    const station = { ...told, online: told.online && site?.erOnline !== false };
    return { station, site, timeZone: site?.timeZone };
  }, [told, site]);
  if (query.isError && shown === null)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (shown === null) return <StationSkeleton />;
  return (
    <StationContext value={shown}>
      <StationHead {...shown} />
      <StationTabs stationId={stationId} drift={shown.station.configurationDrift} />
      <Outlet />
    </StationContext>
  );
}

function StationTabs({ stationId, drift }: { stationId: string; drift: number }) {
  const t = useTranslations();
  return (
    <Tabs label={t("stationTab.label")}>
      {TABS.map(({ to, name }) => (
        <li key={name}>
          <Link
            {...{ to, params: { stationId } }}
            activeOptions={{ exact: name === "overview", includeSearch: false }}
            className={TAB}
            resetScroll={false}
          >
            {t(`stationTab.${name}`)}
            {name === "configuration" && drift > 0 && (
              <span className="min-w-5 rounded-full bg-amber-soft px-1.5 text-center text-xs leading-5 text-amber">
                {drift}
                <span className="sr-only"> {t("valueState.wanted")}</span>
              </span>
            )}
          </Link>
        </li>
      ))}
    </Tabs>
  );
}

type HeadProps = { station: Station; site: Site | undefined; timeZone: string | undefined };

function StationHead({ station, site, timeZone }: HeadProps) {
  const t = useTranslations();
  const link = station.online ? "online" : "offline";
  const since = station.onlineChangedAt;
  const held = station.registration !== "Accepted";
  return (
    <PageHead
      title={station.stationId}
      site={site}
      badge={
        <>
          <Badge {...ONLINE_LOOK[link]}>{t(`online.${link}`)}</Badge>
          {held && (
            <Badge {...REGISTRATION_LOOK[station.registration]}>
              {t(`registration.${station.registration}`)}
            </Badge>
          )}
        </>
      }
    >
      <p className={`mt-1 ${station.online ? "text-ink-2" : "text-amber"}`}>
        {since === null ? t("station.neverConnected") : t(`station.since.${link}`)}{" "}
        {since !== null && <When at={since} timeZone={timeZone} />}
      </p>
      {isSkewed(station.clockSkewMs) && <ClockWarning skewMs={station.clockSkewMs} />}
    </PageHead>
  );
}

/** Its clock is so wrong that its times cannot be believed. */
function ClockWarning({ skewMs }: { skewMs: number }) {
  const t = useTranslations();
  const format = useFormat();
  return (
    <div className="mt-3 flex max-w-3xl gap-2 rounded-lg bg-amber-soft px-3 py-2 text-sm">
      <Icon name="clock" className="mt-0.5 size-4 text-amber" />
      <div>
        <p className="font-medium text-amber">
          {t(skewMs > 0 ? "station.clockAhead" : "station.clockBehind", {
            by: format.duration(Math.abs(skewMs)),
          })}
        </p>
        <p>{t("station.clockHint")}</p>
      </div>
    </div>
  );
}

function StationSkeleton() {
  const t = useTranslations();
  return (
    <div aria-busy="true" aria-label={t("common.loading")} role="status">
      <Skeleton className="mb-2 h-5 w-40" />
      <Skeleton className="mb-3 h-8 w-48" />
      <Skeleton className="mb-6 h-10 w-full" />
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_24rem]">
        <Card className="h-72">{null}</Card>
        <Card className="h-72">{null}</Card>
      </div>
    </div>
  );
}
