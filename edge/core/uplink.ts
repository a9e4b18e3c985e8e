/**
 * The journal's way up: a cursor, a window, a rewind.
 *
 * Only the cloud's ack moves `ackedSeq`. A broker's confirm moves nothing. After the link comes up the ER
 * says hello and waits for the cloud's cursor; then it sends block after block, a few batches ahead of the
 * ack. A `resume`, or silence with batches under way, rewinds. The journal is the only buffer: no message
 * is kept here.
 */
import type { LeasedResource } from "../../shared/entry.ts";
import { defined, given } from "../../shared/given.ts";
import {
  CONNECTORS_PER_STATION_MAX,
  HELLO_INTERVAL_MS,
  HELLO_STATIONS_MAX,
  LEASE_BLOCK_SIZE,
  LEASE_LOW_WATER,
  LEASED_ID_MAX,
  UPLINK_ACK_TIMEOUT_MS,
  UPLINK_WINDOW_BATCHES,
} from "../../shared/limits.ts";
import type { Ack, Hello } from "../../shared/wire.ts";
import { effect, log, newId, record, type Context } from "./context.ts";
import { onCloudTime } from "./clock.ts";
import { gaugesOf } from "./health.ts";
import { onPolicyVersion } from "./policy.ts";
import { leasedIdsLeft } from "./transaction.ts";
import type { State, Uplink } from "./types.ts";

/** Without an answer to hello, say it again after this long. */
const HELLO_RETRY_MS = 5_000;
const RESUME_REPEAT_MS = 1_000;
const LEASE_ASK_MS = 10_000;

export function emptyUplink(seq: number): Uplink {
  return {
    up: false,
    present: false,
    committedSeq: seq,
    oldestSeq: 1,
    ackedSeq: 0,
    sentSeq: 0,
    resumed: false,
    publishing: false,
    rewound: false,
    inFlight: [],
    helloUpMs: undefined,
    lastResume: undefined,
  };
}

export function onLinkUp(context: Context): void {
  const { uplink } = context.state.live;
  uplink.up = true;
  uplink.resumed = false;
  uplink.publishing = false;
  uplink.rewound = false;
  uplink.inFlight = [];
  sayHello(context);
}

export function onLinkDown(context: Context): void {
  const { uplink } = context.state.live;
  uplink.up = false;
  uplink.present = false;
  uplink.resumed = false;
  uplink.publishing = false;
  uplink.rewound = false;
  uplink.inFlight = [];
}

function sayHello(context: Context): void {
  const { live } = context.state;
  live.uplink.helloUpMs = context.now.upMs;
  effect(context, { kind: "publish.hello", hello: hello(context) });
}

/** Who I am and how my site is now: makes the map right within seconds while history still drains. */
function hello(context: Context): Hello {
  const { identity, durable, live } = context.state;
  const stations = [...durable.stations.values()].slice(-HELLO_STATIONS_MAX).map((station) => {
    const connection = live.connections.get(live.byStation.get(station.stationId) ?? -1);
    return {
      stationId: station.stationId,
      protocol: station.protocol,
      online: station.online,
      ...given("lastMessageAt", connection?.lastMessageAt),
      ...given("clockSkewMs", connection?.clockSkewMs),
      connectors: [...station.connectors.values()],
      ...given("transactions", runningAt(context.state, station.stationId)),
    };
  });
  return {
    v: 1,
    erId: identity.erId,
    siteId: identity.siteId,
    siteName: identity.siteName,
    timeZone: identity.timeZone,
    journalId: identity.journalId,
    boot: durable.boot,
    release: identity.release,
    at: context.now.at,
    upMs: Math.trunc(context.now.upMs),
    clock: live.clock,
    startedAt: durable.startedAt,
    oldestSeq: live.uplink.oldestSeq,
    lastSeq: durable.seq,
    ackedSeq: live.uplink.ackedSeq,
    // One that cannot be used any more is not there.
    policyVersion: live.policy === undefined ? 0 : durable.policyVersion,
    stations,
    ...given("gauges", gaugesOf(context)),
  };
}

/** What runs at a station, for the map; its history may still be on the way. */
function runningAt({ durable }: State, stationId: string): Hello["stations"][number]["transactions"] {
  const open = durable.stations.get(stationId)?.open ?? [];
  return open.slice(-CONNECTORS_PER_STATION_MAX).flatMap((id) => {
    const transaction = durable.transactions.get(id);
    if (transaction === undefined) return [];
    const { transactionId, ocppTransactionId, evseId, startedAt } = transaction;
    const { idToken, meterStartWh, energyImportWh } = transaction;
    const known = defined({ idToken, meterStartWh, energyImportWh });
    return [{ transactionId, ocppTransactionId, evseId, startedAt, ...known }];
  });
}

export function onAck(context: Context, ack: Ack): void {
  const { state, now } = context;
  const { uplink } = state.live;
  if (ack.journalId !== state.identity.journalId) return;
  if (ack.seq > uplink.committedSeq) {
    // The cloud knows more of this journal than this disk: a restored image must never go on under the same
    // journalId.
    const fields = { ackedSeq: ack.seq, committedSeq: uplink.committedSeq };
    log(
      context,
      "error",
      "the cloud holds entries that this journal does not: restore of an old disk image?",
      fields,
    );
    return;
  }
  onHeard(context);
  if (ack.helloUpMs !== undefined) onCloudTime(context, ack.cloudTime, now.upMs - ack.helloUpMs);
  onPolicyVersion(context, ack.policyVersion);
  if (ack.resume) {
    const last = uplink.lastResume;
    const repeated = last !== undefined && last.seq === ack.seq && now.upMs - last.upMs < RESUME_REPEAT_MS;
    if (uplink.resumed && repeated) return;
    uplink.lastResume = { seq: ack.seq, upMs: now.upMs };
    uplink.resumed = true;
    uplink.ackedSeq = ack.seq;
    uplink.sentSeq = ack.seq;
    uplink.inFlight = [];
    uplink.rewound = uplink.publishing;
  } else {
    uplink.ackedSeq = Math.max(uplink.ackedSeq, ack.seq);
    uplink.sentSeq = Math.max(uplink.sentSeq, ack.seq);
    uplink.inFlight = uplink.inFlight.filter((batch) => batch.lastSeq > ack.seq);
  }
  effect(context, { kind: "acked", seq: uplink.ackedSeq });
  sendMore(context);
}

/** The cloud speaks: it may be asked again. */
export function onHeard(context: Context): void {
  context.state.live.uplink.present = true;
}

/** Keeps the window full while there is something to send. */
export function sendMore(context: Context): void {
  const { uplink } = context.state.live;
  if (!uplink.up || !uplink.resumed || uplink.publishing) return;
  if (uplink.inFlight.length >= UPLINK_WINDOW_BATCHES || uplink.sentSeq >= uplink.committedSeq) return;
  uplink.publishing = true;
  effect(context, { kind: "publish.batch", afterSeq: uplink.sentSeq });
}

export function onBatchPublished(context: Context, lastSeq: number): void {
  const { uplink } = context.state.live;
  uplink.publishing = false;
  const counts = !uplink.rewound && lastSeq > uplink.sentSeq;
  uplink.rewound = false;
  if (counts) {
    uplink.sentSeq = lastSeq;
    uplink.inFlight.push({ lastSeq, upMs: context.now.upMs });
  }
  sendMore(context);
}

export function onBatchFailed(context: Context): void {
  // Nothing to keep: the next tick asks the journal for the same blocks again.
  const { uplink } = context.state.live;
  uplink.publishing = false;
  uplink.rewound = false;
  uplink.sentSeq = uplink.ackedSeq;
  uplink.inFlight = [];
}

export function onUplinkTick(context: Context): void {
  const { live } = context.state;
  const { uplink } = live;
  const { now } = context;
  if (!uplink.up) return;
  const oldest = uplink.inFlight[0];
  if (oldest !== undefined && now.upMs - oldest.upMs > UPLINK_ACK_TIMEOUT_MS) {
    log(context, "warn", "no ack from the cloud: sending again", {
      ackedSeq: uplink.ackedSeq,
      sentSeq: uplink.sentSeq,
    });
    uplink.sentSeq = uplink.ackedSeq;
    uplink.inFlight = [];
    uplink.resumed = false;
    sayHello(context);
    return;
  }
  const wait = uplink.resumed ? HELLO_INTERVAL_MS : HELLO_RETRY_MS;
  if (uplink.helloUpMs === undefined || now.upMs - uplink.helloUpMs >= wait) sayHello(context);
  sendMore(context);
  askForLeases(context);
}

const LEASED = ["transaction", "reservation", "profile"] as const satisfies LeasedResource[];

function idsLeft(state: State, resource: LeasedResource): number {
  if (resource === "transaction") return leasedIdsLeft(state);
  const blocks = state.durable.otherLeases[resource]?.blocks ?? [];
  return blocks.reduce((sum, { next, end }) => sum + end - next, 0);
}

function askForLeases(context: Context): void {
  const { state, now } = context;
  const { live } = state;
  if (!live.uplink.present) return;
  for (const resource of LEASED) {
    // Transactions come by the hundred a day; of the others a handful.
    const enough = resource === "transaction" ? LEASE_LOW_WATER : LEASE_BLOCK_SIZE / 2;
    if (idsLeft(state, resource) >= enough) continue;
    const asked = live.leaseAsks.get(resource);
    if (asked !== undefined && now.upMs - asked.upMs < LEASE_ASK_MS) continue;
    const correlationId = newId(context);
    live.leaseAsks.set(resource, { correlationId, upMs: now.upMs });
    const question = { kind: "lease" as const, resource, count: LEASE_BLOCK_SIZE };
    effect(context, { kind: "publish.ask", ask: { v: 1, correlationId, question } });
  }
}

export function onLease(
  context: Context,
  correlationId: string,
  lease: { resource?: LeasedResource; first: number; count: number },
): void {
  const { live, durable } = context.state;
  const { resource = "transaction", first, count } = lease;
  if (live.leaseAsks.get(resource)?.correlationId !== correlationId) return;
  // A cloud restored from a backup leases blocks again that are used here: no id is ever given twice. It is
  // asked again later.
  const usedUpTo = resource === "transaction" ? durable.leasedEnd : (durable.otherLeases[resource]?.end ?? 0);
  if (first < usedUpTo || first + count - 1 > LEASED_ID_MAX) {
    log(context, "warn", "a lease of ids that were leased before, or out of range, is not used", {
      ...lease,
    });
    return;
  }
  live.leaseAsks.delete(resource);
  record(context, { kind: "lease.granted", resource, first, count });
  askForLeases(context);
}

/** For `er status` and the metrics. */
export function backlog(uplink: Uplink): number {
  return uplink.committedSeq - uplink.ackedSeq;
}
