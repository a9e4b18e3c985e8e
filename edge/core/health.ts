/**
 * How the box is: told to the cloud every five minutes, and as soon as something gets worse.
 *
 * Better news waits for its turn. At most one entry a minute: a link that flaps must not fill the journal.
 */
import type { ClockState } from "../../shared/entry.ts";
import { defined, given } from "../../shared/given.ts";
import type { ErGauges } from "../../shared/wire.ts";
import { log, record, type Context } from "./context.ts";
import { policyAgeMs } from "./policy.ts";
import { rankOf } from "./pressure.ts";
import type { BoxGauges, Pressure } from "./types.ts";

const EVERY_MS = 5 * 60_000;
const AT_MOST_EVERY_MS = 60_000;
const CLOCK_RANK: Record<ClockState, number> = { synced: 0, holdover: 1, untrusted: 2 };

/** What was told last, to know what is worse. */
export type Told = { upMs: number; pressure: Pressure; linkUp: boolean; clock: ClockState };

/** All gauges of the box, or undefined while the shell has told none. */
export function gaugesOf(context: Context): ErGauges | undefined {
  const { live, durable } = context.state;
  if (live.gauges === undefined) return undefined;
  const ageMs = policyAgeMs(context);
  return {
    ...defined(live.gauges),
    backlog: Math.max(0, live.uplink.committedSeq - live.uplink.ackedSeq),
    pressure: live.pressure,
    linkUp: live.uplink.up,
    clockOffsetMs: Math.trunc(live.clockOffsetMs),
    policyVersion: durable.policyVersion,
    ...given("policyAgeS", ageMs === undefined ? undefined : Math.trunc(ageMs / 1_000)),
    stationsConnected: live.byStation.size,
    activeTransactions: durable.transactions.size,
  };
}

export function onGauges(context: Context, gauges: BoxGauges): void {
  context.state.live.gauges = gauges;
  onHealthTick(context);
}

const SAYS: Record<Pressure, ["info" | "warn" | "error", string]> = {
  none: ["info", "the journal has room again"],
  compact: ["info", "the journal fills up: old blocks are packed closer, nothing is lost"],
  "thin-60": ["warn", "the journal fills up: of old readings one per minute is kept"],
  "thin-300": ["warn", "the journal is nearly full: of old readings one per five minutes is kept"],
  refuse: ["error", "the journal is full: nobody may start charging until it has drained; what runs goes on"],
};

export function onPressure(context: Context, pressure: Pressure): void {
  const { live } = context.state;
  if (live.pressure === pressure) return;
  live.pressure = pressure;
  const [level, message] = SAYS[pressure];
  log(context, level, message, { pressure });
  onHealthTick(context);
}

/** Tells what is due. Before the first word of a boot it waits a minute: then it knows more. */
export function onHealthTick(context: Context): void {
  const { state, now } = context;
  const { live } = state;
  const told = live.healthTold;
  const passedMs = now.upMs - (told?.upMs ?? 0);
  if (live.gauges === undefined || live.stopping || passedMs < AT_MOST_EVERY_MS) return;
  const current = { pressure: live.pressure, linkUp: live.uplink.up, clock: live.clock };
  const worse =
    told === undefined ||
    rankOf(current.pressure) > rankOf(told.pressure) ||
    (told.linkUp && !current.linkUp) ||
    CLOCK_RANK[current.clock] > CLOCK_RANK[told.clock];
  if (!worse && passedMs < EVERY_MS) return;
  const gauges = gaugesOf(context);
  if (gauges === undefined) return;
  live.healthTold = { upMs: now.upMs, ...current };
  record(context, { kind: "er.health", ...gauges }, { telemetry: true });
}
