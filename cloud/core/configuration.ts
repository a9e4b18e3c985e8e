/**
 * The one view of a station's configuration: what it has, what templates want, and how far its ER has come.
 *
 * Pure. A value drifts as long as the station is not known to have the wanted one.
 */
import type { Protocol } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import { keyOfVariable, nameOf, placeId, sameValue, variableOfKey } from "../../shared/ocpp/device-model.ts";
import type { VariablePlace } from "../../shared/ocpp/message.ts";
import { wantedOf, type Template, type Wanted } from "../../shared/template.ts";

/** A row of `station_variable`, attribute Actual. */
export type VariableRow = {
  station_id: string;
  component: string;
  component_instance: string | null;
  evse_id: number | null;
  connector_id: number | null;
  variable: string;
  variable_instance: string | null;
  value: string | null;
  secret: boolean;
  mutability: string | null;
  unit: string | null;
  data_type: string | null;
  read_at: Date;
  journal_id: string;
  seq: number;
};

/** A row of `station_variable_write`. */
export type WriteRow = {
  station_id: string;
  place_id: string;
  missing: boolean;
  value: string | null;
  status: string | null;
  at: Date;
  journal_id: string;
  seq: number;
};

/** How far its ER has come with a wanted value. */
export const CONVERGENCE = [
  /** It is to be read or written. */
  "wanted",
  /** The station has it. */
  "written",
  "refused",
  /** It was taken, and counts from the station's next boot. */
  "reboot-required",
  "read-only",
  /** The station has no such variable. */
  "unknown",
] as const;
export type Convergence = (typeof CONVERGENCE)[number];

export type ConfigurationItem = {
  /** As the station names it. */
  name: string;
  place: VariablePlace;
  /** Of OCPP 1.6, where the standard has one. */
  key: string | undefined;
  actual: VariableRow | undefined;
  wanted: Wanted | undefined;
  state: Convergence | undefined;
  drift: boolean;
};

export type StationFacts = {
  protocol: string | null;
  vendor: string | null;
  model: string | null;
  firmware_version: string | null;
  booted_at: Date | null;
};

/** As the ER remembers it. */
const MAKE_LENGTH_MAX = 100;

/** What templates want of this station, by identity of the place. */
export function wantedAt(templates: readonly Template[], station: StationFacts): Map<string, Wanted> {
  const { protocol, vendor, model, firmware_version: firmware } = station;
  if (protocol === null) return new Map();
  const short = (text: string) => text.slice(0, MAKE_LENGTH_MAX);
  const make =
    vendor === null || model === null
      ? undefined
      : {
          vendor: short(vendor),
          model: short(model),
          ...given("firmware", firmware?.slice(0, MAKE_LENGTH_MAX)),
        };
  return wantedOf(templates, make, protocol as Protocol);
}

export const placeOfRow = (row: VariableRow): VariablePlace => ({
  ...{ component: row.component, variable: row.variable },
  ...given("componentInstance", row.component_instance ?? undefined),
  ...given("evseId", row.evse_id ?? undefined),
  ...given("connectorId", row.connector_id ?? undefined),
  ...given("variableInstance", row.variable_instance ?? undefined),
});

/** Every known or wanted value of one station, by name. */
export function configurationOf(
  station: StationFacts,
  wanted: ReadonlyMap<string, Wanted>,
  variables: readonly VariableRow[],
  writes: readonly WriteRow[],
): ConfigurationItem[] {
  const actuals = new Map(variables.map((row) => [placeId(placeOfRow(row)), row]));
  const written = new Map(writes.map((row) => [row.place_id, row]));
  const items = [...new Set([...actuals.keys(), ...wanted.keys()])].map((id): ConfigurationItem => {
    const [actual, want] = [actuals.get(id), wanted.get(id)];
    const place =
      actual === undefined ? (want?.place ?? { component: "", variable: id }) : placeOfRow(actual);
    const state = want === undefined ? undefined : convergence(station, want.value, actual, written.get(id));
    const key = place.component === "" ? place.variable : keyOfVariable(place);
    const drift = state !== undefined && state !== "written";
    return { name: nameOf(place), place: standardPlace(place), key, actual, wanted: want, state, drift };
  });
  return items.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Keys of 1.6 under the name that they have in 2.x, where they have one. */
const standardPlace = (place: VariablePlace): VariablePlace =>
  place.component === "" ? (variableOfKey(place.variable) ?? place) : place;

/** Later in the journal; of several journals, later by the clock. */
const isAfter = (row: VariableRow, { journal_id, seq, at }: WriteRow): boolean =>
  row.journal_id === journal_id ? row.seq > seq : row.read_at > at;

function convergence(
  { booted_at }: StationFacts,
  wanted: string,
  actual: VariableRow | undefined,
  write: WriteRow | undefined,
): Convergence {
  if (write?.missing === true && (actual === undefined || !isAfter(actual, write))) return "unknown";
  const value = actual?.value ?? undefined;
  if (value !== undefined && sameValue(value, wanted)) return "written";
  if (actual?.mutability === "ReadOnly" || write?.status === "read-only") return "read-only";
  if (write === undefined || write.value !== wanted) return "wanted";
  const booted = booted_at !== null && booted_at > write.at;
  if (write.status === "reboot-required" && !booted) return "reboot-required";
  if (write.status === "refused") return "refused";
  // Taken. What can only be written is believed to be there; what reads otherwise was not kept.
  if (value === undefined) return "written";
  return actual !== undefined && isAfter(actual, write) ? "refused" : "wanted";
}
