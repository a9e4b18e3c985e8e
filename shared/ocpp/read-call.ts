/**
 * A station's frame → what it says: strict where the standard is kept, tolerant where a station is known to
 * break it. The only way in which the ER and the cloud read the CALLs of stations.
 *
 * What had to be tolerated stands as flags in the journal beside the raw frame. Whoever reads the frame again
 * gives the flags back, and reads the same facts.
 */
import type { Protocol } from "../entry.ts";
import { mendJson } from "./broken-json.ts";
import { parseFrame, type Frame } from "./frame.ts";
import { notice, type Offset } from "./notice.ts";
import { repair } from "./repair.ts";
import { checkPayload, isKnownAction, type Violation } from "./schemas.ts";
import { flagOf, isTolerance, readFlag } from "./tolerance.ts";

type Fields = Record<string, unknown>;

/** As `parseFrame`; slips in the JSON of a CALL that we know are mended. */
export function readFrame(text: string): { frame: Frame; flags: string[] } {
  const frame = parseFrame(text);
  if (frame.type !== "malformed" || frame.code !== "RpcFrameworkError") return { frame, flags: [] };
  const mended = mendJson(text);
  const second = mended === undefined ? frame : parseFrame(mended);
  if (second.type !== "call") return { frame, flags: [] };
  return { frame: second, flags: [flagOf("broken-json")] };
}

export type Read = { protocol: Protocol; payload: Fields; flags: string[] };

/** Messages by whose shape a version can be told. */
const TELLING: ReadonlySet<string> = new Set([
  "BootNotification",
  "StartTransaction",
  "StopTransaction",
  "TransactionEvent",
]);

/** A station may speak another version than it negotiated (it alternates from connection to connection). */
function otherVersion(protocol: Protocol, action: string, payload: Fields): Protocol | undefined {
  if (!TELLING.has(action)) return undefined;
  const other = protocol === "ocpp1.6" ? "ocpp2.0.1" : "ocpp1.6";
  const shape =
    action !== "BootNotification" ||
    (other === "ocpp1.6" ? "chargePointVendor" in payload : "chargingStation" in payload);
  return shape && isKnownAction(other, action) ? other : undefined;
}

/**
 * The payload of a CALL, checked and mended.
 * @param zoneOffset for stations that write their own time without a zone.
 */
export function readPayload(
  protocol: Protocol,
  action: string,
  payload: Fields,
  zoneOffset?: Offset,
): Read | Violation {
  const other = otherVersion(protocol, action, payload);
  if (other === undefined || checkPayload(protocol, action, "Request", payload) === undefined)
    return readAs(protocol, action, payload, zoneOffset);
  const read = mendPayload(other, action, payload, zoneOffset);
  if (read !== undefined) return { ...read, flags: [flagOf("other-version"), ...read.flags] };
  return readAs(protocol, action, payload, zoneOffset);
}

/** As a message of this version and no other. */
function readAs(protocol: Protocol, action: string, payload: Fields, zoneOffset?: Offset): Read | Violation {
  const violation = checkPayload(protocol, action, "Request", payload);
  if (violation === undefined) {
    const odd = notice(protocol, action, payload, zoneOffset, false);
    if (odd.length === 0) return { protocol, payload, flags: [] };
    const copy = structuredClone(payload);
    return { protocol, payload: copy, flags: notice(protocol, action, copy, zoneOffset, true) };
  }
  if (!isKnownAction(protocol, action)) return violation;
  return mendPayload(protocol, action, payload, zoneOffset) ?? violation;
}

function mendPayload(
  protocol: Protocol,
  action: string,
  payload: Fields,
  zoneOffset?: Offset,
): Read | undefined {
  const repaired = repair(protocol, action, payload);
  if (repaired === undefined) return undefined;
  const { tolerances } = repaired;
  const odd = notice(protocol, action, repaired.payload, zoneOffset, true);
  const lost = tolerances.includes("stop-salvaged") ? LOST : [];
  const flags = [...lost, ...odd, ...tolerances.map((id) => flagOf(id))];
  return { protocol, payload: repaired.payload, flags: [...new Set(flags)].slice(0, FLAGS_MAX) };
}

/** A person should look at what was lost. */
const LOST = ["schema-violation"];

/** Room in the entry for what else there is to say. */
const FLAGS_MAX = 10;

/** Whether the payload of this handled frame is not simply what stands in it. */
const wasTolerated = (flags: readonly string[]): boolean =>
  flags.some((flag) => isTolerance(flag) || flag === "schema-violation");

/**
 * A CALL that was handled, read again: the same facts as the ER read.
 * @param flags as they stand in its entry.
 */
export function readHandled(
  protocol: Protocol,
  text: string,
  flags: readonly string[] = [],
): { action: string; payload: Fields } {
  if (!wasTolerated(flags)) {
    const [, , action, payload] = JSON.parse(text) as [number, string, string, Fields];
    return { action, payload };
  }
  const { frame } = readFrame(text);
  if (frame.type !== "call") return { action: "", payload: {} };
  const { action, payload } = frame;
  const offset = flags.map(readFlag).find((flag) => flag?.id === "local-time")?.detail;
  // In which version it was read is decided: a message may have the shape of both.
  const read = readAs(protocol, action, payload, offset === undefined ? undefined : () => offset);
  return { action, payload: "payload" in read ? read.payload : payload };
}
