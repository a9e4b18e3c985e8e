/**
 * What can be exported as CSV: each kind is one query with a time and an id, by which its pages follow each
 * other. The place to add one.
 *
 * A page is asked for by what came last (keyset), so that a file of any size costs the same memory and no long
 * transaction. `where` may say: $1 operator, $2 from, $3 to, $4 site or null; the page adds the rest.
 */
import type { Permission } from "../core/access.ts";

export type ExportKind = {
  /** What whoever exports it must be allowed to read. */
  permission: Permission;
  /** Whether it may name a person: in columns of its own, or anywhere in its texts. */
  names?: "columns" | "texts";
  /** Name of a column of the file, and what it is in SQL. */
  columns: Readonly<Record<string, string>>;
  from: string;
  where: string;
  /** Time and id: unique together, and in the order of an index. Compared as the types that they are cast to. */
  key: { at: string; id: string; idType: "uuid" | "text" | "bigint" };
};

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** Columns of a table that are called alike in the file. */
const plain = (table: string, names: string): Record<string, string> =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, `${table}.${snake(name)}`]),
  );
/** Of the operator, in the time that was asked for. */
const span = (table: string, at: string) => `${table}.operator_id = $1 and ${at} >= $2 and ${at} < $3`;
const site = (column: string) => `($4::text is null or ${column} = $4)`;

export const EXPORT_KINDS = {
  transactions: {
    permission: "transactions:read",
    names: "columns",
    columns: {
      ...plain("t", "transactionId siteId stationId evseId connectorId startedAt"),
      endedAt: "coalesce(t.ended_at, t.closed_at)",
      ...plain("t", "running meterStartWh"),
      meterStopWh: "coalesce(t.meter_stop_wh, t.closed_meter_wh)",
      energyWh: `case when t.merged_into is not null then 0 else greatest(0, coalesce(t.meter_stop_wh,
        greatest(t.closed_meter_wh, t.last_energy_wh, t.snapshot_energy_wh)) - t.meter_start_wh) end`,
      ...plain("t", "idToken authorizedBy authorizationStatus stoppedReason"),
      flags: "array_to_string(t.flags, ' ')",
    },
    from: "transaction t",
    where: `${span("t", "t.started_at")} and ${site("t.site_id")}`,
    key: { at: "t.started_at", id: "t.transaction_id", idType: "uuid" },
  },
  cdrs: {
    permission: "money:read",
    names: "columns",
    columns: {
      ...plain(
        "c",
        `number cdrId corrects cause transactionId siteId stationId evseId idToken payer startedAt
        endedAt timeQuality energyWh energyQuality tariffId tariffVersion currency netMinor taxMinor
        totalMinor`,
      ),
      // Whether another one has taken its place.
      current: "not exists (select from cdr n where n.corrects = c.cdr_id)",
      createdAt: "c.created_at",
    },
    from: "cdr c",
    where: `${span("c", "c.ended_at")} and ${site("c.site_id")}`,
    key: { at: "c.ended_at", id: "c.cdr_id", idType: "uuid" },
  },
  payments: {
    permission: "payments:read",
    columns: plain(
      "p",
      `paymentId account siteId stationId kind flow status currency amountMinor authorizedMinor
        capturedMinor refundedMinor feeMinor providerPaymentId createdAt paidAt`,
    ),
    from: "payment p",
    where: `${span("p", "p.created_at")} and ${site("p.site_id")}`,
    key: { at: "p.created_at", id: "p.payment_id", idType: "uuid" },
  },
  "id-tokens": {
    permission: "id-tokens:read",
    names: "columns",
    columns: {
      ...plain("k", "idToken type status label groupId master trusted expiresAt"),
      siteIds: "array_to_string(k.site_ids, ' ')",
      stationIds: "array_to_string(k.station_ids, ' ')",
      ...plain("k", "createdAt updatedAt"),
    },
    from: "id_token k",
    where: `${span("k", "k.created_at")}
      and ($4::text is null or k.site_ids is null or $4 = any (k.site_ids))`,
    key: { at: "k.created_at", id: "k.id_token", idType: "text" },
  },
  "meter-samples": {
    permission: "meters:read",
    columns: {
      ...plain("s", "at meterId"),
      siteId: "m.site_id",
      ...plain("s", "energyImportWh energyExportWh powerW"),
    },
    from: "meter_sample s join meter m using (meter_id)",
    where: `${span("m", "s.at")} and ${site("m.site_id")}`,
    key: { at: "s.at", id: "s.meter_id", idType: "text" },
  },
  "energy-hours": {
    permission: "reports:read",
    columns: plain("h", "hour siteId stationId evseId transactionId energyWh occupiedS"),
    from: "energy_hour h",
    where: `${span("h", "h.hour")} and ${site("h.site_id")}`,
    key: { at: "h.hour", id: "h.transaction_id", idType: "uuid" },
  },
  alarms: {
    permission: "alarms:read",
    names: "texts",
    columns: plain(
      "a",
      `alarmId name kind severity subject siteId raisedAt acknowledgedAt acknowledgedBy note
        clearedAt clearedBecause`,
    ),
    from: "alarm a",
    where: `${span("a", "a.raised_at")} and ${site("a.site_id")}`,
    key: { at: "a.raised_at", id: "a.alarm_id", idType: "uuid" },
  },
  audit: {
    permission: "audit:read",
    names: "texts",
    columns: {
      ...plain("u", "auditId at actor action subject requestId"),
      detail: "u.detail::text",
    },
    from: "audit u",
    where: `${span("u", "u.at")} and $4::text is null`,
    key: { at: "u.at", id: "u.audit_id", idType: "bigint" },
  },
} as const satisfies Readonly<Record<string, ExportKind>>;

export type ExportKindName = keyof typeof EXPORT_KINDS;
export const EXPORT_KIND_NAMES = Object.keys(EXPORT_KINDS) as ExportKindName[];
/** Kinds whose files may name a person in this way. */
export const kindsThatName = (...ways: NonNullable<ExportKind["names"]>[]): ExportKindName[] =>
  EXPORT_KIND_NAMES.filter((name) => ways.some((way) => exportKind(name).names === way));
export const exportKind = (name: ExportKindName): ExportKind => EXPORT_KINDS[name];

/** Pages after ($5, $6), or from the beginning where $6 is null. The key comes along as text, exact. */
export function pageSql({ columns, from, where, key }: ExportKind, limit: number): string {
  const list = Object.values(columns).map((sql, i) => `${sql} as c${i}`);
  const id = key.idType === "text" ? `${key.id} collate "C"` : key.id;
  return `select ${list.join(", ")}, (${key.at})::text as key_at, (${key.id})::text as key_id
    from ${from}
    where ${where} and ($6::text is null or (${key.at}, ${id}) > ($5::timestamptz, $6::text::${key.idType}))
    order by ${key.at}, ${id} limit ${limit}`;
}
