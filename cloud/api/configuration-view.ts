/** Stations' configurations beside what templates want of them: read from the tables, counted for a list. */
import type { Queryable } from "../db/pool.ts";
import { CONFIGURATION_VIEW_MAX } from "../../shared/limits.ts";
import {
  configurationOf,
  wantedAt,
  type ConfigurationItem,
  type StationFacts,
  type VariableRow,
  type WriteRow,
} from "../core/configuration.ts";
import { readTemplates, templatesAt } from "../ingest/template-sql.ts";
import { iso } from "./page.ts";
import type { ConfigurationValue } from "./template-schemas.ts";

type Station = StationFacts & { station_id: string; site_id: string };

const COLUMNS = `v.station_id, v.component, v.component_instance, v.evse_id, v.connector_id, v.variable,
  v.variable_instance, v.value, v.secret, v.mutability, v.unit, v.data_type, v.read_at, v.journal_id, v.seq`;

const readWrites = async (db: Queryable, stationIds: string[]): Promise<WriteRow[]> =>
  (
    await db.query<WriteRow>(
      `select station_id, place_id, missing, value, status, at, journal_id, seq from station_variable_write
       where station_id = any($1)`,
      [stationIds],
    )
  ).rows;

/** @returns one item more than CONFIGURATION_VIEW_MAX where there are more known values. */
export async function readConfiguration(
  db: Queryable,
  operatorId: string,
  station: Station,
): Promise<ConfigurationItem[]> {
  const templates = templatesAt(await readTemplates(db, operatorId), station.site_id);
  const { rows } = await db.query<VariableRow>(
    `select ${COLUMNS} from station_variable v where v.station_id = $1 and v.attribute = 'Actual'
     order by v.variable_key limit $2`,
    [station.station_id, CONFIGURATION_VIEW_MAX + 1],
  );
  const writes = await readWrites(db, [station.station_id]);
  return configurationOf(station, wantedAt(templates, station), rows, writes);
}

/** Wanted values that each of these stations is not known to have; a station without any is left out. */
export async function countDrift(
  db: Queryable,
  operatorId: string,
  stations: readonly Station[],
): Promise<Map<string, number>> {
  const all = await readTemplates(db, operatorId);
  const wanted = new Map(
    stations.map((station) => [station.station_id, wantedAt(templatesAt(all, station.site_id), station)]),
  );
  const places = [...wanted.values()].flatMap((each) => [...each.values()].map(({ place }) => place));
  if (places.length === 0) return new Map();
  const ids = stations.map(({ station_id }) => station_id);
  const { rows } = await db.query<VariableRow>(
    `select ${COLUMNS} from station_variable v
     where v.station_id = any($1) and v.attribute = 'Actual' and lower(v.variable) = any($2)`,
    [ids, [...new Set(places.map(({ variable }) => variable.toLowerCase()))]],
  );
  const [variables, writes] = [byStation(rows), byStation(await readWrites(db, ids))];
  return new Map(
    stations.map((station) => {
      const { station_id: id } = station;
      const want = wanted.get(id) ?? new Map<string, never>();
      const items = configurationOf(station, want, variables.get(id) ?? [], writes.get(id) ?? []);
      return [id, items.filter(({ drift }) => drift).length];
    }),
  );
}

const byStation = <T extends { station_id: string }>(rows: readonly T[]): Map<string, T[]> =>
  Map.groupBy(rows, ({ station_id }) => station_id);

export function toConfigurationValue(item: ConfigurationItem): ConfigurationValue {
  const { name, place, key, actual, wanted, state, drift } = item;
  return {
    ...{ name, key: key ?? null },
    component: place.component === "" ? null : place.component,
    componentInstance: place.componentInstance ?? null,
    evseId: place.evseId ?? null,
    connectorId: place.connectorId ?? null,
    variable: place.variable,
    variableInstance: place.variableInstance ?? null,
    actual: actual?.value ?? null,
    secret: actual?.secret ?? false,
    mutability: actual?.mutability ?? null,
    unit: actual?.unit ?? null,
    dataType: actual?.data_type ?? null,
    readAt: iso(actual?.read_at ?? null),
    wanted: wanted?.value ?? null,
    templateId: wanted?.templateId ?? null,
    template: wanted?.template ?? null,
    drift,
    state: state ?? null,
  };
}
