/**
 * A site without sockets: the real core and journal, driven with the frames of charging stations and a clock
 * of its own. Makes the backlog of an ER that was offline, in seconds instead of days.
 */
import { join } from "node:path";
import { uuidV7 } from "../shared/ids.ts";
import { formatTime } from "../shared/time.ts";
import type { Identity } from "../edge/core/types.ts";
import { openJournal, type Journal } from "../edge/io/journal.ts";
import { Runtime } from "../edge/runtime.ts";
import { bootFrame, createCar, readingFrame, readStart, startFrame, type Car } from "./frames.ts";

const STATIONS = 100;
const TICK_MS = 100;

export function identityOf(erId: string, journalId: string): Identity {
  return {
    erId,
    siteId: erId,
    siteName: erId,
    timeZone: "UTC",
    release: "bench",
    journalId,
    heartbeatIntervalS: 300,
    meterModels: new Map(),
    authorization: "local",
    unknownToken: "allow",
    provision: false,
  };
}

const newUuid = (seed: number) => uuidV7(1_795_000_000_000 + seed, () => (seed * 2_654_435_761) >>> 0);

export const openBenchJournal = (dir: string): Journal =>
  openJournal({ path: join(dir, "journal.sqlite"), newJournalId: newUuid(1) });

/**
 * Appends entries to a journal until it holds `entries` of them: stations that boot, start and then report.
 * @param perCommit messages that share a commit; at least COMMIT_LINGER_ENTRIES, fewer would wait for each
 * other.
 * @param endAt wall time of the last entry; they lie `stepMs` apart.
 */
export function fillJournal(
  journal: Journal,
  entries: number,
  options: { perCommit: number; endAt: number; stepMs: number },
) {
  const { perCommit, endAt, stepMs } = options;
  // Boots and starts come first, TICK_MS apart.
  let at = endAt - (entries - journal.lastSeq) * stepMs - 2 * STATIONS * TICK_MS;
  const cars: Car[] = Array.from({ length: STATIONS }, (_, index) => createCar(index, "S", "mixed"));
  let answer = "";
  const runtime = new Runtime({
    identity: identityOf("bench", journal.journalId),
    journal,
    now: () => ({ at, upMs: at }),
    perform: (effect) => {
      if (effect.kind === "send") answer = effect.text;
    },
    schedule: () => undefined,
    onCommitFailed: (reason) => {
      throw new Error(reason);
    },
    retentionMs: 1e12,
  });
  runtime.input({ kind: "start", boot: newUuid(2), release: "bench", clock: "holdover", seed: [1, 2, 3, 4] });
  for (const [index, car] of cars.entries()) {
    const connectionId = index + 1;
    const say = (text: string) => {
      runtime.input({ kind: "station.frame", connectionId, text });
      at += TICK_MS;
      runtime.turn();
    };
    const { stationId, protocol } = car;
    runtime.input({
      kind: "station.connected",
      connectionId,
      stationId,
      protocol,
      remoteAddress: "127.0.0.1",
    });
    say(bootFrame(car));
    say(startFrame(car, formatTime(at)));
    readStart(car, answer);
  }
  for (let index = 0; journal.lastSeq < entries;) {
    const count = Math.min(perCommit, entries - journal.lastSeq);
    for (let i = 0; i < count; i++, index++) {
      const car = cars[index % STATIONS];
      if (car === undefined) continue;
      const connectionId = (index % STATIONS) + 1;
      runtime.input({ kind: "station.frame", connectionId, text: readingFrame(car, formatTime(at)) });
      at += stepMs;
    }
    runtime.turn();
  }
}
