/**
 * An ER's calls that carry out templates → changes: what each station said to them. Pure.
 *
 * Values that were read, or written and taken, are those of `station_variable` (`project-station.ts`); here stands
 * what they do not tell: refusals, reboots that are needed, variables that are not there.
 */
import type { EntryOf } from "../../shared/entry.ts";
import { configurationAnswer, placeId } from "../../shared/ocpp/device-model.ts";
import { parseFrame } from "../../shared/ocpp/frame.ts";
import { TEMPLATE } from "../../shared/ocpp/upkeep.ts";
import type { Changes, VariableWriteChange } from "./changes.ts";

/** Names in our own calls have been checked; a call of another release is not worth an error. */
const PLACE_ID_MAX = 400;

export function applyTemplateCall(changes: Changes, entry: EntryOf<"ocpp.called">, stationId: string): void {
  if (entry.cause !== TEMPLATE || entry.response === undefined) return;
  const [call, answer] = [parseFrame(entry.request), parseFrame(entry.response)];
  if (call.type !== "call") return;
  const told = configurationAnswer(
    call.action,
    call.payload,
    answer.type === "result" ? answer.payload : undefined,
  );
  // A station that refuses to be read so has said nothing about its variables.
  if (told === undefined || (told.kind === "read" && told.failed && told.items.length > 1)) return;
  for (const item of told.items) {
    const place_id = placeId(item);
    if (place_id.length > PLACE_ID_MAX) continue;
    const key = `${stationId} ${place_id}`;
    const { at, seq } = entry;
    const missing = "status" in item ? item.status === "missing" : item.missing;
    const row: VariableWriteChange = { station_id: stationId, place_id, missing, at, seq };
    if ("status" in item && !missing) Object.assign(row, { value: item.value, status: item.status });
    // Of a read only that it is there, or not: the write before it still tells what became of the value.
    const before = changes.variableWrites.get(key);
    const read = told.kind === "read" && !missing && before !== undefined;
    changes.variableWrites.set(key, read ? { ...before, missing: false } : row);
  }
}
