/**
 * durable state ← entry. The only place that changes `durable`: live and at a start it is the same
 * function, so a restarted ER knows exactly what it knew.
 *
 * A handled message is read again from its frames unless the step hands in what it has already read.
 */
import type { Command } from "../../shared/command.ts";
import { given } from "../../shared/given.ts";
import type { Entry, EntryOf } from "../../shared/entry.ts";
import { unreachable } from "../../shared/errors.ts";
import { RECENT_COMMANDS_MAX } from "../../shared/limits.ts";
import { dialectOf } from "../../shared/ocpp/dialect.ts";
import { SLOW_DOWN } from "../../shared/ocpp/upkeep.ts";
import { forgetWords } from "./connector-word.ts";
import { foldFileProtocols } from "./files.ts";
import { endTransaction, foldHandled, stationOf, type Handled } from "./fold-message.ts";
import { remember as rememberReading, type MeterState } from "./meter.ts";
import { foldUpkeep } from "./provision-state.ts";
import { foldConfiguration } from "./template-state.ts";
import type { Durable, StationState } from "./types.ts";

export function emptyDurable(): Durable {
  return {
    seq: 0,
    boot: "",
    startedAt: 0,
    stations: new Map(),
    transactions: new Map(),
    leases: [],
    leasedEnd: 0,
    otherLeases: {},
    emergencyNext: 0,
    commands: new Map(),
    meters: new Map(),
    uploads: new Map(),
    policyVersion: 0,
    policySyncedAt: 0,
    lastAt: 0,
    tokenUse: new Map(),
    unknownStarts: [],
  };
}

function foldLease(durable: Durable, entry: EntryOf<"lease.granted">): void {
  const end = entry.first + entry.count;
  if (entry.resource === undefined || entry.resource === "transaction") {
    durable.leasedEnd = end;
    durable.leases.push({ next: entry.first, end });
    return;
  }
  const lease = (durable.otherLeases[entry.resource] ??= { blocks: [], end: 0 });
  lease.end = end;
  lease.blocks.push({ next: entry.first, end });
}

/** What it did while nobody listened is not known. */
function foldOnline(station: StationState): void {
  station.online = true;
  forgetWords(station);
}

/** What the answers to the ER's own calls say. */
function foldCalled(durable: Durable, entry: EntryOf<"ocpp.called">): void {
  const station = stationOf(durable, entry.stationId, entry.protocol);
  foldUpkeep(station, entry);
  foldConfiguration(station, entry);
  if (entry.action === "GetConfiguration" && entry.response !== undefined) {
    const [type, , answer] = JSON.parse(entry.response) as [number, string, Record<string, unknown>];
    if (type === 3) foldFileProtocols(station, dialectOf(entry.protocol).variables(entry.action, {}, answer));
  }
  const transaction = durable.transactions.get(entry.transactionId ?? "");
  if (entry.cause !== SLOW_DOWN || transaction === undefined || entry.response === undefined) return;
  const [type, , payload] = JSON.parse(entry.response) as [number, string, Record<string, unknown>];
  // A station that cannot be slowed down is not asked for ever.
  if (type === 4 || payload["status"] !== undefined) transaction.slowed = true;
}

function foldCommand(
  durable: Durable,
  entry: EntryOf<"command.accepted"> | EntryOf<"command.finished">,
): void {
  const { commandId, stationId } = entry;
  const finished = entry.kind === "command.finished";
  const uncertain = finished && entry.status === "uncertain";
  const command = finished
    ? durable.commands.get(commandId)?.command
    : (entry.command as Command | undefined);
  durable.commands.set(commandId, {
    ...{ commandId, stationId, finished },
    ...given("command", command),
    ...given("uncertainAt", uncertain ? entry.at : undefined),
  });
  if (durable.commands.size <= RECENT_COMMANDS_MAX) return;
  for (const [id, command] of durable.commands) {
    if (!command.finished) continue;
    durable.commands.delete(id);
    return;
  }
}

/** Monotonic time since the meter's last sample; undefined for the first one of a boot. */
export function elapsedSince(meter: MeterState | undefined, upMs: number): number | undefined {
  return meter?.upMs === undefined || meter.upMs > upMs ? undefined : upMs - meter.upMs;
}

/** Applies one entry. `handled` saves reading the frames again where the step has just done it. */
export function fold(durable: Durable, entry: Entry, handled?: Handled): void {
  durable.seq = entry.seq;
  durable.lastAt = entry.at;
  switch (entry.kind) {
    case "ocpp.handled":
      foldHandled(durable, entry, handled);
      return;
    case "er.started":
      durable.boot = entry.boot;
      durable.startedAt = entry.at;
      for (const station of durable.stations.values()) station.online = false;
      return;
    case "station.online":
      foldOnline(stationOf(durable, entry.stationId, entry.protocol));
      return;
    case "station.offline": {
      const station = durable.stations.get(entry.stationId);
      if (station !== undefined) station.online = false;
      return;
    }
    case "meter.sampled": {
      const before = durable.meters.get(entry.meterId) ?? { state: "unknown" };
      const previous = rememberReading(before.previous, entry.reading, elapsedSince(before, entry.upMs) ?? 0);
      durable.meters.set(entry.meterId, { ...before, previous, upMs: entry.upMs });
      return;
    }
    case "meter.health":
      durable.meters.set(entry.meterId, {
        ...durable.meters.get(entry.meterId),
        state: entry.state,
        model: entry.model,
      });
      return;
    case "command.accepted":
    case "command.finished":
      foldCommand(durable, entry);
      return;
    case "policy.applied":
      durable.policyVersion = entry.version;
      durable.policySyncedAt = entry.at;
      return;
    case "lease.granted":
      foldLease(durable, entry);
      return;
    case "transaction.revoked": {
      const transaction = durable.transactions.get(entry.transactionId);
      if (transaction !== undefined)
        transaction.revoked = { rule: entry.rule, ...given("stopAtWh", entry.stopAtWh) };
      return;
    }
    case "transaction.closed": {
      const open = durable.transactions.get(entry.transactionId);
      const station = durable.stations.get(entry.stationId);
      if (open === undefined || station === undefined) return;
      // Without the register: a stop that comes after all is no conflict, it is the better word.
      endTransaction(durable, station, entry.transactionId, open.ocppTransactionId);
      return;
    }
    case "er.health":
      if (entry.policyAgeS !== undefined) durable.policySyncedAt = entry.at - entry.policyAgeS * 1_000;
      return;
    case "journal.shed":
      durable.seq = entry.ranges.at(-1)?.[1] ?? entry.seq;
      return;
    case "ocpp.called":
      foldCalled(durable, entry);
      return;
    case "file.received":
      durable.uploads.set(entry.uploadId, { stationId: entry.stationId });
      return;
    case "file.forwarded":
      durable.uploads.delete(entry.uploadId);
      return;
    case "ocpp.rejected":
    case "clock.synced":
    case "journal.set-aside":
    case "er.stopped":
      return;
    default:
      unreachable(entry);
  }
}

/** Durable state ⇄ text, for the snapshot that saves replaying the whole journal. */
export function encodeSnapshot(durable: Durable): string {
  return JSON.stringify(durable, (_key, value: unknown) =>
    value instanceof Map ? { $map: [...value.entries()] } : value,
  );
}

export function decodeSnapshot(text: string): Durable {
  const value = JSON.parse(text, (_key, v: unknown) => {
    const pairs =
      typeof v === "object" && v !== null ? (v as { $map?: [string, unknown][] }).$map : undefined;
    return pairs === undefined ? v : new Map(pairs);
  }) as Durable;
  return { ...emptyDurable(), ...value };
}
