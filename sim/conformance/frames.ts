/**
 * What the official schemas and OCPP-J say of one frame. Read with a strict eye and with code of its own:
 * the suite judges, so it shares nothing with those it judges.
 */
import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";
import * as schemas16 from "typed-ocpp/dist/ocpp16/schemas.js";
import * as schemas201 from "typed-ocpp/dist/ocpp20/schemas.js";
import type { Version } from "./case-ids.ts";

export type Fields = Record<string, unknown>;

export type Frame =
  | { type: "call"; id: string; action: string; payload: unknown }
  | { type: "result"; id: string; payload: unknown }
  | { type: "error"; id: string; code: string; description: string };

const MESSAGE_ID_MAX = 36;
/** OCPP 1.6-J §4.2.3, with its spelling; OCPP 2.0.1 part 4 §4.3. */
const ERROR_CODES: Record<Version, ReadonlySet<string>> = {
  "1.6": new Set(
    (
      "NotImplemented NotSupported InternalError ProtocolError SecurityError FormationViolation " +
      "PropertyConstraintViolation OccurenceConstraintViolation TypeConstraintViolation GenericError"
    ).split(" "),
  ),
  "2.0.1": new Set(
    (
      "FormatViolation GenericError InternalError MessageTypeNotSupported NotImplemented NotSupported " +
      "OccurrenceConstraintViolation PropertyConstraintViolation ProtocolError RpcFrameworkError " +
      "SecurityError TypeConstraintViolation"
    ).split(" "),
  ),
};

const ajv = new Ajv({ strict: false, multipleOfPrecision: 3 });
formats.default(ajv);
const compiled = new Map<string, ValidateFunction>();

function validatorOf(version: Version, name: string): ValidateFunction | undefined {
  const key = `${version} ${name}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const schemas = (version === "1.6" ? schemas16 : schemas201) as Record<string, object>;
  const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  if (schema === undefined) return undefined;
  const validator = ajv.compile(schema);
  compiled.set(key, validator);
  return validator;
}

/** @returns what is wrong with the payload, in words; undefined when it is as the standard wants it. */
export function wrongWith(
  version: Version,
  action: string,
  direction: "Request" | "Response",
  payload: unknown,
): string | undefined {
  const validator = validatorOf(version, `${action}${direction}`);
  if (validator === undefined) return `OCPP ${version} has no ${action}`;
  if (validator(payload)) return undefined;
  return `${action}${direction} ${ajv.errorsText(validator.errors, { dataVar: "payload" })}`;
}

/** Reads a frame of the CSMS. @returns the frame, or what is wrong with its shape. */
export function readFrame(version: Version, text: string): Frame | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "the frame is no JSON";
  }
  if (!Array.isArray(value)) return "the frame is no list";
  const [type, id, third, fourth, fifth] = value as unknown[];
  if (typeof id !== "string" || id === "") return "the frame has no message id";
  if (type === 2) {
    if (id.length > MESSAGE_ID_MAX)
      return `a message id of ${id.length} characters (at most ${MESSAGE_ID_MAX})`;
    if (value.length !== 4 || typeof third !== "string") return "a CALL is [2, id, action, payload]";
    return { type: "call", id, action: third, payload: fourth };
  }
  if (type === 3) {
    if (value.length !== 3) return "a CALLRESULT is [3, id, payload]";
    return { type: "result", id, payload: third };
  }
  if (type !== 4) return `unknown message type ${JSON.stringify(type)}`;
  if (value.length !== 5 || typeof third !== "string" || typeof fourth !== "string")
    return "a CALLERROR is [4, id, code, description, details]";
  if (typeof fifth !== "object" || fifth === null) return "the details of a CALLERROR are an object";
  if (!ERROR_CODES[version].has(third)) return `OCPP ${version} has no error code ${third}`;
  return { type: "error", id, code: third, description: fourth };
}
