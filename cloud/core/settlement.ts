/**
 * What a provider's own books say of a payment: what it keeps for its service, and what the money became where
 * the account there is kept in another currency.
 *
 * One record per entry of those books, by its id. Of each the newest word counts; where nobody says when, the
 * highest fee. So the same words in any order and number end in the same records, and what is to be booked is
 * the difference between two of them. Nothing here knows of a ledger.
 */

export type Settlement = {
  /** What has caused it. A payment whose money came has one of `charge` sooner or later, be its fee 0. */
  of: "charge" | "refund" | "dispute";
  /** In which the provider keeps its books. */
  currency: string;
  /** Kept by the provider; below 0: given back by it. */
  feeMinor: number;
  /** Where it is another currency than the payment's: what left the one, what came in the other; below 0: back. */
  exchanged?: { fromMinor: number; toMinor: number };
  /** When the provider last changed its word; 0 where it never does. */
  atMs: number;
};

export type SettlementFact = Omit<Settlement, "atMs"> & { entryId: string; atMs?: number };
export type Settlements = Readonly<Record<string, Settlement>>;

/** An entry that is there now, or says something else than before. */
export type SettlementMove = { entryId: string; settlement: Settlement };

/** All that it says but when. */
const textOf = ({ of, currency, feeMinor, exchanged }: Settlement): string =>
  [of, currency, feeMinor, exchanged?.fromMinor, exchanged?.toMinor].join(" ");

/** Above 0: `a` counts more. Any two that differ have an order. */
function compare(a: Settlement, b: Settlement): number {
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  if (a.feeMinor !== b.feeMinor) return a.feeMinor - b.feeMinor;
  return textOf(a) === textOf(b) ? 0 : textOf(a) > textOf(b) ? 1 : -1;
}

/** The records after one more message, and those of them that are new or say something else than before. */
export function mergeSettlements(
  known: Settlements,
  told: readonly SettlementFact[],
): { settlements: Settlements; moves: SettlementMove[] } {
  const changed = new Map<string, Settlement>();
  for (const { entryId, ...fact } of told) {
    const settlement: Settlement = { ...fact, atMs: fact.atMs ?? 0 };
    const before = changed.get(entryId) ?? (Object.hasOwn(known, entryId) ? known[entryId] : undefined);
    if (before === undefined || compare(settlement, before) > 0) changed.set(entryId, settlement);
  }
  if (changed.size === 0) return { settlements: known, moves: [] };
  const says = (settlement: Settlement | undefined) => settlement && textOf(settlement);
  return {
    settlements: { ...known, ...Object.fromEntries(changed) },
    // The same word, said later, moves nothing.
    moves: [...changed]
      .map(([entryId, settlement]) => ({ entryId, settlement }))
      .filter(({ entryId, settlement }) => says(known[entryId]) !== textOf(settlement)),
  };
}

/** The provider has said what it keeps of the charge: until then its fee is not known. */
export const isSettled = (settlements: Settlements): boolean =>
  Object.values(settlements).some((settlement) => settlement.of === "charge");

/** What is kept of a payment, per currency. */
export function feesOf(settlements: Settlements): { currency: string; feeMinor: number }[] {
  const sums = new Map<string, number>();
  for (const { currency, feeMinor } of Object.values(settlements))
    sums.set(currency, (sums.get(currency) ?? 0) + feeMinor);
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, feeMinor]) => ({ currency, feeMinor }));
}

/** What is kept in the payment's own currency; undefined: not known yet. */
export const feeMinorIn = (settlements: Settlements, currency: string): number | undefined =>
  isSettled(settlements)
    ? (feesOf(settlements).find((fee) => fee.currency === currency)?.feeMinor ?? 0)
    : undefined;
