/**
 * What an ER asks of a station by itself, free of the protocol version: ending and slowing a transaction,
 * asking how things are, keeping the station able to work alone.
 *
 * `upkeep-v16.ts` and `upkeep-v201.ts` translate and nothing else, like a dialect; what to ask, and when, is
 * decided in `edge/core`. Answers come as stations send them: they are read tolerantly and never throw.
 */
import type { Protocol } from "../entry.ts";
import { fieldsOf, text } from "../given.ts";
import type { Price } from "../decide/tariff.ts";
import type { RunningCost } from "./cost.ts";
import type { Call } from "./dialect.ts";
import { answer16, call16, KEYS_16 } from "./upkeep-v16.ts";
import { answer201, call201, VARIABLES_201 } from "./upkeep-v201.ts";

/** Charging profiles of the ER have ids up to 99,999; the SG's begin at 100,000: neither replaces the other's. */
export const DEFAULT_PROFILE_ID = 1;
export const TX_PROFILE_ID = 2;

/* `cause` of calls whose answers the fold reads. */
/** Slows down a transaction whose token was revoked. */
export const SLOW_DOWN = "revoked-slow";
export const LOCAL_LIST = "local-list";
export const OFFLINE_KEYS = "offline-keys";
export const DEFAULT_PROFILE = "default-profile";
/** Values of the operator's templates (`edge/core/template.ts`). */
export const TEMPLATE = "template";

type Fields = Record<string, unknown>;

/** What a station may be set to, or says of itself, and that matters while nobody governs it. */
export const SETTINGS = [
  /* Asked first: how much may be asked at once. */
  "itemsPerRead",
  "itemsPerWrite",
  "features",
  "listEntriesMax",
  "listItemsPerMessage",
  "listBytesPerMessage",
  "listAvailable",
  "listEnabled",
  "smartCharging",
  "localAuthorizeOffline",
  "localPreAuthorize",
  "offlineTxForUnknownId",
  "stopTxOnInvalidId",
  "maxEnergyOnInvalidId",
  "messageAttempts",
  "messageAttemptInterval",
  "monitorsPerWrite",
  "monitorsPerClear",
  /* Asked where there is a tariff. */
  "costShown",
] as const;
export type Setting = (typeof SETTINGS)[number];

/** Those that the ER writes; the others it only reads. */
export const KEPT_SETTINGS = [
  "localAuthorizeOffline",
  "listEnabled",
  "localPreAuthorize",
  "offlineTxForUnknownId",
  "stopTxOnInvalidId",
  "maxEnergyOnInvalidId",
  "messageAttempts",
  "messageAttemptInterval",
] as const satisfies readonly Setting[];
export type KeptSetting = (typeof KEPT_SETTINGS)[number];

/** One token of a station's own list. */
export type ListEntry = {
  idToken: string;
  /** OCPP 2.0.1 only: `ISO14443`, …. */
  type?: string;
  /** Absent: the token leaves the list. */
  status?: "Accepted" | "Blocked" | "Expired" | "Invalid";
  groupId?: string;
  /** Unix milliseconds. */
  expiresAt?: number;
};

export type ListUpdate = { update: "Full" | "Differential"; version: number; entries: ListEntry[] };

export type Upkeep =
  | { kind: "stop"; ocppTransactionId: string }
  /** A profile for this transaction, above the station's default one. */
  | { kind: "limit-transaction"; ocppTransactionId: string; evseId: number; limitA: number }
  | { kind: "trigger"; message: "boot" | "status" | "heartbeat" | "meter" | "transaction"; evseId?: number }
  | { kind: "read-settings"; settings: readonly Setting[] }
  /** OCPP 1.6 takes one at a time: the first. */
  | { kind: "write-settings"; values: readonly { setting: Setting; value: string }[] }
  | { kind: "read-list-version" }
  /** OCPP 2.0.1 tells the length of its list in a report that follows (`readListLimit`). */
  | { kind: "ask-list-limit" }
  | ({ kind: "send-list" } & ListUpdate)
  /** The current of every transaction that nobody governs; absent: no limit of ours. */
  | { kind: "default-profile"; limitA?: number }
  | ({ kind: "running-cost" } & RunningCost)
  /** OCPP 1.6 only: 2.x is told in the answer to the end. */
  | { kind: "final-cost"; ocppTransactionId: string; price: Price }
  /** OCPP 1.6 only. */
  | { kind: "user-price"; idToken: string; text: string };

/** What a station's answer to such a call says. */
export type UpkeepAnswer =
  /** Without a value: the station has no such setting, or does not tell. */
  | { kind: "settings-read"; settings: { setting: Setting; value?: string; readOnly: boolean }[] }
  | { kind: "settings-written"; settings: { setting: Setting; value: string; accepted: boolean }[] }
  /** Absent: it keeps no list. */
  | { kind: "list-version"; version?: number }
  | { kind: "list-limit-asked" }
  | ({ kind: "list-sent"; status: "accepted" | "mismatch" | "failed" | "unsupported" } & ListUpdate)
  | { kind: "default-profile"; limitA?: number; accepted: boolean };

/** @returns undefined where this version cannot be asked so. */
export function upkeepCall(protocol: Protocol, wanted: Upkeep): Call | undefined {
  return protocol === "ocpp1.6" ? call16(wanted) : call201(wanted);
}

/** Settings that this version has. */
export const settingsOf = (protocol: Protocol): readonly Setting[] =>
  SETTINGS.filter((setting) => setting in (protocol === "ocpp1.6" ? KEYS_16 : VARIABLES_201));

/**
 * @param request payload of our call.
 * @param response payload of the answer; undefined: the station refused the call (CALLERROR).
 * @returns undefined when the call keeps nothing up to date.
 */
export function readUpkeep(
  protocol: Protocol,
  action: string,
  request: unknown,
  response: unknown,
): UpkeepAnswer | undefined {
  return protocol === "ocpp1.6"
    ? answer16(action, fieldsOf(request), response === undefined ? undefined : fieldsOf(response))
    : answer201(action, fieldsOf(request), response === undefined ? undefined : fieldsOf(response));
}

/* What both versions need to write a call, and to read an answer that may be anything. */

export const schedule = (limitA: number) => ({
  chargingRateUnit: "A",
  chargingSchedulePeriod: [{ startPeriod: 0, limit: limitA }],
});

export const statusOf = (response: Fields | undefined): string => text(response?.["status"]) ?? "";
