/** Bounded runs of `npm run fuzz`: fixed seeds, the one of `PROPERTY_SEED`, and those that once found something. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bench, policyOf, recovered, TAG } from "../../edge/core/harness.ts";
import type { Protocol } from "../../shared/entry.ts";
import { OPEN_TRANSACTIONS_PER_STATION_MAX } from "../../shared/limits.ts";
import { checkPayload } from "../../shared/ocpp/schemas.ts";
import { scaled, SEED } from "../services/property.ts";
import { createChance } from "../world/chance.ts";
import { fuzzCore } from "./core.ts";
import { createFrames } from "./frames.ts";
import { judge } from "./oracle.ts";
import { fuzzSocket, startLonelyEr } from "./socket.ts";

const VERSIONS: readonly Protocol[] = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"];
const FRAMES = scaled(5_000);
const SLOW = { timeout: scaled(120_000) };

describe.each(VERSIONS)("%s", (protocol) => {
  test.each([1, SEED])(`${FRAMES} frames against the core, seed %i`, SLOW, (seed) => {
    const report = fuzzCore(protocol, FRAMES, seed);
    expect(report.complaints).toEqual([]);
    expect(report.frames).toBe(FRAMES);
    expect(report.commands.finished).toBe(report.commands.sent);
    // Everything that can happen has happened: a fuzzer that only knocks proves nothing.
    for (const outcome of ["handled", "tolerated", "refused payload", "bad shape", "broken JSON"] as const)
      expect(report.outcomes[outcome] ?? 0, outcome).toBeGreaterThan(30);
    const [quarter, end] = report.heapMb;
    expect(end).toBeLessThan(quarter + 24);
  });
});

describe("over a socket", () => {
  let er: Awaited<ReturnType<typeof startLonelyEr>>;
  beforeAll(async () => (er = await startLonelyEr()));
  afterAll(() => er.stop());

  test.each(VERSIONS)("300 frames of %s", SLOW, async (protocol) => {
    const report = await fuzzSocket(er.url, protocol, 300, SEED);
    expect(report.complaints).toEqual([]);
    expect(report.frames).toBeGreaterThan(250);
  });
});

/** Seeds whose runs have found something; the frames that showed it are below. */
const SEEDS: [protocol: Protocol, seed: number][] = [
  ["ocpp1.6", 42],
  ["ocpp1.6", 11],
  ["ocpp1.6", 2_026],
  ["ocpp2.0.1", 7],
  ["ocpp2.0.1", 12],
  ["ocpp2.1", 42],
];
test.each(SEEDS)("%s, seed %i, found something once", SLOW, (protocol, seed) => {
  expect(fuzzCore(protocol, 2_000, seed).complaints).toEqual([]);
});

describe("once found", () => {
  const AT = "2026-11-01T10:00:00Z";
  const meter = (sampledValue: unknown[]) =>
    call("MeterValues", { connectorId: 1, meterValue: [{ timestamp: AT, sampledValue }] });
  const hash = { hashAlgorithm: "SHA256", issuerNameHash: "a", issuerKeyHash: "b" };
  const status = {
    certificateHashData: { ...hash, serialNumber: "9".repeat(60) },
    source: "CRL",
    urls: ["u"],
  };

  test.each<[string, Protocol, string]>([
    [
      "a measurand called __proto__ wrote into every object of the program",
      "ocpp1.6",
      meter([{ value: "7", measurand: "__proto__" }]),
    ],
    ["so did a phase", "ocpp1.6", meter([{ value: "7", phase: "__proto__" }])],
    ["a list where a sample belongs threw", "ocpp1.6", meter([{ length: 3 }, [{ value: "1" }]])],
    [
      "a truth value that cannot be made a text threw",
      "ocpp2.0.1",
      call("NotifyReport", { requestId: 2, generatedAt: AT, tbc: { toString: 1, valueOf: 1 }, seqNo: 0 }),
    ],
    ["a message id with a control character came back changed", "ocpp1.6", '[2,"2\n33","Heartbeat",{}]'],
    [
      "an over-long serial number was repeated in our answer",
      "ocpp2.1",
      call("GetCertificateChainStatus", { certificateStatusRequests: [status] }),
    ],
  ])("%s", (_name, protocol, text) => {
    const bench = new Bench({ identity: { authorization: "local" } });
    const cp = bench.connect("CP-1", protocol);
    bench.frame(cp, text);
    const sent = bench.effectsOf("send").map((effect) => effect.text);
    expect(judge(protocol, text, sent)).toHaveProperty("outcome");
    expect(({} as Record<string, unknown>)["total"]).toBeUndefined();
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });

  test("a status of 5 000 letters made a reason that no entry may have", () => {
    const bench = new Bench();
    const cp = bench.connect();
    bench.result(cp, "Heartbeat", {});
    bench.command(1, { kind: "Reset", params: { type: "Immediate" } });
    bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, { status: "x".repeat(5_000) }]));
    expect(bench.last("command.finished").reason?.length).toBeLessThanOrEqual(1_000);
  });

  test("a key that cannot be made a text threw while the settings were read", () => {
    const bench = new Bench({ policy: policyOf([TAG]) });
    const cp = bench.connect();
    bench.result(cp, "BootNotification", { chargePointVendor: "A", chargePointModel: "B" });
    bench.pass(10_000);
    const { messageId, action } = bench.lastCall(cp) ?? {};
    expect(action).toBe("GetConfiguration");
    const configurationKey = [{ key: { toString: 1, valueOf: 1 }, readonly: true }];
    bench.frame(cp, JSON.stringify([3, messageId, { configurationKey }]));
    expect(bench.last("ocpp.called").response).toContain("toString");
  });

  test("a station that never stops what it starts filled the memory", () => {
    const bench = new Bench({
      policy: policyOf([TAG]),
      identity: { authorization: "local", provision: false },
    });
    const cp = bench.connect("CP-1", "ocpp2.0.1");
    for (let n = 0; n < OPEN_TRANSACTIONS_PER_STATION_MAX + 50; n++) {
      bench.result(cp, "TransactionEvent", {
        ...{ eventType: "Started", timestamp: AT, triggerReason: "CablePluggedIn", seqNo: 0 },
        transactionInfo: { transactionId: `t-${n}` },
      });
    }
    bench.pass(1_000);
    expect(bench.state.durable.transactions.size).toBe(OPEN_TRANSACTIONS_PER_STATION_MAX);
    expect(bench.all("transaction.closed")).toHaveLength(50);
    expect(bench.last("transaction.closed").reason).toBe("too-many");
  });
});

describe("the fuzzer itself", () => {
  test("generates valid messages of every kind, and the same ones from the same seed", () => {
    for (const protocol of VERSIONS) {
      const frames = createFrames(createChance([5]), protocol);
      const again = createFrames(createChance([5]), protocol);
      const kinds = new Set<string>();
      for (let n = 0; n < 3_000; n++) {
        const text = frames.next();
        expect(again.next()).toBe(text);
        const [, , action, payload] = readCall(text);
        if (action !== undefined && checkPayload(protocol, action, "Request", payload) === undefined)
          kinds.add(action);
      }
      expect(kinds.size).toBeGreaterThan(protocol === "ocpp1.6" ? 12 : 20);
    }
  });

  test.each<[string, string, string[]]>([
    ["no answer", '[2,"1","Heartbeat",{}]', []],
    ["two answers", '[2,"1","Heartbeat",{}]', Array.from({ length: 2 }, () => heartbeat("1"))],
    ["another id", '[2,"1","Heartbeat",{}]', [heartbeat("2")]],
    ["an answer that breaks its schema", '[2,"1","Heartbeat",{}]', ['[3,"1",{}]']],
    ["a valid call refused", '[2,"1","Heartbeat",{}]', ['[4,"1","FormationViolation","",{}]']],
    ["another code", '[2,"1","MakeTea",{}]', ['[4,"1","NotSupported","",{}]']],
    ["a code of 2.0.1", '[2,"1","Authorize",[]]', ['[4,"1","FormatViolation","",{}]']],
    ["an answer to a result", '[3,"1",{}]', [heartbeat("1")]],
  ])("complains about %s", (_name, text, answers) => {
    expect(judge("ocpp1.6", text, answers)).toHaveProperty("complaint");
  });
});

function call(action: string, payload: object): string {
  return JSON.stringify([2, "1", action, payload]);
}

function heartbeat(id: string): string {
  return `[3,"${id}",{"currentTime":"2026-11-01T10:00:00Z"}]`;
}

function readCall(text: string): [number?, string?, string?, unknown?] {
  try {
    const frame: unknown = JSON.parse(text);
    return Array.isArray(frame) && frame[0] === 2 && typeof frame[2] === "string" ? (frame as [number]) : [];
  } catch {
    return [];
  }
}
