/** Stations under control: prepared, held and released, their passwords, their own lists of tokens. */
import { Type } from "typebox";
import type { Client } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type {
  LocalList,
  NewPassword,
  NewStation,
  StationPassword,
  StationRegistration,
} from "../control-schemas.ts";
import { iso } from "../page.ts";
import { createStation, findOrCreate, findStation, tellSite, type Place } from "../prepare-station.ts";
import type { Station } from "../schemas.ts";
import { forgetPassword, hashed, setPassword, stationPassword } from "../station-password.ts";
import { audit, writeOnce } from "../write.ts";
import { readStation } from "./stations.ts";

const StationParams = Type.Object({ stationId: Type.String({ minLength: 1, maxLength: 200 }) });
const IdempotencyKey = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });

async function hold(
  client: Client,
  actor: Actor,
  place: Place,
  { status, retryIntervalS }: StationRegistration,
): Promise<void> {
  await client.query("update station set registration = $2, retry_interval_s = $3 where station_id = $1", [
    ...[place.stationId, status, retryIntervalS ?? null],
  ]);
  await tellSite(client, actor, place);
}

function registrationRoutes(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/stations",
    {
      schema: {
        operationId: "createStation",
        ...needs("stations:write"),
        tags: ["stations"],
        description:
          "Prepares a station before it is bolted on. One that connects by itself is made by that.",
        headers: IdempotencyKey,
        body: Type.Ref("NewStation"),
        response: { 201: Type.Ref("Station") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { identity, siteId, registration: status, retryIntervalS } = request.body as NewStation;
      const { body } = await writeOnce(actor, request, async (client) => {
        const place = await createStation(client, actor, identity, siteId);
        const wanted = {
          status: status ?? "Accepted",
          ...(retryIntervalS === undefined ? {} : { retryIntervalS }),
        };
        await hold(client, actor, place, wanted);
        await audit(client, actor, request, "station.create", place.stationId, request.body);
        return { status: 201, body: await readStation(client, actor, place.stationId) };
      });
      const station = body as Station;
      const location = `/v1/stations/${encodeURIComponent(station.stationId)}`;
      return reply.code(201).header("Location", location).send(station);
    },
  );

  app.put(
    "/v1/stations/:stationId/registration",
    {
      schema: {
        operationId: "setStationRegistration",
        ...needs("stations:write"),
        tags: ["stations"],
        description:
          "Pending and Rejected hold the station: nobody may start there from now on, and its next boot is " +
          "answered so; Accepted releases it. A station that never connected is prepared.",
        params: StationParams,
        headers: IdempotencyKey,
        body: Type.Ref("StationRegistration"),
        response: { 200: Type.Ref("Station") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const wanted = request.body as StationRegistration;
      const { body } = await writeOnce(actor, request, async (client) => {
        const place = await findOrCreate(client, actor, request.params.stationId, wanted.siteId);
        await hold(client, actor, place, wanted);
        await audit(client, actor, request, "station.registration", place.stationId, wanted);
        return { status: 200, body: await readStation(client, actor, place.stationId) };
      });
      return body as Station;
    },
  );
}

/**
 * Without an idempotency key, of which a quick hash of the body would be kept: to set the same password twice does
 * no harm.
 */
function passwordRoutes(app: App, { requireActor }: Context): void {
  const path = "/v1/stations/:stationId/password";
  const response = { 200: Type.Ref("StationPassword") };

  app.get(
    path,
    {
      schema: {
        operationId: "getStationPassword",
        ...needs("stations:write"),
        tags: ["stations"],
        description: "Whose password counts, never the password.",
        params: StationParams,
        response,
      },
    },
    async (request): Promise<StationPassword> => {
      const actor = await requireActor(request);
      return actor.db.transaction((client) => stationPassword(client, actor, request.params.stationId));
    },
  );

  app.put(
    path,
    {
      schema: {
        operationId: "setStationPassword",
        ...needs("stations:write"),
        tags: ["stations"],
        description:
          "Counts instead of the one in the ER's configuration. With tellStation the station is told, and the " +
          "old one counts as well until it has shown the new one; without, the new one alone counts at once.",
        params: StationParams,
        body: Type.Ref("NewPassword"),
        response,
      },
    },
    async (request): Promise<StationPassword> => {
      const actor = await requireActor(request);
      const body = await hashed(request.body as NewPassword);
      return actor.db.transaction(async (client) => {
        const view = await setPassword(client, actor, request.params.stationId, body);
        const { tellStation = false } = body;
        await audit(client, actor, request, "station.password", view.stationId, { tellStation });
        return view;
      });
    },
  );

  app.delete(
    path,
    {
      schema: {
        operationId: "deleteStationPassword",
        ...needs("stations:write"),
        tags: ["stations"],
        description: "The password in the ER's configuration counts again.",
        params: StationParams,
        response,
      },
    },
    async (request): Promise<StationPassword> => {
      const actor = await requireActor(request);
      return actor.db.transaction(async (client) => {
        const view = await forgetPassword(client, actor, request.params.stationId);
        await audit(client, actor, request, "station.password.delete", view.stationId, {});
        return view;
      });
    },
  );
}

type ListRow = {
  version: number | null;
  entries: Record<string, { type?: string; status: string; groupId?: string; expiresAt?: number }> | null;
  checked_at: Date | null;
  updated_at: Date | null;
  last_result: string | null;
  last_result_at: Date | null;
};

const entriesOf = (entries: NonNullable<ListRow["entries"]>): NonNullable<LocalList["entries"]> =>
  Object.entries(entries).map(([idToken, { type, status, groupId, expiresAt }]) => ({
    ...{ idToken, status, type: type ?? null, groupId: groupId ?? null },
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
  }));

const NO_LIST: ListRow = {
  ...{ version: null, entries: null, checked_at: null, updated_at: null },
  ...{ last_result: null, last_result_at: null },
};

const toList = (stationId: string, row: ListRow = NO_LIST): LocalList => ({
  stationId,
  version: row.version,
  entries: row.entries === null ? null : entriesOf(row.entries),
  checkedAt: iso(row.checked_at),
  updatedAt: iso(row.updated_at),
  lastResult: row.last_result,
  lastResultAt: iso(row.last_result_at),
});

export function stationControlRoutes(app: App, context: Context): void {
  const { requireActor } = context;
  registrationRoutes(app, context);
  passwordRoutes(app, context);
  app.get(
    "/v1/stations/:stationId/local-list",
    {
      schema: {
        operationId: "getLocalList",
        ...needs("stations:read"),
        tags: ["stations"],
        description: "The station's own list of tokens, as far as its answers have told.",
        params: StationParams,
        response: { 200: Type.Ref("LocalList") },
      },
    },
    async (request): Promise<LocalList> => {
      const actor = await requireActor(request);
      return actor.db.transaction(async (client) => {
        const { stationId } = await findStation(client, actor, request.params.stationId);
        const { rows } = await client.query<ListRow>(
          "select * from station_local_list where station_id = $1",
          [stationId],
        );
        return toList(stationId, rows[0]);
      });
    },
  );
}
