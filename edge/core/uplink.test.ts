/** The journal's way up: cursor, window, rewind; the cloud's clock, leases and policy on the way down. */
import type { LeasedResource } from "../../shared/entry.ts";
import { describe, expect, test } from "vitest";
import {
  HELLO_INTERVAL_MS,
  LEASE_BLOCK_SIZE,
  LEASE_LOW_WATER,
  UPLINK_ACK_TIMEOUT_MS,
  UPLINK_WINDOW_BATCHES,
} from "../../shared/limits.ts";
import type { Answer } from "../../shared/wire.ts";
import { Bench, policyOf, recovered, signed, TAG, time, uuid } from "./harness.ts";
import { leasedIdsLeft } from "./transaction.ts";
import { backlog } from "./uplink.ts";

/** Entries without any meaning: `n` of them, one commit each. */
function fill(bench: Bench, n: number): void {
  for (let i = 0; i < n; i++) bench.input({ kind: "meter.read", meterId: "grid", reading: { powerW: i } });
}
const batches = (bench: Bench) => bench.effectsOf("publish.batch").map((e) => e.afterSeq);
const hellos = (bench: Bench) => bench.effectsOf("publish.hello").length;
const { live: unused } = new Bench().state;
const published = (bench: Bench, lastSeq: number) => bench.input({ kind: "batch.published", lastSeq });
const leaseAsks = (bench: Bench) => asksOf(bench, "transaction");
const asksOf = (bench: Bench, resource: LeasedResource) =>
  bench
    .effectsOf("publish.ask")
    .filter(({ ask }) => ask.question.kind === "lease" && ask.question.resource === resource);

describe("the cursor", () => {
  test("hello when the link comes up; nothing is sent before the cloud has told its cursor", () => {
    const bench = new Bench();
    fill(bench, 5);
    bench.input({ kind: "link.up" });
    expect(hellos(bench)).toBe(1);
    bench.pass(100);
    bench.ack(0);
    fill(bench, 1);
    expect(batches(bench)).toEqual([]);
    bench.ack(2, { resume: true });
    expect(batches(bench)).toEqual([2]);
  });

  test("one batch is asked for at a time, and the next follows the last", () => {
    const bench = new Bench();
    fill(bench, 9);
    bench.online(0);
    fill(bench, 1);
    expect(batches(bench)).toEqual([0]);
    published(bench, 4);
    published(bench, 8);
    expect(batches(bench)).toEqual([0, 4, 8]);
    published(bench, bench.state.durable.seq);
    expect(batches(bench)).toHaveLength(3);
    fill(bench, 1);
    expect(batches(bench).at(-1)).toBe(bench.state.durable.seq - 1);
  });

  test("the window is bounded; an ack opens it", () => {
    const bench = new Bench();
    fill(bench, 50);
    bench.online(0);
    for (let seq = 1; seq <= 40; seq++) if (batches(bench).at(-1) === seq - 1) published(bench, seq);
    expect(batches(bench)).toHaveLength(UPLINK_WINDOW_BATCHES);
    expect(bench.state.live.uplink.inFlight).toHaveLength(UPLINK_WINDOW_BATCHES);
    bench.ack(10);
    expect(bench.state.live.uplink.inFlight).toHaveLength(UPLINK_WINDOW_BATCHES - 10);
    expect(batches(bench).at(-1)).toBe(UPLINK_WINDOW_BATCHES);
    expect(backlog(bench.state.live.uplink)).toBe(bench.state.durable.seq - 10);
  });

  test("an ack moves the journal's trim mark, a broker's confirm does not", () => {
    const bench = new Bench();
    fill(bench, 5);
    bench.online(0);
    published(bench, 5);
    expect(bench.state.live.uplink.ackedSeq).toBe(0);
    bench.ack(5);
    expect(bench.effectsOf("acked").at(-1)?.seq).toBe(5);
    bench.ack(3);
    expect(bench.state.live.uplink.ackedSeq).toBe(5);
  });
});

describe("rewind", () => {
  const sent = () => {
    const bench = new Bench();
    fill(bench, 20);
    bench.online(0);
    for (const seq of [5, 10, 15]) published(bench, seq);
    published(bench, bench.state.durable.seq);
    return bench;
  };

  test("a resume sends again from there", () => {
    const bench = sent();
    bench.pass(2_000);
    bench.ack(5, { resume: true });
    expect(batches(bench).at(-1)).toBe(5);
    expect(bench.state.live.uplink.inFlight).toEqual([]);
  });

  test("the same resume in a burst counts once, later it counts again", () => {
    const bench = sent();
    bench.pass(2_000);
    for (let i = 0; i < 5; i++) bench.ack(5, { resume: true });
    published(bench, 10);
    bench.ack(5, { resume: true });
    expect(batches(bench).filter((seq) => seq === 5)).toHaveLength(2);
    bench.pass(1_000);
    published(bench, bench.state.durable.seq);
    bench.ack(5, { resume: true });
    expect(batches(bench).filter((seq) => seq === 5)).toHaveLength(3);
  });

  test("silence with batches under way: hello again, and from the last ack once the cloud answers", () => {
    const bench = sent();
    bench.ack(10);
    bench.pass(UPLINK_ACK_TIMEOUT_MS);
    expect(hellos(bench)).toBe(1);
    bench.pass(1);
    expect(hellos(bench)).toBe(2);
    const before = batches(bench).length;
    bench.pass(100);
    expect(batches(bench)).toHaveLength(before);
    bench.ack(10, { resume: true });
    expect(batches(bench).at(-1)).toBe(10);
  });

  test("a cloud that was rolled back gets what it lost again", () => {
    const bench = sent();
    bench.ack(bench.state.durable.seq);
    bench.ack(3, { resume: true });
    expect(bench.state.live.uplink.ackedSeq).toBe(3);
    expect(bench.effectsOf("acked").at(-1)?.seq).toBe(3);
    expect(batches(bench).at(-1)).toBe(3);
  });

  test("a publish that failed is asked for again at the next tick, from the last ack", () => {
    const bench = sent();
    bench.ack(5);
    bench.input({ kind: "batch.failed" });
    const before = batches(bench).length;
    bench.pass(100);
    expect(batches(bench).slice(before)).toEqual([5]);
  });

  test("a lost link forgets what was under way; the next one begins with hello", () => {
    const bench = sent();
    bench.input({ kind: "link.down" });
    const before = batches(bench).length;
    fill(bench, 3);
    bench.pass(60_000);
    expect(batches(bench)).toHaveLength(before);
    expect(hellos(bench)).toBe(1);
    bench.online(15);
    expect(hellos(bench)).toBe(2);
    expect(batches(bench).at(-1)).toBe(15);
  });

  test("a batch that was on its way while the cloud asked for an older one skips nothing", () => {
    const bench = new Bench();
    fill(bench, 20);
    bench.online(10);
    expect(batches(bench)).toEqual([10]);
    bench.ack(5, { resume: true });
    published(bench, 15);
    expect(batches(bench).at(-1)).toBe(5);
  });
});

describe("an ack that is not for this journal", () => {
  test("of another journal is ignored", () => {
    const bench = new Bench();
    fill(bench, 5);
    bench.input({ kind: "link.up" });
    bench.ack(3, { resume: true, journalId: uuid(99) });
    expect(bench.state.live.uplink).toMatchObject({ resumed: false, ackedSeq: 0, present: false });
  });

  test("ahead of the journal is an error for a person: nothing is sent under this journalId", () => {
    const bench = new Bench();
    fill(bench, 5);
    bench.online(1_000);
    bench.pass(100);
    expect(batches(bench)).toEqual([]);
    expect(bench.effectsOf("log").filter((e) => e.level === "error")).toHaveLength(1);
    expect(bench.state.live.uplink).toMatchObject({ ackedSeq: 0, resumed: false });
  });
});

describe("hello", () => {
  test("is repeated while the cloud is silent, rarely when it is not, never without a link", () => {
    const bench = new Bench();
    bench.pass(3_600_000);
    expect(hellos(bench)).toBe(0);
    bench.input({ kind: "link.up" });
    for (let s = 0; s < 20; s++) bench.pass(1_000);
    expect(hellos(bench)).toBe(5);
    bench.ack(0, { resume: true });
    for (let s = 0; s < HELLO_INTERVAL_MS / 1_000; s++) {
      bench.pass(1_000);
      bench.ack(bench.state.durable.seq);
    }
    expect(hellos(bench)).toBe(6);
  });
});

describe("the clock", () => {
  test("is synced when the cloud's time agrees; said once", () => {
    const bench = new Bench();
    bench.online();
    expect(bench.state.live).toMatchObject({ clock: "synced", clockOffsetMs: 0 });
    bench.ack(0, { cloudTime: bench.now.at + 4_000 });
    expect(bench.all("clock.synced")).toMatchObject([{ offsetMs: 0 }]);
  });

  test("that is wrong is corrected in what stations are told, never in the journal", () => {
    const bench = new Bench();
    bench.online();
    bench.ack(0, { cloudTime: bench.now.at + 3_600_000 });
    expect(bench.state.live.clock).toBe("untrusted");
    expect(bench.last("clock.synced").offsetMs).toBe(3_600_000);
    expect(bench.result(bench.connect(), "Heartbeat", {})).toEqual({ currentTime: time(3_600) });
    expect(bench.last("station.online")).toMatchObject({ at: bench.now.at, clock: "untrusted" });
    for (let i = 0; i < 3; i++) bench.ack(0, { cloudTime: bench.now.at + 3_600_000 + i * 1_000 });
    expect(bench.all("clock.synced")).toHaveLength(2);
    bench.ack(0);
    expect(bench.state.live).toMatchObject({ clock: "synced", clockOffsetMs: 0 });
    expect(bench.result(bench.connect(), "Heartbeat", {})).toEqual({ currentTime: time(0) });
  });

  test("of a cloud that says nonsense does not stop the ER", () => {
    const bench = new Bench();
    bench.online();
    for (const cloudTime of [1e300, -1e300, 0]) {
      bench.ack(0, { cloudTime });
      expect(bench.result(bench.connect(), "Heartbeat", {})["currentTime"]).toMatch(/^\d{4}-\d\d-\d\dT/);
    }
  });
});

describe("leases", () => {
  const grant = (bench: Bench, first: number, count = LEASE_BLOCK_SIZE) => {
    const correlationId = leaseAsks(bench).at(-1)?.ask.correlationId ?? "";
    const answer: Answer = { v: 1, correlationId, answer: { kind: "lease", first, count } };
    bench.input({ kind: "link.answer", answer });
    return answer;
  };

  test("are asked for until enough are there, one question at a time", () => {
    const bench = new Bench();
    bench.pass(100);
    expect(leaseAsks(bench)).toEqual([]);
    bench.online();
    for (let i = 0; i < 5; i++) bench.pass(100);
    expect(leaseAsks(bench)).toHaveLength(1);
    grant(bench, 1);
    expect(leaseAsks(bench)).toHaveLength(2);
    grant(bench, 1_001);
    expect(leasedIdsLeft(bench.state)).toBeGreaterThanOrEqual(LEASE_LOW_WATER);
    bench.pass(60_000);
    expect(leaseAsks(bench)).toHaveLength(2);
    expect(bench.all("lease.granted")).toMatchObject([{ first: 1 }, { first: 1_001 }]);
    expect(recovered(bench.entries).leases).toEqual(bench.state.durable.leases);
  });

  test("of reservations and profiles are held as well, each from its own blocks", () => {
    const bench = new Bench();
    bench.online();
    bench.pass(100);
    for (const [resource, first] of [
      ["reservation", 7_001],
      ["profile", 100_001],
    ] as const) {
      const correlationId = asksOf(bench, resource).at(-1)?.ask.correlationId ?? "";
      const lease = { kind: "lease" as const, resource, first, count: 1_000 };
      bench.input({ kind: "link.answer", answer: { v: 1, correlationId, answer: lease } });
      bench.input({ kind: "link.answer", answer: { v: 1, correlationId, answer: lease } });
    }
    bench.pass(20_000);
    expect(asksOf(bench, "profile")).toHaveLength(1);
    expect(recovered(bench.entries).otherLeases).toEqual({
      reservation: { blocks: [{ next: 7_001, end: 8_001 }], end: 8_001 },
      profile: { blocks: [{ next: 100_001, end: 101_001 }], end: 101_001 },
    });
    expect(leasedIdsLeft(bench.state)).toBe(0);
  });

  test("a question without an answer is asked again; the late answer to the old one is not used", () => {
    const bench = new Bench();
    bench.online();
    bench.pass(100);
    const first = leaseAsks(bench)[0]?.ask.correlationId ?? "";
    bench.pass(10_000);
    expect(leaseAsks(bench)).toHaveLength(2);
    const answer = { kind: "lease" as const, first: 1, count: 1_000 };
    bench.input({ kind: "link.answer", answer: { v: 1, correlationId: first, answer } });
    expect(leasedIdsLeft(bench.state)).toBe(0);
  });

  test("the same answer twice, and a block that was leased before, give no id twice", () => {
    const bench = new Bench();
    bench.online();
    bench.pass(100);
    const answer = grant(bench, 1);
    bench.input({ kind: "link.answer", answer });
    grant(bench, 500);
    expect(bench.state.durable.leases).toEqual([{ next: 1, end: 1_001 }]);
    // A cloud that was restored from a backup may lease what is used up here: it is asked again until it
    // is past that.
    bench.pass(10_000);
    grant(bench, 1, 1_000);
    bench.restart();
    bench.online();
    bench.pass(10_000);
    grant(bench, 1_000);
    bench.pass(10_000);
    grant(bench, 1_001);
    expect(bench.state.durable.leases).toEqual([
      { next: 1, end: 1_001 },
      { next: 1_001, end: 2_001 },
    ]);
  });
});

describe("the policy", () => {
  const bench = new Bench();
  const authorize = () => bench.result(bench.connect(), "Authorize", { idTag: "TAG" })["idTagInfo"];
  const give = (version: number, tokens = [TAG]) =>
    bench.input({ kind: "link.policy", signed: signed(policyOf(tokens, version)) });

  test("counts from its commit on, is stored with it, and the same version is not applied twice", () => {
    expect(authorize()).toMatchObject({ status: "Invalid" });
    const out = give(5);
    expect(out.docs).toMatchObject([{ key: "policy-keys" }, { key: "policy", value: { version: 5 } }]);
    expect(out.entries).toMatchObject([{ kind: "policy.applied", version: 5 }]);
    expect(authorize()).toMatchObject({ status: "Accepted" });
    expect(give(5).entries).toEqual([]);
  });

  test("is replaced whole", () => {
    give(6, [{ ...TAG, idToken: "OTHER" }]);
    expect(authorize()).toMatchObject({ status: "Invalid" });
  });

  test("of an older version is taken as well: the cloud may have been rolled back", () => {
    give(4);
    expect(bench.state.durable.policyVersion).toBe(4);
    expect(authorize()).toMatchObject({ status: "Accepted" });
  });

  test("a token whose expiry no calendar knows does not stop the ER", () => {
    give(7, [{ ...TAG, expiresAt: 2 ** 53 }]);
    expect(authorize()).toMatchObject({ status: "Accepted", expiryDate: "9999-12-31T23:59:59.999Z" });
  });
});

test("at a start nothing is known of the cloud", () => {
  expect(unused.uplink).toMatchObject({ up: false, present: false, resumed: false, ackedSeq: 0 });
});
