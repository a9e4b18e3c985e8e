/**
 * What time it is: the ER's own clock against the cloud's, against stations that kept time, and theirs against it.
 *
 * Raw times are never rewritten: `clock.synced` tells by how much those of this boot are off, and views correct
 * them. A box that woke up without time believes stations only while it has told them no time itself, and only
 * when three of them agree.
 */
import { upkeepCall } from "../../shared/ocpp/upkeep.ts";
import { callByItself } from "./calls.ts";
import { bestTime, log, record, type Context } from "./context.ts";
import type { Connection } from "./types.ts";

/** A difference to the cloud's clock that a slow network explains. */
const CLOCK_TOLERANCE_MS = 5_000;
/** Stations that must agree, and how closely, before their time is believed. */
const QUORUM = 3;
/** From this on a station's clock is wrong, and it is told the time again. */
export const SKEW_MS_MAX = 5 * 60_000;
const SKEW_ASK_MS = 3_600_000;

/** Whether the ER knows the time, by itself or because it was told. */
export function knowsTime({ state }: Context): boolean {
  return state.live.clock !== "untrusted" || state.live.clockOffsetMs !== 0;
}

/** Time that expiry may be asked of. */
export function trustedTime(context: Context): number | undefined {
  return knowsTime(context) ? bestTime(context) : undefined;
}

/**
 * The cloud has answered a hello. An answer that was long on its way tells the time of long ago: a round trip
 * whose half exceeds the tolerance says nothing.
 */
export function onCloudTime(context: Context, cloudTime: number, roundTripMs: number): void {
  const { live } = context.state;
  if (roundTripMs < 0 || roundTripMs / 2 > CLOCK_TOLERANCE_MS) return;
  const offsetMs = Math.trunc(cloudTime + roundTripMs / 2 - context.now.at);
  const agrees = Math.abs(offsetMs) <= CLOCK_TOLERANCE_MS;
  const known = Math.abs(offsetMs - live.clockOffsetMs) <= CLOCK_TOLERANCE_MS;
  if (live.clock === "synced" ? agrees : !agrees && known && live.clockOffsetMs !== 0) return;
  live.clock = agrees ? "synced" : "untrusted";
  live.clockOffsetMs = agrees ? 0 : offsetMs;
  record(context, { kind: "clock.synced", offsetMs, source: "cloud" });
  if (!agrees)
    log(context, "warn", "the clock of this box is wrong; entries are viewed corrected", { offsetMs });
}

/** This station has been told a time of ours: from now on it says nothing about ours. */
export function onTimeTold(context: Context, stationId: string): void {
  const { live } = context.state;
  live.timeTold.add(stationId);
  live.stationOffsetsMs.delete(stationId);
}

/** A message that happened just now carries the station's time. */
export function onStationTime(context: Context, connection: Connection, at: number): void {
  connection.clockSkewMs = Math.trunc(at - bestTime(context));
  if (knowsTime(context)) correctStation(context, connection);
  else askStations(context, connection.stationId, at);
}

/** OCPP 1.6 has no other way to set a clock than the answer to Heartbeat and BootNotification. */
function correctStation(context: Context, connection: Connection): void {
  const { stationId, protocol, clockSkewMs = 0, skewAskedUpMs } = connection;
  if (Math.abs(clockSkewMs) <= SKEW_MS_MAX) return;
  if (skewAskedUpMs !== undefined && context.now.upMs - skewAskedUpMs < SKEW_ASK_MS) return;
  connection.skewAskedUpMs = context.now.upMs;
  log(context, "warn", "the clock of a station is wrong; it is told the time again", {
    stationId,
    clockSkewMs,
  });
  const call = upkeepCall(protocol, { kind: "trigger", message: "heartbeat" });
  if (call !== undefined) callByItself(context, stationId, call, { cause: "clock-skew", background: true });
}

/** Several stations that kept time while this box had none, and agree, are right. */
function askStations(context: Context, stationId: string, at: number): void {
  const { live } = context.state;
  if (live.timeTold.has(stationId)) return;
  live.stationOffsetsMs.set(stationId, at - context.now.at);
  const offsets = [...live.stationOffsetsMs.values()].sort((a, b) => a - b);
  const median = offsets[offsets.length >> 1] ?? 0;
  const agreeing = offsets.filter((offset) => Math.abs(offset - median) <= CLOCK_TOLERANCE_MS);
  // A box without time stands behind the true one, never before it.
  if (agreeing.length < QUORUM || median < 0) return;
  live.clock = "holdover";
  live.clockOffsetMs = Math.trunc(median);
  record(context, { kind: "clock.synced", offsetMs: live.clockOffsetMs, source: "stations" });
  log(context, "warn", "the clock of this box is wrong; its stations agree on the time", {
    offsetMs: live.clockOffsetMs,
    stations: agreeing.length,
  });
}
