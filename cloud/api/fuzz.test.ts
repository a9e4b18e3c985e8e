/**
 * Requests drawn from the API's own description, as they should be and bent: whatever comes, no answer is
 * an error of ours, and every refusal is a problem with a code. The seed of a failure is in its message.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import { arbitraryOf, bent, unexpected } from "../../sim/fuzz/openapi.ts";
import { operationsOf, type Document, type Operation } from "./openapi-document.ts";
import { openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";
import { createApiKey } from "./actor.ts";
import { createOperator, type Operator } from "./harness.ts";

let db: TestDb;
let api: TestApi;
let document: Document;
let operator: Operator;

beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  operator = await createOperator(db, "mine");
  await api.app.ready();
  document = JSON.parse(JSON.stringify(api.app.swagger())) as Document;
});
afterAll(async () => {
  await api.close();
  await db.close();
});

type Drawn = { path: Record<string, unknown>; query: Record<string, unknown>; body: unknown };

/** Mostly what the operator has, so that a request gets further than "not found". */
function drawn({ parameters = [], requestBody }: Operation): fc.Arbitrary<Drawn> {
  const known = operator as unknown as Record<string, unknown>;
  const valueOf = (name: string, schema: Parameters<typeof arbitraryOf>[1]) => {
    const own = known[name];
    const any = arbitraryOf(document, schema);
    return own === undefined
      ? any
      : fc.oneof({ weight: 4, arbitrary: fc.constant(own) }, { weight: 1, arbitrary: any });
  };
  const of = (place: string) =>
    fc.record(
      Object.fromEntries(
        parameters.filter((p) => p.in === place).map((p) => [p.name, valueOf(p.name, p.schema)]),
      ),
      {
        requiredKeys: parameters
          .filter((p) => p.in === place && (place === "path" || p.required === true))
          .map((p) => p.name),
      },
    );
  const [content] = Object.values(requestBody?.content ?? {});
  const body = content?.schema === undefined ? fc.constant(undefined) : arbitraryOf(document, content.schema);
  return fc.record({ path: of("path"), query: of("query"), body }) as fc.Arbitrary<Drawn>;
}

/** The same with one part that no schema allows. */
const bentOf = (operation: Operation): fc.Arbitrary<Drawn> =>
  drawn(operation).chain((request) =>
    request.body === undefined
      ? fc
          .tuple(fc.constantFrom(...Object.keys(request.query), "surprise"), unexpected())
          .map(([name, value]) => ({ ...request, query: { ...request.query, [name]: value } }))
      : bent(request.body).map((body) => ({ ...request, body })),
  );

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "");
/** Half a surrogate has no bytes in an address. */
const encode = (value: unknown) => encodeURIComponent(textOf(value).toWellFormed());

async function send(method: string, path: string, operation: Operation, request: Drawn, key: string) {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encode(request.path[name]) || "%20");
  const query = Object.entries(request.query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const [type] = Object.keys(operation.requestBody?.content ?? {});
  return api.app.inject({
    method: method as "GET",
    url: query.length > 0 ? `${filled}?${query.join("&")}` : filled,
    headers: {
      authorization: `Bearer ${key}`,
      "if-match": "*",
      ...(request.body === undefined || type === undefined ? {} : { "content-type": type }),
    },
    ...(request.body === undefined
      ? {}
      : { payload: type === "application/json" ? JSON.stringify(request.body) : textOf(request.body) }),
  });
}

describe("requests drawn from the description", () => {
  test.each([
    ["as they should be", drawn],
    ["bent", bentOf],
  ] as const)(
    "%s: no error of ours, every refusal a problem",
    { timeout: scaled(240_000) },
    async (_, draw) => {
      const statuses = new Map<number, number>();
      for (const { path, method, operation } of operationsOf(document)) {
        if (operation.operationId === "streamEvents") continue;
        const key = await createApiKey(db.pool, "mine", "fuzz");
        await fc.assert(
          fc.asyncProperty(draw(operation), async (request) => {
            const reply = await send(method, path, operation, request, key);
            statuses.set(reply.statusCode, (statuses.get(reply.statusCode) ?? 0) + 1);
            const where = `${method} ${path}: ${reply.statusCode} ${reply.body.slice(0, 500)}`;
            expect(reply.statusCode, where).toBeLessThan(500);
            if (reply.statusCode < 400) return;
            expect(reply.headers["content-type"], where).toMatch(/^application\/problem\+json/);
            expect(reply.json(), where).toMatchObject({
              status: reply.statusCode,
              code: expect.stringMatching(/^[A-Z][A-Z0-9_]+$/) as string,
              type: expect.stringMatching(/^urn:moov-olt:problem:/) as string,
              title: expect.stringMatching(/./) as string,
            });
          }),
          { numRuns: scaled(12), endOnFailure: true },
        );
      }
      // It got through to what the endpoints do, not only to the schemas' door.
      expect(statuses.get(200) ?? 0).toBeGreaterThan(20);
      expect(statuses.get(400) ?? 0).toBeGreaterThan(20);
      expect(statuses.get(404) ?? 0).toBeGreaterThan(20);
    },
  );
});
