/**
 * Tariffs as the rule reads them (`shared/decide/tariff-choice.ts`), from the tables: for a price, or for a
 * policy.
 */
import type { TariffBook } from "../shared/decide/tariff-choice.ts";
import { given } from "../shared/given.ts";
import {
  POLICY_TARIFF_ASSIGNMENTS_MAX,
  POLICY_TARIFF_VERSIONS_MAX,
  TARIFFS_PAST_DAYS,
} from "../shared/limits.ts";
import type { PolicyTariffs, TariffTerms } from "../shared/tariff.ts";
import type { Queryable } from "./db/pool.ts";

type VersionRow = {
  tariff_id: string;
  version: number;
  valid_from: Date;
  valid_to: Date | null;
  terms: TariffTerms;
};
type AssignmentRow = {
  tariff_id: string;
  site_id: string | null;
  station_id: string | null;
  group_id: string | null;
  assigned_from: Date;
  assigned_until: Date | null;
};

/**
 * Tariffs that held at a site, or may hold there, from a moment on. Of each the versions that may count from then on:
 * neither ended by then nor covered, for all of the time that is left to them, by a higher one.
 * @param targets `tariff_assignment.target`; undefined: all that concern the site and its stations, and all groups.
 */
export async function readBook(
  db: Queryable,
  operatorId: string,
  siteId: string,
  sinceMs: number,
  targets?: readonly string[],
): Promise<TariffBook> {
  const since = new Date(sinceMs);
  const { rows: assignments } = await db.query<AssignmentRow>(
    `select a.tariff_id, a.site_id, a.station_id, a.group_id, a.assigned_from, a.assigned_until
     from tariff_assignment a where a.operator_id = $1 and (a.site_id is null or a.site_id = $2)
       and (a.assigned_until is null or a.assigned_until > $3) and ($4::text[] is null or a.target = any($4))
     order by a.assigned_from, a.assignment_id`,
    [operatorId, siteId, since, targets ?? null],
  );
  if (assignments.length === 0) return { versions: [], assignments: [] };
  const { rows: versions } = await db.query<VersionRow>(
    `select v.tariff_id, v.version, v.valid_from, v.valid_to, v.terms from tariff_version v
     where v.operator_id = $1 and v.tariff_id = any($2::uuid[])
       and (v.valid_to is null or v.valid_to > $3)
       and not exists (select from tariff_version w where w.tariff_id = v.tariff_id and w.version > v.version
         and w.valid_from <= greatest(v.valid_from, $3)
         and coalesce(w.valid_to, 'infinity') >= coalesce(v.valid_to, 'infinity'))
     order by v.tariff_id, v.version`,
    [operatorId, [...new Set(assignments.map((a) => a.tariff_id))], since],
  );
  return {
    versions: versions.map((v) => ({
      ...{ tariffId: v.tariff_id, version: v.version, validFrom: v.valid_from.getTime(), terms: v.terms },
      ...given("validTo", v.valid_to?.getTime()),
    })),
    assignments: assignments.map((a) => ({
      ...{ tariffId: a.tariff_id, from: a.assigned_from.getTime() },
      ...given("until", a.assigned_until?.getTime()),
      ...given("groupId", a.group_id ?? undefined),
      ...given("stationId", a.station_id ?? undefined),
      ...given("siteId", a.station_id === null ? (a.site_id ?? undefined) : undefined),
    })),
  };
}

const DAY_MS = 86_400_000;

/**
 * What the policy of a site says of tariffs; undefined: none holds there. Where there is more than it
 * holds, what ended first is left out: the site prices what runs, and tells nothing of what it does not
 * know.
 * @param identities station id → what the station calls itself.
 */
export async function readPolicyTariffs(
  db: Queryable,
  operatorId: string,
  siteId: string,
  identities: ReadonlyMap<string, string>,
): Promise<PolicyTariffs | undefined> {
  const book = await readBook(db, operatorId, siteId, Date.now() - TARIFFS_PAST_DAYS * DAY_MS);
  const assignments = book.assignments.flatMap((assignment) => {
    if (assignment.stationId === undefined) return [assignment];
    const stationId = identities.get(assignment.stationId);
    return stationId === undefined ? [] : [{ ...assignment, stationId }];
  });
  if (assignments.length === 0) return undefined;
  assignments.sort((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity) || 0);
  return {
    versions: book.versions.slice(-POLICY_TARIFF_VERSIONS_MAX),
    assignments: assignments.slice(0, POLICY_TARIFF_ASSIGNMENTS_MAX),
  };
}
