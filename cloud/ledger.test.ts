/** The ledger in PostgreSQL: booked once, balanced, never changed, whoever tries. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fc, scaled } from "../sim/services/property.ts";
import {
  accounts,
  charge,
  netEntries,
  paymentReceived,
  refund,
  type Entry,
  type Posting,
} from "./core/ledger.ts";
import { inTransaction } from "./db/pool.ts";
import { NOON, openTestDb, type TestDb } from "./harness.ts";
import { balance, post, readPosting, reverse } from "./ledger.ts";
import { snapshotBalances } from "./jobs/balances.ts";
import { ensureOperator } from "./sg.ts";

let db: TestDb;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());

/** An operator of its own for each test: its books begin empty. */
async function newOperator(): Promise<string> {
  const operatorId = `op-${randomUUID().slice(0, 8)}`;
  await ensureOperator(db.pool, operatorId);
  return operatorId;
}

const book = (operatorId: string, ...postings: Posting[]) =>
  inTransaction(db.pool, async (client) => {
    const booked = [];
    for (const posting of postings) booked.push(await post(client, operatorId, posting));
    return booked;
  });

const guest = (id: string, more: Partial<{ amountMinor: number; reference: string }> = {}) => ({
  reference: `payment:${id}:paid`,
  occurredAt: NOON,
  currency: "BRL",
  amountMinor: 5_000,
  payer: accounts.guest(id),
  provider: "sandbox",
  ...more,
});

const booksOf = (operatorId: string) =>
  db.rows<{ account: string; currency: string; sum: number }>(
    `select account, currency, sum(amount_minor)::bigint as sum from ledger_entry where operator_id = $1
     group by 1, 2 having sum(amount_minor) <> 0 order by 1, 2`,
    operatorId,
  );

describe("booking", () => {
  test("a posting is booked once, however often and by however many it is told", async () => {
    const operatorId = await newOperator();
    const posting = paymentReceived(guest("g1"));
    const booked = await Promise.all(Array.from({ length: 8 }, () => book(operatorId, posting)));
    const all = booked.flat();
    expect(all.filter((one) => one.isNew)).toHaveLength(1);
    expect(new Set(all.map((one) => one.postingId)).size).toBe(1);
    expect(await balance(db.pool, operatorId, accounts.guest("g1"), "BRL")).toBe(-5_000);
    expect(await balance(db.pool, operatorId, accounts.clearing("sandbox"), "BRL")).toBe(5_000);
    expect(await balance(db.pool, operatorId, accounts.clearing("sandbox"), "EUR")).toBe(0);
  });

  test("a name that was used for something else is refused, and nothing of the transaction stays", async () => {
    const operatorId = await newOperator();
    await book(operatorId, paymentReceived(guest("g1")));
    const other = book(
      operatorId,
      paymentReceived(guest("g2")),
      paymentReceived(guest("g1", { amountMinor: 4_000 })),
    );
    await expect(other).rejects.toMatchObject({ code: "LEDGER_REFERENCE_REUSED" });
    await expect(book(operatorId, refund(guest("g1")))).rejects.toMatchObject({
      code: "LEDGER_REFERENCE_REUSED",
    });
    expect(await balance(db.pool, operatorId, accounts.guest("g2"), "BRL")).toBe(0);
  });

  test("nothing to book books nothing; what does not balance is refused", async () => {
    const operatorId = await newOperator();
    const [free] = await book(operatorId, paymentReceived(guest("g1", { amountMinor: 0 })));
    expect(free).toEqual({ postingId: null, isNew: false });
    const entries: Entry[] = [{ account: "bank", currency: "BRL", amountMinor: 1 }];
    const unbalanced = { ...paymentReceived(guest("g1")), entries };
    await expect(book(operatorId, unbalanced)).rejects.toMatchObject({ code: "LEDGER_POSTING_INVALID" });
    expect(await booksOf(operatorId)).toEqual([]);
  });

  test("what was booked is taken back once; what was not, not at all", async () => {
    const operatorId = await newOperator();
    await book(operatorId, paymentReceived(guest("g1")));
    const back = () =>
      inTransaction(db.pool, (client) =>
        reverse(client, operatorId, "payment:g1:paid", { occurredAt: NOON, note: "by mistake" }),
      );
    const both = await Promise.all([back(), back()]);
    expect(both.filter((one) => one?.isNew)).toHaveLength(1);
    expect(await booksOf(operatorId)).toEqual([]);
    expect(await readPosting(db.pool, operatorId, "reversal:payment:g1:paid")).toMatchObject({
      kind: "reversal",
      reverses: "payment:g1:paid",
    });
    const nothing = await inTransaction(db.pool, (client) =>
      reverse(client, operatorId, "payment:g7:paid", { occurredAt: NOON }),
    );
    expect(nothing).toBeUndefined();
  });

  test("a clock that is put back books nothing into what was summed up already", async () => {
    const operatorId = await newOperator();
    await book(operatorId, paymentReceived(guest("g1")));
    await snapshotBalances(db.pool, operatorId);
    await db.pool.query("update ledger_settled set at = at + interval '1 hour' where operator_id = $1", [
      operatorId,
    ]);
    await db.pool.query("update ledger_balance set upto = upto + interval '1 hour' where operator_id = $1", [
      operatorId,
    ]);
    await book(operatorId, paymentReceived(guest("g1", { reference: "payment:g1:more", amountMinor: 7 })));
    expect(await balance(db.pool, operatorId, accounts.guest("g1"), "BRL")).toBe(-5_007);
  });

  test("operators' books are apart", async () => {
    const [one, other] = [await newOperator(), await newOperator()];
    await book(one, paymentReceived(guest("g1")));
    await book(other, paymentReceived(guest("g1", { amountMinor: 1 })));
    expect(await balance(db.pool, one, accounts.guest("g1"), "BRL")).toBe(-5_000);
    expect(await balance(db.pool, other, accounts.guest("g1"), "BRL")).toBe(-1);
  });
});

describe("any sequence of events, with any repeats and in any order, ends in the same balances", () => {
  const event = fc.record({
    id: fc.integer({ min: 1, max: 5 }),
    kind: fc.constantFrom("paid", "refund", "charge"),
  });
  const toPosting = ({ id, kind }: { id: number; kind: string }): Posting => {
    const base = guest(`g${id}`, { reference: `${kind}:${id}`, amountMinor: 100 * id });
    if (kind === "paid") return paymentReceived(base);
    return kind === "refund" ? refund(base) : charge({ ...base, netMinor: 70 * id, taxMinor: 7 * id });
  };

  test("and in the sums of what happened", async () => {
    const run = fc.asyncProperty(
      fc.uniqueArray(event, { minLength: 1, maxLength: 8, selector: (e) => `${e.kind}${e.id}` }),
      fc.infiniteStream(fc.nat()),
      async (events, random) => {
        const postings = events.map(toPosting);
        const expected = netEntries(postings.flatMap((posting) => posting.entries));
        const operatorId = await newOperator();
        const shuffled = [...postings, ...postings, ...postings]
          .map((posting) => ({ posting, key: random.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key);
        // Several tell at the same time, and the balances are summed up in between.
        const half = Math.ceil(shuffled.length / 2);
        await Promise.all(shuffled.slice(0, half).map(({ posting }) => book(operatorId, posting)));
        await snapshotBalances(db.pool, operatorId);
        await Promise.all(shuffled.slice(half).map(({ posting }) => book(operatorId, posting)));
        const told = (await booksOf(operatorId)).map((r) => [r.currency, r.account, r.sum]);
        expect(told).toEqual(expected.map((e) => [e.currency, e.account, e.amountMinor]));
        for (const { account, currency, amountMinor } of expected)
          expect(await balance(db.pool, operatorId, account, currency)).toBe(amountMinor);
      },
    );
    await fc.assert(run, { numRuns: scaled(15) });
  });
});

describe("PostgreSQL refuses", () => {
  /** As somebody would who writes past the program. */
  const byHand = (
    operatorId: string,
    entries: readonly [string, string, number][],
    bookedAt = "p.booked_at",
  ) =>
    inTransaction(db.pool, async (client) => {
      await client.query(
        `insert into ledger_account (operator_id, account, kind) values ($1, 'bank', 'bank'), ($1, 'fees', 'fees')
         on conflict do nothing`,
        [operatorId],
      );
      await client.query(
        "insert into ledger_posting (operator_id, reference, kind, occurred_at) values ($1, $2, 'manual', now())",
        [operatorId, randomUUID()],
      );
      for (const [i, [account, currency, amount]] of entries.entries()) {
        await client.query(
          `insert into ledger_entry (operator_id, posting_id, line, account, currency, amount_minor, booked_at)
           select p.operator_id, p.posting_id, $2, $3, $4, $5, ${bookedAt} from ledger_posting p where p.operator_id = $1`,
          [operatorId, i, account, currency, amount],
        );
      }
    });

  test("a posting that does not sum to zero, one without entries, one of two times", async () => {
    const operatorId = await newOperator();
    const refused = { code: "23514" };
    await expect(byHand(operatorId, [["bank", "BRL", 1]])).rejects.toMatchObject(refused);
    await expect(
      byHand(operatorId, [
        ["bank", "BRL", 1],
        ["fees", "EUR", -1],
      ]),
    ).rejects.toMatchObject(refused);
    await expect(byHand(operatorId, [])).rejects.toMatchObject(refused);
    const balanced = [
      ["bank", "BRL", 1],
      ["fees", "BRL", -1],
    ] as const;
    await expect(
      byHand(operatorId, balanced as never, "p.booked_at - interval '1 day'"),
    ).rejects.toMatchObject(refused);
    await byHand(operatorId, balanced as never);
    expect(await booksOf(operatorId)).toHaveLength(2);
  });

  test("entries that come to a posting later, although they balance", async () => {
    const operatorId = await newOperator();
    await book(operatorId, paymentReceived(guest("g1")));
    const late = inTransaction(db.pool, async (client) => {
      await client.query(
        `insert into ledger_account (operator_id, account, kind) values ($1, 'bank', 'bank'), ($1, 'fees', 'fees')`,
        [operatorId],
      );
      await client.query(
        `insert into ledger_entry (operator_id, posting_id, line, account, currency, amount_minor, booked_at)
         select p.operator_id, p.posting_id, n + 8, case n when 1 then 'bank' else 'fees' end, 'BRL', n, p.booked_at
         from ledger_posting p, unnest(array[1, -1]) n where p.operator_id = $1`,
        [operatorId],
      );
    });
    await expect(late).rejects.toMatchObject({ code: "23514" });
  });

  test.each([
    "ledger_posting",
    "ledger_entry",
    "ledger_account",
    "cdr",
    "statement",
    "statement_cdr",
    "receipt",
  ])("changes, deletions and truncation of %s", async (table) => {
    const operatorId = await newOperator();
    await book(operatorId, paymentReceived(guest("g1")));
    await expect(db.pool.query(`truncate ${table} cascade`)).rejects.toMatchObject({ code: "23001" });
    const [{ n } = { n: 0 }] = await db.rows<{ n: number }>(`select count(*)::int as n from ${table}`);
    if (n > 0) {
      await expect(db.pool.query(`delete from ${table}`)).rejects.toMatchObject({ code: "23001" });
      await expect(db.pool.query(`update ${table} set operator_id = operator_id`)).rejects.toMatchObject({
        code: "23001",
      });
    }
    const [grants] = await db.rows<{ del: boolean; upd: boolean; ins: boolean }>(
      `select has_table_privilege('moov_tenant', $1, 'delete') as del, has_table_privilege('moov_tenant', $1, 'update') as upd,
           has_table_privilege('moov_tenant', $1, 'insert') as ins`,
      table,
    );
    expect(grants).toEqual({ del: false, upd: false, ins: true });
  });
});
