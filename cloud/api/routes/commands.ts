/** Commands: ask a station to do something, and follow what becomes of it. */
import { randomBytes } from "node:crypto";
import { Type } from "typebox";
import { COMMAND_CLASS, COMMAND_KINDS, type CommandBody, type CommandKind } from "../../../shared/command.ts";
import { PROTOCOLS, type Protocol } from "../../../shared/entry.ts";
import { commandProblems } from "../../../shared/ocpp/command-schema.ts";
import { checkPayload } from "../../../shared/ocpp/schemas.ts";
import { trialCall } from "../../../shared/ocpp/trial-call.ts";
import { maskSecrets } from "../../../shared/ocpp/secrets.ts";
import { uuidV7 } from "../../../shared/ids.ts";
import { checkFirmware } from "../command-file.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { keepObjects, withOwnIds } from "../command-objects.ts";
import { reportsOf } from "../report-view.ts";
import type { CommandView, NewCommand } from "../schemas.ts";
import type { Client } from "../../db/pool.ts";
import { permissionOfCommand } from "../../core/access.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { audit, notifyLive, writeOnce } from "../write.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export type CommandRow = {
  command_id: string;
  operator_id: string;
  site_id: string;
  station_id: string;
  kind: string;
  params: Record<string, unknown>;
  status: CommandView["status"];
  request_id: number | null;
  issued_by: string;
  issued_at: Date;
  issued_key: string;
  expires_at: Date;
  sent_at: Date | null;
  accepted_at: Date | null;
  finished_at: Date | null;
  response: unknown;
  reason: string | null;
};

export const toCommand = (r: CommandRow): CommandView => ({
  commandId: r.command_id,
  operatorId: r.operator_id,
  siteId: r.site_id,
  stationId: r.station_id,
  kind: r.kind,
  params: maskSecrets(r.kind, r.params),
  status: r.status,
  issuedBy: r.issued_by,
  issuedAt: isoOf(r.issued_at),
  expiresAt: isoOf(r.expires_at),
  sentAt: iso(r.sent_at),
  acceptedAt: iso(r.accepted_at),
  finishedAt: iso(r.finished_at),
  response: r.response,
  reason: r.reason,
});

/**
 * @param at where the parameters stand in the request.
 * @throws ApiProblem 400 when the kind is unknown or its parameters are wrong.
 */
function checkCommand(body: NewCommand, at = "/body/params"): CommandKind {
  if (!Object.hasOwn(COMMAND_CLASS, body.kind)) {
    throw new ApiProblem(
      400,
      "UNKNOWN_COMMAND",
      `"${body.kind}" is no command; known: ${COMMAND_KINDS.join(", ")}`,
    );
  }
  const problems = commandProblems(body.kind, body.params);
  const [first] = problems;
  if (first !== undefined) {
    const errors = problems.map(({ pointer, message }) => ({ pointer: `${at}${pointer}`, message }));
    throw new ApiProblem(
      400,
      "INVALID_PARAMS",
      `${body.kind}: params${first.pointer} ${first.message}`,
      errors,
    );
  }
  return body.kind as CommandKind;
}

/**
 * What the station's version cannot do is refused before it is sent.
 * @throws ApiProblem 400 NOT_SUPPORTED, INVALID_PARAMS.
 */
function checkForStation(body: NewCommand, protocol: string | null): void {
  if (body.kind === "CloseConnection" || !isProtocol(protocol)) return;
  const call = trialCall(protocol, body as CommandBody);
  if ("refused" in call) throw new ApiProblem(400, "NOT_SUPPORTED", `${body.kind}: ${call.refused}`);
  const violation = checkPayload(protocol, call.action, "Request", call.payload);
  if (violation === undefined) return;
  const pointer = body.kind === "Call" ? `/body/params/payload${violation.pointer ?? ""}` : "/body/params";
  const detail = `${body.kind}: as ${call.action} of ${protocol}, ${violation.reason}`;
  throw new ApiProblem(400, "INVALID_PARAMS", detail, [{ pointer, message: violation.reason }]);
}

const isProtocol = (text: string | null): text is Protocol => PROTOCOLS.some((known) => known === text);

/** What `toCommand` reads of the table `command c`. */
export const COMMAND_COLUMNS = "c.*, c.issued_at::text as issued_key";

/**
 * Takes a command, with what it makes: a reservation, a charging profile.
 * @param options `at`: where its parameters stand in the request; `afterPolicy`: not sent before its ER has it.
 * @throws ApiProblem 400, 404.
 */
export async function insertCommand(
  client: Client,
  actor: Pick<Actor, "operatorId" | "name">,
  stationId: string,
  asked: NewCommand,
  options: { at?: string; afterPolicy?: number } = {},
): Promise<CommandRow> {
  const kind = checkCommand(asked, options.at);
  const station = await client.query<{ site_id: string; er_id: string; protocol: string | null }>(
    "select site_id, er_id, protocol from station where operator_id = $1 and station_id = $2",
    [actor.operatorId, stationId],
  );
  const place = station.rows[0];
  if (place === undefined) throw notFound("station", stationId);
  checkForStation(asked, place.protocol);
  const body = { ...asked, params: await withOwnIds(client, kind, asked.params) };
  await checkFirmware(client, actor.operatorId, body);
  const ttlMs =
    body.expiresInSeconds === undefined ? COMMAND_CLASS[kind].ttlMs : body.expiresInSeconds * 1_000;
  const commandId = uuidV7(Date.now(), () => randomBytes(4).readUInt32LE());
  const masked = maskSecrets(kind, body.params);
  const { rows } = await client.query<CommandRow>(
    `with c as (
       insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, expires_at,
         masked_params, after_policy)
       values ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 millisecond', $10, $11) returning *
     ) select ${COMMAND_COLUMNS} from c`,
    [
      commandId,
      actor.operatorId,
      place.site_id,
      place.er_id,
      stationId,
      kind,
      JSON.stringify(body.params),
      actor.name,
      ttlMs,
      masked === body.params ? null : JSON.stringify(masked),
      options.afterPolicy ?? null,
    ],
  );
  await client.query("select pg_notify('sg_command', $1)", [place.er_id]);
  await notifyLive(client, actor.operatorId, [{ type: "command", siteId: place.site_id, commandId }]);
  const row = rows[0];
  if (row === undefined) throw new Error("insert returned no row");
  await keepObjects(client, row);
  return row;
}

/** @throws ApiProblem 403. */
function checkMaySend(actor: Actor, kind: string): void {
  const needed = permissionOfCommand(kind);
  if (actor.permissions.has(needed)) return;
  const who = `"${actor.name}" (${actor.role})`;
  throw new ApiProblem(
    403,
    "COMMAND_FORBIDDEN",
    `${kind} needs ${needed}, which ${who} does not have: ask an owner`,
  );
}

export function commandRoutes(app: App, { requireActor }: Context): void {
  const StationParams = Type.Object({ stationId: Type.String() });

  async function listCommands(
    actor: Actor,
    query: { limit?: number; cursor?: string; siteId?: string; stationId?: string; status?: string },
  ) {
    const where = conditions("c.operator_id = $1", actor.operatorId);
    where.add("c.site_id = ?", query.siteId);
    where.add("c.station_id = ?", query.stationId);
    where.add("c.status = ?", query.status);
    const after = readCursor(query, 2);
    where.add("(c.issued_at, c.command_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
    const { rows } = await actor.db.query<CommandRow>(
      `select ${COMMAND_COLUMNS} from command c where ${where.sql}
       order by c.issued_at desc, c.command_id desc limit ${(query.limit ?? 50) + 1}`,
      where.params,
    );
    return toPage(rows, query, (r) => [r.issued_key, r.command_id], toCommand);
  }

  app.post(
    "/v1/stations/:stationId/commands",
    {
      schema: {
        operationId: "createCommand",
        ...needs("commands:support"),
        tags: ["commands"],
        description:
          "Taken, not yet done: follow it with getCommand or the live events. Send an Idempotency-Key.",
        params: StationParams,
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        body: Type.Ref("NewCommand"),
        response: { 202: Type.Ref("Command") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewCommand;
      checkCommand(body);
      checkMaySend(actor, body.kind);
      const { status, body: command } = await writeOnce(actor, request, async (client) => {
        const row = await insertCommand(client, actor, request.params.stationId, body);
        await audit(client, actor, request, `command.${row.kind}`, row.station_id, {
          commandId: row.command_id,
          params: maskSecrets(row.kind, row.params),
        });
        return { status: 202, body: toCommand(row) };
      });
      const view = command as CommandView;
      return reply
        .code(status as 202)
        .header("Location", `/v1/commands/${view.commandId}`)
        .send(view);
    },
  );

  app.get(
    "/v1/stations/:stationId/commands",
    {
      schema: {
        operationId: "listStationCommands",
        ...needs("stations:read"),
        tags: ["commands"],
        params: StationParams,
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("Command") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return listCommands(actor, { ...request.query, stationId: request.params.stationId });
    },
  );

  app.get(
    "/v1/commands",
    {
      schema: {
        operationId: "listCommands",
        ...needs("stations:read"),
        tags: ["commands"],
        querystring: Type.Object({
          ...PageQuery,
          siteId: Type.Optional(Type.String()),
          stationId: Type.Optional(Type.String()),
          status: Type.Optional(Type.String({ maxLength: 20 })),
        }),
        response: { 200: PageOf("Command") },
      },
    },
    async (request) => listCommands(await requireActor(request), request.query),
  );

  app.get(
    "/v1/commands/:commandId",
    {
      schema: {
        operationId: "getCommand",
        ...needs("stations:read"),
        tags: ["commands"],
        description: "With what the station sent later to it (`reports`), up to 500 messages.",
        params: Type.Object({ commandId: Type.String() }),
        response: { 200: Type.Ref("CommandDetail") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { commandId } = request.params;
      if (!UUID.test(commandId)) throw notFound("command", commandId);
      const { rows } = await actor.db.query<CommandRow>(
        `select ${COMMAND_COLUMNS} from command c where c.operator_id = $1 and c.command_id = $2`,
        [actor.operatorId, commandId],
      );
      const [row] = rows;
      if (row === undefined) throw notFound("command", commandId);
      return { ...toCommand(row), ...(await reportsOf(actor.db, row)) };
    },
  );
}
