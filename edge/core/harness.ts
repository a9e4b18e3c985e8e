/**
 * An ER without its shell: `step` with a journal in memory, every commit at once, time only as the test says.
 * Used by tests only. It performs no effect; it keeps them in the order in which the shell would
 * perform them.
 */
import type { Command, CommandBody } from "../../shared/command.ts";
import type { Entry, EntryKind, EntryOf, Protocol } from "../../shared/entry.ts";
import { assert } from "../../shared/errors.ts";
import { generateKeyPairSync } from "node:crypto";
import {
  POLICY_DEFAULTS,
  signPolicy,
  tokenHash,
  type Policy,
  type PolicyToken,
  type SignedPolicy,
} from "../../shared/policy.ts";
import { formatTime } from "../../shared/time.ts";
import type { Ack } from "../../shared/wire.ts";
import { emptyDurable, fold } from "./fold.ts";
import { createState, step } from "./step.ts";
import type { Durable, Effect, Identity, Input, Output, State } from "./types.ts";

/** 2026-11-01T10:00:00Z, when every test begins. */
export const TEN = 1_793_527_200_000;
export const BOOT = "01900000-0000-7000-8000-00000000b007";
export const JOURNAL = "01900000-0000-7000-8000-000000000001";

export const IDENTITY: Identity = {
  erId: "er-1",
  siteId: "site-1",
  siteName: "Site 1",
  timeZone: "UTC",
  release: "0.1.0",
  journalId: JOURNAL,
  heartbeatIntervalS: 300,
  meterModels: new Map(),
  authorization: "online-first",
  unknownToken: "deny",
  provision: true,
};

/** The n-th UUID of a test. */
export const uuid = (n: number): string => `01900000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
/** Station time, `s` seconds after the beginning. */
export const time = (s = 0): string => formatTime(TEN + s * 1_000);

let issuedAt = TEN;
/** A policy's token with its name instead of its hash. */
export type NamedToken = Omit<PolicyToken, "hash"> & { idToken: string };

export const policyOf = (tokens: NamedToken[], version = 1, more: Partial<Policy> = {}): Policy => ({
  v: 2,
  siteId: "site-1",
  version,
  issuedAt: issuedAt++,
  salt: "salt-of-site-1",
  unknownToken: "deny",
  ...POLICY_DEFAULTS,
  recent: [],
  ...more,
  tokens: tokens.map(({ idToken, ...token }) => ({ hash: tokenHash("salt-of-site-1", idToken), ...token })),
});
export const TAG: NamedToken = { idToken: "TAG", status: "Accepted" };

const SG_KEY = generateKeyPairSync("ed25519").privateKey;
/** The policy as the test's SG sends it. */
export const signed = (policy: Policy): SignedPolicy => signPolicy(policy, SG_KEY);

/** The durable state that a start would rebuild from these entries. */
export function recovered(entries: readonly Entry[]): Durable {
  const durable = emptyDurable();
  for (const entry of entries) fold(durable, entry);
  return durable;
}

export class Bench {
  state: State;
  readonly now = { at: TEN, upMs: 0 };
  readonly entries: Entry[] = [];
  readonly effects: Effect[] = [];
  #connectionId = 0;
  #messageId = 0;
  #seed = 8;

  constructor(
    options: {
      identity?: Partial<Identity>;
      policy?: Policy;
      start?: Partial<Extract<Input, { kind: "start" }>>;
    } = {},
  ) {
    this.state = createState({ ...IDENTITY, ...options.identity }, emptyDurable(), options.policy, 1);
    if (options.policy !== undefined) this.state.live.policySyncedUpMs = 0;
    this.input({
      kind: "start",
      boot: BOOT,
      release: "0.1.0",
      clock: "holdover",
      seed: [7],
      ...options.start,
    });
  }

  /** One step and its commit. */
  input(input: Input): Output {
    const out = step(this.state, input, { ...this.now });
    this.entries.push(...out.entries);
    this.effects.push(...out.effects);
    if (out.entries.length > 0) {
      const committed = step(
        this.state,
        { kind: "committed", seq: this.state.durable.seq, oldestSeq: 1 },
        { ...this.now },
      );
      this.effects.push(...committed.effects);
    }
    return out;
  }

  /** Time passes, with a tick at its end. */
  pass(ms: number): Output {
    this.now.at += ms;
    this.now.upMs += ms;
    return this.input({ kind: "tick" });
  }

  connect(stationId = "CP-1", protocol: Protocol = "ocpp1.6"): number {
    const connectionId = ++this.#connectionId;
    this.input({ kind: "station.connected", connectionId, stationId, protocol, remoteAddress: "10.0.0.7" });
    return connectionId;
  }

  disconnect(connectionId: number): Output {
    return this.input({ kind: "station.disconnected", connectionId, reason: "closed 1006" });
  }

  frame(connectionId: number, text: string): Output {
    return this.input({ kind: "station.frame", connectionId, text });
  }

  /** A CALL of the station; returns the elements of its answer, or undefined while there is none. */
  call(
    connectionId: number,
    action: string,
    payload: object,
    messageId = String(++this.#messageId),
  ): unknown[] | undefined {
    const before = this.effects.length;
    this.frame(connectionId, JSON.stringify([2, messageId, action, payload]));
    return this.sent(connectionId, before).find((frame) => frame[0] !== 2);
  }

  /** The payload of the CALLRESULT to a CALL that must get one at once. */
  result(connectionId: number, action: string, payload: object): Record<string, unknown> {
    const answer = this.call(connectionId, action, payload);
    assert(answer?.[0] === 3, `${action} got ${JSON.stringify(answer)}`);
    return answer[2] as Record<string, unknown>;
  }

  /** Frames that were sent to a connection since the n-th effect. */
  sent(connectionId: number, since = 0): unknown[][] {
    return this.effects
      .slice(since)
      .filter((e) => e.kind === "send" && e.connectionId === connectionId)
      .map((e) => JSON.parse((e as { text: string }).text) as unknown[]);
  }

  /** The last CALL that was sent to a connection. */
  lastCall(connectionId: number): { messageId: string; action: string; payload: unknown } | undefined {
    const [, messageId, action, payload] = this.sent(connectionId).findLast((frame) => frame[0] === 2) ?? [];
    return messageId === undefined
      ? undefined
      : { messageId: messageId as string, action: action as string, payload };
  }

  all<K extends EntryKind>(kind: K): EntryOf<K>[] {
    return this.entries.filter((entry) => entry.kind === kind) as EntryOf<K>[];
  }

  last<K extends EntryKind>(kind: K): EntryOf<K> {
    const entry = this.all(kind).at(-1);
    assert(entry !== undefined, `no ${kind} in the journal`);
    return entry;
  }

  effectsOf<K extends Effect["kind"]>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.effects.filter((e) => e.kind === kind) as Extract<Effect, { kind: K }>[];
  }

  /** The broker is there and the cloud has told its cursor. */
  online(seq = 0): void {
    this.input({ kind: "link.up" });
    this.ack(seq, { resume: true });
  }

  ack(seq: number, more: Partial<Ack> = {}): Output {
    const ack = {
      v: 1 as const,
      journalId: JOURNAL,
      seq,
      resume: false,
      cloudTime: this.now.at,
      helloUpMs: Math.trunc(this.now.upMs),
      ...more,
    };
    return this.input({ kind: "link.ack", ack });
  }

  command(n: number, body: CommandBody, more: Partial<Omit<Command, "kind" | "params">> = {}): Output {
    const { at } = this.now;
    const head = {
      commandId: uuid(n),
      stationId: "CP-1",
      issuedAt: at,
      expiresAt: at + 60_000,
      remainingMs: 60_000,
    };
    return this.input({ kind: "link.commands", commands: [{ ...head, ...more, ...body }] });
  }

  /** The process ends here and starts again from its journal. */
  restart(): void {
    const { identity, live } = this.state;
    this.state = createState(identity, recovered(this.entries), undefined, 1, live.policyKeys);
    // As the documents of the journal hold it.
    const { policy, tokens, recent, stationRules } = live;
    Object.assign(this.state.live, { policy, tokens, recent, stationRules, policySyncedUpMs: 0 });
    this.now.upMs = 0;
    this.input({
      kind: "start",
      boot: uuid(0xb00),
      release: "0.1.0",
      clock: "holdover",
      seed: [this.#seed++],
    });
  }
}
