/** What a driver is told of its payments: pure parts. */
import { expect, test } from "vitest";
import type { OwnPayment } from "../../api/own-schemas.ts";
import { lookAgainMs, owedIn } from "./own-payments.ts";

test("what is still open is owed on whatever account", () => {
  const debts = [
    { currency: "BRL", owedMinor: 100 },
    { currency: "BRL", owedMinor: 1_300 },
    { currency: "EUR", owedMinor: 7 },
  ];
  expect([owedIn(debts, "BRL"), owedIn(debts, "EUR"), owedIn(debts, "USD")]).toEqual([1_400, 7, 0]);
});

test("looked at soon while it is open, later while money goes back, else not", () => {
  const of = (open: boolean, refundPendingMinor: number) =>
    lookAgainMs({ open, refundPendingMinor } as OwnPayment);
  expect([of(true, 0), of(false, 5), of(false, 0)]).toEqual([2_000, 15_000, false]);
});
