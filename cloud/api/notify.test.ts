/** Alarms, webhooks, mails and exports through the API, and the files that exports become. */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXPORT_PAGE_ROWS } from "../../shared/limits.ts";
import { EXPORT_KIND_NAMES } from "../exports/kinds.ts";
import { toCsv } from "../exports/csv.ts";
import { openFileFolder, type FileFolder } from "../files.ts";
import { listenLive, openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";
import { lookAtAlarms } from "../jobs/alarms.ts";
import { expireExports, makeExports } from "../jobs/exports.ts";
import { createDeliverer } from "../jobs/webhook-delivery.ts";
import { createPay } from "../pay/providers.ts";
import { secretBox } from "../pay/secrets.ts";
import { openWebhookSecret } from "../webhook-secrets.ts";
import { emit } from "../webhooks.ts";
import { createApiKey } from "./actor.ts";
import { createOperator, type Operator } from "./harness.ts";
import type { Alarm, AlarmRule, Export, Mail, WebhookDelivery, WebhookEndpoint } from "./notify-schemas.ts";
import type { Page } from "./schemas.ts";

const BOX = secretBox(randomBytes(32));
let db: TestDb;
let api: TestApi;
let mine: Operator;
let dir: string;
let files: FileFolder;

beforeAll(async () => {
  db = await openTestDb();
  dir = await mkdtemp(join(tmpdir(), "sg-notify-"));
  files = openFileFolder(dir);
  api = await openTestApi(db.pool, {
    filesDir: dir,
    pay: createPay(db.pool, BOX, { publicUrl: () => "http://127.0.0.1", sandbox: false }),
  });
  mine = await createOperator(db, "mine");
  await createOperator(db, "theirs");
});
afterAll(async () => {
  await api.close();
  await db.close();
  await rm(dir, { recursive: true, force: true });
});

/** As an owner of `mine`. */
async function ask<T = Record<string, unknown>>(
  method: string,
  path: string,
  body?: unknown,
  key = mine.key,
) {
  const reply = await api.app.inject({
    method: method as "GET",
    url: path,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { payload: body as object }),
  });
  const json = /json/.test(String(reply.headers["content-type"]));
  return {
    status: reply.statusCode,
    body: (json ? reply.json() : undefined) as T,
    text: reply.body,
    headers: reply.headers,
  };
}
const auditOf = (subject: string) =>
  db.rows<{ action: string }>("select action from audit where subject = $1 order by audit_id", subject);

describe("alarms", () => {
  test("a rule is written, raises, is acknowledged once, and takes its alarms along when it goes", async () => {
    const made = await ask<AlarmRule>("POST", "/v1/alarm-rules", {
      kind: "er-offline",
      name: "ER",
      severity: "critical",
      params: { minutes: 3 },
      siteIds: [mine.siteId],
      clearAfterS: 0,
    });
    expect(made).toMatchObject({ status: 201, body: { params: { minutes: 3 }, emails: [], enabled: true } });
    const { ruleId } = made.body;
    await db.pool.query("update er set last_seen_at = now() - interval '4 minutes' where er_id = $1", [
      mine.erId,
    ]);
    await lookAtAlarms(db.pool);
    const open = await ask<Page<Alarm>>(
      "GET",
      `/v1/alarms?status=open&severity=critical&siteId=${mine.siteId}`,
    );
    const alarm = open.body.items.find((item) => item.ruleId === ruleId);
    expect(alarm).toMatchObject({ status: "raised", subject: `er:${mine.erId}`, erId: mine.erId });
    const path = `/v1/alarms/${alarm?.alarmId}/acknowledge`;
    expect((await ask<Alarm>("POST", path, { note: "on it" })).body).toMatchObject({
      status: "acknowledged",
      note: "on it",
      acknowledgedBy: "mine-key",
    });
    // Whoever comes second changes nothing.
    expect((await ask<Alarm>("POST", path, { note: "me too" })).body.note).toBe("on it");
    expect((await auditOf(alarm?.alarmId ?? "")).map((row) => row.action)).toContain("alarm.acknowledge");
    expect((await ask("DELETE", `/v1/alarm-rules/${ruleId}`)).status).toBe(200);
    const after = await ask<Page<Alarm>>("GET", "/v1/alarms?status=cleared");
    expect(after.body.items.find((item) => item.alarmId === alarm?.alarmId)).toMatchObject({
      status: "cleared",
      clearedBecause: "rule-deleted",
      ruleId: null,
    });
    expect((await auditOf(ruleId)).map((row) => row.action)).toEqual([
      "alarmRule.create",
      "alarmRule.delete",
    ]);
  });

  test("pages hear of each that is raised, acknowledged for the first time, cleared, or goes with its rule", async () => {
    const { heard, stop } = await listenLive(db, (event) => event.type === "alarm");
    const made = await ask<AlarmRule>("POST", "/v1/alarm-rules", {
      ...{ kind: "er-disk", name: "disk", severity: "info", params: { percent: 50 }, clearAfterS: 0 },
      siteIds: [mine.siteId],
    });
    const fill = (percent: number) =>
      db.pool.query(
        `update er set last_seen_at = now(), gauges_at = now(), gauges = (gauges::jsonb || $2::jsonb)::json where er_id = $1`,
        [mine.erId, JSON.stringify({ journalBytes: percent, journalBudgetBytes: 100 })],
      );
    const idOf = async () =>
      (
        await db.rows<{ id: string }>(
          "select alarm_id as id from alarm where rule_id = $1 and cleared_at is null",
          made.body.ruleId,
        )
      )[0]?.id ?? "";
    await fill(70);
    await lookAtAlarms(db.pool);
    const first = await idOf();
    for (let i = 0; i < 2; i++) await ask("POST", `/v1/alarms/${first}/acknowledge`, {});
    await fill(10);
    await lookAtAlarms(db.pool);
    await fill(70);
    await lookAtAlarms(db.pool);
    const second = await idOf();
    await ask("DELETE", `/v1/alarm-rules/${made.body.ruleId}`);
    // Other rules raise theirs meanwhile.
    const events = async () =>
      (await heard(0)).filter((event) => [first, second].includes(event.alarmId ?? ""));
    await expect
      .poll(async () => (await events()).map((event) => event.alarmId))
      .toEqual([first, first, first, second, second]);
    expect(new Set((await events()).map((event) => event.siteId))).toEqual(new Set([mine.siteId]));
    await stop();
  });

  test("what makes no sense is refused in words; a patch changes what it names", async () => {
    const base = { kind: "er-backlog", name: "x", severity: "info" };
    const rules: [object, string][] = [
      [{ ...base, params: { entries: 1 } }, "INVALID_PARAMS"],
      [{ ...base, params: { minutes: 10 } }, "INVALID_PARAMS"],
      [{ ...base, siteIds: ["site-theirs"] }, "UNKNOWN_SITE"],
      [{ ...base, kind: "constructor" }, "INVALID_REQUEST"],
      [{ ...base, emails: ["nobody"] }, "INVALID_REQUEST"],
      [{ ...base, raiseAfterS: 90_000 }, "INVALID_REQUEST"],
    ];
    for (const [body, code] of rules)
      expect((await ask("POST", "/v1/alarm-rules", body)).body, JSON.stringify(body)).toMatchObject({ code });
    const { body: made } = await ask<AlarmRule>("POST", "/v1/alarm-rules", base);
    const patched = await ask<AlarmRule>("PATCH", `/v1/alarm-rules/${made.ruleId}`, {
      enabled: false,
      siteIds: null,
    });
    expect(patched.body).toEqual({ ...made, enabled: false, updatedAt: patched.body.updatedAt });
    expect((await ask("PATCH", `/v1/alarm-rules/${randomUUID()}`, {})).status).toBe(404);
  });

  test("whoever sees one site sees its alarms, acknowledges those, and sees no rules", async () => {
    await db.pool.query(
      `insert into alarm (alarm_id, operator_id, name, kind, severity, subject, site_id, seen_at, raised_at)
       select gen_random_uuid(), 'mine', s, 'x', 'info', s, s, now(), now() from unnest($1::text[]) s`,
      [["site-mine-0", "site-mine-1"]],
    );
    const host = await createApiKey(db.pool, "mine", "host", { role: "site-host", siteIds: ["site-mine-0"] });
    const { body } = await ask<Page<Alarm>>("GET", "/v1/alarms", undefined, host);
    expect(body.items.map((alarm) => alarm.siteId)).toEqual(["site-mine-0"]);
    expect((await ask<Page<AlarmRule>>("GET", "/v1/alarm-rules", undefined, host)).body.items).toEqual([]);
    const [other] = await db.rows<{ id: string }>(
      "select alarm_id as id from alarm where site_id = 'site-mine-1'",
    );
    const refused = await ask("POST", `/v1/alarms/${other?.id}/acknowledge`, {}, host);
    expect(refused.status).toBe(404);
    const own = body.items[0]?.alarmId;
    expect((await ask("POST", `/v1/alarms/${own}/acknowledge`, {}, host)).status).toBe(200);
  });
});

describe("webhooks", () => {
  const create = (more: object = {}) =>
    ask<WebhookEndpoint & { secret: string }>("POST", "/v1/webhook-endpoints", {
      url: "https://hooks.example.com/a",
      ...more,
    });

  test("the secret is shown once; a change of it keeps the old one for a while", async () => {
    const made = await create({ eventTypes: ["transaction.*", "cdr.created"] });
    expect(made.status).toBe(201);
    expect(made.body.secret).toMatch(/^whsec_[A-Za-z0-9+/=]{44}$/);
    const { endpointId } = made.body;
    const list = await ask("GET", "/v1/webhook-endpoints");
    expect(list.text).toContain(endpointId);
    expect(list.text).not.toContain("whsec_");
    const rotated = await ask<{ secret: string; oldSecretUntil: string }>(
      ...(["POST", `/v1/webhook-endpoints/${endpointId}/rotate-secret`, { keepOldForS: 600 }] as const),
    );
    expect(rotated.body.secret).not.toBe(made.body.secret);
    expect(Date.parse(rotated.body.oldSecretUntil)).toBeGreaterThan(Date.now() + 500_000);
    const [row] = await db.rows<Record<string, Buffer | null>>(
      "select secret, old_secret, sealed_secret, sealed_old_secret from webhook_endpoint where endpoint_id = $1",
      endpointId,
    );
    const opened = (sealed: Buffer | null | undefined) =>
      openWebhookSecret(BOX, endpointId, { plain: null, sealed: sealed ?? null });
    expect(row).toMatchObject({ secret: null, old_secret: null });
    expect(opened(row?.["sealed_secret"])).toBe(rotated.body.secret);
    expect(opened(row?.["sealed_old_secret"])).toBe(made.body.secret);
    expect(JSON.stringify(await db.rows("select detail from audit"))).not.toContain("whsec_");
  });

  test.each([
    "http://hooks.example.com/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://[::ffff:169.254.169.254]/",
    "https://user:pass@hooks.example.com/",
    "https://localhost/",
    "ftp://x.example.com/",
  ])("%s is no address for events", async (url) =>
    expect((await create({ url })).body).toMatchObject({ code: "WEBHOOK_URL_REFUSED" }),
  );

  test("types that do not exist are refused; an endpoint that is switched off says why", async () => {
    expect((await create({ eventTypes: ["cdr.deleted"] })).body).toMatchObject({
      code: "UNKNOWN_EVENT_TYPE",
    });
    expect((await create({ eventTypes: ["*"] })).body).toMatchObject({ code: "UNKNOWN_EVENT_TYPE" });
    const { endpointId } = (await create()).body;
    const path = `/v1/webhook-endpoints/${endpointId}`;
    const off = await ask<WebhookEndpoint>("PATCH", path, { enabled: false });
    expect(off.body).toMatchObject({ enabled: false, disabledBecause: "by-person" });
    expect((await ask("POST", `${path}/test`)).body).toMatchObject({ code: "ENDPOINT_DISABLED" });
    expect((await ask("PATCH", path, { url: "http://10.0.0.1/" })).body).toMatchObject({
      code: "WEBHOOK_URL_REFUSED",
    });
    expect((await ask<WebhookEndpoint>("PATCH", path, { enabled: true })).body.disabledBecause).toBeNull();
    expect((await ask("DELETE", path)).status).toBe(200);
    expect((await ask("DELETE", path)).status).toBe(404);
  });

  test("deliveries are listed with what came back; one, and all that failed, are sent again", async () => {
    const { endpointId } = (await create({ url: "https://nowhere.example.com/" })).body;
    await ask("POST", `/v1/webhook-endpoints/${endpointId}/test`);
    await emit(db.pool, "mine", "cdr.created", { cdrId: "c" });
    const resolve = () => Promise.reject(new Error("ENOTFOUND"));
    const deliverer = createDeliverer(db.pool, { allowPrivate: false, resolve }, BOX);
    await deliverer.begin();
    await deliverer.settled();
    const path = `/v1/webhook-deliveries?endpointId=${endpointId}`;
    const { items } = (await ask<Page<WebhookDelivery>>("GET", path)).body;
    expect(items.map((item) => [item.type, item.status, item.attempts, item.lastError])).toEqual([
      ["cdr.created", "pending", 1, "ENOTFOUND"],
      ["webhook.test", "pending", 1, "ENOTFOUND"],
    ]);
    await db.pool.query("update webhook_delivery set status = 'failed', finished_at = now(), attempts = 10");
    const again = await ask<WebhookDelivery>("POST", `/v1/webhook-deliveries/${items[0]?.deliveryId}/replay`);
    expect(again.body).toMatchObject({ status: "pending", attempts: 0, eventId: items[0]?.eventId });
    const replay = (since: string) => ask("POST", `/v1/webhook-endpoints/${endpointId}/replay`, { since });
    expect((await replay(new Date(Date.now() + 60_000).toISOString())).body).toEqual({ count: 0 });
    expect((await replay("2026-01-01T00:00:00Z")).body).toEqual({ count: 1 });
    expect((await ask<Page<unknown>>("GET", `${path}&status=failed`)).body.items).toEqual([]);
  });

  test("the types are the list that the documentation has", async () => {
    const { body } = await ask<{ items: { type: string }[] }>("GET", "/v1/webhook-types");
    expect(body.items.map((item) => item.type)).toContain("transaction.ended");
  });
});

test("mails: that they wait and why, a list without their content, another try", async () => {
  await db.pool.query(
    `insert into mail (operator_id, kind, recipient, title, content, status, last_error) values
       ('mine', 'invitation', 'a@example.org', 'Hello', '{"text": "https://x/?secret"}', 'failed', '550 no'),
       ('mine', 'alarm', 'b@example.org', 'Alarm', '{"text": "x"}', 'waiting', null),
       ('theirs', 'alarm', 'c@example.org', 'Alarm', '{"text": "x"}', 'waiting', null)`,
  );
  expect((await ask("GET", "/v1/mail-state")).body).toMatchObject({
    configured: false,
    from: null,
    waiting: 1,
    failed: 1,
  });
  const list = await ask<Page<Mail>>("GET", "/v1/mails?status=failed");
  expect(list.body.items).toMatchObject([
    { recipient: "a@example.org", subject: "Hello", lastError: "550 no" },
  ]);
  expect(list.text).not.toContain("secret");
  const { mailId } = list.body.items[0] as Mail;
  expect((await ask<Mail>("POST", `/v1/mails/${mailId}/retry`)).body).toMatchObject({
    status: "waiting",
    attempts: 0,
  });
  await db.pool.query("update mail set status = 'sent', content = null where mail_id = $1", [mailId]);
  expect((await ask("POST", `/v1/mails/${mailId}/retry`)).body).toMatchObject({ code: "MAIL_SENT" });
});

describe("exports", () => {
  const range = "from=2020-01-01T00:00:00Z&to=2040-01-01T00:00:00Z";

  test.each(EXPORT_KIND_NAMES)(
    "%s: a head and rows of one's own operator, read back by a CSV parser",
    async (kind) => {
      const reply = await ask("GET", `/v1/exports/now?kind=${kind}&${range}`);
      expect(reply.status, reply.text).toBe(200);
      expect(reply.headers["content-type"]).toBe("text/csv; charset=utf-8");
      const rows = parse<Record<string, string>>(reply.text, { columns: true, record_delimiter: "\r\n" });
      if (["transactions", "id-tokens", "meter-samples"].includes(kind))
        expect(rows.length).toBeGreaterThan(0);
      expect(reply.text).not.toContain("theirs");
    },
  );

  test("names from outside are no formulas, numbers stay numbers, quotes and lines stay in their cell", async () => {
    const evil = ["=1+1", "+1", "-1+cmd", "@x", "\tx", 'a"b', "a\r\nb", "ação", "plain"];
    const text = toCsv([[...evil, -5, true, null, new Date(0)]], {});
    const [row] = parse(text) as string[][];
    expect(row?.slice(0, 5)).toEqual(evil.slice(0, 5).map((cell) => `'${cell}`));
    expect(row?.slice(5)).toEqual([...evil.slice(5), "-5", "true", "", "1970-01-01T00:00:00.000Z"]);
  });

  test("a spreadsheet's layout, one site, and a range that is none", async () => {
    const sheet = await ask(
      "GET",
      `/v1/exports/now?kind=transactions&${range}&spreadsheet=true&siteId=site-none`,
    );
    expect(sheet.text.startsWith("\ufefftransactionId;siteId;")).toBe(true);
    expect(sheet.text.trim().split("\r\n")).toHaveLength(1);
    const none = "from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z";
    expect((await ask("GET", `/v1/exports/now?kind=audit&${none}`)).body).toMatchObject({
      code: "INVALID_RANGE",
    });
  });

  test("whoever may not read a thing may not export it", async () => {
    const key = await createApiKey(db.pool, "mine", "ops", { role: "operations" });
    expect((await ask("GET", `/v1/exports/now?kind=audit&${range}`, undefined, key)).body).toMatchObject({
      code: "EXPORT_FORBIDDEN",
    });
    const body = { kind: "audit", from: "2020-01-01T00:00:00Z", to: "2040-01-01T00:00:00Z" };
    const { exportId } = (await ask<Export>("POST", "/v1/exports", body)).body;
    await makeExports(db.pool, files);
    expect((await ask("GET", `/v1/exports/${exportId}/file`, undefined, key)).body).toMatchObject({
      code: "EXPORT_FORBIDDEN",
    });
  });

  test("a large one: every row once over its pages, made in the background, fetched, gone in the end", async () => {
    const count = 2 * EXPORT_PAGE_ROWS + 7;
    // Many of the same moment: pages must not rest on the time alone.
    await db.pool.query(
      `insert into audit (operator_id, at, actor, request_id, action, subject)
       select 'mine', '2030-01-01'::timestamptz + (n / 1500) * interval '1 second', 'x', 'x', '=cmd', n::text
       from generate_series(1, $1) n`,
      [count],
    );
    const body = { kind: "audit", from: "2030-01-01T00:00:00Z", to: "2030-02-01T00:00:00Z" };
    const asked = await ask<Export>("POST", "/v1/exports", body);
    expect(asked).toMatchObject({ status: 202, body: { status: "waiting" } });
    const path = `/v1/exports/${asked.body.exportId}`;
    expect((await ask("GET", `${path}/file`)).body).toMatchObject({ code: "EXPORT_NOT_DONE" });
    expect(
      (await Promise.all([makeExports(db.pool, files), makeExports(db.pool, files)])).reduce((a, b) => a + b),
    ).toBe(1);
    const { body: done } = await ask<Export>("GET", path);
    expect(done).toMatchObject({ status: "done", rows: count });
    const { text, headers } = await ask("GET", `${path}/file`);
    expect(headers["content-disposition"]).toBe('attachment; filename="audit-2030-01-01.csv"');
    expect(Buffer.byteLength(text)).toBe(done.bytes);
    const rows = parse<Record<string, string>>(text, { columns: true });
    expect(new Set(rows.map((row) => row["subject"])).size).toBe(count);
    expect(rows).toHaveLength(count);
    expect(rows[0]?.["action"]).toBe("'=cmd");
    await db.pool.query("update export set expires_at = now() - interval '1 second' where export_id = $1", [
      done.exportId,
    ]);
    expect(await expireExports(db.pool, files)).toBe(1);
    expect((await ask("GET", path)).status).toBe(404);
    expect(await files.read(done.exportId)).toBeUndefined();
  });

  test("what somebody who died was making is made by another one; what fails three times has failed", async () => {
    const body = { kind: "alarms", from: "2020-01-01T00:00:00Z", to: "2040-01-01T00:00:00Z" };
    const { exportId } = (await ask<Export>("POST", "/v1/exports", body)).body;
    const set = (sql: string) => db.pool.query(`update export set ${sql} where export_id = $1`, [exportId]);
    await set("status = 'running', attempts = 1, held_until = now() + interval '1 minute'");
    expect(await makeExports(db.pool, files)).toBe(0);
    await set("held_until = now() - interval '1 second'");
    expect(await makeExports(db.pool, files)).toBe(1);
    expect((await ask<Export>("GET", `/v1/exports/${exportId}`)).body.status).toBe("done");
    await set(`status = 'waiting', attempts = 0, params = '{"from": "nonsense", "to": "x", "siteId": null}'`);
    expect(await makeExports(db.pool, files)).toBe(3);
    const [row] = await db.rows("select status, error from export where export_id = $1", exportId);
    expect(row).toMatchObject({ status: "failed", error: expect.stringContaining("nonsense") });
  });
});
