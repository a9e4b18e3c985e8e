/**
 * Forms out of JSON Schema: what a schema asks for at each place, what is there at first, and how a value changes.
 *
 * The value of a form is the JSON that will be sent, nothing else: what is not there is not asked for or not yet
 * filled in; `null` is a number that was emptied. So the form and its JSON never differ. Pure; the checks are in
 * `schema-check.ts`.
 */
export type JsonSchema = {
  $ref?: string;
  definitions?: Record<string, JsonSchema>;
  title?: string;
  type?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  patternProperties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  format?: string;
  pattern?: string;
};

export type Fields = Record<string, unknown>;
export type Field = { name: string; schema: JsonSchema; required: boolean };

/** What a place of the form is. `json`: the schema does not say. */
export type Shape =
  | { kind: "object"; fields: Field[]; open: boolean }
  | { kind: "array"; item: JsonSchema; minItems: number; maxItems: number }
  | { kind: "choice"; values: string[] }
  | { kind: "number"; integer: boolean; minimum?: number; maximum?: number; step: number | "any" }
  | { kind: "boolean" }
  | { kind: "text"; maxLength?: number; look: "line" | "lines" | "instant" }
  | { kind: "json" };

/** Texts that may be longer than this are written in several lines. */
const LINE_LENGTH_MAX = 500;
/** Schemas of the standard refer to each other a few levels deep; more than this goes in circles. */
const DEPTH_MAX = 12;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The schema behind a reference into `definitions`. What the reference itself says of the place stays. */
export function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let found = schema;
  for (let depth = 0; found.$ref !== undefined && depth < DEPTH_MAX; depth++) {
    const name = found.$ref.replace("#/definitions/", "");
    const { $ref: _, ...said } = found;
    found = { ...root.definitions?.[name], ...said };
  }
  return found;
}

/** The words of an enumeration, also when it is written as a union of constants. */
export function wordsOf(schema: JsonSchema): string[] | undefined {
  const words = schema.enum ?? schema.anyOf?.map((one) => one.const);
  return words?.every((word) => typeof word === "string") === true ? words : undefined;
}

/** What is asked for at this place. */
export function shapeOf(given: JsonSchema, root: JsonSchema): Shape {
  const schema = resolve(given, root);
  const values = wordsOf(schema);
  if (values !== undefined) return { kind: "choice", values };
  switch (schema.type) {
    case "object":
      return objectShape(schema);
    case "array": {
      const { items = {}, minItems = 0, maxItems = Infinity } = schema;
      return { kind: "array", item: items, minItems, maxItems };
    }
    case "integer":
    case "number": {
      const integer = schema.type === "integer";
      const { minimum, maximum, multipleOf } = schema;
      return {
        ...{ kind: "number", integer, step: integer ? 1 : (multipleOf ?? "any") },
        ...(minimum === undefined ? {} : { minimum }),
        ...(maximum === undefined ? {} : { maximum }),
      };
    }
    case "boolean":
      return { kind: "boolean" };
    case "string": {
      const { maxLength, format } = schema;
      const long = maxLength !== undefined && maxLength > LINE_LENGTH_MAX;
      const look = format === "date-time" ? "instant" : long ? "lines" : "line";
      return { kind: "text", look, ...(maxLength === undefined ? {} : { maxLength }) };
    }
    default:
      return { kind: "json" };
  }
}

function objectShape(schema: JsonSchema): Shape {
  const { properties, required = [] } = schema;
  // An object without any property said: whatever fits in JSON.
  if (properties === undefined || (Object.keys(properties).length === 0 && isOpen(schema)))
    return isOpen(schema) ? { kind: "json" } : { kind: "object", fields: [], open: false };
  const fields = Object.entries(properties).map(([name, field]) => ({
    ...{ name, schema: field, required: required.includes(name) },
  }));
  // What must be there first; what only a vendor knows last.
  const rank = (field: Field) => (field.required ? 0 : field.name === "customData" ? 2 : 1);
  return { kind: "object", fields: fields.sort((a, b) => rank(a) - rank(b)), open: isOpen(schema) };
}

const isOpen = (schema: JsonSchema) => schema.additionalProperties !== false;

/**
 * What stands at a place before anybody wrote there: what must be there and can be known. undefined: nothing can
 * be known, a person has to say.
 */
export function initialOf(given: JsonSchema, root: JsonSchema, depth = 0): unknown {
  const schema = resolve(given, root);
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  const shape = shapeOf(schema, root);
  switch (shape.kind) {
    case "object": {
      if (depth > DEPTH_MAX) return {};
      const made = shape.fields
        .filter((field) => field.required)
        .map(({ name, schema: field }) => [name, initialOf(field, root, depth + 1)] as const);
      return Object.fromEntries(made.filter(([, value]) => value !== undefined));
    }
    case "array":
      return Array.from({ length: shape.minItems }, () => addedOf(shape.item, root, depth + 1));
    case "choice":
      return shape.values.length === 1 ? shape.values[0] : undefined;
    case "boolean":
      return false;
    case "json":
      return schema.type === "object" ? {} : undefined;
    default:
      return undefined;
  }
}

/** What stands at a place that was added on demand: something, so that it is there to be filled in. */
export function addedOf(schema: JsonSchema, root: JsonSchema, depth = 0): unknown {
  const initial = initialOf(schema, root, depth);
  if (initial !== undefined) return initial;
  const shape = shapeOf(schema, root);
  if (shape.kind === "choice") return shape.values[0];
  return shape.kind === "text" ? "" : null;
}

/* Places, as JSON pointers (RFC 6901) */

const escape = (name: string) => name.replaceAll("~", "~0").replaceAll("/", "~1");
const unescape = (part: string) => part.replaceAll("~1", "/").replaceAll("~0", "~");

/** The place of a field or an item within another place. */
export const pointerTo = (pointer: string, name: string | number): string =>
  `${pointer}/${escape(String(name))}`;

/** The value with `next` at the place; undefined takes away what is there. Leaves the given value alone. */
export function setAt(value: unknown, pointer: string, next: unknown): unknown {
  if (pointer === "") return next;
  const [, first = "", ...rest] = pointer.split("/");
  const name = unescape(first);
  const inner = rest.map((part) => `/${part}`).join("");
  if (Array.isArray(value)) {
    const items = value as unknown[];
    const index = Number(name);
    if (next === undefined && inner === "") return items.toSpliced(index, 1);
    return items.with(index, setAt(items[index], inner, next));
  }
  const fields = isFields(value) ? value : {};
  if (next === undefined && inner === "") {
    const { [name]: _, ...others } = fields;
    return others;
  }
  return { ...fields, [name]: setAt(fields[name], inner, next) };
}

/* Words */

/** What the standard says of a field, without its catalogue numbers and cross-references. "": nothing. */
export function describe(given: JsonSchema, root: JsonSchema): string {
  const { description = "" } = { ...resolve(given, root), ...given };
  const lines = description.replaceAll("&lt;", "<").replaceAll("&gt;", ">").split(/\r?\n/);
  const urn = lines.findIndex((line) => line.trim().startsWith("urn:"));
  return lines
    .slice(urn + 1)
    .join(" ")
    .replace(/<<[^>]*?,\s*([^>]*)>>/g, "$1")
    .replace(/<<([^>]*)>>/g, "$1")
    .replace(/\s+/g, " ")
    .trim();
}

/* Instants */

/** RFC 3339 → what an `<input type="datetime-local">` shows, in the browser's zone; "" for no instant. */
export function localInstant(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return "";
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** The other way round. "" stays "". */
export function instantOf(local: string): string {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString();
}
