/**
 * What waits for a person: the kinds of work, what may be done about each, and how an item is named. Pure.
 *
 * Items are derived from the tables (view `review_open`), never written down by the ingest: whatever puts a
 * thing in front of a person does so by being there. Every flag that a projection can set is named here, either
 * as work or as information, so that none is dropped in silence.
 */

/** The most pressing first: an item that is of several kinds is named after its first. */
export const REVIEW_KINDS = [
  "conflicting-stop",
  "orphan-stop",
  "start-missing",
  "stop-missing",
  "matched-by-guess",
  "changed-after-review",
  "time-implausible",
  "schema-violation",
  "unknown-token-debt",
  "command-uncertain",
  "entry-parked",
  "journal-halted",
  "journal-gap",
  "journal-shed",
  "journal-set-aside",
] as const;
export type ReviewKind = (typeof REVIEW_KINDS)[number];

/** In the order in which they are offered. */
export const REVIEW_ACTIONS = [
  "merge",
  "resume-journal",
  "replay",
  "done",
  "not-done",
  "accept",
  "write-off",
  "discard",
] as const;
export type ReviewAction = (typeof REVIEW_ACTIONS)[number];

/** Nothing can be done about it: it is there to be known, and to be put away. */
export const INFORMATION_KINDS: ReadonlySet<ReviewKind> = new Set(["journal-shed", "journal-set-aside"]);

/** Flags of transactions that need a person, and the queue they lead to (`review_kinds` in PostgreSQL). */
export const KIND_OF_FLAG: Readonly<Record<string, ReviewKind>> = {
  "orphan-stop": "orphan-stop",
  "start-missing": "start-missing",
  "conflicting-stop": "conflicting-stop",
  "matched-by-guess": "matched-by-guess",
  "time-implausible": "time-implausible",
  "time-estimated": "time-implausible",
  "schema-violation": "schema-violation",
  "unknown-capped": "unknown-token-debt",
};

/** Flags that are worth knowing and ask for nothing. */
export const INFORMATION_FLAGS: ReadonlySet<string> = new Set([
  "register-fell",
  "stop-below-register",
  "replayed",
  "repeat",
  "revoked",
]);

/** Kinds whose energy belongs to nobody as long as nobody has decided. */
export const UNATTRIBUTED_KINDS: readonly ReviewKind[] = ["orphan-stop", "start-missing"];

const ACTIONS: Record<ReviewKind, readonly ReviewAction[]> = {
  "conflicting-stop": ["accept", "write-off"],
  "orphan-stop": ["merge", "accept", "write-off"],
  "start-missing": ["merge", "accept", "write-off"],
  "stop-missing": ["accept", "write-off"],
  "matched-by-guess": ["accept", "write-off"],
  "changed-after-review": ["accept", "write-off"],
  "time-implausible": ["accept", "write-off"],
  "schema-violation": ["accept", "write-off"],
  "unknown-token-debt": ["accept", "write-off"],
  "command-uncertain": ["done", "not-done"],
  "entry-parked": ["replay", "discard"],
  "journal-halted": ["resume-journal", "accept"],
  "journal-gap": ["accept"],
  "journal-shed": ["accept"],
  "journal-set-aside": ["accept"],
};

/** What makes sense for an item of these kinds. */
export function actionsOf(kinds: readonly ReviewKind[]): ReviewAction[] {
  return REVIEW_ACTIONS.filter((action) => kinds.some((kind) => ACTIONS[kind].includes(action)));
}

/** What an item is about, read from its id (the view makes them). */
export type Subject =
  | { kind: "transaction"; transactionId: string }
  | { kind: "command"; commandId: string }
  | { kind: "parked" | "gap" | "set-aside"; erId: string; journalId: string; seq: number }
  | { kind: "halted" | "shed"; erId: string; journalId: string };

const UUID = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})";
const WHOLE = new RegExp(`^(transaction|command):${UUID}$`);
const OF_JOURNAL = new RegExp(`^(halted|shed):([A-Za-z0-9_-]{1,64}):${UUID}$`);
const OF_ENTRY = new RegExp(`^(parked|gap|set-aside):([A-Za-z0-9_-]{1,64}):${UUID}:(\\d{1,15})$`);

/** undefined: that is no id of an item. */
export function subjectOf(reviewId: string): Subject | undefined {
  const whole = WHOLE.exec(reviewId);
  if (whole?.[2] !== undefined) {
    return whole[1] === "command"
      ? { kind: "command", commandId: whole[2] }
      : { kind: "transaction", transactionId: whole[2] };
  }
  const journal = OF_JOURNAL.exec(reviewId);
  if (journal?.[2] !== undefined && journal[3] !== undefined) {
    return { kind: journal[1] as "halted" | "shed", erId: journal[2], journalId: journal[3] };
  }
  const [, kind, erId, journalId, seq] = OF_ENTRY.exec(reviewId) ?? [];
  if (erId === undefined || journalId === undefined) return undefined;
  return { kind: kind as "parked" | "gap" | "set-aside", erId, journalId, seq: Number(seq) };
}
