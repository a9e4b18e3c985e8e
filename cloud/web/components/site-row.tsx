/** A site in the overview: what it gives now, and whether it can be heard. */
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Er } from "../../api/er-schemas.ts";
import type { Site } from "../../api/schemas.ts";
import { useFormat } from "../lib/i18n.ts";
import { ONLINE_LOOK } from "../lib/state.ts";
import { Badge } from "./badge.tsx";
import { BigNumber } from "./card.tsx";
import { Ago } from "./time.tsx";

export function SiteRow({ site, ers }: { site: Site; ers: readonly Er[] }) {
  const t = useTranslations();
  const format = useFormat();
  const { siteId, name, erOnline, timeZone } = site;
  const lastSeenAt = ers.reduce<string | null>(
    (last, er) => ((er.lastSeenAt ?? "") > (last ?? "") ? er.lastSeenAt : last),
    null,
  );
  const offline = site.stationCount - site.stationsOnline;
  const bar = erOnline ? "bg-accent-vivid" : "bg-line-strong";
  const inUse = site.connectorCount === 0 ? 0 : Math.min(1, site.activeTransactions / site.connectorCount);
  return (
    <li
      className="lazy-row relative grid grid-cols-[1fr_auto] items-center gap-x-6 gap-y-2 px-4 py-3.5
        hover:bg-raised sm:px-5
        md:grid-cols-[minmax(0,1.6fr)_minmax(9rem,1fr)_minmax(0,1.1fr)_7rem_8rem]"
    >
      <div className="min-w-0">
        <Link
          to="/sites/$siteId"
          params={{ siteId }}
          className="block truncate font-semibold -outline-offset-2 after:absolute after:inset-0"
        >
          {name}
        </Link>
        {erOnline ? (
          <p className="text-[0.8125rem] text-ink-3">{t("site.stations", { count: site.stationCount })}</p>
        ) : (
          <p className="text-[0.8125rem] text-ink-3">
            {lastSeenAt === null ? t("er.neverSeen") : t("er.asOf")}{" "}
            {lastSeenAt !== null && <Ago at={lastSeenAt} timeZone={timeZone} />}
          </p>
        )}
      </div>
      <div className={`order-last col-span-2 md:order-none md:col-span-1 `}>
        <p className={`text-[0.8125rem] ${erOnline ? "text-ink-2" : "text-ink-3"}`}>
          {site.connectorCount === 0
            ? t("site.noConnectors")
            : t("site.inUse", { active: site.activeTransactions, connectors: site.connectorCount })}
        </p>
        <div className="mt-1 h-1.5 overflow-hidden rounded-full bg-raised" aria-hidden="true">
          <div
            className={`h-full rounded-full transition-[width] duration-700 ${bar}`}
            style={{ width: `${inUse * 100}%` }}
          />
        </div>
      </div>
      <div className="flex flex-wrap gap-1.5 max-md:order-3 max-md:col-span-2 max-md:empty:hidden">
        {!erOnline && <Badge {...ONLINE_LOOK.offline}>{t("online.offline")}</Badge>}
        {site.stationsFaulted > 0 && (
          <Badge tone="red" icon="alert">
            {t("site.faulted", { count: site.stationsFaulted })}
          </Badge>
        )}
        {erOnline && offline > 0 && (
          <Badge {...ONLINE_LOOK.offline}>{t("site.offline", { count: offline })}</Badge>
        )}
      </div>
      <p className="text-right text-[0.8125rem] text-ink-2 max-md:hidden">
        {format.energy(site.energyTodayWh)} <span className="block text-ink-3">{t("site.today")}</span>
      </p>
      <p className={`text-right max-md:order-2 ${erOnline ? "" : "text-ink-3"}`}>
        <BigNumber {...format.powerOf(site.powerW)} className="text-2xl" />
      </p>
    </li>
  );
}
