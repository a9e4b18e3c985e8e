/**
 * Stations in the field: what each was seen to do, where that is written down, and what is done about it.
 *
 * One table, keyed by vendor, model and firmware. Reading is tolerant towards everybody, since nobody can list
 * who will make the same mistake next; the rows say which tolerance answers to which observation. What must be
 * done differently (`habits`) is done for the stations of the row alone. What a station needs before it has said
 * who it is (no subprotocol, no pings, its own time zone) stands in the ER's configuration, `[[ocpp.quirks]]`.
 */
import { BEHAVIOUR_QUIRKS } from "./quirks-behaviour.ts";
import { MESSAGE_QUIRKS } from "./quirks-messages.ts";
import type { ToleranceId } from "./tolerance.ts";

/** What is done differently for a station. */
export type Habits = {
  /** It leaves when it is called before its BootNotification. */
  callsAfterBoot?: true;
  /** It answers GetConfiguration for at most so many keys, and never for all. */
  keysPerReadMax?: number;
  /** It refuses a remote start that names no connector. */
  startNeedsConnector?: true;
  /** It refuses ChargePointMaxProfile but keeps a TxDefaultProfile for the whole station. */
  maxProfileAsDefault?: true;
  /** Its times without a zone are those of the site. */
  localTime?: true;
};

export type Quirk = {
  id: string;
  /** As people call it. */
  make: string;
  /** Of its boot message; a row without any of the three is about whoever does so. */
  vendor?: RegExp;
  model?: RegExp;
  firmware?: RegExp;
  /** What it was seen to do. */
  observation: string;
  /** What this system does then. */
  handling: string;
  source: readonly string[];
  /** Flags under which it is seen in the timeline. */
  tolerances?: readonly ToleranceId[];
  habits?: Habits;
};

export const QUIRKS: readonly Quirk[] = [...MESSAGE_QUIRKS, ...BEHAVIOUR_QUIRKS];

/** Who a station says it is. */
export type Make = { vendor: string; model: string; firmware?: string };

const fits = (pattern: RegExp | undefined, text: string | undefined): boolean =>
  pattern === undefined || (text !== undefined && pattern.test(text));

const isKeyed = ({ vendor, model, firmware }: Quirk): boolean =>
  vendor !== undefined || model !== undefined || firmware !== undefined;

/** Rows that name this make. */
export function quirksOf(make: Make): Quirk[] {
  return QUIRKS.filter(
    (quirk) =>
      isKeyed(quirk) &&
      fits(quirk.vendor, make.vendor) &&
      fits(quirk.model, make.model) &&
      fits(quirk.firmware, make.firmware),
  );
}

const NO_HABITS: Habits = {};
/** Few makes are at a site, and every message asks. */
const known = new Map<string, Habits>();
const KNOWN_MAX = 200;

export function habitsOf(make: Make | undefined): Habits {
  if (make === undefined) return NO_HABITS;
  const key = JSON.stringify([make.vendor, make.model, make.firmware]);
  let habits = known.get(key);
  if (habits === undefined) {
    habits = Object.assign({}, ...quirksOf(make).map((quirk) => quirk.habits ?? {})) as Habits;
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(key, habits);
  }
  return habits;
}
