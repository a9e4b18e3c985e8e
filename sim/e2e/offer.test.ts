/**
 * A guest, real programs and real sockets: the price of the scan is what the station shows, though the tariff becomes
 * dearer before the start, the wire to the SG is cut and the ER is killed while it charges; and it is what is billed.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { WebSocket } from "ws";
import { migrate } from "../../cloud/db/migrate.ts";
import { issueApiKey } from "../../cloud/sg.ts";
import type { Status } from "../../edge/io/http.ts";
import { ER_NODE_FLAGS } from "../../edge/node-flags.ts";
import { freePort } from "../services/child.ts";
import { startProxy, type FaultProxy } from "../services/proxy.ts";
import { createTestDatabase, type TestDatabase } from "../services/test-database.ts";
import { until } from "../services/until.ts";
import { apiClient, startProgram, untilPrinted, type Program } from "./processes.ts";

type Fields = Record<string, unknown>;
type Version = "1.6" | "2.0.1";

/* A station that shows costs, does what it is told, and says what the test says. */

function startStation(url: string, version: Version) {
  /** What the ER has called, newest last. */
  const called: { action: string; payload: Fields }[] = [];
  const waiting = new Map<string, (answer: Fields) => void>();
  let socket: WebSocket | undefined;
  let ended = false;
  const answers: Record<string, (payload: Fields) => Fields> = {
    GetConfiguration: () => ({
      configurationKey: [{ key: "CustomDisplayCostAndPrice", readonly: false, value: "true" }],
    }),
    GetVariables: ({ getVariableData }) => ({
      getVariableResult: (getVariableData as Fields[]).map((asked) =>
        JSON.stringify(asked).includes('"TariffCostCtrlr"')
          ? { ...asked, attributeStatus: "Accepted", attributeValue: "true" }
          : { ...asked, attributeStatus: "UnknownVariable" },
      ),
    }),
    DataTransfer: () => ({ status: "Accepted" }),
    CostUpdated: () => ({}),
    RemoteStartTransaction: () => ({ status: "Accepted" }),
    RequestStartTransaction: () => ({ status: "Accepted" }),
  };

  function connect(): void {
    const ws = new WebSocket(url, [`ocpp${version}`]);
    ws.on("open", () => (socket = ws));
    ws.on("error", () => undefined);
    ws.on("close", () => {
      socket = undefined;
      if (!ended) setTimeout(connect, 200);
    });
    ws.on("message", (data: Buffer) => {
      const [type, id, ...rest] = JSON.parse(data.toString("utf8")) as [number, string, ...unknown[]];
      if (type === 3) return waiting.get(id)?.(rest[0] as Fields);
      if (type !== 2) return undefined;
      const [action, payload] = rest as [string, Fields];
      called.push({ action, payload });
      const answer = answers[action]?.(payload);
      const reply = answer === undefined ? [4, id, "NotSupported", "", {}] : [3, id, answer];
      ws.send(JSON.stringify(reply));
    });
  }
  connect();

  return {
    called,
    /** On whatever connection there is by then. */
    async say(action: string, payload: object): Promise<Fields> {
      const ws = await until(`${version} is connected`, () => socket, 60_000);
      const id = randomUUID();
      const answered = new Promise<Fields>((done) => waiting.set(id, done));
      ws.send(JSON.stringify([2, id, action, payload]));
      return answered;
    },
    end(): void {
      ended = true;
      socket?.close();
    },
  };
}
type Station = ReturnType<typeof startStation>;

/* What differs between the versions */

const now = () => new Date().toISOString();
let seqNo = 0;
const event = (eventType: string, wh: number, more: object = {}) => ({
  ...{ eventType, seqNo: seqNo++, timestamp: now(), triggerReason: "MeterValuePeriodic" },
  transactionInfo: { transactionId: "guest-tx", chargingState: "Charging" },
  meterValue: [{ timestamp: now(), sampledValue: [{ value: wh }] }],
  ...more,
});
const data = ({ payload }: { payload: Fields }) => JSON.parse(payload["data"] as string) as Fields;

/** `shown`: every cost that the station was told while it ran; the end tells the final one. */
const DIALECTS = {
  "1.6": (station: Station) => {
    let transactionId: unknown;
    const status = (word: string) =>
      station.say("StatusNotification", {
        ...{ connectorId: 1, errorCode: "NoError", status: word, timestamp: now() },
      });
    const messages = (id: string) =>
      station.called.filter(({ payload }) => payload["messageId"] === id).map(data);
    return {
      async boot() {
        await station.say("BootNotification", { chargePointVendor: "Test", chargePointModel: "Shows" });
        await status("Available");
      },
      wanted: () =>
        station.called.find(({ action }) => action === "RemoteStartTransaction")?.payload["idTag"] as string,
      async start(idTag: string) {
        await station.say("Authorize", { idTag });
        await status("SuspendedEV");
        const start = { connectorId: 1, idTag, meterStart: 1_000, timestamp: now() };
        ({ transactionId } = await station.say("StartTransaction", start));
        await status("Charging");
      },
      takes: (wh: number) =>
        station.say("MeterValues", {
          ...{ connectorId: 1, transactionId },
          meterValue: [{ timestamp: now(), sampledValue: [{ value: String(1_000 + wh) }] }],
        }),
      prices: () => messages("SetUserPrice").map(({ priceText }) => priceText),
      shown: () => messages("RunningCost").map(({ cost }) => cost),
      async end(wh: number) {
        await station.say("StopTransaction", { transactionId, meterStop: 1_000 + wh, timestamp: now() });
        return until("the final cost is told", () => messages("FinalCost").at(-1)?.["cost"]);
      },
    };
  },
  "2.0.1": (station: Station) => ({
    async boot() {
      await station.say("BootNotification", {
        ...{ reason: "PowerUp", chargingStation: { vendorName: "Test", model: "Shows" } },
      });
      await station.say("StatusNotification", {
        ...{ evseId: 1, connectorId: 1, connectorStatus: "Available", timestamp: now() },
      });
    },
    wanted: () =>
      station.called
        .filter(({ action }) => action === "RequestStartTransaction")
        .map(({ payload }) => (payload["idToken"] as Fields)["idToken"] as string)[0],
    async start(idToken: string) {
      const more = { evse: { id: 1, connectorId: 1 }, idToken: { idToken, type: "Central" } };
      await station.say("TransactionEvent", event("Started", 1_000, more));
    },
    takes: (wh: number) => station.say("TransactionEvent", event("Updated", 1_000 + wh)),
    prices: () => undefined,
    shown: () =>
      station.called
        .filter(({ action }) => action === "CostUpdated")
        .map(({ payload }) => payload["totalCost"]),
    end: async (wh: number) =>
      (await station.say("TransactionEvent", event("Ended", 1_000 + wh)))["totalCost"],
  }),
};

/* The system */

let database: TestDatabase;
let proxy: FaultProxy;
let er: Program;
let startEr: () => Promise<void>;
let erStatus: () => Promise<Status>;
let ports: { sg: number; er: number };
let api: ReturnType<typeof apiClient>;
let apiKey: string;
const cleanups: (() => Promise<unknown>)[] = [];

const rows = async <T extends object>(sql: string, ...params: unknown[]): Promise<T[]> => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<T>(sql, params)).rows;
  } finally {
    await client.end();
  }
};

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "moov-offer-"));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  database = await createTestDatabase(inject("databaseUrl"), (url) => migrate(url).then(() => undefined));
  cleanups.push(() => database.drop());
  const brokerUrl = new URL(inject("amqpUrl"));
  proxy = await startProxy(Number(brokerUrl.port));
  cleanups.push(() => proxy.stop());
  const [sgPort, erPort, httpPort] = [await freePort(), await freePort(), await freePort()];
  ports = { sg: sgPort, er: erPort };
  const erUrl = new URL(brokerUrl);
  erUrl.port = String(proxy.port);
  const config = join(dir, "er.toml");
  await writeFile(
    config,
    `er = "er-offer"\nsite = "offer"\ntime_zone = "UTC"\ndata_dir = "data"\n[broker]\nurl = "${erUrl.toString()}"\n` +
      `[ocpp]\nhost = "127.0.0.1"\nport = ${erPort}\nauth = "open"\n[http]\nport = ${httpPort}\n`,
  );
  apiKey = await issueApiKey(database.url, "default", "offer");
  api = apiClient(`http://127.0.0.1:${sgPort}`, apiKey);
  const sg = startProgram(["cloud/main.ts", "all"], {
    ...{ DATABASE_URL: database.url, BROKER_URL: brokerUrl.toString(), SG_PORT: String(sgPort) },
    SG_SANDBOX_PAYMENTS: "1",
  });
  cleanups.push(() => sg.end());
  startEr = async () => {
    er = startProgram([...ER_NODE_FLAGS, "edge/main.js", "run", "--config", config]);
    await untilPrinted(er, "ER started");
  };
  erStatus = async () => (await (await fetch(`http://127.0.0.1:${httpPort}/status`)).json()) as Status;
  await untilPrinted(sg, "SG started");
  await startEr();
  cleanups.push(() => (er.running ? er.end() : Promise.resolve(null)));
  await api.put("/v1/payment-providers/sandbox", {
    settings: {
      ...{ currency: "BRL", defaultAmountMinor: 5_000, minAmountMinor: 500, maxAmountMinor: 30_000 },
      payMinutes: 40,
    },
  });
}, 120_000);
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

const terms = (perKwhMicro: number) => ({ currency: "BRL", elements: [{ perKwhMicro }] });

/** The tariff of this station becomes dearer, and its ER hears of it. */
async function dearer(tariffId: string): Promise<void> {
  const before = (await erStatus()).policyVersion;
  const url = `http://127.0.0.1:${ports.sg}/v1/tariffs/${tariffId}`;
  const headers = { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" };
  const etag = (await fetch(url, { headers })).headers.get("etag") ?? "";
  const body = JSON.stringify({ name: tariffId, terms: terms(9_000_000) });
  const reply = await fetch(url, { method: "PUT", headers: { ...headers, "If-Match": etag }, body });
  expect(reply.status, await reply.text()).toBe(200);
  await until("the ER has the new price", async () => (await erStatus()).policyVersion > before, 60_000);
}

async function pays(sessionId: string): Promise<void> {
  const { sandbox_id: id } = await until("the page to pay is there", async () => {
    const found = await rows<{ sandbox_id: string }>(
      `select s.sandbox_id from sandbox_payment s join guest_session g using (payment_id)
       where g.guest_session_id = $1`,
      sessionId,
    );
    return found[0];
  });
  const url = `http://127.0.0.1:${ports.sg}/v1/guest/sandbox-checkouts/${id}`;
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  const paid = await fetch(url, { method: "POST", headers, body: "decision=pay", redirect: "manual" });
  expect(paid.status).toBe(303);
}

describe.each(["1.6", "2.0.1"] as const)("a guest at a station of OCPP %s", (version) => {
  it(
    "sees the price of the scan until the end, whatever becomes of the tariff, the wire and the ER",
    { timeout: 240_000 },
    async () => {
      const stationId = `SHOWS-${version}`;
      const station = startStation(`ws://127.0.0.1:${ports.er}/ocpp/${stationId}`, version);
      cleanups.push(async () => station.end());
      const says = DIALECTS[version](station);
      await says.boot();
      const { code } = await until(
        "the station has a code",
        () => api.get<{ code: string }>(`/v1/stations/${stationId}/evses/1/qr`).catch(() => undefined),
        60_000,
      );
      const { tariffId } = await api.post<{ tariffId: string }>("/v1/tariffs", {
        ...{ name: stationId, terms: terms(2_000_000) },
      });
      await api.post("/v1/tariff-assignments", { tariffId, target: { stationId } });
      const shown = await until("a guest is offered the price", async () => {
        const offer = await api.get<{ reason?: string; tariff?: { version: number } }>(
          `/v1/guest/connectors/${code}`,
        );
        return offer.tariff?.version === 1 && (offer.reason ?? null) === null ? offer : undefined;
      });
      expect(shown.tariff).toMatchObject({ tariffId, version: 1 });
      const asked = /CustomDisplayCostAndPrice|TariffCostCtrlr/;
      await until(
        "it is asked whether it shows costs",
        () => station.called.some(({ payload }) => asked.test(JSON.stringify(payload))),
        60_000,
      );
      const wish = { code, requestId: randomUUID(), provider: "sandbox", language: "en" };
      const { session, token } = await api.post<{ session: { guestSessionId: string }; token: string }>(
        "/v1/guest/sessions",
        wish,
      );
      await dearer(tariffId);
      await pays(session.guestSessionId);
      const idToken = await until("the station is asked to start", () => says.wanted(), 60_000);
      await says.start(idToken);
      if (version === "1.6") expect(says.prices()).toEqual(["BRL 2/kWh"]);

      proxy.cut();
      await says.takes(3_000);
      await until("a running cost is shown", () => says.shown().includes(6), 90_000);
      await er.end("SIGKILL");
      await startEr();
      await says.takes(5_000);
      await until("it is shown by a new start of the ER", () => says.shown().includes(10), 90_000);
      expect(await says.end(6_000)).toBe(12);
      proxy.heal();

      const see = async () => {
        const url = `http://127.0.0.1:${ports.sg}/v1/guest/sessions/${session.guestSessionId}`;
        const reply = await fetch(url, { headers: { "x-guest-token": token } });
        return (await reply.json()) as { state: string; price: unknown };
      };
      await until("it is billed", async () => (await see()).state === "settled", 90_000);
      expect(await see()).toMatchObject({ price: { totalMinor: 1_200, final: true } });
      const billed = await rows(
        `select t.told_tariff_id = $2 as same, t.told_tariff_version as told, c.tariff_version as billed
       from transaction t join cdr c using (transaction_id) where t.station_id = $1`,
        ...[stationId, tariffId],
      );
      expect(billed).toEqual([{ same: true, told: 1, billed: 1 }]);
      // That the car waited was said before the start.
      if (version === "1.6")
        expect(
          await rows("select state from charge_state where station_id = $1 order by at", stationId),
        ).toEqual(expect.arrayContaining([{ state: "SuspendedEV" }, { state: "Charging" }]));
    },
  );
});
