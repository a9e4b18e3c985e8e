/**
 * Charging profiles: which limit holds when.
 *
 * Of each purpose the highest stack level that says something at that moment counts; a profile of the transaction
 * goes before the default one; the station's own limit is shared evenly between its EVSEs and holds besides.
 * Limits change only by `set`, `clear`, the end of a transaction, and time. It does not know the protocol.
 */
import type { Clock, Json } from "./types.ts";

export type Period = { startS: number; limit: number };

export type Profile = {
  id: number;
  /** 0: every EVSE. */
  evseId: number;
  purpose: string;
  stackLevel: number;
  /** The station's own id, for a profile of one transaction. */
  txId?: string;
  kind: string;
  /** Of a recurring profile: its length of a day or a week. */
  everyMs?: number;
  validFrom?: number;
  validTo?: number;
  startAt?: number;
  durationS?: number;
  unit: string;
  periods: Period[];
  /** As it came. */
  raw: Json;
};

export type ProfileFilter = { ids?: number[]; evseId?: number; purpose?: string; stackLevel?: number };

/** What a limit depends on besides time. */
export type LimitedEvse = {
  id: number;
  wattsPerAmp: number;
  tx: { id: string; startedAt: number } | undefined;
};

export type LimitPeriod = { startS: number; limitW: number };

const STATION = "ChargingStationMaxProfile";
const PURPOSES = new Set([STATION, "TxDefaultProfile", "TxProfile"]);
const RECURRENCY_MS: Record<string, number> = { Daily: 86_400_000, Weekly: 7 * 86_400_000 };
const STACK_LEVEL_MAX = 8;

const timeIn = (fields: Json, name: string): number | undefined =>
  fields[name] === undefined ? undefined : Date.parse(String(fields[name]));

/** The fields that both versions spell alike. */
export function readTimetable(profile: Json, schedule: Json) {
  const periods = (schedule["chargingSchedulePeriod"] ?? []) as Json[];
  const everyMs = RECURRENCY_MS[String(profile["recurrencyKind"])];
  const times = {
    validFrom: timeIn(profile, "validFrom"),
    validTo: timeIn(profile, "validTo"),
    startAt: timeIn(schedule, "startSchedule"),
    durationS: schedule["duration"] as number | undefined,
    everyMs,
  };
  return {
    ...(Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined)) as Partial<
      Record<keyof typeof times, number>
    >),
    kind: String(profile["chargingProfileKind"]),
    unit: String(schedule["chargingRateUnit"]),
    periods: periods.map((period) => ({
      startS: Number(period["startPeriod"]),
      limit: Number(period["limit"]),
    })),
    raw: profile,
  };
}

export class Profiles {
  #profiles: Profile[] = [];
  readonly #clock: Clock;
  readonly #evseCount: number;

  constructor(clock: Clock, evseCount: number) {
    this.#clock = clock;
    this.#evseCount = evseCount;
  }

  set(profile: Profile): "Accepted" | "Rejected" {
    const { purpose, evseId, txId, stackLevel, periods } = profile;
    const wholeStation = purpose !== STATION || evseId === 0;
    const ofTransaction = (purpose === "TxProfile") === (txId !== undefined);
    const limits = periods[0]?.startS === 0 && periods.every(({ limit }) => limit >= 0);
    if (!PURPOSES.has(purpose) || !wholeStation || !ofTransaction || !limits) return "Rejected";
    if (stackLevel > STACK_LEVEL_MAX) return "Rejected";
    const same = (p: Profile) =>
      p.id === profile.id ||
      (p.purpose === purpose && p.stackLevel === stackLevel && p.evseId === evseId && p.txId === txId);
    const anchored = profile.kind === "Relative" ? {} : { startAt: profile.startAt ?? this.#clock.now() };
    this.#profiles = [...this.#profiles.filter((p) => !same(p)), { ...profile, ...anchored }];
    return "Accepted";
  }

  find({ ids, evseId, purpose, stackLevel }: ProfileFilter): Profile[] {
    return this.#profiles.filter((p) =>
      ids !== undefined
        ? ids.includes(p.id)
        : (evseId ?? p.evseId) === p.evseId &&
          (purpose ?? p.purpose) === p.purpose &&
          (stackLevel ?? p.stackLevel) === p.stackLevel,
    );
  }

  clear(filter: ProfileFilter): "Accepted" | "Unknown" {
    const found = new Set(this.find(filter));
    this.#profiles = this.#profiles.filter((p) => !found.has(p));
    return found.size > 0 ? "Accepted" : "Unknown";
  }

  ended(txId: string): void {
    this.#profiles = this.#profiles.filter((p) => p.txId !== txId);
  }

  /** In W; Infinity when no profile says anything. */
  limitW(evse: LimitedEvse, at = this.#clock.now()): number {
    const here = this.#profiles.filter((p) => p.evseId === 0 || p.evseId === evse.id);
    const since = evse.tx?.startedAt ?? this.#clock.now();
    const highest = (purpose: string) => {
      const said = here
        .filter((p) => p.purpose === purpose && (p.txId === undefined || p.txId === evse.tx?.id))
        .toSorted((a, b) => b.stackLevel - a.stackLevel || b.evseId - a.evseId)
        .map((p) => wattsOf(p, evse.wattsPerAmp, limitAt(p, at, since)));
      return said.find((limit) => limit !== undefined);
    };
    const station = highest(STATION) ?? Infinity;
    const own = highest("TxProfile") ?? highest("TxDefaultProfile") ?? Infinity;
    return Math.min(evse.id === 0 ? station : station / this.#evseCount, own);
  }

  /** The limits of the time to come, each until the next, never above `maxW`. */
  schedule(evse: LimitedEvse, durationS: number, maxW: number): LimitPeriod[] {
    const from = this.#clock.now();
    const since = evse.tx?.startedAt ?? from;
    const instants = this.#profiles.flatMap((p) => changesOf(p, since, from, from + durationS * 1_000));
    const periods: LimitPeriod[] = [];
    for (const at of [...new Set([from, ...instants])].toSorted((a, b) => a - b)) {
      const limitW = Math.min(maxW, this.limitW(evse, at));
      if (periods.at(-1)?.limitW === limitW) continue;
      periods.push({ startS: Math.round((at - from) / 1_000), limitW });
    }
    return periods;
  }
}

/** Where the profile's schedule that holds at a moment began. */
function startOf({ kind, startAt = 0, everyMs }: Profile, at: number, since: number): number {
  if (kind === "Relative") return since;
  if (kind !== "Recurring" || everyMs === undefined) return startAt;
  return startAt + Math.floor((at - startAt) / everyMs) * everyMs;
}

function limitAt(profile: Profile, at: number, since: number): number | undefined {
  if (at < (profile.validFrom ?? -Infinity) || at >= (profile.validTo ?? Infinity)) return undefined;
  const elapsedS = (at - startOf(profile, at, since)) / 1_000;
  if (elapsedS >= (profile.durationS ?? Infinity)) return undefined;
  return profile.periods.findLast(({ startS }) => startS <= elapsedS)?.limit;
}

/** Every moment in between at which the profile may say something else. */
function changesOf(profile: Profile, since: number, from: number, to: number): number[] {
  const { everyMs, durationS, validFrom, validTo } = profile;
  const offsets = profile.periods.map(({ startS }) => startS);
  if (durationS !== undefined) offsets.push(durationS);
  const instants = [validFrom, validTo].filter((at) => at !== undefined);
  for (let at = from; ; at += everyMs ?? Infinity) {
    const start = startOf(profile, at, since);
    instants.push(...offsets.map((offset) => start + offset * 1_000));
    if (everyMs === undefined || at >= to) break;
  }
  return instants.filter((at) => at > from && at < to);
}

function wattsOf({ unit }: Profile, wattsPerAmp: number, limit: number | undefined): number | undefined {
  return limit === undefined || unit !== "A" ? limit : limit * wattsPerAmp;
}
