/**
 * step(state, input, now) → entries, effects: the whole ER, seen from its shell.
 *
 * The shell commits `entries` (and `docs`) first and performs `effects` after. It calls nothing else of the
 * core.
 */
import { unreachable } from "../../shared/errors.ts";
import { given } from "../../shared/given.ts";
import { seedRandom } from "../../shared/ids.ts";
import type { Policy } from "../../shared/policy.ts";
import { noPolicy, onPolicy, usePolicy } from "./policy.ts";
import { onCommand, onCommandStart, onCommandTick, onFilePrepared } from "./command.ts";
import { onCostTick } from "./cost.ts";
import { createContext, record, type Context } from "./context.ts";
import { elapsedSince } from "./fold.ts";
import { onFileForwarded, onFileReceived } from "./files.ts";
import { onGuardTick } from "./guard.ts";
import { onGauges, onHealthTick, onPressure } from "./health.ts";
import { checkPlausible } from "./meter.ts";
import { onDecided, onDecisionTick } from "./message.ts";
import { onResumeTick } from "./resume.ts";
import { onProvisionTick } from "./provision.ts";
import { onRegistrationTick } from "./registration.ts";
import { onConnected, onDisconnected, onFrame } from "./station.ts";
import type { Durable, Identity, Input, Live, Now, Output, State } from "./types.ts";
import {
  emptyUplink,
  onAck,
  onBatchFailed,
  onBatchPublished,
  onHeard,
  onLease,
  onLinkDown,
  onLinkUp,
  onUplinkTick,
  sendMore,
} from "./uplink.ts";

/** The state of an ER whose journal holds `durable`. The first input must be `start`. */
export function createState(
  identity: Identity,
  durable: Durable,
  policy: Policy | undefined,
  oldestSeq: number,
  policyKeys: string[] = [],
): State {
  const live: Live = {
    clock: "holdover",
    clockOffsetMs: 0,
    timeTold: new Set(),
    stationOffsetsMs: new Map(),
    random: seedRandom([0]),
    connections: new Map(),
    byStation: new Map(),
    pending: new Map(),
    queues: new Map(),
    waiting: new Map(),
    preparing: new Map(),
    uplink: { ...emptyUplink(durable.seq), oldestSeq },
    ...noPolicy(),
    policyKeys,
    policySyncedUpMs: undefined,
    lastAtBeforeBoot: durable.lastAt,
    pressure: "none",
    gauges: undefined,
    healthTold: undefined,
    guardUpMs: 0,
    tokensUpMs: 0,
    guardedPolicy: undefined,
    guarded: new Map(),
    registering: { lookedUpMs: 0, stations: new Map() },
    leaseAsks: new Map(),
    provisioning: { lookedUpMs: 0, wanted: undefined, stations: new Map() },
    costs: { lookedUpMs: 0, told: new Map() },
    stopping: false,
  };
  const state = { identity, durable, live };
  if (policy !== undefined) usePolicy(live, policy);
  return state;
}

export function step(state: State, input: Input, now: Now): Output {
  const context = createContext(state, now);
  dispatch(context, input);
  return context.out;
}

function dispatch(context: Context, input: Input): void {
  const { state } = context;
  switch (input.kind) {
    case "start":
      state.live.random = seedRandom(input.seed);
      state.live.clock = input.clock;
      record(context, {
        kind: "er.started",
        boot: input.boot,
        release: input.release,
        ...given("previousEnd", input.previousEnd),
        ...given("reason", input.reason),
      });
      if (input.setAside !== undefined) record(context, { kind: "journal.set-aside", ...input.setAside });
      onCommandStart(context);
      return;
    case "stop":
      return onStop(context);
    case "tick":
      onDecisionTick(context);
      onRegistrationTick(context);
      onGuardTick(context);
      onCostTick(context);
      onResumeTick(context);
      onProvisionTick(context);
      onCommandTick(context);
      onUplinkTick(context);
      onHealthTick(context);
      return;
    case "pressure":
      return onPressure(context, input.level);
    case "gauges":
      return onGauges(context, input.gauges);
    case "station.connected":
      return onConnected(context, input);
    case "station.disconnected":
      return onDisconnected(context, input.connectionId, input.reason);
    case "station.frame":
      return onFrame(context, input.connectionId, input.text);
    case "meter.read":
      return onMeterRead(context, input);
    case "meter.health":
      return onMeterHealth(context, input);
    case "files.ready":
    case "files.failed":
      return onFilePrepared(context, input);
    case "files.received":
      return onFileReceived(context, input);
    case "files.forwarded":
      return onFileForwarded(context, input);
    case "committed":
      state.live.uplink.committedSeq = input.seq;
      state.live.uplink.oldestSeq = input.oldestSeq;
      return sendMore(context);
    default:
      return dispatchLink(context, input);
  }
}

type LinkInput = Exclude<
  Input,
  {
    kind:
      | "start"
      | "stop"
      | "tick"
      | "pressure"
      | "gauges"
      | "committed"
      | `station.${string}`
      | `meter.${string}`
      | `files.${string}`;
  }
>;

function dispatchLink(context: Context, input: LinkInput): void {
  switch (input.kind) {
    case "link.up":
      return onLinkUp(context);
    case "link.down":
      return onLinkDown(context);
    case "link.ack":
      return onAck(context, input.ack);
    case "link.answer": {
      onHeard(context);
      const { correlationId, answer } = input.answer;
      if (answer.kind === "lease") onLease(context, correlationId, answer);
      else onDecided(context, correlationId, answer);
      return;
    }
    case "link.commands":
      onHeard(context);
      for (const command of input.commands) onCommand(context, command);
      return;
    case "link.policy":
      onHeard(context);
      return onPolicy(context, input.signed);
    case "batch.published":
      return onBatchPublished(context, input.lastSeq);
    case "batch.failed":
      return onBatchFailed(context);
    default:
      unreachable(input);
  }
}

function onMeterRead(context: Context, input: Extract<Input, { kind: "meter.read" }>): void {
  const { state, now } = context;
  const before = state.durable.meters.get(input.meterId);
  const model = state.identity.meterModels.get(before?.model ?? "");
  const elapsedMs = elapsedSince(before, now.upMs) ?? 0;
  const flags = model === undefined ? [] : checkPlausible(model, before?.previous, input.reading, elapsedMs);
  const body = { kind: "meter.sampled" as const, meterId: input.meterId, reading: input.reading };
  record(context, flags.length === 0 ? body : { ...body, flags }, { telemetry: true });
}

function onMeterHealth(context: Context, input: Extract<Input, { kind: "meter.health" }>): void {
  const { meterId, state, model, reason } = input;
  const before = context.state.durable.meters.get(meterId);
  if (before?.state === state && before.model === model) return;
  record(context, { kind: "meter.health", meterId, state, model, ...(reason === "" ? {} : { reason }) });
}

/** A clean stop: stations are told nothing (they go on charging), what hangs is decided now. */
function onStop(context: Context): void {
  const { live } = context.state;
  live.stopping = true;
  for (const id of [...live.pending.keys()]) onDecided(context, id, undefined);
  for (const connectionId of [...live.connections.keys()]) {
    onDisconnected(context, connectionId, "the ER stops");
  }
  record(context, { kind: "er.stopped" });
}
