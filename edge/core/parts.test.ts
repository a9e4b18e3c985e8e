/** Commands that are longer than what their station takes in one message. */
import { describe, expect, test } from "vitest";
import type { CommandBody } from "../../shared/command.ts";
import { PROVISION_SETTLE_MS } from "../../shared/limits.ts";
import { fieldsOf } from "../../shared/given.ts";
import { Bench, policyOf, TAG, uuid } from "./harness.ts";

type Item = { component: { name: string }; variable: { name: string; instance?: string } };
const items = ["A", "B", "C", "D", "E"].map((name) => ({ component: { name: "X" }, variable: { name } }));
const read: CommandBody = { kind: "GetVariables", params: { getVariableData: items } };
const clear: CommandBody = { kind: "ClearVariableMonitoring", params: { id: [1, 2, 3, 4, 5] } };

/** A station that takes two of anything at once and says so when the ER asks what it needs to know. */
function site() {
  const bench = new Bench({ policy: policyOf([TAG]), identity: { authorization: "local" } });
  bench.online();
  const cp = bench.connect("CP-1", "ocpp2.0.1");
  const chargingStation = { vendorName: "V", model: "M" };
  bench.result(cp, "BootNotification", { reason: "PowerUp", chargingStation });
  bench.pass(PROVISION_SETTLE_MS);
  for (let call = bench.lastCall(cp); call?.action === "GetVariables"; call = bench.lastCall(cp)) {
    const { messageId } = call;
    reply(bench, cp, { getVariableResult: dataOf(call).map(valueOf) });
    bench.pass(60_000);
    if (bench.lastCall(cp)?.messageId === messageId) break;
  }
  return { bench, cp };
}
type Called = { payload: unknown } | undefined;
const dataOf = (call: Called) => fieldsOf(call?.payload)["getVariableData"] as Item[];
const idsOf = (call: Called) => fieldsOf(call?.payload)["id"] as number[];
const valueOf = (item: Item) => ({
  ...item,
  ...(item.variable.name === "ItemsPerMessage"
    ? { attributeStatus: "Accepted", attributeValue: "2" }
    : { attributeStatus: "UnknownVariable" }),
});
function reply(bench: Bench, cp: number, payload: object): void {
  bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, payload]));
}
const finished = (bench: Bench) => bench.all("command.finished").filter((e) => e.commandId === uuid(1));

const accepted = (item: Item) => ({
  ...item,
  attributeStatus: "Accepted",
  attributeValue: item.variable.name,
});

describe("a list that is longer than the station takes", () => {
  test("goes in parts, one after the other; the command's answer is that of all of them", () => {
    const { bench, cp } = site();
    bench.command(1, read);
    const asked: Item[][] = [];
    for (let part = 0; part < 3; part++) {
      expect(finished(bench)).toEqual([]);
      const data = dataOf(bench.lastCall(cp));
      asked.push(data);
      reply(bench, cp, { getVariableResult: data.map(accepted) });
    }
    expect(asked).toEqual([items.slice(0, 2), items.slice(2, 4), items.slice(4)]);
    expect(finished(bench)).toMatchObject([
      { status: "succeeded", response: { getVariableResult: items.map(accepted) } },
    ]);
  });

  test("is not done when one item of one part was not", () => {
    const { bench, cp } = site();
    bench.command(1, clear);
    for (let part = 0; part < 3; part++) {
      const ids = idsOf(bench.lastCall(cp));
      const clearMonitoringResult = ids.map((id) => ({ id, status: id === 2 ? "NotFound" : "Accepted" }));
      reply(bench, cp, { clearMonitoringResult });
    }
    expect(finished(bench)).toMatchObject([{ status: "rejected", reason: "2: NotFound" }]);
  });

  test("ends with the part that the station refuses", () => {
    const { bench, cp } = site();
    bench.command(1, clear);
    const ids = idsOf(bench.lastCall(cp));
    reply(bench, cp, { clearMonitoringResult: ids.map((id) => ({ id, status: "Accepted" })) });
    bench.frame(cp, JSON.stringify([4, bench.lastCall(cp)?.messageId, "InternalError", "", {}]));
    expect(finished(bench)).toMatchObject([{ status: "failed" }]);
    const calls = bench.all("ocpp.called").filter((e) => e.commandId === uuid(1));
    expect(calls).toHaveLength(2);
  });

  test("is not called expired when a part of it was done", () => {
    const { bench, cp } = site();
    bench.command(1, clear, { remainingMs: 5_000 });
    const first = bench.lastCall(cp);
    bench.command(2, { kind: "Reset", params: { type: "OnIdle" } });
    bench.frame(
      cp,
      JSON.stringify([
        3,
        first?.messageId,
        { clearMonitoringResult: [1, 2].map((id) => ({ id, status: "Accepted" })) },
      ]),
    );
    // The other command is answered by nobody meanwhile.
    expect(bench.lastCall(cp)?.action).toBe("Reset");
    bench.pass(10_000);
    expect(finished(bench)).toMatchObject([
      { status: "failed", reason: "only a part of it was done: the station was busy too long" },
    ]);
  });

  test("goes whole where it is written as a CALL", () => {
    const { bench, cp } = site();
    const { kind: action, params: payload } = clear;
    bench.command(1, { kind: "Call", params: { action, payload } });
    expect(bench.lastCall(cp)?.payload).toEqual(payload);
  });
});
