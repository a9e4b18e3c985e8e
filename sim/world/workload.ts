/** People at the other end: operators who give commands and block tokens, at any moment, wise or not. */
import { COMMAND_CLASS, type CommandBody } from "../../shared/command.ts";
import { given } from "../../shared/given.ts";
import { TOKENS, type Fleet, type Member } from "./fleet.ts";
import type { Faults } from "./faults.ts";
import type { Sg } from "./sg.ts";
import type { Context } from "./spell.ts";
import type { Trace } from "./trace.ts";

const TTL_MS_MAX = 60_000;
const SHORT_TTL_MS = [100, 3_000] as const;
const LISTED = TOKENS.slice(0, -1) as [string, ...string[]];

export function startWorkload(options: Context & { faults: Faults; trace: Trace; sg: Sg; fleet: Fleet }) {
  const { timeline, chance, trace, sg, fleet } = options;
  const { commandEveryMs, shortDeadline, policyEveryMs } = options.faults.workload;
  let stopped = false;

  function anyCommand({ station, version }: Member): CommandBody {
    const evseId = chance.between(1, station.evseIds.length);
    const running = [...sg.tables.transactions.values()].filter(
      (t) => t.station_id === station.id && t.ended_at === undefined,
    );
    const messages =
      version === "1.6"
        ? (["Heartbeat", "StatusNotification", "MeterValues", "BootNotification"] as const)
        : (["Heartbeat", "StatusNotification", "MeterValues", "TransactionEvent"] as const);
    const stop = running[chance.word() % Math.max(1, running.length)];
    const bodies: [CommandBody, ...CommandBody[]] = [
      { kind: "RequestStartTransaction", params: { idToken: { idToken: chance.pick(LISTED) }, evseId } },
      { kind: "UnlockConnector", params: { evseId, connectorId: 1 } },
      { kind: "TriggerMessage", params: { requestedMessage: chance.pick(messages), evseId } },
      { kind: "ChangeAvailability", params: { operationalStatus: "Operative", ...given("evseId", evseId) } },
      { kind: "Reset", params: { type: chance.pick(["Immediate", "OnIdle"]) } },
    ];
    if (stop !== undefined && chance.happens(0.4)) {
      return { kind: "RequestStopTransaction", params: { transactionId: stop.transaction_id } };
    }
    if (chance.happens(0.1)) {
      return { kind: "ChangeAvailability", params: { operationalStatus: "Inoperative", evseId } };
    }
    return chance.pick(bodies);
  }

  function commandLater(): void {
    timeline.setTimer(chance.around(commandEveryMs), () => {
      if (stopped) return;
      const member = fleet.members[chance.word() % fleet.members.length];
      if (member !== undefined) give(member);
      commandLater();
    });
  }

  function give(member: Member): void {
    const body = anyCommand(member);
    const issuedAt = timeline.now();
    const ttlMs = chance.happens(shortDeadline)
      ? chance.between(...SHORT_TTL_MS)
      : Math.min(TTL_MS_MAX, COMMAND_CLASS[body.kind].ttlMs);
    const commandId = chance.uuid(issuedAt);
    trace.say("sg.command", `${commandId} ${member.station.id} ${body.kind} within ${ttlMs} ms`);
    const row = { commandId, stationId: member.station.id, ...body, status: "pending" };
    sg.command({ ...row, issuedAt, expiresAt: issuedAt + ttlMs });
  }

  function policyLater(): void {
    timeline.setTimer(chance.around(policyEveryMs), () => {
      if (stopped) return;
      const idToken = chance.pick(LISTED);
      const status = sg.tables.tokens.get(idToken)?.status === "Accepted" ? "Blocked" : "Accepted";
      trace.say("sg.token", `${idToken} ${status}`);
      sg.changeToken(idToken, status);
      policyLater();
    });
  }

  for (const idToken of LISTED) sg.tables.tokens.set(idToken, { status: "Accepted" });
  commandLater();
  policyLater();
  return {
    stop(): void {
      stopped = true;
    },
  };
}
