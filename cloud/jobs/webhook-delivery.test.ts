/** Deliveries: what is tried when, what becomes of it, and that nobody waits for somebody else. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../sim/services/until.ts";
import { openTestDb, type TestDb } from "../harness.ts";
import { ensureOperator } from "../sg.ts";
import { emit, emitAll } from "../webhooks.ts";
import { tenantDb, tenantPool } from "../db/tenant.ts";
import { secretBox } from "../pay/secrets.ts";
import { sealOpenWebhookSecrets, sealWebhookSecret } from "../webhook-secrets.ts";
import { createDeliverer } from "./webhook-delivery.ts";

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
  await ensureOperator(db.pool, "other");
});
afterAll(() => db.close());
beforeEach(async () => {
  await db.pool.query("delete from webhook_endpoint");
  await db.pool.query("delete from webhook_event");
});
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Reply = { status: number; headers?: Record<string, string> } | "silence";
type Got = { id: string; body: string; headers: IncomingMessage["headers"] };

/** An endpoint on 127.0.0.1. `reply` is asked for each event. */
async function openEndpoint(reply: () => Reply = () => ({ status: 200 }), types: string[] = []) {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      got.push({ id: String(request.headers["webhook-id"]), body, headers: request.headers });
      const answer = reply();
      if (answer !== "silence") response.writeHead(answer.status, answer.headers).end("thanks");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const secret = `whsec_${randomBytes(32).toString("base64")}`;
  const [row] = await db.rows<{ id: string }>(
    `insert into webhook_endpoint (operator_id, url, secret, event_types) values ('default', $1, $2, $3)
     returning endpoint_id as id`,
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    secret,
    types,
  );
  return { endpointId: row?.id ?? "", secret, got };
}

const BOX = secretBox(randomBytes(32));
const deliverer = (timeoutMs = 5_000) => createDeliverer(db.pool, { allowPrivate: true, timeoutMs }, BOX);
async function round(d = deliverer()): Promise<number> {
  const begun = await d.begin();
  await d.settled();
  return begun;
}
const due = () => db.pool.query("update webhook_delivery set next_at = now() where status = 'pending'");
const deliveries = () =>
  db.rows<{ status: string; attempts: number; wait: number; last_status: number; last_error: string | null }>(
    `select status, attempts, last_status, last_error, extract(epoch from next_at - now())::int as wait
     from webhook_delivery order by created_at`,
  );
const STARTED = { transactionId: "t-1" };

describe("the outbox", () => {
  test("only what some endpoint wants becomes a row: by type, by noun, of one's own operator, enabled", async () => {
    expect(await emit(db.pool, "default", "transaction.started", STARTED)).toBe(0);
    expect(await db.rows("select from webhook_event")).toEqual([]);
    await openEndpoint(undefined, ["transaction.started", "cdr.*"]);
    const off = await openEndpoint();
    await db.pool.query("update webhook_endpoint set enabled = false where endpoint_id = $1", [
      off.endpointId,
    ]);
    expect(await emit(db.pool, "default", "transaction.started", STARTED)).toBe(1);
    expect(await emit(db.pool, "default", "cdr.created", {})).toBe(1);
    expect(await emit(db.pool, "default", "transaction.ended", STARTED)).toBe(0);
    expect(await emit(db.pool, "other", "cdr.created", {})).toBe(0);
  });

  test("one event for several endpoints is one event; what happens once is told once", async () => {
    await openEndpoint();
    await openEndpoint();
    const events = [1, 2].map(() => ({ type: "cdr.created", data: {}, key: "cdr.created:1" }) as const);
    expect(await emitAll(db.pool, "default", events)).toBe(2);
    expect(await emitAll(db.pool, "default", events)).toBe(0);
    expect(await db.rows("select from webhook_event")).toHaveLength(1);
  });

  test("an actor of one site tells of what they did, and of no other operator's", async () => {
    await openEndpoint();
    const behind = tenantPool(db.pool);
    const actor = tenantDb(behind, "default", ["site-x"]);
    expect(await emit(actor, "default", "command.finished", {}, { siteId: "site-x" })).toBe(1);
    expect((await actor.query("select from webhook_endpoint")).rows).toEqual([]);
    await expect(emit(actor, "other", "command.finished", {})).rejects.toThrow("not events of this operator");
    await behind.end();
  });
});

describe("delivery", () => {
  test("an event arrives once, signed, with what happened and when", async () => {
    const { got, secret } = await openEndpoint();
    const at = new Date("2026-05-04T12:00:00Z");
    await emit(db.pool, "default", "transaction.started", STARTED, { at });
    expect(await round()).toBe(1);
    expect(await round()).toBe(0);
    expect(got).toHaveLength(1);
    const body = { type: "transaction.started", timestamp: at.toISOString(), data: STARTED };
    const headers = got[0]?.headers as Record<string, string>;
    expect(new Webhook(secret).verify(got[0]?.body ?? "", headers)).toEqual(body);
    expect(await deliveries()).toMatchObject([
      { status: "delivered", attempts: 1, last_status: 200, last_error: null },
    ]);
  });

  test("while a secret is being changed both sign, afterwards the new one alone", async () => {
    const { got, secret, endpointId } = await openEndpoint();
    const old = `whsec_${randomBytes(32).toString("base64")}`;
    const rotate = (until: string) =>
      db.pool.query(
        `update webhook_endpoint set old_secret = $2, old_secret_until = now() + $3::interval where endpoint_id = $1`,
        [endpointId, old, until],
      );
    for (const left of ["1 hour", "-1 second"]) {
      await rotate(left);
      await emit(db.pool, "default", "transaction.started", STARTED);
      await round();
    }
    const verify = (key: string, n: number) =>
      new Webhook(key).verify(got[n]?.body ?? "", got[n]?.headers as Record<string, string>);
    expect([verify(secret, 0), verify(old, 0), verify(secret, 1)]).toHaveLength(3);
    expect(() => verify(old, 1)).toThrow();
  });

  test("secrets of a former release are sealed at a start, both of them, and sign as before", async () => {
    const { got, secret, endpointId } = await openEndpoint();
    const old = `whsec_${randomBytes(32).toString("base64")}`;
    await db.pool.query(
      `update webhook_endpoint set old_secret = $2, old_secret_until = now() + interval '1 hour'
       where endpoint_id = $1`,
      [endpointId, old],
    );
    const copies = [1, 2].map(() => sealOpenWebhookSecrets(db.pool, BOX));
    await Promise.all(copies);
    expect(await sealOpenWebhookSecrets(db.pool, BOX)).toBe(0);
    const stored = await db.rows<{ sealed_secret: Buffer }>("select * from webhook_endpoint");
    expect(stored).toMatchObject([{ secret: null, old_secret: null }]);
    expect(stored[0]?.sealed_secret.includes(secret)).toBe(false);
    await emit(db.pool, "default", "transaction.started", STARTED);
    await round();
    for (const key of [secret, old])
      new Webhook(key).verify(got[0]?.body ?? "", got[0]?.headers as Record<string, string>);
  });

  test("with another key nothing goes out unsigned, and the delivery says why until the secret is changed", async () => {
    const { got, endpointId } = await openEndpoint();
    await sealOpenWebhookSecrets(db.pool, BOX);
    await emit(db.pool, "default", "transaction.started", STARTED);
    const other = secretBox(randomBytes(32));
    for (const box of [other, undefined]) {
      await round(createDeliverer(db.pool, { allowPrivate: true }, box));
      expect(await deliveries()).toMatchObject([
        { status: "pending", last_error: expect.stringMatching(/^not signed: .*(key|sealed)/) as string },
      ]);
      await due();
    }
    expect(got).toHaveLength(0);
    // Who has lost the key changes the secret: the new one signs alone.
    const fresh = `whsec_${randomBytes(32).toString("base64")}`;
    await db.pool.query(
      `update webhook_endpoint set sealed_old_secret = sealed_secret, sealed_secret = $2,
         old_secret_until = now() + interval '1 hour' where endpoint_id = $1`,
      [endpointId, sealWebhookSecret(other, endpointId, fresh)],
    );
    await round(createDeliverer(db.pool, { allowPrivate: true }, other));
    new Webhook(fresh).verify(got[0]?.body ?? "", got[0]?.headers as Record<string, string>);
    expect(await deliveries()).toMatchObject([{ status: "delivered" }]);
    expect(got).toHaveLength(1);
  });

  test("what fails is tried ten times, later and later, under the same id, and then failed", async () => {
    const { got } = await openEndpoint(() => ({ status: 500 }));
    await emit(db.pool, "default", "transaction.started", STARTED);
    const waits: number[] = [];
    for (let tries = 1; tries <= 10; tries++) {
      expect(await round()).toBe(1);
      const [delivery] = await deliveries();
      expect(delivery).toMatchObject({ attempts: tries, last_status: 500, last_error: "it answered 500" });
      waits.push(delivery?.wait ?? 0);
      await due();
    }
    const least = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    for (const [i, seconds] of least.entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(seconds - 1);
      expect(waits[i]).toBeLessThanOrEqual(seconds * 1.1 + 1);
    }
    expect(await deliveries()).toMatchObject([{ status: "failed" }]);
    expect(await round()).toBe(0);
    expect(new Set(got.map((g) => g.id)).size).toBe(1);
    expect(await db.rows("select from webhook_endpoint where failing_since is not null")).toHaveLength(1);
  });

  test("a busy endpoint is left alone for as long as it asks", async () => {
    await openEndpoint(() => ({ status: 429, headers: { "retry-after": "3600" } }));
    await emit(db.pool, "default", "transaction.started", STARTED);
    await round();
    const [delivery] = await deliveries();
    expect(delivery?.wait).toBeGreaterThan(3_500);
  });

  test("410: the endpoint wants nothing any more, and gets nothing", async () => {
    const { endpointId } = await openEndpoint(() => ({ status: 410 }));
    await emit(db.pool, "default", "transaction.started", STARTED);
    await round();
    expect(await deliveries()).toMatchObject([{ status: "failed", last_status: 410 }]);
    expect(
      await db.rows(
        "select enabled, disabled_because from webhook_endpoint where endpoint_id = $1",
        endpointId,
      ),
    ).toEqual([{ enabled: false, disabled_because: "gone" }]);
    expect(await emit(db.pool, "default", "transaction.started", STARTED)).toBe(0);
  });

  test("one endpoint that hangs holds up no other, and takes no more than its share", async () => {
    const hanging = await openEndpoint(() => "silence", ["transaction.*"]);
    const well = await openEndpoint(undefined, ["cdr.*"]);
    for (let i = 0; i < 40; i++) await emit(db.pool, "default", "transaction.started", { i });
    await emit(db.pool, "default", "cdr.created", {});
    const d = deliverer(2_000);
    await d.begin();
    await d.begin();
    await until("the other one has it", () => well.got.length === 1);
    expect(hanging.got.length).toBeLessThanOrEqual(8);
    await emit(db.pool, "default", "cdr.created", {});
    expect(await d.begin()).toBe(1);
    await until("and the next", () => well.got.length === 2);
    await d.settled();
  });

  test("two copies deliver each event once; what a dead one had claimed comes again", async () => {
    const { got } = await openEndpoint();
    for (let i = 0; i < 30; i++) await emit(db.pool, "default", "transaction.started", { i });
    const copies = [deliverer(), deliverer()];
    for (let n = 0; n < 6; n++) await Promise.all(copies.map((copy) => round(copy)));
    expect(got).toHaveLength(30);
    expect(new Set(got.map((g) => g.id)).size).toBe(30);
    await emit(db.pool, "default", "transaction.started", {});
    await db.pool.query(
      "update webhook_delivery set attempts = 1, next_at = now() + interval '3 minutes' where status = 'pending'",
    );
    expect(await round()).toBe(0);
    await due();
    expect(await round()).toBe(1);
  });
});
