/** A payment of what is owed already: all of it is wanted, none goes back by itself, in whatever order it is told. */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import { accounts } from "./ledger.ts";
import {
  applyFacts,
  givenBackMinor,
  isUnderWay,
  keepAfterRefund,
  keptMinor,
  newPayment,
  nextAction,
  paysBalance,
  refundableMinor,
  type Move,
  type PaymentFacts,
  type PaymentFlow,
  type PaymentState,
} from "./payment.ts";

const ASKED = 5_000;
const REFUNDS = { r1: 100, r2: 250, r3: 400 } as const;

/** What a provider may tell of a payment of that much: never more than was asked for. */
const facts: fc.Arbitrary<PaymentFacts> = fc.oneof(
  fc.record({ progress: fc.constantFrom("pending", "failed", "expired", "authorized", "cancelled") }),
  fc.constant({ progress: "authorized" as const, authorizedMinor: ASKED }),
  fc.constant({ progress: "authorized" as const, capturedMinor: ASKED }),
  fc.record({
    refunds: fc.array(
      fc
        .record({
          id: fc.constantFrom("r1", "r2", "r3"),
          status: fc.constantFrom("pending", "succeeded", "failed"),
        })
        .map(({ id, status }) => ({ providerRefundId: id, amountMinor: REFUNDS[id], status })),
      { maxLength: 3 },
    ),
  }),
  fc.record({
    dispute: fc.record({ state: fc.constantFrom("open", "won", "lost"), amountMinor: fc.constant(ASKED) }),
  }),
);
const flow = fc.constantFrom<PaymentFlow>("authorize", "prepay");
const after = (of: PaymentFlow, told: readonly PaymentFacts[]): PaymentState =>
  told.reduce((state, fact) => applyFacts(state, fact).state, newPayment(of));

/** What the payer's account has got by it: the books of a payment, move by move. */
const paidBy = (moves: readonly Move[]): number =>
  moves.reduce((sum, move) => {
    const into = move.kind === "captured" || move.kind === "refund-failed" || move.kind === "dispute-ended";
    return sum + (into ? move.amountMinor : -move.amountMinor);
  }, 0);

test("a guest's account is its payment's own; every other one owes already", () => {
  expect(paysBalance(accounts.guest("p"))).toBe(false);
  for (const account of [accounts.driver("d"), accounts.fleet("f"), accounts.token("t")])
    expect(paysBalance(account)).toBe(true);
});

describe("the whole amount is wanted from the beginning", () => {
  test("a hold is taken at once, whole; nothing goes back by itself, whatever is told", () => {
    fc.assert(
      fc.property(flow, fc.array(facts, { maxLength: 8 }), (of, told) => {
        const state = after(of, told);
        const action = nextAction(state, ASKED);
        expect(["nothing", "capture"]).toContain(action.do);
        if (action.do === "capture") expect(action.amountMinor).toBe(state.authorizedMinor);
      }),
    );
  });

  test("in any order the account ends with the same, which is what we have of the payment", () => {
    const cases = fc
      .tuple(flow, fc.array(facts, { maxLength: 7 }))
      .chain(([of, told]) =>
        fc.tuple(
          fc.constant(of),
          fc.constant(told),
          fc.shuffledSubarray([...told, ...told], { minLength: told.length }),
        ),
      );
    fc.assert(
      fc.property(cases, ([of, told, mixed]) => {
        const run = (list: readonly PaymentFacts[]) => {
          let state = newPayment(of);
          const moves: Move[] = [];
          for (const fact of list) {
            const next = applyFacts(state, fact);
            state = next.state;
            moves.push(...next.moves);
          }
          return { state, paid: paidBy(moves) };
        };
        const [once, again] = [run(told), run([...mixed, ...told])];
        expect(again).toEqual(once);
        expect(once.paid).toBe(keptMinor(once.state));
        expect(once.paid).toBeLessThanOrEqual(ASKED);
      }),
    );
  });
});

describe("an operator gives some of it back", () => {
  test("that much is wanted less, so that it is owed again, and asked for anew where it fails", () => {
    fc.assert(
      fc.property(
        flow,
        fc.array(facts, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 4 }),
        (of, told, amounts) => {
          const state = after(of, [...told, { progress: "authorized", capturedMinor: ASKED }]);
          let [keep, unsent] = [ASKED, 0];
          for (const amount of amounts) {
            if (amount > refundableMinor(state, unsent)) continue;
            keep = keepAfterRefund(state, keep, unsent, amount);
            unsent += amount;
          }
          expect(keep).toBeGreaterThanOrEqual(0);
          expect(keep).toBeLessThanOrEqual(Math.max(0, ASKED - unsent));
          // All that was asked for is on its way: the job has nothing to add.
          expect(nextAction(state, keep, unsent)).toEqual({ do: "nothing" });
          // None of it reached the payer: it is asked for again, and no more than that.
          const again = nextAction(state, keep, 0);
          if (unsent > 0 && again.do === "refund") expect(again.amountMinor).toBe(unsent);
          expect(givenBackMinor(state) + unsent).toBeLessThanOrEqual(ASKED);
        },
      ),
    );
  });

  test("what went back there already is not kept twice", () => {
    const back = { providerRefundId: "r", amountMinor: 1_000, status: "succeeded" } as const;
    const state = after("prepay", [{ capturedMinor: ASKED }, { refunds: [back] }]);
    expect(nextAction(state, ASKED)).toEqual({ do: "nothing" });
    const keep = keepAfterRefund(state, ASKED, 0, 4_000);
    expect([keep, nextAction(state, keep)]).toEqual([0, { do: "refund", amountMinor: 4_000 }]);
  });
});

test("it is under way while it may still be paid, or its money is being taken", () => {
  const is = (keep: number | undefined, ...told: PaymentFacts[]) =>
    isUnderWay(after("authorize", told), keep);
  expect([is(ASKED), is(ASKED, { progress: "pending" }), is(ASKED, { progress: "failed" })]).toEqual([
    true,
    true,
    true,
  ]);
  expect(is(ASKED, { progress: "authorized" })).toBe(true);
  expect(is(ASKED, { capturedMinor: ASKED })).toBe(false);
  expect(is(ASKED, { progress: "expired" })).toBe(false);
  expect(is(ASKED, { progress: "cancelled" })).toBe(false);
  // Closed by us, and the provider does not know yet: what slips in goes back.
  expect(is(0, { progress: "pending" })).toBe(false);
});
