/** A site: what it gives now, its stations, its ER, its meters, who is charging. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Er } from "../../api/er-schemas.ts";
import type { Site, Station } from "../../api/schemas.ts";
import { Badge } from "../components/badge.tsx";
import { BigNumber, Empty, Section, Skeleton } from "../components/card.tsx";
import { CopyLine } from "../components/copy.tsx";
import { ErCard } from "../components/er-card.tsx";
import { MeterCard } from "../components/meter-card.tsx";
import { PageHead } from "../components/page-head.tsx";
import { PrepareStation } from "../components/prepare-station.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { SiteRules } from "../components/site-rules.tsx";
import { StationCard } from "../components/station-card.tsx";
import { When } from "../components/time.tsx";
import { TransactionList } from "../components/transaction-list.tsx";
import { guide } from "../lib/guide.ts";
import { useFormat } from "../lib/i18n.ts";
import { activeTransactionsQuery, ersQuery, metersQuery, siteQuery, stationsQuery } from "../lib/queries.ts";
import { CONNECTOR_LOOK, connectorState, ONLINE_LOOK, type ConnectorState } from "../lib/state.ts";

const route = getRouteApi("/sites/$siteId");

export function SitePage() {
  const t = useTranslations();
  const { siteId } = route.useParams();
  const site = useQuery(siteQuery(siteId));
  const stations = useQuery(stationsQuery(siteId));
  const ers = useQuery(ersQuery(siteId));
  const meters = useQuery(metersQuery(siteId));
  const active = useQuery(activeTransactionsQuery(siteId));
  const failed = [site, stations, ers, meters, active].find(
    (query) => query.isError && query.data === undefined,
  );
  if (failed !== undefined) return <ProblemPage error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!site.data || !stations.data || !ers.data || !meters.data || !active.data) return <SiteSkeleton />;
  const { timeZone } = site.data;
  return (
    <>
      <SiteHead site={site.data} stations={stations.data.items} ers={ers.data.items} />
      <div className="grid grid-cols-1 gap-8 lg:grid-cols-[minmax(0,1fr)_21rem]">
        <div className="min-w-0 space-y-8">
          <Section
            title={t("site.stationsTitle")}
            count={String(stations.data.items.length)}
            aside={<PrepareStation siteId={siteId} />}
          >
            {stations.data.items.length === 0 ? (
              <FirstStation />
            ) : (
              <ul className="grid grid-cols-1 gap-3 sm:grid-cols-2">
                {stations.data.items.map((station) => (
                  <li key={station.stationId} className="lazy-row">
                    <StationCard station={station} siteOnline={site.data.erOnline} timeZone={timeZone} />
                  </li>
                ))}
              </ul>
            )}
            {!stations.data.complete && (
              <p className="mt-2 text-sm text-ink-3">
                {t("common.cut", { count: stations.data.items.length })}
              </p>
            )}
          </Section>
          {stations.data.items.length > 0 && (
            <Section title={t("site.activeTitle")} count={String(active.data.items.length)}>
              {active.data.items.length === 0 ? (
                <Empty title={t("site.noActive")} />
              ) : (
                <TransactionList transactions={active.data.items} siteOf={() => site.data} />
              )}
            </Section>
          )}
        </div>
        <div className="space-y-8">
          <Section title={t("site.metersTitle")}>
            {meters.data.items.length === 0 ? (
              <Empty title={t("site.noMeters")}>{t("site.noMetersHint")}</Empty>
            ) : (
              <div className="space-y-3">
                {meters.data.items.map((meter) => (
                  <MeterCard
                    key={meter.meterId}
                    meter={meter}
                    online={site.data.erOnline}
                    timeZone={timeZone}
                  />
                ))}
              </div>
            )}
          </Section>
          <Section title={t("site.erTitle")}>
            {ers.data.items.length === 0 ? (
              <Empty title={t("site.noEr")}>
                <p className="mb-3">{t("site.noErHint")}</p>
                <CopyLine text={guide.erStatus} />
              </Empty>
            ) : (
              <div className="space-y-3">
                {ers.data.items.map((er) => (
                  <ErCard key={er.erId} er={er} site={site.data} />
                ))}
              </div>
            )}
          </Section>
          <SiteRules site={site.data} />
        </div>
      </div>
    </>
  );
}

const COUNTED: readonly ConnectorState[] = [
  "charging",
  "waiting",
  "occupied",
  "free",
  "reserved",
  "unavailable",
  "faulted",
  "unknown",
];

function SiteHead({ site, stations, ers }: { site: Site; stations: readonly Station[]; ers: readonly Er[] }) {
  const t = useTranslations();
  const format = useFormat();
  const heard = stations.filter((station) => station.online && site.erOnline);
  const states = heard.flatMap((station) => station.connectors.map((connector) => connectorState(connector)));
  const offline = stations.length - heard.length;
  const counts = COUNTED.map((state) => ({
    state,
    count: states.filter((one) => one === state).length,
  })).filter(({ count }) => count > 0);
  const lastSeenAt = ers[0]?.lastSeenAt ?? null;
  return (
    <PageHead
      title={site.name}
      timeZone={site.timeZone}
      badge={!site.erOnline && <Badge {...ONLINE_LOOK.offline}>{t("online.offline")}</Badge>}
    >
      {!site.erOnline && (
        <p className="mt-1 text-amber">
          {lastSeenAt === null ? t("site.neverHeard") : t("site.asOf")}{" "}
          {lastSeenAt !== null && <When at={lastSeenAt} timeZone={site.timeZone} />}
        </p>
      )}
      <div className="mt-3 flex flex-wrap items-center gap-x-8 gap-y-3">
        <p className={site.erOnline ? "" : "text-ink-3"}>
          <BigNumber {...format.powerOf(site.powerW)} className="text-4xl" />
        </p>
        <p className="text-sm text-ink-2">
          <span className="block font-medium text-ink">{format.energy(site.energyTodayWh)}</span>
          {t("site.today")}
        </p>
        <ul className="flex flex-wrap gap-1.5" aria-label={t("site.connectors")}>
          {counts.map(({ state, count }) => (
            <li key={state}>
              <Badge
                {...CONNECTOR_LOOK[state]}
                tone={CONNECTOR_LOOK[state].tone === "quiet" ? "neutral" : CONNECTOR_LOOK[state].tone}
              >
                {count} {t(`connectorCount.${state}`, { count })}
              </Badge>
            </li>
          ))}
          {site.erOnline && offline > 0 && (
            <li>
              <Badge {...ONLINE_LOOK.offline}>{t("site.stationsOffline", { count: offline })}</Badge>
            </li>
          )}
        </ul>
      </div>
    </PageHead>
  );
}

/** No station yet: the address to enter into it. */
function FirstStation() {
  const t = useTranslations();
  return (
    <Empty title={t("site.noStations")}>
      <p className="mb-3">{t("site.noStationsHint")}</p>
      <CopyLine text={guide.stationUrl(t("site.erAddress"), t("site.stationIdExample"))} />
      <p className="mt-3">{t("site.noStationsProtocols")}</p>
    </Empty>
  );
}

function SiteSkeleton() {
  const t = useTranslations();
  return (
    <div aria-busy="true" aria-label={t("common.loading")} role="status">
      <Skeleton className="mb-2 h-5 w-24" />
      <Skeleton className="mb-4 h-8 w-64" />
      <Skeleton className="mb-8 h-10 w-80 max-w-full" />
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_21rem]">
        <Skeleton className="h-96 w-full rounded-xl" />
        <Skeleton className="h-96 w-full rounded-xl" />
      </div>
    </div>
  );
}
