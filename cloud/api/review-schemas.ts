/** The nouns of the work queues, as JSON Schema. Like `schemas.ts`, and no code here either. */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";
import { REVIEW_ACTIONS, REVIEW_KINDS, type ReviewAction, type ReviewKind } from "../core/review.ts";
import type { CommandView, Transaction } from "./schemas.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Wh = Type.Integer();

export const ReviewKindName = OneOf([...REVIEW_KINDS]);
export const ReviewActionName = OneOf([...REVIEW_ACTIONS]);

/** What a person decided. */
export const ReviewResolution = Type.Object(
  {
    action: ReviewActionName,
    /** Name of the API key. */
    actor: Type.String(),
    at: Time,
    note: Nullable(Type.String()),
    intoTransactionId: Nullable(Type.String()),
  },
  { $id: "ReviewResolution" },
);
export type ReviewResolution = Omit<Static<typeof ReviewResolution>, "action"> & { action: ReviewAction };

/** Part of an ER's journal that needs a person: a parked entry, a gap, what was shed or set aside, a halt. */
export const ReviewJournal = Type.Object(
  {
    journalId: Type.String(),
    /** The entries it is about; null where it is about the whole journal. */
    firstSeq: Nullable(Type.Integer()),
    lastSeq: Nullable(Type.Integer()),
    /** How many entries that are. */
    entries: Nullable(Type.Integer()),
    reason: Nullable(Type.String()),
    /** Text of a parked entry, cut in lists; base64 of a block that could not be read. */
    entry: Nullable(Type.String()),
    /** Of a journal that was set aside: its file in the data folder of the ER. */
    file: Nullable(Type.String()),
  },
  { $id: "ReviewJournal" },
);
export type ReviewJournal = Static<typeof ReviewJournal>;

export const Review = Type.Object(
  {
    /** `transaction:…`, `command:…`, `parked:…`, `halted:…`, `gap:…`, `shed:…`, `set-aside:…` */
    reviewId: Type.String(),
    status: OneOf(["open", "resolved"]),
    /** The most pressing of `kinds`. */
    kind: ReviewKindName,
    kinds: Type.Array(ReviewKindName),
    /** There is nothing to do but to know it: `accept` puts it away. */
    information: Type.Boolean(),
    /** When what it is about happened. */
    at: Time,
    operatorId: Type.String(),
    siteId: Type.String(),
    erId: Type.String(),
    stationId: Nullable(Type.String()),
    /** What it is about, as it is now, or was when it was decided. One of the three is not null. */
    transaction: Nullable(Type.Ref("Transaction")),
    command: Nullable(Type.Ref("Command")),
    journal: Nullable(Type.Ref("ReviewJournal")),
    /** What may be done about it now; empty when it is resolved. */
    actions: Type.Array(ReviewActionName),
    /** The last decision about it; an open one that has a resolution came up again. */
    resolution: Nullable(Type.Ref("ReviewResolution")),
  },
  { $id: "Review" },
);
export type Review = Omit<
  Static<typeof Review>,
  "kind" | "kinds" | "actions" | "transaction" | "command" | "journal" | "resolution"
> & {
  kind: ReviewKind;
  kinds: ReviewKind[];
  actions: ReviewAction[];
  transaction: Transaction | null;
  command: CommandView | null;
  journal: ReviewJournal | null;
  resolution: ReviewResolution | null;
};

/** A transaction that an orphan may belong to. */
export const ReviewSuggestion = Type.Object(
  {
    transaction: Type.Ref("Transaction"),
    /**
     * `same-id`: the station gave the same id, before its ER began another journal; `open`: its stop is missing;
     * `ended`: it has a stop of its own, which stays. All of them fit by time and register.
     */
    reason: OneOf(["same-id", "open", "ended"]),
    /** Its energy with the end of the orphan; null where a register is unknown. */
    energyWhAfter: Nullable(Wh),
  },
  { $id: "ReviewSuggestion" },
);
export type ReviewSuggestion = {
  transaction: Transaction;
  reason: "same-id" | "open" | "ended";
  energyWhAfter: number | null;
};

export const ReviewDetail = Type.Object(
  {
    review: Type.Ref("Review"),
    /** Where an orphan may belong, the likeliest first. Empty for everything else. */
    suggestions: Type.Array(Type.Ref("ReviewSuggestion")),
    /** Every decision about it, newest first; at most 20. */
    resolutions: Type.Array(Type.Ref("ReviewResolution")),
  },
  { $id: "ReviewDetail" },
);
export type ReviewDetail = {
  review: Review;
  suggestions: ReviewSuggestion[];
  resolutions: ReviewResolution[];
};

export const ReviewSummary = Type.Object(
  {
    /** Items that wait for somebody, without those that are only information. */
    open: Type.Integer(),
    /** Every kind, in the order in which they press. An item of several kinds is counted in each. */
    kinds: Type.Array(
      Type.Object({ kind: ReviewKindName, open: Type.Integer(), information: Type.Boolean() }),
    ),
    /** Energy of orphans and of transactions without a start about which nobody has decided. */
    unattributedWh: Wh,
    /** … and how many of them there are whose energy cannot be told. */
    unattributedUnknown: Type.Integer(),
  },
  { $id: "ReviewSummary" },
);
export type ReviewSummary = {
  open: number;
  kinds: { kind: ReviewKind; open: number; information: boolean }[];
  unattributedWh: number;
  unattributedUnknown: number;
};

export const NewResolution = Type.Object(
  {
    action: ReviewActionName,
    /** With `merge`: the transaction that the orphan belongs to, of the same station. */
    intoTransactionId: Type.Optional(
      Type.String({ pattern: "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$" }),
    ),
    note: Type.Optional(Type.String({ maxLength: 1_000 })),
  },
  { $id: "NewResolution", additionalProperties: false },
);
export type NewResolution = { action: ReviewAction; intoTransactionId?: string; note?: string };
