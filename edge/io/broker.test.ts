/**
 * The ER's end of the link, over the real adapter and a broker in this process: what it believes and
 * what it sends.
 */
import { connectAsync, type MqttClient } from "mqtt";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { decodeBlock } from "../../shared/block.ts";
import type { Entry } from "../../shared/entry.ts";
import { decodeBatch, decodeWire, encodeWire, Hello } from "../../shared/wire.ts";
import { startAedes, type EmbeddedBroker } from "../../sim/services/aedes.ts";
import { until } from "../../sim/services/until.ts";
import { Bench, policyOf, signed, TAG, uuid } from "../core/harness.ts";
import type { Input } from "../core/types.ts";
import { nextBatch, readDown, startBroker } from "./broker.ts";
import { openJournal } from "./journal.ts";

const folder = mkdtempSync(join(tmpdir(), "er-broker-"));
const journal = openJournal({ path: join(folder, "j.sqlite"), newJournalId: uuid(1) });
const entry = (seq: number): Entry => ({
  ...{
    seq,
    at: seq,
    upMs: seq,
    clock: "synced",
    kind: "station.offline",
    stationId: "CP-1",
    reason: `r${seq}`,
  },
});
let mqtt: EmbeddedBroker;
let cloud: MqttClient;
const heard: { topic: string; payload: Buffer }[] = [];
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  journal.append(uuid(2), [entry(1), entry(2)]);
  journal.append(uuid(2), [entry(3)]);
  mqtt = await startAedes();
  cloud = await connectAsync(mqtt.url);
  cloud.on("message", (topic, payload) => heard.push({ topic, payload }));
  await cloud.subscribeAsync("up/#", { qos: 1 });
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  heard.splice(0);
});
afterAll(async () => {
  await cloud.endAsync(true);
  await mqtt.stop();
  journal.close();
  rmSync(folder, { recursive: true });
});

async function start(erId: string) {
  const inputs: Input[] = [];
  const logs: { message: string; fields: Record<string, unknown> }[] = [];
  const broker = startBroker({
    ...{ erId, url: mqtt.url, journal },
    onInput: (input) => inputs.push(input),
    onLog: (_level, message, fields) => logs.push({ message, fields }),
  });
  stops.push(() => broker.stop());
  await until("the link is up", () => inputs.some((i) => i.kind === "link.up"));
  return { broker, inputs, logs };
}
const ack = { v: 1 as const, journalId: uuid(1), seq: 2, resume: false, cloudTime: 5 };

describe("from the cloud", () => {
  test("every kind becomes its input", () => {
    expect(readDown("ack", encodeWire(ack))).toEqual({ kind: "link.ack", ack });
    const policy = signed(policyOf([TAG]));
    expect(readDown("policy", encodeWire(policy))).toEqual({ kind: "link.policy", signed: policy });
    expect(readDown("commands", encodeWire({ v: 1, commands: [] }))).toEqual({
      kind: "link.commands",
      commands: [],
    });
    const answer = {
      v: 1 as const,
      correlationId: uuid(3),
      answer: { kind: "lease" as const, first: 1, count: 1 },
    };
    expect(readDown("answer", encodeWire(answer))).toEqual({ kind: "link.answer", answer });
  });

  test("hostile payloads are dropped with a log line, and what is right still gets through", async () => {
    const { inputs, logs } = await start("er-a");
    const hostile: [string, string | Buffer][] = [
      ["ack", ""],
      ["ack", "{"],
      ["ack", "null"],
      ["ack", JSON.stringify({ ...ack, seq: "2" })],
      ["ack", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3])],
      ["commands", JSON.stringify({ v: 1, commands: [{}] })],
      ["policy", JSON.stringify({ ...signed(policyOf([])), signature: 1 })],
      ["answer", JSON.stringify({ v: 1, correlationId: uuid(1), answer: { kind: "constructor" } })],
      ["__proto__", JSON.stringify(ack)],
      ["reboot", JSON.stringify(ack)],
    ];
    for (const [kind, payload] of hostile) await cloud.publishAsync(`down/er-a/${kind}`, payload, { qos: 1 });
    await cloud.publishAsync("down/er-b/ack", encodeWire(ack), { qos: 1 });
    await cloud.publishAsync("down/er-a/ack", encodeWire(ack), { qos: 1 });
    await until("the right one arrived", () => inputs.some((i) => i.kind === "link.ack"));
    expect(inputs.map((i) => i.kind)).toEqual(["link.up", "link.ack"]);
    const dropped = logs.filter((l) => l.message === "message from the broker dropped");
    expect(dropped.map((l) => l.fields["topic"])).toEqual(hostile.map(([kind]) => `down/er-a/${kind}`));
  });
});

describe("to the cloud", () => {
  test("a batch is the blocks as they lie in the journal", () => {
    const batch = nextBatch(journal, 0);
    expect(batch?.lastSeq).toBe(3);
    const decoded = decodeBatch(batch?.payload ?? Buffer.alloc(0));
    expect(decoded).toMatchObject({ journalId: uuid(1), firstSeq: 1, oldestSeq: 1 });
    expect(decoded.blocks.map(([entries]) => entries)).toEqual([2, 1]);
    const entries = decoded.bytes.flatMap((bytes) => decodeBlock(bytes).entries);
    expect(entries).toEqual([entry(1), entry(2), entry(3)]);
    expect(nextBatch(journal, 3)).toBeUndefined();
  });

  test("hello and batches arrive; the core hears how far they went, and when there is nothing", async () => {
    const { broker, inputs } = await start("er-c");
    const bench = new Bench({ identity: { erId: "er-c" } });
    bench.input({ kind: "link.up" });
    const hello = bench.effectsOf("publish.hello")[0];
    if (hello === undefined) throw new Error("no hello");
    broker.publish(hello);
    broker.publish({ kind: "publish.batch", afterSeq: 2 });
    broker.publish({ kind: "publish.batch", afterSeq: 3 });
    await until("both arrived", () => heard.length === 2);
    expect(heard.map((h) => h.topic)).toEqual(["up/er-c/hello", "up/er-c/journal"]);
    expect(decodeWire(Hello, heard[0]?.payload ?? Buffer.alloc(0))).toEqual(hello.hello);
    expect(inputs.slice(1)).toEqual([{ kind: "batch.published", lastSeq: 3 }, { kind: "batch.failed" }]);
    expect(broker.counters.batches).toBe(1);
    expect(broker.counters.publishedBytes).toBe(
      (heard[0]?.payload.length ?? 0) + (heard[1]?.payload.length ?? 0),
    );
  });

  test("without a connection a batch fails in words, and the core may ask again", async () => {
    const inputs: Input[] = [];
    const logs: string[] = [];
    const broker = startBroker({
      ...{ erId: "er-d", url: "mqtt://127.0.0.1:1", journal },
      onInput: (input) => inputs.push(input),
      onLog: (_level, message) => logs.push(message),
    });
    stops.push(() => broker.stop());
    broker.publish({ kind: "publish.batch", afterSeq: 0 });
    await until("the failure is known", () => inputs.some((i) => i.kind === "batch.failed"));
    await until("the operator is told", () => logs.includes("broker not reachable; the site goes on alone"));
    expect(logs).toContain("publish failed; it is repeated from the journal");
  });
});

test("a rewritten block tells its own chain, and never follows an untouched one in a batch", () => {
  const own = openJournal({ path: ":memory:", newJournalId: uuid(1) });
  for (let seq = 1; seq <= 6; seq++) own.append(uuid(2), [entry(seq)]);
  const chains = own.read(0, 1e6, 100).blocks.map((block) => block.chain);
  own.rewrite({ firstSeq: 3, lastSeq: 4, level: 1 }, uuid(2), [entry(3), entry(4)]);
  const headers = [0, 2, 3].map((afterSeq) =>
    decodeBatch(nextBatch(own, afterSeq)?.payload ?? Buffer.alloc(0)),
  );
  expect(headers.map(({ firstSeq, chain }) => [firstSeq, chain])).toEqual([
    [1, chains[1]],
    [3, chains[5]],
    [3, chains[5]],
  ]);
  expect(headers[1]?.blocks.map(([numbers, , chain]) => [numbers, chain])).toEqual([
    [2, chains[3]],
    [1, undefined],
    [1, undefined],
  ]);
  own.close();
});
