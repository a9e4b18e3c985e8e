/** What stations tell of themselves, as JSON Schema. Like `schemas.ts`, and no code here either. */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";
import { CommandView } from "./schemas.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });

export const REPORT_KINDS = [
  ...["variables", "monitoring", "customer", "display", "profiles", "der"],
  ...["firmware", "publish", "log"],
] as const;

/** What a station said later to a call: a part of a report, or how an update or an upload goes on. */
export const StationReport = Type.Object(
  {
    stationId: Type.String(),
    at: Time,
    /** `variables`, `monitoring`, `customer`, `display`, `profiles`, `der`, `firmware`, `publish`, `log`. */
    of: Type.String(),
    requestId: Nullable(Type.Integer()),
    seqNo: Nullable(Type.Integer()),
    /** Nothing more comes after it. */
    last: Type.Boolean(),
    action: Type.String(),
    payload: Type.Unknown(),
  },
  { $id: "StationReport" },
);
export type StationReport = Static<typeof StationReport>;

export const CommandDetail = Type.Object(
  {
    ...CommandView.properties,
    /** What the station sent later to this command, in the order in which it came. */
    reports: Type.Array(Type.Ref("StationReport")),
    /** There are more of them: see listStationReports. */
    reportsTruncated: Type.Boolean(),
  },
  { $id: "CommandDetail" },
);
export type CommandDetail = CommandView & { reports: StationReport[]; reportsTruncated: boolean };

/** A value of a station's configuration, as it was last told. Of OCPP 1.6 the variable is the key. */
export const StationVariable = Type.Object(
  {
    stationId: Type.String(),
    /** Empty for the keys of OCPP 1.6. */
    component: Type.String(),
    componentInstance: Nullable(Type.String()),
    evseId: Nullable(Type.Integer()),
    connectorId: Nullable(Type.Integer()),
    variable: Type.String(),
    variableInstance: Nullable(Type.String()),
    /** `Actual`, `Target`, `MinSet`, `MaxSet`. */
    attribute: Type.String(),
    /** null: the station did not tell it, or it is secret. */
    value: Nullable(Type.String()),
    secret: Type.Boolean(),
    mutability: Nullable(Type.String()),
    unit: Nullable(Type.String()),
    dataType: Nullable(Type.String()),
    readAt: Time,
    /** The message that told it: `NotifyReport`, `GetVariables`, `ChangeConfiguration`, … */
    source: Type.String(),
  },
  { $id: "StationVariable" },
);
export type StationVariable = Static<typeof StationVariable>;

export const EVENT_KINDS = [
  ...["security-event", "event", "charging-limit", "charging-needs"],
  ...["firmware-status", "publish-status", "log-status", "reservation"],
] as const;

export const StationEvent = Type.Object(
  {
    eventId: Type.String(),
    siteId: Type.String(),
    stationId: Type.String(),
    /** When its ER heard of it. */
    at: Time,
    /** When it happened, as the station says. */
    toldAt: Nullable(Time),
    /** `event` is one of the station's own monitoring. */
    kind: Type.String(),
    /** Security: its type. Monitoring: `Component.Variable`. Limits: the source. Else: the status. */
    type: Type.String(),
    /** 0 (danger) to 9 (debug), where the station tells. */
    severity: Nullable(Type.Integer()),
    cleared: Nullable(Type.Boolean()),
    evseId: Nullable(Type.Integer()),
    detail: Type.Unknown(),
  },
  { $id: "StationEvent" },
);
export type StationEvent = Static<typeof StationEvent>;

/** A station wants a certificate. A `CertificateSigned` command that it takes is the answer. */
export const CertificateRequest = Type.Object(
  {
    certificateRequestId: Type.String(),
    siteId: Type.String(),
    stationId: Type.String(),
    at: Time,
    csr: Type.String(),
    /** null: the station's own. */
    certificateType: Nullable(Type.String()),
    requestId: Nullable(Type.Integer()),
    state: OneOf(["open", "answered"]),
    answeredAt: Nullable(Time),
    /** The command whose certificate the station took. */
    commandId: Nullable(Type.String()),
  },
  { $id: "CertificateRequest" },
);
export type CertificateRequest = Static<typeof CertificateRequest>;
