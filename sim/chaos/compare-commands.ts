/**
 * Commands against the CALLs that stations received: none late, none twice, none done in silence.
 *
 * A CALL names its command only in the journal, and an ER that is killed has no time to write it. So a CALL
 * is taken for the last command of its kind that was issued for its station; whoever issues them leaves
 * enough time between two of a kind for that to be true.
 */
import type { Difference } from "./compare.ts";
import type { ReceivedCall } from "./ledger.ts";
import type { Stored, StoredCommand } from "./stored.ts";

/** A command that the SG's API has taken. */
export type IssuedCommand = { commandId: string; stationId: string; kind: string };

/**
 * How much later than its deadline a CALL may be seen by its station: clocks tick in milliseconds, and the
 * processes of a run share few cores, so that a frame may lie a moment in a socket.
 */
export const LATE_MS = 100;

const FINAL: ReadonlySet<string> = new Set([
  "succeeded",
  "rejected",
  "failed",
  "expired",
  "uncertain",
  "superseded",
]);

/** What a CALL wants, whatever the version calls it. CALLs of other kinds are the ER's own. */
const KIND_OF: Record<string, string> = {
  RemoteStartTransaction: "RequestStartTransaction",
  RequestStartTransaction: "RequestStartTransaction",
  RemoteStopTransaction: "RequestStopTransaction",
  RequestStopTransaction: "RequestStopTransaction",
  Reset: "Reset",
  UnlockConnector: "UnlockConnector",
  ChangeAvailability: "ChangeAvailability",
  ChangeConfiguration: "SetVariables",
  SetVariables: "SetVariables",
};

/** Wanted states may be said again; actions may not. */
const DESIRED_STATE: ReadonlySet<string> = new Set(["ChangeAvailability", "SetVariables"]);

/** The ER sets variables of its own accord too: without an entry nobody can say whose CALL it was. */
const ALSO_OWN = "SetVariables";

/** The command each CALL belongs to, with the CALL. CALLs of the ER's own accord are left out. */
export function attribute(
  calls: readonly ReceivedCall[],
  stored: Stored,
): { call: ReceivedCall; command: StoredCommand | undefined }[] {
  const journalled = new Map(
    stored.messages.filter((m) => m.kind === "ocpp.called").map((m) => [`${m.stationId} ${m.messageId}`, m]),
  );
  const commands = new Map(stored.commands.map((c) => [c.commandId, c]));
  const ofPlace = Map.groupBy(stored.commands, (c) => `${c.stationId} ${c.kind}`);
  return calls.flatMap((call) => {
    const kind = KIND_OF[call.action];
    const row = journalled.get(`${call.stationId} ${call.messageId}`);
    if (kind === undefined || (row !== undefined && row.commandId === undefined)) return [];
    if (row === undefined && kind === ALSO_OWN) return [];
    if (row?.commandId !== undefined) return [{ call, command: commands.get(row.commandId) }];
    const candidates = ofPlace.get(`${call.stationId} ${kind}`) ?? [];
    return [{ call, command: candidates.findLast((c) => c.issuedAt <= call.at) }];
  });
}

/** All that is wrong with the commands of a run. */
export function compareCommands(
  calls: readonly ReceivedCall[],
  issued: readonly IssuedCommand[],
  stored: Stored,
): Difference[] {
  const found: Difference[] = [];
  const byId = new Map(stored.commands.map((c) => [c.commandId, c]));
  for (const { commandId, kind, stationId } of issued) {
    if (byId.has(commandId)) continue;
    found.push({
      kind: "lost",
      text: `command ${commandId} (${kind} for ${stationId}) was taken and is not stored`,
    });
  }
  const attributed = attribute(calls, stored);
  for (const { call, command } of attributed) {
    const name = `${call.action} received by ${call.stationId} at ${new Date(call.at).toISOString()}`;
    if (command === undefined) {
      if (!DESIRED_STATE.has(KIND_OF[call.action] ?? "")) {
        found.push({ kind: "command", text: `${name}: nobody had asked for it` });
      }
      continue;
    }
    const lateMs = Math.round(call.at - command.expiresAt);
    if (lateMs <= LATE_MS) continue;
    found.push({
      kind: "late",
      text: `${name}: ${lateMs} ms after the deadline of command ${command.commandId}`,
    });
  }
  const callsOf = Map.groupBy(attributed, ({ command }) => command?.commandId);
  for (const command of stored.commands) {
    // What came true by itself or by another command is as good as done; a boot without any reset is not one.
    const wasReset = calls.some(
      ({ stationId, action, at }) =>
        stationId === command.stationId && action === "Reset" && at >= command.issuedAt,
    );
    found.push(...checkCommand(command, callsOf.get(command.commandId) ?? [], wasReset));
  }
  return found;
}

function checkCommand(
  command: StoredCommand,
  calls: readonly { call: ReceivedCall }[],
  wasReset: boolean,
): Difference[] {
  const found: Difference[] = [];
  const { commandId, kind, stationId, status, reason } = command;
  const say = (text: string) =>
    found.push({ kind: "command", text: `command ${commandId} (${kind} for ${stationId}) ${text}` });
  if (!FINAL.has(status)) say(`never came to an end: it is ${status}`);
  if (calls.length > 1 && !DESIRED_STATE.has(kind)) {
    const times = calls.map(({ call }) => `${call.messageId} at ${new Date(call.at).toISOString()}`);
    say(`reached the station ${calls.length} times: ${times.join(", ")}`);
  }
  const cameTrue = reason?.startsWith("observed: ") === true && (kind !== "Reset" || wasReset);
  if (calls.length === 0 && status === "succeeded" && !cameTrue)
    say("is called succeeded, but no CALL reached the station");
  // A wish expires when nobody has confirmed it in time, however often it was said.
  if (calls.length > 0 && status === "expired" && !DESIRED_STATE.has(kind))
    say(`is called expired (${reason}), but a CALL reached the station`);
  return found;
}
