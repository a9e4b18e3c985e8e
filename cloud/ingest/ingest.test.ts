/**
 * The whole ingest role on a real broker: hello, journal and questions up; acks, answers, commands and
 * policies down.
 */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import {
  Ack,
  Answer,
  checkWire,
  Commands,
  decodeWire,
  encodeBatch,
  encodeWire,
  upTopic,
} from "../../shared/wire.ts";
import { openPolicy, Policy, SignedPolicy } from "../../shared/policy.ts";
import { closeAll, Peer } from "../../shared/link/harness.ts";
import { until } from "../../sim/services/until.ts";
import { Journal, online, openTestDb, start16, status16, type TestDb } from "../harness.ts";
import { startIngest } from "./ingest.ts";

type Ingest = ReturnType<typeof startIngest>;

let db: TestDb;
let ingest: Ingest;
const logs: string[] = [];
beforeAll(async () => {
  db = await openTestDb();
  ingest = await start(inject("amqpUrl"));
});
afterAll(async () => {
  await ingest.stop();
  await db.close();
});
afterEach(closeAll);

async function start(brokerUrl: string): Promise<Ingest> {
  const started = startIngest({
    pool: db.pool,
    databaseUrl: db.url,
    brokerUrl,
    defaultOperatorId: "default",
    publicUrl: () => "http://127.0.0.1",
    policyKey: generateKeyPairSync("ed25519").privateKey,
    onLog: (_level, message) => void logs.push(message),
  });
  await until("the ingest is connected", () => started.linkUp);
  return started;
}

/** The broker's side of an ER: publishes up, and reads what comes down. */
async function openEr(url: string, journal: Journal) {
  const peer = await Peer.up(url, [`down/${journal.erId}/#`]);
  const of = (kind: string) =>
    peer.received.filter(({ topic }) => topic.endsWith(`/${kind}`)).map(({ payload }) => payload);
  return {
    send: (kind: "hello" | "journal" | "ask", payload: Buffer) =>
      peer.link.publish(upTopic(journal.erId, kind), payload),
    acks: () => of("ack").map((payload) => decodeWire(Ack, payload)),
    answers: () => of("answer").map((payload) => decodeWire(Answer, payload)),
    commands: () => of("commands").flatMap((payload) => decodeWire(Commands, payload).commands),
    policies: () =>
      of("policy").map((payload) => checkWire(Policy, openPolicy(decodeWire(SignedPolicy, payload), []))),
  };
}

const fresh = () => {
  const name = randomUUID().slice(0, 8);
  return new Journal(`er-${name}`, `site-${name}`);
};

describe.each(["amqp", "mqtt"] as const)("an ER on %s", (scheme) => {
  const url = () => inject(scheme === "amqp" ? "amqpUrl" : "mqttUrl");

  test("its hello and its journal become rows, and it gets acks", async () => {
    const journal = fresh();
    const er = await openEr(url(), journal);
    await er.send("hello", encodeWire(journal.hello()));
    await until("hello is answered", () => er.acks().some((ack) => ack.seq === 0 && ack.resume));
    journal.commitEach([online("CP"), status16("CP", 1, "Available"), start16("CP", randomUUID())]);
    for (let i = 0; i < 3; i++) await er.send("journal", encodeBatch(journal.batch(i, i + 1)));
    await until("everything is acked", () => er.acks().some((ack) => ack.seq === 3 && !ack.resume));
    expect(
      await db.rows("select seq from message where journal_id = $1 order by seq", journal.journalId),
    ).toHaveLength(3);
  });

  test("a journal before any hello is asked to begin again", async () => {
    const journal = fresh().commit([online("CP")]);
    const er = await openEr(url(), journal);
    await er.send("journal", encodeBatch(journal.batch()));
    await until("it is asked to resume", () => er.acks().some((ack) => ack.resume && ack.seq === 0));
    expect(await db.rows("select 1 from journal where er_id = $1", journal.erId)).toEqual([]);
  });

  test("questions are answered", async () => {
    const journal = fresh();
    const er = await openEr(url(), journal);
    await er.send("hello", encodeWire(journal.hello()));
    await until("hello is answered", () => er.acks().length > 0);
    const [first, second] = [randomUUID(), randomUUID()];
    await er.send(
      "ask",
      encodeWire({ v: 1, correlationId: first, question: { kind: "lease", count: 1_000 } }),
    );
    const question = { kind: "authorize", purpose: "start", stationId: "CP", idToken: "NOBODY" } as const;
    await er.send("ask", encodeWire({ v: 1, correlationId: second, question }));
    await until("both are answered", () => er.answers().length === 2);
    const byId = new Map(er.answers().map((a) => [a.correlationId, a.answer]));
    expect(byId.get(first)).toMatchObject({ kind: "lease", count: 1_000 });
    expect(byId.get(second)).toMatchObject({ kind: "authorize", status: "Unknown" });
  });

  test("policies and commands come down: on hello, and when something happens", async () => {
    const journal = fresh();
    const er = await openEr(url(), journal);
    await er.send(
      "hello",
      encodeWire(journal.hello({ stations: [{ stationId: "CP", online: true, connectors: [] }] })),
    );
    const [first] = await until("the first policy arrives", () =>
      er.policies().length > 0 ? er.policies() : undefined,
    );
    const policyVersion = first?.version ?? 0;
    const [station] = await db.rows<{ station_id: string }>(
      "select station_id from station where site_id = $1",
      journal.siteId,
    );
    const commandId = randomUUID();
    await db.pool.query(
      `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, expires_at)
       values ($1, 'default', $2, $3, $4, 'UnlockConnector', '{"evseId":1}', 'test', now() + interval '1 minute')`,
      [commandId, journal.siteId, journal.erId, station?.station_id],
    );
    await db.pool.query("select pg_notify('sg_command', $1)", [journal.erId]);
    await until("the command arrives", () =>
      er.commands().some((c) => c.commandId === commandId && c.stationId === "CP"),
    );
    expect(() => checkWire(Commands, { v: 1, commands: er.commands() })).not.toThrow();
    await er.send("hello", encodeWire(journal.hello({ policyVersion })));
    await until(
      "it arrives again after a hello",
      () => er.commands().filter((c) => c.commandId === commandId).length >= 2,
    );

    const bump = "update site set policy_version = policy_version + 1 where site_id = $1";
    await db.pool.query(bump, [journal.siteId]);
    await db.pool.query("select pg_notify('sg_policy', 'default')");
    await until("the new policy arrives", () =>
      er.policies().some((policy) => policy.version === policyVersion + 1),
    );
  });
});

test("garbage on every topic, and an ER that speaks for another one, do no harm", async () => {
  const [journal, victim] = [fresh(), fresh()];
  const er = await openEr(inject("amqpUrl"), journal);
  await er.send("hello", encodeWire(victim.hello()));
  const wrongHeader = Buffer.from(
    `${JSON.stringify({ ...journal.commit([online("CP")]).batch(), bytes: undefined, v: 2 })}\nxx`,
  );
  const garbage = [
    Buffer.alloc(0),
    Buffer.from("hello"),
    Buffer.from("{}"),
    Buffer.from("null"),
    Buffer.from([0xff, 0xfe, 0x00]),
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4]),
    Buffer.from(`${"[".repeat(100_000)}`),
    Buffer.alloc(300_000, 0x61),
    wrongHeader,
  ];
  for (const payload of garbage)
    for (const kind of ["hello", "journal", "ask"] as const) await er.send(kind, payload);
  const asked = {
    v: 1,
    correlationId: randomUUID(),
    question: { kind: "authorize", purpose: "start", stationId: "C", idToken: "\u0000" },
  };
  await er.send("ask", Buffer.from(JSON.stringify(asked)));

  await er.send("hello", encodeWire(journal.hello()));
  await until("hello is answered", () => er.acks().some((ack) => ack.seq === 0));
  await er.send("journal", encodeBatch(journal.batch()));
  await until("the ER is served as if nothing had been", () => er.acks().some((ack) => ack.seq === 1));
  expect(await db.rows("select 1 from er where er_id = $1", victim.erId)).toEqual([]);
  expect(await db.rows("select 1 from parked_entry")).toEqual([]);
  expect(logs).toContain("an ER speaks for another one: dropped");
});

test("a copy of the ingest on MQTT serves as well as one on AMQP", async () => {
  const mqtt = await start(inject("mqttUrl"));
  const journal = fresh().commit([online("CP")]);
  const er = await openEr(inject("mqttUrl"), journal);
  await er.send("hello", encodeWire(journal.hello()));
  await until("hello is answered", () => er.acks().length > 0);
  await er.send("journal", encodeBatch(journal.batch()));
  await until("the journal is acked", () => er.acks().some((ack) => ack.seq === 1));
  await until("both copies saw it", () => mqtt.counters.batches > 0);
  await mqtt.stop();
  expect(await db.rows("select 1 from message where journal_id = $1", journal.journalId)).toHaveLength(1);
});
