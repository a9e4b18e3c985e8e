/** Reservations: made by ReserveNow, whoever orders it; what becomes of them is read from what has happened. */
import { Type } from "typebox";
import type { Queryable } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { ReservationState, type NewReservation, type Reservation } from "../control-schemas.ts";
import { conditions, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";
import { insertCommand } from "./commands.ts";

/** Of a token that nobody knows: what people show to a reader. */
const TOKEN_TYPE = "ISO14443";
const IdempotencyKey = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });

type Row = {
  reservation_id: number;
  operator_id: string;
  site_id: string;
  station_id: string;
  evse_id: number | null;
  connector_type: string | null;
  id_token: string;
  id_token_type: string | null;
  group_id: string | null;
  expires_at: Date;
  state: Reservation["state"];
  reason: string | null;
  transaction_id: string | null;
  command_id: string;
  cancel_command_id: string | null;
  issued_by: string;
  created_at: Date;
  created_key: string;
};

const toReservation = (r: Row): Reservation => ({
  reservationId: r.reservation_id,
  operatorId: r.operator_id,
  siteId: r.site_id,
  stationId: r.station_id,
  evseId: r.evse_id,
  connectorType: r.connector_type,
  idToken: r.id_token,
  idTokenType: r.id_token_type,
  groupId: r.group_id,
  expiresAt: isoOf(r.expires_at),
  state: r.state,
  reason: r.reason,
  transactionId: r.transaction_id,
  commandId: r.command_id,
  cancelCommandId: r.cancel_command_id,
  issuedBy: r.issued_by,
  createdAt: isoOf(r.created_at),
});

const COLUMNS = "r.*, r.created_at::text as created_key";

/** @throws ApiProblem 404. */
async function readReservation(
  db: Queryable,
  actor: Actor,
  stationId: string,
  reservationId: number,
): Promise<Reservation> {
  const { rows } = await db.query<Row>(
    `select ${COLUMNS} from reservation_state r
     where r.operator_id = $1 and r.station_id = $2 and r.reservation_id = $3`,
    [actor.operatorId, stationId, reservationId],
  );
  if (rows[0] === undefined) throw notFound("reservation", String(reservationId));
  return toReservation(rows[0]);
}

type Tokens = Pick<NewReservation, "idToken" | "groupIdToken">;

/** Types where none were given: the type of the known token. */
async function withTypes(db: Queryable, actor: Actor, { idToken, groupIdToken }: Tokens) {
  const { rows } = await db.query<{ type: string | null }>(
    "select type from id_token where operator_id = $1 and token_key = lower($2)",
    [actor.operatorId, idToken.idToken],
  );
  const type = rows[0]?.type ?? TOKEN_TYPE;
  return {
    idToken: { type, ...idToken },
    ...(groupIdToken === undefined ? {} : { groupIdToken: { type: "Central", ...groupIdToken } }),
  };
}

function listRoutes(app: App, { requireActor }: Context): void {
  const Filters = { siteId: Type.Optional(Type.String()), state: Type.Optional(ReservationState) };
  type Filter = { limit?: number; cursor?: string; siteId?: string; stationId?: string; state?: string };

  async function list(actor: Actor, query: Filter) {
    const where = conditions("r.operator_id = $1", actor.operatorId);
    where.add("r.site_id = ?", query.siteId);
    where.add("r.station_id = ?", query.stationId);
    where.add("r.state = ?", query.state);
    const after = readCursor(query, 3);
    const [at, station, id] = after ?? [];
    where.add(
      "(r.created_at, r.station_id, r.reservation_id) < (?::timestamptz, ?, ?::int)",
      at,
      station,
      id,
    );
    const { rows } = await actor.db.query<Row>(
      `select ${COLUMNS} from reservation_state r where ${where.sql}
       order by r.created_at desc, r.station_id desc, r.reservation_id desc limit ${(query.limit ?? 50) + 1}`,
      where.params,
    );
    return toPage(rows, query, (r) => [r.created_key, r.station_id, String(r.reservation_id)], toReservation);
  }

  app.get(
    "/v1/reservations",
    {
      schema: {
        operationId: "listReservations",
        ...needs("stations:read"),
        tags: ["reservations"],
        querystring: Type.Object({ ...PageQuery, ...Filters, stationId: Type.Optional(Type.String()) }),
        response: { 200: PageOf("Reservation") },
      },
    },
    async (request) => list(await requireActor(request), request.query),
  );

  app.get(
    "/v1/stations/:stationId/reservations",
    {
      schema: {
        operationId: "listStationReservations",
        ...needs("stations:read"),
        tags: ["reservations"],
        params: Type.Object({ stationId: Type.String() }),
        querystring: Type.Object({ ...PageQuery, state: Filters.state }),
        response: { 200: PageOf("Reservation") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return list(actor, { ...request.query, stationId: request.params.stationId });
    },
  );
}

const OneParams = Type.Object({
  stationId: Type.String(),
  reservationId: Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }),
});

function makeRoute(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/stations/:stationId/reservations",
    {
      schema: {
        operationId: "createReservation",
        ...needs("commands:send"),
        tags: ["reservations"],
        description: "Ordered, not yet granted: follow its `state`, or its command. Send an Idempotency-Key.",
        params: Type.Object({ stationId: Type.String() }),
        headers: IdempotencyKey,
        body: Type.Ref("NewReservation"),
        response: { 201: Type.Ref("Reservation") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { stationId } = request.params;
      const { evseId, connectorType, expiresAt, ...tokens } = request.body as NewReservation;
      if (Date.parse(expiresAt) <= Date.now())
        throw new ApiProblem(400, "EXPIRED", "expiresAt is in the past");
      const { body } = await writeOnce(actor, request, async (client) => {
        const params = {
          ...(evseId === undefined ? {} : { evseId }),
          ...(connectorType === undefined ? {} : { connectorType }),
          expiryDateTime: new Date(expiresAt).toISOString(),
          ...(await withTypes(client, actor, tokens)),
        };
        const row = await insertCommand(
          client,
          actor,
          stationId,
          { kind: "ReserveNow", params },
          { at: "/body" },
        );
        const reservation = await readReservation(client, actor, stationId, row.params["id"] as number);
        await audit(client, actor, request, "reservation.create", stationId, reservation);
        return { status: 201, body: reservation };
      });
      const made = body as Reservation;
      const path = `/v1/stations/${encodeURIComponent(stationId)}/reservations/${made.reservationId}`;
      return reply.code(201).header("Location", path).send(made);
    },
  );
}

export function reservationRoutes(app: App, context: Context): void {
  const { requireActor } = context;
  listRoutes(app, context);
  makeRoute(app, context);

  app.get(
    "/v1/stations/:stationId/reservations/:reservationId",
    {
      schema: {
        operationId: "getReservation",
        ...needs("stations:read"),
        tags: ["reservations"],
        params: OneParams,
        response: { 200: Type.Ref("Reservation") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return readReservation(actor.db, actor, request.params.stationId, request.params.reservationId);
    },
  );

  app.delete(
    "/v1/stations/:stationId/reservations/:reservationId",
    {
      schema: {
        operationId: "cancelReservation",
        ...needs("commands:send"),
        tags: ["reservations"],
        description: "Ordered, not yet done: follow its `state`, or its cancelCommandId.",
        params: OneParams,
        headers: IdempotencyKey,
        response: { 202: Type.Ref("Reservation") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { stationId, reservationId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const { state } = await readReservation(client, actor, stationId, reservationId);
        // One that failed may stand in the station all the same.
        if (state !== "requested" && state !== "accepted" && state !== "failed")
          throw new ApiProblem(409, "RESERVATION_ENDED", `the reservation is ${state}`);
        await insertCommand(client, actor, stationId, {
          kind: "CancelReservation",
          params: { reservationId },
        });
        await audit(client, actor, request, "reservation.cancel", stationId, { reservationId });
        return { status: 202, body: await readReservation(client, actor, stationId, reservationId) };
      });
      return reply.code(202).send(body as Reservation);
    },
  );
}
