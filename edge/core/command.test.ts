/** Commands: from the cloud to the station and back, once, and never later than somebody waits for them. */
import { describe, expect, test } from "vitest";
import type { CommandBody, CommandKind } from "../../shared/command.ts";
import type { Protocol } from "../../shared/entry.ts";
import {
  OCPP_BOOT_GRACE_MS,
  OCPP_CALL_QUEUE_MAX,
  OCPP_CALL_TIMEOUT_MS,
  OCPP_CALL_TIMEOUTS_MAX,
} from "../../shared/limits.ts";
import { Bench, policyOf, recovered, TAG, uuid } from "./harness.ts";

const reset: CommandBody = { kind: "Reset", params: { type: "Immediate" } };
const unlock: CommandBody = { kind: "UnlockConnector", params: { evseId: 1 } };

/** A site with a link, and a station that has spoken. */
function site(protocol: Protocol = "ocpp1.6") {
  const bench = new Bench({ policy: policyOf([TAG]), identity: { authorization: "local" } });
  bench.online();
  const cp = bench.connect("CP-1", protocol);
  bench.result(cp, "Heartbeat", {});
  return { bench, cp };
}
function reply(bench: Bench, cp: number, payload: object): void {
  bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, payload]));
}
const finished = (bench: Bench, n = 1) => {
  const entry = bench.all("command.finished").filter((e) => e.commandId === uuid(n));
  expect(entry).toHaveLength(1);
  return entry[0];
};
const unfinished = (bench: Bench) => expect(bench.all("command.finished")).toEqual([]);

describe("a command is refused at the site", () => {
  test("TC_028_CSMS remote stop of a transaction that is not running", () => {
    const { bench, cp } = site();
    bench.command(1, { kind: "RequestStopTransaction", params: { transactionId: uuid(99) } });
    expect(finished(bench)).toMatchObject({
      status: "rejected",
      reason: expect.stringContaining("not running"),
    });
    expect(bench.lastCall(cp)).toBeUndefined();
  });

  test("for a station that the site has never seen", () => {
    const { bench } = site();
    bench.command(1, reset, { stationId: "NOBODY" });
    expect(finished(bench)).toMatchObject({
      status: "rejected",
      reason: expect.stringContaining("never seen"),
    });
  });

  test("when the standard does not allow what it would send", () => {
    const { bench, cp } = site();
    bench.command(1, {
      kind: "Call",
      params: { action: "TriggerMessage", payload: { requestedMessage: "Tea" } },
    });
    expect(finished(bench)).toMatchObject({
      status: "rejected",
      reason: expect.stringContaining("requestedMessage"),
    });
    expect(bench.lastCall(cp)).toBeUndefined();
  });

  test.each(["SelfDestruct", "constructor"])("when its kind is not known here: %s", (kind) => {
    const { bench } = site();
    bench.command(1, { kind, params: {} } as unknown as CommandBody);
    expect(finished(bench)).toMatchObject({ status: "rejected", reason: expect.stringContaining(kind) });
  });

  test.each<[CommandKind, unknown]>([
    ["RequestStartTransaction", {}],
    ["RequestStartTransaction", { idToken: null }],
    ["RequestStopTransaction", { transactionId: 7 }],
    ["GetVariables", {}],
    ["SetVariables", { setVariableData: [null] }],
    ["Reset", { type: "Immediate", typo: 1 }],
    ["UnlockConnector", { evseId: "1" }],
  ])("%s with the parameters %j that are not its own", (kind, params) => {
    const { bench, cp } = site();
    bench.command(1, { kind, params } as CommandBody);
    expect(finished(bench)).toMatchObject({ status: "rejected", reason: expect.stringContaining("params") });
    expect(bench.lastCall(cp)).toBeUndefined();
  });

  test("when too many wait for the station already", () => {
    const { bench } = site();
    for (let n = 1; n <= OCPP_CALL_QUEUE_MAX + 2; n++) bench.command(n, reset);
    expect(bench.all("command.accepted")).toHaveLength(OCPP_CALL_QUEUE_MAX + 1);
    expect(finished(bench, OCPP_CALL_QUEUE_MAX + 2)).toMatchObject({ status: "rejected" });
  });
});

describe("the station answers otherwise", () => {
  test("TC_026_CSMS remote start rejected", () => {
    const { bench, cp } = site();
    bench.command(1, { kind: "RequestStartTransaction", params: { idToken: { idToken: "TAG" } } });
    reply(bench, cp, { status: "Rejected" });
    expect(finished(bench)).toMatchObject({ status: "rejected", reason: "the station said Rejected" });
  });

  test("TC_F_27 trigger message not implemented; TC_040_1_CSMS configuration key not supported", () => {
    const { bench, cp } = site();
    bench.command(1, { kind: "ChangeConfiguration", params: { key: "A", value: "1" } });
    reply(bench, cp, { status: "NotSupported" });
    expect(finished(bench)).toMatchObject({ status: "rejected", response: { status: "NotSupported" } });
  });

  test("a CALLERROR is failed, with its code in our spelling", () => {
    const { bench, cp } = site();
    bench.command(1, unlock);
    const id = bench.lastCall(cp)?.messageId;
    bench.frame(cp, JSON.stringify([4, id, "FormationViolation", "what?", {}]));
    expect(finished(bench)).toMatchObject({
      status: "failed",
      reason: "the station answered FormatViolation: what?",
    });
  });

  test("an answer that breaks the schema still ends the command by its status, and says so", () => {
    const { bench, cp } = site();
    bench.command(1, reset);
    reply(bench, cp, { status: "Accepted", extra: 1 });
    expect(finished(bench)).toMatchObject({ status: "succeeded", reason: expect.stringContaining("schema") });
  });

  test.each([{}, { setVariableResult: [null] }, { setVariableResult: [{ attributeStatus: "Rejected" }] }])(
    "the variables' answer %j does not stop the ER",
    (payload) => {
      const { bench, cp } = site("ocpp2.0.1");
      const setVariableData = [{ variable: { name: "A" }, attributeValue: "1" }];
      bench.command(1, { kind: "SetVariables", params: { setVariableData } });
      reply(bench, cp, payload);
      expect(finished(bench)?.status).toBe("rejected");
    },
  );

  test("no answer is uncertain, a late one is ignored, and the next command goes out", () => {
    const { bench, cp } = site();
    bench.command(1, reset);
    bench.command(2, unlock);
    const first = bench.lastCall(cp);
    bench.pass(OCPP_CALL_TIMEOUT_MS - 1);
    unfinished(bench);
    bench.pass(1);
    expect(finished(bench)).toMatchObject({ status: "uncertain" });
    expect(bench.last("ocpp.called")).toMatchObject({ failure: "timeout" });
    bench.frame(cp, JSON.stringify([3, first?.messageId, { status: "Accepted" }]));
    expect(finished(bench)).toMatchObject({ status: "uncertain" });
    expect(bench.lastCall(cp)?.action).toBe("UnlockConnector");
    reply(bench, cp, { status: "Unlocked" });
    expect(finished(bench, 2)?.status).toBe("succeeded");
  });

  test("no answer again and again closes the socket: some firmware answers only after it reconnects", () => {
    const { bench, cp } = site();
    for (let n = 1; n <= OCPP_CALL_TIMEOUTS_MAX; n++) {
      expect(bench.effectsOf("close")).toEqual([]);
      bench.command(n, reset);
      bench.pass(OCPP_CALL_TIMEOUT_MS);
    }
    expect(bench.effectsOf("close")).toMatchObject([{ connectionId: cp }]);
  });

  test("a disconnect before the answer is uncertain", () => {
    const { bench, cp } = site();
    bench.command(1, reset);
    bench.disconnect(cp);
    expect(finished(bench)).toMatchObject({ status: "uncertain" });
    expect(bench.last("ocpp.called")).toMatchObject({ failure: "disconnected" });
  });
});

describe("one at a time, once", () => {
  test("only one CALL is outstanding per station", () => {
    const { bench, cp } = site();
    bench.command(1, reset);
    bench.command(2, unlock);
    expect(bench.sent(cp).filter((frame) => frame[0] === 2)).toHaveLength(1);
    reply(bench, cp, { status: "Accepted" });
    expect(bench.lastCall(cp)?.action).toBe("UnlockConnector");
  });

  test("the same command again changes nothing, whether it runs or has ended, also after a restart", () => {
    const { bench, cp } = site();
    bench.command(1, reset);
    bench.command(1, reset);
    reply(bench, cp, { status: "Accepted" });
    bench.command(1, reset);
    bench.restart();
    bench.connect();
    bench.command(1, reset);
    expect(bench.all("command.accepted")).toHaveLength(1);
    expect(finished(bench)?.status).toBe("succeeded");
  });

  test("the CALL leaves in the commit that holds command.accepted, not before", () => {
    const { bench } = site();
    const out = bench.command(1, reset);
    expect(out.entries.map((e) => e.kind)).toEqual(["command.accepted"]);
    expect(out.effects.map((e) => e.kind)).toEqual(["send"]);
    expect(out.urgent).toBe(true);
  });

  test("a restart before the answer is uncertain, and nothing is repeated", () => {
    const { bench } = site();
    bench.command(1, reset);
    bench.restart();
    expect(finished(bench)).toMatchObject({ status: "uncertain" });
    const cp = bench.connect();
    bench.result(cp, "Heartbeat", {});
    expect(bench.lastCall(cp)).toBeUndefined();
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });
});

describe("a station that is away", () => {
  const away = () => {
    const { bench, cp } = site();
    bench.disconnect(cp);
    return bench;
  };

  test("gets no command that a person waits for", () => {
    const bench = away();
    bench.command(1, unlock);
    expect(finished(bench)).toMatchObject({ status: "rejected", reason: "the station is offline" });
  });

  test("gets what may wait when it has spoken again", () => {
    const bench = away();
    bench.command(1, reset);
    bench.command(1, reset);
    expect(bench.all("command.accepted")).toEqual([]);
    const cp = bench.connect();
    expect(bench.lastCall(cp)).toBeUndefined();
    bench.result(cp, "BootNotification", { chargePointVendor: "V", chargePointModel: "M" });
    expect(bench.lastCall(cp)?.action).toBe("Reset");
    reply(bench, cp, { status: "Accepted" });
    expect(finished(bench)?.status).toBe("succeeded");
  });

  test("never gets what has expired: on arrival, while waiting, or in the queue", () => {
    const bench = away();
    bench.command(1, reset, { remainingMs: 0 });
    expect(finished(bench)?.status).toBe("expired");
    bench.command(2, reset, { remainingMs: 5_000 });
    bench.pass(4_900);
    // The cloud sends it again; that must not give it a new life.
    bench.command(2, reset, { remainingMs: 5_000 });
    bench.pass(100);
    expect(finished(bench, 2)?.status).toBe("expired");
    const cp = bench.connect();
    bench.result(cp, "Heartbeat", {});
    expect(bench.lastCall(cp)).toBeUndefined();
    bench.command(3, reset);
    bench.command(4, unlock, { remainingMs: 10_000 });
    bench.pass(10_000);
    expect(finished(bench, 4)?.status).toBe("expired");
  });

  test("a command that waits already keeps its place when the waiting room is full", () => {
    const bench = away();
    for (let n = 1; n <= 1_000; n++) bench.command(n, reset);
    bench.command(1, reset);
    unfinished(bench);
    bench.command(1_001, reset);
    expect(finished(bench, 1_001)?.status).toBe("rejected");
  });

  test("is not called before it has spoken, but after a grace it is", () => {
    const bench = away();
    const cp = bench.connect();
    bench.command(1, reset, { remainingMs: 120_000 });
    bench.pass(OCPP_BOOT_GRACE_MS - 1);
    expect(bench.lastCall(cp)).toBeUndefined();
    bench.pass(1);
    expect(bench.lastCall(cp)?.action).toBe("Reset");
  });

  test("that comes back with another OCPP version is called in the words of that version", () => {
    const bench = away();
    bench.command(1, reset);
    const cp = bench.connect("CP-1", "ocpp2.0.1");
    bench.result(cp, "Heartbeat", {});
    expect(bench.lastCall(cp)).toMatchObject({ action: "Reset", payload: { type: "Immediate" } });
  });
});
