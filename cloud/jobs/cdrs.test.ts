/** Billing: each transaction once, whatever comes when, and the ledger says what the CDRs say. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import type { EntryBody } from "../../shared/entry.ts";
import { accounts } from "../core/ledger.ts";
import { inTransaction } from "../db/pool.ts";
import {
  meter16,
  NOON,
  openTestDb,
  start16,
  status16,
  stop16,
  storeAll,
  toldAt,
  type TestDb,
} from "../harness.ts";
import {
  auditBooks,
  billingOf,
  cdrsOf,
  giveTariff,
  openSite,
  TERMS,
  type MoneySite,
} from "../harness-money.ts";
import { balance, setPayer } from "../ledger.ts";
import { storeBatches } from "../ingest/journal.ts";
import { mergeInto } from "../api/merge-transaction.ts";
import { makeCdrs } from "./cdrs.ts";

let db: TestDb;
let site: MoneySite;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());
beforeEach(async () => void (site = await openSite(db)));

const happen = (...bodies: EntryBody[]) => storeAll(db.pool, site.journal.commit(bodies));
const audit = () => auditBooks(db, site.operatorId);
/** What a person does in the work queue: it stands as it is. */
const accept = (id: string, writtenOff = false) =>
  db.pool.query(
    `update transaction set written_off = $2, reviewed_kinds = reviewed_kinds || review_kinds, reviewed_registers =
       final_registers(meter_start_wh, meter_stop_wh, meter_stop_max_wh, closed_meter_wh, last_energy_wh)
     where transaction_id = $1`,
    [id, writtenOff],
  );
const owes = (account: string) => balance(db.pool, site.operatorId, account, "BRL");

describe("a transaction that is over", () => {
  test("gets a CDR with its price, booked on the account of its token", async () => {
    await giveTariff(db, site.operatorId);
    const id = randomUUID();
    await happen(start16(site.cp, id, { meterStart: 1_000, idTag: "Tag1" }));
    await makeCdrs(db.pool);
    expect(await cdrsOf(db, id)).toEqual([]);
    await happen(meter16(site.cp, id, { at: 30_000, wh: 6_000 }), stop16(site.cp, id, { meterStop: 11_000 }));
    expect(await makeCdrs(db.pool)).toBe(1);
    expect(await cdrsOf(db, id)).toMatchObject([
      {
        ...{ number: 1, corrects: null, cause: "ended", payer: "token:tag1", energy_wh: 10_000, flags: [] },
        ...{ net_minor: 1_818, tax_minor: 182, total_minor: 2_000, time_quality: "station" },
        energy_quality: "registers",
      },
    ]);
    expect(await billingOf(db, id)).toMatchObject({ status: "billed", due_at: null });
    expect(await owes("token:tag1")).toBe(2_000);
    expect(await audit()).toEqual([]);
  });

  test("without a tariff costs nothing, and has its CDR all the same", async () => {
    const id = randomUUID();
    await happen(start16(site.cp, id), stop16(site.cp, id));
    await makeCdrs(db.pool);
    expect(await cdrsOf(db, id)).toMatchObject([{ total_minor: 0, energy_wh: 4_000, flags: ["no-tariff"] }]);
    // A tariff that comes later is not for what was begun before anybody had one.
    await giveTariff(db, site.operatorId);
    await db.pool.query("update transaction_billing set due_at = now() where transaction_id = $1", [id]);
    expect(await makeCdrs(db.pool)).toBe(0);
    expect(await audit()).toEqual([]);
  });

  test("that took nothing is written down at nothing; one that was refused was none", async () => {
    await giveTariff(db, site.operatorId, { ...TERMS, minimumMinor: 500 });
    const [empty, refused] = [randomUUID(), randomUUID()];
    await happen(
      start16(site.cp, empty, { meterStart: 5_000 }),
      stop16(site.cp, empty, { meterStop: 5_000 }),
      start16(site.cp, refused, { status: "Blocked", wireId: 8 }),
    );
    await makeCdrs(db.pool);
    expect(await cdrsOf(db, empty)).toMatchObject([{ total_minor: 0, energy_wh: 0, flags: ["no-energy"] }]);
    expect(await cdrsOf(db, refused)).toEqual([]);
    expect(await billingOf(db, refused)).toMatchObject({ status: "none", reasons: ["refused"] });
  });

  test("that took energy although it was refused waits for a person", async () => {
    await giveTariff(db, site.operatorId);
    const id = randomUUID();
    await happen(
      start16(site.cp, id, { status: "Blocked" }),
      meter16(site.cp, id, { at: 1_000, wh: 2_000 }),
      stop16(site.cp, id, { meterStop: 3_000 }),
    );
    await makeCdrs(db.pool);
    expect(await billingOf(db, id)).toMatchObject({ status: "held", reasons: ["refused-with-energy"] });
  });

  test("is paid by the fleet of its token; else by its own account; a guest's by the guest", async () => {
    await giveTariff(db, site.operatorId);
    await db.pool.query(
      "insert into id_token (operator_id, id_token, group_id) values ($1, 'CAR-1', 'acme')",
      [site.operatorId],
    );
    const [fleet, guest] = [randomUUID(), randomUUID()];
    await happen(
      start16(site.cp, fleet, { idTag: "car-1" }),
      stop16(site.cp, fleet),
      start16(site.cp, guest, { idTag: "WEB", wireId: 8 }),
      stop16(site.cp, guest, { wireId: 8 }),
    );
    const payer = { operatorId: site.operatorId, transactionId: guest, account: accounts.guest("p1") };
    await inTransaction(db.pool, (client) => setPayer(client, { ...payer, paymentId: "p1" }));
    await makeCdrs(db.pool);
    expect(await owes("fleet:acme")).toBe(800);
    expect(await owes("guest:p1")).toBe(800);
    expect(await audit()).toEqual([]);
  });
});

describe("a person first", () => {
  test("stops that conflict wait; accepted, the lower one is billed", async () => {
    await giveTariff(db, site.operatorId);
    const id = randomUUID();
    await happen(
      start16(site.cp, id),
      stop16(site.cp, id, { meterStop: 5_000 }, { flags: ["conflicting-stop"] }),
      stop16(site.cp, id, { meterStop: 4_000 }, { flags: ["conflicting-stop"] }),
    );
    await makeCdrs(db.pool);
    expect(await billingOf(db, id)).toMatchObject({ status: "held", reasons: ["conflicting-stop"] });
    expect(await cdrsOf(db, id)).toEqual([]);
    await accept(id);
    await makeCdrs(db.pool);
    expect(await cdrsOf(db, id)).toMatchObject([{ energy_wh: 3_000, total_minor: 600 }]);
  });

  test("what a person writes off is written down at nothing, billed before or not", async () => {
    await giveTariff(db, site.operatorId);
    const id = randomUUID();
    await happen(start16(site.cp, id), stop16(site.cp, id));
    await makeCdrs(db.pool);
    await accept(id, true);
    await makeCdrs(db.pool);
    const [first, second] = await cdrsOf(db, id);
    expect(second).toMatchObject({ corrects: first?.cdr_id, total_minor: 0, flags: ["written-off"] });
    expect(await owes("token:tag1")).toBe(0);
    expect(await audit()).toEqual([]);
  });

  test("an estimated time is billed at the cheaper price, when a person has looked", async () => {
    const dear = { perKwhMicro: 3_000_000, restrictions: { from: "00:00", to: "23:59" } };
    await giveTariff(db, site.operatorId, { currency: "BRL", elements: [dear, { perKwhMicro: 1_000_000 }] });
    const id = randomUUID();
    await happen(start16(site.cp, id), stop16(site.cp, id, {}, { flags: ["time-estimated"] }));
    await makeCdrs(db.pool);
    expect(await billingOf(db, id)).toMatchObject({ status: "held", reasons: ["time-implausible"] });
    await accept(id);
    await makeCdrs(db.pool);
    expect(await cdrsOf(db, id)).toMatchObject([
      {
        total_minor: 400,
        time_quality: "estimated",
        flags: ["cheaper-band", "energy-only", "time-estimated"],
      },
    ]);
  });

  test("an entry that cannot be read holds the transaction it tells of, until it is put away", async () => {
    await giveTariff(db, site.operatorId);
    const id = randomUUID();
    await happen(start16(site.cp, id), stop16(site.cp, id));
    await db.pool.query(
      `insert into parked_entry (er_id, journal_id, seq, operator_id, entry, reason)
       values ($1, $2, 99, $3, $4, 'test')`,
      [site.journal.erId, site.journal.journalId, site.operatorId, JSON.stringify({ transactionId: id })],
    );
    await makeCdrs(db.pool);
    expect(await billingOf(db, id)).toMatchObject({ status: "held", reasons: ["entry-parked"] });
    await db.pool.query("update parked_entry set resolved_at = now() where operator_id = $1", [
      site.operatorId,
    ]);
    await makeCdrs(db.pool);
    expect(await billingOf(db, id)).toMatchObject({ status: "billed" });
  });
});

describe("what comes later corrects", () => {
  test("a stop after its ER had closed it: a new CDR, the old charge taken back", async () => {
    await giveTariff(db, site.operatorId);
    const id = randomUUID();
    await happen(start16(site.cp, id), meter16(site.cp, id, { at: 10_000, wh: 3_000 }));
    await happen({
      kind: "transaction.closed",
      reason: "offline",
      ...{ stationId: site.cp, transactionId: id, endedAt: NOON + 20_000, meterStopWh: 3_000 },
    });
    await makeCdrs(db.pool);
    expect(await billingOf(db, id)).toMatchObject({
      status: "held",
      reasons: ["stop-missing"],
    });
    await accept(id);
    await makeCdrs(db.pool);
    expect(await cdrsOf(db, id)).toMatchObject([{ energy_wh: 2_000, energy_quality: "readings" }]);
    await happen(stop16(site.cp, id, { meterStop: 6_000, at: 60_000 }));
    await makeCdrs(db.pool);
    // The register is another one than the person has seen: it stays as it was until somebody has looked again.
    expect(await billingOf(db, id)).toMatchObject({ status: "held", reasons: ["changed-after-review"] });
    expect(await owes("token:tag1")).toBe(400);
    await accept(id);
    await makeCdrs(db.pool);
    const [first, second] = await cdrsOf(db, id);
    expect(second).toMatchObject({
      ...{ number: 2, corrects: first?.cdr_id, cause: "late-data", energy_wh: 5_000, total_minor: 1_000 },
      energy_quality: "registers",
    });
    expect(await owes("token:tag1")).toBe(1_000);
    expect(await audit()).toEqual([]);
  });

  test("by the terms that were agreed, also where no tariff is found any more: time costs what it cost", async () => {
    const time = { perChargingMinuteMicro: 100_000, perIdleMinuteMicro: 500_000 };
    await giveTariff(db, site.operatorId, {
      currency: "BRL",
      elements: [{ perKwhMicro: 1_890_000, ...time }],
    });
    const id = randomUUID();
    const at = (minutes: number) => minutes * 60_000;
    const told = (body: EntryBody, minutes: number) => toldAt(body, at(minutes), at(minutes));
    await happen(
      told(start16(site.cp, id, { meterStart: 0 }), 0),
      told(status16(site.cp, 1, "Charging"), 0),
      told(meter16(site.cp, id, { at: at(30), wh: 10_000 }), 30),
      told(status16(site.cp, 1, "SuspendedEVSE"), 30),
      told(stop16(site.cp, id, { at: at(480), meterStop: 10_000 }), 480),
    );
    await makeCdrs(db.pool);
    expect(await cdrsOf(db, id)).toMatchObject([{ total_minor: 2_190 }]);
    // As where a clock turns out to have been wrong, and it began before anything was assigned.
    await db.pool.query("update tariff_assignment set assigned_from = '2026-06-01' where operator_id = $1", [
      site.operatorId,
    ]);
    await db.pool.query("update transaction set meter_stop_wh = 11000 where transaction_id = $1", [id]);
    await makeCdrs(db.pool);
    expect((await cdrsOf(db, id))[1]).toMatchObject({ energy_wh: 11_000, total_minor: 2_379, flags: [] });
    expect(await audit()).toEqual([]);
  });

  test("by the price that the site showed, and says so as long as it is", async () => {
    const tariffId = await giveTariff(db, site.operatorId);
    await db.pool.query(
      `insert into tariff_version (tariff_id, version, operator_id, valid_from, terms, created_by)
       values ($1, 2, $2, '2026-05-04T11:00:00Z', $3, 'test')`,
      [tariffId, site.operatorId, JSON.stringify({ ...TERMS, elements: [{ perKwhMicro: 3_000_000 }] })],
    );
    const id = randomUUID();
    await happen(
      start16(site.cp, id, {}, { tariff: { tariffId, version: 1 } }),
      stop16(site.cp, id, { meterStop: 11_000 }),
    );
    await makeCdrs(db.pool);
    await db.pool.query("update transaction set meter_stop_wh = 12000 where transaction_id = $1", [id]);
    await makeCdrs(db.pool);
    const told = { flags: ["site-price"], tariff_version: 1 };
    expect(await cdrsOf(db, id)).toMatchObject([
      { ...told, total_minor: 2_000 },
      { ...told, total_minor: 2_200 },
    ]);
    expect(await audit()).toEqual([]);
  });

  test("an orphan that is merged goes to nothing, its transaction gets the energy", async () => {
    await giveTariff(db, site.operatorId);
    const [target, orphan] = [randomUUID(), randomUUID()];
    await happen(
      start16(site.cp, target, { meterStart: 1_000 }),
      toldAt(
        stop16(site.cp, orphan, { meterStop: 9_000, at: 90_000 }, { flags: ["orphan-stop"] }),
        90_000,
        90_000,
      ),
    );
    await makeCdrs(db.pool);
    expect(await billingOf(db, orphan)).toMatchObject({ status: "held" });
    await accept(orphan);
    await db.pool.query("update transaction set meter_start_wh = 8000 where transaction_id = $1", [orphan]);
    await accept(orphan);
    await makeCdrs(db.pool);
    expect(await cdrsOf(db, orphan)).toMatchObject([{ energy_wh: 1_000, total_minor: 200 }]);
    await inTransaction(db.pool, (client) => mergeInto(client, site.operatorId, orphan, target, []));
    await makeCdrs(db.pool);
    expect((await cdrsOf(db, orphan))[1]).toMatchObject({ energy_wh: 0, total_minor: 0 });
    expect(await billingOf(db, orphan)).toMatchObject({ status: "none", reasons: ["merged"] });
    expect(await cdrsOf(db, target)).toMatchObject([{ energy_wh: 8_000, total_minor: 1_600 }]);
    expect(await audit()).toEqual([]);
  });

  test("who pays becomes known late: the charge moves", async () => {
    await giveTariff(db, site.operatorId);
    const id = randomUUID();
    await happen(start16(site.cp, id), stop16(site.cp, id));
    await makeCdrs(db.pool);
    const payer = { operatorId: site.operatorId, transactionId: id, account: accounts.driver("d1") };
    for (let i = 0; i < 2; i++) {
      await inTransaction(db.pool, (client) => setPayer(client, { ...payer, driverId: "d1" }));
      await makeCdrs(db.pool);
    }
    expect(await cdrsOf(db, id)).toMatchObject([{ cause: "ended" }, { cause: "payer", payer: "driver:d1" }]);
    expect([await owes("token:tag1"), await owes("driver:d1")]).toEqual([0, 800]);
  });

  test("a token that is forgotten with its person changes no bill", async () => {
    await giveTariff(db, site.operatorId);
    const id = randomUUID();
    await happen(start16(site.cp, id), stop16(site.cp, id));
    await makeCdrs(db.pool);
    await db.pool.query("update transaction set id_token = 'erased-1' where transaction_id = $1", [id]);
    await db.pool.query("update cdr set id_token = 'erased-1' where transaction_id = $1", [id]);
    expect(await makeCdrs(db.pool)).toBe(0);
    await expect(
      db.pool.query("update cdr set id_token = 'erased-2', total_minor = 0 where transaction_id = $1", [id]),
    ).rejects.toMatchObject({ code: "23001" });
    await expect(
      db.pool.query("update cdr set id_token = 'TAG2' where transaction_id = $1", [id]),
    ).rejects.toMatchObject({ code: "23001" });
  });
});

test("one that cannot be billed is said, tried again later, and holds nobody up", async () => {
  await giveTariff(db, site.operatorId);
  const [bad, good] = [randomUUID(), randomUUID()];
  await happen(
    start16(site.cp, bad),
    stop16(site.cp, bad),
    start16(site.cp, good, { wireId: 8 }),
    stop16(site.cp, good, { wireId: 8 }),
  );
  // No account can have such a name.
  await db.pool.query(
    "insert into transaction_payer (transaction_id, operator_id, account) values ($1, $2, 'nobody')",
    [bad, site.operatorId],
  );
  await expect(makeCdrs(db.pool)).rejects.toMatchObject({ code: "CDR_FAILED" });
  expect(await billingOf(db, good)).toMatchObject({ status: "billed" });
  expect(await billingOf(db, bad)).toMatchObject({ status: "pending", cdr_id: null });
  expect(await makeCdrs(db.pool)).toBe(0);
  await db.pool.query("update transaction_payer set account = 'token:x' where transaction_id = $1", [bad]);
  expect(await makeCdrs(db.pool)).toBe(1);
  expect(await audit()).toEqual([]);
});

test("a run ends when its time is up; the next one goes on", async () => {
  const ids = [randomUUID(), randomUUID()];
  await happen(
    ...ids.flatMap((id, i) => [start16(site.cp, id, { wireId: i }), stop16(site.cp, id, { wireId: i })]),
  );
  expect(await makeCdrs(db.pool, 0)).toBe(0);
  expect(await makeCdrs(db.pool)).toBe(2);
});

describe("billed exactly once", () => {
  /** Happenings of one transaction, each of which may come late, and be stored again. */
  const story = (id: string, i: number): EntryBody[][] => [
    [start16(site.cp, id, { meterStart: 1_000, wireId: 100 + i, idTag: `T${i % 3}` })],
    [meter16(site.cp, id, { at: 10_000 + i, wh: 2_000, wireId: 100 + i })],
    [stop16(site.cp, id, { meterStop: 4_000 + 7 * i, wireId: 100 + i })],
    [meter16(site.cp, id, { at: 40_000 + i, wh: 3_000, wireId: 100 + i })],
  ];

  test("whatever the order of arrival and billing, with replays, by two jobs at once", async () => {
    const run = fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 3 })), { minLength: 4, maxLength: 20 }),
      fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
      async (order, bill) => {
        site = await openSite(db);
        await giveTariff(db, site.operatorId);
        const ids = Array.from({ length: 6 }, () => randomUUID());
        const told = new Set<string>();
        const all = [...order, ...ids.flatMap((_, i) => [0, 1, 2].map((part) => [i, part] as const))];
        for (const [n, [i, part]] of all.entries()) {
          if (told.has(`${i}.${part}`)) continue;
          told.add(`${i}.${part}`);
          site.journal.commit(story(ids[i] ?? "", i)[part] ?? []);
          // The last batches again and again, as after a cut line.
          await storeBatches(db.pool, new Map(), site.journal.erId, [site.journal.batch()]);
          if (bill[n % bill.length]) await Promise.all([makeCdrs(db.pool), makeCdrs(db.pool)]);
        }
        await db.pool.query(
          `update transaction set reviewed_kinds = review_kinds || reviewed_kinds where operator_id = $1`,
          [site.operatorId],
        );
        await Promise.all([makeCdrs(db.pool), makeCdrs(db.pool), makeCdrs(db.pool)]);
        expect(await audit()).toEqual([]);
        for (const [i, id] of ids.entries()) {
          const last = (await cdrsOf(db, id)).at(-1);
          expect([i, last?.energy_wh, last?.total_minor]).toEqual([
            i,
            3_000 + 7 * i,
            Math.round((3_000 + 7 * i) / 5),
          ]);
        }
      },
    );
    await fc.assert(run, { numRuns: scaled(8) });
  }, 120_000);

  test("while the jobs are cut off from the database again and again; numbers have no gaps", async () => {
    await giveTariff(db, site.operatorId);
    const ids = Array.from({ length: 60 }, () => randomUUID());
    await happen(
      ...ids.flatMap((id, i) => [
        start16(site.cp, id, { wireId: 100 + i, idTag: `T${i % 4}` }),
        stop16(site.cp, id, { wireId: 100 + i, meterStop: 2_000 + i }),
      ]),
    );
    const jobs = [0, 1, 2].map(() => db.anotherPool(2));
    let cut = 0;
    const left = async () => {
      const [row] = await db.rows<{ n: number }>(
        "select count(*)::int as n from transaction_billing where operator_id = $1 and due_at is not null",
        site.operatorId,
      );
      return row?.n ?? 0;
    };
    const workers = jobs.map(async (pool) => {
      while ((await left()) > 0) await makeCdrs(pool).catch(() => 0);
    });
    while ((await left()) > 0) {
      const killed =
        cut >= 12
          ? []
          : await db.rows(
              `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
           and state <> 'idle' and query not like '%count(*)%' and pid <> pg_backend_pid() limit 1`,
            );
      cut += killed.length;
      // What failed is tried again at once.
      await db.pool.query("update transaction_billing set due_at = now() where due_at > now()");
      await new Promise((resolve) => setTimeout(resolve, cut < 12 ? 10 : 50));
    }
    await Promise.all(workers);
    expect(cut).toBeGreaterThan(0);
    expect(await audit()).toEqual([]);
    const [row] = await db.rows<{ n: number; last: number }>(
      "select count(*)::int as n, max(number) as last from cdr where operator_id = $1",
      site.operatorId,
    );
    expect(row).toEqual({ n: 60, last: 60 });
  }, 60_000);
});
