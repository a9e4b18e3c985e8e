/**
 * A payload that breaks the official schema → one that keeps it, where what was meant is beyond doubt.
 *
 * A fault is mended at every place of the payload that has it, then the schema is asked again; what is left
 * refuses the message. Pure: the ER and the cloud read the same facts from the same frame.
 */
import type { ErrorObject } from "ajv";
import type { Protocol } from "../entry.ts";
import { parseTime } from "../time.ts";
import { allowedBy, cut, NONE, numberOf, REPAIRS, type Fault } from "./repairs.ts";
import { findFault } from "./schemas.ts";
import type { ToleranceId } from "./tolerance.ts";

type Fields = Record<string, unknown>;

/** JSON pointer → names, with `*` for elements of lists. */
function pathOf(pointer: string, root: unknown): string[] {
  let at: unknown = root;
  const steps = pointer.split("/").slice(1);
  return steps.map((step) => {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    const inList = Array.isArray(at);
    at = (at as Fields | undefined)?.[name];
    return inList ? "*" : name;
  });
}

function faultOf(protocol: Protocol, action: string, error: ErrorObject, root: unknown): Fault {
  const at = pathOf(error.instancePath, root);
  const { missingProperty, additionalProperty } = error.params as Record<string, string | undefined>;
  const property = missingProperty ?? additionalProperty;
  const path = property === undefined ? at : [...at, property];
  const names = path.filter((step) => step !== "*");
  return { protocol, action, error, path, name: names.at(-1) ?? "", parent: names.at(-2) ?? "" };
}

const isHolder = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const valueAt = (holder: Fields, name: string): unknown =>
  Object.hasOwn(holder, name) ? holder[name] : undefined;

function put(holder: Fields, name: string, value: unknown): void {
  if (value === NONE) delete holder[name];
  else Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
}

/** A thing of the payload as the schema sees it, and the same thing as it is read. */
type Pair = { check: unknown; read: unknown };
type Place = { check: Fields; read: Fields | undefined; name: string };

/** Every place that the path leads to: what holds it, and its name there. */
function places(root: Pair, path: readonly string[]): Place[] {
  let pairs: Pair[] = [root];
  const below = ({ check, read }: Pair, name: string): Pair => ({
    check: valueAt(check as Fields, name),
    read: isHolder(read) ? valueAt(read, name) : undefined,
  });
  const named = (pair: Pair, step: string): string[] => {
    if (!isHolder(pair.check)) return [];
    // Where objects belong a list may stand: it has no such place.
    if (Array.isArray(pair.check)) return step === "*" ? Object.keys(pair.check) : [];
    return step === "*" ? [] : [step];
  };
  for (const step of path.slice(0, -1))
    pairs = pairs.flatMap((pair) => named(pair, step).map((name) => below(pair, name)));
  return pairs.flatMap((pair) =>
    named(pair, path.at(-1) ?? "").map((name) => ({
      check: pair.check as Fields,
      read: isHolder(pair.read) ? pair.read : undefined,
      name,
    })),
  );
}

/** Surplus properties are many at times: all of them go at once, in one walk over the objects. */
function dropSurplus(fault: Fault, root: Pair): boolean {
  const known = (fault.error.parentSchema?.["properties"] ?? {}) as Fields;
  const at = fault.path.slice(0, -1);
  const below = ({ check, read, name }: Place): Pair => ({
    check: valueAt(check, name),
    read: read === undefined ? undefined : valueAt(read, name),
  });
  let done = false;
  for (const { check, read } of at.length === 0 ? [root] : places(root, at).map(below)) {
    if (!isHolder(check) || Array.isArray(check)) continue;
    for (const name of Object.keys(check).filter((key) => !Object.hasOwn(known, key))) {
      put(check, name, NONE);
      if (isHolder(read)) put(read, name, NONE);
      done = true;
    }
  }
  return done;
}

/** A fault is found at one place; at another of the same path all may be well. */
function isFaulty({ error }: Fault, holder: Fields, name: string): boolean {
  const value = valueAt(holder, name);
  switch (error.keyword) {
    case "required":
      return value === undefined;
    case "enum":
      return value !== undefined && !allowedBy(error).includes(value as string);
    case "format":
      return value !== undefined && parseTime(value) === undefined;
    case "type":
      return value !== undefined && !(error.params["type"] === "string" && typeof value === "string");
    default:
      return value !== undefined;
  }
}

/**
 * Mends one fault wherever it is. Check and reading keep the same shape; samples that are not to be read are
 * taken out at the end.
 */
function mendFault(fault: Fault, root: Pair, dropped: Set<unknown>): ToleranceId | undefined {
  for (const { id, mend } of REPAIRS) {
    const edit = mend(fault);
    if (edit === undefined) continue;
    if (id === "extra-property") return dropSurplus(fault, root) ? id : undefined;
    let done = false;
    for (const { check, read, name } of places(root, fault.path)) {
      const edited = isFaulty(fault, check, name) ? edit(valueAt(check, name)) : undefined;
      if (edited === undefined) continue;
      done = true;
      put(check, name, edited.check);
      if (read === undefined) continue;
      if (edited.read === NONE) dropped.add(read);
      else put(read, name, "read" in edited ? edited.read : edited.check);
    }
    if (done) return id;
  }
  return undefined;
}

/** Without the samples that are not to be read. */
function without(value: unknown, dropped: ReadonlySet<unknown>): unknown {
  if (Array.isArray(value))
    return (value as unknown[]).filter((item) => !dropped.has(item)).map((item) => without(item, dropped));
  if (!isHolder(value)) return value;
  for (const name of Object.keys(value)) put(value, name, without(value[name], dropped));
  return value;
}

/** Kinds of faults in one message before it counts as nonsense. */
const FAULTS_MAX = 40;

export type Repaired = { payload: Fields; tolerances: ToleranceId[] };

/**
 * OCPP 1.6 §4.10: a StopTransaction is answered with a result, whatever else is in it. Refusing one makes
 * stations repeat it for ever and leaves the driver unbilled; what matters is three fields.
 */
function salvageStop({ transactionId, meterStop, timestamp }: Fields): Repaired {
  const id = typeof transactionId === "number" ? transactionId : numberOf(transactionId);
  const register = typeof meterStop === "number" ? meterStop : numberOf(meterStop);
  const known = register !== undefined && Number.isSafeInteger(Math.round(register));
  const payload = {
    // The number of a transaction that never got one.
    transactionId: Number.isSafeInteger(id) ? id : -1,
    ...(known ? { meterStop: Math.round(register) } : {}),
    timestamp: typeof timestamp === "string" ? cut(timestamp) : "",
  };
  return { payload, tolerances: ["stop-salvaged"] };
}

/**
 * Mends what can be mended, and checks again.
 * @returns what is to be read, and by which tolerances; undefined: the message stays refused.
 */
export function repair(protocol: Protocol, action: string, payload: Fields): Repaired | undefined {
  const root = { check: structuredClone(payload), read: structuredClone(payload) };
  const dropped = new Set<unknown>();
  const tolerances = new Set<ToleranceId>();
  for (let faults = 0; faults < FAULTS_MAX; faults++) {
    const error = findFault(protocol, action, "Request", root.check);
    if (error === undefined)
      return { payload: without(root.read, dropped) as Fields, tolerances: [...tolerances] };
    const id = mendFault(faultOf(protocol, action, error, root.check), root, dropped);
    if (id === undefined) break;
    tolerances.add(id);
  }
  return protocol === "ocpp1.6" && action === "StopTransaction" ? salvageStop(payload) : undefined;
}
