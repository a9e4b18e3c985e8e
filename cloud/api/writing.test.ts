/** Everything that is written: commands, tokens, each once, with its audit row. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import pg from "pg";
import { COMMAND_KINDS, type CommandKind } from "../../shared/command.ts";
import { COMMAND_SAMPLES } from "../../shared/ocpp/command-samples.ts";
import { until } from "../../sim/services/until.ts";
import { arrive, Journal, online, openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";
import type { IdTokenView } from "./rule-schemas.ts";
import type { CommandView, Problem } from "./schemas.ts";

let db: TestDb;
let api: TestApi;
let listener: pg.Client;
const heard: { channel: string; payload: string }[] = [];
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  await arrive(db.pool, new Journal("er-1", "site-1").commit([online("CP1"), online("CP21", "ocpp2.1")]));
  listener = new pg.Client({ connectionString: db.url });
  await listener.connect();
  listener.on("notification", ({ channel, payload }) => heard.push({ channel, payload: payload ?? "" }));
  for (const channel of ["sg_command", "sg_policy", "sg_live"]) await listener.query(`listen ${channel}`);
});
afterAll(async () => {
  await listener.end();
  await api.close();
  await db.close();
});

const COMMANDS = "/v1/stations/CP1/commands";
const reset = { kind: "Reset", params: { type: "OnIdle" } };
const count = async (table: string) =>
  (await db.rows<{ n: number }>(`select count(*) as n from ${table}`))[0]?.n;

/** The newest version can do everything but what only the oldest has. */
const stationFor = (kind: CommandKind) => (kind.endsWith("Configuration") ? "CP1" : "CP21");

describe("commands", () => {
  test.each(COMMAND_KINDS)("%s is taken, audited and told to the dispatcher", async (kind) => {
    heard.length = 0;
    const stationId = stationFor(kind);
    const reply = await api.send("POST", `/v1/stations/${stationId}/commands`, {
      kind,
      params: COMMAND_SAMPLES[kind],
    });
    expect(reply, reply.text).toMatchObject({
      status: 202,
      body: { kind, params: COMMAND_SAMPLES[kind], status: "pending", issuedBy: "test" },
    });
    const { commandId } = reply.body as CommandView;
    expect(reply.headers["location"]).toBe(`/v1/commands/${commandId}`);
    const detail = { ...(reply.body as object), reports: [], reportsTruncated: false };
    expect((await api.get(`/v1/commands/${commandId}`)).body).toEqual(detail);
    const [audit] = await db.rows(
      "select actor, action, subject, detail from audit where detail->>'commandId' = $1",
      commandId,
    );
    expect(audit).toMatchObject({ actor: "test", action: `command.${kind}`, subject: stationId });
    await until("it was notified", () =>
      heard.some((n) => n.channel === "sg_command" && n.payload === "er-1"),
    );
    await until("pages hear of it", () =>
      heard.some((n) => n.channel === "sg_live" && n.payload.includes(commandId)),
    );
  });

  test("it lives as long as its kind says, or as the caller says", async () => {
    const lifeOf = async (body: object) => {
      const { issuedAt, expiresAt } = (await api.send("POST", COMMANDS, body)).body as CommandView;
      return Date.parse(expiresAt) - Date.parse(issuedAt);
    };
    expect(await lifeOf({ kind: "UnlockConnector", params: { evseId: 1 } })).toBe(30_000);
    expect(await lifeOf({ ...reset, expiresInSeconds: 77 })).toBe(77_000);
  });

  test.each([
    ["an unknown kind", { kind: "Explode", params: {} }, "UNKNOWN_COMMAND", undefined],
    ["a name of Object's", { kind: "constructor", params: {} }, "UNKNOWN_COMMAND", undefined],
    ["a missing parameter", { kind: "Reset", params: {} }, "INVALID_PARAMS", "/body/params"],
    ["a wrong word", { kind: "Reset", params: { type: "Now" } }, "INVALID_PARAMS", "/body/params/type"],
    ["a typo", { kind: "Reset", params: { type: "OnIdle", evse: 1 } }, "INVALID_PARAMS", "/body/params"],
    [
      "text for a number",
      { kind: "UnlockConnector", params: { evseId: "1" } },
      "INVALID_PARAMS",
      "/body/params/evseId",
    ],
    ["no parameters at all", { kind: "Reset" }, "INVALID_REQUEST", "/body"],
    ["more than a command", { ...reset, priority: 1 }, "INVALID_REQUEST", "/body"],
    [
      "a life without end",
      { ...reset, expiresInSeconds: 86_401 },
      "INVALID_REQUEST",
      "/body/expiresInSeconds",
    ],
    ["a list", [reset], "INVALID_REQUEST", "/body"],
  ])("%s is refused, and says where", async (_what, body, code, pointer) => {
    const before = await count("command");
    const reply = await api.send("POST", COMMANDS, body);
    expect(reply, reply.text).toMatchObject({ status: 400, body: { code } });
    const pointers = ((reply.body as Problem).errors ?? []).map((error) => error.pointer);
    if (pointer !== undefined) expect(pointers).toContain(pointer);
    expect(await count("command")).toBe(before);
  });

  test("a station that is not there", async () => {
    expect(await api.send("POST", "/v1/stations/none/commands", reset)).toMatchObject({
      status: 404,
      body: { code: "NOT_FOUND" },
    });
  });
});

describe("Idempotency-Key", () => {
  const key = () => ({ "idempotency-key": randomUUID() });

  test("the same request again gets the first answer, and is done once", async () => {
    const headers = key();
    const before = (await count("command")) ?? 0;
    const first = await api.send("POST", COMMANDS, reset, headers);
    const again = await api.send("POST", COMMANDS, reset, headers);
    expect(again.body).toEqual(first.body);
    expect(again).toMatchObject({ status: 202, headers: { location: first.headers["location"] } });
    expect(await count("command")).toBe(before + 1);
  });

  test("another body, or another path, is refused", async () => {
    const headers = key();
    await api.send("POST", COMMANDS, reset, headers);
    const other = await api.send("POST", COMMANDS, { kind: "Reset", params: { type: "Immediate" } }, headers);
    expect(other).toMatchObject({ status: 422, body: { code: "IDEMPOTENCY_KEY_REUSED" } });
    expect(await api.send("POST", "/v1/id-tokens", { idToken: "X" }, headers)).toMatchObject({ status: 422 });
  });

  test("ten at the same time are one", async () => {
    const headers = key();
    const before = (await count("command")) ?? 0;
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => api.send("POST", COMMANDS, reset, headers)),
    );
    expect(replies.map((reply) => reply.status)).toEqual(Array.from({ length: 10 }, () => 202));
    expect(new Set(replies.map((reply) => reply.text)).size).toBe(1);
    expect(await count("command")).toBe(before + 1);
  });

  test("a request that failed may be tried again with the same key", async () => {
    const headers = key();
    expect(await api.send("POST", "/v1/stations/soon/commands", reset, headers)).toMatchObject({
      status: 404,
    });
    await arrive(db.pool, new Journal("er-2", "site-2").commit([online("soon")]));
    expect(await api.send("POST", "/v1/stations/soon/commands", reset, headers)).toMatchObject({
      status: 202,
    });
  });

  test("a key that is too long is refused, an old one is forgotten", async () => {
    const long = await api.send("POST", COMMANDS, reset, { "idempotency-key": "x".repeat(201) });
    expect(long).toMatchObject({ status: 400 });
    const headers = key();
    const first = await api.send("POST", COMMANDS, reset, headers);
    await db.pool.query("update idempotency set created_at = now() - interval '25 hours'");
    const later = await api.send("POST", COMMANDS, reset, headers);
    expect((later.body as CommandView).commandId).not.toBe((first.body as CommandView).commandId);
  });
});

describe("idTokens", () => {
  const version = async () =>
    (await db.rows<{ v: number }>("select policy_version as v from site where site_id = 'site-1'"))[0]?.v ??
    0;
  const full = { type: "ISO14443", label: "Ana", groupId: "G1", expiresAt: "2030-01-01T00:00:00.000Z" };
  const create = async (more: object = full): Promise<IdTokenView> => {
    const reply = await api.send("POST", "/v1/id-tokens", { idToken: randomUUID().slice(0, 20), ...more });
    expect(reply.status, reply.text).toBe(201);
    return reply.body as IdTokenView;
  };
  const patch = (idToken: string, body: object) => api.send("PATCH", `/v1/id-tokens/${idToken}`, body);

  test("a new one may charge, and every site gets a new policy", async () => {
    heard.length = 0;
    const before = await version();
    const token = await create();
    expect(token).toMatchObject({ ...full, status: "Accepted", master: false, operatorId: "default" });
    expect((await api.get(`/v1/id-tokens/${token.idToken}`)).body).toEqual(token);
    expect(await version()).toBeGreaterThan(before);
    await until("the ingest hears of it", () =>
      heard.some((n) => n.channel === "sg_policy" && n.payload === "default"),
    );
    expect(
      await db.rows("select 1 from audit where action = 'idToken.create' and subject = $1", token.idToken),
    ).toHaveLength(1);
  });

  test("the same one again is a conflict, and no new policy", async () => {
    const { idToken } = await create();
    const before = await version();
    expect(await api.send("POST", "/v1/id-tokens", { idToken })).toMatchObject({
      status: 409,
      body: { code: "ID_TOKEN_EXISTS" },
    });
    expect(await version()).toBe(before);
  });

  test("blocking bumps the policy and leaves the rest as it is", async () => {
    const token = await create();
    const before = await version();
    const reply = await patch(token.idToken, { status: "Blocked" });
    expect(reply.body).toMatchObject({
      ...token,
      status: "Blocked",
      updatedAt: expect.any(String) as string,
    });
    expect(await version()).toBeGreaterThan(before);
  });

  test("a token is the same one in capitals", async () => {
    const { idToken } = await create({ idToken: "abc-Def" });
    expect(await api.send("POST", "/v1/id-tokens", { idToken: "ABC-DEF" })).toMatchObject({ status: 409 });
    expect((await api.get("/v1/id-tokens/ABC-dEF")).body).toMatchObject({ idToken });
    expect((await patch("aBC-DEF", { label: "x" })).body).toMatchObject({ idToken, label: "x" });
  });

  test("policy versions only grow, also over a database from yesterday's backup", async () => {
    await create();
    const before = await version();
    await db.pool.query("update site set policy_version = policy_version - 1000000");
    await create();
    expect(await version()).toBeGreaterThan(before);
  });

  test("null clears a field, absent leaves it", async () => {
    const { idToken } = await create();
    expect((await patch(idToken, { label: null })).body).toMatchObject({ ...full, label: null });
    expect((await patch(idToken, { groupId: null, expiresAt: null })).body).toMatchObject({
      groupId: null,
      expiresAt: null,
      type: "ISO14443",
    });
    expect((await patch(idToken, {})).body).toMatchObject({
      label: null,
      groupId: null,
      expiresAt: null,
      status: "Accepted",
    });
  });

  test.each([
    ["no token", {}, "/body"],
    ["an empty token", { idToken: "" }, "/body/idToken"],
    ["too long a token", { idToken: "x".repeat(37) }, "/body/idToken"],
    ["a number", { idToken: 5 }, "/body/idToken"],
    ["null", { idToken: "A", label: null }, "/body/label"],
    ["text for a boolean", { idToken: "A", master: "true" }, "/body/master"],
    ["no time", { idToken: "A", expiresAt: "tomorrow" }, "/body/expiresAt"],
    ["no day", { idToken: "A", expiresAt: "2030-02-30T00:00:00Z" }, "/body/expiresAt"],
    ["an unknown field", { idToken: "A", vip: true }, "/body"],
  ])("%s is refused, and says where", async (_what, body, pointer) => {
    const reply = await api.send("POST", "/v1/id-tokens", body);
    expect(reply, reply.text).toMatchObject({
      status: 400,
      body: { code: "INVALID_REQUEST", errors: [{ pointer }] },
    });
  });

  test("a time that no calendar of PostgreSQL has is the client's mistake", async () => {
    const reply = await api.send("POST", "/v1/id-tokens", {
      idToken: "Y0",
      expiresAt: "0000-01-01T00:00:00Z",
    });
    expect(reply, reply.text).toMatchObject({ status: 400, body: { code: "INVALID_VALUE" } });
  });

  test("a token that is not there cannot be changed", async () => {
    expect(await patch("none", { status: "Blocked" })).toMatchObject({ status: 404 });
    expect(await patch("none", { status: "Maybe" })).toMatchObject({ status: 400 });
  });

  test("names with signs of URLs work", async () => {
    const { idToken } = await create({ idToken: "a/b?c#d %é" });
    const path = encodeURIComponent(idToken);
    expect((await api.get(`/v1/id-tokens/${path}`)).body).toMatchObject({ idToken });
    expect((await patch(path, { label: "x" })).body).toMatchObject({ idToken, label: "x" });
  });
});
