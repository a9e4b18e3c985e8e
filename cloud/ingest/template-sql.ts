/** Configuration templates in PostgreSQL: read for a policy or a view; what became of their values, written. */
import { given } from "../../shared/given.ts";
import { TEMPLATES_MAX } from "../../shared/limits.ts";
import type { Template, TemplateVariable } from "../../shared/template.ts";
import type { Queryable } from "../db/pool.ts";

const unlessOnlyThere = (column: string) =>
  `${column} = case when excluded.missing or excluded.status is not null then excluded.${column}
    else w.${column} end`;

/**
 * $1 rows, $2 ER, $3 journal, $4 operator. Of one journal the later entry counts, of several the later time. That a
 * variable is there leaves what became of its last write.
 */
export const VARIABLE_WRITES = `
  insert into station_variable_write as w (station_id, place_id, operator_id, missing, value, status, at, er_id,
    journal_id, seq)
  select r.station_id, r.place_id, $4, r.missing, r.value, r.status, to_timestamp(r.at / 1000.0), $2, $3, r.seq
  from json_to_recordset($1::json) as r(station_id text, place_id text, missing boolean, value text, status text,
    at float8, seq bigint)
  on conflict (station_id, place_id) do update set
    missing = excluded.missing,
    ${["value", "status", "at", "er_id", "journal_id", "seq"].map(unlessOnlyThere).join(", ")}
  where case when w.journal_id = excluded.journal_id then excluded.seq >= w.seq else excluded.at >= w.at end`;

export type TemplateRow = {
  template_id: string;
  operator_id: string;
  name: string;
  vendor: string | null;
  model: string | null;
  firmware: string | null;
  site_ids: string[] | null;
  priority: number;
  variables: TemplateVariable[];
  created_at: Date;
  updated_at: Date;
};

export const toPolicyTemplate = (row: TemplateRow): Template => ({
  templateId: row.template_id,
  name: row.name,
  ...given("vendor", row.vendor ?? undefined),
  ...given("model", row.model ?? undefined),
  ...given("firmware", row.firmware ?? undefined),
  priority: row.priority,
  variables: row.variables,
});

/** Templates that count at a site. */
export const templatesAt = (rows: readonly TemplateRow[], siteId: string): Template[] =>
  rows.filter(({ site_ids }) => site_ids === null || site_ids.includes(siteId)).map(toPolicyTemplate);

export async function readTemplates(db: Queryable, operatorId: string): Promise<TemplateRow[]> {
  const { rows } = await db.query<TemplateRow>(
    "select * from station_template where operator_id = $1 order by template_id limit $2",
    [operatorId, TEMPLATES_MAX],
  );
  return rows;
}
