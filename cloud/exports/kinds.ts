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

const site = (column: string) => `($4::text is null or ${column} = $4)`;

export const EXPORT_KINDS = {
  transactions: {
    permission: "transactions:read",
    names: "columns",
    columns: {
      transactionId: "t.transaction_id",
      siteId: "t.site_id",
      stationId: "t.station_id",
      evseId: "t.evse_id",
      connectorId: "t.connector_id",
      startedAt: "t.started_at",
      endedAt: "coalesce(t.ended_at, t.closed_at)",
      running: "t.running",
      meterStartWh: "t.meter_start_wh",
      meterStopWh: "coalesce(t.meter_stop_wh, t.closed_meter_wh)",
      energyWh: `case when t.merged_into is not null then 0 else greatest(0, coalesce(t.meter_stop_wh,
        greatest(t.closed_meter_wh, t.last_energy_wh, t.snapshot_energy_wh)) - t.meter_start_wh) end`,
      idToken: "t.id_token",
      authorizedBy: "t.authorized_by",
      authorizationStatus: "t.authorization_status",
      stoppedReason: "t.stopped_reason",
      flags: "array_to_string(t.flags, ' ')",
    },
    from: "transaction t",
    where: `t.operator_id = $1 and t.started_at >= $2 and t.started_at < $3 and ${site("t.site_id")}`,
    key: { at: "t.started_at", id: "t.transaction_id", idType: "uuid" },
  },
  cdrs: {
    permission: "money:read",
    names: "columns",
    columns: {
      number: "c.number",
      cdrId: "c.cdr_id",
      corrects: "c.corrects",
      cause: "c.cause",
      transactionId: "c.transaction_id",
      siteId: "c.site_id",
      stationId: "c.station_id",
      evseId: "c.evse_id",
      idToken: "c.id_token",
      payer: "c.payer",
      startedAt: "c.started_at",
      endedAt: "c.ended_at",
      timeQuality: "c.time_quality",
      energyWh: "c.energy_wh",
      energyQuality: "c.energy_quality",
      tariffId: "c.tariff_id",
      tariffVersion: "c.tariff_version",
      currency: "c.currency",
      netMinor: "c.net_minor",
      taxMinor: "c.tax_minor",
      totalMinor: "c.total_minor",
      // Whether another one has taken its place.
      current: "not exists (select from cdr n where n.corrects = c.cdr_id)",
      createdAt: "c.created_at",
    },
    from: "cdr c",
    where: `c.operator_id = $1 and c.ended_at >= $2 and c.ended_at < $3 and ${site("c.site_id")}`,
    key: { at: "c.ended_at", id: "c.cdr_id", idType: "uuid" },
  },
  payments: {
    permission: "payments:read",
    columns: {
      paymentId: "p.payment_id",
      siteId: "p.site_id",
      stationId: "p.station_id",
      kind: "p.kind",
      flow: "p.flow",
      status: "p.status",
      currency: "p.currency",
      amountMinor: "p.amount_minor",
      authorizedMinor: "p.authorized_minor",
      capturedMinor: "p.captured_minor",
      refundedMinor: "p.refunded_minor",
      providerPaymentId: "p.provider_payment_id",
      createdAt: "p.created_at",
      paidAt: "p.paid_at",
    },
    from: "payment p",
    where: `p.operator_id = $1 and p.created_at >= $2 and p.created_at < $3 and ${site("p.site_id")}`,
    key: { at: "p.created_at", id: "p.payment_id", idType: "uuid" },
  },
  "id-tokens": {
    permission: "id-tokens:read",
    names: "columns",
    columns: {
      idToken: "k.id_token",
      type: "k.type",
      status: "k.status",
      label: "k.label",
      groupId: "k.group_id",
      master: "k.master",
      trusted: "k.trusted",
      expiresAt: "k.expires_at",
      siteIds: "array_to_string(k.site_ids, ' ')",
      stationIds: "array_to_string(k.station_ids, ' ')",
      createdAt: "k.created_at",
      updatedAt: "k.updated_at",
    },
    from: "id_token k",
    where: `k.operator_id = $1 and k.created_at >= $2 and k.created_at < $3
      and ($4::text is null or k.site_ids is null or $4 = any (k.site_ids))`,
    key: { at: "k.created_at", id: "k.id_token", idType: "text" },
  },
  "meter-samples": {
    permission: "meters:read",
    columns: {
      at: "s.at",
      meterId: "s.meter_id",
      siteId: "m.site_id",
      energyImportWh: "s.energy_import_wh",
      energyExportWh: "s.energy_export_wh",
      powerW: "s.power_w",
    },
    from: "meter_sample s join meter m using (meter_id)",
    where: `m.operator_id = $1 and s.at >= $2 and s.at < $3 and ${site("m.site_id")}`,
    key: { at: "s.at", id: "s.meter_id", idType: "text" },
  },
  "energy-hours": {
    permission: "reports:read",
    columns: {
      hour: "h.hour",
      siteId: "h.site_id",
      stationId: "h.station_id",
      evseId: "h.evse_id",
      transactionId: "h.transaction_id",
      energyWh: "h.energy_wh",
      occupiedS: "h.occupied_s",
    },
    from: "energy_hour h",
    where: `h.operator_id = $1 and h.hour >= $2 and h.hour < $3 and ${site("h.site_id")}`,
    key: { at: "h.hour", id: "h.transaction_id", idType: "uuid" },
  },
  alarms: {
    permission: "alarms:read",
    names: "texts",
    columns: {
      alarmId: "a.alarm_id",
      name: "a.name",
      kind: "a.kind",
      severity: "a.severity",
      subject: "a.subject",
      siteId: "a.site_id",
      raisedAt: "a.raised_at",
      acknowledgedAt: "a.acknowledged_at",
      acknowledgedBy: "a.acknowledged_by",
      note: "a.note",
      clearedAt: "a.cleared_at",
      clearedBecause: "a.cleared_because",
    },
    from: "alarm a",
    where: `a.operator_id = $1 and a.raised_at >= $2 and a.raised_at < $3 and ${site("a.site_id")}`,
    key: { at: "a.raised_at", id: "a.alarm_id", idType: "uuid" },
  },
  audit: {
    permission: "audit:read",
    names: "texts",
    columns: {
      auditId: "u.audit_id",
      at: "u.at",
      actor: "u.actor",
      action: "u.action",
      subject: "u.subject",
      requestId: "u.request_id",
      detail: "u.detail::text",
    },
    from: "audit u",
    where: "u.operator_id = $1 and u.at >= $2 and u.at < $3 and $4::text is null",
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
