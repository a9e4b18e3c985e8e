/**
 * Commands: what somebody wants a station to do, in OCPP 2.x words whatever the station speaks.
 *
 * A command lives in PostgreSQL; the broker only carries it; the ER journals `command.accepted` before it
 * acts and `command.finished` after. The same commandId twice is done once.
 *
 *   pending → sent → accepted → succeeded | rejected | failed | expired | uncertain
 *
 * `uncertain`: the call may have reached the station but no answer came. It is never repeated by itself.
 */
import { Type, type Static } from "typebox";
import { OneOf } from "./schema.ts";
import { StationId, Uuid } from "./ids.ts";

const Id = Type.Integer({ minimum: 0, maximum: 1_000 });
const Short = Type.String({ minLength: 1, maxLength: 50 });

export const IdToken = Type.Object({
  idToken: Type.String({ minLength: 1, maxLength: 36 }),
  type: Type.Optional(Type.String({ maxLength: 20 })),
});
export type IdToken = Static<typeof IdToken>;

const ComponentVariable = {
  component: Type.Optional(Type.Object({ name: Short, instance: Type.Optional(Short) })),
  variable: Type.Object({ name: Short, instance: Type.Optional(Short) }),
};

/**
 * Parameters by command kind. Unknown properties are refused: a typo in a command must not be silently
 * dropped.
 */
export const CommandParams = {
  RequestStartTransaction: Type.Object(
    { idToken: IdToken, evseId: Type.Optional(Id), connectorId: Type.Optional(Id) },
    { additionalProperties: false },
  ),
  RequestStopTransaction: Type.Object({ transactionId: Uuid }, { additionalProperties: false }),
  Reset: Type.Object(
    {
      type: Type.Union([Type.Literal("Immediate"), Type.Literal("OnIdle")]),
      evseId: Type.Optional(Id),
    },
    { additionalProperties: false },
  ),
  TriggerMessage: Type.Object(
    {
      requestedMessage: Type.String({ minLength: 1, maxLength: 64 }),
      evseId: Type.Optional(Id),
      connectorId: Type.Optional(Id),
    },
    { additionalProperties: false },
  ),
  ChangeAvailability: Type.Object(
    {
      operationalStatus: Type.Union([Type.Literal("Operative"), Type.Literal("Inoperative")]),
      evseId: Type.Optional(Id),
      connectorId: Type.Optional(Id),
    },
    { additionalProperties: false },
  ),
  UnlockConnector: Type.Object(
    { evseId: Id, connectorId: Type.Optional(Id) },
    { additionalProperties: false },
  ),
  /** OCPP 1.6 only. Without keys: all of them. */
  GetConfiguration: Type.Object(
    { key: Type.Optional(Type.Array(Short, { maxItems: 100 })) },
    { additionalProperties: false },
  ),
  /** OCPP 1.6 only. */
  ChangeConfiguration: Type.Object(
    { key: Short, value: Type.String({ maxLength: 500 }) },
    { additionalProperties: false },
  ),
  /** On OCPP 1.6 the variable's name is the configuration key. */
  GetVariables: Type.Object(
    { getVariableData: Type.Array(Type.Object(ComponentVariable), { minItems: 1, maxItems: 50 }) },
    { additionalProperties: false },
  ),
  /** On OCPP 1.6 exactly one variable, whose name is the configuration key. */
  SetVariables: Type.Object(
    {
      setVariableData: Type.Array(
        Type.Object({ ...ComponentVariable, attributeValue: Type.String({ maxLength: 1_000 }) }),
        { minItems: 1, maxItems: 50 },
      ),
    },
    { additionalProperties: false },
  ),
} as const;

export type CommandKind = keyof typeof CommandParams;
export type CommandParamsOf<K extends CommandKind> = Static<(typeof CommandParams)[K]>;

export const COMMAND_KINDS = Object.keys(CommandParams) as CommandKind[];

/**
 * How long a command lives and whether it may wait for a station that is not connected.
 * A person in front of the station waits for `immediate` ones: executed late they would do harm.
 */
export const COMMAND_CLASS: Record<CommandKind, { ttlMs: number; waitsForStation: boolean }> = {
  RequestStartTransaction: { ttlMs: 60_000, waitsForStation: false },
  RequestStopTransaction: { ttlMs: 24 * 3_600_000, waitsForStation: true },
  Reset: { ttlMs: 15 * 60_000, waitsForStation: true },
  TriggerMessage: { ttlMs: 60_000, waitsForStation: false },
  ChangeAvailability: { ttlMs: 24 * 3_600_000, waitsForStation: true },
  UnlockConnector: { ttlMs: 30_000, waitsForStation: false },
  GetConfiguration: { ttlMs: 120_000, waitsForStation: false },
  ChangeConfiguration: { ttlMs: 24 * 3_600_000, waitsForStation: true },
  GetVariables: { ttlMs: 120_000, waitsForStation: false },
  SetVariables: { ttlMs: 24 * 3_600_000, waitsForStation: true },
};

/**
 * What a wish is about: a command that may be fulfilled twice without harm, and of which the newest counts.
 * undefined: an imperative, which is done once or not at all.
 */
export function wishTarget({ kind, params }: CommandBody): string | undefined {
  switch (kind) {
    case "ChangeAvailability":
      return `availability ${params.evseId ?? 0} ${params.connectorId ?? 0}`;
    case "ChangeConfiguration":
      return `variable ${params.key}`;
    case "SetVariables": {
      const names = params.setVariableData.map(
        ({ component, variable }) =>
          `${component?.name ?? ""}.${component?.instance ?? ""}.${variable.name}.${variable.instance ?? ""}`,
      );
      return `variables ${names.sort().join(" ")}`;
    }
    default:
      return undefined;
  }
}

/** The part of a command that its kind decides. */
export type CommandBody = {
  [K in CommandKind]: { kind: K; params: CommandParamsOf<K> };
}[CommandKind];

/** A command as the broker carries it. `remainingMs` is what was left of its life when it was published. */
export const Command = Type.Object({
  commandId: Uuid,
  stationId: StationId,
  issuedAt: Type.Integer(),
  expiresAt: Type.Integer(),
  remainingMs: Type.Integer({ minimum: 0 }),
  kind: OneOf(COMMAND_KINDS),
  params: Type.Record(Type.String(), Type.Unknown()),
});
export type Command = Omit<Static<typeof Command>, "kind" | "params"> & CommandBody;
