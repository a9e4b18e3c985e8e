/**
 * Requests drawn from the API's own description: for each operation the path, the query and the body that
 * its schemas allow, and now and then what they do not.
 *
 * Knows the words of JSON Schema that our description uses; an unknown one is a mistake here, never passed over.
 */
import fc, { type Arbitrary } from "fast-check";
import type { Document, JsonSchema } from "../../cloud/api/openapi-document.ts";

const DEPTH_MAX = 5;
/** Dates that a calendar and PostgreSQL know. */
const TIME = fc.integer({ min: 0, max: 4_000_000_000 }).map((s) => new Date(s * 1_000).toISOString());

function textOf({
  pattern,
  format,
  minLength = 0,
  maxLength = 40,
  enum: _,
  ...rest
}: JsonSchema): Arbitrary<unknown> {
  void rest;
  const fits = (text: string) => text.length >= minLength && text.length <= maxLength;
  switch (format) {
    case "date-time":
      return TIME;
    case "date":
      return TIME.map((text) => text.slice(0, 10));
    case "uuid":
      return fc.uuid();
    case "email":
      return fc.emailAddress().filter(fits);
    case "uri":
      return fc.constantFrom("https://example.org/x", "https://93.184.216.34/hook");
    default:
  }
  if (pattern !== undefined) {
    const whole = new RegExp(pattern);
    // What looks ahead is not drawn from, only asked.
    const drawn = new RegExp(pattern.replaceAll(/\(\?[=!][^)]*\)/g, ""));
    return fc.stringMatching(drawn).filter((text) => fits(text) && whole.test(text));
  }
  return fc
    .string({ minLength, maxLength: Math.min(maxLength, minLength + 40), unit: "grapheme" })
    .filter(fits);
}

function numberOf(schema: JsonSchema, whole: boolean): Arbitrary<unknown> {
  const min =
    schema.minimum ?? (schema.exclusiveMinimum === undefined ? -1_000 : schema.exclusiveMinimum + 1);
  const max = Math.max(min, schema.maximum ?? 1_000_000);
  return whole ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true });
}

/** Values that a schema of the document allows. */
export function arbitraryOf(document: Document, schema: JsonSchema, depth = 0): Arbitrary<unknown> {
  const inner = (one: JsonSchema) => arbitraryOf(document, one, depth + 1);
  if (schema.$ref !== undefined) {
    const named = document.components.schemas[schema.$ref.split("/").at(-1) ?? ""];
    if (named === undefined) throw new Error(`${schema.$ref} leads nowhere`);
    return arbitraryOf(document, named, depth + 1);
  }
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return fc.oneof(...options.map(inner));
  if (schema.allOf !== undefined)
    return fc
      .tuple(...schema.allOf.map(inner))
      .map((parts) => Object.assign({}, ...(parts as object[])) as unknown);
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => inner({ ...schema, type })));
  switch (schema.type) {
    case "string":
      return textOf(schema);
    case "integer":
    case "number":
      return numberOf(schema, schema.type === "integer");
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array": {
      const { items } = schema;
      const minLength = schema.minItems ?? 0;
      const maxLength = depth >= DEPTH_MAX ? minLength : Math.min(schema.maxItems ?? 3, minLength + 3);
      return fc.array(typeof items === "object" ? inner(items) : fc.jsonValue(), { minLength, maxLength });
    }
    case "object":
      return objectOf(document, schema, depth);
    case undefined:
      return schema.properties === undefined
        ? fc.jsonValue({ maxDepth: 2 })
        : objectOf(document, schema, depth);
    default:
      throw new Error(`no values for ${JSON.stringify(schema)}`);
  }
}

function objectOf(document: Document, schema: JsonSchema, depth: number): Arbitrary<unknown> {
  const { properties = {}, required = [] } = schema;
  const wanted = Object.entries(properties).filter(([name]) => required.includes(name) || depth < DEPTH_MAX);
  const model = Object.fromEntries(
    wanted.map(([name, property]) => [name, arbitraryOf(document, property, depth + 1)]),
  );
  return fc.record(model, { requiredKeys: required.filter((name) => name in model) });
}

/** Something else than what is expected: another type, too much, too deep, a name that nobody knows. */
export const unexpected = (): Arbitrary<unknown> =>
  fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom<unknown>(
      ...["", "\u0000", "\ud800", "x".repeat(5_000), -1, 1e308, Number.MAX_SAFE_INTEGER + 2, 0.1, null],
      ...[
        [],
        {},
        [[[[]]]],
        { __proto__: null, constructor: 1 },
        "9999-99-99T99:99:99Z",
        "0000-01-01T00:00:00Z",
      ],
    ),
  );

/** A value with one of its parts replaced by something unexpected. */
export const bent = (value: unknown): Arbitrary<unknown> => {
  if (typeof value !== "object" || value === null) return unexpected();
  const names = Object.keys(value);
  return fc
    .tuple(fc.constantFrom(...names, "surprise"), unexpected(), fc.boolean())
    .map(([name, other, deep]) => {
      const copy = structuredClone(value) as Record<string, unknown>;
      const part = copy[name];
      if (deep && typeof part === "object" && part !== null && !Array.isArray(part))
        copy[name] = { ...part, surprise: other };
      else copy[name] = other;
      return copy;
    });
};
