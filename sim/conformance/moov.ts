/**
 * The adapter to the API of Moov.olt: what an operator does in the suite, as HTTP requests with an API key.
 *
 * The API counts requests by key, so several keys may be given and are used in turn; one that has used up its
 * minute is asked again later.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CsmsApi, Ended, MessageSeen, ReservationSeen, StationSeen, TransactionSeen } from "./csms.ts";
import type { Fields } from "./frames.ts";
import { CaseFailure } from "./outcome.ts";
import { until } from "./suite.ts";

type Reply = { status: number; body: unknown };
type CommandSeen = {
  commandId: string;
  status: string;
  finishedAt: string | null;
  response: Fields | null;
  reason: string | null;
  reports?: Ended["reports"];
};

const REQUEST_MS = 20_000;
const TOO_MANY_PAUSE_MS = 1_000;
const TOO_MANY_MS_MAX = 60_000;

function createClient(base: string, keys: readonly string[]) {
  let turn = 0;
  async function once(method: string, path: string, body: unknown): Promise<Reply> {
    const key = keys[turn++ % keys.length] ?? "";
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
  }
  return async (method: string, path: string, body?: unknown): Promise<Reply> => {
    const end = performance.now() + TOO_MANY_MS_MAX;
    for (;;) {
      const reply = await once(method, path, body);
      if (reply.status !== 429 || performance.now() > end) return reply;
      await sleep(TOO_MANY_PAUSE_MS);
    }
  };
}

const saidOf = (reply: Reply): string => {
  const { code, detail } = (reply.body ?? {}) as { code?: string; detail?: string };
  return `${reply.status} ${code ?? ""} ${detail ?? ""}`.trim();
};

/** @param base `http://host:port` of the API. @param keys one or more API keys of the same operator. */
export function createMoovApi(base: string, keys: readonly string[]): CsmsApi {
  const request = createClient(base.replace(/\/$/, ""), keys);
  const pathOf = (stationId: string) => `/v1/stations/${encodeURIComponent(stationId)}`;

  async function ok<T>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await request(method, path, body);
    if (reply.status < 300) return reply.body as T;
    throw new CaseFailure(`the API said ${saidOf(reply)} to ${method} ${path}`);
  }
  const items = async <T>(path: string): Promise<T[]> => (await ok<{ items: T[] }>("GET", path)).items;

  async function command(stationId: string, kind: string, params: Fields): Promise<string> {
    const taken = await ok<CommandSeen>("POST", `${pathOf(stationId)}/commands`, { kind, params });
    return taken.commandId;
  }

  return {
    command,
    call: (stationId, action, payload) => command(stationId, "Call", { action, payload }),
    async ended(commandId) {
      const seen = await until("the order has ended", async () => {
        const { finishedAt, ...rest } = await ok<CommandSeen>("GET", `/v1/commands/${commandId}`);
        return finishedAt === null ? undefined : rest;
      });
      const { status, response, reason, reports = [] } = seen;
      return { status, response, reason, reports };
    },
    async reports(commandId) {
      return (await ok<CommandSeen>("GET", `/v1/commands/${commandId}`)).reports ?? [];
    },
    async refusalOf(stationId, kind, params) {
      const reply = await request("POST", `${pathOf(stationId)}/commands`, { kind, params });
      if (reply.status < 300) return undefined;
      if (reply.status < 500) return saidOf(reply);
      throw new CaseFailure(`the API said ${saidOf(reply)}`);
    },
    async putToken({ idToken, status = "Accepted", ...rest }) {
      const made = await request("POST", "/v1/id-tokens", { idToken, ...rest });
      const exists = made.status === 409;
      if (made.status >= 300 && !exists) {
        throw new CaseFailure(`the API said ${saidOf(made)} to a new idToken`);
      }
      if (!exists && status === "Accepted") return;
      await ok("PATCH", `/v1/id-tokens/${encodeURIComponent(idToken)}`, { status, ...rest });
    },
    async setRegistration(stationId, status) {
      await ok("PUT", `${pathOf(stationId)}/registration`, { status });
    },
    async setPassword(stationId, password, tellStation) {
      await ok("PUT", `${pathOf(stationId)}/password`, { password, tellStation });
    },
    async closeConnection(stationId) {
      await command(stationId, "CloseConnection", {});
    },
    async setTariff(stationId, { currency, startFee, perKwh }) {
      const micro = (price: number) => Math.round(price * 1_000_000);
      const element = { startFeeMicro: micro(startFee), perKwhMicro: micro(perKwh) };
      const name = `${stationId} ${randomUUID()}`;
      const terms = { currency, elements: [element] };
      const { tariffId } = await ok<{ tariffId: string }>("POST", "/v1/tariffs", { name, terms });
      await ok("POST", "/v1/tariff-assignments", { tariffId, target: { stationId } });
    },
    async station(stationId) {
      const reply = await request("GET", pathOf(stationId));
      if (reply.status === 404) return undefined;
      if (reply.status >= 300) throw new CaseFailure(`the API said ${saidOf(reply)}`);
      return reply.body as StationSeen;
    },
    async settled(stationId) {
      const { siteId, erId } = await ok<{ siteId: string; erId: string }>("GET", pathOf(stationId));
      const { policyVersion: wanted } = await ok<{ policyVersion: number }>("GET", `/v1/sites/${siteId}`);
      await until("the site knows what was changed", async () => {
        const { policyVersion } = await ok<{ policyVersion: number | null }>("GET", `/v1/ers/${erId}`);
        return (policyVersion ?? 0) >= wanted;
      });
    },
    async transactions(stationId) {
      const path = `/v1/transactions?limit=50&stationId=${encodeURIComponent(stationId)}`;
      const found = await items<TransactionSeen & { endedUnseen: boolean }>(path);
      // Of one whose end has not arrived yet nothing is known that a case could demand.
      return found.map((seen) => ({ ...seen, status: seen.endedUnseen ? "active" : seen.status }));
    },
    reservations: (stationId) => items<ReservationSeen>(`${pathOf(stationId)}/reservations`),
    messages: (stationId) => items<MessageSeen>(`${pathOf(stationId)}/messages?limit=100`),
  };
}
