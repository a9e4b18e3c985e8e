/**
 * What looks odd in a message that the schema allows: it is read as it was meant, and the timeline says so.
 *
 * Pure. `notice` looks first and changes nothing; it is given a copy to write the reading into.
 */
import { flagOf, type ToleranceId } from "./tolerance.ts";

type Fields = Record<string, unknown>;

const ZONE = /(?:[Zz]|([+-]\d\d)(:?\d\d)?)$/;
const YEAR = /^\s*(\d{4})-\d\d-\d\d[Tt ]\d\d:\d\d/;
const YEAR_MIN = 2_000;
/** 2³² Wh: no meter of a station gets there; registers of 32 bits wrap before. */
const REGISTER_WH_END = 2 ** 32;

const fieldsIn = (list: unknown): Fields[] =>
  Array.isArray(list)
    ? (list as unknown[]).filter((item): item is Fields => typeof item === "object" && item !== null)
    : [];

/** Where messages carry times that somebody reads. */
function timed(payload: Fields): Fields[] {
  const lists = [payload["meterValue"], payload["transactionData"], payload["eventData"]];
  return [payload, ...lists.flatMap(fieldsIn)];
}

type Found = { ids: Set<ToleranceId>; offset: string | undefined; write: boolean };

function noticeTime(holder: Fields, keep: boolean, found: Found, zoneOffset: Offset | undefined): void {
  const text = holder["timestamp"];
  if (typeof text !== "string") return;
  const year = Number(YEAR.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(year)) return;
  if (year < YEAR_MIN) {
    found.ids.add("time-before-2000");
    if (found.write && !keep) holder["timestamp"] = "";
    return;
  }
  const zone = ZONE.exec(text.trim());
  if (zone === null) {
    // One for the whole message: it is what the flag tells whoever reads the frame again.
    found.offset ??= zoneOffset?.(text.trim());
    if (found.offset === undefined) found.ids.add("time-without-zone");
    else if (found.write) holder["timestamp"] = `${text.trim()}${found.offset}`;
  } else if (zone[1] !== undefined && zone[2] === undefined) found.ids.add("short-offset");
}

const KILO = /^k/i;
const POWER = /^Power\.(?:Active|Reactive)\./;
const ENERGY_UNIT = /wh$|varh$/i;
const REGISTER = /^Energy\.Active\.(?:Import|Export)\.Register$/;

function noticeSamples(entry: Fields, { ids, write }: Found): void {
  const samples = fieldsIn(entry["sampledValue"]);
  if (Array.isArray(entry["sampledValue"]) && samples.length === 0) ids.add("empty-samples");
  const good = samples.filter((sample) => {
    const value = sample["value"];
    if (typeof value === "string" && value.trim() === "") {
      ids.add("sample-without-value");
      return false;
    }
    const unitOf = sample["unitOfMeasure"] as Fields | undefined;
    const unit = String(sample["unit"] ?? unitOf?.["unit"] ?? "");
    const measurand = String(sample["measurand"] ?? "Energy.Active.Import.Register");
    if (POWER.test(measurand) && ENERGY_UNIT.test(unit)) ids.add("power-unit");
    const scale = (KILO.test(unit) ? 1_000 : 1) * 10 ** Number(unitOf?.["multiplier"] ?? 0);
    if (REGISTER.test(measurand) && Number(value) * scale >= REGISTER_WH_END) {
      ids.add("register-wrapped");
      return false;
    }
    return true;
  });
  if (write && good.length < samples.length) entry["sampledValue"] = good;
}

/** Facts of OCPP 1.6 alone: transactions are numbers that we give. */
function notice16(action: string, payload: Fields, { ids, write }: Found): void {
  const { transactionId, meterStop, reservationId, connectorId, chargePointVendor } = payload;
  switch (action) {
    case "BootNotification":
      if (chargePointVendor === "") ids.add("blank-vendor");
      return;
    case "StartTransaction":
      if (reservationId !== 0) return;
      ids.add("reservation-zero");
      if (write) delete payload["reservationId"];
      return;
    case "StopTransaction":
      if (transactionId === -1) ids.add("stop-without-id");
      if (typeof meterStop !== "number" || meterStop >= 0) return;
      ids.add("meter-stop-unknown");
      if (write) delete payload["meterStop"];
      return;
    case "MeterValues":
      if (typeof transactionId !== "number") return;
      if (transactionId <= 0) {
        ids.add("local-transaction-id");
        if (write) delete payload["transactionId"];
      } else if (connectorId === 0) ids.add("station-meter");
  }
}

/** The offset of a station's own time from UTC (`-03:00`) when its clock shows this. */
export type Offset = (localText: string) => string | undefined;

/**
 * @param zoneOffset for stations that write their own time without a zone.
 * @param write whether the payload is a copy that the reading may be written into.
 * @returns flags.
 */
export function notice(
  protocol: string,
  action: string,
  payload: Fields,
  zoneOffset: Offset | undefined,
  write: boolean,
): string[] {
  const ids = new Set<ToleranceId>();
  const found: Found = { ids, offset: undefined, write };
  // A transaction message is known by its time: there it stays, and is found implausible.
  const keep = action.endsWith("Transaction") || action === "TransactionEvent";
  for (const holder of timed(payload)) noticeTime(holder, keep && holder === payload, found, zoneOffset);
  for (const list of [payload["meterValue"], payload["transactionData"]])
    for (const entry of fieldsIn(list)) noticeSamples(entry, found);
  if (protocol === "ocpp1.6") notice16(action, payload, found);
  else if ((payload["chargingStation"] as Fields | undefined)?.["vendorName"] === "") ids.add("blank-vendor");
  const flags = [...ids].map((id) => flagOf(id));
  return found.offset === undefined ? flags : [flagOf("local-time", found.offset), ...flags];
}
