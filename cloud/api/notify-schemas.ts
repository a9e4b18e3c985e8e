/**
 * The nouns of what goes out: alarms, webhooks, mails, exports, as JSON Schema. Like `schemas.ts`, and no code here
 * either.
 */
import { Type, type Static, type TSchema } from "typebox";
import { Uuid } from "../../shared/ids.ts";
import { ALARM_EMAILS_MAX } from "../../shared/limits.ts";
import { OneOf } from "../../shared/schema.ts";
import { ALARM_KIND_NAMES } from "../core/alarm-kinds.ts";
import { WEBHOOK_TYPES, type WebhookType } from "../core/webhook-types.ts";
import { EXPORT_KIND_NAMES } from "../exports/kinds.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const SiteIds = Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 1_000 });
const Numbers = Type.Record(Type.String({ maxLength: 30 }), Type.Integer(), { maxProperties: 10 });
const Seconds = Type.Integer({ minimum: 0, maximum: 86_400 });
const Email = Type.String({ format: "email", maxLength: 200 });
const Severity = OneOf(["info", "warning", "critical"]);

export const AlarmKind = Type.Object(
  {
    kind: OneOf(ALARM_KIND_NAMES),
    words: Type.Object({ en: Type.String(), pt: Type.String(), es: Type.String() }),
    /** The numbers of a rule of this kind: bounds, and what counts where none is given. */
    params: Type.Record(
      Type.String(),
      Type.Object({ min: Type.Integer(), max: Type.Integer(), default: Type.Integer() }),
    ),
  },
  { $id: "AlarmKind" },
);
export type AlarmKindView = Static<typeof AlarmKind>;

const rule = {
  name: Text(100),
  params: Numbers,
  severity: Severity,
  /** null: every site. */
  siteIds: Nullable(SiteIds),
  /** The condition has to be there this long before it counts, and gone this long before it is over. */
  raiseAfterS: Seconds,
  clearAfterS: Seconds,
  emails: Type.Array(Email, { maxItems: ALARM_EMAILS_MAX }),
  /** Its alarms are events for webhooks. */
  webhook: Type.Boolean(),
  enabled: Type.Boolean(),
};

export const AlarmRule = Type.Object(
  { ruleId: Uuid, kind: OneOf(ALARM_KIND_NAMES), ...rule, createdAt: Time, updatedAt: Time },
  { $id: "AlarmRule" },
);
export type AlarmRule = Static<typeof AlarmRule>;

export const AlarmRulePatch = Type.Partial(Type.Object(rule), {
  $id: "AlarmRulePatch",
  additionalProperties: false,
});
export type AlarmRulePatch = Static<typeof AlarmRulePatch>;

export const NewAlarmRule = Type.Object(
  {
    kind: OneOf(ALARM_KIND_NAMES),
    ...Type.Partial(Type.Object(rule)).properties,
    name: rule.name,
    severity: Severity,
  },
  { $id: "NewAlarmRule", additionalProperties: false },
);
export type NewAlarmRule = Static<typeof NewAlarmRule>;

export const Alarm = Type.Object(
  {
    alarmId: Uuid,
    /** null: its rule is gone. */
    ruleId: Nullable(Uuid),
    name: Type.String(),
    kind: Type.String(),
    severity: Severity,
    /** What it is about: `er:…`, `station:…`, `connector:<station>:<evse>:<connector>`, `site:…`, … */
    subject: Type.String(),
    siteId: Nullable(Type.String()),
    erId: Nullable(Type.String()),
    stationId: Nullable(Type.String()),
    detail: Type.Record(Type.String(), Type.Unknown()),
    status: OneOf(["raised", "acknowledged", "cleared"]),
    raisedAt: Time,
    acknowledgedAt: Nullable(Time),
    acknowledgedBy: Nullable(Type.String()),
    note: Nullable(Type.String()),
    clearedAt: Nullable(Time),
    clearedBecause: Nullable(OneOf(["condition", "rule-changed", "rule-deleted"])),
  },
  { $id: "Alarm" },
);
export type Alarm = Static<typeof Alarm>;

export const AlarmAcknowledgement = Type.Object(
  { note: Type.Optional(Type.String({ maxLength: 500 })) },
  { $id: "AlarmAcknowledgement", additionalProperties: false },
);
export type AlarmAcknowledgement = Static<typeof AlarmAcknowledgement>;

const TYPE_NAMES = Object.keys(WEBHOOK_TYPES) as WebhookType[];
const Filters = Type.Array(
  Type.String({ maxLength: 50, description: "A type, or `noun.*`; an empty list is every type." }),
  { maxItems: 50 },
);
const Url = Type.String({ minLength: 8, maxLength: 1_000 });

export const WebhookTypeView = Type.Object(
  { type: OneOf(TYPE_NAMES), words: Type.String() },
  { $id: "WebhookType" },
);

export const WebhookEndpoint = Type.Object(
  {
    endpointId: Uuid,
    url: Type.String(),
    description: Nullable(Type.String()),
    eventTypes: Type.Array(Type.String()),
    enabled: Type.Boolean(),
    /** `gone`: it answered 410. */
    disabledBecause: Nullable(OneOf(["gone", "by-person"])),
    failingSince: Nullable(Time),
    /** Until then the secret before this one signs as well. */
    oldSecretUntil: Nullable(Time),
    pending: Type.Integer(),
    failed: Type.Integer(),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: "WebhookEndpoint" },
);
export type WebhookEndpoint = Static<typeof WebhookEndpoint>;

export const WebhookEndpointWithSecret = Type.Object(
  {
    ...WebhookEndpoint.properties,
    secret: Nullable(
      Type.String({ description: "`whsec_…`. Shown once: null when an Idempotency-Key asks again." }),
    ),
  },
  { $id: "WebhookEndpointWithSecret" },
);

export const NewWebhookEndpoint = Type.Object(
  { url: Url, description: Type.Optional(Text(200)), eventTypes: Type.Optional(Filters) },
  { $id: "NewWebhookEndpoint", additionalProperties: false },
);
export type NewWebhookEndpoint = Static<typeof NewWebhookEndpoint>;

export const WebhookEndpointPatch = Type.Object(
  {
    url: Type.Optional(Url),
    description: Type.Optional(Nullable(Text(200))),
    eventTypes: Type.Optional(Filters),
    enabled: Type.Optional(Type.Boolean()),
  },
  { $id: "WebhookEndpointPatch", additionalProperties: false },
);
export type WebhookEndpointPatch = Static<typeof WebhookEndpointPatch>;

export const SecretRotation = Type.Object(
  { keepOldForS: Type.Optional(Type.Integer({ minimum: 0, maximum: 30 * 86_400, default: 86_400 })) },
  { $id: "SecretRotation", additionalProperties: false },
);
export type SecretRotation = Static<typeof SecretRotation>;

export const WebhookReplay = Type.Object(
  { since: Time },
  { $id: "WebhookReplay", additionalProperties: false },
);
export type WebhookReplay = Static<typeof WebhookReplay>;

export const WebhookDelivery = Type.Object(
  {
    deliveryId: Uuid,
    endpointId: Uuid,
    /** The `webhook-id` of every try. */
    eventId: Uuid,
    type: Type.String(),
    siteId: Nullable(Type.String()),
    happenedAt: Time,
    data: Type.Unknown(),
    status: OneOf(["pending", "delivered", "failed"]),
    attempts: Type.Integer(),
    createdAt: Time,
    /** Of one that is pending. */
    nextAt: Nullable(Time),
    lastAt: Nullable(Time),
    lastStatus: Nullable(Type.Integer()),
    lastError: Nullable(Type.String()),
    /** The beginning of the last answer's body. */
    lastResponse: Nullable(Type.String()),
    finishedAt: Nullable(Time),
  },
  { $id: "WebhookDelivery" },
);
export type WebhookDelivery = Static<typeof WebhookDelivery>;

export const Mail = Type.Object(
  {
    mailId: Uuid,
    kind: Type.String(),
    recipient: Type.String(),
    subject: Type.String(),
    status: OneOf(["waiting", "sent", "failed"]),
    attempts: Type.Integer(),
    createdAt: Time,
    nextAt: Nullable(Time),
    lastError: Nullable(Type.String()),
    finishedAt: Nullable(Time),
  },
  { $id: "Mail" },
);
export type Mail = Static<typeof Mail>;

export const MailState = Type.Object(
  {
    /** A mail server is configured (SMTP_URL); without one mails wait. */
    configured: Type.Boolean(),
    from: Nullable(Type.String()),
    waiting: Type.Integer(),
    failed: Type.Integer(),
    oldestWaitingAt: Nullable(Time),
    /** Of the mails that wait. */
    lastError: Nullable(Type.String()),
  },
  { $id: "MailState" },
);
export type MailState = Static<typeof MailState>;

export const Export = Type.Object(
  {
    exportId: Uuid,
    kind: OneOf(EXPORT_KIND_NAMES),
    from: Time,
    to: Time,
    siteId: Nullable(Type.String()),
    status: OneOf(["waiting", "running", "done", "failed"]),
    createdBy: Type.String(),
    createdAt: Time,
    finishedAt: Nullable(Time),
    rows: Nullable(Type.Integer()),
    bytes: Nullable(Type.Integer()),
    error: Nullable(Type.String()),
    /** It is removed then. */
    expiresAt: Nullable(Time),
  },
  { $id: "Export" },
);
export type Export = Static<typeof Export>;

export const NewExport = Type.Object(
  {
    kind: OneOf(EXPORT_KIND_NAMES),
    /** From this moment on, and before that one. */
    from: Time,
    to: Time,
    siteId: Type.Optional(Type.String({ maxLength: 64 })),
    /** For spreadsheets that expect it: semicolons, and a byte order mark. */
    spreadsheet: Type.Optional(Type.Boolean()),
  },
  { $id: "NewExport", additionalProperties: false },
);
export type NewExport = Static<typeof NewExport>;
