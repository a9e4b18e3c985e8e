/**
 * The ingest role: everything between the broker and PostgreSQL, in both directions.
 *
 * Copies may run side by side: the cursor row keeps batches apart, SKIP LOCKED keeps commands apart.
 */
import type { KeyObject } from "node:crypto";
import { describeError } from "../../shared/errors.ts";
import { createLink } from "../../shared/link/connect.ts";
import type { Link, Subscription } from "../../shared/link/link.ts";
import { Ask, decodeBatch, decodeWire, downTopic, encodeWire, Hello, parseTopic } from "../../shared/wire.ts";
import { listen, type Pool } from "../db/pool.ts";
import { answerQuestion } from "./ask.ts";
import { createPassOn, passOnNothing } from "./pass-on.ts";
import { expireCommands, takeDueCommands } from "./dispatch.ts";
import { storeHello } from "./hello.ts";
import { createIngest } from "./journal.ts";
import type { NameCache } from "./names.ts";
import { createPolicySender } from "./policy-sender.ts";

const TICK_MS = 5_000;
/** Hellos and questions handled at once. */
const PREFETCH = 64;

/** RabbitMQ topology: durable queues that ingest copies share. On MQTT the patterns alone count. */
const SUBSCRIPTIONS: Subscription[] = [
  { pattern: "up/+/journal", queue: { name: "sg.journal", type: "quorum", singleActiveConsumer: true } },
  { pattern: "up/+/hello", queue: { name: "sg.presence", type: "quorum" } },
  { pattern: "up/+/ask", queue: { name: "sg.ask", type: "classic", messageTtlMs: 5_000 } },
];

export type IngestRoleOptions = {
  pool: Pool;
  databaseUrl: string;
  brokerUrl: string;
  ca?: string;
  /** Operator of ERs that introduce themselves, until enrolment exists. */
  defaultOperatorId: string;
  /** Signs policies (Ed25519, private). */
  policyKey: KeyObject;
  /** Where ERs reach the API. */
  publicUrl: () => string;
  /** Service that answers what only somebody behind the SG can (`pass-on.ts`). */
  passOnUrl?: string;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
};

export function startIngest(options: IngestRoleOptions) {
  const { pool, onLog } = options;
  const cache: NameCache = new Map();
  let lastDown: string | undefined;
  const link: Link = createLink(
    {
      url: options.brokerUrl,
      name: `sg-ingest-${process.pid}`,
      subscriptions: SUBSCRIPTIONS,
      prefetch: PREFETCH,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    },
    {
      onUp: () => {
        lastDown = undefined;
        onLog("info", "broker connected", {});
        void guarded("commands", () => dispatchCommands());
      },
      onDown: (reason) => {
        if (reason !== lastDown) onLog("warn", "broker not reachable; ERs keep their journals", { reason });
        lastDown = reason;
      },
      onMessage,
    },
  );

  const publish = (
    erId: string,
    kind: "ack" | "answer" | "commands" | "policy",
    payload: Buffer,
    expirationMs: number,
  ) => link.publish(downTopic(erId, kind), payload, { expirationMs });

  const journal = createIngest({
    pool,
    onLog,
    sendAck: (erId, payload) => publish(erId, "ack", payload, 60_000),
  });

  const policies = createPolicySender({
    pool,
    key: options.policyKey,
    onLog,
    send: (erId, payload) => publish(erId, "policy", payload, 60_000),
  });

  /** Runs `work`; whatever goes wrong is said and left to the next tick or the ER's next try. */
  async function guarded(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      onLog("warn", `${what}: failed, tried again later`, { reason: describeError(error) });
    }
  }

  async function onMessage(topic: string, payload: Buffer): Promise<void> {
    const parts = parseTopic(topic);
    if (parts?.direction !== "up") return;
    await guarded(topic, async () => {
      switch (parts.kind) {
        case "journal":
          return journal.onBatch(parts.erId, decodeBatch(payload));
        case "hello":
          return onHello(parts.erId, decodeWire(Hello, payload));
        case "ask":
          return onAsk(parts.erId, decodeWire(Ask, payload));
        default:
          onLog("warn", "message of an unknown kind dropped", { topic });
      }
    });
  }

  async function onHello(erId: string, hello: Hello): Promise<void> {
    if (hello.erId !== erId) {
      onLog("error", "an ER speaks for another one: dropped", { topicErId: erId, erId: hello.erId });
      return;
    }
    const result = await storeHello(pool, cache, hello, options.defaultOperatorId);
    await publish(erId, "ack", encodeWire(result.ack), 60_000);
    if (hello.policyVersion !== result.policyVersion) policies.want(result.siteId, erId);
    await dispatchCommands(erId);
  }

  const passOn = options.passOnUrl === undefined ? passOnNothing : createPassOn(options.passOnUrl, onLog);

  async function onAsk(erId: string, ask: Ask): Promise<void> {
    const answer = await answerQuestion(pool, erId, ask.question, passOn);
    if (answer === undefined) return;
    const payload = encodeWire({ v: 1, correlationId: ask.correlationId, answer });
    await publish(erId, "answer", payload, 2_000);
  }

  async function dispatchCommands(erId?: string): Promise<void> {
    if (!link.up) return;
    for (const [id, commands] of await takeDueCommands(pool, erId, options.publicUrl())) {
      const longest = Math.max(...commands.map((command) => command.remainingMs), 1);
      await publish(id, "commands", encodeWire({ v: 1, commands }), Math.min(longest, 60_000));
    }
  }

  async function tick(): Promise<void> {
    const expired = await expireCommands(pool);
    if (expired > 0) onLog("warn", "commands expired", { count: expired });
    await dispatchCommands();
  }

  const listener = listen(options.databaseUrl, ["sg_command", "sg_policy"], {
    onNotify(channel, payload) {
      if (channel === "sg_command") void guarded("commands", () => dispatchCommands());
      else void guarded("policy", () => policies.changed(payload));
    },
    onGap: () => void guarded("commands", () => dispatchCommands()),
    onLost: (reason) => onLog("warn", "database not reachable; batches wait at the ERs", { reason }),
  });
  const ticker = setInterval(() => void guarded("tick", tick), TICK_MS);
  link.start();

  return {
    counters: journal.counters,
    get linkUp() {
      return link.up;
    },
    async stop(): Promise<void> {
      clearInterval(ticker);
      await listener.stop();
      await policies.stop();
      await journal.stop();
      await link.stop();
    },
  };
}
