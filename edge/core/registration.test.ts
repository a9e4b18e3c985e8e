/** Held stations: what they are told, what they may say and hear meanwhile, and how they come free. */
import { describe, expect, test } from "vitest";
import type { CommandBody } from "../../shared/command.ts";
import type { Protocol } from "../../shared/entry.ts";
import { REGISTRATION_BOOT_MS, REGISTRATION_RETRY_S } from "../../shared/limits.ts";
import type { PolicyStation } from "../../shared/policy.ts";
import { Bench, policyOf, signed, TAG, time } from "./harness.ts";

let version = 1;
/** The policy says this of CP-1 from now on. */
function want(bench: Bench, rule: Omit<PolicyStation, "stationId"> = {}): void {
  const policy = policyOf([TAG], ++version, { stations: [{ stationId: "CP-1", ...rule }] });
  bench.input({ kind: "link.policy", signed: signed(policy) });
}
const BOOT_16 = { chargePointVendor: "V", chargePointModel: "M" };
const BOOT_201 = { reason: "PowerUp", chargingStation: { vendorName: "V", model: "M" } };
const boot = (bench: Bench, cp: number, protocol: Protocol) =>
  bench.result(cp, "BootNotification", protocol === "ocpp1.6" ? BOOT_16 : BOOT_201);

function site(protocol: Protocol, rule?: Omit<PolicyStation, "stationId">) {
  const bench = new Bench({ identity: { provision: false, authorization: "local" } });
  want(bench, rule);
  const cp = bench.connect("CP-1", protocol);
  return { bench, cp };
}
const STATUS_201 = { timestamp: time(), connectorStatus: "Available", evseId: 1, connectorId: 1 };
const statusOf = (answer: Record<string, unknown>) => (answer["idTagInfo"] as { status: string }).status;
const calls = (bench: Bench, cp: number) => bench.sent(cp).filter((frame) => frame[0] === 2);
const trigger = { requestedMessage: "BootNotification" };

describe.each(["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const)("a boot over %s", (protocol) => {
  test("is answered with what the policy wants, also offline and after a restart", () => {
    const { bench, cp } = site(protocol, { registration: "Pending", retryIntervalS: 17 });
    expect(boot(bench, cp, protocol)).toMatchObject({ status: "Pending", interval: 17 });
    bench.restart();
    const again = bench.connect("CP-1", protocol);
    expect(boot(bench, again, protocol)).toMatchObject({ status: "Pending", interval: 17 });
    want(bench, { registration: "Rejected" });
    const rejected = { status: "Rejected", interval: REGISTRATION_RETRY_S };
    expect(boot(bench, again, protocol)).toMatchObject(rejected);
    want(bench);
    expect(boot(bench, again, protocol)).toMatchObject({ status: "Accepted", interval: 300 });
  });

  test("is asked for at once when a pending station is released", () => {
    const { bench, cp } = site(protocol, { registration: "Pending" });
    boot(bench, cp, protocol);
    bench.pass(1_000);
    expect(calls(bench, cp)).toEqual([]);
    want(bench);
    bench.pass(1_000);
    expect(calls(bench, cp)).toMatchObject([[2, expect.anything(), "TriggerMessage", trigger]]);
    bench.call(cp, "Heartbeat", {});
    boot(bench, cp, protocol);
    expect(bench.state.durable.stations.get("CP-1")?.registration).toBeUndefined();
    bench.pass(120_000);
    expect(calls(bench, cp)).toHaveLength(1);
  });

  test("of a rejected station is waited for: it is not called", () => {
    const { bench, cp } = site(protocol, { registration: "Rejected" });
    boot(bench, cp, protocol);
    want(bench);
    bench.pass(1_000);
    bench.pass(120_000);
    expect(calls(bench, cp)).toEqual([]);
    expect(bench.effectsOf("close")).toEqual([]);
  });
});

describe("a held station of OCPP 2.x", () => {
  test("TC_B_30 hears SecurityError for everything but a boot; the frame is kept", () => {
    for (const registration of ["Pending", "Rejected"] as const) {
      const { bench, cp } = site("ocpp2.0.1", { registration });
      boot(bench, cp, "ocpp2.0.1");
      expect(bench.call(cp, "StatusNotification", STATUS_201)?.[2]).toBe("SecurityError");
      expect(bench.last("ocpp.rejected")).toMatchObject({
        code: "SecurityError",
        action: "StatusNotification",
      });
      want(bench);
      expect(bench.call(cp, "Heartbeat", {})?.[2]).toBe("SecurityError");
      boot(bench, cp, "ocpp2.0.1");
      expect(bench.call(cp, "StatusNotification", STATUS_201)?.[0]).toBe(3);
    }
  });

  test("may send what it was asked for at Pending, and the report that it was asked for", () => {
    const { bench, cp } = site("ocpp2.0.1", { registration: "Pending" });
    boot(bench, cp, "ocpp2.0.1");
    bench.command(1, { kind: "TriggerMessage", params: { requestedMessage: "StatusNotification" } });
    expect(bench.call(cp, "StatusNotification", STATUS_201)?.[0]).toBe(3);
    expect(bench.call(cp, "Heartbeat", {})?.[2]).toBe("SecurityError");
    bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, { status: "Accepted" }]));
    bench.command(2, { kind: "GetBaseReport", params: { requestId: 77, reportBase: "FullInventory" } });
    const report = (requestId: number) =>
      bench.call(cp, "NotifyReport", { requestId, generatedAt: time(), seqNo: 0 });
    expect(report(78)?.[2]).toBe("SecurityError");
    expect(report(77)?.[0]).toBe(3);
  });
});

describe("a held station of OCPP 1.6", () => {
  test("starts nothing, but what ends or has ended is never lost", () => {
    const { bench, cp } = site("ocpp1.6");
    boot(bench, cp, "ocpp1.6");
    const start = { connectorId: 1, idTag: "TAG", meterStart: 0, timestamp: time() };
    const { transactionId } = bench.result(cp, "StartTransaction", start);
    want(bench, { registration: "Pending" });
    // It does not know yet; who charges may end it, nobody else may begin.
    expect(statusOf(bench.result(cp, "Authorize", { idTag: "OTHER" }))).toBe("Invalid");
    expect(statusOf(bench.result(cp, "Authorize", { idTag: "TAG" }))).not.toBe("Invalid");
    boot(bench, cp, "ocpp1.6");
    bench.result(cp, "StopTransaction", { transactionId, meterStop: 900, timestamp: time(60) });
    expect(bench.state.durable.transactions.size).toBe(0);
    const refused = bench.result(cp, "StartTransaction", { ...start, timestamp: time(61) });
    expect(statusOf(refused)).toBe("Invalid");
    expect(bench.last("ocpp.handled").decision).toMatchObject({ reason: "station-held" });
    expect(bench.last("ocpp.handled").transactionId).toBeDefined();
    expect(
      bench.call(cp, "StatusNotification", {
        connectorId: 1,
        errorCode: "NoError",
        status: "Available",
      })?.[0],
    ).toBe(3);
  });

  test("what was started offline counts although the station is held", () => {
    const { bench, cp } = site("ocpp1.6", { registration: "Pending" });
    boot(bench, cp, "ocpp1.6");
    const start = { connectorId: 1, idTag: "TAG", meterStart: 0, timestamp: time(-3_600) };
    expect(statusOf(bench.result(cp, "StartTransaction", start))).toBe("Accepted");
  });
});

describe("commands to a held station", () => {
  const RESET: CommandBody = { kind: "Reset", params: { type: "OnIdle" } };
  const OPERATIVE: CommandBody = { kind: "ChangeAvailability", params: { operationalStatus: "Operative" } };
  const START: CommandBody = { kind: "RequestStartTransaction", params: { idToken: { idToken: "TAG" } } };

  test("at Pending are those that prepare it, at Rejected none", () => {
    const { bench, cp } = site("ocpp1.6", { registration: "Pending" });
    boot(bench, cp, "ocpp1.6");
    bench.command(1, OPERATIVE);
    expect(bench.last("command.finished")).toMatchObject({
      ...{ status: "rejected", reason: "the station is held (Pending): release it first" },
    });
    bench.command(2, RESET);
    expect(bench.lastCall(cp)).toMatchObject({ action: "Reset" });
    bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, { status: "Accepted" }]));
    want(bench, { registration: "Rejected" });
    boot(bench, cp, "ocpp1.6");
    bench.command(3, RESET);
    expect(bench.last("command.finished")).toMatchObject({ status: "rejected" });
    bench.command(4, { kind: "CloseConnection", params: {} });
    expect(bench.last("command.finished")).toMatchObject({ status: "succeeded" });
  });

  test.each(["Pending", "Rejected"] as const)(
    "that waited before it was %s are not called",
    (registration) => {
      const { bench, cp } = site("ocpp1.6");
      boot(bench, cp, "ocpp1.6");
      bench.command(1, RESET);
      bench.command(2, START);
      bench.command(3, OPERATIVE);
      want(bench, { registration });
      const before = calls(bench, cp).length;
      boot(bench, cp, "ocpp1.6");
      bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, { status: "Accepted" }]));
      expect(calls(bench, cp)).toHaveLength(before);
      const ends = bench.all("command.finished").map(({ status, reason }) => [status, reason]);
      const reason = `the station is held (${registration}): release it first`;
      expect(ends).toEqual([
        ["succeeded", undefined],
        ["rejected", reason],
        ["rejected", reason],
      ]);
    },
  );

  test("one that does not know yet takes all but those that start something", () => {
    const { bench, cp } = site("ocpp1.6");
    boot(bench, cp, "ocpp1.6");
    want(bench, { registration: "Rejected" });
    bench.command(1, START);
    expect(bench.last("command.finished").reason).toContain("is to be held (Rejected)");
    bench.command(2, RESET);
    expect(bench.lastCall(cp)).toMatchObject({ action: "Reset" });
  });
});

describe("a running station that is to be held", () => {
  const closes = (bench: Bench) => bench.effectsOf("close").length;

  test("of OCPP 1.6 is asked to boot; one that does not is closed, once", () => {
    const { bench, cp } = site("ocpp1.6");
    boot(bench, cp, "ocpp1.6");
    want(bench, { registration: "Pending" });
    bench.pass(1_000);
    expect(bench.lastCall(cp)).toMatchObject({ action: "TriggerMessage", payload: trigger });
    bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, { status: "Rejected" }]));
    bench.pass(REGISTRATION_BOOT_MS - 1_000);
    expect(closes(bench)).toBe(0);
    bench.pass(1_000);
    expect(closes(bench)).toBe(1);
    bench.disconnect(cp);
    const again = bench.connect("CP-1");
    bench.result(again, "Heartbeat", {});
    for (let i = 0; i < 5; i++) bench.pass(REGISTRATION_BOOT_MS);
    expect(closes(bench)).toBe(1);
    expect(boot(bench, again, "ocpp1.6")).toMatchObject({ status: "Pending" });
  });

  test("of OCPP 2.x, which answers such a call with Rejected, is closed at once", () => {
    const { bench, cp } = site("ocpp2.0.1");
    boot(bench, cp, "ocpp2.0.1");
    want(bench, { registration: "Rejected" });
    bench.pass(1_000);
    expect(calls(bench, cp)).toEqual([]);
    expect(closes(bench)).toBe(1);
  });

  test("that has just connected is given the time to boot by itself", () => {
    const { bench, cp } = site("ocpp2.0.1");
    bench.call(cp, "Heartbeat", {});
    want(bench, { registration: "Rejected" });
    bench.pass(REGISTRATION_BOOT_MS - 1_000);
    expect(closes(bench)).toBe(0);
    bench.pass(2_000);
    expect(closes(bench)).toBe(1);
  });
});
