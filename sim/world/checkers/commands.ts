/**
 * Checker `commands`: a command reaches its station at most once and never after its deadline; in the end
 * what the SG says of it is what the station saw. `uncertain` is allowed where the call or its answer was
 * lost.
 */
import { wishTarget, type CommandBody } from "../../../shared/command.ts";
import type { Entry } from "../../../shared/entry.ts";
import type { Runtime } from "../../../edge/runtime.ts";
import type { Socket } from "../sockets.ts";
import type { CommandRow, Tables } from "../store.ts";
import { Violation } from "../trace.ts";

/**
 * The ER counts a command's time from when it arrives: it is less exact by as long as the message was on its
 * way, and then there is the way to the station.
 */
const LATE_MS_MAX = 1_500;

const OWN = "a call of the ER's own";

const fail = (saw: string): never => {
  throw new Violation("commands", saw);
};

export function createCommandChecker(now: () => number) {
  /** Text of a CALL → its command, and which journal knows of it. */
  const calls = new Map<string, { commandId: string; epoch: number }>();
  /** How often each command was seen by its station. */
  const seen = new Map<string, number>();
  const expiry = new Map<string, number>();
  /** The longest way that a message with it has taken. */
  const slowest = new Map<string, number>();
  /** Commands that had left for their station when the journal that knew it was lost. */
  const forgotten = new Set<string>();
  let lostAt: number | undefined;
  let epoch = 0;
  /** Commands that may be called again until the station has answered. */
  const wishes = new Set<string>();

  return {
    get lostAt() {
      return lostAt;
    },

    onCommand(row: CommandRow): void {
      expiry.set(row.commandId, row.expiresAt);
      if (wishTarget(row as CommandBody) !== undefined) wishes.add(row.commandId);
    },

    /** The broker has brought them to the ER. */
    onCarried(commandIds: string[], delayMs: number): void {
      for (const id of commandIds) slowest.set(id, Math.max(slowest.get(id) ?? 0, delayMs));
    },

    /** A journal that is lost takes with it which commands were done: each may be done once more. */
    journalLost(): void {
      lostAt = now();
      epoch += 1;
      for (const { commandId } of calls.values()) forgotten.add(commandId);
      seen.clear();
    },

    /** A call whose station is gone is written down, and leaves all the same. */
    onEntry(entry: Entry): void {
      if (entry.kind === "ocpp.called" && !calls.has(entry.request))
        calls.set(entry.request, { commandId: entry.commandId ?? OWN, epoch });
    },

    /** A frame leaves the ER: if it is a call, the core knows of which command. */
    onSend(runtime: Runtime, text: string): void {
      if (!text.startsWith("[2,")) return;
      for (const { outstanding } of runtime.state.live.connections.values()) {
        if (outstanding?.text === text) calls.set(text, { commandId: outstanding.commandId ?? OWN, epoch });
      }
    },

    onDelivered(socket: Socket, text: string): void {
      if (!text.startsWith("[2,")) return;
      const call = calls.get(text);
      if (call === undefined) return fail(`${socket.stationId} was called for no command: ${text}`);
      const { commandId } = call;
      if (commandId === OWN || call.epoch !== epoch) return;
      const times = (seen.get(commandId) ?? 0) + 1;
      seen.set(commandId, times);
      if (times > 1 && !wishes.has(commandId))
        fail(`${socket.stationId} got command ${commandId} ${times} times`);
      // A wish counts until another one takes its place.
      if (wishes.has(commandId)) return;
      const lateMs = now() - (expiry.get(commandId) ?? 0);
      if (lateMs > LATE_MS_MAX + (slowest.get(commandId) ?? 0))
        fail(`${socket.stationId} got command ${commandId} ${lateMs} ms after its deadline`);
    },

    /** After everything has drained. */
    atEnd(tables: Tables): void {
      for (const {
        commandId,
        stationId,
        kind,
        status,
        response,
        reason,
        issuedAt,
      } of tables.commands.values()) {
        if (forgotten.has(commandId) || (lostAt !== undefined && issuedAt <= lostAt)) continue;
        const times = seen.get(commandId) ?? 0;
        // Told by what happened at the station: whether the call arrived is not known.
        if (reason?.startsWith("observed") === true) continue;
        const what = `${kind} ${commandId} of ${stationId} is ${status}, its station saw it ${times} times`;
        if (wishes.has(commandId) && /^(succeeded|rejected|failed|expired|superseded)$/.test(status)) {
          if (status === "succeeded" && times === 0) fail(what);
          continue;
        }
        switch (status) {
          case "succeeded":
          case "failed":
            if (times !== 1) fail(what);
            break;
          case "rejected":
            if (times !== (response === undefined ? 0 : 1)) fail(what);
            break;
          case "expired":
            if (times !== 0) fail(what);
            break;
          case "uncertain":
            break;
          default:
            fail(`${what}: it was never finished`);
        }
      }
    },
  };
}
