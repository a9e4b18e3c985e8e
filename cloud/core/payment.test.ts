/** What a provider tells in any order and number ends in one state and one balance. */
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import {
  applyFacts,
  givenBackMinor,
  keptMinor,
  matchRefunds,
  newPayment,
  nextAction,
  REFUND_FAILURES_MAX,
  refundableMinor,
  refundedMinor,
  shortfallMinor,
  statusOf,
  type Move,
  type PaymentFacts,
  type PaymentFlow,
  type PaymentState,
} from "./payment.ts";

const after = (flow: PaymentFlow, ...told: PaymentFacts[]): PaymentState =>
  told.reduce((state, facts) => applyFacts(state, facts).state, newPayment(flow));

/** What the ledger holds of the payment. */
const bookedBy = (moves: readonly Move[]): number =>
  moves.reduce((sum, move) => {
    const into = move.kind === "captured" || move.kind === "refund-failed" || move.kind === "dispute-ended";
    return sum + (into ? move.amountMinor : -move.amountMinor);
  }, 0);

const REFUNDS = { r1: 100, r2: 250, r3: 400 } as const;
const refundFact = fc
  .record({
    id: fc.constantFrom("r1", "r2", "r3"),
    status: fc.constantFrom("pending", "succeeded", "failed"),
  })
  .map(({ id, status }) => ({ providerRefundId: id, amountMinor: REFUNDS[id], status }));

const facts: fc.Arbitrary<PaymentFacts> = fc.oneof(
  fc.record({ progress: fc.constantFrom("pending", "failed", "expired", "authorized", "cancelled") }),
  fc.record({ authorizedMinor: fc.constantFrom(0, 5_000) }),
  fc.record({ capturedMinor: fc.constantFrom(0, 3_200) }),
  fc.record({ refunds: fc.array(refundFact, { maxLength: 3 }) }),
  fc.record({
    dispute: fc.record({
      state: fc.constantFrom("open", "won", "lost"),
      amountMinor: fc.constantFrom(500, 700),
    }),
  }),
  // Who says when it said so may also say that it is over as if it had never been.
  fc.record({
    dispute: fc.record({
      state: fc.constantFrom("none", "open", "won", "lost"),
      amountMinor: fc.constantFrom(0, 700),
      atMs: fc.constantFrom(1, 2, 3),
    }),
  }),
);

describe("facts", () => {
  test("in any order and number: the same state, the same money", () => {
    const shuffled = fc
      .tuple(fc.constantFrom<PaymentFlow>("authorize", "prepay"), fc.array(facts, { maxLength: 8 }))
      .chain(([flow, told]) =>
        fc.tuple(
          fc.constant(flow),
          fc.constant(told),
          // Every fact at least once, some again and again.
          fc
            .shuffledSubarray([...told, ...told, ...told], { minLength: 0 })
            .chain((more) =>
              fc.shuffledSubarray([...told, ...more], { minLength: told.length + more.length }),
            ),
        ),
      );
    fc.assert(
      fc.property(shuffled, ([flow, told, replayed]) => {
        const run = (list: readonly PaymentFacts[]) => {
          let state = newPayment(flow);
          const moves: Move[] = [];
          for (const fact of list) {
            const next = applyFacts(state, fact);
            state = next.state;
            moves.push(...next.moves);
          }
          return { state, booked: bookedBy(moves) };
        };
        const [once, again] = [run(told), run(replayed)];
        expect(again.state).toEqual(once.state);
        expect(again.booked).toBe(once.booked);
        expect(once.booked).toBe(keptMinor(once.state));
      }),
      { numRuns: scaled(500) },
    );
  });

  test("a status never falls back when a fact comes again", () => {
    fc.assert(
      fc.property(fc.array(facts, { minLength: 1, maxLength: 8 }), (told) => {
        const state = after("authorize", ...told);
        for (const fact of told) expect(applyFacts(state, fact)).toEqual({ state, moves: [], settled: [] });
      }),
    );
  });

  test("a card: reserved, part of it captured, part of that given back", () => {
    const reserved = after(
      "authorize",
      { progress: "pending" },
      { progress: "authorized", authorizedMinor: 5_000 },
    );
    expect(statusOf(reserved)).toBe("authorized");
    const captured = applyFacts(reserved, { capturedMinor: 3_200 });
    expect(captured.moves).toEqual([{ kind: "captured", amountMinor: 3_200 }]);
    expect(statusOf(captured.state)).toBe("captured");
    const refund = { providerRefundId: "r1", amountMinor: 200, status: "pending" } as const;
    const waiting = applyFacts(captured.state, { refunds: [refund] });
    expect(waiting.moves).toEqual([]);
    const part = applyFacts(waiting.state, { refunds: [{ ...refund, status: "succeeded" }] });
    expect(part.moves).toEqual([{ kind: "refunded", providerRefundId: "r1", amountMinor: 200 }]);
    expect(statusOf(part.state)).toBe("partially_refunded");
    const rest = { providerRefundId: "r2", amountMinor: 3_000, status: "succeeded" } as const;
    expect(statusOf(applyFacts(part.state, { refunds: [rest] }).state)).toBe("refunded");
  });

  test("a declined card may be followed by a good one; a page that expired by money that was on its way", () => {
    expect(statusOf(after("authorize", { progress: "failed" }))).toBe("failed");
    expect(statusOf(after("authorize", { progress: "failed" }, { progress: "authorized" }))).toBe(
      "authorized",
    );
    expect(statusOf(after("prepay", { progress: "expired" }, { capturedMinor: 900 }))).toBe("paid");
    expect(statusOf(after("authorize", { progress: "cancelled" }, { progress: "authorized" }))).toBe(
      "cancelled",
    );
  });

  test("a bank that sends a refund back: the money is ours again", () => {
    const state = after("prepay", { capturedMinor: 900 });
    const refund = { providerRefundId: "r1", amountMinor: 900, status: "succeeded" } as const;
    const paid = applyFacts(state, { refunds: [refund] }).state;
    expect(refundedMinor(paid)).toBe(900);
    const back = applyFacts(paid, { refunds: [{ ...refund, status: "failed" }] });
    expect(back.moves).toEqual([{ kind: "refund-failed", providerRefundId: "r1", amountMinor: 900 }]);
    expect(statusOf(back.state)).toBe("paid");
    expect(nextAction(back.state, 0)).toEqual({ do: "refund", amountMinor: 900 });
  });
});

describe("what is asked of the provider", () => {
  const authorized = after("authorize", { progress: "authorized", authorizedMinor: 5_000 });

  test("a card: the price, at most what was reserved; nothing to pay: released", () => {
    expect(nextAction(authorized, undefined)).toEqual({ do: "nothing" });
    expect(nextAction(authorized, 3_200)).toEqual({ do: "capture", amountMinor: 3_200 });
    expect(nextAction(authorized, 6_100)).toEqual({ do: "capture", amountMinor: 5_000 });
    expect(nextAction(authorized, 0)).toEqual({ do: "cancel" });
    const captured = after("authorize", { progress: "authorized" }, { capturedMinor: 5_000 });
    expect(nextAction(captured, 6_100)).toEqual({ do: "nothing" });
    expect(shortfallMinor(captured, 6_100)).toBe(1_100);
    expect(nextAction(captured, 4_000)).toEqual({ do: "refund", amountMinor: 1_000 });
  });

  test("Pix: the rest goes back, once; one that was not paid is cancelled; paid while it was: all goes back", () => {
    const paid = after("prepay", { capturedMinor: 5_000 });
    expect(nextAction(paid, 3_200)).toEqual({ do: "refund", amountMinor: 1_800 });
    expect(nextAction(paid, 3_200, 1_800)).toEqual({ do: "nothing" });
    const refund = { providerRefundId: "r1", amountMinor: 1_800, status: "pending" } as const;
    expect(nextAction(applyFacts(paid, { refunds: [refund] }).state, 3_200)).toEqual({ do: "nothing" });
    expect(nextAction(after("prepay", { progress: "pending" }), 0)).toEqual({ do: "cancel" });
    expect(nextAction(after("prepay", { progress: "cancelled" }, { capturedMinor: 5_000 }), 0)).toEqual({
      do: "refund",
      amountMinor: 5_000,
    });
  });

  test("whatever fails, no more than was captured ever goes back", () => {
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 8 }), fc.integer({ min: 0, max: 6_000 }), (told, keep) => {
        const state = after("prepay", ...told);
        const action = nextAction(state, keep);
        if (action.do === "refund")
          expect(givenBackMinor(state) + action.amountMinor).toBeLessThanOrEqual(state.capturedMinor);
        if (action.do === "capture") expect(action.amountMinor).toBeLessThanOrEqual(state.authorizedMinor);
        expect(refundableMinor(state)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("refunds that fail again and again are a person's; money in dispute is the bank's", () => {
    const failures = Array.from({ length: REFUND_FAILURES_MAX }, (_, i) => ({
      providerRefundId: `f${i}`,
      amountMinor: 100,
      status: "failed" as const,
    }));
    expect(nextAction(after("prepay", { capturedMinor: 900 }, { refunds: failures }), 0)).toEqual({
      do: "nothing",
    });
    const disputed = after(
      "authorize",
      { capturedMinor: 900 },
      { dispute: { state: "open", amountMinor: 900 } },
    );
    expect(nextAction(disputed, 0)).toEqual({ do: "nothing" });
    expect(statusOf(disputed)).toBe("disputed");
  });
});

test("refunds of the provider find ours: by id, else by the amount of one that was sent, each once", () => {
  const own = [
    { refundId: "a", providerRefundId: "p1", amountMinor: 100, sent: true },
    { refundId: "b", providerRefundId: undefined, amountMinor: 200, sent: true },
    { refundId: "c", providerRefundId: undefined, amountMinor: 200, sent: true },
    { refundId: "d", providerRefundId: undefined, amountMinor: 300, sent: false },
  ];
  const told = (providerRefundId: string, amountMinor: number, refundId?: string) => ({
    ...{ providerRefundId, amountMinor, status: "succeeded" as const },
    ...(refundId === undefined ? {} : { refundId }),
  });
  const found = matchRefunds(own, [
    told("p1", 100),
    told("p2", 200),
    told("p3", 200, "b"),
    told("p4", 300),
    told("p5", 200),
  ]);
  expect(found.map((match) => match.refundId)).toEqual(["a", "c", "b", undefined, undefined]);
});
