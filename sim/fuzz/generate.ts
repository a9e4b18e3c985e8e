/**
 * Valid payloads, drawn from an official JSON schema. Structure-aware: every property that is there may be there.
 *
 * Knows the words that the OCPP schemas use and no others.
 */
import type { Chance } from "../world/chance.ts";

export type Schema = {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  format?: string;
  definitions?: Record<string, Schema>;
};

const DEPTH_MAX = 8;
const WORDS = [
  "TAG",
  "OTHER",
  "1",
  "-1",
  "0",
  "Accepted",
  "true",
  "https://example.org/x",
  "é€𝄞",
  "a b|c",
] as const;
const TIMES = [
  "2026-11-01T10:00:00Z",
  "2026-11-01T10:00:30.123Z",
  "2026-11-01T13:00:00+03:00",
  "2026-10-31T10:00:00Z",
  "1970-01-01T00:32:33Z",
  "2099-12-31T23:59:59Z",
] as const;
const NUMBERS = [0, 1, 2, 3, 7, 16, 100, 1_000, 5_000, 230, 2_147_483_647] as const;

const resolve = (root: Schema, schema: Schema): Schema =>
  schema.$ref === undefined ? schema : (root.definitions?.[schema.$ref.split("/").at(-1) ?? ""] ?? {});

function textOf(chance: Chance, schema: Schema, name: string): string {
  // A station's own name for a transaction: mostly a new one, at times one that was there.
  if (name === "transactionId" && chance.happens(0.7)) return `t-${chance.between(1, 30_000)}`;
  if (schema.format === "date-time") return chance.pick(TIMES);
  if (schema.format === "uri") return "https://example.org/x";
  const most = schema.maxLength ?? 40;
  const text: string = chance.happens(0.8)
    ? chance.pick(WORDS)
    : "x".repeat(chance.between(0, Math.min(most, 60)));
  return Array.from(text).slice(0, most).join("");
}

function numberOf(chance: Chance, schema: Schema): number {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  const drawn = chance.happens(0.3) ? chance.between(0, 4) : chance.pick(NUMBERS);
  const value =
    schema.type === "number" && schema.multipleOf === undefined && chance.happens(0.2) ? drawn + 0.5 : drawn;
  return Math.min(Math.max(value, minimum), maximum);
}

/** A value that the schema allows. */
export function generate(chance: Chance, root: Schema, schema: Schema = root, depth = 0, name = ""): unknown {
  const { enum: words, type, ...rest } = resolve(root, schema);
  if (words !== undefined && words.length > 0) return words[chance.between(0, words.length - 1)];
  switch (type) {
    case "string":
      return textOf(chance, rest, name);
    case "integer":
    case "number":
      return numberOf(chance, { type, ...rest });
    case "boolean":
      return chance.happens(0.5);
    case "array": {
      const least = rest.minItems ?? 0;
      const most = Math.min(rest.maxItems ?? 4, Math.max(least, depth > 4 ? 1 : 3));
      const length = chance.between(Math.min(least, most), most);
      return Array.from({ length }, () => generate(chance, root, rest.items ?? {}, depth + 1));
    }
    default:
      return objectOf(chance, root, rest, depth);
  }
}

function objectOf(chance: Chance, root: Schema, schema: Schema, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const wanted = schema.required?.includes(name) === true;
    if (wanted || (depth < DEPTH_MAX && chance.happens(0.35)))
      object[name] = generate(chance, root, property, depth + 1, name);
  }
  return object;
}
