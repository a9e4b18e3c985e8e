/**
 * A guest begins: what is offered at a connector, and a session with a place to pay.
 *
 * Invariants: nothing is offered that could not start now; a wish that is sent twice (a second tap, a lost
 * answer) is one session, one payment and one page at the provider; the token that opens a session is made
 * from its id by our key, so that it need not be stored and can be told again to whoever asks with the same
 * wish.
 */
import { randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { priceTransaction } from "../../shared/decide/tariff.ts";
import { uuidV7 } from "../../shared/ids.ts";
import { bareTaxId, taxIdKind } from "../../shared/tax-id.ts";
import type { TariffTerms } from "../../shared/tariff.ts";
import { ApiProblem, notFound } from "../api/problem.ts";
import { ER_ONLINE } from "../api/routes/sites.ts";
import { writeAudit } from "../audit.ts";
import { energyFor } from "../core/guest.ts";
import { accounts } from "../core/ledger.ts";
import { inTransaction, type Queryable } from "../db/pool.ts";
import { tariffFor, type ChosenTariff } from "../pricing.ts";
import { openCheckout } from "./checkout.ts";
import { evseFree } from "./guest-around.ts";
import type { ProviderKind } from "./provider.ts";
import type { KnownProvider, Pay } from "./providers.ts";
import type { PaymentRow } from "./rows.ts";

export type Place = {
  code: string;
  operator_id: string;
  operator_name: string;
  site_id: string;
  site_name: string;
  time_zone: string;
  station_id: string;
  identity: string;
  evse_id: number;
  online: boolean;
};

export type Offer = {
  place: Place;
  tariff: ChosenTariff | undefined;
  providers: KnownProvider[];
  /** Why nothing can be paid here now. */
  reason: "offline" | "taken" | "no-tariff" | "no-provider" | undefined;
};

/** @throws ApiProblem 404. */
export async function placeOf(db: Queryable, code: string): Promise<Place> {
  const { rows } = await db.query<Place>(
    `select q.code, q.operator_id, coalesce(o.legal_name, o.name) as operator_name, s.site_id, i.name as site_name,
       i.time_zone, s.station_id, s.identity, q.evse_id, s.online and ${ER_ONLINE} as online
     from evse_code q join operator o on o.operator_id = q.operator_id
     join station s on s.station_id = q.station_id join site i on i.site_id = s.site_id
     join er e on e.er_id = s.er_id where q.code = $1`,
    [code.toUpperCase()],
  );
  if (rows[0] === undefined) throw notFound("connector with the code", code);
  return rows[0];
}

/** What one may have at a connector now. */
export async function offerAt(pay: Pay, code: string): Promise<Offer> {
  const place = await placeOf(pay.pool, code);
  const tariff = await tariffFor(pay.pool, {
    ...{ operatorId: place.operator_id, siteId: place.site_id, stationId: place.station_id },
    atMs: Date.now(),
  });
  const all = await pay.providers.offered(pay.pool, place.operator_id);
  // Nobody pays in another currency than he is billed in.
  const providers = all.filter(({ row }) => row.settings.currency === tariff?.terms.currency);
  const at = { stationId: place.station_id, evseId: place.evse_id };
  const free = await evseFree(pay.pool, at, undefined);
  const reason =
    tariff === undefined
      ? "no-tariff"
      : providers.length === 0
        ? "no-provider"
        : !place.online
          ? "offline"
          : free
            ? undefined
            : "taken";
  return { place, tariff, providers, reason };
}

export type NewGuest = {
  code: string;
  requestId: string;
  provider: ProviderKind;
  amountMinor?: number;
  /** What was shown to the guest. */
  tariff?: { tariffId: string; version: number };
  language: "pt-BR" | "en" | "es";
  email?: string;
  taxId?: string;
};

const tokenText = (sessionId: string) => `guest ${sessionId}`;

/** Opens one session. */
export const guestToken = (pay: Pay, sessionId: string): string => `gs_${pay.box.sign(tokenText(sessionId))}`;

export function isGuestToken(pay: Pay, sessionId: string, token: string): boolean {
  const wanted = Buffer.from(guestToken(pay, sessionId));
  const told = Buffer.from(token);
  return told.length === wanted.length && timingSafeEqual(told, wanted);
}

/** OCPP 1.6 knows tokens of 20 characters. No letters that are read for others. */
const ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
const randomName = (length: number): string =>
  [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
export const newIdToken = (): string => `GUEST-${randomName(14)}`;
export const newCode = (): string => randomName(9);

const NOT_OFFERED = {
  offline: "the station cannot be reached at the moment; choose another one",
  taken: "somebody is charging at this connector",
  "no-tariff": "the operator has set no price here",
  "no-provider": "the operator takes no payments here",
} as const;

/**
 * @param apiRequestId as it stands in the audit. @returns the session's id.
 * @throws ApiProblem 400, 404, 409, 503.
 */
export async function openGuest(pay: Pay, wish: NewGuest, apiRequestId: string): Promise<string> {
  const before = await findWish(pay, wish);
  if (before !== undefined) {
    if (before.checkout_url === null && before.pix_code === null && before.keep_minor === null)
      await openPlace(pay, before.guest_session_id);
    return before.guest_session_id;
  }
  const offer = await offerAt(pay, wish.code);
  if (offer.reason !== undefined)
    throw new ApiProblem(409, "NOT_OFFERED", `${offer.reason}: ${NOT_OFFERED[offer.reason]}`);
  const known = offer.providers.find(({ row }) => row.kind === wish.provider);
  if (known === undefined || offer.tariff === undefined)
    throw new ApiProblem(409, "NOT_OFFERED", `no-provider: ${wish.provider} cannot be paid with here`);
  const { tariff } = offer;
  const shown = wish.tariff ?? tariff;
  if (shown.tariffId !== tariff.tariffId || shown.version !== tariff.version)
    throw new ApiProblem(409, "PRICE_CHANGED", "the price here has changed meanwhile; look at it again");
  const sessionId = await insertGuest(pay, wish, offer, known, tariff, apiRequestId);
  await openPlace(pay, sessionId);
  return sessionId;
}

async function findWish(pay: Pay, wish: NewGuest) {
  const { rows } = await pay.pool.query<PaymentRow & { guest_session_id: string }>(
    `select p.*, g.guest_session_id from evse_code q
     join guest_session g on g.operator_id = q.operator_id and g.station_id = q.station_id and g.evse_id = q.evse_id
     join payment p using (payment_id) where q.code = $1 and g.request_id = $2`,
    [wish.code.toUpperCase(), wish.requestId],
  );
  return rows[0];
}

/** @throws ApiProblem 400. */
function checkAmount(wish: NewGuest, { row: { settings } }: KnownProvider): number {
  const amountMinor = wish.amountMinor ?? settings.defaultAmountMinor;
  const { minAmountMinor, maxAmountMinor } = settings;
  if (amountMinor >= minAmountMinor && amountMinor <= maxAmountMinor) return amountMinor;
  const detail = `the amount is from ${minAmountMinor} to ${maxAmountMinor} minor units`;
  throw new ApiProblem(400, "INVALID_AMOUNT", detail, [{ pointer: "/body/amountMinor", message: detail }]);
}

/** @throws ApiProblem 400. */
function checkTaxId(text: string | undefined): string | null {
  if (text === undefined || text.trim() === "") return null;
  if (taxIdKind(text) !== undefined) return bareTaxId(text);
  const message = "this is no CPF or CNPJ: its check digits do not fit";
  throw new ApiProblem(400, "INVALID_TAX_ID", message, [{ pointer: "/body/taxId", message }]);
}

/** The price of energy alone, at the prices of now; what time costs is watched while it runs. */
function energyPrice(terms: TariffTerms, timeZone: string, atMs: number): (energyWh: number) => number {
  return (wh) =>
    priceTransaction(terms, {
      ...{ timeZone, startedAt: atMs, endedAt: atMs + 60_000, timeQuality: "known", energyOnly: true },
      registers: [
        { at: atMs, wh: 0 },
        { at: atMs + 60_000, wh },
      ],
      states: [{ at: atMs, state: "charging" }],
    }).totalMinor;
}

async function insertGuest(
  pay: Pay,
  wish: NewGuest,
  { place }: Offer,
  { row: provider, provider: implementation }: KnownProvider,
  tariff: ChosenTariff,
  apiRequestId: string,
): Promise<string> {
  const amountMinor = checkAmount(wish, { row: provider, provider: implementation });
  const taxId = checkTaxId(wish.taxId);
  const nowMs = Date.now();
  const capWh = energyFor(amountMinor, energyPrice(tariff.terms, place.time_zone, nowMs));
  if (capWh === 0) throw new ApiProblem(400, "INVALID_AMOUNT", "the amount does not pay for any energy here");
  const sessionId = uuidV7(nowMs, () => randomBytes(4).readUInt32LE());
  const paymentId = randomUUID();
  const description = `${place.site_name} · ${place.identity}`.slice(0, 120);
  return inTransaction(pay.pool, async (client) => {
    await client.query(
      `insert into payment (payment_id, operator_id, site_id, station_id, provider_id, kind, flow, amount_minor,
         currency, description, account, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + $12 * interval '1 minute')`,
      [
        ...[
          paymentId,
          place.operator_id,
          place.site_id,
          place.station_id,
          provider.provider_id,
          provider.kind,
        ],
        ...[implementation.flow, amountMinor, provider.settings.currency, description],
        ...[accounts.guest(paymentId), provider.settings.payMinutes],
      ],
    );
    const { rows } = await client.query<{ guest_session_id: string }>(
      `insert into guest_session (guest_session_id, operator_id, site_id, station_id, evse_id, request_id, payment_id,
         id_token, language, email, tax_id, tariff_id, tariff_version, cap_energy_wh)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
       on conflict (operator_id, request_id) do nothing returning guest_session_id`,
      [
        ...[sessionId, place.operator_id, place.site_id, place.station_id, place.evse_id, wish.requestId],
        ...[paymentId, newIdToken(), wish.language, wish.email ?? null, taxId],
        ...[tariff.tariffId, tariff.version, capWh ?? null],
      ],
    );
    if (rows[0] !== undefined) {
      const who = { operatorId: place.operator_id, actor: "guest", requestId: apiRequestId };
      const at = { stationId: place.station_id, evseId: place.evse_id };
      const { currency } = provider.settings;
      const detail = { ...at, provider: provider.kind, amountMinor, currency };
      await writeAudit(client, { ...who, action: "guest.create", subject: sessionId, detail });
      return rows[0].guest_session_id;
    }
    throw new ApiProblem(
      409,
      "REQUEST_UNDER_WAY",
      "this wish is under way already, or belongs to another connector",
    );
  });
}

type CheckoutRow = PaymentRow & {
  language: NewGuest["language"];
  email: string | null;
  tax_id: string | null;
};

/** A place to pay. @throws ApiProblem 409, 503. */
async function openPlace(pay: Pay, sessionId: string): Promise<void> {
  const { rows } = await pay.pool.query<CheckoutRow>(
    `select p.*, g.language, g.email, g.tax_id from guest_session g join payment p using (payment_id)
     where g.guest_session_id = $1`,
    [sessionId],
  );
  const [row] = rows;
  if (row === undefined) throw notFound("session", sessionId);
  const returnUrl = `${pay.settings.publicUrl()}/g/${sessionId}#${guestToken(pay, sessionId)}`;
  await openCheckout(pay, row, {
    ...{ language: row.language, email: row.email, taxId: row.tax_id, returnUrl },
  });
}
