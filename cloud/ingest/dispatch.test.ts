/** Commands that are due. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import { checkWire, Commands } from "../../shared/wire.ts";
import { arrive, Journal, online, openTestDb, type TestDb } from "../harness.ts";
import { expireCommands, takeDueCommands } from "./dispatch.ts";

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
  await arrive(db.pool, new Journal("er-1", "site-1").commit([online("CP1")]));
  await arrive(db.pool, new Journal("er-2", "site-2").commit([online("CP1")]));
});
afterAll(() => db.close());
beforeEach(() => db.pool.query("delete from command"));

/** A command whose life ends `expiresInS` from now. */
async function command(
  o: { er?: 1 | 2; status?: string; expiresInS?: number; sentAgoS?: number; issuedAgoS?: number } = {},
) {
  const { er = 1, status = "pending", expiresInS = 60, sentAgoS, issuedAgoS = 0 } = o;
  const id = randomUUID();
  await db.pool.query(
    `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, status, issued_by, issued_at, expires_at,
       sent_at) values ($1, 'default', $2, $3, $4, 'Reset', '{"type":"OnIdle"}', $5, 'test', now() - $8 * interval '1 second',
       now() + $6 * interval '1 second', now() - $7::float8 * interval '1 second')`,
    [
      id,
      `site-${er}`,
      `er-${er}`,
      er === 1 ? "CP1" : "site-2~CP1",
      status,
      expiresInS,
      sentAgoS ?? null,
      issuedAgoS,
    ],
  );
  return id;
}
const idsOf = (due: Awaited<ReturnType<typeof takeDueCommands>>) =>
  [...due.values()].flat().map((c) => c.commandId);
const statusOf = async (id: string) =>
  (await db.rows("select status, reason from command where command_id = $1", id))[0];

test("a new command is due once, and goes to its ER under the station's own name", async () => {
  const id = await command({ er: 2 });
  const due = await takeDueCommands(db.pool);
  const [sent] = due.get("er-2") ?? [];
  expect(sent).toMatchObject({ commandId: id, stationId: "CP1", kind: "Reset", params: { type: "OnIdle" } });
  expect(sent?.remainingMs).toBeGreaterThan(55_000);
  expect(sent?.remainingMs).toBeLessThanOrEqual(60_000);
  expect(() => checkWire(Commands, { v: 1, commands: [sent] })).not.toThrow();
  expect(await statusOf(id)).toMatchObject({ status: "sent" });
  expect((await takeDueCommands(db.pool)).size).toBe(0);
});

test("it is sent again after 30 s, until its ER has accepted it or its time is up", async () => {
  const again = await command({ status: "sent", sentAgoS: 31 });
  await command({ status: "sent", sentAgoS: 29 });
  await command({ status: "accepted", sentAgoS: 31 });
  await command({ status: "succeeded", sentAgoS: 31 });
  await command({ status: "sent", sentAgoS: 31, expiresInS: -1 });
  expect(idsOf(await takeDueCommands(db.pool))).toEqual([again]);
});

test("an ER that says hello gets all of its open commands at once, and no other ER's", async () => {
  const mine = [await command({ status: "sent", sentAgoS: 1 }), await command()];
  await command({ er: 2 });
  expect(idsOf(await takeDueCommands(db.pool, "er-1")).sort()).toEqual(mine.sort());
});

test("two dispatchers at the same time share the commands", async () => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => command()));
  const other = db.anotherPool();
  const taken = await Promise.all([
    takeDueCommands(db.pool),
    takeDueCommands(other),
    takeDueCommands(db.pool),
  ]);
  expect(taken.flatMap(idsOf).sort()).toEqual(ids.sort());
});

test("a dispatcher does not wait for a row that somebody else holds", async () => {
  const [held, free] = [await command(), await command()];
  const client = await db.pool.connect();
  await client.query("begin");
  // Whoever waits all the same does so for a moment only.
  await client.query("set local idle_in_transaction_session_timeout = '3s'");
  await client.query("select 1 from command where command_id = $1 for update", [held]);
  const taken = idsOf(await takeDueCommands(db.pool));
  await client.query("rollback").catch(() => undefined);
  client.release(true);
  expect(taken).toEqual([free]);
  expect(idsOf(await takeDueCommands(db.pool))).toEqual([held]);
});

test("more than one message holds are sent oldest first, the rest with the next turn", async () => {
  const newest = await command({ issuedAgoS: 0 });
  await Promise.all(Array.from({ length: 200 }, () => command({ issuedAgoS: 10 })));
  const first = idsOf(await takeDueCommands(db.pool));
  expect(first).toHaveLength(200);
  expect(first).not.toContain(newest);
  expect(idsOf(await takeDueCommands(db.pool))).toEqual([newest]);
});

test("what no ER accepted in time expires; what was accepted does not", async () => {
  const late = await command({ status: "sent", expiresInS: -6 });
  const grace = await command({ status: "sent", expiresInS: -1 });
  const accepted = await command({ status: "accepted", expiresInS: -60 });
  expect(await expireCommands(db.pool)).toBe(1);
  expect(await statusOf(late)).toEqual({ status: "expired", reason: "no ER accepted it in time" });
  expect(await statusOf(grace)).toMatchObject({ status: "sent" });
  expect(await statusOf(accepted)).toMatchObject({ status: "accepted" });
  expect(await expireCommands(db.pool)).toBe(0);
});
