/**
 * What the tests of the SG share: journals as ERs write them, a database of one's own, the API on it.
 *
 * Entries, blocks and batches are made by the code that ERs use, so that a test speaks of what happened at
 * a site, never of bytes. Used by tests only.
 */
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LightMyRequestResponse } from "fastify";
import { inject } from "vitest";
import { encodeBlock, firstChain, nextChain } from "../shared/block.ts";
import type { Entry, EntryBody, Protocol } from "../shared/entry.ts";
import { callText, resultText } from "../shared/ocpp/frame.ts";
import type { Batch, ErGauges, Hello } from "../shared/wire.ts";
import { createTestDatabase } from "../sim/services/test-database.ts";
import { createApp, type App } from "./api/app.ts";
import { createApiKey } from "./api/actor.ts";
import { createHub, type Hub } from "./api/live.ts";
import type { LiveEvent } from "./api/schemas.ts";
import { migrate } from "./db/migrate.ts";
import { createPool, type Pool } from "./db/pool.ts";
import { storeHello } from "./ingest/hello.ts";
import { storeBatches, type IngestResult } from "./ingest/journal.ts";
import type { Pay } from "./pay/providers.ts";
import { ensureOperator } from "./sg.ts";

/** Where the clocks of all tests stand: 2026-05-04 12:00 UTC. */
export const NOON = Date.UTC(2026, 4, 4, 12);
export const isoAt = (offsetMs: number): string => new Date(NOON + offsetMs).toISOString();

/* What happens at a site */

type HandledOptions = Partial<Extract<EntryBody, { kind: "ocpp.handled" }>>;

/** A station's call with its answer. */
export function handled(
  stationId: string,
  protocol: Protocol,
  action: string,
  payload: object,
  answer: object,
  more: HandledOptions = {},
): EntryBody {
  const request = callText("m1", action, payload);
  const response = resultText("m1", answer);
  return { kind: "ocpp.handled", stationId, protocol, action, request, response, ...more };
}

export const online = (stationId: string, protocol: Protocol = "ocpp1.6"): EntryBody => ({
  kind: "station.online",
  stationId,
  protocol,
});
export const offline = (stationId: string): EntryBody => ({
  kind: "station.offline",
  stationId,
  reason: "closed 1006",
});

export const status16 = (stationId: string, connectorId: number, status: string): EntryBody =>
  handled(stationId, "ocpp1.6", "StatusNotification", { connectorId, errorCode: "NoError", status }, {});

/** OCPP 1.6: a transaction begins. `at` is the station's offset to NOON in ms. */
export const start16 = (
  stationId: string,
  transactionId: string,
  o: {
    at?: number;
    meterStart?: number;
    wireId?: number;
    idTag?: string;
    status?: string;
    connectorId?: number;
  } = {},
  more: HandledOptions = {},
): EntryBody =>
  handled(
    stationId,
    "ocpp1.6",
    "StartTransaction",
    {
      connectorId: o.connectorId ?? 1,
      idTag: o.idTag ?? "TAG1",
      meterStart: o.meterStart ?? 1_000,
      timestamp: isoAt(o.at ?? 0),
    },
    { transactionId: o.wireId ?? 7, idTagInfo: { status: o.status ?? "Accepted" } },
    { basis: "sg", transactionId, ...more },
  );

/** OCPP 1.6: registers of a running transaction. */
export const meter16 = (
  stationId: string,
  transactionId: string,
  o: { at?: number; wh: number; powerW?: number; socPercent?: number; wireId?: number },
): EntryBody => {
  const power =
    o.powerW === undefined ? [] : [{ value: String(o.powerW), measurand: "Power.Active.Import", unit: "W" }];
  const sampledValue = [
    { value: String(o.wh), measurand: "Energy.Active.Import.Register", unit: "Wh" },
    ...power,
    ...(o.socPercent === undefined
      ? []
      : [{ value: String(o.socPercent), measurand: "SoC", unit: "Percent" }]),
  ];
  const meterValue = [{ timestamp: isoAt(o.at ?? 0), sampledValue }];
  const payload = { connectorId: 1, transactionId: o.wireId ?? 7, meterValue };
  return handled(stationId, "ocpp1.6", "MeterValues", payload, {}, { basis: "none", transactionId });
};

/** OCPP 1.6: a transaction ends. */
export const stop16 = (
  stationId: string,
  transactionId: string,
  o: { at?: number; meterStop?: number; wireId?: number; reason?: string } = {},
  more: HandledOptions = {},
): EntryBody => {
  const { at = 60_000, meterStop = 5_000, wireId = 7, reason = "Local" } = o;
  const payload = { transactionId: wireId, meterStop, timestamp: isoAt(at), reason };
  return handled(
    stationId,
    "ocpp1.6",
    "StopTransaction",
    payload,
    {},
    { basis: "none", transactionId, ...more },
  );
};

/** OCPP 2.0.1: one TransactionEvent. */
export const event201 = (
  stationId: string,
  transactionId: string,
  eventType: "Started" | "Updated" | "Ended",
  o: { at?: number; wh?: number; chargingState?: string; idToken?: string; status?: string } = {},
  more: HandledOptions = {},
): EntryBody => {
  const timestamp = isoAt(o.at ?? 0);
  const meterValue = [{ timestamp, sampledValue: [{ value: o.wh ?? 0 }] }];
  const payload = {
    eventType,
    timestamp,
    triggerReason: "MeterValuePeriodic",
    seqNo: 1,
    transactionInfo: {
      transactionId: `wire-${transactionId.slice(0, 8)}`,
      ...(o.chargingState === undefined ? {} : { chargingState: o.chargingState }),
    },
    evse: { id: 2, connectorId: 1 },
    ...(o.idToken === undefined ? {} : { idToken: { idToken: o.idToken, type: "ISO14443" } }),
    ...(o.wh === undefined ? {} : { meterValue }),
  };
  const answer = o.idToken === undefined ? {} : { idTokenInfo: { status: o.status ?? "Accepted" } };
  return handled(stationId, "ocpp2.0.1", "TransactionEvent", payload, answer, {
    basis: "none",
    transactionId,
    ...more,
  });
};

export const sampled = (meterId: string, energyImportWh: number, powerW: number): EntryBody => ({
  kind: "meter.sampled",
  meterId,
  reading: { energyImportWh, powerW, powerPhasesW: [powerW], voltagePhasesMv: [230_000] },
});

/** How a box is that has nothing to complain about. */
export const GAUGES: ErGauges = {
  backlog: 0,
  journalBytes: 1_000,
  journalBudgetBytes: 2_000_000_000,
  pressure: "none",
  linkUp: true,
  clockOffsetMs: 0,
  policyVersion: 1,
  stationsConnected: 1,
  activeTransactions: 0,
};
export const health = (more: Partial<ErGauges> = {}): EntryBody => ({
  kind: "er.health",
  ...GAUGES,
  ...more,
});

/**
 * The same happening at another place on the ER's clocks: `clockMs` and `upMs` are offsets to NOON and to
 * its start.
 */
export function toldAt(body: EntryBody, clockMs: number, upMs: number): EntryBody {
  const placed: object = { ...body, at: NOON + clockMs, upMs };
  return placed as EntryBody;
}

/* Journals */

/** An ER's journal: entries get their heads and blocks, blocks the chain. One second passes per entry. */
export class Journal {
  readonly boot = randomUUID();
  readonly entries: Entry[] = [];
  readonly blocks: {
    firstSeq: number;
    count: number;
    bytes: Buffer;
    prevChain: string;
    chain: string;
    rewritten?: true;
  }[] = [];
  oldestSeq = 1;
  readonly erId: string;
  readonly siteId: string;
  readonly journalId: string;

  constructor(erId = "er-1", siteId = "site-1", journalId: string = randomUUID()) {
    this.erId = erId;
    this.siteId = siteId;
    this.journalId = journalId;
  }

  get lastSeq(): number {
    return this.entries.length;
  }

  /** One commit: a block of the given happenings. `raw` may bend an entry before it is packed. */
  commit(bodies: EntryBody[], raw: (entry: Entry) => unknown = (entry) => entry): this {
    const firstSeq = this.entries.length + 1;
    const made = bodies.map((body, i) => {
      const seq = firstSeq + i;
      return { seq, at: NOON + seq * 1_000, upMs: seq * 1_000, clock: "synced", ...body } as Entry;
    });
    this.entries.push(...made);
    return this.commitBytes(encodeBlock(this.boot, made.map(raw) as Entry[]), made.length);
  }

  /** A block of any bytes that claims `count` entries. */
  commitBytes(bytes: Buffer, count: number): this {
    const firstSeq = this.blocks.reduce((sum, block) => sum + block.count, 0) + 1;
    const prevChain = this.blocks.at(-1)?.chain ?? firstChain(this.journalId);
    this.blocks.push({ firstSeq, count, bytes, prevChain, chain: nextChain(prevChain, firstSeq, bytes) });
    while (this.entries.length < firstSeq + count - 1) this.entries.push({} as Entry);
    return this;
  }

  /** Blocks `from` up to, not including, `to` become one, as an ER rewrites them for want of disk. */
  rewrite(from: number, to: number, entries: Entry[]): this {
    const old = this.blocks.slice(from, to);
    const [first, last] = [old[0], old.at(-1)];
    if (first === undefined || last === undefined) throw new Error("there are blocks to rewrite");
    const count = last.firstSeq + last.count - first.firstSeq;
    const { firstSeq, prevChain } = first;
    const block = { firstSeq, count, bytes: encodeBlock(this.boot, entries), prevChain, chain: last.chain };
    this.blocks.splice(from, to - from, { ...block, rewritten: true });
    return this;
  }

  /** One block per happening. */
  commitEach(bodies: EntryBody[]): this {
    for (const body of bodies) this.commit([body]);
    return this;
  }

  /** Blocks `from` (counted from 0) up to, not including, `to` as one batch. */
  batch(from = 0, to = this.blocks.length): Batch {
    const blocks = this.blocks.slice(from, to);
    const [first, last] = [blocks[0], blocks.at(-1)];
    if (first === undefined || last === undefined) throw new Error("a batch has blocks");
    return {
      v: 1,
      journalId: this.journalId,
      firstSeq: first.firstSeq,
      blocks: blocks.map((block): Batch["blocks"][number] =>
        block.rewritten ? [block.count, block.bytes.length, block.chain] : [block.count, block.bytes.length],
      ),
      prevChain: first.prevChain,
      chain: last.chain,
      oldestSeq: this.oldestSeq,
      bytes: blocks.map((block) => block.bytes),
    };
  }

  hello(more: Partial<Hello> = {}): Hello {
    return {
      v: 1,
      erId: this.erId,
      siteId: this.siteId,
      siteName: `Site ${this.siteId}`,
      timeZone: "America/Sao_Paulo",
      journalId: this.journalId,
      boot: this.boot,
      release: "1.0.0",
      at: NOON,
      upMs: 60_000,
      clock: "synced",
      startedAt: NOON,
      oldestSeq: this.oldestSeq,
      lastSeq: this.lastSeq,
      ackedSeq: 0,
      policyVersion: 0,
      stations: [],
      ...more,
    };
  }
}

/* The SG */

export type TestDb = {
  url: string;
  pool: Pool;
  /** Rows of a query. */
  rows: <T = Record<string, unknown>>(sql: string, ...params: unknown[]) => Promise<T[]>;
  /** A pool to the same database, closed with it. */
  anotherPool: (max?: number) => Pool;
  close: () => Promise<void>;
};

/** A migrated database of one's own with the operator `default`. */
export async function openTestDb(): Promise<TestDb> {
  const database = await createTestDatabase(inject("databaseUrl"), async (url) => void (await migrate(url)));
  const pools: Pool[] = [];
  const anotherPool = (max = 4) => {
    const pool = createPool(database.url, { max, name: "sg-test" });
    pools.push(pool);
    return pool;
  };
  const pool = anotherPool(24);
  await ensureOperator(pool, "default");
  return {
    url: database.url,
    pool,
    rows: async <T>(sql: string, ...params: unknown[]) => (await pool.query(sql, params)).rows as T[],
    anotherPool,
    async close() {
      await Promise.all(pools.map((p) => p.end()));
      await database.drop();
    },
  };
}

/** The ER introduces itself, as it does before anything has happened. */
export const introduce = (pool: Pool, journal: Journal, operatorId = "default") =>
  storeHello(pool, new Map(), journal.hello({ lastSeq: 0 }), operatorId);

/** Stores everything the journal holds, as one batch. */
export const storeAll = (pool: Pool, journal: Journal): Promise<IngestResult> =>
  storeBatches(pool, new Map(), journal.erId, [journal.batch()]);

/** Introduces and stores: an ER whose journal has arrived. */
export async function arrive(pool: Pool, journal: Journal, operatorId = "default"): Promise<IngestResult> {
  await introduce(pool, journal, operatorId);
  return storeAll(pool, journal);
}

type Reply = { status: number; body: unknown; headers: LightMyRequestResponse["headers"]; text: string };

export type TestApi = {
  app: App;
  hub: Hub;
  key: string;
  get: (path: string, key?: string) => Promise<Reply>;
  send: (
    method: "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ) => Promise<Reply>;
  close: () => Promise<void>;
};

/** The API on a pool, with a key of the operator `default`; not listening. */
export async function openTestApi(
  pool: Pool,
  options: { webRoot?: string; pay?: Pay; filesDir?: string } = {},
): Promise<TestApi> {
  const hub = createHub({ pingMs: 100, flushMs: 20 });
  const app = await createApp({
    pool,
    hub,
    webRoot: options.webRoot,
    ...(options.pay === undefined ? {} : { pay: options.pay }),
    filesDir: options.filesDir ?? join(tmpdir(), `sg-files-${randomUUID()}`),
    logger: false,
    health: async () => ({ status: "ok" }),
    metrics: async () => ({ contentType: "text/plain", text: "" }),
  });
  const key = await createApiKey(pool, "default", "test");
  const toReply = (response: LightMyRequestResponse): Reply => ({
    status: response.statusCode,
    body: /json/.test(String(response.headers["content-type"])) ? JSON.parse(response.body) : undefined,
    headers: response.headers,
    text: response.body,
  });
  return {
    app,
    hub,
    key,
    async get(path, as = key) {
      return toReply(
        await app.inject({ method: "GET", url: path, headers: { authorization: `Bearer ${as}` } }),
      );
    },
    async send(method, path, body, headers = {}) {
      const payload = body as object;
      return toReply(
        await app.inject({
          method,
          url: path,
          payload,
          headers: { authorization: `Bearer ${key}`, ...headers },
        }),
      );
    },
    async close() {
      hub.stop();
      // A request that a test left half-way would hold up the end for as long as it may last.
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

/** Live events that are wanted, as they are notified. */
export async function listenLive(
  { pool }: TestDb,
  wanted: (event: LiveEvent) => boolean,
): Promise<{ heard: (count: number) => Promise<LiveEvent[]>; stop: () => Promise<void> }> {
  const client = await pool.connect();
  const events: LiveEvent[] = [];
  client.on("notification", ({ payload }) => {
    const told = JSON.parse(payload ?? "{}") as { events: LiveEvent[] };
    events.push(...told.events.filter(wanted));
  });
  await client.query("listen sg_live");
  return {
    async heard(count) {
      const untilMs = performance.now() + 30_000;
      while (events.length < count && performance.now() < untilMs) await client.query("select 1");
      return events;
    },
    async stop() {
      await client.query("unlisten *");
      client.removeAllListeners("notification");
      client.release();
    },
  };
}
