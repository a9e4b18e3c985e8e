/**
 * Checker `commands`: a command reaches its station at most once and never after its deadline; in the end
 * what the SG says of it is what the station saw. `uncertain` is allowed where the call or its answer was
 * lost.
 */
import type { Runtime } from "../../../edge/runtime.ts";
import type { Socket } from "../sockets.ts";
import type { CommandRow, Tables } from "../store.ts";
import { Violation } from "../trace.ts";

/**
 * The ER knows the SG's time to this tolerance, less exactly by as long as a message was on its way; then
 * there is the way to the station.
 */
const LATE_MS_MAX = 5_500;

const fail = (saw: string): never => {
  throw new Violation("commands", saw);
};

export function createCommandChecker(now: () => number, slowestMs: () => number) {
  /** Text of a CALL → its command. */
  const calls = new Map<string, string>();
  /** How often each command was seen by its station. */
  const seen = new Map<string, number>();
  const expiry = new Map<string, number>();

  return {
    onCommand(row: CommandRow): void {
      expiry.set(row.commandId, row.expiresAt);
    },

    /** A frame leaves the ER: if it is a call, the core knows of which command. */
    onSend(runtime: Runtime, text: string): void {
      if (!text.startsWith("[2,")) return;
      for (const { outstanding } of runtime.state.live.connections.values()) {
        if (outstanding?.text === text) calls.set(text, outstanding.commandId);
      }
    },

    onDelivered(socket: Socket, text: string): void {
      if (!text.startsWith("[2,")) return;
      const commandId = calls.get(text);
      if (commandId === undefined) return fail(`${socket.stationId} was called for no command: ${text}`);
      const times = (seen.get(commandId) ?? 0) + 1;
      seen.set(commandId, times);
      if (times > 1) fail(`${socket.stationId} got command ${commandId} ${times} times`);
      const lateMs = now() - (expiry.get(commandId) ?? 0);
      if (lateMs > LATE_MS_MAX + slowestMs())
        fail(`${socket.stationId} got command ${commandId} ${lateMs} ms after its deadline`);
    },

    /** After everything has drained. */
    atEnd(tables: Tables): void {
      for (const { commandId, stationId, kind, status, response } of tables.commands.values()) {
        const times = seen.get(commandId) ?? 0;
        const what = `${kind} ${commandId} of ${stationId} is ${status}, its station saw it ${times} times`;
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
