/** A CDR that is corrected by energy: its time costs what it cost, and its flags are those of the new price. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EntryBody } from "../../shared/entry.ts";
import type { TariffTerms } from "../../shared/tariff.ts";
import { makeCdrs } from "../jobs/cdrs.ts";
import {
  event201,
  openTestApi,
  openTestDb,
  storeAll,
  toldAt,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import { auditBooks, giveTariff, openSite, type MoneySite } from "../harness-money.ts";
import { createApiKey } from "./actor.ts";
import type { CdrView } from "./money-schemas.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let db: TestDb;
let api: TestApi;
let site: MoneySite;
let key: string;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  await api.app.ready();
});
afterAll(async () => {
  await api.close();
  await db.close();
});
beforeEach(async () => {
  site = await openSite(db);
  key = await createApiKey(db.pool, site.operatorId, "books");
});

const TERMS: TariffTerms = {
  currency: "BRL",
  elements: [{ perKwhMicro: 1_890_000, perChargingMinuteMicro: 100_000, perIdleMinuteMicro: 500_000 }],
};

/** 10 kWh in half an hour; then the car stands there until eight hours are over. */
const session = (id: string, word: string, flags: string[] = []): EntryBody[] => {
  const at = (body: EntryBody, ms: number) => toldAt(body, ms, ms + 24 * HOUR);
  const of = (event: "Started" | "Updated" | "Ended", ms: number, wh: number, chargingState: string) =>
    at(event201(site.cp, id, event, { at: ms, wh, chargingState }, flags.length > 0 ? { flags } : {}), ms);
  return [
    of("Started", 0, 0, "Charging"),
    of("Updated", 30 * MINUTE, 10_000, word),
    of("Ended", 8 * HOUR, 10_000, word),
  ];
};

async function billed(...bodies: EntryBody[]): Promise<string> {
  const stored = await storeAll(db.pool, site.journal.commit(bodies));
  expect(stored.parked).toBe(0);
  await db.pool.query(
    `update transaction set reviewed_kinds = review_kinds || reviewed_kinds, reviewed_registers =
       final_registers(meter_start_wh, meter_stop_wh, meter_stop_max_wh, closed_meter_wh, last_energy_wh)
     where operator_id = $1`,
    [site.operatorId],
  );
  await makeCdrs(db.pool);
  return (
    await db.rows<{ id: string }>("select cdr_id as id from cdr where operator_id = $1", site.operatorId)
  )[0]!.id;
}

async function correct(cdrId: string, body: object): Promise<CdrView> {
  const headers = { authorization: `Bearer ${key}` };
  const reply = await api.send(
    "POST",
    `/v1/cdrs/${cdrId}/corrections`,
    { reason: "meter", ...body },
    headers,
  );
  expect(reply.status, reply.text).toBeLessThan(300);
  return reply.body as CdrView;
}
const read = async (cdrId: string) => (await api.get(`/v1/cdrs/${cdrId}`, key)).body as CdrView;

describe("by energy", () => {
  test.each([
    ["what the site held back stays nobody's to pay", "SuspendedEVSE", 2_190, 2_171],
    // 450 idle minutes.
    ["idle time stays idle", "SuspendedEV", 24_690, 24_671],
  ])("%s", async (_what, word, before, after) => {
    await giveTariff(db, site.operatorId, TERMS);
    const cdrId = await billed(...session(randomUUID(), word));
    expect(await read(cdrId)).toMatchObject({ totalMinor: before, energyWh: 10_000 });
    const second = await correct(cdrId, { energyWh: 9_900 });
    expect(second).toMatchObject({ totalMinor: after, energyWh: 9_900, energyQuality: "decided" });
    expect(await auditBooks(db, site.operatorId)).toEqual([]);
    // And back: as if nothing had been.
    expect((await correct(second.cdrId, { energyWh: 10_000 })).totalMinor).toBe(before);
  });

  test("time that nobody knows stays without a price, and unknown stays cheap", async () => {
    const dear = { ...TERMS.elements[0], restrictions: { from: "00:00", to: "23:59" } };
    await giveTariff(db, site.operatorId, { ...TERMS, elements: [dear, { perKwhMicro: 1_000_000 }] });
    const cdrId = await billed(...session(randomUUID(), "SuspendedEV", ["time-estimated"]));
    const flags = ["cheaper-band", "energy-only", "time-estimated"];
    expect(await read(cdrId)).toMatchObject({ totalMinor: 1_000, flags });
    expect(await correct(cdrId, { energyWh: 9_900 })).toMatchObject({ totalMinor: 990, flags });
  });

  test("clocks that disagree stay in the cheaper band, however good the times of the CDR look", async () => {
    const dear = { perKwhMicro: 3_000_000, restrictions: { from: "00:00", to: "23:59" } };
    await giveTariff(db, site.operatorId, { ...TERMS, elements: [dear, { perKwhMicro: 1_000_000 }] });
    // The ER believed that it was three hours earlier, was told so, and was right when it had started anew.
    const behind = -3 * HOUR;
    const started = (boot: string): EntryBody => ({ kind: "er.started", boot, release: "1.0.0" });
    const id = randomUUID();
    const of = (event: "Started" | "Ended", ms: number, wh: number) =>
      event201(site.cp, id, event, { at: ms, wh, chargingState: "Charging" });
    const cdrId = await billed(
      toldAt(started(site.journal.boot), behind, 0),
      toldAt(of("Started", behind + MINUTE, 0), behind + MINUTE, MINUTE),
      toldAt({ kind: "clock.synced", offsetMs: 3 * HOUR }, behind + 2 * MINUTE, 2 * MINUTE),
      toldAt(started(randomUUID()), 30 * MINUTE, 0),
      toldAt(of("Ended", HOUR, 10_000), HOUR, 30 * MINUTE),
    );
    const first = { timeQuality: "station", flags: ["cheaper-band"] };
    expect(await read(cdrId)).toMatchObject({ ...first, totalMinor: 1_000 });
    expect(await correct(cdrId, { energyWh: 9_900 })).toMatchObject({ ...first, totalMinor: 990 });
  });

  test("energy is taken when it was taken: what lies in the cheap band stays there", async () => {
    // 09:00 to 09:30 in São Paulo it charges, and stands until 17:00.
    const cheap = { perKwhMicro: 1_000_000, restrictions: { from: "08:00", to: "10:00" } };
    await giveTariff(db, site.operatorId, { ...TERMS, elements: [cheap, { perKwhMicro: 9_000_000 }] });
    const cdrId = await billed(...session(randomUUID(), "SuspendedEV"));
    expect(await read(cdrId)).toMatchObject({ totalMinor: 1_000 });
    expect(await correct(cdrId, { energyWh: 9_900 })).toMatchObject({ totalMinor: 990 });
  });

  test("flags are those of what is billed now", async () => {
    await giveTariff(db, site.operatorId, TERMS);
    const first = await billed(...session(randomUUID(), "SuspendedEVSE"));
    const none = await correct(first, { energyWh: 0 });
    expect(none).toMatchObject({ flags: ["no-energy"], totalMinor: 0 });
    const some = await correct(none.cdrId, { energyWh: 500 });
    expect(some).toMatchObject({ flags: [], totalMinor: 395 });
    const byHand = await correct(some.cdrId, { totalMinor: 100 });
    expect(byHand).toMatchObject({ flags: [], energyWh: 500 });
  });
});
