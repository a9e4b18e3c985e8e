/**
 * A fuzzing run against the ER's core: `step` with its fold, every commit at once, time as the run says.
 *
 * Judged after every frame: the answers (`oracle.ts`), every entry against its schema, the SG's projection of it.
 * Judged now and then: that the journal, read again, gives the same state; that state and heap stop growing.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { emptyChanges } from "../../cloud/core/changes.ts";
import { project, readEntry } from "../../cloud/core/project.ts";
import { emptyDurable, encodeSnapshot, fold } from "../../edge/core/fold.ts";
import { createState, step } from "../../edge/core/step.ts";
import type { Effect, Identity, Input, Output, State } from "../../edge/core/types.ts";
import type { Command } from "../../shared/command.ts";
import type { Entry, Protocol } from "../../shared/entry.ts";
import { POLICY_DEFAULTS, tokenHash, type Policy } from "../../shared/policy.ts";
import { createChance, type Chance } from "../world/chance.ts";
import { createFrames, type Frames } from "./frames.ts";
import { judge, type Outcome } from "./oracle.ts";

const START_MS = 1_793_527_200_000;
const STATIONS = 6;
const COMMAND_EVERY = 40;
const RECONNECT_EVERY = 400;
/** Between two looks at the whole state. */
const LOOK_EVERY = 2_000;
const COMPLAINTS_MAX = 20;

const IDENTITY: Identity = {
  ...{
    erId: "er-fuzz",
    siteId: "site-fuzz",
    siteName: "Fuzz",
    timeZone: "America/Sao_Paulo",
    release: "0.1.0",
  },
  ...{ journalId: "01900000-0000-7000-8000-000000000001", heartbeatIntervalS: 300, meterModels: new Map() },
  ...{ authorization: "local", unknownToken: "deny", provision: true },
};

const POLICY: Policy = {
  ...{ v: 2, siteId: "site-fuzz", version: 1, issuedAt: START_MS, salt: "salt-of-fuzz", unknownToken: "cap" },
  ...POLICY_DEFAULTS,
  recent: [],
  tokens: [{ hash: tokenHash("salt-of-fuzz", "TAG"), status: "Accepted" }],
};

export type Report = {
  protocol: Protocol;
  seed: number;
  frames: number;
  outcomes: Partial<Record<Outcome, number>>;
  commands: { sent: number; finished: number };
  entries: number;
  complaints: string[];
  /** At a quarter of the run and at its end. */
  heapMb: [quarter: number, end: number];
  stateKb: [quarter: number, end: number];
};

function heapMb(): number {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  gc();
  gc();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

class Run {
  readonly state: State;
  readonly chance: Chance;
  readonly frames: Frames;
  readonly report: Report;
  /** What a start would rebuild from the journal. */
  readonly again = emptyDurable();
  readonly now = { at: START_MS, upMs: 0 };
  readonly connections = new Map<string, number>();
  readonly open = new Set<string>();
  connectionId = 0;
  said: { connectionId: number; text: string }[] = [];
  current = "";

  constructor(protocol: Protocol, seed: number) {
    this.chance = createChance([seed]);
    this.frames = createFrames(this.chance.fork(), protocol);
    this.state = createState(IDENTITY, emptyDurable(), POLICY, 1);
    this.report = {
      ...{ protocol, seed, frames: 0, outcomes: {}, commands: { sent: 0, finished: 0 }, entries: 0 },
      ...{ complaints: [], heapMb: [0, 0], stateKb: [0, 0] },
    };
    const boot = "01900000-0000-7000-8000-00000000b007";
    this.input({ kind: "start", boot, release: "0.1.0", clock: "synced", seed: [seed] });
    for (let n = 1; n <= STATIONS; n++) this.connect(`CP-${n}`);
  }

  complain(what: string): void {
    if (this.report.complaints.length < COMPLAINTS_MAX) this.report.complaints.push(what);
  }

  input(input: Input): void {
    let out: Output;
    try {
      out = step(this.state, input, { ...this.now });
      if (out.entries.length > 0) {
        const committed = { kind: "committed", seq: this.state.durable.seq, oldestSeq: 1 } as const;
        out.effects.push(...step(this.state, committed, { ...this.now }).effects);
      }
    } catch (error) {
      this.complain(
        `the core threw ${(error as Error).stack ?? String(error)} at ${this.current.slice(0, 600)}`,
      );
      return;
    }
    for (const entry of out.entries) this.take(entry);
    for (const effect of out.effects) this.perform(effect);
  }

  /** As the SG takes it, and as a start would. */
  take(entry: Entry): void {
    this.report.entries++;
    const text = JSON.stringify(entry);
    const stored = readEntry(JSON.parse(text));
    if (typeof stored === "string")
      return this.complain(`an entry breaks its schema (${stored}): ${text.slice(0, 600)}`);
    try {
      const same = { stationId: (id: string) => id, meterId: (id: string) => id };
      project(emptyChanges(), stored, same);
      fold(this.again, stored);
    } catch (error) {
      this.complain(`an entry cannot be taken in: ${(error as Error).stack ?? ""}: ${text.slice(0, 600)}`);
    }
    if (entry.kind === "command.finished" && this.open.delete(entry.commandId))
      this.report.commands.finished++;
  }

  perform(effect: Effect): void {
    if (effect.kind === "send") this.said.push({ connectionId: effect.connectionId, text: effect.text });
    if (effect.kind !== "close") return;
    const [stationId] = [...this.connections].find(([, id]) => id === effect.connectionId) ?? [];
    this.input({ kind: "station.disconnected", connectionId: effect.connectionId, reason: "closed 1006" });
    if (stationId !== undefined) this.connect(stationId);
  }

  connect(stationId: string): void {
    const connectionId = ++this.connectionId;
    this.connections.set(stationId, connectionId);
    const { protocol } = this.report;
    this.input({ kind: "station.connected", connectionId, stationId, protocol, remoteAddress: "10.0.0.7" });
  }

  frame(connectionId: number, text: string): string[] {
    this.said = [];
    this.current = text;
    this.input({ kind: "station.frame", connectionId, text });
    return this.said.filter((one) => one.connectionId === connectionId).map((one) => one.text);
  }

  one(): void {
    const { chance, report, connections } = this;
    const stationId = `CP-${chance.between(1, STATIONS)}`;
    const connectionId = connections.get(stationId) ?? 0;
    const text = this.frames.next();
    const sent = this.frame(connectionId, text);
    const { protocol = report.protocol } = this.state.live.connections.get(connectionId) ?? {};
    const verdict = judge(
      protocol,
      text,
      sent.filter((answer) => !answer.startsWith("[2,")),
    );
    if ("complaint" in verdict) this.complain(verdict.complaint);
    else report.outcomes[verdict.outcome] = (report.outcomes[verdict.outcome] ?? 0) + 1;
    report.frames++;
    for (const answer of sent) this.answerCall(connectionId, answer);
    this.now.at += chance.between(0, 400);
    this.now.upMs = this.now.at - START_MS;
    if (chance.happens(0.1)) this.tick();
    if (report.frames % COMMAND_EVERY === 0) this.command(stationId);
    if (report.frames % RECONNECT_EVERY === 0) this.connect(stationId);
  }

  tick(): void {
    this.said = [];
    this.input({ kind: "tick" });
    for (const { connectionId, text } of [...this.said]) this.answerCall(connectionId, text);
  }

  command(stationId: string): void {
    const { at } = this.now;
    const commandId = this.chance.uuid(at);
    const params = this.frames.ours();
    const times = { issuedAt: at, expiresAt: at + 60_000, remainingMs: 60_000 };
    this.open.add(commandId);
    this.report.commands.sent++;
    this.said = [];
    const command = { commandId, stationId, ...times, kind: "Call", params } as Command;
    this.input({ kind: "link.commands", commands: [command] });
    for (const { connectionId, text } of [...this.said]) this.answerCall(connectionId, text);
  }

  /** Most of our CALLs are answered, rightly or not. */
  answerCall(connectionId: number, text: string): void {
    if (!text.startsWith("[2,") || this.chance.happens(0.1)) return;
    const [, messageId, action] = JSON.parse(text) as [number, string, string];
    this.frame(connectionId, this.frames.answer(messageId, action));
  }

  look(): void {
    const live = encodeSnapshot(this.state.durable);
    if (encodeSnapshot(this.again) !== live) this.complain("the journal, read again, gives another state");
  }

  stateKb(): number {
    const { live, durable } = this.state;
    const maps = [live.pending, live.queues, live.waiting, live.connections, live.guarded].map(
      (map) => map.size,
    );
    return (encodeSnapshot(durable).length + maps.reduce((a, b) => a + b, 0)) / 1_024;
  }
}

/** Plays `frames` frames of a version. The same seed plays the same run. */
export function fuzzCore(protocol: Protocol, frames: number, seed: number): Report {
  const run = new Run(protocol, seed);
  const { report } = run;
  for (let n = 1; n <= frames && report.complaints.length < COMPLAINTS_MAX; n++) {
    run.one();
    if (n % LOOK_EVERY === 0 || n === frames) run.look();
    if (n === Math.ceil(frames / 4)) [report.heapMb[0], report.stateKb[0]] = [heapMb(), run.stateKb()];
  }
  // What still waits comes to its end.
  for (let n = 0; n < 200; n++) {
    run.now.at += 1_000;
    run.now.upMs += 1_000;
    run.tick();
  }
  if (run.open.size > 0) run.complain(`${run.open.size} commands never ended`);
  [report.heapMb[1], report.stateKb[1]] = [heapMb(), run.stateKb()];
  return report;
}
