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
import type { Protocol } from "../entry.ts";
import { parseTime } from "../time.ts";
import type { RpcErrorCode } from "./frame.ts";

export type Violation = { code: RpcErrorCode; reason: string };

type Schemas = Record<string, object>;
const SCHEMAS: Record<Protocol, Schemas> = { "ocpp1.6": v16 as Schemas, "ocpp2.0.1": v201 as Schemas };

const ajv = new Ajv({ strict: false, multipleOfPrecision: 3, allErrors: false });
for (const [name, format] of Object.entries(fastFormats)) ajv.addFormat(name, format);
ajv.addFormat("date-time", (text: string) => parseTime(text) !== undefined);

const compiled = new Map<string, ValidateFunction | undefined>();

function validator(protocol: Protocol, name: string): ValidateFunction | undefined {
  const key = `${protocol} ${name}`;
  if (compiled.has(key)) return compiled.get(key);
  const schema = Object.hasOwn(SCHEMAS[protocol], name) ? SCHEMAS[protocol][name] : undefined;
  const validate = schema === undefined ? undefined : ajv.compile(schema);
  // Unknown actions are not remembered: a station could fill the memory with invented names.
  if (validate !== undefined) compiled.set(key, validate);
  return validate;
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
  if (validate(payload) === true) return undefined;
  const error = validate.errors?.[0];
  if (error === undefined) return { code: "FormatViolation", reason: "invalid payload" };
  const extra =
    error.keyword === "additionalProperties" ? ` (${String(error.params["additionalProperty"])})` : "";
  const where = error.instancePath === "" ? "payload" : error.instancePath;
  return { code: codeOf(error), reason: `${where} ${error.message ?? "is invalid"}${extra}`.slice(0, 255) };
}
