/** A library's statements in a transaction of ours. */
import { Kysely, PostgresDialect } from "kysely";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openTestDb, type TestDb } from "../harness.ts";
import { joinedPool, type JoinedPool } from "./joined.ts";

let db: TestDb;
let joined: JoinedPool;
/** As a library would ask. */
let library: Kysely<{ thing: { id: number; name: string } }>;

beforeAll(async () => {
  db = await openTestDb();
  await db.pool.query("create table thing (id integer primary key, name text not null)");
  joined = joinedPool(db.pool);
  library = new Kysely({ dialect: new PostgresDialect({ pool: joined.pool }) });
});
beforeEach(() => db.pool.query("truncate thing"));
afterAll(() => db?.close());

const add = (id: number) => library.insertInto("thing").values({ id, name: "a" }).execute();
const names = async () =>
  (await db.rows<{ id: number }>("select id from thing order by id")).map((r) => r.id);
const seen = async () => (await library.selectFrom("thing").select("id").orderBy("id").execute()).length;
const inTransaction = async () =>
  (
    await db.rows<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and state like 'idle in%'",
    )
  )[0]?.n;

test("what the library and we write is there together, and seen within before", async () => {
  const result = await joined.run(async () => {
    expect(await seen()).toBe(0);
    expect(await inTransaction()).toBe(0);
    await add(1);
    await joined.db.query("insert into thing values (2, 'ours')");
    expect(await seen()).toBe(2);
    expect(await names()).toEqual([]);
    return "done";
  });
  expect(result).toBe("done");
  expect(await names()).toEqual([1, 2]);
});

test("when ours fails, the library's is gone as well, and the connection is good", async () => {
  const failing = joined.run(async () => {
    await add(1);
    await joined.db.query("insert into thing values (2, null)");
  });
  await expect(failing).rejects.toThrow("null value");
  expect(await names()).toEqual([]);
  expect(await inTransaction()).toBe(0);
});

test("a statement that fails, and that the library catches, fails alone", async () => {
  await joined.run(async () => {
    await add(1);
    await expect(add(1)).rejects.toThrow("duplicate");
    // At once, as libraries do.
    await Promise.all([add(2), add(3), seen()]);
  });
  expect(await names()).toEqual([1, 2, 3]);
});

test("a transaction of the library is a part of ours, rolled back alone or with all of it", async () => {
  await joined.run(async () => {
    await add(1);
    await library.transaction().execute((t) => t.insertInto("thing").values({ id: 2, name: "b" }).execute());
    const undone = library.transaction().execute(async (t) => {
      await t.insertInto("thing").values({ id: 3, name: "c" }).execute();
      throw new Error("no");
    });
    await expect(undone).rejects.toThrow("no");
  });
  expect(await names()).toEqual([1, 2]);
  const all = joined.run(async () => {
    await add(4);
    await library.transaction().execute((t) => t.insertInto("thing").values({ id: 5, name: "d" }).execute());
    throw new Error("never mind");
  });
  await expect(all).rejects.toThrow("never mind");
  expect(await names()).toEqual([1, 2]);
});

test("one that the library begins before we have written anything is its own", async () => {
  const failing = joined.run(async () => {
    await library.transaction().execute((t) => t.insertInto("thing").values({ id: 1, name: "a" }).execute());
    expect(await names()).toEqual([1]);
    await add(2);
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await names()).toEqual([1]);
});

test("several at once are each their own, and who comes late asks the pool", async () => {
  const over = Promise.withResolvers<void>();
  const late: Promise<unknown>[] = [];
  const runs = [1, 2, 3].map((id) =>
    joined.run(async () => {
      await add(id);
      late.push(over.promise.then(() => add(10 + id)));
      if (id === 2) throw new Error("two");
    }),
  );
  const settled = await Promise.allSettled(runs);
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await names()).toEqual([1, 3]);
  over.resolve();
  await Promise.all(late);
  expect(await names()).toEqual([1, 3, 11, 12, 13]);
});
