/**
 * The official OCPP schemas (packaged by typed-ocpp), compiled by ajv when first needed.
 *
 * Reading is a little more tolerant than the letter: a time may lack its zone, since stations in the field
 * write such times and refusing them loses money. Everything else is as the standard says.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { fastFormats } from "ajv-formats/dist/formats.js";
import * as v16 from "typed-ocpp/dist/ocpp16/schemas.js";
import * as v201 from "typed-ocpp/dist/ocpp20/schemas.js";
import * as v21 from "typed-ocpp/dist/ocpp21/schemas.js";
import type { Protocol } from "../entry.ts";
import { parseTime } from "../time.ts";
import type { RpcErrorCode } from "./frame.ts";

/** `pointer`: where in the payload (JSON pointer). */
export type Violation = { code: RpcErrorCode; reason: string; pointer?: string };

type Schemas = Record<string, object>;
const SCHEMAS: Record<Protocol, Schemas> = {
  "ocpp1.6": v16 as Schemas,
  "ocpp2.0.1": v201 as Schemas,
  "ocpp2.1": v21 as Schemas,
};

const ajv = new Ajv({ strict: false, multipleOfPrecision: 3, allErrors: false, verbose: true });
for (const [name, format] of Object.entries(fastFormats)) ajv.addFormat(name, format);
ajv.addFormat("date-time", (text: string) => parseTime(text) !== undefined);

const compiled = new Map<string, ValidateFunction | undefined>();

function validator(protocol: Protocol, name: string): ValidateFunction | undefined {
  const key = `${protocol} ${name}`;
  if (compiled.has(key)) return compiled.get(key);
  const schemas = SCHEMAS[protocol];
  const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  const validate = schema === undefined ? undefined : ajv.compile(schema);
  // Unknown actions are not remembered: a station could fill the memory with invented names.
  if (validate !== undefined) compiled.set(key, validate);
  return validate;
}

/** Actions of this version, in both directions, in the order of the alphabet. */
export function actionsOf(protocol: Protocol): string[] {
  const names = Object.keys(SCHEMAS[protocol]).filter((name) => name.endsWith("Request"));
  return names.map((name) => name.slice(0, -"Request".length)).sort();
}

/** The official JSON schema of a payload; undefined: the version does not know the action. */
export function schemaOf(
  protocol: Protocol,
  action: string,
  direction: "Request" | "Response",
): Record<string, unknown> | undefined {
  const name = `${action}${direction}`;
  const schemas = SCHEMAS[protocol];
  return Object.hasOwn(schemas, name) ? (schemas[name] as Record<string, unknown>) : undefined;
}

/**
 * The schema without the definitions that nothing in it refers to: the official files carry those of the whole
 * version in every message.
 */
export function withoutUnused(schema: Record<string, unknown>): Record<string, unknown> {
  const all = (schema["definitions"] ?? {}) as Record<string, unknown>;
  const used: Record<string, unknown> = {};
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const name = String((value as { $ref?: unknown }).$ref).replace("#/definitions/", "");
    if (Object.hasOwn(all, name) && !Object.hasOwn(used, name)) {
      used[name] = all[name];
      visit(all[name]);
    }
    for (const child of Object.values(value)) visit(child);
  };
  const { definitions: _all, ...rest } = schema;
  visit(rest);
  return Object.keys(used).length === 0 ? rest : { ...rest, definitions: used };
}

/** Whether the answer to this action tells a status, by the standard. */
export function hasStatus(protocol: Protocol, action: string): boolean {
  const required = schemaOf(protocol, action, "Response")?.["required"];
  return Array.isArray(required) && required.includes("status");
}

/** Whether the standard of this version knows the action, in either direction. */
export function isKnownAction(protocol: Protocol, action: string): boolean {
  return Object.hasOwn(SCHEMAS[protocol], `${action}Request`);
}

function codeOf(error: ErrorObject): RpcErrorCode {
  switch (error.keyword) {
    case "type":
      return "TypeConstraintViolation";
    case "required":
    case "minItems":
    case "maxItems":
      return "OccurrenceConstraintViolation";
    case "additionalProperties":
      return "FormatViolation";
    default:
      return "PropertyConstraintViolation";
  }
}

/**
 * Checks a payload against the official schema.
 * @returns undefined when it is valid; the first violation with its CALLERROR code otherwise.
 */
export function checkPayload(
  protocol: Protocol,
  action: string,
  direction: "Request" | "Response",
  payload: unknown,
): Violation | undefined {
  const validate = validator(protocol, `${action}${direction}`);
  if (validate === undefined) return { code: "NotImplemented", reason: `unknown action ${action}` };
  return firstViolation(validate, payload);
}

/** The first fault of a payload in the words of ajv, for who mends it. */
export function findFault(
  protocol: Protocol,
  action: string,
  direction: "Request" | "Response",
  payload: unknown,
): ErrorObject | undefined {
  const validate = validator(protocol, `${action}${direction}`);
  return validate === undefined || validate(payload) === true ? undefined : validate.errors?.[0];
}

/** A check by another schema than the official one, with the same words. */
export function compileSchema(schema: object): (payload: unknown) => Violation | undefined {
  const validate = ajv.compile(schema);
  return (payload) => firstViolation(validate, payload);
}

function firstViolation(validate: ValidateFunction, payload: unknown): Violation | undefined {
  if (validate(payload) === true) return undefined;
  const error = validate.errors?.[0];
  if (error === undefined) return { code: "FormatViolation", reason: "invalid payload" };
  const extra =
    error.keyword === "additionalProperties" ? ` (${String(error.params["additionalProperty"])})` : "";
  const where = error.instancePath === "" ? "payload" : error.instancePath;
  const reason = `${where} ${error.message ?? "is invalid"}${extra}`.slice(0, 255);
  return { code: codeOf(error), reason, pointer: error.instancePath };
}
