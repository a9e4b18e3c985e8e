/** What only the cloud can answer, an OCPP 2.1 station, and what the operator may do to a socket. */
import { describe, expect, test } from "vitest";
import { PASS_ON_DEADLINE_MS, PENDING_PER_STATION_MAX } from "../../shared/limits.ts";
import { Bench, policyOf, TAG, time } from "./harness.ts";

const hash = { hashAlgorithm: "SHA256", issuerNameHash: "ab", issuerKeyHash: "cd", serialNumber: "1f" };
const OCSP = { ocspRequestData: { ...hash, responderURL: "http://ocsp.example.org" } };

function site(online: boolean) {
  const bench = new Bench({ policy: policyOf([TAG, { ...TAG, idToken: "EMAID1" }]) });
  if (online) bench.online();
  return { bench, cp: bench.connect("CP-1", "ocpp2.0.1") };
}
const asked = (bench: Bench) => {
  const { ask } = bench.effectsOf("publish.ask").findLast((e) => e.ask.question.kind !== "lease") ?? {};
  return ask;
};
const say = (bench: Bench, answer: object) => {
  const correlationId = asked(bench)?.correlationId ?? "";
  bench.input({ kind: "link.answer", answer: { v: 1, correlationId, answer } as never });
};

describe("a certificate's status", () => {
  test("is asked of the cloud; its answer goes to the station as it is", () => {
    const { bench, cp } = site(true);
    expect(bench.call(cp, "GetCertificateStatus", OCSP)).toBeUndefined();
    expect(asked(bench)?.question).toMatchObject({
      ...{ kind: "ocpp", stationId: "CP-1", protocol: "ocpp2.0.1", action: "GetCertificateStatus" },
      payload: OCSP,
    });
    say(bench, { kind: "ocpp", payload: { status: "Accepted", ocspResult: "MA==" } });
    expect(bench.sent(cp).at(-1)).toMatchObject([
      3,
      expect.any(String),
      { status: "Accepted", ocspResult: "MA==" },
    ]);
    expect(bench.last("ocpp.handled")).toMatchObject({ action: "GetCertificateStatus", basis: "sg" });
  });

  test("is asked for a few times at once; what a station asks beyond that is answered here", () => {
    const { bench, cp } = site(true);
    for (let n = 0; n < PENDING_PER_STATION_MAX; n++)
      expect(
        bench.call(cp, "GetCertificateStatus", {
          ocspRequestData: { ...OCSP.ocspRequestData, serialNumber: String(n) },
        }),
      ).toBeUndefined();
    expect(bench.result(cp, "GetCertificateStatus", OCSP)).toEqual({ status: "Failed" });
    const other = bench.connect("CP-2", "ocpp2.0.1");
    expect(bench.call(other, "GetCertificateStatus", OCSP)).toBeUndefined();
  });

  test.each([
    ["nobody behind the cloud could say", { kind: "ocpp" }],
    ["what came breaks the schema", { kind: "ocpp", payload: { status: "Perhaps" } }],
    ["a decision on a token came instead", { kind: "authorize", status: "Accepted", reason: "listed" }],
  ])("is honestly unknown when %s", (_why, answer) => {
    const { bench, cp } = site(true);
    bench.call(cp, "GetCertificateStatus", OCSP);
    say(bench, answer);
    expect(bench.sent(cp).at(-1)).toMatchObject([3, expect.any(String), { status: "Failed" }]);
  });

  test("is honestly unknown when the cloud is away, or is late; a slow service does not make the cloud away", () => {
    const away = site(false);
    expect(away.bench.result(away.cp, "GetCertificateStatus", OCSP)).toEqual({ status: "Failed" });
    const { bench, cp } = site(true);
    bench.call(cp, "GetCertificateStatus", OCSP);
    bench.pass(PASS_ON_DEADLINE_MS - 1);
    expect(bench.sent(cp)).toEqual([]);
    bench.pass(1);
    expect(bench.sent(cp).at(-1)).toMatchObject([3, expect.any(String), { status: "Failed" }]);
    expect(bench.state.live.uplink.present).toBe(true);
  });
});

describe("what a car needs", () => {
  const needs = { evseId: 1, chargingNeeds: { requestedEnergyTransfer: "DC" } };

  test("is told to who plans schedules, and stays a fact of the journal", () => {
    const { bench, cp } = site(true);
    expect(bench.call(cp, "NotifyEVChargingNeeds", needs)).toBeUndefined();
    expect(asked(bench)?.question).toMatchObject({ action: "NotifyEVChargingNeeds", payload: needs });
    say(bench, { kind: "ocpp", payload: { status: "Processing" } });
    expect(bench.sent(cp).at(-1)).toMatchObject([3, expect.any(String), { status: "Processing" }]);
    expect(bench.last("ocpp.handled")).toMatchObject({ action: "NotifyEVChargingNeeds", basis: "sg" });
  });

  test("gets no schedule where nobody plans one", () => {
    const away = site(false);
    expect(away.bench.result(away.cp, "NotifyEVChargingNeeds", needs)).toEqual({ status: "Rejected" });
    const { bench, cp } = site(true);
    bench.call(cp, "NotifyEVChargingNeeds", needs);
    bench.pass(PASS_ON_DEADLINE_MS);
    expect(bench.sent(cp).at(-1)).toMatchObject([3, expect.any(String), { status: "Rejected" }]);
    expect(bench.state.live.uplink.present).toBe(true);
  });
});

describe("a contract certificate", () => {
  const authorize = {
    idToken: { idToken: "EMAID1", type: "eMAID" },
    iso15118CertificateHashData: [{ ...OCSP.ocspRequestData }],
  };

  test("is looked at by the cloud, together with the token", () => {
    const { bench, cp } = site(true);
    expect(bench.call(cp, "Authorize", authorize)).toBeUndefined();
    expect(asked(bench)?.question).toMatchObject({ kind: "authorize", contract: { hashData: [hash] } });
    say(bench, { kind: "authorize", status: "Accepted", reason: "listed", certificateStatus: "Accepted" });
    expect(bench.sent(cp).at(-1)?.[2]).toMatchObject({
      idTokenInfo: { status: "Accepted" },
      certificateStatus: "Accepted",
    });
  });

  test("is not vouched for by the site alone, whatever it knows of the contract's id", () => {
    const { bench, cp } = site(false);
    expect(bench.result(cp, "Authorize", authorize)).toMatchObject({
      idTokenInfo: { status: "Accepted" },
      certificateStatus: "NoCertificateAvailable",
    });
  });
});

describe("an OCPP 2.1 station", () => {
  const station = () => {
    const bench = new Bench({ policy: policyOf([TAG]) });
    return { bench, cp: bench.connect("CP-1", "ocpp2.1") };
  };

  test("boots, charges and is billed", () => {
    const { bench, cp } = station();
    const boot = { reason: "PowerUp", chargingStation: { model: "M", vendorName: "V" } };
    expect(bench.result(cp, "BootNotification", boot)).toMatchObject({ status: "Accepted", interval: 300 });
    const event = (eventType: string, seqNo: number, value: number) => ({
      ...{ eventType, seqNo, timestamp: time(seqNo), triggerReason: "Authorized" },
      transactionInfo: { transactionId: "t-21" },
      evse: { id: 1, connectorId: 1 },
      idToken: { idToken: "TAG", type: "ISO14443" },
      meterValue: [{ timestamp: time(seqNo), sampledValue: [{ value }] }],
    });
    expect(bench.result(cp, "TransactionEvent", event("Started", 0, 100))).toMatchObject({
      idTokenInfo: { status: "Accepted" },
    });
    expect([...bench.state.durable.transactions.values()]).toMatchObject([
      { meterStartWh: 100, idToken: "TAG" },
    ]);
    bench.result(cp, "TransactionEvent", event("Ended", 1, 900));
    expect([...bench.state.durable.transactions.values()]).toEqual([]);
  });

  test("gets commands in its own words, and what is new in 2.1 is answered honestly", () => {
    const { bench, cp } = station();
    bench.result(cp, "Heartbeat", {});
    bench.command(1, { kind: "UsePriorityCharging", params: { transactionId: "t-21", activate: true } });
    expect(bench.lastCall(cp)).toMatchObject({ action: "UsePriorityCharging" });
    const { messageId } = bench.lastCall(cp) ?? { messageId: "" };
    bench.frame(cp, JSON.stringify([3, messageId, { status: "NoProfile" }]));
    expect(bench.last("command.finished")).toMatchObject({
      status: "rejected",
      reason: "the station said NoProfile",
    });
    const stream = { constantStreamData: { id: 1, params: {}, variableMonitoringId: 1 } };
    expect(bench.result(cp, "OpenPeriodicEventStream", stream)).toEqual({ status: "Rejected" });
    const vat = { vatNumber: "NL1" };
    expect(bench.result(cp, "VatNumberValidation", vat)).toEqual({ status: "Rejected", vatNumber: "NL1" });
    // SEND has no answer.
    const before = bench.effects.length;
    bench.frame(cp, JSON.stringify([6, "1", "NotifyPeriodicEventStream", {}]));
    expect(bench.sent(cp, before)).toEqual([]);
  });

  test("is not asked for what only it would know by another version's name", () => {
    const old = site(false);
    old.bench.result(old.cp, "Heartbeat", {});
    old.bench.command(1, { kind: "UsePriorityCharging", params: { transactionId: "t", activate: true } });
    expect(old.bench.last("command.finished")).toMatchObject({
      status: "rejected",
      reason: "OCPP 2.0.1 has no UsePriorityCharging",
    });
  });
});

describe("an operator", () => {
  test("closes a station's socket; the station may come back at once", () => {
    const { bench, cp } = site(false);
    bench.command(1, { kind: "CloseConnection", params: {} });
    expect(bench.effectsOf("close")).toMatchObject([{ connectionId: cp, code: 1012 }]);
    expect(bench.last("command.finished")).toMatchObject({ status: "succeeded" });
    bench.disconnect(cp);
    bench.command(2, { kind: "CloseConnection", params: {} });
    expect(bench.last("command.finished")).toMatchObject({
      status: "rejected",
      reason: "the station is offline",
    });
  });

  test("sends any CALL of the station's version, and reads its answer", () => {
    const { bench, cp } = site(false);
    bench.result(cp, "Heartbeat", {});
    bench.command(1, { kind: "Call", params: { action: "ClearCache", payload: {} } });
    const { messageId } = bench.lastCall(cp) ?? { messageId: "" };
    bench.frame(cp, JSON.stringify([3, messageId, { status: "Accepted" }]));
    expect(bench.last("command.finished")).toMatchObject({
      status: "succeeded",
      response: { status: "Accepted" },
    });
    bench.command(2, { kind: "Call", params: { action: "MakeTea", payload: {} } });
    expect(bench.last("command.finished")).toMatchObject({
      status: "rejected",
      reason: expect.stringContaining("MakeTea"),
    });
  });
});
