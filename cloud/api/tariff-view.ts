/** Tariffs and prices as the API tells them, and the queries that read them. */
import type { Price } from "../../shared/decide/tariff.ts";
import type { TariffTerms } from "../../shared/tariff.ts";
import type { Queryable } from "../db/pool.ts";
import { iso, isoOf } from "./page.ts";
import { notFound } from "./problem.ts";
import type { PriceView, Tariff, TariffAssignment, TariffVersionView } from "./tariff-schemas.ts";

export type TariffRow = {
  tariff_id: string;
  operator_id: string;
  name: string;
  version: number;
  current_version: number | null;
  valid_from: Date;
  valid_to: Date | null;
  terms: TariffTerms;
  assignments: number;
  created_at: Date;
  updated_at: Date;
};

export const TARIFFS = `
  select t.tariff_id, t.operator_id, t.name, t.version, t.created_at, t.updated_at, v.valid_from, v.valid_to, v.terms,
    (select max(c.version) from tariff_version c where c.tariff_id = t.tariff_id and c.valid_from <= now()
       and (c.valid_to is null or c.valid_to > now())) as current_version,
    (select count(*)::int from tariff_assignment a where a.tariff_id = t.tariff_id and a.assigned_until is null)
      as assignments
  from tariff t join tariff_version v on v.tariff_id = t.tariff_id and v.version = t.version`;

export const toTariff = (r: TariffRow): Tariff => ({
  tariffId: r.tariff_id,
  operatorId: r.operator_id,
  name: r.name,
  version: r.version,
  currentVersion: r.current_version,
  validFrom: isoOf(r.valid_from),
  validTo: iso(r.valid_to),
  terms: r.terms,
  assignments: r.assignments,
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
});

/** @throws ApiProblem 404. */
export async function readTariff(db: Queryable, operatorId: string, tariffId: string): Promise<Tariff> {
  const { rows } = await db.query<TariffRow>(
    `${TARIFFS} where t.operator_id = $1 and t.tariff_id::text = $2`,
    [operatorId, tariffId],
  );
  if (rows[0] === undefined) throw notFound("tariff", tariffId);
  return toTariff(rows[0]);
}

export type TariffVersionRow = {
  tariff_id: string;
  version: number;
  valid_from: Date;
  valid_to: Date | null;
  terms: TariffTerms;
  created_at: Date;
  created_by: string;
};

export const toTariffVersion = (r: TariffVersionRow): TariffVersionView => ({
  tariffId: r.tariff_id,
  version: r.version,
  validFrom: isoOf(r.valid_from),
  validTo: iso(r.valid_to),
  terms: r.terms,
  createdAt: isoOf(r.created_at),
  createdBy: r.created_by,
});

export type AssignmentRow = {
  assignment_id: string;
  tariff_id: string;
  name: string;
  site_id: string | null;
  station_id: string | null;
  group_id: string | null;
  assigned_from: Date;
  assigned_until: Date | null;
  assigned_by: string;
};

export const ASSIGNMENTS = `
  select a.*, t.name from tariff_assignment a join tariff t on t.tariff_id = a.tariff_id`;

export const toAssignment = (r: AssignmentRow): TariffAssignment => ({
  assignmentId: r.assignment_id,
  tariffId: r.tariff_id,
  tariffName: r.name,
  basis:
    r.group_id !== null
      ? "group"
      : r.station_id !== null
        ? "station"
        : r.site_id !== null
          ? "site"
          : "operator",
  siteId: r.site_id,
  stationId: r.station_id,
  groupId: r.group_id,
  assignedFrom: isoOf(r.assigned_from),
  assignedUntil: iso(r.assigned_until),
  assignedBy: r.assigned_by,
});

export const toPrice = (price: Price): PriceView => ({
  ...price,
  lines: price.lines.map((line) => ({
    ...line,
    from: isoOf(new Date(line.from)),
    to: isoOf(new Date(line.to)),
  })),
});
