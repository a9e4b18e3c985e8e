/** Statements: energy and sessions of an account are those of the CDRs that stand, whatever was corrected when. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fc, scaled } from "../sim/services/property.ts";
import type { EntryBody } from "../shared/entry.ts";
import { storeCdr, type CdrRow } from "./cdr-store.ts";
import { priceByHand } from "./core/cdr.ts";
import { accounts, type Account } from "./core/ledger.ts";
import { inTransaction } from "./db/pool.ts";
import { openTestDb, start16, stop16, storeAll, type TestDb } from "./harness.ts";
import { giveTariff, openSite, type MoneySite } from "./harness-money.ts";
import { makeCdrs } from "./jobs/cdrs.ts";
import { mergeInto } from "./api/merge-transaction.ts";
import { setPayer } from "./ledger.ts";
import { createStatement, readLines, type StatementRow } from "./statements.ts";

let db: TestDb;
let site: MoneySite;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());
beforeEach(async () => void (site = await openSite(db)));

const happen = (...bodies: EntryBody[]) => storeAll(db.pool, site.journal.commit(bodies));
const bill = async (...bodies: EntryBody[]) => {
  if (bodies.length > 0) await happen(...bodies);
  await makeCdrs(db.pool);
};
const writtenOff = (id: string, is: boolean) =>
  db.pool.query("update transaction set written_off = $2 where transaction_id = $1", [id, is]);
const moment = async () => {
  const [row] = await db.rows<{ at: string }>("select clock_timestamp()::text as at");
  return row?.at ?? "";
};
const LONG_AGO = "2020-01-01T00:00:00Z";

/** Of an account's time, up to now. It has to have moved once. */
async function statementOf(account: Account, from = LONG_AGO, to?: string): Promise<StatementRow> {
  const period = { from, to: to ?? (await moment()) };
  const made = await inTransaction(db.pool, (client) =>
    createStatement(client, site.operatorId, { account, currency: "BRL", period, createdBy: "test" }),
  );
  return made.row;
}
const told = (row: StatementRow) => [row.cdr_count, row.energy_wh, row.charges_minor];

/** What its lines say must be what its head says. */
async function expectLinesAddUp(row: StatementRow): Promise<void> {
  const lines = await readLines(db.pool, row);
  const sum = (of: (line: (typeof lines)[number]) => number | null) =>
    lines.reduce((all, line) => all + (of(line) ?? 0), 0);
  expect(sum((line) => line.amount_minor)).toBe(row.closing_minor - row.opening_minor);
  expect(sum((line) => line.energy_wh)).toBe(row.energy_wh);
}

describe("energy and sessions of a statement", () => {
  beforeEach(async () => void (await giveTariff(db, site.operatorId)));

  test("what was free and is billed after all was taken once", async () => {
    const id = randomUUID();
    await bill(start16(site.cp, id, { meterStart: 1_000 }), stop16(site.cp, id, { meterStop: 11_000 }));
    const before = await moment();
    await writtenOff(id, true);
    await bill();
    const between = await moment();
    await writtenOff(id, false);
    await bill();
    expect(told(await statementOf("token:tag1"))).toEqual([1, 10_000, 2_000]);
    // Month by month: it was told as taken in the first one, and what comes after changes only what it costs.
    const months = [
      await statementOf("token:tag1", LONG_AGO, before),
      await statementOf("token:tag1", before, between),
      await statementOf("token:tag1", between),
    ];
    expect(months.map(told)).toEqual([
      [1, 10_000, 2_000],
      [0, 0, -2_000],
      [0, 0, 2_000],
    ]);
    for (const month of months) await expectLinesAddUp(month);
  });

  test("what was free and is another payer's is the other's alone", async () => {
    const [charged, free] = [randomUUID(), randomUUID()];
    await bill(
      start16(site.cp, charged),
      stop16(site.cp, charged),
      start16(site.cp, free, { wireId: 8, meterStart: 0 }),
      stop16(site.cp, free, { wireId: 8, meterStop: 10_000 }),
    );
    await writtenOff(free, true);
    await bill();
    expect(told(await statementOf("token:tag1"))).toEqual([2, 14_000, 800]);
    const account = accounts.driver("d1");
    const payer = { operatorId: site.operatorId, transactionId: free, account };
    await inTransaction(db.pool, (client) => setPayer(client, payer));
    await bill();
    await writtenOff(free, false);
    await bill();
    expect(told(await statementOf("token:tag1"))).toEqual([1, 4_000, 800]);
    expect(told(await statementOf(account))).toEqual([1, 10_000, 2_000]);
  });

  test("ends, and its lines with it, at the microsecond that it names", async () => {
    const id = randomUUID();
    await bill(start16(site.cp, id), stop16(site.cp, id));
    const [booked] = await db.rows<{ at: string; next: string }>(
      `select booked_at::text as at, (booked_at + interval '1 microsecond')::text as next from ledger_posting
       where operator_id = $1`,
      site.operatorId,
    );
    const [at, next] = [booked?.at ?? "", booked?.next ?? ""];
    const periods = [[LONG_AGO, at] as const, [LONG_AGO, next] as const, [at, next] as const];
    const charges: number[] = [];
    for (const [from, to] of periods) {
      const row = await statementOf("token:tag1", from, to);
      await expectLinesAddUp(row);
      charges.push(row.charges_minor);
    }
    expect(charges).toEqual([0, 800, 800]);
  });

  test("an orphan that was merged is no session", async () => {
    const [target, orphan] = [randomUUID(), randomUUID()];
    await bill(
      start16(site.cp, target, { meterStart: 1_000 }),
      start16(site.cp, orphan, { meterStart: 8_000, at: 80_000 }),
      stop16(site.cp, orphan, { meterStop: 9_000, at: 90_000 }),
    );
    expect(told(await statementOf("token:tag1"))).toEqual([1, 1_000, 200]);
    await inTransaction(db.pool, (client) => mergeInto(client, site.operatorId, orphan, target, []));
    await bill();
    expect(told(await statementOf("token:tag1"))).toEqual([1, 8_000, 1_600]);
  });
});

test("any corrections: statements add up to the CDRs that stand, and each to its lines", async () => {
  const payer = fc.constantFrom(accounts.driver("a"), accounts.driver("b"));
  const cdr = fc.record({ payer, totalMinor: fc.constantFrom(0, 0, 700, 1_300), energyWh: fc.nat(9_000) });
  const step = fc.record({ of: fc.nat(3), cdr, cut: fc.boolean() });
  const run = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
    site = await openSite(db);
    const ids = Array.from({ length: 4 }, () => randomUUID());
    await happen(...ids.map((id, i) => start16(site.cp, id, { wireId: 20 + i })));
    // Both accounts have moved once: an account that never did has no statement.
    const standing = new Map<string, CdrRow>();
    const cuts = [LONG_AGO];
    for (const { of, cdr: next, cut } of [...steps, ...opening]) {
      const id = ids[of] ?? "";
      standing.set(id, await write(id, next, standing.get(id)));
      if (cut) cuts.push(await moment());
    }
    cuts.push(await moment());
    for (const account of [accounts.driver("a"), accounts.driver("b")]) {
      const rows: StatementRow[] = [];
      for (const [i, from] of cuts.slice(0, -1).entries())
        rows.push(await statementOf(account, from, cuts[i + 1]));
      for (const row of rows) await expectLinesAddUp(row);
      const own = [...standing.values()].filter((row) => row.payer === account);
      const total = (of: (row: CdrRow) => number) => own.reduce((all, row) => all + of(row), 0);
      const sum = (of: (row: StatementRow) => number) => rows.reduce((all, row) => all + of(row), 0);
      expect(sum((row) => row.energy_wh)).toBe(total((row) => row.energy_wh));
      expect(sum((row) => row.cdr_count)).toBe(own.length);
      expect(sum((row) => row.charges_minor)).toBe(total((row) => row.total_minor));
      expect(rows.at(-1)?.closing_minor).toBe(total((row) => row.total_minor));
    }
  });
  await fc.assert(run, { numRuns: scaled(15) });
}, 120_000);

type Next = { payer: Account; totalMinor: number; energyWh: number };
const opening = [
  { of: 0, cdr: { payer: accounts.driver("a"), totalMinor: 100, energyWh: 1 }, cut: false },
  { of: 1, cdr: { payer: accounts.driver("b"), totalMinor: 100, energyWh: 1 }, cut: false },
];

/** The next CDR of a transaction, as the job or a person would write it. */
function write(transactionId: string, next: Next, standing: CdrRow | undefined): Promise<CdrRow> {
  const [startedAt, endedAt] = [Date.now() - 60_000, Date.now()];
  const price = priceByHand(next.totalMinor, { currency: "BRL", terms: null, startedAt, endedAt });
  const cdr = {
    ...{ operatorId: site.operatorId, transactionId, cause: "manual" as const, reason: null, price },
    ...{ createdBy: "test", siteId: site.journal.siteId, stationId: site.cp, evseId: 1, connectorId: 1 },
    ...{ idToken: null, driverId: null, paymentId: null, payer: next.payer, startedAt, endedAt },
    ...{ timeZone: "UTC", timeQuality: "station" as const, meterStartWh: null, meterStopWh: null },
    ...{ energyWh: next.energyWh, energyQuality: "decided" as const, flags: [], basis: randomUUID() },
    ...{ tariffId: null, tariffVersion: null },
  };
  return inTransaction(db.pool, (client) => storeCdr(client, cdr, standing, endedAt));
}
