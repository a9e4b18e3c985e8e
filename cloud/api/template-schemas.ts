/** Configuration templates and the one view of a station's configuration, as JSON Schema. No code here either. */
import { Type, type Static, type TSchema } from "typebox";
import { TEMPLATE_VARIABLES_MAX } from "../../shared/limits.ts";
import { OneOf } from "../../shared/schema.ts";
import { TemplateMatch, TemplateVariable } from "../../shared/template.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });

const SiteIds = Type.Array(Type.String({ maxLength: 64 }), { maxItems: 1_000 });
const Name = Type.String({ minLength: 1, maxLength: 100 });
const Priority = Type.Integer({ minimum: -1_000, maximum: 1_000 });
const Variables = Type.Array(TemplateVariable, { maxItems: TEMPLATE_VARIABLES_MAX });

export const StationTemplate = Type.Object(
  {
    templateId: Type.String(),
    operatorId: Type.String(),
    name: Type.String(),
    /** Which stations: exact, or with `*` for any text, without regard to case; null: any. */
    vendor: Nullable(Type.String()),
    model: Nullable(Type.String()),
    firmware: Nullable(Type.String()),
    /** null: every site. */
    siteIds: Nullable(Type.Array(Type.String())),
    /** Where templates want different values, the highest counts; then the one that names more of the make. */
    priority: Type.Integer(),
    variables: Type.Array(TemplateVariable),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: "StationTemplate" },
);
export type StationTemplate = Static<typeof StationTemplate>;

export const NewStationTemplate = Type.Object(
  {
    name: Name,
    ...TemplateMatch,
    siteIds: Type.Optional(SiteIds),
    priority: Type.Optional(Priority),
    variables: Variables,
  },
  { $id: "NewStationTemplate", additionalProperties: false },
);
export type NewStationTemplate = Static<typeof NewStationTemplate>;

const Pattern = TemplateMatch.vendor;

export const StationTemplatePatch = Type.Object(
  {
    name: Type.Optional(Name),
    vendor: Type.Optional(Nullable(Pattern)),
    model: Type.Optional(Nullable(Pattern)),
    firmware: Type.Optional(Nullable(Pattern)),
    siteIds: Type.Optional(Nullable(SiteIds)),
    priority: Type.Optional(Priority),
    variables: Type.Optional(Variables),
  },
  { $id: "StationTemplatePatch", additionalProperties: false },
);
export type StationTemplatePatch = Static<typeof StationTemplatePatch>;

/** One value of a station, whatever version it speaks. */
export const ConfigurationValue = Type.Object(
  {
    /** As the station names it: `HeartbeatInterval`, `OCPPCommCtrlr/HeartbeatInterval`. */
    name: Type.String(),
    /** Key of OCPP 1.6, where there is one. */
    key: Nullable(Type.String()),
    /** In words of OCPP 2.x; a key without an equivalent has no component. */
    component: Nullable(Type.String()),
    componentInstance: Nullable(Type.String()),
    evseId: Nullable(Type.Integer()),
    connectorId: Nullable(Type.Integer()),
    variable: Type.String(),
    variableInstance: Nullable(Type.String()),
    /** null: not known, or secret. */
    actual: Nullable(Type.String()),
    secret: Type.Boolean(),
    mutability: Nullable(Type.String()),
    unit: Nullable(Type.String()),
    dataType: Nullable(Type.String()),
    readAt: Nullable(Time),
    /** What a template wants; null: none speaks of it. */
    wanted: Nullable(Type.String()),
    templateId: Nullable(Type.String()),
    template: Nullable(Type.String()),
    /** It is wanted, and the station is not known to have it. */
    drift: Type.Boolean(),
    /** How far its ER has come. `written`: the station has it. `unknown`: it has no such variable. */
    state: Nullable(OneOf(["wanted", "written", "refused", "reboot-required", "read-only", "unknown"])),
  },
  { $id: "ConfigurationValue" },
);
export type ConfigurationValue = Static<typeof ConfigurationValue>;

export const StationConfiguration = Type.Object(
  {
    stationId: Type.String(),
    protocol: Nullable(Type.String()),
    /** Wanted values that the station is not known to have. */
    driftCount: Type.Integer(),
    /** By name. */
    values: Type.Array(Type.Ref("ConfigurationValue")),
    /** There are more: see listStationVariables. */
    truncated: Type.Boolean(),
  },
  { $id: "StationConfiguration" },
);
export type StationConfiguration = Omit<Static<typeof StationConfiguration>, "values"> & {
  values: ConfigurationValue[];
};
