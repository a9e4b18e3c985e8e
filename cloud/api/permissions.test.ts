/**
 * The whole matrix: every endpoint of the API's description × every role × a scope with and without the
 * site × things of one's own operator and of another. Who may what is asked of the description and of the
 * list of roles; a new endpoint is part of it without a word, and one that does not say who may use it
 * fails.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import { arbitraryOf } from "../../sim/fuzz/openapi.ts";
import { operationsOf, type Document, type JsonSchema, type Operation } from "./openapi-document.ts";
import { PERMISSIONS, permissionsOf, ROLE_NAMES, type Permission, type SiteScope } from "../core/access.ts";
import { columnsOf, everythingOf, fillTables } from "../db/fill-tables.ts";
import { openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";
import { createApiKey } from "./actor.ts";
import { createOperator, type Operator } from "./harness.ts";

let db: TestDb;
let api: TestApi;
let document: Document;
let tables: string[];
let mine: Operator;
let theirs: Operator;
/** Of each operator: what a parameter of a path may name. */
const named = new Map<string, Record<string, string>>();

beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  mine = await createOperator(db, "mine");
  theirs = await createOperator(db, "theirs");
  tables = await fillTables(db, [mine, theirs]);
  await api.app.ready();
  document = JSON.parse(JSON.stringify(api.app.swagger())) as Document;
  for (const operator of [mine, theirs]) named.set(operator.operatorId, await namesOf(operator));
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** What paths name besides rows of an operator by their id. */
const WORDS: Record<string, string> = { protocol: "ocpp1.6", action: "Reset", provider: "sandbox" };
/** What is a person's own: no operator has any. */
const A_PERSONS = /^\/v1\/(me|own)\//;

/** For every parameter of a path something of this operator: of the harness, or a row that has such a column. */
async function namesOf(operator: Operator): Promise<Record<string, string>> {
  const namesIn = (path: string) => [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const [persons, others] = [true, false].map((own) =>
    operationsOf(document).flatMap(({ path }) => (A_PERSONS.test(path) === own ? namesIn(path) : [])),
  );
  const names = Object.fromEntries((persons ?? []).map((name) => [name, "none"]));
  const wanted = new Set(others);
  for (const name of wanted) {
    const known = (operator as unknown as Record<string, unknown>)[name] ?? WORDS[name];
    names[name] =
      typeof known === "string" || typeof known === "number" ? String(known) : await rowNamed(name);
  }
  return names;

  async function rowNamed(name: string): Promise<string> {
    for (const table of tables) {
      if (!(await columnsOf(db, table)).some((column) => column.name === snake(name))) continue;
      const [row] = await db.rows<{ id: string | null }>(
        `select ${snake(name)}::text as id from ${table} where operator_id = $1 and ${snake(name)} is not null limit 1`,
        operator.operatorId,
      );
      if (row?.id !== undefined && row.id !== null) return row.id;
    }
    throw new Error(`nothing of ${operator.operatorId} for {${name}}: add it to createOperator (harness.ts)`);
  }
}

const needed = ({ security }: Operation) =>
  security?.length === 0 ? "open" : (Object.values(security?.[0] ?? {})[0]?.[0] as Permission | undefined);

type Request = { method: string; url: string; payload?: unknown; type?: string };

/** The request as an honest client sends it: what its schemas ask for, drawn with a fixed seed. */
function requestOf(
  path: string,
  method: string,
  operation: Operation,
  names: Record<string, string>,
): Request {
  const draw = (schema: JsonSchema) => fc.sample(arbitraryOf(document, schema), 1)[0];
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ""));
  const query = (operation.parameters ?? [])
    .filter((p) => p.in === "query" && p.required === true)
    .map((p) => `${p.name}=${encodeURIComponent(String(names[p.name] ?? draw(p.schema)))}`);
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  return {
    method,
    url: query.length > 0 ? `${filled}?${query.join("&")}` : filled,
    ...(content?.schema === undefined || type === undefined ? {} : { payload: draw(content.schema), type }),
  };
}

async function send({ method, url, payload, type }: Request, key?: string, remoteAddress = "127.0.0.1") {
  const reply = await api.app.inject({
    ...{ method: method as "GET", url, remoteAddress },
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(type === undefined ? {} : { "content-type": type }),
      "if-match": "*",
    },
    ...(payload === undefined
      ? {}
      : { payload: typeof payload === "string" ? payload : JSON.stringify(payload) }),
  });
  const problem = /problem\+json/.test(String(reply.headers["content-type"]));
  return {
    status: reply.statusCode,
    text: reply.body,
    code: problem ? reply.json<{ code: string }>().code : "",
  };
}

/** A stream has no end to wait for. */
const answers = () =>
  operationsOf(document).filter(({ operation }) => operation.operationId !== "streamEvents");

describe("every endpoint", () => {
  test("says which permission it needs, or why nobody has to be known", () => {
    const all = operationsOf(document);
    expect(all.length).toBeGreaterThan(60);
    for (const { path, method, operation } of all) {
      const needs = needed(operation);
      if (needs === "open")
        expect((operation as { "x-open"?: string })["x-open"], `${method} ${path}`).toMatch(/.{10}/);
      else if (needs !== undefined) expect(PERMISSIONS, `${method} ${path}`).toContain(needs);
      else expect(path, `${method} ${path} is for everybody who is known`).toMatch(/^\/v1\/me(\/|$)/);
    }
  });

  test("every permission is asked for somewhere, and every role has another reach", () => {
    const asked = new Set(operationsOf(document).map(({ operation }) => needed(operation)));
    // Asked for by the kind of a command.
    const byKind = ["commands:expert"];
    for (const permission of PERMISSIONS.filter((p) => !byKind.includes(p)))
      expect(asked, permission).toContain(permission);
    const reaches = ROLE_NAMES.map((role) => [...permissionsOf(role, null)].sort().join());
    expect(new Set(reaches).size).toBe(ROLE_NAMES.length);
  });

  test("without a key, or with one that is none: 401, whatever is sent", async () => {
    const names = named.get("mine") ?? {};
    for (const [i, { path, method, operation }] of answers().entries()) {
      if (needed(operation) === "open") continue;
      const request = requestOf(path, method, operation, names);
      // From one address they would be too many.
      for (const key of [undefined, "sg_wrong"])
        expect((await send(request, key, `192.0.2.${i % 256}`)).status, `${method} ${request.url}`).toBe(401);
    }
  });
});

describe.each(ROLE_NAMES)("role %s", (role) => {
  test.each<[string, () => SiteScope]>([
    ["the whole operator", () => null],
    ["the site", () => [mine.siteId]],
    ["another site", () => ["site-mine-0"]],
  ])("in a scope of %s is let in where it may, and nowhere else", { timeout: 60_000 }, async (_, scope) => {
    const siteIds = scope();
    const may = permissionsOf(role, siteIds);
    const names = named.get("mine") ?? {};
    for (const { path, method, operation } of answers()) {
      const needs = needed(operation);
      if (needs === "open") continue;
      // A key for each: some of them are revoked by what is tried here.
      const key = await createApiKey(db.pool, "mine", "matrix", { role, siteIds });
      const request = requestOf(path, method, operation, names);
      const reply = await send(request, key);
      const where = `${role} ${JSON.stringify(siteIds)}: ${method} ${request.url}: ${reply.text.slice(0, 300)}`;
      if (needs === undefined || may.has(needs)) {
        expect(reply.status, where).not.toBe(401);
        expect(reply.code, where).not.toBe("FORBIDDEN");
      } else expect([reply.status, reply.code], where).toEqual([403, "FORBIDDEN"]);
    }
  });
});

/** What a path names that is at one site. */
const AT_A_SITE = /\{(siteId|erId|stationId|meterId|transactionId|commandId|reviewId)\}/;

/** A name of the same kind as another, of something that nobody has, another one each time. */
const ghostOf = (name: string): string => {
  const end = randomUUID().slice(-12);
  if (/^[0-9a-f-]{36}$/.test(name)) return name.slice(0, 24) + end;
  return /^\d+$/.test(name) ? "987" : name.replace(/[a-z0-9]+$/i, end);
};

/** What is there for others looks as what is nowhere: status and code, so that nobody learns by asking. */
async function looksAsNothing(
  key: string,
  { path, method, operation }: ReturnType<typeof operationsOf>[number],
  names: Record<string, string>,
): Promise<void> {
  const ghosts = Object.fromEntries(
    Object.entries(names).map(([name, value]) => [name, name in WORDS ? value : ghostOf(value)]),
  );
  const reply = await send(requestOf(path, method, operation, names), key);
  const nothing = await send(requestOf(path, method, operation, ghosts), key);
  const where = `${method} ${path}: ${reply.status} ${reply.text.slice(0, 300)}\nof nothing, ${JSON.stringify(ghosts)}: ${nothing.text.slice(0, 300)}`;
  if (reply.status < 300) expect(JSON.parse(reply.text), where).toMatchObject({ items: [] });
  expect([reply.status, reply.code], where).toEqual([nothing.status, nothing.code]);
}

describe("what is not in reach", () => {
  test.each(ROLE_NAMES)(
    "role %s: things of another operator are not there, and stay as they are",
    { timeout: 120_000 },
    async (role) => {
      const before = await everythingOf(db, tables, "theirs");
      const may = permissionsOf(role, null);
      let looked = 0;
      for (const one of answers()) {
        const needs = needed(one.operation);
        if (needs === "open" || !one.path.includes("{") || (needs !== undefined && !may.has(needs))) continue;
        if (Object.keys(WORDS).some((word) => one.path.includes(`{${word}}`))) continue;
        looked += 1;
        // A key for each: asked too often is an answer, too.
        const key = await createApiKey(db.pool, "mine", "stranger", { role });
        await looksAsNothing(key, one, named.get("theirs") ?? {});
      }
      expect(looked).toBeGreaterThan(role === "driver" ? 3 : 10);
      expect(await everythingOf(db, tables, "theirs")).toEqual(before);
    },
  );

  test.each(ROLE_NAMES)(
    "role %s: things of a site outside of the scope are not there either",
    { timeout: 120_000 },
    async (role) => {
      const may = permissionsOf(role, ["site-mine-0"]);
      for (const one of answers()) {
        const needs = needed(one.operation);
        if (needs === undefined || needs === "open" || !may.has(needs) || !AT_A_SITE.test(one.path)) continue;
        // It makes a station of one's own by that name, as the matrix above has done.
        if (one.operation.operationId === "setStationPassword") continue;
        const key = await createApiKey(db.pool, "mine", "elsewhere", { role, siteIds: ["site-mine-0"] });
        await looksAsNothing(key, one, named.get("mine") ?? {});
      }
    },
  );
});
