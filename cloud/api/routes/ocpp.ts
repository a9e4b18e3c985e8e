/**
 * What may be sent to stations: the kinds of commands, and the messages of every OCPP version, with their
 * schemas.
 */
import { needs } from "../actor.ts";
import { Type, type Static } from "typebox";
import {
  COMMAND_CLASS,
  COMMAND_KINDS,
  CommandParams,
  isOwnKind,
  type CommandBody,
  type CommandKind,
} from "../../../shared/command.ts";
import { Protocol, PROTOCOLS } from "../../../shared/entry.ts";
import { COMMAND_SAMPLES } from "../../../shared/ocpp/command-samples.ts";
import { commandSchema } from "../../../shared/ocpp/command-schema.ts";
import { isFromStation } from "../../../shared/ocpp/dialect.ts";
import { actionsOf, schemaOf, withoutUnused } from "../../../shared/ocpp/schemas.ts";
import { trialCall } from "../../../shared/ocpp/trial-call.ts";
import type { App, Context } from "../app.ts";
import { notFound } from "../problem.ts";

const JsonSchema = Type.Record(Type.String(), Type.Unknown());

const CommandKindView = Type.Object({
  kind: Type.String(),
  ttlSeconds: Type.Integer({ description: "How long it lives, unless the caller says otherwise" }),
  waitsForStation: Type.Boolean({ description: "It may wait for a station that is not connected" }),
  protocols: Type.Array(Protocol, { description: "Versions that can do it, at least in its usual form" }),
  params: Type.Object({}, { additionalProperties: true, description: "JSON schema of `params`" }),
  example: JsonSchema,
});
type CommandKindView = Static<typeof CommandKindView>;

function canDo(protocol: Protocol, kind: CommandKind): boolean {
  if (kind === "CloseConnection" || kind === "Call") return true;
  return "action" in trialCall(protocol, { kind, params: COMMAND_SAMPLES[kind] } as CommandBody);
}

/** Sixty kinds tried on every version: worked out once, they do not change while the program runs. */
let kinds: CommandKindView[] | undefined;
const commandKinds = (): CommandKindView[] =>
  (kinds ??= COMMAND_KINDS.map((kind) => ({
    kind,
    ttlSeconds: COMMAND_CLASS[kind].ttlMs / 1_000,
    waitsForStation: COMMAND_CLASS[kind].waitsForStation,
    protocols: PROTOCOLS.filter((protocol) => canDo(protocol, kind)),
    params: { ...(isOwnKind(kind) ? CommandParams[kind] : commandSchema(kind)) },
    example: COMMAND_SAMPLES[kind],
  })));

export function ocppRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/command-kinds",
    {
      schema: {
        operationId: "listCommandKinds",
        ...needs("stations:read"),
        tags: ["commands"],
        description: "Everything that a station can be asked to do, in the words of OCPP 2.x",
        response: { 200: Type.Object({ items: Type.Array(CommandKindView) }) },
      },
    },
    async (request) => {
      await requireActor(request);
      return { items: commandKinds() };
    },
  );

  app.get(
    "/v1/ocpp/:protocol/actions",
    {
      schema: {
        operationId: "listOcppActions",
        ...needs("stations:read"),
        tags: ["commands"],
        params: Type.Object({ protocol: Type.String() }),
        response: {
          200: Type.Object({
            items: Type.Array(Type.Object({ action: Type.String(), fromStation: Type.Boolean() })),
          }),
        },
      },
    },
    async (request) => {
      await requireActor(request);
      const protocol = protocolOf(request.params.protocol);
      const items = actionsOf(protocol).map((action) => ({
        action,
        fromStation: isFromStation(protocol, action),
      }));
      return { items };
    },
  );

  app.get(
    "/v1/ocpp/:protocol/actions/:action",
    {
      schema: {
        operationId: "getOcppAction",
        ...needs("stations:read"),
        tags: ["commands"],
        description: "The official schemas of one message",
        params: Type.Object({ protocol: Type.String(), action: Type.String() }),
        response: {
          200: Type.Object({ action: Type.String(), request: JsonSchema, response: JsonSchema }),
        },
      },
    },
    async (request) => {
      await requireActor(request);
      const protocol = protocolOf(request.params.protocol);
      const { action } = request.params;
      const [asked, answered] = (["Request", "Response"] as const).map((d) => schemaOf(protocol, action, d));
      if (asked === undefined || answered === undefined) throw notFound("OCPP action", action);
      return { action, request: withoutUnused(asked), response: withoutUnused(answered) };
    },
  );
}

/** @throws ApiProblem 404. */
function protocolOf(text: string): Protocol {
  const protocol = PROTOCOLS.find((known) => known === text);
  if (protocol === undefined) throw notFound("OCPP version", text);
  return protocol;
}
