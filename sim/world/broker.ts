/**
 * The broker between the ER and the SG, at its worst: it loses, repeats, reorders, delays and holds back,
 * takes messages that go nowhere, and its connection to the ER comes and goes.
 *
 * It carries bytes and reads none of them. A message is one delivery or several; what was lost is never heard
 * of again.
 */
import type { DownKind, UpKind } from "../../shared/wire.ts";
import type { Faults } from "./faults.ts";
import { recur, type Context } from "./spell.ts";
import type { Trace } from "./trace.ts";

export type BrokerOptions = Context & {
  faults: Faults;
  trace: Trace;
  toSg: (kind: UpKind, payload: Buffer) => void;
  /** @param delayMs how long it was on its way. */
  toEr: (kind: DownKind, payload: Buffer, delayMs: number) => void;
  onUp: () => void;
  onDown: () => void;
};

type Direction = "up" | "down";
type Partition = { directions: Direction[]; held: boolean; endsAt: number };

const RECONNECT_MS = 500;

export type Broker = ReturnType<typeof createBroker>;

export function createBroker(options: BrokerOptions) {
  const { timeline, chance, trace } = options;
  let faults = options.faults.broker;
  let wanted = false;
  let connected = false;
  let blocked = false;
  let partition: Partition | undefined;
  let connection = 0;
  const lastAt: Record<Direction, number> = { up: 0, down: 0 };

  function carry(direction: Direction, kind: string, deliver: () => void): void {
    const cut = partition?.directions.includes(direction) === true ? partition : undefined;
    if (chance.happens(faults.loss) || cut?.held === false) {
      trace.say("broker.lost", `${direction} ${kind}`);
      return;
    }
    const delayMs = faults.delayMinMs + chance.around(faults.delayMeanMs);
    const from = cut === undefined ? timeline.now() : cut.endsAt;
    const at = chance.happens(faults.reorder) ? from + delayMs : Math.max(lastAt[direction], from + delayMs);
    lastAt[direction] = Math.max(lastAt[direction], at);
    timeline.setTimer(at - timeline.now(), deliver);
    if (!chance.happens(faults.duplicate)) return;
    trace.say("broker.duplicate", `${direction} ${kind}`);
    timeline.setTimer(at - timeline.now() + chance.between(0, faults.duplicateLagMs), deliver);
  }

  /** What a connection that is gone or mended still holds comes late, and is in nobody's way. */
  function clearTheWay(): void {
    lastAt.up = lastAt.down = timeline.now();
  }

  function connectLater(): void {
    const mine = ++connection;
    timeline.setTimer(chance.between(1, RECONNECT_MS), () => {
      if (mine !== connection || !wanted || blocked) return;
      connected = true;
      clearTheWay();
      trace.say("broker.up");
      options.onUp();
    });
  }

  function disconnect(): void {
    connection += 1;
    if (!connected) return;
    connected = false;
    trace.say("broker.down");
    options.onDown();
  }

  const spells = [
    recur(options, faults.down, () => {
      blocked = true;
      disconnect();
      return () => {
        blocked = false;
        if (wanted) connectLater();
      };
    }),
    recur(options, faults.partition, (forMs) => {
      const directions: Direction[] = chance.happens(faults.partition.oneWay)
        ? [chance.pick(["up", "down"])]
        : ["up", "down"];
      const held = chance.happens(faults.partition.held);
      partition = { directions, held, endsAt: timeline.now() + forMs };
      trace.say("broker.partition", `${directions.join("+")} ${held ? "held" : "lost"} for ${forMs} ms`);
      return () => {
        partition = undefined;
      };
    }),
  ];

  return {
    /** The ER's process wants a connection, and gets one if it can be had. */
    connect(): void {
      wanted = true;
      if (!blocked) connectLater();
    },
    /** The ER's process is gone: nobody hears of it. */
    abandon(): void {
      wanted = false;
      connected = false;
      connection += 1;
    },
    /** @returns false when the publish fails, or looks as if it had: the message may have gone through. */
    publishUp(kind: UpKind, payload: Buffer): boolean {
      if (!connected) return false;
      carry("up", kind, () => options.toSg(kind, payload));
      return !chance.happens(faults.refuse);
    },
    publishDown(kind: DownKind, payload: Buffer): void {
      const publishedAt = timeline.now();
      carry("down", kind, () => {
        if (connected) options.toEr(kind, payload, timeline.now() - publishedAt);
        else trace.count("broker.undeliverable");
      });
    },
    heal(mended: Faults): void {
      for (const end of spells) end();
      clearTheWay();
      faults = mended.broker;
    },
  };
}
