/**
 * What needs a person, out of what the cloud reports: the overview's answer. Pure.
 */
import type { Er } from "../../api/er-schemas.ts";
import type { Connector, Site } from "../../api/schemas.ts";
import { BACKLOG_ENTRIES } from "./er-health.ts";

export type Attention =
  | { kind: "er-offline"; tone: "amber"; siteId: string; site: string; since: string | null }
  | { kind: "stations-offline"; tone: "amber"; siteId: string; site: string; count: number }
  | {
      kind: "faulted";
      tone: "red";
      stationId: string;
      connector: string;
      errorCode: string | null;
      since: string | null;
    }
  | { kind: "backlog"; tone: "amber"; siteId: string; site: string; count: number }
  | { kind: "parked"; tone: "amber"; siteId: string; site: string; count: number }
  | { kind: "clock"; tone: "amber"; siteId: string; site: string }
  | { kind: "journal-full"; tone: "red"; siteId: string; site: string }
  | { kind: "watchdog"; tone: "amber"; siteId: string; site: string; since: string };

/** How a connector is named: by its EVSE, and by its own number where the EVSE has several. */
export const connectorName = (connector: { evseId: number; connectorId: number | null }) =>
  connector.connectorId === null || connector.connectorId <= 1
    ? String(connector.evseId)
    : `${connector.evseId}.${connector.connectorId}`;

/** How long it is told that an ER had to end itself. */
const WATCHDOG_MS = 24 * 3_600_000;

/** What the boxes at a site tell of themselves. Those that are offline say nothing new. */
function boxesOf(online: readonly Er[], siteId: string, site: string, nowMs: number): Attention[] {
  const found: Attention[] = [];
  for (const er of online) {
    if (er.gauges?.pressure === "refuse") found.push({ kind: "journal-full", tone: "red", siteId, site });
    if (er.backlog >= BACKLOG_ENTRIES)
      found.push({ kind: "backlog", tone: "amber", siteId, site, count: er.backlog });
    if (er.clock === "untrusted") found.push({ kind: "clock", tone: "amber", siteId, site });
    const { previousEnd, startedAt } = er;
    if (previousEnd === "watchdog" && startedAt !== null && nowMs - Date.parse(startedAt) < WATCHDOG_MS)
      found.push({ kind: "watchdog", tone: "amber", siteId, site, since: startedAt });
  }
  return found;
}

/** Red first, then in the order of the sites. @param nowMs Unix milliseconds. */
export function attentionOf(
  sites: readonly Site[],
  ers: readonly Er[],
  faulted: readonly Connector[],
  nowMs: number,
): Attention[] {
  const found: Attention[] = faulted.map((connector) => ({
    kind: "faulted",
    tone: "red",
    stationId: connector.stationId,
    connector: connectorName(connector),
    errorCode: connector.errorCode,
    since: connector.statusAt,
  }));
  for (const { siteId, name: site, stationCount, stationsOnline } of sites) {
    const own = ers.filter((er) => er.siteId === siteId);
    for (const er of own.filter((one) => !one.online)) {
      found.push({ kind: "er-offline", tone: "amber", siteId, site, since: er.lastSeenAt });
    }
    const online = own.filter((er) => er.online);
    // Behind an ER that is offline nobody knows about the stations: one line says it.
    const count = stationCount - stationsOnline;
    if (count > 0 && (online.length > 0 || own.length === 0)) {
      found.push({ kind: "stations-offline", tone: "amber", siteId, site, count });
    }
    found.push(...boxesOf(online, siteId, site, nowMs));
    const parked = own.reduce((sum, er) => sum + er.parkedEntries, 0);
    if (parked > 0) found.push({ kind: "parked", tone: "amber", siteId, site, count: parked });
  }
  return found.sort((a, b) => Number(b.tone === "red") - Number(a.tone === "red"));
}

export type Totals = {
  sites: number;
  connectors: number;
  active: number;
  powerW: number;
  energyTodayWh: number;
};

/** Sums over all sites. */
export function totalsOf(sites: readonly Site[]): Totals {
  const sum = (of: (site: Site) => number) => sites.reduce((total, site) => total + of(site), 0);
  return {
    sites: sites.length,
    connectors: sum((site) => site.connectorCount),
    active: sum((site) => site.activeTransactions),
    powerW: sum((site) => site.powerW),
    energyTodayWh: sum((site) => site.energyTodayWh),
  };
}

export type Answer = "charging" | "ready" | "attention" | "lost";

/** The one-word answer to "is everything charging?". `lost`: no site can be heard at all. */
export function answerOf(sites: readonly Site[], attention: readonly Attention[]): Answer {
  if (sites.length > 0 && sites.every((site) => !site.erOnline)) return "lost";
  if (attention.length > 0) return "attention";
  return sites.some((site) => site.activeTransactions > 0) ? "charging" : "ready";
}
