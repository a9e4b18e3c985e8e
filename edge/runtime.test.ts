/**
 * The loop around the core, with the real journal: nothing is answered before it is on disk, nothing
 * is lost.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  BLOCK_ENTRIES_MAX,
  COMMIT_LINGER_ENTRIES,
  COMMIT_LINGER_MS,
  SNAPSHOT_ENTRIES,
} from "../shared/limits.ts";
import { encodeSnapshot } from "./core/fold.ts";
import { BOOT, IDENTITY, policyOf, signed, TAG, TEN, time, uuid } from "./core/harness.ts";
import type { Effect, Input } from "./core/types.ts";
import { openJournal, type Journal } from "./io/journal.ts";
import { recover, Runtime } from "./runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "er-runtime-"));
let files = 0;
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * A runtime whose shell is the test: it turns when the test says so, and the disk fails when the test
 * says so.
 */
class Box {
  readonly path: string;
  readonly now = { at: TEN, upMs: 0 };
  readonly journal: Journal;
  readonly runtime: Runtime;
  readonly performed: Effect[] = [];
  readonly failures: string[] = [];
  scheduled: number[] = [];
  diskFull = false;

  constructor(path = join(folder, `${++files}.sqlite`), retentionMs = 1e12) {
    this.path = path;
    const journal = openJournal({ path, newJournalId: uuid(1) });
    this.journal = journal;
    const guard = (run: () => void) => {
      if (this.diskFull) throw new Error("database or disk is full");
      run();
    };
    // The journal as it is, except that its writes fail while the disk is full.
    const failing = Object.create(journal, {
      append: { value: (...args: Parameters<Journal["append"]>) => guard(() => journal.append(...args)) },
      writeDoc: {
        value: (...args: Parameters<Journal["writeDoc"]>) => guard(() => journal.writeDoc(...args)),
      },
    }) as Journal;
    this.runtime = new Runtime({
      identity: IDENTITY,
      journal: failing,
      now: () => ({ ...this.now }),
      perform: (effect) => this.performed.push(effect),
      schedule: (delayMs) => this.scheduled.push(delayMs),
      onCommitFailed: (reason) => this.failures.push(reason),
      retentionMs,
    });
    this.input({ kind: "start", boot: BOOT, release: "0.1.0", clock: "holdover", seed: [7] });
    this.turn();
  }

  input(...inputs: Input[]): void {
    for (const input of inputs) this.runtime.input(input);
  }

  turn(ms = 0): void {
    this.now.at += ms;
    this.now.upMs += ms;
    this.scheduled = [];
    this.runtime.turn();
  }

  connect(stationId = "CP-1", connectionId = 1): void {
    this.input({
      kind: "station.connected",
      connectionId,
      stationId,
      protocol: "ocpp1.6",
      remoteAddress: "",
    });
    this.turn();
  }

  call(action: string, payload: object, messageId: string): void {
    this.input({
      kind: "station.frame",
      connectionId: 1,
      text: JSON.stringify([2, messageId, action, payload]),
    });
  }

  get answers(): unknown[] {
    return this.performed.flatMap((e) => (e.kind === "send" ? [(JSON.parse(e.text) as unknown[])[1]] : []));
  }

  get stored(): string[] {
    return [...openJournal({ path: this.path, newJournalId: uuid(1) }).entries(0)].map((e) => e.kind);
  }
}
const boot = { chargePointVendor: "V", chargePointModel: "M" };
const reading: Input = { kind: "meter.read", meterId: "grid", reading: { powerW: 1 } };

describe("answers", () => {
  test("leave only after the commit that holds their entries, one commit for all inputs that wait", () => {
    const box = new Box();
    box.connect();
    const { commits } = box.runtime.counters;
    box.call("BootNotification", boot, "a");
    box.call("StatusNotification", { connectorId: 1, status: "Available", errorCode: "NoError" }, "b");
    expect(box.answers).toEqual([]);
    box.turn();
    expect(box.answers).toEqual(["a", "b"]);
    expect(box.runtime.counters.commits).toBe(commits + 1);
    expect(box.stored).toEqual(["er.started", "station.online", "ocpp.handled", "ocpp.handled"]);
  });

  test("that need no entry leave at once, but never before what came earlier", () => {
    const box = new Box();
    box.connect();
    box.call("Heartbeat", {}, "h");
    box.turn();
    expect(box.answers).toEqual(["h"]);
    box.input(reading);
    box.call("Heartbeat", {}, "i");
    box.turn();
    expect(box.answers).toEqual(["h"]);
    box.turn(COMMIT_LINGER_MS);
    expect(box.answers).toEqual(["h", "i"]);
  });
});

describe("company", () => {
  test("telemetry waits for it, at most COMMIT_LINGER_MS", () => {
    const box = new Box();
    const { lastSeq } = box.journal;
    box.input(reading);
    box.turn();
    expect(box.journal.lastSeq).toBe(lastSeq);
    expect(box.scheduled).toEqual([COMMIT_LINGER_MS]);
    box.turn(COMMIT_LINGER_MS - 1);
    expect(box.scheduled).toEqual([1]);
    box.turn(1);
    expect(box.journal.lastSeq).toBe(lastSeq + 1);
  });

  test("whoever waits urgently takes it along, and enough of it goes by itself", () => {
    const box = new Box();
    box.connect();
    const { lastSeq } = box.journal;
    box.input(reading);
    box.turn();
    box.call("BootNotification", boot, "a");
    box.turn();
    expect(box.journal.lastSeq).toBe(lastSeq + 2);
    for (let i = 0; i < COMMIT_LINGER_ENTRIES; i++) box.input(reading);
    box.turn();
    expect(box.journal.lastSeq).toBe(lastSeq + 2 + COMMIT_LINGER_ENTRIES);
  });
});

describe("a disk that is full", () => {
  test("nothing is answered or taken in; the commit is tried again; then all is answered and nothing is lost", () => {
    const box = new Box();
    box.connect();
    box.diskFull = true;
    box.call("BootNotification", boot, "a");
    box.turn();
    expect(box.failures).toHaveLength(1);
    box.call("Heartbeat", {}, "b");
    for (let i = 0; i < 3; i++) {
      expect(box.scheduled).toContain(1_000);
      box.turn(1_000);
    }
    expect(box.answers).toEqual([]);
    expect(box.runtime.counters.commitFailures).toBe(4);
    expect(box.runtime.backlog).toBe(1);
    box.diskFull = false;
    box.turn(1_000);
    expect(box.answers).toEqual(["a", "b"]);
    expect(box.runtime.counters.commitFailures).toBe(0);
    expect(box.stored).toEqual(["er.started", "station.online", "ocpp.handled"]);
  });

  test("a snapshot that cannot be written does not end the process", () => {
    const box = new Box();
    box.diskFull = true;
    box.runtime.snapshot();
    expect(box.failures).toHaveLength(1);
    box.diskFull = false;
    box.runtime.snapshot();
    expect(box.journal.readDoc("snapshot")).toBeTypeOf("string");
  });

  test("a stop on a full disk ends, and what was answered is what is stored", () => {
    const box = new Box();
    box.connect();
    box.diskFull = true;
    box.call("BootNotification", boot, "a");
    box.runtime.stop();
    expect(box.answers).toEqual([]);
    expect(box.stored).toEqual(["er.started", "station.online"]);
  });
});

describe("blocks", () => {
  test("never hold more entries than a batch may carry, however much one turn makes", () => {
    const box = new Box();
    const stations = BLOCK_ENTRIES_MAX + 100;
    for (let i = 1; i <= stations; i++) {
      box.input({
        kind: "station.connected",
        connectionId: i,
        stationId: `CP-${i}`,
        protocol: "ocpp1.6",
        remoteAddress: "",
      });
    }
    while (box.runtime.backlog > 0) box.turn();
    box.runtime.stop();
    const { blocks } = box.journal.read(0, 1e9, 1e6);
    expect(box.journal.lastSeq).toBe(2 * stations + 2);
    for (const block of blocks)
      expect(block.lastSeq - block.firstSeq + 1).toBeLessThanOrEqual(BLOCK_ENTRIES_MAX);
  });
});

describe("a new start", () => {
  const run = (box: Box) => {
    box.connect();
    box.input({ kind: "link.policy", signed: signed(policyOf([TAG])) });
    box.call("StartTransaction", { connectorId: 1, idTag: "TAG", meterStart: 0, timestamp: time() }, "a");
    box.turn();
  };

  test("after a kill knows all that was committed, from the journal alone", () => {
    const box = new Box();
    run(box);
    const { durable } = recover(openJournal({ path: box.path, newJournalId: uuid(1) }));
    expect(encodeSnapshot(durable)).toBe(encodeSnapshot(box.runtime.state.durable));
    const next = new Box(box.path);
    expect(next.runtime.replayed).toBe(4);
    expect(next.runtime.state.live.tokens.find("tag")).toMatchObject({ status: "Accepted" });
    expect(next.runtime.state.durable.transactions.size).toBe(1);
    expect(next.runtime.state.durable.stations.get("CP-1")?.online).toBe(false);
  });

  test("after a clean stop begins at the snapshot and replays nothing", () => {
    const box = new Box();
    run(box);
    box.runtime.stop();
    expect(box.stored.slice(-2)).toEqual(["station.offline", "er.stopped"]);
    const next = new Box(box.path);
    expect(next.runtime.replayed).toBe(0);
    expect(next.runtime.state.durable.transactions.size).toBe(1);
  });

  test("a stop commits telemetry that still waits for company", () => {
    const box = new Box();
    box.input(reading);
    box.turn();
    box.runtime.stop();
    expect(box.stored).toEqual(["er.started", "meter.sampled", "er.stopped"]);
  });

  test("replays at most SNAPSHOT_ENTRIES, and the snapshot does not run ahead of what lingers", () => {
    const box = new Box();
    for (let i = 0; i < SNAPSHOT_ENTRIES; i++) box.input(reading);
    while (box.runtime.backlog > 0) box.turn();
    box.turn(COMMIT_LINGER_MS);
    const { lastSeq } = box.journal;
    expect(lastSeq).toBe(SNAPSHOT_ENTRIES + 1);
    box.input(reading);
    box.turn();
    box.runtime.snapshot();
    const { durable, replayed } = recover(openJournal({ path: box.path, newJournalId: uuid(1) }));
    expect(durable.seq).toBe(lastSeq);
    expect(replayed).toBeLessThanOrEqual(BLOCK_ENTRIES_MAX);
  });

  test("acked entries do not grow old by a clock that leaps, in a running box or over a start", () => {
    const day = 86_400_000;
    const box = new Box(undefined, day);
    const acked = (of: Box) => {
      of.input({ kind: "link.up" });
      const { lastSeq } = of.journal;
      const ack = { v: 1 as const, journalId: uuid(1), seq: lastSeq, resume: true, cloudTime: of.now.at };
      of.input({ kind: "link.ack", ack });
      of.turn();
      of.runtime.snapshot();
    };
    box.connect();
    box.now.at += 14 * day;
    acked(box);
    expect(box.journal.oldestSeq).toBe(1);
    box.journal.close();
    const next = new Box(box.path, day);
    next.now.at += 28 * day;
    acked(next);
    expect(next.journal.oldestSeq).toBe(1);
    next.turn(day + 1);
    next.runtime.snapshot();
    expect(next.journal.oldestSeq).toBeGreaterThan(1);
  });

  test("acked entries are dropped after their retention, and only then", () => {
    const box = new Box(undefined, 60_000);
    box.connect();
    box.input({ kind: "link.up" });
    const ack = { v: 1 as const, journalId: uuid(1), seq: 2, resume: true, cloudTime: TEN };
    box.input({ kind: "link.ack", ack });
    box.turn();
    box.runtime.snapshot();
    expect(box.journal.oldestSeq).toBe(1);
    box.turn(60_001);
    box.runtime.snapshot();
    expect(box.journal.oldestSeq).toBe(3);
    expect(box.runtime.state.live.uplink.oldestSeq).toBe(3);
    expect(recover(box.journal).durable.seq).toBe(box.journal.lastSeq);
  });
});

describe("what would come too late", () => {
  const reset = (box: Box): Input => ({
    kind: "link.commands",
    commands: [
      {
        commandId: uuid(900),
        stationId: "CP-1",
        issuedAt: box.now.at,
        expiresAt: box.now.at + 5_000,
        remainingMs: 5_000,
        kind: "Reset",
        params: { type: "Immediate" },
      },
    ],
  });
  const calls = (box: Box) => box.performed.filter((e) => e.kind === "send" && e.text.startsWith("[2,"));
  const booted = () => {
    const box = new Box();
    box.connect();
    box.call("BootNotification", boot, "a");
    box.turn();
    return box;
  };

  test("a command is not kept while the disk is full: the cloud sends it again, with what is left of its life", () => {
    const box = booted();
    box.diskFull = true;
    box.call("Authorize", { idTag: "TAG" }, "b");
    box.turn();
    box.input(reset(box));
    box.turn(1_000);
    box.diskFull = false;
    box.turn(1_000);
    box.turn(100);
    expect(calls(box)).toEqual([]);
    expect(box.stored).not.toContain("command.accepted");
    box.input(reset(box));
    box.turn(100);
    expect(calls(box)).toHaveLength(1);
  });

  test("a call whose commit took longer than its command may live is not sent; its outcome is uncertain", () => {
    const box = booted();
    box.diskFull = true;
    box.input(reset(box));
    box.turn();
    box.turn(6_000);
    box.diskFull = false;
    box.turn(1_000);
    expect(box.stored).toContain("command.accepted");
    expect(calls(box)).toEqual([]);
    box.input({ kind: "tick" });
    box.turn(60_000);
    expect(box.stored.filter((kind) => kind === "command.finished")).toHaveLength(1);
    expect(calls(box)).toEqual([]);
  });
});

test("a block stays small enough for a message, however large the frames that wait for it", () => {
  const box = new Box();
  box.connect();
  for (let i = 0; i < 30; i++) {
    box.call("DataTransfer", { vendorId: "V", data: String(i).padEnd(200_000, "x") }, `data-${i}`);
  }
  box.turn();
  const { blocks } = box.journal.read(0, Number.MAX_SAFE_INTEGER, 1_000);
  const entries = blocks.map((block) => block.lastSeq - block.firstSeq + 1);
  expect(Math.max(...entries)).toBeLessThanOrEqual(6);
  expect(box.answers).toHaveLength(30);
});
