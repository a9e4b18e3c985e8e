/**
 * Work that waits for a person: how each kind looks and how pressing an answer to it is. Pure; the words are
 * in the message files under the same names.
 */
import type { Review } from "../../api/review-schemas.ts";
import type { IconName } from "./state.ts";

export type ReviewKind = Review["kind"];
export type ReviewAction = Review["actions"][number];

export const KIND_ICON: Record<ReviewKind, IconName> = {
  "conflicting-stop": "alert",
  "orphan-stop": "question",
  "start-missing": "question",
  "stop-missing": "question",
  "matched-by-guess": "question",
  "changed-after-review": "alert",
  "time-implausible": "clock",
  "schema-violation": "alert",
  "unknown-token-debt": "block",
  "command-uncertain": "send",
  "entry-parked": "pause",
  "journal-halted": "alert",
  "journal-gap": "alert",
  "journal-shed": "out",
  "journal-set-aside": "out",
};

export const isReviewKind = (text: string): text is ReviewKind => Object.hasOwn(KIND_ICON, text);

/** Energy or an entry is given up for good: asked in red. */
export const isFinal = (action: ReviewAction) => action === "write-off" || action === "discard";

/** Putting away what is only to be known has another word than accepting what a bill will stand on. */
export const actionWord = (review: Review, action: ReviewAction): ReviewAction | "know" =>
  action === "accept" && review.journal !== null ? "know" : action;

/** What a person may do first; the rest stands beside it. Merging comes first only where there is a match. */
export function mainAction(review: Review, suggestions: number): ReviewAction | undefined {
  const [first, ...rest] = review.actions.filter((action) => !isFinal(action));
  return first === "merge" && suggestions === 0 ? (rest[0] ?? first) : first;
}
