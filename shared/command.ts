/**
 * Commands: what somebody wants a station to do, in OCPP 2.x words whatever the station speaks.
 *
 * The usual ones have small parameters of their own (`CommandParams`). All others that a CSMS may send take the
 * official OCPP 2.x request (`STANDARD_COMMANDS`, checked by `ocpp/command-schema.ts`). `Call` is any CALL of
 * the station's own version, as it stands. The dialects translate.
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

const Attribute = Type.Optional(OneOf(["Actual", "Target", "MinSet", "MaxSet"]));

const ComponentVariable = {
  component: Type.Optional(
    Type.Object({
      name: Short,
      instance: Type.Optional(Short),
      evse: Type.Optional(Type.Object({ id: Id, connectorId: Type.Optional(Id) })),
    }),
  ),
  variable: Type.Object({ name: Short, instance: Type.Optional(Short) }),
};

/**
 * Parameters by command kind. Unknown properties are refused: a typo in a command must not be silently
 * dropped.
 */
export const CommandParams = {
  RequestStartTransaction: Type.Object(
    {
      idToken: IdToken,
      evseId: Type.Optional(Id),
      connectorId: Type.Optional(Id),
      /** OCPP 2.x only. */
      groupIdToken: Type.Optional(
        Type.Object({ idToken: Type.String({ maxLength: 36 }), type: Type.String({ maxLength: 20 }) }),
      ),
      /** A TxProfile in OCPP 2.x words, for this transaction. */
      chargingProfile: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    },
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
    {
      getVariableData: Type.Array(Type.Object({ ...ComponentVariable, attributeType: Attribute }), {
        minItems: 1,
        maxItems: 50,
      }),
    },
    { additionalProperties: false },
  ),
  /** On OCPP 1.6 exactly one variable, whose name is the configuration key. */
  SetVariables: Type.Object(
    {
      setVariableData: Type.Array(
        Type.Object({
          ...ComponentVariable,
          attributeValue: Type.String({ maxLength: 2_500 }),
          attributeType: Attribute,
        }),
        { minItems: 1, maxItems: 50 },
      ),
    },
    { additionalProperties: false },
  ),
  /** Any CALL of the station's own version: checked against its official schema, sent as it stands. */
  Call: Type.Object(
    {
      action: Type.String({ minLength: 1, maxLength: 64 }),
      payload: Type.Record(Type.String(), Type.Unknown()),
    },
    { additionalProperties: false },
  ),
  /** Closes the station's WebSocket: it connects anew. No OCPP message. */
  CloseConnection: Type.Unsafe<Record<string, unknown>>(Type.Object({}, { additionalProperties: false })),
} as const;

/** How long a command lives, and whether it may wait for a station that is not connected. */
export type CommandClass = { ttlMs: number; waitsForStation: boolean };

/** Somebody stands in front of the station: executed late it would do harm. */
const atOnce = (ttlS: number): CommandClass => ({ ttlMs: ttlS * 1_000, waitsForStation: false });
const waits = (ttlS: number): CommandClass => ({ ttlMs: ttlS * 1_000, waitsForStation: true });
const DAY_S = 24 * 3_600;

const OWN_CLASS: Record<keyof typeof CommandParams, CommandClass> = {
  RequestStartTransaction: atOnce(60),
  RequestStopTransaction: waits(DAY_S),
  Reset: waits(15 * 60),
  TriggerMessage: atOnce(60),
  ChangeAvailability: waits(DAY_S),
  UnlockConnector: atOnce(30),
  GetConfiguration: atOnce(120),
  ChangeConfiguration: waits(DAY_S),
  GetVariables: atOnce(120),
  SetVariables: waits(DAY_S),
  Call: atOnce(120),
  CloseConnection: atOnce(60),
};

/**
 * Commands whose parameters are the official request of OCPP 2.0.1, or of 2.1 where 2.0.1 has none. Ids that we
 * give may be left out (`requestId`, the `id` of a reservation).
 */
export const STANDARD_COMMANDS = {
  AFRRSignal: atOnce(30),
  AdjustPeriodicEventStream: atOnce(120),
  CancelReservation: waits(3_600),
  CertificateSigned: waits(3_600),
  ChangeTransactionTariff: atOnce(120),
  ClearCache: atOnce(120),
  ClearChargingProfile: waits(DAY_S),
  ClearDERControl: waits(DAY_S),
  ClearDisplayMessage: waits(DAY_S),
  ClearTariffs: waits(DAY_S),
  ClearVariableMonitoring: waits(DAY_S),
  CostUpdated: atOnce(60),
  CustomerInformation: waits(DAY_S),
  DataTransfer: atOnce(120),
  DeleteCertificate: waits(DAY_S),
  GetBaseReport: waits(15 * 60),
  GetChargingProfiles: atOnce(120),
  GetCompositeSchedule: atOnce(120),
  GetDERControl: atOnce(120),
  GetDisplayMessages: atOnce(120),
  GetInstalledCertificateIds: atOnce(120),
  GetLocalListVersion: atOnce(120),
  GetLog: waits(DAY_S),
  GetMonitoringReport: atOnce(120),
  GetPeriodicEventStream: atOnce(120),
  GetReport: atOnce(120),
  GetTariffs: atOnce(120),
  GetTransactionStatus: atOnce(120),
  InstallCertificate: waits(DAY_S),
  NotifyAllowedEnergyTransfer: atOnce(120),
  NotifyWebPaymentStarted: atOnce(60),
  PublishFirmware: waits(DAY_S),
  RequestBatterySwap: atOnce(60),
  ReserveNow: atOnce(60),
  SendLocalList: waits(15 * 60),
  SetChargingProfile: waits(DAY_S),
  SetDERControl: waits(DAY_S),
  SetDefaultTariff: waits(DAY_S),
  SetDisplayMessage: waits(DAY_S),
  SetMonitoringBase: waits(DAY_S),
  SetMonitoringLevel: waits(DAY_S),
  SetNetworkProfile: waits(DAY_S),
  SetVariableMonitoring: waits(DAY_S),
  UnpublishFirmware: waits(DAY_S),
  UpdateDynamicSchedule: atOnce(120),
  UpdateFirmware: waits(DAY_S),
  UsePriorityCharging: atOnce(120),
} as const satisfies Record<string, CommandClass>;

export type OwnKind = keyof typeof CommandParams;
export type StandardKind = keyof typeof STANDARD_COMMANDS;
export type CommandKind = OwnKind | StandardKind;

const OWN_KINDS = Object.keys(CommandParams) as OwnKind[];
const STANDARD_KINDS = Object.keys(STANDARD_COMMANDS) as StandardKind[];
export const COMMAND_KINDS: readonly CommandKind[] = [...OWN_KINDS, ...STANDARD_KINDS];

export const COMMAND_CLASS: Record<CommandKind, CommandClass> = { ...OWN_CLASS, ...STANDARD_COMMANDS };

export const isOwnKind = (kind: string): kind is OwnKind => Object.hasOwn(CommandParams, kind);
export const isStandardKind = (kind: string): kind is StandardKind => Object.hasOwn(STANDARD_COMMANDS, kind);

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
      const names = params.setVariableData.map(({ component, variable, attributeType = "Actual" }) =>
        [
          ...[component?.name, component?.instance, component?.evse?.id, component?.evse?.connectorId],
          ...[variable.name, variable.instance, attributeType],
        ].join("."),
      );
      return `variables ${names.sort().join(" ")}`;
    }
    case "SetChargingProfile":
      return `profile ${idIn(params["chargingProfile"])}`;
    case "SetDisplayMessage":
      return `display ${idIn(params["message"])}`;
    case "SetNetworkProfile":
      return `network ${String(params["configurationSlot"])}`;
    default:
      return undefined;
  }
}

const idIn = (value: unknown): string => String((value as { id?: unknown } | null)?.id);

/** The part of a command that its kind decides. */
export type CommandBody =
  | { [K in OwnKind]: { kind: K; params: Static<(typeof CommandParams)[K]> } }[OwnKind]
  | { [K in StandardKind]: { kind: K; params: Record<string, unknown> } }[StandardKind];

/**
 * Where in the cloud the firmware of this command is, or where the logs that it asks for go. The token is good for
 * this command alone. `sha256`, `size`, `name`: of the firmware.
 */
export const FileTransfer = Type.Object({
  url: Type.String({ minLength: 1, maxLength: 1_000, pattern: "^https?://" }),
  token: Type.String({ minLength: 16, maxLength: 200, pattern: "^[A-Za-z0-9_-]+$" }),
  sha256: Type.Optional(Type.String({ pattern: "^[0-9a-f]{64}$" })),
  size: Type.Optional(Type.Integer({ minimum: 1 })),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
});
export type FileTransfer = Static<typeof FileTransfer>;

/** A command as the broker carries it. `remainingMs` is what was left of its life when it was published. */
export const Command = Type.Object({
  commandId: Uuid,
  stationId: StationId,
  issuedAt: Type.Integer(),
  expiresAt: Type.Integer(),
  remainingMs: Type.Integer({ minimum: 0 }),
  /** Any word: an ER that does not know it says so. */
  kind: Type.Unsafe<CommandKind>(Type.String({ minLength: 1, maxLength: 64 })),
  params: Type.Record(Type.String(), Type.Unknown()),
  transfer: Type.Optional(FileTransfer),
});
export type Command = Omit<Static<typeof Command>, "kind" | "params"> & CommandBody;
