/**
 * Real processes: the ER has prepared its stations for the time without it, and is killed. Whom the site knows
 * charges, a stranger does not, and what was charged arrives when the ER is back.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { policyOf, signed } from "../../edge/core/harness.ts";
import { openJournal } from "../../edge/io/journal.ts";
import type { Entry } from "../../shared/entry.ts";
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import { downTopic, encodeWire } from "../../shared/wire.ts";
import { startAedes } from "../services/aedes.ts";
import { freePort } from "../services/child.ts";
import { until } from "../services/until.ts";
import { drawCar } from "../station/car.ts";
import { systemClock } from "../station/clock.ts";
import { socketTransport } from "../station/socket.ts";
import { createStation } from "../station/station.ts";
import type { Json, OcppVersion, Station } from "../station/types.ts";
import { startProgram, untilPrinted, type Program } from "./processes.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const LISTED = { idToken: "KNOWN-HERE", type: "ISO14443" };
const STRANGER = { idToken: "STRANGER", type: "ISO14443" };

/** An ER with a broker, and a cloud that has nothing to give but a policy. */
async function startSite() {
  const dir = await mkdtemp(join(tmpdir(), "moov-alone-"));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const broker = await startAedes();
  cleanups.push(() => broker.stop());
  const [port, httpPort] = [await freePort(), await freePort()];
  const config = join(dir, "er.toml");
  await writeFile(
    config,
    `er = "er-alone"\nsite = "site-1"\ndata_dir = "data"\n[broker]\nurl = "${broker.url}"\n` +
      `[ocpp]\nhost = "127.0.0.1"\nport = ${port}\nauth = "open"\nauthorization = "local"\n` +
      `[http]\nport = ${httpPort}\n`,
  );
  const policy = policyOf([{ idToken: LISTED.idToken, status: "Accepted" }], 1, {
    recent: [{ idToken: LISTED.idToken, lastUsedAt: Date.now() }],
    defaultLimitA: 10,
  });
  const cloud = await connectAsync(broker.url);
  cleanups.push(() => cloud.endAsync(true));
  cloud.on("message", () => {
    void cloud.publishAsync(downTopic("er-alone", "policy"), encodeWire(signed(policy)), { qos: 1 });
  });
  await cloud.subscribeAsync("up/er-alone/hello", { qos: 1 });
  return {
    port,
    async startEr(): Promise<Program> {
      const er = startProgram(["edge/main.js", "run", "--config", config]);
      cleanups.push(() => (er.running ? er.end("SIGKILL") : Promise.resolve()));
      await untilPrinted(er, "ER started");
      return er;
    },
    entries(): Entry[] {
      const journal = openJournal({ path: join(dir, "data", "journal.sqlite"), newJournalId: "none" });
      const entries = [...journal.entries(0)];
      journal.close();
      return entries;
    },
  };
}

function startStation(version: OcppVersion, port: number) {
  const state = seedRandom([7]);
  /** What the ER asked, and got as an answer. */
  const asked: { action: string; payload: Json }[] = [];
  const station: Station = createStation({
    id: `CP-${version}`,
    version,
    evses: [{ connectors: 1, maxPowerW: 11_000, phases: 3, kind: "AC" }],
    clock: systemClock,
    random: () => nextRandom(state),
    transportFactory: socketTransport({ url: `ws://127.0.0.1:${port}/ocpp` }),
    timing: { reconnectMinMs: 200, reconnectMaxMs: 1_000, contactorMs: 100, tickMs: 200 },
    onFrame: (direction, text) => {
      const [type, , action, payload] = JSON.parse(text) as [number, string, string, Json];
      if (direction === "received" && type === 2) asked.push({ action, payload });
    },
  });
  cleanups.push(() => station.stop(0));
  return { station, asked };
}

describe.each(["1.6", "2.0.1"] as const)("a site whose ER is dead, OCPP %s", (version) => {
  it(
    "lets in whom it knows and no stranger, slowly, and accounts for it afterwards",
    { timeout: 60_000 },
    async () => {
      const site = await startSite();
      const er = await site.startEr();
      const { station, asked } = startStation(version, site.port);
      const evse = () => station.state().evses[0];
      await until("the station is prepared", () =>
        ["SendLocalList", "SetChargingProfile"].every((action) => asked.some((a) => a.action === action)),
      );
      expect(JSON.stringify(asked)).toContain(LISTED.idToken);
      await er.end("SIGKILL");
      await until("the station is alone", () => !station.state().connected);

      station.plugIn(
        1,
        drawCar(() => 1),
      );
      station.presentToken(1, STRANGER);
      expect(evse()?.transaction).toBeUndefined();
      station.presentToken(1, LISTED);
      await until("the car charges", () => (evse()?.powerW ?? 0) > 1_000);
      expect(evse()?.transaction?.idToken).toBe(LISTED.idToken);
      // 10 A of three phases; the station could give 16 A.
      expect(evse()?.powerW).toBeLessThan(3 * 230 * 10.5);
      station.presentToken(1, LISTED);
      const { meterWh } = evse() ?? { meterWh: 0 };
      expect(station.state().queued).toBeGreaterThan(0);

      const back = await site.startEr();
      await until("everything is said", () => station.state().booted && station.state().queued === 0, 30_000);
      await back.end("SIGTERM");
      const transaction = site
        .entries()
        .flatMap((entry) =>
          entry.kind === "ocpp.handled" && entry.transactionId !== undefined ? [entry] : [],
        );
      expect(new Set(transaction.map((entry) => entry.transactionId)).size).toBe(1);
      expect(transaction.map(({ request }) => request).join()).toContain(LISTED.idToken);
      expect(transaction.at(-1)?.request).toContain(String(meterWh));
      expect(site.entries().some((entry) => JSON.stringify(entry).includes(STRANGER.idToken))).toBe(false);
    },
  );
});
