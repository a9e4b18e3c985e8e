/** The API's description: valid, whole, and the committed file is this one. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Ajv2020 } from "ajv/dist/2020.js";
import { CLIENT_TYPES_FILE, clientTypes } from "./client-types.ts";
import { OPENAPI_FILE, openapiText } from "./openapi.ts";

type Schema = Record<string, unknown>;
type Operation = {
  operationId?: string;
  tags?: string[];
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>;
};
type Document = {
  openapi: string;
  info: { title: string; version: string };
  components: {
    schemas: Record<string, Schema>;
    securitySchemes: Record<string, { type: string; scheme?: string }>;
  };
  paths: Record<string, Record<string, Operation>>;
};

const text = await openapiText();
const document = JSON.parse(text) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test("the committed document is the one of this code (node cloud/api/openapi.ts writes it)", () => {
  expect(readFileSync(OPENAPI_FILE, "utf8")).toBe(text);
  expect(readFileSync(CLIENT_TYPES_FILE, "utf8")).toBe(clientTypes(JSON.parse(text) as never));
});

test("it is OpenAPI 3.1 with a title, a version, bearer keys and sessions", () => {
  expect(document).toMatchObject({
    openapi: "3.1.0",
    info: { title: "Moov.olt API", version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string },
    components: {
      securitySchemes: {
        apiKey: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie" },
      },
    },
  });
});

test("every route has a name of its own, a tag, a described answer with a schema, and problems", () => {
  const ids = operations.map(({ operation }) => operation.operationId ?? "");
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, method, operation } of operations) {
    const where = `${method} ${path}`;
    expect(operation.operationId, where).toMatch(/^[a-z][A-Za-z]+$/);
    expect(operation.tags, where).toHaveLength(1);
    const codes = Object.keys(operation.responses);
    const good = codes.filter((code) => code.startsWith("2"));
    // What was there already is 200 where something new is 201.
    if (good.length > 1) expect([method, ...good], where).toEqual(["post", "200", "201"]);
    else expect(good, where).toHaveLength(1);
    for (const code of codes) {
      const { description, content = {} } = operation.responses[code] ?? {};
      expect(description, where).toBeTruthy();
      expect(
        Object.values(content).every(({ schema }) => schema !== undefined) && Object.keys(content).length > 0,
        where,
      ).toBe(true);
    }
    expect(operation.responses["default"]?.content, where).toHaveProperty("application/problem+json");
  }
});

test("path parameters are those of the path, and required", () => {
  for (const { path, method, operation } of operations) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const declared = (operation.parameters ?? []).filter((p) => p.in === "path");
    expect(
      declared.map((p) => p.name),
      `${method} ${path}`,
    ).toEqual(named);
    expect(declared.every((p) => p.required === true)).toBe(true);
  }
});

test("paths are plural nouns in lower case", () => {
  for (const path of Object.keys(document.paths)) expect(path).toMatch(/^\/v1(\/[a-z-]+|\/\{[a-zA-Z]+\})+$/);
});

test("every schema is one, and every reference leads somewhere", () => {
  const ajv = new Ajv2020({ strict: false, formats: { "date-time": true, email: true } });
  ajv.addSchema({ $id: "https://api.test/document", components: document.components });
  for (const name of Object.keys(document.components.schemas)) {
    expect(
      () => ajv.compile({ $ref: `https://api.test/document#/components/schemas/${name}` }),
      name,
    ).not.toThrow();
  }
  const references = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(references.length).toBeGreaterThan(10);
  for (const reference of references) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1];
    expect(document.components.schemas, reference).toHaveProperty(name ?? "no local reference");
  }
});
