/**
 * The API's description → the types of its client: one type per schema, one entry per operation. Written to
 * the page by
 * `npm run openapi`; the page's `client.ts` calls by operation, and what the API does not offer does not compile.
 *
 * Pure. It knows the words of JSON Schema that our description uses, and fails at any other.
 */
import type { Document, JsonSchema } from "./openapi-document.ts";

export const CLIENT_TYPES_FILE = new URL("../web/lib/api.gen.ts", import.meta.url);

const key = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name));
const union = (parts: readonly string[]) => [...new Set(parts)].join(" | ") || "never";

function objectType(schema: JsonSchema): string {
  const { properties = {}, required = [], additionalProperties, patternProperties } = schema;
  const fields = Object.entries(properties).map(
    ([name, property]) => `${key(name)}${required.includes(name) ? "" : "?"}: ${typeOf(property)}`,
  );
  const [rest] = Object.values(patternProperties ?? {});
  const others = rest ?? (typeof additionalProperties === "object" ? additionalProperties : undefined);
  if (fields.length === 0)
    return others === undefined ? "Record<string, unknown>" : `Record<string, ${typeOf(others)}>`;
  return `{ ${fields.join("; ")} }`;
}

/** TypeScript's words for a schema. */
export function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1) ?? "unknown";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return union(schema.enum.map((word) => JSON.stringify(word)));
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return union(options.map(typeOf));
  if (schema.allOf !== undefined) return schema.allOf.map((part) => `(${typeOf(part)})`).join(" & ");
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type })));
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array":
      return typeof schema.items === "object" ? `(${typeOf(schema.items)})[]` : "unknown[]";
    case "object":
      return objectType(schema);
    case undefined:
      return schema.properties === undefined ? "unknown" : objectType(schema);
    default:
      throw new Error(`no type for ${JSON.stringify(schema)}`);
  }
}

type Answer = { content?: Record<string, { schema?: JsonSchema }> };
type Parameter = { name: string; in: string; required?: boolean; schema: JsonSchema };

const ofPlace = (parameters: readonly Parameter[], place: string): string =>
  objectType({
    properties: Object.fromEntries(parameters.filter((p) => p.in === place).map((p) => [p.name, p.schema])),
    required: parameters.filter((p) => p.in === place && p.required === true).map((p) => p.name),
  });

/** @returns the text of the file. */
export function clientTypes(document: Document): string {
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) => `export type ${name} = ${typeOf(schema)};`,
  );
  const operations: string[] = [];
  const routes: string[] = [];
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const { operationId, parameters = [], requestBody } = operation;
      const { responses } = operation as unknown as { responses: Record<string, Answer> };
      const good = Object.entries(responses).find(([code]) => code.startsWith("2"))?.[1];
      const json = Object.entries(good?.content ?? {}).find(([type]) => type.includes("json"))?.[1].schema;
      const answer = json === undefined ? "null" : typeOf(json);
      const [body] = Object.values(requestBody?.content ?? {});
      const parts = [
        `path: ${ofPlace(parameters, "path")}`,
        `query: ${ofPlace(parameters, "query")}`,
        `body: ${body?.schema === undefined ? "undefined" : typeOf(body.schema)}`,
        `answer: ${answer}`,
      ];
      operations.push(`  ${operationId}: { ${parts.join("; ")} };`);
      routes.push(`  ${operationId}: ["${method.toUpperCase()}", "${path.replace(/^\/v1/, "")}"],`);
    }
  }
  return [
    "// Made from the API's description by `npm run openapi`. Changes here are lost.",
    "",
    ...schemas,
    "",
    "export type Operations = {",
    ...operations,
    "};",
    "",
    "export const ROUTES: Record<keyof Operations, readonly [method: string, path: string]> = {",
    ...routes,
    "};",
    "",
  ].join("\n");
}
