/**
 * A station that we did not write: `ocpp-rpc` in strict mode, with its own copies of the official schemas, over
 * every message of OCPP 1.6 and 2.0.1 in both directions against an ER that runs.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { RPCClient } from "ocpp-rpc";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../edge/config.ts";
import { startEr, type Er } from "../edge/er.ts";
import { decodeBlock } from "../shared/block.ts";
import { COMMAND_KINDS, type CommandKind } from "../shared/command.ts";
import type { Entry, EntryOf, Protocol } from "../shared/entry.ts";
import { COMMAND_SAMPLES } from "../shared/ocpp/command-samples.ts";
import { isFromStation } from "../shared/ocpp/dialect.ts";
import { actionsOf, schemaOf } from "../shared/ocpp/schemas.ts";
import {
  Ack,
  Answer,
  Ask,
  decodeBatch,
  decodeWire,
  downTopic,
  encodeWire,
  Hello,
  upTopic,
} from "../shared/wire.ts";
import { generate, type Schema } from "./fuzz/generate.ts";
import { startAedes, type EmbeddedBroker } from "./services/aedes.ts";
import { until } from "./services/until.ts";
import { createChance } from "./world/chance.ts";

type Payload = Record<string, unknown>;
type Failure = { method: string; outbound: boolean; isCall: boolean; error: Error };

const ER = "er-rpc";
/** Answered by others than the ER, or no message at all: a file has to be fetched first, a socket is closed. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  ...["Call", "CloseConnection", "GetLog", "UpdateFirmware", "PublishFirmware"],
]);
const SLOW = { timeout: 120_000 };
const chance = createChance([2_016]);

let folder: string;
let broker: EmbeddedBroker;
let cloud: MqttClient;
let er: Er;
const entries: Entry[] = [];

/** As much of an SG as it takes to be believed: it takes the journal and gives commands. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ocpp-rpc-"));
  broker = await startAedes();
  cloud = await connectAsync(broker.url);
  cloud.on("message", (topic, payload) => {
    if (topic === upTopic(ER, "journal")) {
      const batch = decodeBatch(payload);
      for (const bytes of batch.bytes) entries.push(...(decodeBlock(bytes).entries as Entry[]));
      return ack(batch.journalId, entries.at(-1)?.seq ?? 0, false);
    }
    if (topic === upTopic(ER, "ask")) return answer(decodeWire(Ask, payload));
    if (topic !== upTopic(ER, "hello")) return;
    ack(decodeWire(Hello, payload).journalId, entries.at(-1)?.seq ?? 0, true);
  });
  await cloud.subscribeAsync("up/#", { qos: 1 });
  const config = `
    er = "${ER}"
    site = "site-1"
    data_dir = ${JSON.stringify(folder)}
    [broker]
    url = "${broker.url}"
    [ocpp]
    host = "127.0.0.1"
    port = 0
    auth = "open"
    authorization = "local"
    unknown_token = "allow"
    provision = false
    [http]
    port = 0
  `;
  er = await startEr(parseConfig(config, "rpc.toml"), { logger: pino({ level: "silent" }) });
});
afterAll(async () => {
  await er.stop();
  await cloud.endAsync(true);
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

function ack(journalId: string, seq: number, resume: boolean): void {
  const told: Ack = { v: 1, journalId, seq, resume, cloudTime: Date.now() };
  cloud.publish(downTopic(ER, "ack"), encodeWire(told), { qos: 1 });
}

/** What only a cloud can answer. */
function answer({ correlationId, question }: Ask): void {
  if (question.kind !== "ocpp") return;
  const payload = draw(question.protocol, question.action, "Response");
  const told: Answer = { v: 1, correlationId, answer: { kind: "ocpp", payload } };
  cloud.publish(downTopic(ER, "answer"), encodeWire(told), { qos: 1 });
}

/** A payload that its schema allows; the client checks it once more, by its own. */
const draw = (protocol: Protocol, action: string, direction: "Request" | "Response") =>
  generate(chance, (schemaOf(protocol, action, direction) ?? {}) as Schema) as Payload;

let stations = 0;
/** Each is new to the ER, which asks one that comes back for what it does not tell. */
async function station(protocol: Protocol) {
  const stationId = `RPC-${++stations}`;
  // Its types ask for every option; it has defaults for all of them.
  const options = {
    ...{ endpoint: `ws://127.0.0.1:${er.ocppPort}/ocpp`, identity: stationId, protocols: [protocol] },
    ...{ strictMode: true, reconnect: false, callTimeoutMs: 60_000 },
  };
  const client = new RPCClient(options as ConstructorParameters<typeof RPCClient>[0]);
  const failures: Failure[] = [];
  const handled: string[] = [];
  client.on("strictValidationFailure", (failure: Failure) => failures.push(failure));
  client.handle(({ method = "" }) => {
    handled.push(method);
    return Promise.resolve(draw(protocol, method, "Response"));
  });
  await client.connect();
  return { client, failures, handled, stationId };
}

/** At once: its own reconnects and pings are of no interest here. */
const close = (client: RPCClient) =>
  client.close({ code: 1000, reason: "", awaitPending: false, force: true });

let count = 0;
async function command(stationId: string, kind: CommandKind, params: Payload) {
  const commandId = `01900000-0000-7000-8000-${(++count).toString(16).padStart(12, "0")}`;
  const issuedAt = Date.now();
  const times = { issuedAt, expiresAt: issuedAt + 60_000, remainingMs: 60_000 };
  const commands = [{ commandId, stationId, ...times, kind, params }];
  await cloud.publishAsync(downTopic(ER, "commands"), encodeWire({ v: 1, commands }), { qos: 1 });
  const ended = () =>
    entries.find(
      (e): e is EntryOf<"command.finished"> => e.kind === "command.finished" && e.commandId === commandId,
    );
  await until(`the command ${kind} has ended`, () => ended() !== undefined);
  return ended();
}

describe.each<Protocol>(["ocpp1.6", "ocpp2.0.1"])("ocpp-rpc in strict mode, %s", (protocol) => {
  const all = actionsOf(protocol);
  const up = all.filter((action) => isFromStation(protocol, action));
  const down = all.filter((action) => !up.includes(action) || action === "DataTransfer");

  test("every message of a station gets an answer that its schema allows", SLOW, async () => {
    const { client, failures } = await station(protocol);
    const ordered = ["BootNotification", ...up.filter((action) => action !== "BootNotification")];
    for (const action of ordered) {
      // Several of each: what is optional is there at times.
      for (let n = 0; n < 5; n++) {
        const result = (await client.call(action, draw(protocol, action, "Request"))) as Payload;
        expect(result, action).toBeTypeOf("object");
      }
    }
    expect(failures).toEqual([]);
    await close(client);
  });

  test("every message of a CSMS arrives as its schema allows, and its answer is read", SLOW, async () => {
    const { client, failures, handled, stationId } = await station(protocol);
    await client.call("BootNotification", draw(protocol, "BootNotification", "Request"));
    for (const action of down) {
      const payload = draw(protocol, action, "Request");
      const ended = await command(stationId, "Call", { action, payload });
      expect(["succeeded", "rejected"], `${action}: ${ended?.reason ?? ""}`).toContain(ended?.status);
      expect(ended?.response, action).toBeTypeOf("object");
    }
    expect(handled).toEqual(down);
    expect(failures).toEqual([]);
    await close(client);
  });

  test(
    "every command in the words of 2.x arrives as this version's schema allows, or is refused with a reason",
    SLOW,
    async () => {
      const { client, failures, handled, stationId } = await station(protocol);
      await client.call("BootNotification", draw(protocol, "BootNotification", "Request"));
      const refused: string[] = [];
      for (const kind of COMMAND_KINDS.filter((one) => !ELSEWHERE.has(one))) {
        const before = handled.length;
        const ended = await command(stationId, kind, COMMAND_SAMPLES[kind]);
        expect(failures, kind).toEqual([]);
        if (handled.length > before) continue;
        expect(ended?.reason?.length ?? 0, kind).toBeGreaterThan(10);
        refused.push(kind);
      }
      expect(handled.length).toBeGreaterThan(protocol === "ocpp1.6" ? 12 : 30);
      expect(refused).not.toContain("TriggerMessage");
      await close(client);
    },
  );
});
