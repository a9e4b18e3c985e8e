/**
 * A site without internet, for hours or for weeks: the real core, journal and pressure job; charging stations
 * that send frames; drivers that come and go; and a clock of its own.
 *
 * It keeps its own account of who had to be let in and what each car took, by rules of its own: the core is
 * held against it. A difference is thrown, never measured.
 */
import { generateKeyPairSync } from "node:crypto";
import type { Effect } from "../edge/core/types.ts";
import { openJournal } from "../edge/io/journal.ts";
import { createPressureJob } from "../edge/pressure-job.ts";
import { Runtime } from "../edge/runtime.ts";
import { AppError } from "../shared/errors.ts";
import { nextRandom, seedRandom, uuidV7 } from "../shared/ids.ts";
import { POLICY_DEFAULTS, signPolicy, tokenHash, type Policy } from "../shared/policy.ts";
import type { Reading } from "../shared/reading.ts";
import { formatTime } from "../shared/time.ts";
import { createTimeline } from "../sim/world/timeline.ts";
import { bootFrame, createCar, readingFrame, readStart, startFrame, stopFrame, type Car } from "./frames.ts";
import { identityOf } from "./site.ts";

export type OutageOptions = {
  path: string;
  startAt: number;
  durationMs: number;
  connectors: number;
  /** Energy meters of the site, read every ten seconds. */
  meters: number;
  sampleMs: number;
  budgetBytes: number;
  reserveBytes: number;
  seed: number;
  onHour?: (hour: number, usedBytes: number, pressure: string) => void;
};

/** What a station was told and knows of one transaction. */
export type Told = {
  ocppTransactionId: string;
  idToken: string;
  accepted: boolean;
  meterStartWh: number;
  meterStopWh: number;
};

export type OutageResult = {
  journalId: string;
  lastSeq: number;
  usedBytes: number;
  highestPressure: string;
  shedEntries: number;
  transactions: Told[];
  /** Messages that the stations sent and the ER answered. */
  answered: number;
  refused: number;
  capped: number;
  stoppedByEr: number;
};

type Place = {
  car: Car;
  connectionId: number;
  current: Told | undefined;
  cancelReading: () => void;
  cancelEnd: () => void;
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const TICK_MS = 1_000;
const SNAPSHOT_MS = 10 * 60_000;
const METER_MS = 10_000;
const LISTED = 300;
const STRANGERS = 40;
const SALT = "outage-salt";
const CAP = { energyWh: 8_000, durationS: 6 * 3_600, startsPerDay: 2, siteEnergyWhPerDay: 50_000_000 };
const LEVELS = ["none", "compact", "thin-60", "thin-300", "refuse"];
/** Blocks rewritten per second of the site's time, at most. */
const SLICES = 20;

const fail = (what: string): never => {
  throw new AppError("OUTAGE_WRONG", what);
};

/** The site's own idea of who is let in while the cloud is away. */
function createDoor(startAt: number) {
  const used = new Set<string>();
  const capped = new Map<string, number[]>();
  return (idToken: string, at: number): "listed" | "capped" | "refused" => {
    const known = idToken.startsWith("CARD-");
    const old = at - startAt >= POLICY_DEFAULTS.oldAfterS * 1_000;
    if (known && (!old || used.has(idToken))) {
      used.add(idToken);
      return "listed";
    }
    const starts = (capped.get(idToken) ?? []).filter((start) => at - start < DAY_MS);
    if (starts.length >= CAP.startsPerDay) return "refused";
    capped.set(idToken, [...starts, at]);
    return "capped";
  };
}

function policyOf(siteId: string, at: number): Policy {
  const tokens = Array.from({ length: LISTED }, (_, n) => ({
    hash: tokenHash(SALT, `CARD-${n}`),
    status: "Accepted" as const,
  }));
  return {
    ...{ v: 2, siteId, version: 1, issuedAt: at, salt: SALT, tokens, recent: [] },
    ...POLICY_DEFAULTS,
    unknownToken: "cap",
    unknownCap: CAP,
  };
}

/** Lives through the outage. @throws AppError OUTAGE_WRONG when the core and the site's own account differ. */
export function liveThroughOutage(options: OutageOptions): OutageResult {
  const { startAt, durationMs, connectors, sampleMs } = options;
  const state = seedRandom([options.seed]);
  const between = (low: number, high: number) => low + (nextRandom(state) % (high - low));
  const uuid = () => uuidV7(startAt, () => nextRandom(state));
  const timeline = createTimeline(startAt);
  const journal = openJournal({ path: options.path, newJournalId: uuid() });
  const door = createDoor(startAt);
  const byConnection = new Map<number, Place>();
  const transactions: Told[] = [];
  const counts = { answered: 0, refused: 0, capped: 0, stoppedByEr: 0 };
  const endAt = startAt + durationMs;
  let highest = 0;

  let cancelTurn = () => {};
  const runtime: Runtime = new Runtime({
    identity: identityOf("outage", journal.journalId),
    journal,
    now: () => ({ at: timeline.now(), upMs: timeline.now() - startAt }),
    perform,
    schedule(delayMs) {
      cancelTurn();
      cancelTurn = timeline.setTimer(Math.max(1, delayMs), () => runtime.turn());
    },
    onCommitFailed: (reason) => fail(`a commit failed: ${reason}`),
    retentionMs: 3 * DAY_MS,
  });
  const job = createPressureJob({
    ...{ journal, budgetBytes: options.budgetBytes, reserveBytes: options.reserveBytes },
    diskFreeBytes: () => undefined,
    coveredSeq: () => runtime.coveredSeq,
    now: () => ({ at: timeline.now(), upMs: timeline.now() - startAt }),
    onLog: (level, message) => level === "error" && fail(message),
  });

  function perform(effect: Effect): void {
    if (effect.kind !== "send") return;
    const place = byConnection.get(effect.connectionId);
    if (place === undefined) return;
    const [type, messageId, ...rest] = JSON.parse(effect.text) as [number, string, ...unknown[]];
    if (type === 4) fail(`a station was refused: ${effect.text}`);
    if (type === 3) return onAnswer(place, messageId, effect.text, rest[0] as Record<string, unknown>);
    say(place, JSON.stringify([3, messageId, { status: "Accepted" }]));
    if (!String(rest[0]).endsWith("StopTransaction")) return;
    counts.stoppedByEr += 1;
    timeline.setTimer(2_000, () => stop(place));
  }

  const waiting = new Map<string, (text: string, payload: Record<string, unknown>) => void>();
  function onAnswer(place: Place, id: string, text: string, payload: Record<string, unknown>): void {
    counts.answered += 1;
    const key = `${place.connectionId} ${id}`;
    waiting.get(key)?.(text, payload);
    waiting.delete(key);
  }

  function say(place: Place, text: string, done?: (text: string, payload: Record<string, unknown>) => void) {
    if (done !== undefined) waiting.set(`${place.connectionId} ${place.car.count}`, done);
    runtime.input({ kind: "station.frame", connectionId: place.connectionId, text });
  }

  function arrive(place: Place): void {
    if (timeline.now() > endAt - HOUR_MS) return;
    const { car } = place;
    const stranger = between(0, 12) === 0;
    const idToken = stranger ? `STRANGER-${between(0, STRANGERS)}` : `CARD-${between(0, LISTED)}`;
    car.transactionId = `tx-${car.stationId}-${car.count}`;
    const meterStartWh = car.energyWh;
    say(place, startFrame(car, formatTime(timeline.now()), idToken), (text, payload) => {
      readStart(car, text);
      const info = (payload["idTagInfo"] ?? payload["idTokenInfo"]) as { status: string };
      const wanted = door(idToken, timeline.now());
      const accepted = info.status === "Accepted";
      if (accepted !== (wanted !== "refused") && job.pressure !== "refuse")
        fail(`${idToken} was told ${info.status}, the site's rule says ${wanted}`);
      if (!accepted) counts.refused += 1;
      if (wanted === "capped" && accepted) counts.capped += 1;
      const told = { ocppTransactionId: car.transactionId, idToken, accepted, meterStartWh };
      place.current = { ...told, meterStopWh: meterStartWh };
      transactions.push(place.current);
      // A 1.6 station that is refused never delivers; one of 2.0.1 ends the transaction it has begun.
      if (!accepted) return void timeline.setTimer(1_000, () => stop(place));
      readAgain(place);
      place.cancelEnd = timeline.setTimer(between(HOUR_MS, 8 * HOUR_MS), () => stop(place));
    });
  }

  function readAgain(place: Place): void {
    place.cancelReading = timeline.setTimer(sampleMs, () => {
      if (place.current === undefined) return;
      const before = place.car.energyWh;
      place.car.energyWh += Math.trunc((7_000 * sampleMs) / HOUR_MS);
      say(place, readingFrame(place.car, formatTime(timeline.now())));
      place.current.meterStopWh = place.car.energyWh;
      if (place.car.energyWh < before) fail("a register of the simulation fell");
      readAgain(place);
    });
  }

  function stop(place: Place): void {
    const { current, car } = place;
    if (current === undefined) return;
    place.cancelReading();
    place.cancelEnd();
    place.current = undefined;
    const takenWh = car.energyWh - current.meterStartWh;
    // It is seen at a reading; the first one of a 2.0.1 station here is where its count begins.
    const mayTakeWh = CAP.energyWh + (2 * 7_500 * (sampleMs + 5_000)) / HOUR_MS + 50;
    if (current.idToken.startsWith("STRANGER") && takenWh > mayTakeWh)
      fail(`${current.idToken} took ${takenWh} Wh, its cap is ${CAP.energyWh}`);
    current.meterStopWh = car.energyWh;
    if (current.accepted || car.protocol === "ocpp2.0.1")
      say(place, stopFrame(car, formatTime(timeline.now())));
    timeline.setTimer(between(HOUR_MS / 2, 6 * HOUR_MS), () => arrive(place));
  }

  function readMeter(n: number, energyImportWh: number): void {
    const powerW = between(1_000, 60_000);
    const energy = energyImportWh + Math.trunc((powerW * METER_MS) / HOUR_MS);
    const currents = [1, 2, 3].map(() => between(4_000, 90_000));
    const volts = [1, 2, 3].map(() => between(222_000, 236_000));
    const reading: Reading = {
      ...{ energyImportWh: energy, powerW, currentPhasesMa: currents, voltagePhasesMv: volts },
    };
    runtime.input({ kind: "meter.read", meterId: `meter-${n}`, reading });
    timeline.setTimer(METER_MS, () => readMeter(n, energy));
  }

  function tick(): void {
    runtime.input({ kind: "tick" });
    const level = timeline.now() % 10_000 < TICK_MS ? job.measure() : job.pressure;
    if (level !== runtime.state.live.pressure) runtime.input({ kind: "pressure", level });
    highest = Math.max(highest, LEVELS.indexOf(level));
    if (level !== "none") for (let i = 0; i < SLICES && job.slice(); i++);
    timeline.setTimer(TICK_MS, tick);
  }

  function snapshot(): void {
    runtime.snapshot();
    timeline.setTimer(SNAPSHOT_MS, snapshot);
  }

  const seed = [1, 2, 3, options.seed];
  runtime.input({ kind: "start", boot: uuid(), release: "outage", clock: "holdover", seed });
  const key = generateKeyPairSync("ed25519").privateKey;
  runtime.input({ kind: "link.policy", signed: signPolicy(policyOf("outage", startAt), key) });
  runtime.turn();
  for (let n = 0; n < connectors; n++) {
    const connectionId = n + 1;
    const car = createCar(n, "S", "mixed");
    const place = { car, connectionId, current: undefined, cancelReading() {}, cancelEnd() {} };
    byConnection.set(connectionId, place);
    const { stationId, protocol } = car;
    const remoteAddress = "127.0.0.1";
    runtime.input({ kind: "station.connected", connectionId, stationId, protocol, remoteAddress });
    say(place, bootFrame(car));
    timeline.setTimer(between(1_000, 4 * HOUR_MS), () => arrive(place));
  }
  for (let n = 0; n < options.meters; n++) timeline.setTimer(n * 1_000, () => readMeter(n, 1_000_000));
  timeline.setTimer(TICK_MS, tick);
  timeline.setTimer(SNAPSHOT_MS, snapshot);
  for (let hour = 1; hour * HOUR_MS <= durationMs; hour++) {
    const until = startAt + hour * HOUR_MS;
    while (timeline.step(until));
    options.onHour?.(hour, journal.usedBytes(), job.pressure);
  }
  for (const place of byConnection.values()) stop(place);
  const closed = timeline.now() + 60_000;
  while (timeline.step(closed));
  runtime.stop();
  const { lastSeq, journalId } = journal;
  const usedBytes = journal.usedBytes();
  journal.close();
  return {
    ...{ journalId, lastSeq, usedBytes, transactions, ...counts },
    highestPressure: LEVELS[highest] ?? "none",
    shedEntries: job.counters.shedEntries,
  };
}
