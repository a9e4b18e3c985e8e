/**
 * Bytes that cross the broker per MeterValues message, under load and at 2 messages per second: mobile data
 * is paid by byte.
 *
 * The cloud's side is the least that answers: it acks what arrives, so that the ER sends as it would to a
 * real one.
 */
import { startAedes } from "../sim/services/aedes.ts";
import { createLink } from "../shared/link/connect.ts";
import { decodeBatch, decodeWire, downTopic, encodeWire, Hello, parseTopic } from "../shared/wire.ts";
import { startEr, startLoad, type Bench, type Context, type ErChild } from "./harness.ts";
import { PER_CONNECTION_MAX, type Outcome } from "./load.ts";

type Count = { bytes: number; entries: number; batches: number };

/** Acks everything. @returns what came, so far. */
function startAcking(context: Context, url: string): Count {
  const count: Count = { bytes: 0, entries: 0, batches: 0 };
  const ack = (erId: string, journalId: string, seq: number, resume: boolean) =>
    void link.publish(
      downTopic(erId, "ack"),
      encodeWire({ v: 1, journalId, seq, resume, cloudTime: Date.now() }),
    );
  const link = createLink(
    { url, name: "bench-cloud", subscriptions: [{ pattern: "up/+/#" }], prefetch: 64 },
    {
      onUp: () => undefined,
      onDown: () => undefined,
      onMessage(topic, payload) {
        const parts = parseTopic(topic);
        if (parts?.kind === "hello") {
          const hello = decodeWire(Hello, payload);
          ack(parts.erId, hello.journalId, hello.ackedSeq, true);
        } else if (parts?.kind === "journal") {
          const batch = decodeBatch(payload);
          const entries = batch.blocks.reduce((sum, [each]) => sum + each, 0);
          count.batches += 1;
          count.bytes += payload.length + topic.length;
          count.entries += entries;
          ack(parts.erId, batch.journalId, batch.firstSeq + entries - 1, false);
        }
      },
    },
  );
  link.start();
  context.onEnd(() => link.stop());
  return count;
}

async function untilDrained(er: ErChild): Promise<void> {
  while ((await er.status()).backlog > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

export const uplink: Bench = {
  name: "uplink",
  about: "bytes on the broker per MeterValues message",
  async run(context) {
    const broker = await startAedes();
    context.onEnd(() => broker.stop());
    const count = startAcking(context, broker.url);
    const er = await startEr(context, { brokerUrl: broker.url });
    const load = await startLoad(context);
    const measure = async (
      figure: string,
      run: () => Promise<Outcome>,
      goal?: { target: number; floor: number },
    ) => {
      await untilDrained(er);
      const before = { ...count };
      const { sent, bytes } = await run();
      await untilDrained(er);
      context.report({
        bench: "uplink",
        figure,
        value: (count.bytes - before.bytes) / sent,
        unit: "bytes",
        limit: bytes / sent,
        limitOf: "of the message",
        ...(goal === undefined ? {} : { goal: { of: "value", better: "less", ...goal } }),
        more: { perBatch: (count.entries - before.entries) / (count.batches - before.batches) },
      });
    };
    await load.connect(er.url, 100, { mix: "ocpp1.6" });
    await measure("per message under load", () => load.closed(PER_CONNECTION_MAX, 3_000), {
      target: 60,
      floor: 120,
    });
    await measure("per message at 2 msg/s", () => load.open(2, context.quick ? 3_000 : 20_000));
    await load.disconnect();
  },
};
