/**
 * A case and what it is given: one station of its own, the CSMS, and orders whose effect at the station is
 * waited for. Cases share nothing, so they run in any order and several at a time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Version } from "./case-ids.ts";
import type { Csms, CsmsApi, Ended, TokenSpec, TransactionSeen } from "./csms.ts";
import type { Fields } from "./frames.ts";
import { WAIT_MS } from "./handshake.ts";
import { CaseFailure, checkEqual, NotApplicable } from "./outcome.ts";
import { createStation, type Expectation, type Station } from "./station.ts";

export type Case = { id: string; title: string } & (
  | { kind: "test"; run: (t: Tools) => Promise<void> }
  | { kind: "not-applicable"; reason: string }
);

/** A case that is played. It fails by throwing, or by what the CSMS does wrong on the wire. */
export const test = (id: string, title: string, run: (t: Tools) => Promise<void>): Case => ({
  ...{ id, title },
  ...{ kind: "test", run },
});

/** A case that cannot be played against any CSMS yet, and why. */
export const notApplicable = (id: string, title: string, reason: string): Case => ({
  ...{ id, title },
  ...{ kind: "not-applicable", reason },
});

export type Ordered = {
  /** What the station was called with. */
  payload: Fields;
  /** How the CSMS says that the order ended. */
  ended: Ended;
  commandId: string;
};

export type Tools = {
  id: string;
  version: Version;
  csms: Csms;
  station: Station;
  /** @throws NotApplicable when the CSMS is reached by its OCPP side only. */
  readonly api: CsmsApi;
  /** Makes a token of this case's own. @returns its idToken, of at most 20 characters. */
  token(spec?: Omit<TokenSpec, "idToken">): Promise<string>;
  /** Orders something, waits for the call at the station, answers it, waits for the end of the order. */
  order(kind: string, params: Fields, expected: Expectation): Promise<Ordered>;
  /** The same with a CALL of the station's own version. */
  orderCall(action: string, payload: Fields, answer: Expectation["answer"]): Promise<Ordered>;
  /** Waits until the CSMS knows the station and says that it is online. */
  untilKnown(): Promise<void>;
  /** Waits until the CSMS shows a transaction of this station for which the condition holds. */
  untilTransaction(what: string, condition: (t: TransactionSeen) => boolean): Promise<TransactionSeen>;
  /** Polls until the value is there and not false. @throws CaseFailure naming what was waited for. */
  until<T>(what: string, condition: () => Promise<T> | T): Promise<NonNullable<T>>;
};

const POLL_MS_MIN = 60;
const POLL_MS_MAX = 500;

/** Polls, less and less often. @throws CaseFailure after `waitMs`. */
export async function until<T>(
  what: string,
  condition: () => Promise<T> | T,
  waitMs = WAIT_MS,
): Promise<NonNullable<T>> {
  const end = performance.now() + waitMs;
  for (let pauseMs = POLL_MS_MIN; ; pauseMs = Math.min(pauseMs * 1.5, POLL_MS_MAX)) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > end) throw new CaseFailure(`waited ${waitMs / 1_000} s in vain until ${what}`);
    await sleep(pauseMs);
  }
}

/** Orders something and demands how that ends. @returns what the station was called with. */
export async function ordered(
  t: Tools,
  status: "succeeded" | "rejected" | "failed",
  kind: string,
  params: Fields,
  expected: Expectation,
): Promise<Fields> {
  const { payload, ended } = await t.order(kind, params, expected);
  const why = ended.reason === null ? "" : ` (${ended.reason})`;
  checkEqual(`the outcome of ${kind}${why}`, ended.status, status);
  return payload;
}

/** The name of a case's station: the same in every run. */
export const stationIdOf = (csms: { prefix: string }, id: string): string => `${csms.prefix}${id}`;

/** What one case works with. */
export function createTools(csms: Csms, version: Version, id: string): Tools {
  const stationId = stationIdOf(csms, id);
  const station = createStation({ version, id: stationId, url: csms.ocppUrl, password: csms.password });
  let tokens = 0;
  let known = false;

  async function order(
    send: (api: CsmsApi) => Promise<string>,
    expected: Expectation,
    tools: Tools,
  ): Promise<Ordered> {
    await tools.untilKnown();
    const [payload, commandId] = await Promise.all([station.expect(expected), send(tools.api)]);
    return { payload, ended: await tools.api.ended(commandId), commandId };
  }

  return {
    id,
    version,
    csms,
    station,
    get api() {
      if (csms.api !== undefined) return csms.api;
      throw new NotApplicable("no API: the CSMS is reached by its OCPP side only");
    },
    async token(spec = {}) {
      if (csms.api === undefined && csms.token !== undefined && Object.keys(spec).length === 0) {
        return csms.token;
      }
      const idToken = `${id.replace(/^TC_|_CSMS$/g, "")}-${++tokens}`;
      await this.api.putToken({ idToken, ...spec });
      return idToken;
    },
    order(kind, params, expected) {
      return order((api) => api.command(stationId, kind, params), expected, this);
    },
    orderCall(action, payload, answer) {
      return order((api) => api.call(stationId, action, payload), { action, answer }, this);
    },
    async untilKnown() {
      const { api } = this;
      if (known) return;
      await until("the CSMS shows the station online", async () => (await api.station(stationId))?.online);
      known = true;
    },
    untilTransaction(what, condition) {
      const { api } = this;
      return until(what, async () => (await api.transactions(stationId)).find(condition));
    },
    until,
  };
}
