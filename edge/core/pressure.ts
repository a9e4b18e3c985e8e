/**
 * What a journal that runs out of disk gives up, and in which order. Pure: the shell measures and rewrites.
 *
 *   none → compact (blocks merged, nothing lost) → thin-60 → thin-300 (one reading kept per minute, per five
 *   minutes) → refuse (nobody may start; what runs may finish)
 *
 * Invariants: only periodic readings ever go; what stays is the same, byte for byte; what went is told by one
 * `journal.shed` entry per block, whose ranges and the entries beside it cover the block's numbers exactly.
 */
import type { Entry, EntryOf } from "../../shared/entry.ts";
import { assert } from "../../shared/errors.ts";
import { readHandled } from "../../shared/ocpp/read-call.ts";
import { parseTime } from "../../shared/time.ts";
import type { Pressure } from "./types.ts";

export const PRESSURES = ["none", "compact", "thin-60", "thin-300", "refuse"] as const;

/** Shares of the usable room (budget without the reserve) at which each pressure begins. */
const BEGINS: Record<Pressure, number> = {
  none: 0,
  compact: 0.5,
  "thin-60": 0.7,
  "thin-300": 0.85,
  refuse: 1,
};
/** A pressure ends this share below where it began, so that it does not flap. */
const HYSTERESIS = 0.05;

export const rankOf = (pressure: Pressure): number => PRESSURES.indexOf(pressure);

/** Bytes. The budget is the smaller one of what the operator allows and what the disk has left. */
export type Room = { usedBytes: number; budgetBytes: number; reserveBytes: number };

/** @param before the pressure until now. */
export function pressureOf(room: Room, before: Pressure): Pressure {
  const usable = Math.max(1, room.budgetBytes - room.reserveBytes);
  const share = room.usedBytes / usable;
  const begins = (pressure: Pressure) =>
    BEGINS[pressure] - (rankOf(pressure) <= rankOf(before) ? HYSTERESIS : 0);
  return PRESSURES.findLast((pressure) => pressure === "none" || share >= begins(pressure)) ?? "none";
}

/** How far blocks are rewritten under a pressure: 0 not at all, 1 merged, else one reading per so many s. */
export function rewriteLevel(pressure: Pressure): 0 | 1 | 60 | 300 {
  switch (pressure) {
    case "none":
      return 0;
    case "compact":
      return 1;
    case "thin-60":
      return 60;
    case "thin-300":
    case "refuse":
      return 300;
  }
}

export type Range = [first: number, last: number];

/** Sorted, with neighbours joined. */
function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = result.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else result.push([first, last]);
  }
  return result;
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
const PERIODIC_CONTEXTS: ReadonlySet<unknown> = new Set([undefined, "Sample.Periodic", "Sample.Clock"]);
/** What a station tells later than this was kept by it: a whole day of readings may come within a second. */
const LATE_MS = 120_000;
const PERIODIC_REASONS: ReadonlySet<unknown> = new Set(["MeterValuePeriodic", "MeterValueClock"]);

/**
 * What the meter values of a message are about, or undefined when there is more in them than periodic
 * readings: signed values, the first and last of a transaction, values that somebody asked for.
 */
function periodicContent(payload: Json): { content: string; at: number | undefined } | undefined {
  const list = payload["meterValue"];
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const contents = new Set<string>();
  let atText: unknown;
  for (const meterValue of list as unknown[]) {
    if (!isObject(meterValue) || !Array.isArray(meterValue["sampledValue"])) return undefined;
    atText = meterValue["timestamp"];
    for (const sampled of meterValue["sampledValue"] as unknown[]) {
      if (!isObject(sampled) || !PERIODIC_CONTEXTS.has(sampled["context"])) return undefined;
      if (sampled["format"] === "SignedData" || sampled["signedMeterValue"] !== undefined) return undefined;
      contents.add(`${String(sampled["context"])} ${String(sampled["measurand"])}`);
    }
  }
  return { content: [...contents].join(), at: parseTime(atText) };
}

/** The payload of a message that tells periodic readings and nothing else. */
function readingsOf(entry: EntryOf<"ocpp.handled">): Json | undefined {
  if (entry.action !== "MeterValues" && entry.action !== "TransactionEvent") return undefined;
  const { payload } = readHandled(entry.protocol, entry.request, entry.flags);
  if (!isObject(payload)) return undefined;
  if (entry.action === "MeterValues") return payload;
  const periodic =
    payload["eventType"] === "Updated" &&
    payload["idToken"] === undefined &&
    PERIODIC_REASONS.has(payload["triggerReason"]);
  return periodic ? payload : undefined;
}

/**
 * Readings with the same name tell the same thing within the same `everyS` seconds: the last of them is
 * enough. Undefined: not a periodic reading, never given up. What comes late counts by the station's time as
 * well.
 */
function windowOf(entry: Entry, everyS: number): string | undefined {
  const window = (at: number) => Math.floor(at / (everyS * 1_000));
  if (entry.kind === "meter.sampled") {
    return JSON.stringify([entry.meterId, entry.flags ?? [], window(entry.at)]);
  }
  if (entry.kind !== "ocpp.handled" || entry.decision !== undefined) return undefined;
  const payload = readingsOf(entry);
  const told = payload === undefined ? undefined : periodicContent(payload);
  if (payload === undefined || told === undefined) return undefined;
  const flags = entry.flags ?? [];
  const late = told.at !== undefined && entry.at - told.at > LATE_MS ? window(told.at) : null;
  const evse = payload["evse"] as Json | undefined;
  const info = payload["transactionInfo"] as Json | undefined;
  const place = payload["connectorId"] ?? payload["evseId"] ?? evse?.["id"] ?? null;
  return JSON.stringify([
    ...[entry.stationId, place, entry.transactionId ?? payload["transactionId"] ?? info?.["transactionId"]],
    ...[told.content, info?.["chargingState"], flags, window(entry.at), late],
  ]);
}

/** Readings that another one of the same window follows: they may go. */
function superfluous(entries: readonly Entry[], everyS: number): Set<Entry> {
  const last = new Map<string, Entry>();
  const gone = new Set<Entry>();
  for (const entry of entries) {
    const name = windowOf(entry, everyS);
    if (name === undefined) continue;
    const before = last.get(name);
    if (before !== undefined) gone.add(before);
    last.set(name, entry);
  }
  return gone;
}

/**
 * The entries of blocks that follow each other as they shall stand in one: of each series of readings the
 * last one per `level` seconds (with level 1 all of them), and at most one `journal.shed`.
 * @param entries of one boot, in order, at most `BLOCK_ENTRIES_MAX`; what went before is told among them.
 */
export function thin(entries: readonly Entry[], level: 1 | 60 | 300): Entry[] {
  const told = entries.filter((entry) => entry.kind === "journal.shed");
  const gone = level === 1 ? new Set<Entry>() : superfluous(entries, level);
  const ranges = joined([
    ...told.flatMap((shed) => shed.ranges as Range[]),
    ...[...gone].map(({ seq }): Range => [seq, seq]),
  ]);
  const first = ranges[0]?.[0];
  if (first === undefined) return [...entries];
  const place = entries.find((entry) => entry.seq === first);
  assert(place !== undefined, `nothing stands where entry ${first} was`);
  const { seq, at, upMs, clock } = place;
  const keptEveryS = Math.max(gone.size > 0 ? level : 1, ...told.map((shed) => shed.keptEveryS));
  const shed: EntryOf<"journal.shed"> = {
    ...{ seq, at, upMs, clock },
    kind: "journal.shed",
    keptEveryS,
    ranges,
  };
  const kept = entries.filter((entry) => entry.kind !== "journal.shed" && !gone.has(entry));
  const after = kept.findIndex((entry) => entry.seq > first);
  return kept.toSpliced(after === -1 ? kept.length : after, 0, shed);
}
