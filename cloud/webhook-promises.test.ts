/**
 * Every event that is promised is told: each type of the list is brought about as it comes about in the world
 * (journals of ERs, providers' webhooks, jobs, the API), with one endpoint that listens to everything.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WEBHOOK_TYPES } from "./core/webhook-types.ts";
import { offline, online } from "./harness.ts";
import { justAfter } from "./harness-money.ts";
import { lookAtAlarms } from "./jobs/alarms.ts";
import { Guest, openPayBench, openStand, type PayBench, type Stand } from "./pay/harness.ts";

let bench: PayBench;
beforeAll(async () => void (bench = await openPayBench()));
afterAll(() => bench.close());

async function send<T>(path: string, body: object = {}): Promise<T> {
  const reply = await bench.api.send("POST", path, body);
  expect(reply.status, reply.text).toBeLessThan(300);
  return reply.body as T;
}

/** Pays with a card at a stand of its own. */
async function guestAt(): Promise<{ guest: Guest; stand: Stand }> {
  const stand = await openStand(bench);
  const guest = new Guest(bench, stand, "stripe");
  await guest.begin();
  return { guest, stand };
}
async function settle(): Promise<void> {
  await bench.run();
  await bench.deliver(bench.stripe);
  await bench.run();
}

/** Pays, charges, ends; a part goes back; the bill is put right; its account gets a statement. */
async function charges(): Promise<Stand> {
  const { guest, stand } = await guestAt();
  await guest.paysAndIsTold();
  await stand.finish("RequestStartTransaction", "succeeded");
  await guest.charges();
  await guest.ends(6_000);
  await settle();
  await send(`/v1/payments/${guest.paymentId}/refunds`, { amountMinor: 200, reason: "goodwill" });
  await settle();
  const [cdr] = await bench.db.rows<{ cdr_id: string; payer: string }>(
    "select cdr_id, payer from cdr where transaction_id = $1",
    guest.transactionId,
  );
  await send(`/v1/cdrs/${cdr?.cdr_id}/corrections`, { totalMinor: 1_000, reason: "agreed" });
  const [from, to] = ["2026-01-01T00:00:00Z", await justAfter()];
  await send("/v1/statements", { account: cdr?.payer, from, to });
  return stand;
}

async function declines(): Promise<void> {
  const { guest } = await guestAt();
  bench.stripe.pay(bench.stripe.sessionOf(guest.paymentId).id, "decline");
  await settle();
}

async function doesNotStart(): Promise<void> {
  const { guest, stand } = await guestAt();
  await guest.paysAndIsTold();
  await stand.finish("RequestStartTransaction", "rejected");
  await settle();
}

/** A station goes, is missed, and comes back. */
async function goes(stand: Stand): Promise<void> {
  await send("/v1/alarm-rules", {
    ...{ kind: "station-offline", name: "gone", severity: "warning", params: { minutes: 5 } },
    ...{ siteIds: [stand.journal.siteId], raiseAfterS: 0, clearAfterS: 0, webhook: true },
  });
  await stand.happens(offline(stand.cp));
  await bench.db.pool.query(
    "update station set online_changed_at = now() - interval '10 minutes' where station_id = $1",
    [stand.cp],
  );
  await bench.db.pool.query("update er set last_seen_at = now()");
  await lookAtAlarms(bench.db.pool);
  await stand.happens(online(stand.cp));
  await lookAtAlarms(bench.db.pool);
}

test("each type of the list is told, by the code that does it", async () => {
  const { endpointId } = await send<{ endpointId: string }>("/v1/webhook-endpoints", {
    url: "https://hooks.example.com/moov",
  });
  const stand = await charges();
  await declines();
  await doesNotStart();
  await goes(stand);
  await send(`/v1/webhook-endpoints/${endpointId}/test`);
  const told = await bench.db.rows<{ type: string; data: Record<string, unknown> }>(
    `select e.type, e.data from webhook_event e join webhook_delivery d using (event_id)
     where d.endpoint_id = $1 order by e.at`,
    endpointId,
  );
  expect([...new Set(told.map(({ type }) => type))].sort()).toEqual(Object.keys(WEBHOOK_TYPES).sort());
  // Ids and numbers, and nothing of a person or a card.
  const [guest] = await bench.db.rows<{ id_token: string }>("select id_token from guest_session limit 1");
  expect(JSON.stringify(told)).not.toContain(guest?.id_token);
});

test("the documentation promises the list, and nothing else", () => {
  const text = readFileSync(new URL("../docs/webhooks.md", import.meta.url), "utf8");
  const table = /\| type \| when \|\n([\s\S]*?)\n\n/.exec(text)?.[1] ?? "";
  const promised = table.split("\n").flatMap((line) => {
    const [first = ""] = /^\| ([^|]*) \|/.exec(line)?.slice(1) ?? [];
    const words = [...first.matchAll(/`([\w.]+)`/g)].map((match) => match[1] ?? "");
    const noun = words[0]?.split(".")[0] ?? "";
    return words.map((word) => (word.startsWith(".") ? noun + word : word));
  });
  expect(promised.filter((word) => /\w\.\w/.test(word)).sort()).toEqual(Object.keys(WEBHOOK_TYPES).sort());
});
