/**
 * What a signed-in driver's pages ask for, and how it is shown: the state of a charge, months. No stream of
 * events is a driver's: what runs is asked for every few seconds while it is on screen.
 */
import { queryOptions } from "@tanstack/react-query";
import type { OwnTransaction } from "../../api/own-schemas.ts";
import type { OwnTransactionDetail } from "./api.gen.ts";
import { call } from "./client.ts";
import type { IconName, Tone } from "./state.ts";

/** As often as stations tell something new at best. */
export const OWN_RUNNING_MS = 5_000;
/** Whether anything runs at all. */
export const OWN_LOOK_MS = 15_000;
/** A reading that is older than this is said to be so. */
export const OWN_STALE_MS = 5 * 60_000;
/** More than one person charges at a time; of the rest the list tells. */
const RUNNING_MAX = 20;

export const ownProfileQuery = () =>
  queryOptions({
    queryKey: ["own", "profile"],
    queryFn: ({ signal }) => call("getOwnProfile", { signal }),
  });

export const ownRunningQuery = () =>
  queryOptions({
    queryKey: ["own", "running"],
    refetchInterval: OWN_LOOK_MS,
    queryFn: ({ signal }) =>
      call("listOwnTransactions", { query: { status: "active", limit: RUNNING_MAX }, signal }),
  });

export const ownChargeQuery = (transactionId: string) =>
  queryOptions<OwnTransactionDetail>({
    queryKey: ["own", "charge", transactionId],
    // Until nothing about it can change by itself any more.
    refetchInterval: ({ state: { data } }) => {
      if (data === undefined) return false;
      const { status, billing } = data.transaction;
      if (status === "active") return OWN_RUNNING_MS;
      return billing === "pending" ? OWN_LOOK_MS : false;
    },
    queryFn: ({ signal }) => call("getOwnTransaction", { path: { transactionId }, signal }),
  });

export type ChargeState = "charging" | "waiting" | "ended";

const WAITING = new Set(["Preparing", "EVConnected", "SuspendedEV", "SuspendedEVSE", "Finishing", "Idle"]);

/** Pure. */
export function chargeState({
  status,
  chargingState,
  powerW,
}: Pick<OwnTransaction, "status" | "chargingState" | "powerW">): ChargeState {
  if (status === "ended") return "ended";
  return (chargingState !== null && WAITING.has(chargingState)) || powerW === 0 ? "waiting" : "charging";
}

export const CHARGE_LOOK: Record<ChargeState, { icon: IconName; tone: Tone }> = {
  charging: { icon: "bolt", tone: "accent" },
  waiting: { icon: "pause", tone: "neutral" },
  ended: { icon: "check", tone: "quiet" },
};

/** "novembro de 2026", by the clock of the place. Pure. */
export function monthName(at: string, timeZone: string, locale: string): string {
  const options: Intl.DateTimeFormatOptions = { month: "long", year: "numeric" };
  try {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone }).format(Date.parse(at));
  } catch {
    return new Intl.DateTimeFormat(locale, options).format(Date.parse(at));
  }
}

export type Month<T> = { name: string; items: T[] };

/** A list in its order, cut where another month begins. Pure. */
export function byMonth<T extends { startedAt: string; timeZone: string }>(
  items: readonly T[],
  locale: string,
): Month<T>[] {
  const months: Month<T>[] = [];
  for (const item of items) {
    const name = monthName(item.startedAt, item.timeZone, locale);
    const last = months.at(-1);
    if (last?.name === name) last.items.push(item);
    else months.push({ name, items: [item] });
  }
  return months;
}
