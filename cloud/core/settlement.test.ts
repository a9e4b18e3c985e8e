/** What providers tell of their own books, in any order and number, ends in one set of entries and of postings. */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import { applyFacts, newPayment } from "./payment.ts";
import { applyPayout, isPaidOut, PAYOUT_STATUS, type PayoutFact, type PayoutState } from "./payout.ts";
import {
  feeMinorIn,
  feesOf,
  isSettled,
  mergeSettlements,
  type Settlement,
  type SettlementFact,
} from "./settlement.ts";

const fact: fc.Arbitrary<SettlementFact> = fc
  .record({
    entryId: fc.constantFrom("t1", "t2", "t3"),
    of: fc.constantFrom("charge", "refund", "dispute"),
    currency: fc.constantFrom("BRL", "USD"),
    feeMinor: fc.integer({ min: -3, max: 3 }),
    atMs: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    exchanged: fc.option(fc.record({ fromMinor: fc.constantFrom(5, 7), toMinor: fc.constantFrom(1, 2) }), {
      nil: undefined,
    }),
  })
  .map(({ atMs, exchanged, ...rest }) => ({
    ...rest,
    ...(atMs === undefined ? {} : { atMs }),
    ...(exchanged === undefined ? {} : { exchanged }),
  }));

/** All but when. */
const said = ({ atMs: _atMs, ...rest }: Settlement) => rest;

/** Every message at least once, some again and again, in any order. */
const replayed = <T>(message: fc.Arbitrary<T>) =>
  fc.array(message, { maxLength: 8 }).chain((told) =>
    fc.tuple(
      fc.constant(told),
      fc
        .shuffledSubarray([...told, ...told, ...told], { minLength: 0 })
        .chain((more) => fc.shuffledSubarray([...told, ...more], { minLength: told.length + more.length })),
    ),
  );

describe("what a provider keeps", () => {
  test("in any order and number: the same entries, and what is booked of each is its last word", () => {
    fc.assert(
      fc.property(replayed(fc.array(fact, { maxLength: 3 })), ([told, again]) => {
        const run = (list: readonly SettlementFact[][]) => {
          let state = newPayment("prepay");
          const booked = new Map<string, unknown>();
          for (const settlements of list) {
            const step = applyFacts(state, { settlements });
            state = step.state;
            for (const { entryId, settlement } of step.settled) booked.set(entryId, said(settlement));
          }
          const end = Object.entries(state.settlements).map(([id, one]) => [id, said(one)] as const);
          expect(booked).toEqual(new Map(end));
          return state.settlements;
        };
        expect(run(again)).toEqual(run(told));
      }),
    );
  });

  test("what is told again is no news", () => {
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 5 }), (told) => {
        const { settlements } = mergeSettlements({}, told);
        const second = mergeSettlements(settlements, told);
        expect(second.moves).toEqual([]);
        expect(second.settlements).toBe(settlements);
      }),
    );
  });

  test("it is not known before the charge is told of, and 0 is known", () => {
    const refund = { entryId: "t2", of: "refund", currency: "BRL", feeMinor: -5 } as const;
    const charge = { entryId: "t1", of: "charge", currency: "BRL", feeMinor: 0 } as const;
    const early = mergeSettlements({}, [refund]).settlements;
    expect([isSettled(early), feeMinorIn(early, "BRL")]).toEqual([false, undefined]);
    expect(feeMinorIn(mergeSettlements(early, [charge]).settlements, "BRL")).toBe(-5);
    expect(feeMinorIn(mergeSettlements({}, [charge]).settlements, "BRL")).toBe(0);
  });

  test("currencies are kept apart", () => {
    const { settlements } = mergeSettlements({}, [
      { entryId: "t1", of: "charge", currency: "USD", feeMinor: 30 },
      { entryId: "t2", of: "dispute", currency: "USD", feeMinor: 1_500 },
      { entryId: "t3", of: "refund", currency: "BRL", feeMinor: 7 },
    ]);
    expect(feesOf(settlements)).toEqual([
      { currency: "BRL", feeMinor: 7 },
      { currency: "USD", feeMinor: 1_530 },
    ]);
    expect(feeMinorIn(settlements, "BRL")).toBe(7);
  });

  test("the same word, said later, moves nothing, and an older one does not count any more", () => {
    const at = (atMs: number, feeMinor: number) => ({
      ...({ entryId: "payment", of: "charge", currency: "BRL", feeMinor, atMs } as const),
    });
    const first = mergeSettlements({}, [at(1, 49)]);
    const second = mergeSettlements(first.settlements, [at(3, 49)]);
    expect([first.moves.length, second.moves.length]).toEqual([1, 0]);
    expect(mergeSettlements(second.settlements, [at(2, 20)]).settlements).toBe(second.settlements);
  });

  test("the newest word counts, also where it is less", () => {
    const at = (atMs: number, feeMinor: number) => ({
      ...({ entryId: "payment", of: "charge", currency: "BRL", feeMinor, atMs } as const),
    });
    for (const told of [
      [at(1, 49), at(2, 20)],
      [at(2, 20), at(1, 49)],
    ])
      expect(feeMinorIn(mergeSettlements({}, told).settlements, "BRL")).toBe(20);
  });
});

describe("a payout", () => {
  const payout: fc.Arbitrary<PayoutFact> = fc
    .record({
      status: fc.constantFrom(...PAYOUT_STATUS),
      feeMinor: fc.option(fc.constant(250), { nil: undefined }),
    })
    .map(({ status, feeMinor }) => ({
      ...{ payoutId: "po_1", amountMinor: 9_000, currency: "BRL", status },
      ...{ createdAt: new Date(0), arrivesAt: new Date(1) },
      ...(feeMinor === undefined ? {} : { feeMinor }),
      ...(status === "failed" ? { failure: "account closed" } : {}),
    }));
  const begun: PayoutState = { status: "pending", feeMinor: undefined, failure: undefined };

  test("in any order and number: the same state, and what fails is in no bank", () => {
    fc.assert(
      fc.property(replayed(payout), ([told, again]) => {
        const end = told.reduce(applyPayout, begun);
        expect(again.reduce(applyPayout, begun)).toEqual(end);
        const failed = told.some(({ status }) => status === "failed" || status === "canceled");
        expect(isPaidOut(end.status)).toBe(!failed && told.some(({ status }) => status === "paid"));
      }),
    );
  });

  test("what is told again is no news", () => {
    const paid = { ...begun, status: "paid" } as const;
    const told = { payoutId: "po_1", amountMinor: 1, currency: "BRL", status: "in_transit" } as const;
    expect(applyPayout(paid, { ...told, createdAt: new Date(), arrivesAt: new Date() })).toBe(paid);
  });
});
