/**
 * What a station said of the values that templates want, and what became of our writes: folded from the answers,
 * so that an ER that starts again repeats nothing.
 *
 * A new object at every change: whoever looks can tell by identity. A boot makes what was read old. A value that
 * was taken is read back; one that was taken and is not there then counts as refused.
 */
import type { EntryOf } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import { CONFIGURATION_KNOWN_MAX, PROVISION_REFUSED_BOOT_MS } from "../../shared/limits.ts";
import type { StationVariable } from "../../shared/ocpp/message.ts";
import {
  configurationAnswer,
  placeId,
  sameValue,
  type ConfigurationAnswer,
  type ReadItem,
  type WriteItem,
} from "../../shared/ocpp/device-model.ts";
import { TEMPLATE } from "../../shared/ocpp/upkeep.ts";
import type { StationState } from "./types.ts";

/** `at`: wall time of the entry. */
export type KnownValue = {
  /** As the station told it since its last boot. Without a value: it has none, or does not tell it. */
  read?: { at: number; missing?: true; value?: string };
  readOnly?: true;
  /** Our last write that has not been seen to hold. `taken` is still to be read back. */
  write?: { at: number; value: string; result: "taken" | "reboot" | "refused" };
};

export type Configuration = {
  /** By identity of the place, least recently heard first. */
  values: ReadonlyMap<string, KnownValue>;
  /** Values that may be read at once, since the station refused to tell more. */
  readMax?: number;
};

export const NO_CONFIGURATION: Configuration = { values: new Map() };

const ACTIONS = new Set(["GetConfiguration", "GetVariables", "ChangeConfiguration", "SetVariables"]);

/**
 * Ours, and what a person has read or written, where it is about values that templates have wanted: what a person
 * sets is found at once, not a day later.
 */
export function foldConfiguration(station: StationState, entry: EntryOf<"ocpp.called">): void {
  const before = station.configuration;
  const ours = entry.cause === TEMPLATE;
  if (entry.response === undefined || !ACTIONS.has(entry.action)) return;
  if (!ours && before === undefined) return;
  const [, , action, request] = JSON.parse(entry.request) as [number, string, string, unknown];
  const [type, , response] = JSON.parse(entry.response) as [number, string, unknown];
  const answer = configurationAnswer(action, request, type === 3 ? response : undefined);
  if (answer === undefined) return;
  station.configuration = ours
    ? learn(before ?? NO_CONFIGURATION, answer, entry.at)
    : overhear(before ?? NO_CONFIGURATION, answer, entry.at);
}

function change(before: Configuration, changes: Iterable<[string, KnownValue]>): Configuration {
  const values = new Map(before.values);
  for (const [id, known] of changes) {
    values.delete(id);
    values.set(id, known);
  }
  for (const [id] of values) {
    if (values.size <= CONFIGURATION_KNOWN_MAX) break;
    values.delete(id);
  }
  return { ...before, values };
}

function learn(before: Configuration, answer: ConfigurationAnswer, at: number): Configuration {
  if (answer.kind === "written")
    return change(
      before,
      answer.items.map((item) => written(before, item, at)),
    );
  const { items, failed } = answer;
  // Too much at once, perhaps: half of it is asked for next.
  if (failed && items.length > 1) return { ...before, readMax: Math.floor(items.length / 2) };
  return change(
    before,
    items.map((item) => readBack(before, item, at)),
  );
}

function readBack(before: Configuration, item: ReadItem, at: number): [string, KnownValue] {
  const id = placeId(item);
  const { write, readOnly } = before.values.get(id) ?? {};
  const { value, missing } = item;
  const read = { at, ...(missing ? { missing: true as const } : {}), ...given("value", value) };
  const known: KnownValue = { read, ...((item.readOnly ?? readOnly) === true ? { readOnly: true } : {}) };
  if (write?.result !== "taken") return [id, { ...known, ...given("write", write) }];
  // What can only be written is believed to be there.
  if (value === undefined) return [id, { ...known, write }];
  if (sameValue(value, write.value)) return [id, known];
  return [id, { ...known, write: { ...write, at, result: "refused" } }];
}

function written(before: Configuration, item: WriteItem, at: number): [string, KnownValue] {
  const id = placeId(item);
  const { value, status } = item;
  const { read, readOnly } = before.values.get(id) ?? {};
  const known: KnownValue = { ...given("read", read), ...given("readOnly", readOnly) };
  switch (status) {
    case "accepted":
      return [id, { write: { at, value, result: "taken" } }];
    case "reboot-required":
      return [id, { ...known, write: { at, value, result: "reboot" } }];
    case "read-only":
      return [id, { ...known, readOnly: true, write: { at, value, result: "refused" } }];
    case "missing":
      return [id, { read: { at, missing: true } }];
    case "refused":
      return [id, { ...known, write: { at, value, result: "refused" } }];
  }
}

/** Somebody else's call: of values that are known here it tells what they are now. */
function overhear(before: Configuration, answer: ConfigurationAnswer, at: number): Configuration {
  const changes = answer.items.flatMap((item): [string, KnownValue][] => {
    const id = placeId(item);
    const known = before.values.get(id);
    const told = "status" in item ? item.status === "accepted" : !item.missing;
    if (known === undefined || !told || item.value === undefined) return [];
    return [[id, { ...known, read: { at, value: item.value } }]];
  });
  return changes.length === 0 ? before : change(before, changes);
}

/** OCPP 2.x: a report tells values, and which of them can be written. */
export function foldReported(station: StationState, variables: readonly StationVariable[], at: number): void {
  const before = station.configuration;
  if (before === undefined) return;
  const changes = variables.flatMap((told): [string, KnownValue][] => {
    const id = placeId(told);
    const known = before.values.get(id);
    if (known === undefined || told.attribute !== "Actual" || told.value === undefined) return [];
    const readOnly = told.mutability === "ReadOnly" ? { readOnly: true as const } : {};
    return [[id, { ...known, read: { at, value: told.value }, ...readOnly }]];
  });
  if (changes.length > 0) station.configuration = change(before, changes);
}

/** The station has started again: what waited for that is to be seen now, and a refusal may have had its time. */
export function foldConfigurationBoot(station: StationState, at: number): void {
  const before = station.configuration;
  if (before === undefined) return;
  const values = new Map<string, KnownValue>();
  for (const [id, { write, readOnly }] of before.values) {
    const old = write?.result === "refused" && Math.abs(at - write.at) >= PROVISION_REFUSED_BOOT_MS;
    if (write === undefined || old) values.set(id, {});
    else if (write.result === "reboot") values.set(id, { write: { ...write, result: "taken" } });
    else values.set(id, { write, ...given("readOnly", readOnly) });
  }
  station.configuration = { ...before, values };
}
