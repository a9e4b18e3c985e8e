/**
 * Somebody who gives commands through the SG's API, most of them with little time left.
 *
 * A POST that gets no answer is repeated with its Idempotency-Key. Between two commands of one kind for one
 * station there is more time than the first one lives: `compare-commands.ts` counts on it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import type { Station } from "../station/types.ts";
import type { IssuedCommand } from "./compare-commands.ts";
import type { System } from "./system.ts";

const ATTEMPTS = 6;
const RETRY_MS = 1_000;
const ANSWER_MS = 5_000;
/** What a late CALL may need on top of the life of its command to be told from the next one. */
const MARGIN_MS = 10_000;
const KINDS = [
  "RequestStartTransaction",
  "RequestStopTransaction",
  "RequestStopTransaction",
  "UnlockConnector",
  "UnlockConnector",
  "Reset",
  "ChangeAvailability",
  "SetVariables",
] as const;
type Kind = (typeof KINDS)[number];

export type Commander = {
  issued: IssuedCommand[];
  /** Answers of the API that should not be. */
  wrong: string[];
  /** POSTs that never got an answer: their commands exist or not. */
  readonly unanswered: number;
  stop(): Promise<void>;
};

export type CommanderOptions = {
  system: System;
  stations: readonly Station[];
  tokens: readonly string[];
  seed: number;
  /** Between two commands. */
  everyMs: number;
  /** Lives of commands to choose from, in seconds. */
  livesS: readonly number[];
};

/** Begins to give commands; several may be under way at a time. */
export function startCommander(options: CommanderOptions): Commander {
  const { system, stations, tokens, everyMs, livesS } = options;
  const state = seedRandom([options.seed, 2_000]);
  const draw = <T>(list: readonly T[]): T => list[nextRandom(state) % list.length] as T;
  const busyUntil = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  const issued: IssuedCommand[] = [];
  const wrong: string[] = [];
  let unanswered = 0;
  let keys = 0;
  let stopping = false;

  /** @returns the answer, or undefined when the SG cannot be reached. */
  const call = async (method: string, path: string, body?: unknown, key?: string) => {
    try {
      const response = await fetch(`${system.apiUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${system.apiKey}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(key === undefined ? {} : { "idempotency-key": key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const text = await response.text();
      return response.status >= 500
        ? undefined
        : { status: response.status, body: JSON.parse(text) as unknown };
    } catch {
      return undefined;
    }
  };
  const paramsOf = async (kind: Kind, station: Station): Promise<object | undefined> => {
    const evseId = draw(station.evseIds);
    switch (kind) {
      case "RequestStartTransaction":
        return { idToken: { idToken: draw(tokens), type: "Central" }, evseId };
      case "RequestStopTransaction": {
        const answer = await call("GET", `/v1/transactions?status=active&limit=5&stationId=${station.id}`);
        const page = answer?.body as { items?: { transactionId: string }[] } | undefined;
        const running = page?.items?.[0];
        return running === undefined ? undefined : { transactionId: running.transactionId };
      }
      case "UnlockConnector":
        return { evseId, connectorId: 1 };
      case "Reset":
        return { type: draw(["Immediate", "OnIdle"]) };
      case "ChangeAvailability":
        return { operationalStatus: draw(["Operative", "Operative", "Inoperative"]), evseId };
      case "SetVariables": {
        const names =
          station.version === "1.6"
            ? { variable: { name: "MeterValueSampleInterval" } }
            : { component: { name: "SampledDataCtrlr" }, variable: { name: "TxUpdatedInterval" } };
        return { setVariableData: [{ ...names, attributeValue: draw(["1", "2"]) }] };
      }
    }
  };
  const give = async (kind: Kind, station: Station, lifeS: number): Promise<void> => {
    const params = await paramsOf(kind, station);
    if (params === undefined) return;
    keys += 1;
    const key = `chaos-${keys}`;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const body = { kind, params, expiresInSeconds: lifeS };
      const answer = await call("POST", `/v1/stations/${station.id}/commands`, body, key);
      if (answer?.status === 202) {
        const { commandId } = answer.body as { commandId: string };
        issued.push({ commandId, stationId: station.id, kind });
        return;
      }
      // The same key is being worked on: by an attempt whose answer was lost.
      if (answer !== undefined && answer.status !== 409) {
        wrong.push(`${kind} for ${station.id} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
        return;
      }
      await sleep(RETRY_MS);
    }
    unanswered += 1;
  };
  const run = async (): Promise<void> => {
    while (!stopping) {
      const [kind, station, lifeS] = [draw(KINDS), draw(stations), draw(livesS)];
      const place = `${station.id} ${kind}`;
      if ((busyUntil.get(place) ?? 0) <= performance.now()) {
        busyUntil.set(place, Infinity);
        const giving = give(kind, station, lifeS).finally(() => {
          busyUntil.set(place, performance.now() + lifeS * 1_000 + MARGIN_MS);
          underWay.delete(giving);
        });
        underWay.add(giving);
      }
      await sleep(everyMs);
    }
  };
  const running = run();
  return {
    issued,
    wrong,
    get unanswered() {
      return unanswered;
    },
    async stop() {
      stopping = true;
      await running;
      await Promise.all(underWay);
    },
  };
}
