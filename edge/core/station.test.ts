/** What stations say: connections, boot, status, authorization, frames that are repeated or refused. */
import { describe, expect, test } from "vitest";
import { ASK_DEADLINE_MS, OCPP_REJECTED_BYTES_MAX } from "../../shared/limits.ts";
import type { Answer } from "../../shared/wire.ts";
import { Bench, JOURNAL, policyOf, TAG, TEN, time, uuid } from "./harness.ts";

const boot16 = { chargePointVendor: "V", chargePointModel: "M" };
const boot201 = { reason: "PowerUp", chargingStation: { vendorName: "V", model: "M" } };
const status16 = (status: string, more: object = {}) => ({
  connectorId: 1,
  status,
  errorCode: "NoError",
  ...more,
});

const answered = (bench: Bench, status: "Accepted" | "Blocked", more: object = {}): void => {
  const ask = bench.effectsOf("publish.ask").at(-1)?.ask;
  const answer = { kind: "authorize" as const, status, reason: "listed", ...more };
  bench.input({
    kind: "link.answer",
    answer: { v: 1, correlationId: ask?.correlationId ?? "", answer } as Answer,
  });
};

describe("boot and heartbeat", () => {
  test("TC_001_CSMS cold boot: Accepted, time and interval, while the cloud is away", () => {
    const bench = new Bench();
    const cp = bench.connect();
    const result = bench.result(cp, "BootNotification", boot16);
    expect(result).toEqual({ status: "Accepted", currentTime: time(), interval: 300 });
    expect(bench.state.durable.stations.get("CP-1")).toMatchObject({ online: true, booted: true });
    expect(bench.last("ocpp.handled")).toMatchObject({
      action: "BootNotification",
      basis: "none",
      stationId: "CP-1",
    });
  });

  test("TC_B_01 cold boot charging station: Accepted", () => {
    const bench = new Bench();
    const cp = bench.connect("CP-2", "ocpp2.0.1");
    expect(bench.result(cp, "BootNotification", boot201)).toMatchObject({
      status: "Accepted",
      interval: 300,
    });
  });

  test("heartbeats are answered with the time and not journalled", () => {
    const bench = new Bench();
    const cp = bench.connect();
    bench.pass(5_000);
    const { seq } = bench.state.durable;
    expect(bench.result(cp, "Heartbeat", {})).toEqual({ currentTime: time(5) });
    expect(bench.state.durable.seq).toBe(seq);
  });

  test("no message needs a BootNotification before it", () => {
    const bench = new Bench();
    const cp = bench.connect();
    expect(bench.result(cp, "StatusNotification", status16("Available"))).toEqual({});
  });
});

describe("status", () => {
  test("is journalled on change only, and always answered", () => {
    const bench = new Bench();
    const cp = bench.connect();
    const told = () => bench.all("ocpp.handled").length;
    for (const status of ["Available", "Available", "Preparing", "Charging", "Charging", "Available"]) {
      expect(bench.result(cp, "StatusNotification", status16(status))).toEqual({});
    }
    expect(told()).toBe(4);
    bench.result(cp, "StatusNotification", status16("Available", { timestamp: time(9) }));
    expect(told()).toBe(4);
    bench.result(cp, "StatusNotification", { connectorId: 0, status: "Available", errorCode: "NoError" });
    expect(told()).toBe(5);
  });

  test("TC_024_CSMS connector lock failure: an error is a change although the status is the same", () => {
    const bench = new Bench();
    const cp = bench.connect();
    bench.result(cp, "StatusNotification", status16("Faulted"));
    bench.result(cp, "StatusNotification", { ...status16("Faulted"), errorCode: "ConnectorLockFailure" });
    expect(bench.all("ocpp.handled")).toHaveLength(2);
    const connector = bench.state.durable.stations.get("CP-1")?.connectors.get("1:1");
    expect(connector).toMatchObject({
      status: "Faulted",
      detail: "Faulted",
      errorCode: "ConnectorLockFailure",
    });
  });

  test("a station that invents connectors without end cannot make the hello too large for the cloud", () => {
    const bench = new Bench();
    const cp = bench.connect();
    for (let connectorId = 0; connectorId < 300; connectorId++) {
      expect(bench.result(cp, "StatusNotification", { ...status16("Available"), connectorId })).toEqual({});
    }
    bench.input({ kind: "link.up" });
    const { hello } = bench.effectsOf("publish.hello").at(-1) ?? {};
    expect(hello?.stations[0]?.connectors.length).toBeLessThanOrEqual(200);
  });
});

describe("authorization without the cloud", () => {
  const bench = () => {
    const tokens = [
      TAG,
      { ...TAG, idToken: "BAD", status: "Blocked" as const },
      { ...TAG, idToken: "OLD", expiresAt: TEN - 1 },
    ];
    const site = new Bench({ policy: policyOf([...tokens, { ...TAG, idToken: "GRP", groupId: "G" }]) });
    return { site, cp: site.connect(), cp2: site.connect("CP-2", "ocpp2.0.1") };
  };
  test.each([
    ["TC_007_CSMS a known id is accepted", "TAG", "Accepted", undefined],
    ["TC_023_1_CSMS an unknown id is Invalid", "NONE", "Invalid", ["token-unknown-denied"]],
    ["TC_023_2_CSMS an expired id is Expired", "OLD", "Expired", ["token-expired"]],
    ["TC_023_3_CSMS a blocked id is Blocked", "BAD", "Blocked", ["token-blocked"]],
  ])("%s", (_name, idTag, status, flags) => {
    const { site, cp } = bench();
    expect(site.result(cp, "Authorize", { idTag })).toMatchObject({ idTagInfo: { status } });
    expect(site.last("ocpp.handled").basis).toBe("policy");
    expect(site.last("ocpp.handled").flags).toEqual(flags);
  });

  test.each([
    ["TC_C_02 an unknown token is Unknown", "NONE", "Unknown"],
    ["TC_C_06 a blocked token is Blocked", "BAD", "Blocked"],
    ["TC_C_07 an expired token is Expired", "OLD", "Expired"],
    ["TC_C_08 a known token is accepted", "TAG", "Accepted"],
  ])("%s", (_name, idToken, status) => {
    const { site, cp2 } = bench();
    const result = site.result(cp2, "Authorize", { idToken: { idToken, type: "ISO14443" } });
    expect(result).toMatchObject({ idTokenInfo: { status } });
  });

  test("the group goes along in the words of each version", () => {
    const { site, cp, cp2 } = bench();
    expect(site.result(cp, "Authorize", { idTag: "GRP" })).toMatchObject({ idTagInfo: { parentIdTag: "G" } });
    const token = { idToken: "GRP", type: "ISO14443" };
    const groupIdToken = { idToken: "G", type: "Central" };
    expect(site.result(cp2, "Authorize", { idToken: token })).toMatchObject({
      idTokenInfo: { groupIdToken },
    });
  });

  test("a wrong clock expires nothing", () => {
    const site = new Bench({ policy: policyOf([{ ...TAG, expiresAt: 1 }]), start: { clock: "untrusted" } });
    expect(site.result(site.connect(), "Authorize", { idTag: "TAG" })).toMatchObject({
      idTagInfo: { status: "Accepted" },
    });
  });
});

describe("authorization with the cloud", () => {
  const asked = () => {
    const bench = new Bench({ policy: policyOf([TAG]) });
    bench.online();
    const cp = bench.connect();
    const answer = bench.call(cp, "Authorize", { idTag: "TAG" }, "a1");
    return { bench, cp, answer, replies: () => bench.sent(cp).filter((frame) => frame[1] === "a1") };
  };

  test("waits for its word and passes it on", () => {
    const { bench, answer, replies } = asked();
    expect(answer).toBeUndefined();
    const { ask } = bench.effectsOf("publish.ask").at(-1) ?? {};
    expect(ask?.question).toEqual({
      kind: "authorize",
      purpose: "authorize",
      stationId: "CP-1",
      idToken: "TAG",
    });
    answered(bench, "Blocked", { groupId: "G" });
    expect(replies()).toEqual([[3, "a1", { idTagInfo: { status: "Blocked", parentIdTag: "G" } }]]);
    expect(bench.last("ocpp.handled").basis).toBe("sg");
  });

  test("decides alone after the deadline; what comes later changes nothing", () => {
    const { bench, replies } = asked();
    bench.pass(ASK_DEADLINE_MS - 1);
    expect(replies()).toEqual([]);
    bench.pass(1);
    expect(replies()).toEqual([[3, "a1", { idTagInfo: { status: "Accepted" } }]]);
    expect(bench.last("ocpp.handled").basis).toBe("policy");
    answered(bench, "Blocked");
    expect(replies()).toHaveLength(1);
  });

  test("after a silence the cloud is not asked until it is heard again", () => {
    const { bench, cp } = asked();
    bench.pass(ASK_DEADLINE_MS);
    expect(bench.call(cp, "Authorize", { idTag: "TAG" })?.[0]).toBe(3);
    bench.ack(0);
    expect(bench.call(cp, "Authorize", { idTag: "TAG" })).toBeUndefined();
  });

  test("without a link, or in local mode, nothing is asked", () => {
    const { bench, cp } = asked();
    answered(bench, "Accepted");
    bench.input({ kind: "link.down" });
    const before = bench.effectsOf("publish.ask").filter((e) => e.ask.question.kind === "authorize").length;
    expect(bench.call(cp, "Authorize", { idTag: "TAG" })?.[0]).toBe(3);
    expect(bench.effectsOf("publish.ask").filter((e) => e.ask.question.kind === "authorize")).toHaveLength(
      before,
    );
    const local = new Bench({ identity: { authorization: "local" }, policy: policyOf([TAG]) });
    local.online();
    expect(local.call(local.connect(), "Authorize", { idTag: "TAG" })?.[0]).toBe(3);
  });

  test("a station that is gone by then gets nothing, and the cloud's word is no error", () => {
    const { bench, cp, replies } = asked();
    bench.disconnect(cp);
    answered(bench, "Accepted");
    bench.pass(ASK_DEADLINE_MS);
    expect(replies()).toEqual([]);
  });

  test("a stop of the ER decides what still waits", () => {
    const { bench, replies } = asked();
    bench.input({ kind: "stop" });
    expect(replies()).toHaveLength(1);
    expect(bench.entries.at(-1)?.kind).toBe("er.stopped");
    expect(bench.state.durable.stations.get("CP-1")?.online).toBe(false);
  });
});

describe("two sockets of one station", () => {
  test("the newest counts, and the late close of the old one does not touch it", () => {
    const bench = new Bench();
    const old = bench.connect();
    const fresh = bench.connect();
    expect(bench.effectsOf("close")).toMatchObject([{ connectionId: old, code: 1008 }]);
    const { seq } = bench.state.durable;
    bench.disconnect(old);
    expect(bench.state.durable.seq).toBe(seq);
    expect(bench.state.durable.stations.get("CP-1")?.online).toBe(true);
    expect(bench.call(old, "Heartbeat", {})).toBeUndefined();
    expect(bench.call(fresh, "Heartbeat", {})?.[0]).toBe(3);
    const kinds = bench.entries.slice(1).map((entry) => entry.kind);
    expect(kinds).toEqual(["station.online", "station.offline", "station.online"]);
  });

  test("a disconnect is journalled with its reason", () => {
    const bench = new Bench();
    bench.disconnect(bench.connect());
    expect(bench.last("station.offline")).toMatchObject({ stationId: "CP-1", reason: "closed 1006" });
  });
});

describe("a repeated message id", () => {
  test("with the same content gets the same answer, once more, and is not journalled again", () => {
    const bench = new Bench();
    const cp = bench.connect();
    const first = bench.call(cp, "BootNotification", boot16, "7");
    bench.pass(30_000);
    expect(bench.call(cp, "BootNotification", boot16, "7")).toEqual(first);
    expect(bench.all("ocpp.handled")).toHaveLength(1);
  });

  test("with other content is another message", () => {
    const bench = new Bench();
    const cp = bench.connect();
    bench.call(cp, "StatusNotification", status16("Available"), "7");
    expect(bench.call(cp, "StatusNotification", status16("Preparing"), "7")).toEqual([3, "7", {}]);
    expect(bench.all("ocpp.handled")).toHaveLength(2);
  });

  test("on a new connection is another message: some stations count from 1 after every boot", () => {
    const bench = new Bench();
    bench.call(bench.connect(), "BootNotification", boot16, "1");
    bench.pass(60_000);
    const again = bench.call(bench.connect(), "BootNotification", boot16, "1");
    expect(again?.[2]).toMatchObject({ currentTime: time(60) });
    expect(bench.all("ocpp.handled")).toHaveLength(2);
  });

  test("while the first one waits for the cloud, one answer will do", () => {
    const bench = new Bench({ policy: policyOf([TAG]) });
    bench.online();
    const cp = bench.connect();
    for (let i = 0; i < 3; i++) bench.call(cp, "Authorize", { idTag: "TAG" }, "a");
    answered(bench, "Accepted");
    expect(bench.sent(cp)).toHaveLength(1);
  });
});

describe("a message that cannot be handled", () => {
  const refused = (text: string, protocol: "ocpp1.6" | "ocpp2.0.1" = "ocpp1.6") => {
    const bench = new Bench();
    const cp = bench.connect("CP-1", protocol);
    bench.frame(cp, text);
    return { bench, cp, answers: bench.sent(cp), entry: bench.last("ocpp.rejected") };
  };

  test.each([
    ["an unknown action", '[2,"1","MakeTea",{}]', "NotImplemented"],
    ["an action that is not for a CSMS", '[2,"1","Reset",{"type":"Hard"}]', "NotSupported"],
    ["an action of another version", '[2,"1","TransactionEvent",{}]', "NotImplemented"],
    ["a missing field", '[2,"1","Authorize",{}]', "OccurenceConstraintViolation"],
    ["a wrong type", '[2,"1","Authorize",{"idTag":{}}]', "TypeConstraintViolation"],
    [
      "a text that is too long",
      `[2,"1","Authorize",{"idTag":"${"x".repeat(40)}"}]`,
      "PropertyConstraintViolation",
    ],
    ["a CALL of three elements", '[2,"1","Heartbeat"]', "FormationViolation"],
    ["truncated JSON", '[2,"1","MeterValues",{"connectorId":', "FormationViolation"],
  ])("%s: one CALLERROR, the frame is kept, the socket stays", (_name, text, code) => {
    const { bench, cp, answers, entry } = refused(text);
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject([4, "1", code, expect.any(String), {}]);
    expect(entry.request).toBe(text);
    expect(entry.response).toBe(JSON.stringify(answers[0]));
    expect(bench.effectsOf("close")).toEqual([]);
    expect(bench.call(cp, "Heartbeat", {})?.[0]).toBe(3);
  });

  test("2.0.1 has its own spelling", () => {
    const { answers } = refused('[2,"1","Heartbeat",[]]', "ocpp2.0.1");
    expect(answers[0]?.[2]).toBe("FormatViolation");
    expect(refused('[2,"1","Heartbeat"', "ocpp2.0.1").answers[0]?.[2]).toBe("RpcFrameworkError");
  });

  test.each(["", "hello", '[3,"",{}]', "[]", '[2,1,"Heartbeat",{}]', '[3,"7",{"configurationKey":['])(
    "%j has no answer, but a place in the journal",
    (text) => {
      const { answers, entry } = refused(text);
      expect(answers).toEqual([]);
      expect(entry).toMatchObject({ request: text, code: "RpcFrameworkError" });
    },
  );

  test("of a long one the beginning is kept", () => {
    const { entry } = refused(`[2,"1","Authorize",{"x":"${"y".repeat(50_000)}"}]`);
    expect(entry.request).toHaveLength(OCPP_REJECTED_BYTES_MAX);
  });

  test("TC_064_CSMS data transfer: a vendor that nobody knows is never told Accepted", () => {
    const bench = new Bench();
    const result = bench.result(bench.connect(), "DataTransfer", {
      vendorId: "acme",
      messageId: "x",
      data: "1",
    });
    expect(result).toEqual({ status: "UnknownVendorId" });
  });

  test("an answer to a call that we did not make is not an error of the ER", () => {
    const bench = new Bench();
    const cp = bench.connect();
    bench.frame(cp, '[3,"nobody",{}]');
    bench.frame(cp, '[4,"nobody","NotSupported","",{}]');
    expect(bench.sent(cp)).toEqual([]);
    expect(bench.effectsOf("log")).toHaveLength(2);
  });
});

describe("hello", () => {
  test("tells who the ER is and how its site is now", () => {
    const bench = new Bench();
    const cp = bench.connect();
    bench.call(cp, "StatusNotification", { ...status16("SuspendedEV"), timestamp: time() });
    bench.disconnect(bench.connect("CP-2"));
    bench.input({ kind: "link.up" });
    const { hello } = bench.effectsOf("publish.hello").at(-1) ?? {};
    expect(hello).toMatchObject({
      journalId: JOURNAL,
      oldestSeq: 1,
      lastSeq: bench.state.durable.seq,
      clock: "holdover",
    });
    const connectors = [{ evseId: 1, connectorId: 1, status: "Occupied", detail: "SuspendedEV", at: TEN }];
    expect(hello?.stations).toEqual([
      {
        stationId: "CP-1",
        protocol: "ocpp1.6",
        online: true,
        lastMessageAt: TEN,
        clockSkewMs: 0,
        connectors,
        transactions: [],
      },
      { stationId: "CP-2", protocol: "ocpp1.6", online: false, connectors: [], transactions: [] },
    ]);
    expect(hello?.boot).not.toBe(uuid(1));
  });
});
