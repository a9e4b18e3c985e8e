/**
 * The ER's end of the link: what the core wants published goes up, what arrives comes back as inputs.
 *
 * Everything from the broker is checked against its schema here; what does not fit is logged and dropped,
 * since the sender says it again. Blocks go up exactly as they lie in the journal.
 */
import type { TSchema } from "typebox";
import type { Command } from "../../shared/command.ts";
import { AppError, describeError } from "../../shared/errors.ts";
import { BATCH_BYTES_MAX, BATCH_ENTRIES_MAX } from "../../shared/limits.ts";
import { createLink } from "../../shared/link/connect.ts";
import type { Link } from "../../shared/link/link.ts";
import { SignedPolicy } from "../../shared/policy.ts";
import {
  Ack,
  Answer,
  Commands,
  decodeWire,
  encodeBatch,
  encodeWire,
  parseTopic,
  upTopic,
  type DownKind,
} from "../../shared/wire.ts";
import type { Effect, Input } from "../core/types.ts";
import type { Journal } from "./journal.ts";

export type BrokerOptions = {
  erId: string;
  url: string;
  ca?: string;
  journal: Journal;
  onInput: (input: Input) => void;
  onLog: (level: "info" | "warn", message: string, fields: Record<string, unknown>) => void;
};

type PublishEffect = Extract<Effect, { kind: `publish.${string}` }>;

const SCHEMAS: Record<DownKind, TSchema> = {
  ack: Ack,
  answer: Answer,
  commands: Commands,
  policy: SignedPolicy,
};

/** Payload of `down/<erId>/<kind>` → input. @throws AppError WIRE_INVALID. */
export function readDown(kind: string, payload: Buffer): Input {
  if (!Object.hasOwn(SCHEMAS, kind)) throw new AppError("WIRE_INVALID", `unknown kind ${kind}`);
  const value: unknown = decodeWire(SCHEMAS[kind as DownKind], payload);
  switch (kind as DownKind) {
    case "ack":
      return { kind: "link.ack", ack: value as Ack };
    case "answer":
      return { kind: "link.answer", answer: value as Answer };
    case "commands":
      return { kind: "link.commands", commands: (value as { commands: Command[] }).commands };
    case "policy":
      return { kind: "link.policy", signed: value as SignedPolicy };
  }
}

/** The next blocks after an entry as one message, or undefined when there are none. */
export function nextBatch(
  journal: Journal,
  afterSeq: number,
): { lastSeq: number; payload: Buffer } | undefined {
  const { prevChain, blocks: all } = journal.read(afterSeq, BATCH_BYTES_MAX, BATCH_ENTRIES_MAX);
  // The chain proves that blocks arrived as they left, but not what stands before a rewritten one.
  const end = all.findIndex(({ level }, i) => level > 0 && all[i - 1]?.level === 0);
  const blocks = end === -1 ? all : all.slice(0, end);
  const first = blocks[0];
  const last = blocks.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const payload = encodeBatch({
    v: 1,
    journalId: journal.journalId,
    firstSeq: first.firstSeq,
    blocks: blocks.map((b) => {
      const count = b.lastSeq - b.firstSeq + 1;
      return b.level === 0 ? [count, b.bytes.length] : [count, b.bytes.length, b.chain];
    }),
    prevChain,
    chain: last.chain,
    oldestSeq: journal.oldestSeq,
    bytes: blocks.map((b) => b.bytes),
  });
  return { lastSeq: last.lastSeq, payload };
}

export function startBroker(options: BrokerOptions) {
  const { erId, journal, onInput, onLog } = options;
  const counters = { publishedBytes: 0, batches: 0 };
  let lastDown: string | undefined;
  const link: Link = createLink(
    {
      url: options.url,
      name: erId,
      subscriptions: [{ pattern: `down/${erId}/+` }],
      prefetch: 64,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    },
    {
      onUp: () => {
        lastDown = undefined;
        onLog("info", "broker connected", {});
        onInput({ kind: "link.up" });
      },
      onDown: (reason) => {
        // Said once per reason: a week without internet must not fill the log with one line per attempt.
        if (reason !== lastDown) onLog("warn", "broker not reachable; the site goes on alone", { reason });
        lastDown = reason;
        onInput({ kind: "link.down" });
      },
      onMessage(topic, payload) {
        try {
          onInput(readDown(parseTopic(topic)?.kind ?? topic, payload));
        } catch (error) {
          onLog("warn", "message from the broker dropped", { topic, reason: describeError(error) });
        }
      },
    },
  );

  function publish(effect: PublishEffect): void {
    switch (effect.kind) {
      case "publish.hello":
        void send("hello", encodeWire(effect.hello));
        return;
      case "publish.ask":
        void send("ask", encodeWire(effect.ask));
        return;
      case "publish.batch": {
        const batch = nextBatch(journal, effect.afterSeq);
        if (batch === undefined) return onInput({ kind: "batch.failed" });
        counters.batches += 1;
        onInput({ kind: "batch.published", lastSeq: batch.lastSeq });
        void send("journal", batch.payload).then((sent) => {
          if (!sent) onInput({ kind: "batch.failed" });
        });
      }
    }
  }

  async function send(kind: "hello" | "ask" | "journal", payload: Buffer): Promise<boolean> {
    try {
      counters.publishedBytes += payload.length;
      await link.publish(upTopic(erId, kind), payload);
      return true;
    } catch (error) {
      onLog("warn", "publish failed; it is repeated from the journal", {
        kind,
        reason: describeError(error),
      });
      return false;
    }
  }

  link.start();
  return { publish, counters, stop: () => link.stop() };
}
