/**
 * What entries say about things that an operator controls: registrations, passwords, reservations, local lists.
 * Pure; part of `project.ts`.
 */
import type { EntryOf } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import { parseFrame } from "../../shared/ocpp/frame.ts";
import type { StationMessage } from "../../shared/ocpp/message.ts";
import { readUpkeep, type UpkeepAnswer } from "../../shared/ocpp/upkeep.ts";
import type { Changes, LocalListChange } from "./changes.ts";

const INTEGER_MAX = 2 ** 31 - 1;
const isId = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= INTEGER_MAX;

/** Accepted, Pending or Rejected: what a boot was answered with. */
export function toldRegistration(entry: EntryOf<"ocpp.handled">): string | undefined {
  const answer = parseFrame(entry.response);
  const status = answer.type === "result" ? answer.payload["status"] : undefined;
  return typeof status === "string" ? status : undefined;
}

/** Which of its passwords a station has shown. */
export function applyPassword(
  changes: Changes,
  { passwordMark }: EntryOf<"station.online">,
  stationId: string,
): void {
  if (passwordMark === undefined) return;
  const marks = changes.passwordsShown.get(stationId) ?? new Set();
  changes.passwordsShown.set(stationId, marks.add(passwordMark));
}

const ENDED: Record<string, string> = { Expired: "expired", Removed: "removed", NoTransaction: "expired" };

/** A reservation was used up by a transaction, or the station has ended it by itself. */
export function applyReservation(
  changes: Changes,
  entry: EntryOf<"ocpp.handled">,
  message: StationMessage,
  stationId: string,
): void {
  if (message.kind !== "reservation" && message.kind !== "transaction") return;
  const { reservationId } = message;
  if (!isId(reservationId) || entry.basis === "repeat") return;
  const fact = message.kind === "transaction" ? "used" : (ENDED[message.status] ?? "removed");
  const key = `${stationId} ${reservationId}`;
  // The first word counts, but for one: what was used was used (as `ingest/control-sql.ts` has it).
  const before = changes.reservations.get(key);
  if (before !== undefined && (fact !== "used" || before.fact === "used")) return;
  changes.reservations.set(key, {
    ...{ station_id: stationId, reservation_id: reservationId, fact, at: entry.at },
    ...given("transaction_id", fact === "used" ? entry.transactionId : undefined),
  });
}

/** What a station holds in its own list, from its answers to whoever wrote or asked. */
export function applyLocalList(changes: Changes, entry: EntryOf<"ocpp.called">, stationId: string): void {
  const { action, protocol, response, at } = entry;
  if (response === undefined || (action !== "SendLocalList" && action !== "GetLocalListVersion")) return;
  const call = parseFrame(entry.request);
  const answer = parseFrame(response);
  if (call.type !== "call" || (answer.type !== "result" && answer.type !== "error")) return;
  const payload = answer.type === "result" ? answer.payload : undefined;
  const told = readUpkeep(protocol, action, call.payload, payload);
  if (told?.kind === "list-version")
    changes.lists.push({ station_id: stationId, ...checked(told.version, at) });
  if (told?.kind === "list-sent") changes.lists.push({ station_id: stationId, ...sent(told, at) });
}

type ListChange = Omit<LocalListChange, "station_id">;

/** Another version than the one that we know: nobody knows what is in it. Version 0 is an empty list. */
function checked(version: number | undefined, at: number): ListChange {
  if (!isId(version)) return { checked_at: at, last_result: "unsupported", last_result_at: at };
  if (version === 0) return { version, checked_at: at, entries: "replace", added: {} };
  return { version, checked_at: at, entries: "check" };
}

function sent(told: Extract<UpkeepAnswer, { kind: "list-sent" }>, at: number): ListChange {
  const result = { last_result: told.status, last_result_at: at };
  const { version } = told;
  if (told.status !== "accepted" || !isId(version)) return result;
  const added: Record<string, object> = {};
  const removed: string[] = [];
  for (const { idToken, ...listed } of told.entries)
    if (listed.status === undefined) removed.push(idToken);
    else added[idToken] = listed;
  const entries = told.update === "Full" ? ("replace" as const) : ("change" as const);
  return { ...result, version, checked_at: at, updated_at: at, entries, added, removed };
}
