/** Kinds of accounts of the ledger. Apart from their words, so that the routes stay small. Pure. */
export const ACCOUNT_KINDS = [
  ...(["driver", "fleet", "token", "guest", "unassigned"] as const),
  ...(["revenue", "tax", "clearing", "bank", "fees", "write-off", "rounding", "exchange"] as const),
] as const;
export type AccountKind = (typeof ACCOUNT_KINDS)[number];
