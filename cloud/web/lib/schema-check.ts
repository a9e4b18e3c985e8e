/**
 * Checks a value against a JSON schema while it is written, so that a mistake shows at its field at once. It knows
 * the words that the schemas of OCPP and of the commands use. The cloud checks again, and its word counts.
 *
 * Pure. What it finds are codes with values: the words are in the message files under `fieldProblem`.
 */
import { isFields, pointerTo, resolve, wordsOf, type JsonSchema } from "./schema-form.ts";

export type ProblemCode =
  | "required"
  | "unknown"
  | "text"
  | "number"
  | "integer"
  | "boolean"
  | "list"
  | "object"
  | "choice"
  | "tooShort"
  | "tooLong"
  | "tooSmall"
  | "tooLarge"
  | "tooFew"
  | "tooMany"
  | "step"
  | "instant"
  | "format";

/** `limit`: the bound that was missed, where there is one. */
export type FieldProblem = { pointer: string; code: ProblemCode; limit?: number };

/** Text with 2 000 mistakes is not read by anybody. */
const PROBLEMS_MAX = 200;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What is wrong with a value, place by place. */
export function problemsOf(schema: JsonSchema, value: unknown, root: JsonSchema = schema): FieldProblem[] {
  const found: FieldProblem[] = [];
  check(schema, value, "", { root, found });
  return found;
}

type Run = { root: JsonSchema; found: FieldProblem[] };

function check(given: JsonSchema, value: unknown, pointer: string, run: Run): void {
  if (run.found.length >= PROBLEMS_MAX) return;
  const schema = resolve(given, run.root);
  const say = (code: ProblemCode, limit?: number) =>
    run.found.push({ pointer, code, ...(limit === undefined ? {} : { limit }) });
  const words = wordsOf(schema);
  if (words !== undefined) {
    if (!words.includes(value as string)) say("choice");
    return;
  }
  switch (schema.type) {
    case "object":
      if (isFields(value)) checkFields(schema, value, pointer, run);
      else say("object");
      return;
    case "array":
      if (Array.isArray(value)) checkItems(schema, value as unknown[], pointer, run);
      else say("list");
      return;
    case "string":
      if (typeof value === "string") checkText(schema, value, say);
      else say("text");
      return;
    case "integer":
    case "number":
      if (typeof value === "number") checkNumber(schema, value, say);
      else say("number");
      return;
    case "boolean":
      if (typeof value !== "boolean") say("boolean");
      return;
  }
}

function checkFields(schema: JsonSchema, value: Record<string, unknown>, pointer: string, run: Run): void {
  const { properties = {}, required = [] } = schema;
  for (const name of required) {
    if (value[name] === undefined) run.found.push({ pointer: pointerTo(pointer, name), code: "required" });
  }
  for (const [name, inner] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (inner === undefined) continue;
    if (known !== undefined) check(known, inner, pointerTo(pointer, name), run);
    else if (schema.additionalProperties === false)
      run.found.push({ pointer: pointerTo(pointer, name), code: "unknown" });
  }
}

function checkItems(schema: JsonSchema, value: unknown[], pointer: string, run: Run): void {
  const { items = {}, minItems = 0, maxItems = Infinity } = schema;
  if (value.length < minItems) run.found.push({ pointer, code: "tooFew", limit: minItems });
  if (value.length > maxItems) run.found.push({ pointer, code: "tooMany", limit: maxItems });
  value.forEach((item, index) => check(items, item, pointerTo(pointer, index), run));
}

type Say = (code: ProblemCode, limit?: number) => void;

function checkText(schema: JsonSchema, value: string, say: Say): void {
  const { minLength = 0, maxLength = Infinity, format, pattern } = schema;
  // Like JSON Schema: characters, not UTF-16 units.
  const { length } = Array.from(value);
  if (length < minLength) say("tooShort", minLength);
  else if (length > maxLength) say("tooLong", maxLength);
  else if (format === "date-time") {
    if (!INSTANT.test(value) || Number.isNaN(Date.parse(value))) say("instant");
  } else if ((format === "uuid" && !UUID.test(value)) || (format === "uri" && !URL.canParse(value)))
    say("format");
  else if (pattern !== undefined && !new RegExp(pattern, "u").test(value)) say("format");
}

function checkNumber(schema: JsonSchema, value: number, say: Say): void {
  const { minimum = -Infinity, maximum = Infinity, multipleOf } = schema;
  if (schema.type === "integer" && !Number.isInteger(value)) say("integer");
  else if (value < minimum) say("tooSmall", minimum);
  else if (value > maximum) say("tooLarge", maximum);
  else if (multipleOf !== undefined && !isMultiple(value, multipleOf)) say("step", multipleOf);
}

/** 0.3 is three times 0.1, whatever binary fractions say. */
const isMultiple = (value: number, step: number) => Math.abs(value / step - Math.round(value / step)) < 1e-6;

/**
 * The place within what a form writes that a pointer of the API's answer means; null: it is about something else.
 * @param head where in the request the form's value stands.
 */
export function fieldPointer(pointer: string, head: string): string | null {
  return pointer === head || pointer.startsWith(`${head}/`) ? pointer.slice(head.length) : null;
}
