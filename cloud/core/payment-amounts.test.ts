/** How much of a payment is missing, may still go back, is forgiven: amounts, for any course of it. */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import {
  applyFacts,
  givenBackMinor,
  goodwillMinor,
  newPayment,
  nextAction,
  refundableMinor,
  shortfallMinor,
  type PaymentFacts,
  type PaymentState,
} from "./payment.ts";

const after = (...told: PaymentFacts[]): PaymentState =>
  told.reduce((state, facts) => applyFacts(state, facts).state, newPayment("prepay"));
const back = (amountMinor: number, status: "pending" | "succeeded" | "failed" = "succeeded") => ({
  refunds: [{ providerRefundId: `r${amountMinor}`, amountMinor, status }],
});
const disputed = (state: "open" | "won" | "lost", amountMinor: number) => ({
  dispute: { state, amountMinor },
});

describe("of 50.00 that came in", () => {
  const paid = { capturedMinor: 5_000 };

  test("what was given back is missing, where more is owed than is left", () => {
    expect(shortfallMinor(after(paid, back(1_800)), 3_200)).toBe(0);
    expect(shortfallMinor(after(paid, back(2_000)), 3_200)).toBe(200);
    // On its way is as good as gone; what came back is ours again.
    expect(shortfallMinor(after(paid, back(2_000, "pending")), 3_200)).toBe(200);
    expect(shortfallMinor(after(paid, back(2_000, "failed")), 3_200)).toBe(0);
    expect(shortfallMinor(after(paid), 5_100)).toBe(100);
    expect(shortfallMinor(after(paid, back(2_000)), undefined)).toBe(0);
  });

  test("what a bank holds back cannot be given back again", () => {
    expect(refundableMinor(after(paid, back(1_000)), 500)).toBe(3_500);
    expect(refundableMinor(after(paid, back(1_000), disputed("open", 700)), 500)).toBe(2_800);
    expect(refundableMinor(after(paid, disputed("lost", 5_000)))).toBe(0);
    expect(refundableMinor(after(paid, disputed("open", 700), disputed("won", 700)))).toBe(5_000);
  });

  test("what is given back beyond what was too much is forgiven, and never more than was owed", () => {
    const goodwill = (amountMinor: number, keepMinor = 3_200) =>
      goodwillMinor(after(paid), keepMinor, 0, amountMinor);
    expect([1_000, 1_800, 1_900, 5_000].map((amount) => goodwill(amount))).toEqual([0, 0, 100, 3_200]);
    expect(goodwill(9_000)).toBe(3_200);
    expect(goodwill(5_000, 0)).toBe(0);
  });
});

test("a card that is reserved is let go only where nothing is owed", () => {
  const reserved = after({ progress: "authorized", authorizedMinor: 5_000 });
  expect(nextAction(reserved, 0)).toEqual({ do: "cancel" });
  expect(nextAction(reserved, 1)).toEqual({ do: "capture", amountMinor: 1 });
});

test("whatever happens: what may go back and what has gone are never more than what came in", () => {
  const minor = fc.integer({ min: 0, max: 5_000 });
  const facts: fc.Arbitrary<PaymentFacts> = fc.oneof(
    fc.record({ capturedMinor: minor }),
    fc.tuple(minor, fc.constantFrom("pending", "succeeded", "failed")).map(([m, s]) => back(m, s)),
    fc.tuple(fc.constantFrom("open", "won", "lost"), minor).map(([s, m]) => disputed(s, m)),
  );
  fc.assert(
    fc.property(fc.array(facts, { maxLength: 6 }), minor, minor, (told, keep, amount) => {
      const state = after(...told);
      const left = state.capturedMinor - givenBackMinor(state);
      expect(refundableMinor(state)).toBeLessThanOrEqual(Math.max(0, left));
      expect(shortfallMinor(state, keep)).toBe(state.capturedMinor > 0 ? Math.max(0, keep - left) : 0);
      expect(goodwillMinor(state, keep, 0, amount)).toBeLessThanOrEqual(Math.min(keep, amount));
      const action = nextAction(state, keep);
      if (action.do === "refund") expect(action.amountMinor).toBe(left - keep);
    }),
  );
});
