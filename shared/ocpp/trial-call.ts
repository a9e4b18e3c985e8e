/**
 * What a command would become at a station of some version, before it is sent there: for the API, which refuses
 * what the version cannot do, and for whoever tells what it can.
 */
import type { CommandBody } from "../command.ts";
import type { Protocol } from "../entry.ts";
import { fieldsOf } from "../given.ts";
import { dialectOf, type Call, type Refusal } from "./dialect.ts";

/** Things that only the site knows are taken as known: names of transactions, new ids, addresses at the box. */
export function trialCall(protocol: Protocol, { kind, params }: CommandBody): Call | Refusal {
  const { firmware, log } = params as Record<string, unknown>;
  const addresses =
    kind === "UpdateFirmware"
      ? { firmware: { location: "http://er/", ...fieldsOf(firmware) } }
      : kind === "GetLog"
        ? { log: { remoteLocation: "http://er/", ...fieldsOf(log) } }
        : {};
  return dialectOf(protocol).toCall({ kind, params: { ...params, ...addresses } } as CommandBody, {
    ocppTransactionId: () => "1",
    requestId: 1,
    now: "1970-01-01T00:00:00.000Z",
  });
}
