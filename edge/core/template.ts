/**
 * The operator's templates: what a station should be set to next, so that it is as they say.
 *
 * Pure: it looks at what is wanted and what is known, and `provision.ts` asks the station, one call at a time,
 * behind everything else. Everything is read before it is written, and read back after. A value that is read-only
 * or not there is left alone; what was refused is tried again rarely; what takes a reboot waits for one, which
 * nobody is made to do.
 */
import { PROVISION_REFUSED_MS, PROVISION_REREAD_MS } from "../../shared/limits.ts";
import type { Call } from "../../shared/ocpp/dialect.ts";
import { readCall, sameValue, writeCall } from "../../shared/ocpp/device-model.ts";
import { wantedOf, type Template, type Wanted } from "../../shared/template.ts";
import { NO_CONFIGURATION, type KnownValue } from "./template-state.ts";
import type { StationState } from "./types.ts";

/**
 * The next call that brings the station nearer to its templates; undefined: nothing is to be done.
 * @param readMax values that the station tells at once.
 * @param at wall time, Unix ms.
 */
export function nextOfTemplates(
  station: StationState,
  templates: readonly Template[],
  readMax: number,
  at: number,
): Call | undefined {
  const { protocol, make } = station;
  const { values, readMax: taken = readMax } = station.configuration ?? NO_CONFIGURATION;
  const wanted = [...wantedOf(templates, make, protocol)];
  const unread = wanted.filter(([id]) => isUnread(values.get(id), at)).map(([, { place }]) => place);
  if (unread.length > 0) return readCall(protocol, unread.slice(0, Math.max(1, Math.min(readMax, taken))));
  const wrong = wanted.find(([id, { value }]) => isWritable(values.get(id), value, at))?.[1];
  return wrong === undefined ? undefined : writeCall(protocol, wrong.place, wrong.value);
}

const isUnread = (known: KnownValue | undefined, at: number): boolean =>
  known?.read === undefined || Math.abs(at - known.read.at) > PROVISION_REREAD_MS;

/** It is another value than the wanted one, and writing it may help. */
function isWritable(known: KnownValue | undefined, wanted: Wanted["value"], at: number): boolean {
  const { read, readOnly, write } = known ?? {};
  if (read === undefined || read.missing === true || readOnly === true) return false;
  if (read.value !== undefined && sameValue(read.value, wanted)) return false;
  if (write?.value !== wanted) return true;
  switch (write.result) {
    case "reboot":
      return false;
    case "refused":
      return Math.abs(at - write.at) >= PROVISION_REFUSED_MS;
    case "taken":
      return read.value !== undefined;
  }
}
