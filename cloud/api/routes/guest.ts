/**
 * Guests: somebody stands at a connector, scans its code, pays and charges. No account; a session is opened
 * by its token (`x-guest-token`), which only its guest was told.
 */
import { Type } from "typebox";
import { writeAudit } from "../../audit.ts";
import { inTransaction } from "../../db/pool.ts";
import { isGuestToken, guestToken, newCode, offerAt, openGuest } from "../../pay/guest-open.ts";
import { guestReceipt } from "../../pay/guest-receipt.ts";
import { readGuest } from "../../pay/guest-view.ts";
import type { Pay } from "../../pay/providers.ts";
import { addressGroup, countAttempt } from "../../throttle.ts";
import { needs, open } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { GuestConnectorView, GuestSessionView, NewGuestSession } from "../guest-schemas.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { qrPng, qrSvg } from "../qr.ts";
import { createReadLimit } from "../read-limit.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Requests of one address in a minute: a page that looks every two seconds, for a few guests behind one
 * address.
 */
const READS_PER_MIN = 600;

export function guestRoutes(app: App, context: Context): void {
  const { pay, requireActor } = context;
  const limit = createReadLimit(READS_PER_MIN);

  /** Who has not the token cannot tell whether there is such a session. @throws ApiProblem 404, 429. */
  function checkToken(request: GuestRequest): string {
    limit(request.ip);
    const { guestSessionId: id } = request.params as { guestSessionId: string };
    const { "x-guest-token": token } = request.headers as { "x-guest-token": string };
    if (!UUID.test(id) || !isGuestToken(pay, id, token)) throw notFound("session", id);
    return id;
  }

  connectorRoute(app, pay, limit);
  sessionRoutes(app, pay, checkToken);
  receiptRoute(app, context, checkToken);
  stickerRoute(app, pay, requireActor);
}

function connectorRoute(app: App, pay: Pay, limit: (address: string) => void): void {
  app.get(
    "/v1/guest/connectors/:code",
    {
      schema: {
        operationId: "getGuestConnector",
        ...open("whoever scans a connector's code has no account"),
        tags: ["guests"],
        description:
          "What the code at a connector stands for: the price, whether it is free, how one may pay.",
        params: Type.Object({ code: Type.String({ pattern: "^[0-9A-Za-z]{6,16}$" }) }),
        response: { 200: Type.Ref("GuestConnector") },
      },
    },
    async (request): Promise<GuestConnectorView> => {
      limit(request.ip);
      const { place, tariff, providers, reason } = await offerAt(pay, request.params.code);
      return {
        code: place.code,
        operatorName: place.operator_name,
        siteName: place.site_name,
        timeZone: place.time_zone,
        stationName: place.identity,
        evseId: place.evse_id,
        offered: reason === undefined,
        reason: reason ?? null,
        tariff:
          tariff === undefined
            ? null
            : {
                ...{ tariffId: tariff.tariffId, version: tariff.version },
                ...{ name: tariff.name, terms: tariff.terms },
              },
        methods: providers.map(({ row: { kind, settings }, provider: { method, flow } }) => ({
          ...{ provider: kind, method, flow, currency: settings.currency, payMinutes: settings.payMinutes },
          defaultAmountMinor: settings.defaultAmountMinor,
          minAmountMinor: settings.minAmountMinor,
          maxAmountMinor: settings.maxAmountMinor,
        })),
      };
    },
  );
}

const SessionParams = Type.Object({ guestSessionId: Type.String({ maxLength: 36 }) });
const TokenHeader = Type.Object({ "x-guest-token": Type.String({ maxLength: 100 }) });

type GuestRequest = { ip: string; params: unknown; headers: unknown };

const WISHES = {
  "guest.stop": ["stop_asked_at", "state = 'charging'"],
  "guest.cancel": ["cancel_asked_at", "state in ('awaiting-payment', 'starting', 'plug-in')"],
} as const;

/** What a guest wishes of its session, looked at soon; the first time it stands in the audit. */
async function ask(pay: Pay, request: { id: string }, action: keyof typeof WISHES, id: string) {
  const [column, when] = WISHES[action];
  await inTransaction(pay.pool, async (client) => {
    const { rows } = await client.query<{ operator_id: string; first: boolean }>(
      `update guest_session set ${column} = coalesce(${column}, now()), look_at = now()
       where guest_session_id = $1 and ${when} returning operator_id, ${column} = now() as first`,
      [id],
    );
    const [row] = rows;
    if (row === undefined || !row.first) return;
    const who = { operatorId: row.operator_id, actor: "guest", requestId: request.id };
    await writeAudit(client, { ...who, action, subject: id, detail: null });
  });
}

function sessionRoutes(app: App, pay: Pay, checkToken: (request: GuestRequest) => string): void {
  const session = {
    params: SessionParams,
    headers: TokenHeader,
    response: { 200: Type.Ref("GuestSession") },
  };

  app.post(
    "/v1/guest/sessions",
    {
      schema: {
        operationId: "createGuestSession",
        ...open("a guest has no account"),
        tags: ["guests"],
        description:
          "Begins: the answer tells where to pay (`checkoutUrl`, or a Pix code). " +
          "The same `requestId` is one session. With the `tariff` that the guest was shown, " +
          "a price that has changed meanwhile is 409 `PRICE_CHANGED`.",
        body: Type.Ref("NewGuestSession"),
        response: { 201: Type.Ref("NewGuestSessionResult") },
      },
    },
    async (request, reply) => {
      const waitS = await countAttempt(pay.pool, "guest", addressGroup(request.ip));
      if (waitS !== undefined)
        throw new ApiProblem(
          429,
          "TOO_MANY_REQUESTS",
          `too many payments were begun from here; try in ${waitS} s`,
        );
      const id = await openGuest(pay, request.body as NewGuestSession, request.id);
      const view: GuestSessionView = await readGuest(pay.pool, id);
      return reply
        .code(201)
        .header("Location", `/v1/guest/sessions/${id}`)
        .send({ session: view, token: guestToken(pay, id) });
    },
  );

  app.get(
    "/v1/guest/sessions/:guestSessionId",
    {
      schema: {
        operationId: "getGuestSession",
        ...open("a guest is known by the token of the session"),
        tags: ["guests"],
        description: "How it goes: look again every two seconds while something is awaited.",
        ...session,
      },
    },
    async (request) => readGuest(pay.pool, checkToken(request)),
  );

  app.post(
    "/v1/guest/sessions/:guestSessionId/stop",
    {
      schema: {
        operationId: "stopGuestSession",
        ...open("a guest is known by the token of the session"),
        tags: ["guests"],
        description: "Ends the charging. The price is known when the station has told the end.",
        ...session,
      },
    },
    async (request) => {
      const id = checkToken(request);
      await ask(pay, request, "guest.stop", id);
      return readGuest(pay.pool, id);
    },
  );

  app.post(
    "/v1/guest/sessions/:guestSessionId/cancel",
    {
      schema: {
        operationId: "cancelGuestSession",
        ...open("a guest is known by the token of the session"),
        tags: ["guests"],
        description: "The guest does not want it any more: everything goes back, unless it charges already.",
        ...session,
      },
    },
    async (request) => {
      const id = checkToken(request);
      await ask(pay, request, "guest.cancel", id);
      return readGuest(pay.pool, id);
    },
  );
}

function receiptRoute(
  app: App,
  { pay, webUrl }: Context,
  checkToken: (request: GuestRequest) => string,
): void {
  app.get(
    "/v1/guest/sessions/:guestSessionId/receipt",
    {
      schema: {
        operationId: "getGuestReceipt",
        ...open("a guest is known by the token of the session"),
        tags: ["guests"],
        description: "The receipt as PDF, once the charging was billed.",
        params: SessionParams,
        headers: TokenHeader,
        response: {
          200: {
            description: "The file",
            content: { "application/pdf": { schema: Type.String({ format: "binary" }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const verifyUrl = webUrl === undefined ? null : `${webUrl}/receipts`;
      const { number, pdf } = await guestReceipt(pay, checkToken(request), verifyUrl);
      return reply
        .type("application/pdf")
        .header("Content-Disposition", `inline; filename="receipt-${number}.pdf"`)
        .send(pdf as never);
    },
  );
}

/** What goes onto the sticker at a connector. */
function stickerRoute(app: App, pay: Pay, requireActor: Context["requireActor"]): void {
  app.get(
    "/v1/stations/:stationId/evses/:evseId/qr",
    {
      schema: {
        operationId: "getEvseQr",
        ...needs("stations:read"),
        tags: ["guests"],
        description: "The QR code of an EVSE, for its sticker. The same code whenever it is asked for.",
        params: Type.Object({
          stationId: Type.String({ maxLength: 200 }),
          evseId: Type.Integer({ minimum: 1, maximum: 1_000 }),
        }),
        querystring: Type.Object({
          format: Type.Optional(
            Type.Union([Type.Literal("json"), Type.Literal("svg"), Type.Literal("png")], { default: "json" }),
          ),
          scale: Type.Optional(Type.Integer({ minimum: 1, maximum: 40, default: 10 })),
        }),
        response: {
          200: {
            description: "The code and its address; as SVG or PNG where that is asked for",
            content: {
              "application/json": { schema: Type.Object({ code: Type.String(), url: Type.String() }) },
              "image/svg+xml": { schema: Type.String() },
              "image/png": { schema: Type.String({ format: "binary" }) },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { stationId, evseId } = request.params;
      const { format = "json", scale = 10 } = request.query;
      const code = await actor.db.transaction(async (client) => {
        const { rows } = await client.query<{ site_id: string; known: boolean }>(
          `select site_id, exists (select from evse e where e.station_id = s.station_id and e.evse_id = $3)
             or not exists (select from evse e where e.station_id = s.station_id) as known
           from station s where operator_id = $1 and station_id = $2`,
          [actor.operatorId, stationId, evseId],
        );
        if (rows[0] === undefined) throw notFound("station", stationId);
        // A station that has not told of its EVSEs yet may have any.
        if (!rows[0].known) throw notFound("EVSE", `${stationId} ${evseId}`);
        await client.query(
          `insert into evse_code (code, operator_id, site_id, station_id, evse_id) values ($1, $2, $3, $4, $5)
           on conflict (station_id, evse_id) do nothing`,
          [newCode(), actor.operatorId, rows[0].site_id, stationId, evseId],
        );
        const found = await client.query<{ code: string }>(
          "select code from evse_code where operator_id = $1 and station_id = $2 and evse_id = $3",
          [actor.operatorId, stationId, evseId],
        );
        if (found.rows[0] === undefined) throw notFound("EVSE", `${stationId} ${evseId}`);
        return found.rows[0].code;
      });
      const url = `${pay.settings.publicUrl()}/c/${code}`;
      if (format === "svg") return reply.type("image/svg+xml").send(qrSvg(url) as never);
      if (format === "png") return reply.type("image/png").send(qrPng(url, scale) as never);
      return reply.send({ code, url });
    },
  );
}
