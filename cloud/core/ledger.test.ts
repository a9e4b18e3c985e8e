/** Postings: every event balances, whatever the amounts; what is wrong is named. */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import {
  accounts,
  charge,
  chargeback,
  faultOf,
  isPayer,
  netEntries,
  overpaymentRefund,
  parseAccount,
  paymentReceived,
  payout,
  providerFee,
  refund,
  reversal,
  rounding,
  sumsOf,
  taxRemitted,
  transferReceived,
  writeOff,
  type Posting,
} from "./ledger.ts";

const AT = 1_777_896_000_000;
const amount = fc.integer({ min: 0, max: 100_000_000_000 });
const currency = fc.constantFrom("BRL", "EUR", "JPY", "BHD");
const payer = fc.constantFrom(
  accounts.driver("d1"),
  accounts.fleet("acme"),
  accounts.guest("p1"),
  accounts.token("04:AB"),
);

const anyEvent: fc.Arbitrary<Posting> = fc
  .record({ amountMinor: amount, taxMinor: amount, currency, payer, which: fc.integer({ min: 0, max: 9 }) })
  .map(({ amountMinor, taxMinor, which, ...rest }) => {
    const event = { reference: `e:${which}`, occurredAt: AT, provider: "stripe", amountMinor, ...rest };
    const all = [
      paymentReceived,
      refund,
      overpaymentRefund,
      chargeback,
      providerFee,
      payout,
      transferReceived,
    ];
    const more = [writeOff, taxRemitted];
    const build = [...all, ...more][which];
    return build?.(event) ?? charge({ ...event, netMinor: amountMinor, taxMinor });
  });

describe("postings", () => {
  test("of every event sum to zero per currency, and may be booked; so does what takes them back", () => {
    fc.assert(
      fc.property(anyEvent, (posting) => {
        const back = reversal(posting, { occurredAt: AT + 1 });
        for (const one of [posting, back]) {
          expect([...sumsOf(one.entries).values()].every((sum) => sum === 0)).toBe(true);
          expect(faultOf(one)).toBeUndefined();
        }
        expect(netEntries([...posting.entries, ...back.entries])).toEqual([]);
      }),
    );
  });

  const event = { reference: "e", occurredAt: AT, currency: "BRL", amountMinor: 700 };
  const ofPayer = { ...event, payer: accounts.driver("d"), provider: "stripe" };
  test.each([
    // What happens, who is debited (above 0), who is credited: as docs/money.md has it.
    ["money comes in at a provider", paymentReceived(ofPayer), "payment", "clearing:stripe", "driver:d"],
    ["money goes back", refund(ofPayer), "refund", "driver:d", "clearing:stripe"],
    [
      "what was too much goes back",
      overpaymentRefund(ofPayer),
      "overpayment-refund",
      "driver:d",
      "clearing:stripe",
    ],
    ["a bank takes it back", chargeback(ofPayer), "chargeback", "driver:d", "clearing:stripe"],
    ["the provider keeps its fee", providerFee(ofPayer), "provider-fee", "fees", "clearing:stripe"],
    ["the provider pays out", payout(ofPayer), "payout", "bank", "clearing:stripe"],
    ["a transfer comes in", transferReceived(ofPayer), "transfer", "bank", "driver:d"],
    ["what will not be paid", writeOff(ofPayer), "write-off", "write-off", "driver:d"],
    ["tax goes to the state", taxRemitted(event), "tax-remittance", "tax", "bank"],
    ["a difference to the payer's benefit", rounding(ofPayer), "rounding", "rounding", "driver:d"],
  ])("%s: the one owes more, the other less, by the whole amount", (_what, posting, kind, debit, credit) => {
    expect(posting.kind).toBe(kind);
    expect(Object.fromEntries(posting.entries.map((e) => [e.account, e.amountMinor]))).toEqual({
      ...{ [debit]: 700, [credit]: -700 },
    });
    const back = reversal(posting, { occurredAt: AT + 1 });
    expect(back).toMatchObject({ kind: "reversal", reference: "reversal:e", reverses: "e" });
    expect(Object.fromEntries(back.entries.map((e) => [e.account, e.amountMinor]))).toEqual({
      ...{ [debit]: -700, [credit]: 700 },
    });
  });

  test("a charge: the payer owes the whole, revenue is the net amount, the rest is tax", () => {
    const event = { reference: "cdr:1", occurredAt: AT, currency: "BRL", payer: accounts.driver("d") };
    expect(charge({ ...event, netMinor: 900, taxMinor: 100 }).entries).toEqual([
      { account: "driver:d", currency: "BRL", amountMinor: 1_000 },
      { account: "revenue", currency: "BRL", amountMinor: -900 },
      { account: "tax", currency: "BRL", amountMinor: -100 },
    ]);
    // No tax: no entry of it. Nothing at all: nothing to book.
    expect(charge({ ...event, netMinor: 900, taxMinor: 0 }).entries).toHaveLength(2);
    expect(charge({ ...event, netMinor: 0, taxMinor: 0 }).entries).toEqual([]);
  });

  test("a guest who pre-paid more than it cost is even after the refund", () => {
    const guest = accounts.guest("p9");
    const event = { occurredAt: AT, currency: "BRL", payer: guest, provider: "mercado-pago" };
    const entries = [
      paymentReceived({ ...event, reference: "payment:p9:paid", amountMinor: 5_000 }),
      charge({ ...event, reference: "cdr:1", netMinor: 3_500, taxMinor: 270 }),
      overpaymentRefund({ ...event, reference: "payment:p9:refund:1", amountMinor: 1_230 }),
      providerFee({ ...event, reference: "payment:p9:fee", amountMinor: 50 }),
      payout({ ...event, reference: "payout:1", amountMinor: 3_720 }),
    ].flatMap((posting) => posting.entries);
    expect(Object.fromEntries(netEntries(entries).map((e) => [e.account, e.amountMinor]))).toEqual({
      bank: 3_720,
      fees: 50,
      revenue: -3_500,
      tax: -270,
    });
  });

  test("rounding may go either way", () => {
    const event = { reference: "r", occurredAt: AT, currency: "BRL", payer: accounts.driver("d") };
    for (const amountMinor of [2, -2]) {
      const { entries } = rounding({ ...event, amountMinor });
      expect(entries.find((e) => e.account === "driver:d")?.amountMinor).toBe(-amountMinor);
    }
  });

  test("what goes below zero is refused: that is another event", () => {
    const event = { reference: "p", occurredAt: AT, currency: "BRL", payer: "guest:1", provider: "stripe" };
    expect(() => paymentReceived({ ...event, amountMinor: -1 })).toThrow(/below 0/);
  });
});

describe("what may not be booked", () => {
  const good = transferReceived({
    ...{ reference: "t", occurredAt: AT, currency: "BRL", payer: "driver:d", amountMinor: 5 },
  });
  const [a, b] = good.entries;
  const first = { account: "bank", currency: "BRL", amountMinor: 5, ...a };
  const second = { account: "driver:d", currency: "BRL", amountMinor: -5, ...b };

  test.each([
    ["sums of another currency", [first, { ...second, currency: "EUR" }], "sum to"],
    [
      "another currency that does not",
      [
        { ...first, currency: "EUR" },
        { ...second, currency: "EUR", amountMinor: -4 },
      ],
      "EUR sum to 1",
    ],
    ["one cent too much", [{ ...first, amountMinor: 6 }, second], "sum to 1"],
    ["half a cent", [{ ...first, amountMinor: 0.5 }, second], "whole number"],
    ["more than can be counted", [{ ...first, amountMinor: 2 ** 53 }, second], "whole number"],
    ["nothing", [{ ...first, amountMinor: 0 }], "moves nothing"],
    ["an account that there is not", [{ ...first, account: "kitty" }, second], "no account"],
    ["a driver without a name", [{ ...first, account: "driver" }, second], "no account"],
    ["revenue with one", [{ ...first, account: "revenue:x" }, second], "no account"],
    ["no currency", [{ ...first, currency: "brl" }, second], "no currency"],
    ["an account twice", [first, first, { ...second, amountMinor: -10 }], "twice"],
  ])("%s", (_name, entries, fault) => {
    expect(faultOf({ ...good, entries })).toContain(fault);
  });

  test("no name, or too long a name", () => {
    expect(faultOf({ ...good, reference: "" })).toContain("1 to 200");
    expect(faultOf({ ...good, reference: "x".repeat(201) })).toContain("1 to 200");
    expect(faultOf(good)).toBeUndefined();
  });
});

test("accounts are read as they are named; ids may hold colons", () => {
  expect(parseAccount(accounts.token("04:AB:CD"))).toEqual({ kind: "token", subject: "04:AB:CD" });
  expect(parseAccount(accounts.writeOff)).toEqual({ kind: "write-off", subject: null });
  expect([accounts.guest("1"), accounts.unassigned("s"), "tax", "clearing:stripe"].map(isPayer)).toEqual([
    ...[true, true, false, false],
  ]);
});

test("entries of one account come together, ordered; what is nothing goes", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ account: payer, currency, amountMinor: fc.integer() })), (entries) => {
      const net = netEntries(entries);
      expect(netEntries([...entries].reverse())).toEqual(net);
      expect(netEntries(net)).toEqual(net);
      for (const [code, sum] of sumsOf(entries)) expect(sumsOf(net).get(code) ?? 0).toBe(sum);
    }),
  );
});
