/**
 * A transaction as the API tells it: the row, with what is known now about the clocks it was recorded with.
 *
 * An end that the ER assumed stands in for the station's own as long as that has not come.
 */
import type { EntryTime } from "../core/changes.ts";
import { seenTime, worstOf, type SeenTime } from "../core/time.ts";
import { isoOf } from "./page.ts";
import type { Transaction } from "./schemas.ts";

/** The end of an orphan that was merged into it was told in a journal of its own. */
const zero = (column: string) =>
  `er_zero_ms(coalesce(${column}->>'erId', t.er_id), coalesce((${column}->>'journalId')::uuid, t.journal_id),
     (${column}->>'seq')::bigint, (${column}->>'upMs')::bigint)`;

/** What `toTransaction` reads of the table `transaction t`. */
export const TRANSACTION_COLUMNS = `t.*, t.started_at::text as started_key,
  ${zero("coalesce(t.start_time, t.seen_time)")} as start_zero, ${zero("t.end_time")} as end_zero`;

/**
 * End minus start of the table `transaction t`, as it is known best: null while one is unknown, below 0 where a
 * register fell.
 */
export const REGISTER_DIFFERENCE_WH = `(coalesce(t.meter_stop_wh,
  greatest(t.closed_meter_wh, t.last_energy_wh, t.snapshot_energy_wh)) - t.meter_start_wh)`;

/** Among the table `transaction t`, those that wait for a person: what can be told without looking at their ER. */
export const NEEDS_REVIEW = "(t.review_kinds <> '{}')";

export type TransactionRow = {
  transaction_id: string;
  ocpp_transaction_id: string | null;
  operator_id: string;
  site_id: string;
  station_id: string;
  evse_id: number;
  connector_id: number | null;
  charging_state: string | null;
  started_at: Date;
  /** Full precision, for the cursor. */
  started_key: string;
  ended_at: Date | null;
  closed_at: Date | null;
  seen_time: EntryTime | null;
  start_time: EntryTime | null;
  end_time: EntryTime | null;
  start_zero: number | null;
  end_zero: number | null;
  time_doubt: boolean;
  meter_start_wh: number | null;
  meter_stop_wh: number | null;
  meter_stop_max_wh: number | null;
  closed_meter_wh: number | null;
  last_energy_wh: number | null;
  snapshot_energy_wh: number | null;
  power_w: number | null;
  soc_percent: number | null;
  id_token: string | null;
  authorized_by: string;
  authorization_status: string | null;
  authorization_reason: string | null;
  cap_energy_wh: number | null;
  cap_duration_s: number | null;
  revoked_reason: string | null;
  told_tariff_id: string | null;
  told_tariff_version: number | null;
  stopped_reason: string | null;
  flags: string[];
  review_kinds: string[];
  reviewed_kinds: string[];
  running: boolean;
  ended_unseen: boolean;
  merged_into: string | null;
  written_off: boolean;
};

/** Highest register that is known, of whatever is known best. */
const registerOf = (r: TransactionRow): number | null => {
  if (r.meter_stop_wh !== null) return r.meter_stop_wh;
  const known = [r.closed_meter_wh, r.last_energy_wh, r.snapshot_energy_wh].filter((wh) => wh !== null);
  return known.length === 0 ? null : Math.max(...known);
};

/** Energy so far: never negative, unknown while one of the two registers is; none where it was merged away. */
export function energyOf(r: TransactionRow): number | null {
  if (r.merged_into !== null) return 0;
  const end = registerOf(r);
  return end === null || r.meter_start_wh === null ? null : Math.max(0, end - r.meter_start_wh);
}

function seen(raw: Date, time: EntryTime | null, zeroMs: number | null): SeenTime {
  if (time === null) return { at: raw.getTime(), raw: raw.getTime(), quality: "er" };
  return seenTime(raw.getTime(), time.stamp, { at: time.at, upMs: time.upMs, zeroMs });
}

/** Start and end as they were stored and as they are seen; no end: it has not been told, nor assumed. */
export function momentsOf(r: TransactionRow): { start: SeenTime; end: SeenTime | undefined } {
  const start = seen(r.started_at, r.start_time ?? r.seen_time, r.start_zero);
  if (r.ended_at !== null) return { start, end: seen(r.ended_at, r.end_time, r.end_zero) };
  if (r.closed_at === null) return { start, end: undefined };
  const at = r.closed_at.getTime();
  return { start, end: { at, raw: at, quality: "estimated" } };
}

const rawOf = (time: SeenTime | undefined): string | null =>
  time === undefined || time.at === time.raw ? null : isoOf(new Date(time.raw));

/** The ER closed it, and the station has not said anything since. */
export const isStopMissing = (r: Pick<TransactionRow, "ended_at" | "closed_at">): boolean =>
  r.ended_at === null && r.closed_at !== null;

function flagsOf(r: TransactionRow): string[] {
  const more = [...(isStopMissing(r) ? ["stop-missing"] : []), ...(r.time_doubt ? ["time-implausible"] : [])];
  return [...new Set([...r.flags, ...more])].sort();
}

export function toTransaction(r: TransactionRow): Transaction {
  const { start, end: last } = momentsOf(r);
  const end = r.ended_at === null ? undefined : last;
  const flags = flagsOf(r);
  const guessed = isStopMissing(r) || flags.includes("time-estimated") || flags.includes("time-implausible");
  const stop = r.meter_stop_wh ?? (isStopMissing(r) ? r.closed_meter_wh : null);
  return {
    transactionId: r.transaction_id,
    ocppTransactionId: r.ocpp_transaction_id,
    operatorId: r.operator_id,
    siteId: r.site_id,
    stationId: r.station_id,
    evseId: r.evse_id,
    connectorId: r.connector_id,
    status: r.running ? "active" : "ended",
    chargingState: r.charging_state,
    startedAt: isoOf(new Date(start.at)),
    startedAtRaw: rawOf(start),
    endedAt: end === undefined ? (r.closed_at === null ? null : isoOf(r.closed_at)) : isoOf(new Date(end.at)),
    endedAtRaw: rawOf(end),
    timeQuality: guessed ? "estimated" : worstOf(start.quality, end?.quality ?? "station"),
    endedUnseen: r.ended_unseen && r.ended_at === null,
    meterStartWh: r.meter_start_wh,
    meterStopWh: stop,
    meterStopOtherWh: r.meter_stop_max_wh === r.meter_stop_wh ? null : r.meter_stop_max_wh,
    energyWh: energyOf(r),
    powerW: r.running ? r.power_w : 0,
    socPercent: r.soc_percent,
    idToken: r.id_token,
    authorizedBy: r.authorized_by,
    authorizationStatus: r.authorization_status,
    authorizationReason: r.authorization_reason,
    capEnergyWh: r.cap_energy_wh,
    capDurationS: r.cap_duration_s,
    revokedReason: r.revoked_reason,
    stoppedReason: r.stopped_reason ?? (isStopMissing(r) ? "StopMissing" : null),
    flags,
    needsReview: r.review_kinds.length > 0,
    mergedInto: r.merged_into,
    writtenOff: r.written_off,
  };
}
