/**
 * Checks OCPP frames against the official JSON schemas, in both directions of one connection.
 *
 * A checker remembers which call an answer belongs to; make one per station. It changes nothing.
 */
import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";
import * as schemas16 from "typed-ocpp/dist/ocpp16/schemas.js";
import * as schemas20 from "typed-ocpp/dist/ocpp20/schemas.js";
import * as schemas21 from "typed-ocpp/dist/ocpp21/schemas.js";
import type { OcppVersion } from "./types.ts";

const SCHEMAS: Record<OcppVersion, Record<string, object>> = {
  "1.6": schemas16 as Record<string, object>,
  "2.0.1": schemas20 as Record<string, object>,
  "2.1": schemas21 as Record<string, object>,
};

const ajv = new Ajv({ strict: false });
formats.default(ajv);
const compiled = new Map<string, ValidateFunction>();
/** Calls under way, each way: far more than OCPP-J allows. */
const CALLS_MAX = 16;

function validatorOf(version: OcppVersion, name: string): ValidateFunction | undefined {
  const key = `${version} ${name}`;
  const known = compiled.get(key);
  if (known) return known;
  const schemas = SCHEMAS[version];
  const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  if (schema === undefined) return undefined;
  const validator = ajv.compile(schema);
  compiled.set(key, validator);
  return validator;
}

export type FrameChecker = (direction: "sent" | "received", text: string) => string | undefined;

/** Returns what is wrong with a frame, in words; undefined when it is as the standard wants it. */
export function frameChecker(version: OcppVersion): FrameChecker {
  const actions = { sent: new Map<string, string>(), received: new Map<string, string>() };
  const check = (name: string, payload: unknown) => {
    const validator = validatorOf(version, name);
    if (validator === undefined) return `OCPP ${version} has no ${name}`;
    if (validator(payload)) return undefined;
    return `${name}: ${ajv.errorsText(validator.errors, { dataVar: "payload" })}`;
  };
  return (direction, text) => {
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return "not JSON";
    }
    if (!Array.isArray(frame)) return "not a list";
    const [type, id, third, fourth, fifth] = frame as unknown[];
    if (typeof id !== "string") return "the message id is not text";
    if (type === 2) {
      if (frame.length !== 4) return "a CALL has four elements";
      const calls = actions[direction];
      calls.set(id, String(third));
      if (calls.size > CALLS_MAX) for (const oldest of [...calls.keys()].slice(0, 1)) calls.delete(oldest);
      return check(`${String(third)}Request`, fourth);
    }
    const calls = actions[direction === "sent" ? "received" : "sent"];
    const action = calls.get(id);
    calls.delete(id);
    if (type === 3) {
      if (frame.length !== 3) return "a CALLRESULT has three elements";
      return action === undefined ? `answers no call (${id})` : check(`${action}Response`, third);
    }
    if (type !== 4) return `unknown message type ${String(type)}`;
    const wellFormed = typeof third === "string" && typeof fourth === "string" && typeof fifth === "object";
    return wellFormed ? undefined : "a CALLERROR has code, description and details";
  };
}
