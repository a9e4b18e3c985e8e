/**
 * What is mended in a payload that breaks the official schema: one tolerance per kind of fault. Part of
 * `repair.ts`.
 *
 * Each says two things: what the schema is given (`check`) and what is read (`read`, where data is better kept
 * as it came). What no tolerance answers to stays refused.
 */
import type { ErrorObject } from "ajv";
import type { Protocol } from "../entry.ts";
import { formatTime } from "../time.ts";
import type { ToleranceId } from "./tolerance.ts";

/** Takes the place out of its object; a sample out of its list. */
export const NONE = Symbol("none");
/** What the schema is given, and what is read where that is not the same. */
export type Edit = { check: unknown; read?: unknown };

/** A fault of the payload: what is wrong, and where, with `*` for any element of a list. */
export type Fault = {
  protocol: Protocol;
  action: string;
  error: ErrorObject;
  /** Of the faulty value; for a missing or surplus property of that property. */
  path: string[];
  name: string;
  parent: string;
};

export type Tolerance = {
  id: ToleranceId;
  mend: (fault: Fault) => ((value: unknown) => Edit | undefined) | undefined;
};

const IDS: ReadonlySet<string> = new Set(["idTag", "idToken", "additionalIdToken"]);
const ID_LENGTH_MAX = 36;
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?\s*$/;
const REGISTERS: ReadonlySet<string> = new Set(["meterStart", "meterStop"]);
const EPOCH = "1970-01-01T00:00:00Z";

const isType = ({ error }: Fault, ...types: string[]) =>
  error.keyword === "type" && types.includes(String(error.params["type"]));
const isTime = ({ name, action }: Fault) => name === "timestamp" && TIMED.has(action);
const TIMED: ReadonlySet<string> = new Set([
  "MeterValues",
  "StartTransaction",
  "StatusNotification",
  "StopTransaction",
  "TransactionEvent",
]);

export const numberOf = (value: unknown): number | undefined =>
  typeof value === "string" && NUMBER.test(value) ? Number(value) : undefined;

function truthOf(value: unknown): boolean | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const word = String(value).trim().toLowerCase();
  return word === "true" || word === "1" ? true : word === "false" || word === "0" ? false : undefined;
}

export const cut = (value: string): string => value.slice(0, 64);
const emptied = (check: unknown) => (value: unknown) =>
  value === undefined || (Array.isArray(value) && value.length === 0) ? { check, read: [] } : undefined;

const plain = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, "");

export const allowedBy = (error: ErrorObject): string[] => error.params["allowedValues"] as string[];

/** Words of a list of the standard, by the name of the property. */
const METER_WORDS: ReadonlySet<string> = new Set([
  "context",
  "format",
  "location",
  "measurand",
  "phase",
  "unit",
]);
const COUNTERPARTS: Record<string, Record<string, string>> = {
  status: { occupied: "Preparing" },
  connectorStatus: {
    preparing: "Occupied",
    charging: "Occupied",
    suspendedev: "Occupied",
    suspendedevse: "Occupied",
    finishing: "Occupied",
  },
};
const DUMMY_SAMPLE = (protocol: Protocol) => ({ value: protocol === "ocpp1.6" ? "0" : 0 });

/** In the order in which they are tried; the first that answers to a fault is asked. */
export const REPAIRS: readonly Tolerance[] = [
  {
    id: "extra-property",
    mend: ({ error }) => (error.keyword === "additionalProperties" ? () => ({ check: NONE }) : undefined),
  },
  {
    id: "null-property",
    mend: ({ error, path }) =>
      (error.keyword === "type" || error.keyword === "enum") && path.at(-1) !== "*"
        ? (value) => (value === null ? { check: NONE } : undefined)
        : undefined,
  },
  {
    id: "epoch-time",
    mend: (fault) =>
      isTime(fault)
        ? (value) => {
            const number = typeof value === "number" ? value : numberOf(value);
            if (number === undefined || number < 1e8 || number > 1e14) return undefined;
            return { check: formatTime(number < 1e11 ? number * 1_000 : number) };
          }
        : undefined,
  },
  {
    id: "number-as-text",
    mend: (fault) =>
      isType(fault, "integer", "number")
        ? (value) => {
            const number = numberOf(value);
            const usable = number !== undefined && (isType(fault, "number") || Number.isSafeInteger(number));
            return usable ? { check: number } : undefined;
          }
        : undefined,
  },
  {
    id: "fraction-rounded",
    mend: (fault) =>
      isType(fault, "integer") && REGISTERS.has(fault.name)
        ? (value) => {
            const number = typeof value === "number" ? value : numberOf(value);
            const rounded = Math.round(number ?? Number.NaN);
            return Number.isSafeInteger(rounded) ? { check: rounded } : undefined;
          }
        : undefined,
  },
  {
    id: "text-as-number",
    mend: (fault) =>
      isType(fault, "string") && fault.name !== "timestamp"
        ? (value) => {
            if (typeof value === "boolean") return { check: String(value) };
            // A number that is too long has lost its last digits: one id for several.
            const isId = IDS.has(fault.name) || fault.name === "transactionId";
            if (typeof value !== "number" || (isId && !Number.isSafeInteger(value))) return undefined;
            return { check: String(value) };
          }
        : undefined,
  },
  {
    id: "boolean-as-text",
    mend: (fault) =>
      isType(fault, "boolean")
        ? (value) => {
            const truth = truthOf(value);
            return truth === undefined ? undefined : { check: truth };
          }
        : undefined,
  },
  {
    id: "over-long",
    mend: ({ error, name }) => {
      if (error.keyword !== "maxLength") return undefined;
      const limit = Number(error.params["limit"]);
      const most = IDS.has(name) ? ID_LENGTH_MAX : Math.max(500, limit * 10);
      return (value) => {
        if (typeof value !== "string" || Array.from(value).length <= limit) return undefined;
        if (IDS.has(name) && value.length > most) return undefined;
        return { check: Array.from(value).slice(0, limit).join(""), read: value.slice(0, most) };
      };
    },
  },
  {
    id: "enum-spelling",
    mend: ({ error }) => {
      if (error.keyword !== "enum") return undefined;
      const words = new Map(allowedBy(error).map((word) => [plain(word), word]));
      return (value) => {
        const word = typeof value === "string" && value.length < 64 ? words.get(plain(value)) : undefined;
        return word === undefined || word === value ? undefined : { check: word };
      };
    },
  },
  {
    id: "other-version-word",
    mend: ({ error, name, path }) => {
      const words = path.length === 1 ? COUNTERPARTS[name] : undefined;
      if (error.keyword !== "enum" || words === undefined) return undefined;
      return (value) => {
        const word = typeof value === "string" ? words[plain(value)] : undefined;
        return word === undefined || !allowedBy(error).includes(word) ? undefined : { check: word };
      };
    },
  },
  {
    id: "unknown-error-code",
    mend: ({ error, name, action }) =>
      error.keyword === "enum" && name === "errorCode" && action === "StatusNotification"
        ? () => ({ check: "OtherError" })
        : undefined,
  },
  {
    id: "unknown-reason",
    mend: ({ error, name, action }) => {
      if (error.keyword !== "enum") return undefined;
      if (name === "triggerReason")
        return (value) =>
          typeof value === "string" ? { check: allowedBy(error)[0], read: cut(value) } : undefined;
      if (name !== "reason" && name !== "stoppedReason") return undefined;
      return () => ({ check: action === "BootNotification" ? "Unknown" : "Other" });
    },
  },
  {
    id: "unknown-state",
    mend: ({ error, name }) =>
      error.keyword === "enum" && name === "chargingState" ? () => ({ check: NONE }) : undefined,
  },
  {
    id: "unknown-meter-word",
    mend: ({ error, name, path }) =>
      error.keyword === "enum" && METER_WORDS.has(name) && path.includes("sampledValue")
        ? (value) =>
            typeof value === "string" ? { check: allowedBy(error)[0], read: cut(value) } : undefined
        : undefined,
  },
  {
    id: "empty-samples",
    mend: ({ error, name, protocol, action }) => {
      const missing = error.keyword === "required" || error.keyword === "minItems";
      if (!missing) return undefined;
      if (name === "sampledValue") return emptied([DUMMY_SAMPLE(protocol)]);
      if (name !== "meterValue" && name !== "transactionData") return undefined;
      if (action !== "MeterValues") return () => ({ check: NONE });
      return emptied([{ timestamp: EPOCH, sampledValue: [DUMMY_SAMPLE(protocol)] }]);
    },
  },
  {
    id: "sample-without-value",
    mend: ({ error, name, parent, protocol }) =>
      name === "value" &&
      parent === "sampledValue" &&
      (error.keyword === "type" || error.keyword === "required")
        ? (value) => {
            const wrong =
              value === undefined || typeof value !== (protocol === "ocpp1.6" ? "string" : "number");
            return wrong ? { check: DUMMY_SAMPLE(protocol).value, read: NONE } : undefined;
          }
        : undefined,
  },
  {
    id: "error-code-missing",
    mend: ({ error, name, action }) =>
      error.keyword === "required" && name === "errorCode" && action === "StatusNotification"
        ? () => ({ check: "NoError" })
        : undefined,
  },
  {
    id: "time-unreadable",
    mend: (fault) =>
      isTime(fault) && (fault.error.keyword === "format" || fault.error.keyword === "type")
        ? (value) => ({ check: EPOCH, read: typeof value === "string" ? cut(value) : "" })
        : undefined,
  },
  {
    id: "time-missing",
    mend: (fault) =>
      isTime(fault) && fault.error.keyword === "required" ? () => ({ check: EPOCH, read: "" }) : undefined,
  },
];
