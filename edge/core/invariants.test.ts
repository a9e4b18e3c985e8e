/**
 * What must hold after any sequence of inputs, however mad: nothing throws, the journal has no gap and
 * says everything,
 * a start from it knows what the running ER knew, and every CALL gets exactly one answer.
 */
import { Compile } from "typebox/compile";
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import { COMMAND_KINDS, type CommandBody } from "../../shared/command.ts";
import { Entry } from "../../shared/entry.ts";
import { ASK_DEADLINE_MS, OCPP_CALL_TIMEOUT_MS } from "../../shared/limits.ts";
import { parseFrame } from "../../shared/ocpp/frame.ts";
import { Ask, checkWire, Hello, type Answer } from "../../shared/wire.ts";
import { decodeSnapshot, encodeSnapshot, fold } from "./fold.ts";
import { Bench, policyOf, recovered, signed, time, uuid } from "./harness.ts";

const entrySchema = Compile(Entry);

type Act = (world: World) => void;

/** A bench with the bookkeeping of who asked what. */
class World {
  readonly bench = new Bench({ policy: policyOf([{ idToken: "TAG", status: "Accepted", groupId: "G" }]) });
  readonly open = new Map<number, string>();
  readonly calls: { connectionId: number; messageId: string }[] = [];
  private n = 0;

  connection(stationId: string): number | undefined {
    return [...this.open].find(([, station]) => station === stationId)?.[0];
  }

  connect(stationId: string, protocol: "ocpp1.6" | "ocpp2.0.1"): void {
    for (const [id, station] of this.open) if (station === stationId) this.open.delete(id);
    this.open.set(this.bench.connect(stationId, protocol), stationId);
  }

  /**
   * Stations come back by themselves. A stop names the transaction that it was told last, unless it
   * names another.
   */
  call(stationId: string, action: string, payload: object): void {
    if (this.connection(stationId) === undefined)
      this.connect(stationId, stationId === "A" ? "ocpp1.6" : "ocpp2.0.1");
    const connectionId = this.connection(stationId);
    if (connectionId === undefined) return;
    if ("transactionId" in payload && payload.transactionId === LAST)
      payload = { ...payload, transactionId: this.lastId() };
    const messageId = `m${++this.n}`;
    this.calls.push({ connectionId, messageId });
    this.bench.frame(connectionId, JSON.stringify([2, messageId, action, payload]));
  }

  private lastId(): number {
    const start = this.bench.all("ocpp.handled").findLast((e) => e.action === "StartTransaction");
    return start === undefined
      ? -1
      : (JSON.parse(start.response) as [3, string, { transactionId: number }])[2].transactionId;
  }

  answersTo(call: { connectionId: number; messageId: string }): number {
    return this.bench.sent(call.connectionId).filter((f) => f[0] !== 2 && f[1] === call.messageId).length;
  }
}

/** Stands for the id of the last transaction that was told. */
const LAST = 4_711;
const pick = fc.nat({ max: 5 });
const name = fc.constantFrom("A", "B");
const id = fc.constantFrom(LAST, LAST, LAST, -1, 0, 1, 1_073_741_824);
const wh = fc.integer({ min: -10, max: 10_000 });
const when = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: -1, max: 1 }).map((s) => time(s)) },
  { weight: 1, arbitrary: fc.constantFrom(time(-7_200), time(7_200), "1970-01-01T00:00:00Z") },
);
const tag = fc.constantFrom("TAG", "TAG", "TAG", "NONE", "");
const sampledValue = fc.array(fc.record({ value: fc.constantFrom("", "12", "1e9", "-3", "x") }), {
  maxLength: 2,
});
const meterValue = fc.array(fc.record({ timestamp: when, sampledValue }), { maxLength: 2 });

const calls16: fc.Arbitrary<[string, object]>[] = [
  fc.constant(["BootNotification", { chargePointVendor: "V", chargePointModel: "M" }]),
  fc.constant(["Heartbeat", {}]),
  fc
    .tuple(fc.nat({ max: 3 }), fc.constantFrom("Available", "Charging", "SuspendedEV", "Odd"), when)
    .map(([connectorId, status, timestamp]) => [
      "StatusNotification",
      { connectorId, status, timestamp, errorCode: "NoError" },
    ]),
  tag.map((idTag) => ["Authorize", { idTag }]),
  fc
    .record({ connectorId: fc.nat({ max: 2 }), idTag: tag, meterStart: wh, timestamp: when })
    .map((p) => ["StartTransaction", p]),
  fc
    .record(
      {
        transactionId: id,
        meterStop: wh,
        timestamp: when,
        idTag: tag,
        transactionData: fc.oneof(meterValue, fc.jsonValue()),
      },
      { requiredKeys: ["transactionId", "meterStop", "timestamp"] },
    )
    .map((p) => ["StopTransaction", p]),
  fc
    .record(
      { connectorId: fc.nat({ max: 2 }), transactionId: id, meterValue },
      { requiredKeys: ["connectorId", "meterValue"] },
    )
    .map((p) => ["MeterValues", p]),
];
const event201 = fc
  .record(
    {
      eventType: fc.constantFrom("Started", "Updated", "Ended"),
      timestamp: when,
      triggerReason: fc.constant("Trigger"),
      seqNo: fc.nat({ max: 3 }),
      offline: fc.boolean(),
      transactionInfo: fc.record({ transactionId: fc.constantFrom("a", "b", "-1") }),
      idToken: fc.record({ idToken: tag, type: fc.constant("Central") }),
      evse: fc.record({ id: fc.nat({ max: 2 }) }),
      meterValue: fc.array(
        fc.record({
          timestamp: when,
          sampledValue: fc.array(fc.record({ value: fc.double() }), { minLength: 1, maxLength: 2 }),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    },
    { requiredKeys: ["eventType", "timestamp", "triggerReason", "seqNo", "transactionInfo"] },
  )
  .map((p): [string, object] => ["TransactionEvent", p]);
const mad: fc.Arbitrary<[string, object]> = fc.tuple(
  fc.constantFrom(
    "StopTransaction",
    "MeterValues",
    "TransactionEvent",
    "Reset",
    "constructor",
    "NotifyReport",
  ),
  fc.dictionary(fc.constantFrom("transactionId", "timestamp", "meterStop", "a"), fc.jsonValue()),
);

const station: fc.Arbitrary<Act>[] = [
  fc.tuple(name, fc.constantFrom("ocpp1.6" as const, "ocpp2.0.1" as const)).map(
    ([stationId, protocol]): Act =>
      (w) =>
        w.connect(stationId, protocol),
  ),
  name.map((stationId): Act => (w) => {
    const connectionId = w.connection(stationId);
    if (connectionId === undefined) return;
    w.open.delete(connectionId);
    w.bench.disconnect(connectionId);
  }),
  ...[...calls16, ...calls16].map((call) =>
    call.map(
      ([action, payload]): Act =>
        (w) =>
          w.call("A", action, payload),
    ),
  ),
  ...[event201, event201, event201].map((call) =>
    call.map(
      ([action, payload]): Act =>
        (w) =>
          w.call("B", action, payload),
    ),
  ),
  fc.tuple(name, mad).map(
    ([stationId, [action, payload]]): Act =>
      (w) =>
        w.call(stationId, action, payload),
  ),
  fc.tuple(name, fc.oneof(fc.string(), fc.json())).map(([stationId, text]): Act => (w) => {
    const connectionId = w.connection(stationId);
    if (connectionId !== undefined) w.bench.frame(connectionId, text);
  }),
];
const reply: fc.Arbitrary<Act> = fc
  .tuple(name, fc.constantFrom(3, 3, 4), fc.oneof(fc.constant({ status: "Accepted" }), fc.jsonValue()))
  .map(([stationId, type, payload]): Act => (w) => {
    const connectionId = w.connection(stationId);
    if (connectionId === undefined) return;
    const { messageId = "?" } = w.bench.lastCall(connectionId) ?? {};
    w.bench.frame(connectionId, JSON.stringify([type, messageId, payload]));
  });

const offer = fc.record(
  {
    tariffId: fc.constantFrom("t", "t", "not a name"),
    version: fc.constantFrom(1, 1, -1, 0.5),
    terms: fc.oneof(
      { weight: 3, arbitrary: fc.constant({ currency: "BRL", elements: [{ perKwhMicro: 1_000_000 }] }) },
      { weight: 1, arbitrary: fc.jsonValue() },
    ),
  },
  { requiredKeys: ["tariffId"] },
);
const decided = fc.record(
  {
    kind: fc.constant("authorize" as const),
    status: fc.constantFrom("Accepted" as const, "Blocked" as const, "Unknown" as const),
    reason: fc.constant("said"),
    expiresAt: fc.integer({ min: -(2 ** 53), max: 2 ** 53 }),
    tariff: fc.oneof({ weight: 3, arbitrary: offer }, { weight: 1, arbitrary: fc.jsonValue() }),
  },
  { requiredKeys: ["kind", "status", "reason"] },
);
const lease = fc.record({
  kind: fc.constant("lease" as const),
  first: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 2 ** 31 })),
  count: fc.integer({ min: 1, max: 3 }),
});
/** The answer that was asked for: the last question, or the one before. */
const answer = fc.tuple(pick, decided, lease).map(([p, d, l]): Act => (w) => {
  const asks = w.bench.effectsOf("publish.ask");
  const ask = asks[Math.max(0, asks.length - 1 - (p % 2))]?.ask;
  const given: Answer["answer"] = ask?.question.kind === "lease" ? l : d;
  w.bench.input({
    kind: "link.answer",
    answer: { v: 1, correlationId: ask?.correlationId ?? uuid(0), answer: given },
  });
});
const bodies: CommandBody[] = [
  { kind: "RequestStartTransaction", params: { idToken: { idToken: "TAG" } } },
  { kind: "RequestStopTransaction", params: { transactionId: uuid(1) } },
  { kind: "Reset", params: { type: "Immediate" } },
  { kind: "ChangeAvailability", params: { operationalStatus: "Operative" } },
  { kind: "UnlockConnector", params: { evseId: 1 } },
  { kind: "GetConfiguration", params: {} },
  { kind: "SetVariables", params: { setVariableData: [{ variable: { name: "A" }, attributeValue: "1" }] } },
];
const madBody = fc.record({
  kind: fc.constantFrom(...COMMAND_KINDS),
  params: fc.dictionary(fc.constantFrom("idToken", "type", "key", "getVariableData"), fc.jsonValue()),
});
const command = fc
  .record({
    n: fc.nat({ max: 20 }),
    body: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...bodies) }, { weight: 1, arbitrary: madBody }),
    stationId: fc.constantFrom("A", "A", "B", "B", "C"),
    remainingMs: fc.constantFrom(0, 1_000, 90_000),
  })
  .map(
    ({ n, body, ...more }): Act =>
      (w) =>
        w.bench.command(n, body as CommandBody, more),
  );
const ack = fc
  .record({
    behind: fc.integer({ min: -2, max: 40 }),
    resume: fc.boolean(),
    shift: fc.constantFrom(0, 0, 0, 9e5, -9e5),
  })
  .map(({ behind, resume, shift }): Act => (w) => {
    const seq = Math.max(0, w.bench.state.durable.seq - behind);
    w.bench.ack(seq, { resume, cloudTime: w.bench.now.at + shift });
  });
const online = fc.constant<Act>((w) => w.bench.online(0));
const cloud: fc.Arbitrary<Act>[] = [
  ...[online, online, answer, answer, answer, command, command, reply, ack],
  fc.constant<Act>((w) => w.bench.input({ kind: "link.down" })),
  fc.integer({ min: 1, max: 3 }).map((version): Act => (w) => {
    const tokens = [{ idToken: "TAG", status: "Accepted" as const, groupId: `G${version}` }];
    w.bench.input({ kind: "link.policy", signed: signed(policyOf(tokens, version)) });
  }),
  fc.nat({ max: 80 }).map(
    (lastSeq): Act =>
      (w) =>
        w.bench.input({ kind: "batch.published", lastSeq }),
  ),
  fc.constant<Act>((w) => w.bench.input({ kind: "batch.failed" })),
];
const waits = fc.constantFrom(1, 100, 100, 100, ASK_DEADLINE_MS, OCPP_CALL_TIMEOUT_MS);
const house: fc.Arbitrary<Act>[] = [
  ...[1, 2, 3, 4].map(() =>
    waits.map(
      (ms): Act =>
        (w) =>
          w.bench.pass(ms),
    ),
  ),
  fc.integer({ min: -9_000, max: 9_000 }).map(
    (powerW): Act =>
      (w) =>
        w.bench.input({ kind: "meter.read", meterId: "grid", reading: { powerW } }),
  ),
  fc.constantFrom("ok" as const, "lost" as const).map((state): Act => (w) => {
    w.bench.input({
      kind: "meter.health",
      meterId: "grid",
      state,
      model: "eastron-sdm630",
      reason: "timeout",
    });
  }),
];
const rare: fc.Arbitrary<Act>[] = [
  fc.integer({ min: -9e7, max: 9e7 }).map((ms): Act => (w) => {
    w.bench.now.at += ms;
  }),
  fc.constant<Act>((w) => w.bench.pass(3_600_000)),
  fc.constant<Act>((w) => {
    w.open.clear();
    w.bench.restart();
  }),
];
const acts = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.oneof(...station) },
    { weight: 8, arbitrary: fc.oneof(...cloud) },
    { weight: 4, arbitrary: fc.oneof(...house) },
    { weight: 1, arbitrary: fc.oneof(...rare) },
  ),
  { maxLength: 60, minLength: 10, size: "max" },
);

function play(list: readonly Act[]): World {
  const world = new World();
  world.connect("A", "ocpp1.6");
  world.connect("B", "ocpp2.0.1");
  for (const act of list) act(world);
  return world;
}

describe("after any inputs", () => {
  test("nothing has thrown, seq has no gap, every entry and everything published fits its schema", () => {
    fc.assert(
      fc.property(acts, (list) => {
        const { bench } = play(list);
        expect(bench.entries.map((e) => e.seq)).toEqual(bench.entries.map((_, i) => i + 1));
        for (const entry of bench.entries) {
          const stored: unknown = JSON.parse(JSON.stringify(entry));
          if (!entrySchema.Check(stored)) expect(entrySchema.Errors(stored)).toEqual([]);
        }
        for (const { hello } of bench.effectsOf("publish.hello"))
          checkWire(Hello, JSON.parse(JSON.stringify(hello)));
        for (const { ask } of bench.effectsOf("publish.ask")) checkWire(Ask, ask);
        for (const { text } of bench.effectsOf("send")) expect(parseFrame(text).type).not.toBe("malformed");
      }),
      { numRuns: scaled(300) },
    );
  });

  test("a start from the journal knows what was known, from whatever snapshot it begins", () => {
    fc.assert(
      fc.property(acts, fc.nat(), (list, cut) => {
        const { entries, state } = play(list).bench;
        const text = encodeSnapshot(state.durable);
        expect(encodeSnapshot(recovered(entries))).toBe(text);
        const half = cut % (entries.length + 1);
        const durable = decodeSnapshot(encodeSnapshot(recovered(entries.slice(0, half))));
        for (const entry of JSON.parse(JSON.stringify(entries.slice(half))) as typeof entries)
          fold(durable, entry);
        expect(encodeSnapshot(durable)).toBe(text);
      }),
      { numRuns: scaled(200) },
    );
  });

  test("every CALL has exactly one answer, or its station is gone", () => {
    fc.assert(
      fc.property(acts, (list) => {
        const world = play(list);
        world.bench.pass(ASK_DEADLINE_MS);
        for (const call of world.calls) {
          const count = world.answersTo(call);
          if (world.open.has(call.connectionId)) expect([call, count]).toEqual([call, 1]);
          else expect(count).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: scaled(200) },
    );
  });

  test("no transaction id of OCPP 1.6 is given to two transactions, and no command ends twice", () => {
    fc.assert(
      fc.property(acts, (list) => {
        const { bench } = play(list);
        const owners = new Map<unknown, string>();
        for (const entry of bench.all("ocpp.handled")) {
          if (entry.action !== "StartTransaction" || entry.transactionId === undefined) continue;
          const [, , { transactionId }] = JSON.parse(entry.response) as [
            number,
            string,
            { transactionId: number },
          ];
          expect(transactionId).toBeGreaterThan(0);
          expect(transactionId).toBeLessThan(2 ** 31);
          expect(owners.get(transactionId) ?? entry.transactionId).toBe(entry.transactionId);
          owners.set(transactionId, entry.transactionId);
        }
        const ended = new Map<string, string[]>();
        for (const { commandId, status } of bench.all("command.finished"))
          ended.set(commandId, [...(ended.get(commandId) ?? []), status]);
        // Once; or once more, when what was uncertain has shown itself.
        for (const statuses of ended.values())
          if (statuses.length > 1) expect(statuses).toEqual(["uncertain", "succeeded"]);
      }),
      { numRuns: scaled(200) },
    );
  });
});
