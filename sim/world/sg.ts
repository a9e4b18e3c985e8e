/**
 * The SG as a process around its tables: takes what the broker delivers, answers, gives out commands and
 * policies, and may be slow, away, dead at the wrong moment, or restored from a backup.
 *
 * Invariants: an ack says what is committed; what was delivered and not finished is delivered again by the
 * broker. The rules of dispatching follow `cloud/ingest/dispatch.ts` and `ask.ts`, on the tables of
 * `store.ts`.
 */
import { given } from "../../shared/given.ts";
import { decideAuthorize } from "../../shared/decide/authorize.ts";
import type { LeasedResource } from "../../shared/entry.ts";
import type { Command } from "../../shared/command.ts";
import { COMMAND_RESEND_MS, LEASE_BLOCK_SIZE } from "../../shared/limits.ts";
import { createPrivateKey } from "node:crypto";
import { POLICY_DEFAULTS, signPolicy, tokenHash, type Policy } from "../../shared/policy.ts";
import {
  Ask,
  decodeBatch,
  decodeWire,
  encodeWire,
  Hello,
  type Batch,
  type UpKind,
} from "../../shared/wire.ts";
import type { Broker } from "./broker.ts";
import type { Faults } from "./faults.ts";
import type { Mutant } from "./mutants.ts";
import type { PostgresTwin } from "./postgres.ts";
import { recur, type Context } from "./spell.ts";
import {
  emptyTables,
  snapshotOf,
  takeBatches,
  takeHello,
  type CommandRow,
  type Tables,
  type Taken,
} from "./store.ts";
import { OFFERED_TOKEN, WORLD_OFFER, WORLD_TARIFFS } from "./tariffs.ts";
import { WORLD_TEMPLATE } from "./templates.ts";
import type { Trace } from "./trace.ts";

export type SgWatch = {
  /** Committed: the tables hold it. */
  onTaken: (tables: Tables, taken: Taken, journalId: string) => void;
  onAck: (tables: Tables, journalId: string, seq: number) => void;
  onCommand: (row: CommandRow) => void;
};

export type SgOptions = Context & {
  erId: string;
  siteId: string;
  faults: Faults;
  trace: Trace;
  broker: Pick<Broker, "publishDown">;
  watch: SgWatch;
  mutant: Mutant | undefined;
  /** The same batches go into a real PostgreSQL, which must agree. */
  twin: PostgresTwin | undefined;
};

/** Of no secret at all, so that every run signs alike. */
const SIGNING_KEY = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]),
  format: "der",
  type: "pkcs8",
});
export const SALT = "the salt of the world";

const TICK_MS = 5_000;
const WORK_MS = 2;
const LATE_MS = [1_000, 20_000] as const;
const SNAPSHOT_MS = 10_000;
const EXPIRED_GRACE_MS = 5_000;
const QUEUE_MAX = 64;

export type Sg = ReturnType<typeof createSg>;

export function createSg(options: SgOptions) {
  const { timeline, chance, trace, broker, watch, mutant, twin } = options;
  let faults = options.faults.sg;
  let tables = emptyTables();
  let backups: { at: number; tables: Tables }[] = [];
  let down = false;
  let delayMs = WORK_MS;
  let leasedAt = Number.NEGATIVE_INFINITY;
  /** Delivered by the broker and not finished. */
  let queue: { kind: UpKind; payload: Buffer }[] = [];
  let working = false;
  /** Work in PostgreSQL that the world has to wait for. */
  let pending: Promise<void> | undefined;

  function receive(kind: UpKind, payload: Buffer): void {
    // The queue of questions has a short life; the others are durable.
    if (kind === "ask" && down) return;
    if (kind === "ask") return onAsk(decodeWire(Ask, payload));
    if (queue.length < QUEUE_MAX) queue.push({ kind, payload });
    else trace.say("sg.overflow");
    work();
  }

  function work(): void {
    if (working || down || queue.length === 0) return;
    working = true;
    timeline.setTimer(delayMs, () => {
      if (down) {
        working = false;
        return;
      }
      const first = queue[0];
      if (first === undefined) return;
      const batches = first.kind === "journal" ? nextBatches() : [];
      const taken = queue.slice(0, Math.max(1, batches.length));
      const done = batches.length > 0 ? onBatches(batches) : onHello(first.payload);
      pending = done.then((finished) => {
        working = false;
        pending = undefined;
        if (finished) queue = queue.slice(taken.length);
        work();
      });
    });
  }

  /** The batches of one journal at the head of the queue: they are taken in one transaction. */
  function nextBatches(): Batch[] {
    const batches: Batch[] = [];
    for (const { kind, payload } of queue) {
      if (kind !== "journal") break;
      const batch = decodeBatch(payload);
      if (batch.journalId !== (batches[0] ?? batch).journalId) break;
      batches.push(batch);
    }
    return batches;
  }

  /** @returns false when the process died before it told the broker that it is done. */
  async function onBatches(group: Batch[]): Promise<boolean> {
    const journalId = group[0]?.journalId ?? "";
    if (mutant?.acksFirst === true) ackEarly(group);
    if (chance.happens(faults.crashBeforeCommit)) return crash("before commit");
    const before = tables.cursors.get(journalId);
    const taken = takeBatches(tables, group, mutant?.admit);
    if (twin !== undefined) await twin.takeBatches(options.erId, group, taken);
    const range = `${group.map((batch) => batch.firstSeq).join(",")} at ${before?.seq ?? "-"}`;
    trace.say(`sg.${taken.verdict}`, `${range} → ${taken.seq}`);
    watch.onTaken(tables, taken, journalId);
    if (chance.happens(faults.crashBeforeAck)) return crash("before ack");
    if (taken.verdict !== "halt") ack(journalId, taken.seq, taken.verdict === "resume");
    return true;
  }

  function ackEarly(group: Batch[]): void {
    const foreseen = takeBatches(snapshotOf(tables), group);
    if (foreseen.verdict === "apply") ack(group[0]?.journalId ?? "", foreseen.seq, false);
  }

  function ack(journalId: string, seq: number, resume: boolean, hello?: Hello): void {
    if (mutant?.acksFirst !== true) watch.onAck(tables, journalId, seq);
    broker.publishDown(
      "ack",
      encodeWire({
        v: 1,
        journalId,
        seq,
        resume,
        cloudTime: timeline.now(),
        ...given("helloUpMs", hello?.upMs),
      }),
    );
  }

  function crash(where: string): boolean {
    trace.say("sg.died", where);
    down = true;
    timeline.setTimer(chance.between(100, 3_000), () => {
      down = false;
      work();
    });
    return false;
  }

  async function onHello(payload: Buffer): Promise<boolean> {
    const hello = decodeWire(Hello, payload);
    const { seq } = takeHello(tables, hello, timeline.now());
    if (twin !== undefined) await twin.takeHello(hello, seq);
    trace.say("sg.hello", `last ${hello.lastSeq} acked ${hello.ackedSeq} → ${seq}`);
    ack(hello.journalId, seq, true, hello);
    if (hello.policyVersion !== tables.policyVersion) sendPolicy();
    dispatch(true);
    return true;
  }

  function onAsk({ correlationId, question }: Ask): void {
    const lost = chance.happens(faults.askLost);
    const afterMs = chance.happens(faults.askLate) ? chance.between(...LATE_MS) : WORK_MS;
    if (lost) return;
    timeline.setTimer(afterMs, () => {
      if (down) return;
      if (question.kind === "ocpp") return;
      if (question.kind === "lease" && timeline.now() < leasedAt + faults.leases.everyMs) return;
      const answer =
        question.kind === "lease"
          ? lease(question.resource)
          : { kind: "authorize" as const, ...decide(question), ...offerOf(question) };
      broker.publishDown("answer", encodeWire({ v: 1, correlationId, answer }));
    });
  }

  /** Of the world's SG only transaction ids are looked at; the others need no table. */
  function lease(resource: LeasedResource = "transaction") {
    if (resource !== "transaction") return { kind: "lease" as const, resource, first: 100_001, count: 1_000 };
    tables.leaseBlocks += 1;
    leasedAt = timeline.now();
    return {
      kind: "lease" as const,
      first: (tables.leaseBlocks - 1) * LEASE_BLOCK_SIZE + 1,
      count: faults.leases.count,
    };
  }

  const decide = ({ idToken, purpose, stationId }: Extract<Ask["question"], { kind: "authorize" }>) =>
    decideAuthorize({
      token: tables.tokens.get(idToken),
      unknownToken: "cap",
      purpose,
      stationId,
      running: 0,
      freshness: "sg",
      usedHere: false,
      atMs: timeline.now(),
    });

  const offerOf = ({ idToken }: { idToken: string }) =>
    idToken === OFFERED_TOKEN ? { tariff: WORLD_OFFER } : {};

  function sendPolicy(): void {
    const policy: Policy = {
      v: 2,
      siteId: options.siteId,
      version: tables.policyVersion,
      issuedAt: timeline.now(),
      salt: SALT,
      ...POLICY_DEFAULTS,
      unknownToken: "cap",
      recent: [],
      templates: [WORLD_TEMPLATE],
      tariffs: WORLD_TARIFFS,
      tokens: [...tables.tokens].map(([idToken, token]) => ({ hash: tokenHash(SALT, idToken), ...token })),
    };
    broker.publishDown("policy", encodeWire(signPolicy(policy, SIGNING_KEY)));
  }

  /** @param all every open command, as after a hello; otherwise those that are due. */
  function dispatch(all: boolean): void {
    const now = timeline.now();
    const due = [...tables.commands.values()].filter(
      ({ status, expiresAt, sentAt }) =>
        (status === "pending" || status === "sent") &&
        expiresAt > now &&
        (all || sentAt === undefined || sentAt < now - COMMAND_RESEND_MS),
    );
    if (due.length === 0) return;
    for (const row of due) tables.commands.set(row.commandId, { ...row, status: "sent", sentAt: now });
    broker.publishDown("commands", encodeWire({ v: 1, commands: due.map(toCommand) }));
  }

  function toCommand({ commandId, stationId, issuedAt, expiresAt, kind, params }: CommandRow): Command {
    const remainingMs = Math.max(0, expiresAt - timeline.now());
    return { commandId, stationId, issuedAt, expiresAt, remainingMs, kind, params } as Command;
  }

  function tick(): void {
    timeline.setTimer(TICK_MS, tick);
    if (down) return;
    for (const row of tables.commands.values()) {
      const open = row.status === "pending" || row.status === "sent";
      if (!open || row.expiresAt >= timeline.now() - EXPIRED_GRACE_MS) continue;
      const expired = { status: "expired", finishedAt: timeline.now(), reason: "no ER accepted it in time" };
      tables.commands.set(row.commandId, { ...row, ...expired });
    }
    dispatch(false);
  }

  function backUp(): void {
    backups.push({ at: timeline.now(), tables: snapshotOf(tables) });
    timeline.setTimer(SNAPSHOT_MS, backUp);
  }

  const spells = [
    recur(options, faults.slow, () => {
      delayMs = faults.slow.delayMs;
      trace.say("sg.slow", `${delayMs} ms`);
      return () => {
        delayMs = WORK_MS;
      };
    }),
    recur(options, faults.down, () => {
      down = true;
      trace.say("sg.down");
      return () => {
        down = false;
        work();
      };
    }),
    recur(options, faults.rollback, () => {
      const backup = backups[chance.word() % Math.max(1, backups.length)];
      if (backup === undefined || twin !== undefined) return () => {};
      tables = snapshotOf(backup.tables);
      backups = backups.filter(({ at }) => at <= backup.at);
      const cursors = [...tables.cursors.values()].map(({ seq }) => seq);
      trace.say("sg.rolled-back", `by ${timeline.now() - backup.at} ms to ${cursors.join(",")}`);
      return () => {};
    }),
  ];
  timeline.setTimer(SNAPSHOT_MS, backUp);
  timeline.setTimer(TICK_MS, tick);

  return {
    receive,
    get tables(): Tables {
      return tables;
    },
    get pending(): Promise<void> | undefined {
      return pending;
    },
    /** What the API does with a new command: stored, then sent at once. */
    command(row: CommandRow): void {
      tables.commands.set(row.commandId, row);
      watch.onCommand(row);
      if (!down) dispatch(false);
    },
    /** A token was changed: the sites are told. */
    changeToken(idToken: string, status: "Accepted" | "Blocked"): void {
      tables.tokens.set(idToken, { status });
      // By the clock, so that no version comes a second time with other rules after a roll-back.
      tables.policyVersion = Math.max(tables.policyVersion + 1, timeline.now());
      if (!down) sendPolicy();
    },
    heal(mended: Faults): void {
      for (const end of spells) end();
      faults = mended.sg;
      down = false;
      work();
    },
  };
}
