/**
 * Work items as the API tells them: rows of `review_open` with what they are about, and what was decided before.
 *
 * A page of items costs a handful of statements, however many items it has.
 */
import {
  actionsOf,
  INFORMATION_KINDS,
  subjectOf,
  UNATTRIBUTED_KINDS,
  type ReviewAction,
  type ReviewKind,
  type Subject,
} from "../core/review.ts";
import type { Queryable } from "../db/pool.ts";
import { isoOf } from "./page.ts";
import type { Review, ReviewJournal, ReviewResolution } from "./review-schemas.ts";
import { COMMAND_COLUMNS, toCommand, type CommandRow } from "./routes/commands.ts";
import type { CommandView, Transaction } from "./schemas.ts";
import { toTransaction, TRANSACTION_COLUMNS, type TransactionRow } from "./transaction-view.ts";

/** Characters of a parked entry in a list, and alone: the largest frame there is, and its head. */
export const ENTRY_CHARS = { list: 2_000, alone: 2_000_000 } as const;

const RESOLUTIONS_MAX = 20;

export type OpenRow = {
  review_id: string;
  kinds: ReviewKind[];
  operator_id: string;
  site_id: string;
  er_id: string;
  station_id: string | null;
  at: Date;
};

type ResolutionRow = {
  review_id: string;
  action: ReviewAction;
  actor: string;
  at: Date;
  note: string | null;
  into_transaction_id: string | null;
};

const toResolution = (r: ResolutionRow): ReviewResolution => ({
  action: r.action,
  actor: r.actor,
  at: isoOf(r.at),
  note: r.note,
  intoTransactionId: r.into_transaction_id,
});

/** The item, where it waits for somebody now. */
export async function readOpen(
  db: Queryable,
  operatorId: string,
  reviewId: string,
): Promise<OpenRow | undefined> {
  const { rows } = await db.query<OpenRow>(
    "select * from review_open where operator_id = $1 and review_id = $2",
    [operatorId, reviewId],
  );
  return rows[0];
}

/** Decisions about an item, newest first. */
export async function readResolutions(
  db: Queryable,
  operatorId: string,
  reviewId: string,
): Promise<ReviewResolution[]> {
  const { rows } = await db.query<ResolutionRow>(
    `select * from review_resolution where operator_id = $1 and review_id = $2
     order by resolution_id desc limit ${RESOLUTIONS_MAX}`,
    [operatorId, reviewId],
  );
  return rows.map(toResolution);
}

/** $1 subjects, $2 characters of an entry. `current`: the ER writes this journal now. */
const JOURNALS = `
  with s as (select * from json_to_recordset($1::json) as r("reviewId" text, kind text, "erId" text,
    "journalId" uuid, seq bigint))
  select s."reviewId", p.journal_id, p.seq as first_seq, p.seq as last_seq, 1::bigint as entries, p.reason,
    left(p.entry, $2) as entry, null as file, false as current
  from s join parked_entry p on s.kind = 'parked'
    and (p.er_id, p.journal_id, p.seq) = (s."erId", s."journalId", s.seq)
  union all
  select s."reviewId", g.journal_id, g.first_seq, g.last_seq, g.last_seq - g.first_seq + 1, null, null, null, false
  from s join journal_gap g on s.kind = 'gap'
    and (g.er_id, g.journal_id, g.first_seq) = (s."erId", s."journalId", s.seq)
  union all
  select s."reviewId", a.journal_id, null, a.old_last_seq, null, a.reason, null, a.file, false
  from s join journal_set_aside a on s.kind = 'set-aside'
    and (a.er_id, a.journal_id, a.seq) = (s."erId", s."journalId", s.seq)
  union all
  select s."reviewId", j.journal_id, null, j.seq, null, j.halted, null, null, e.journal_id = j.journal_id
  from s join journal j on s.kind = 'halted' and (j.er_id, j.journal_id) = (s."erId", s."journalId")
    join er e on e.er_id = j.er_id
  union all
  select s."reviewId", s."journalId", min(h.seq), max(h.seq), sum(h.entries)::bigint,
    'one reading kept every ' || max(h.kept_every_s) || ' s', null, null, false
  from s join journal_shed h on s.kind = 'shed' and (h.er_id, h.journal_id) = (s."erId", s."journalId")
    and h.resolved_at is null
  group by s."reviewId", s."journalId"`;

type JournalRow = {
  reviewId: string;
  journal_id: string;
  first_seq: number | null;
  last_seq: number | null;
  entries: number | null;
  reason: string | null;
  entry: string | null;
  file: string | null;
  current: boolean;
};

const toJournal = (r: JournalRow): ReviewJournal => ({
  journalId: r.journal_id,
  firstSeq: r.first_seq,
  lastSeq: r.last_seq,
  entries: r.entries,
  reason: r.reason,
  entry: r.entry,
  file: r.file,
});

type About = {
  transactions: Map<string, Transaction>;
  commands: Map<string, CommandView>;
  journals: Map<string, JournalRow>;
  resolutions: Map<string, ReviewResolution>;
};

async function readAbout(
  db: Queryable,
  operatorId: string,
  subjects: ReadonlyMap<string, Subject>,
  entryChars: number,
): Promise<About> {
  const about: About = {
    transactions: new Map(),
    commands: new Map(),
    journals: new Map(),
    resolutions: new Map(),
  };
  const transactionIds: string[] = [];
  const commandIds: string[] = [];
  const journals: object[] = [];
  for (const [reviewId, subject] of subjects) {
    if (subject.kind === "transaction") transactionIds.push(subject.transactionId);
    else if (subject.kind === "command") commandIds.push(subject.commandId);
    else journals.push({ reviewId, ...subject });
  }
  if (transactionIds.length > 0) {
    const sql = `select ${TRANSACTION_COLUMNS} from transaction t where t.transaction_id = any($1)`;
    const { rows } = await db.query<TransactionRow>(sql, [transactionIds]);
    for (const row of rows) about.transactions.set(row.transaction_id, toTransaction(row));
  }
  if (commandIds.length > 0) {
    const sql = `select ${COMMAND_COLUMNS} from command c where c.command_id = any($1)`;
    const { rows } = await db.query<CommandRow>(sql, [commandIds]);
    for (const row of rows) about.commands.set(row.command_id, toCommand(row));
  }
  if (journals.length > 0) {
    const { rows } = await db.query<JournalRow>(JOURNALS, [JSON.stringify(journals), entryChars]);
    for (const row of rows) about.journals.set(row.reviewId, row);
  }
  const { rows } = await db.query<ResolutionRow>(
    `select distinct on (review_id) * from review_resolution where operator_id = $1 and review_id = any($2)
     order by review_id, resolution_id desc`,
    [operatorId, [...subjects.keys()]],
  );
  for (const row of rows) about.resolutions.set(row.review_id, toResolution(row));
  return about;
}

/** What of it can be done now. */
function possible(row: OpenRow, transaction: Transaction | null, journal: JournalRow | undefined) {
  // An orphan stays one, also when it is something else that brought it up again.
  const orphan = UNATTRIBUTED_KINDS.filter((kind) => transaction?.flags.includes(kind));
  const actions = actionsOf([...row.kinds, ...orphan]);
  if (transaction?.status === "active") return actions.filter((action) => action === "accept");
  if (row.kinds[0] !== "journal-halted") return actions;
  // What is still being written cannot be put away, what is not cannot be taken again.
  return actions.filter((action) => action === (journal?.current === true ? "resume-journal" : "accept"));
}

/** Open items of one operator with everything they are about, in the same order. */
export async function toReviews(
  db: Queryable,
  rows: readonly OpenRow[],
  entryChars: number,
): Promise<Review[]> {
  const [first] = rows;
  if (first === undefined) return [];
  const subjects = new Map(
    rows.flatMap((row) => {
      const subject = subjectOf(row.review_id);
      return subject === undefined ? [] : [[row.review_id, subject] as const];
    }),
  );
  const about = await readAbout(db, first.operator_id, subjects, entryChars);
  return rows.map((row) => {
    const subject = subjects.get(row.review_id);
    const transaction =
      subject?.kind === "transaction" ? (about.transactions.get(subject.transactionId) ?? null) : null;
    const command = subject?.kind === "command" ? (about.commands.get(subject.commandId) ?? null) : null;
    const journal = about.journals.get(row.review_id);
    return {
      reviewId: row.review_id,
      status: "open",
      kind: row.kinds[0] ?? "changed-after-review",
      kinds: row.kinds,
      information: row.kinds.every((kind) => INFORMATION_KINDS.has(kind)),
      at: isoOf(row.at),
      operatorId: row.operator_id,
      siteId: row.site_id,
      erId: row.er_id,
      stationId: row.station_id,
      transaction,
      command,
      journal: journal === undefined ? null : toJournal(journal),
      actions: possible(row, transaction, journal),
      resolution: about.resolutions.get(row.review_id) ?? null,
    };
  });
}
