/**
 * What the ER writes to its disk per byte of OCPP message: under load, and at 2 messages per second, where
 * every commit is alone. Bytes of the process as the kernel counts them (whole pages), and bytes of the
 * journal's blocks alone.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  startEr,
  startLoad,
  writtenBytes,
  type Bench,
  type Context,
  type ErChild,
  type Load,
} from "./harness.ts";
import { PER_CONNECTION_MAX, type Outcome } from "./load.ts";

/** Checkpoints and the snapshot come in waves: what is not over after this is not counted. */
const SETTLE_MS = 500;

async function measure(er: ErChild, run: () => Promise<Outcome>) {
  const before = { disk: writtenBytes(er.pid), ...(await er.status()) };
  const outcome = await run();
  await sleep(SETTLE_MS);
  const after = { disk: writtenBytes(er.pid), ...(await er.status()) };
  return {
    perByte: (after.disk - before.disk) / outcome.bytes,
    blockBytesPerByte: (after.journalWrittenBytes - before.journalWrittenBytes) / outcome.bytes,
    perCommit: (after.entries - before.entries) / (after.commits - before.commits),
    messages: outcome.sent,
  };
}

async function underLoad(context: Context, load: Load): Promise<void> {
  const er = await startEr(context);
  await load.connect(er.url, 200);
  const { perByte, ...more } = await measure(er, () =>
    load.closed(PER_CONNECTION_MAX, context.quick ? 3_000 : 10_000),
  );
  await load.disconnect();
  await er.stop();
  const goal = { of: "value", better: "less", target: 0.7, floor: 2 } as const;
  context.report({
    bench: "wear",
    figure: "written per byte under load",
    value: perByte,
    unit: "bytes",
    goal,
    more,
  });
}

async function atLeisure(context: Context, load: Load): Promise<void> {
  const er = await startEr(context);
  await load.connect(er.url, 20);
  const { perByte, ...more } = await measure(er, () => load.open(2, context.wearSeconds * 1_000));
  await load.disconnect();
  const goal = { of: "value", better: "less", target: 8, floor: 20 } as const;
  context.report({
    bench: "wear",
    figure: "written per byte at 2 msg/s",
    value: perByte,
    unit: "bytes",
    goal,
    more,
  });
}

export const wear: Bench = {
  name: "wear",
  about: "bytes written to the ER's disk per byte of message",
  async run(context) {
    const load = await startLoad(context);
    await underLoad(context, load);
    await atLeisure(context, load);
  },
};
