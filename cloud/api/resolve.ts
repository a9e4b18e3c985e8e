/**
 * A person decides about a work item: the change, the decision and its audit row, in the caller's transaction.
 *
 * Everybody who decides about an item waits for the others, and for the ingest of its ER; whoever comes second
 * finds it decided. What arrives later still counts: an item comes up again when it changes what was decided.
 */
import type { FastifyRequest } from "fastify";
import { firstChain } from "../../shared/block.ts";
import { subjectOf, type ReviewAction, type Subject } from "../core/review.ts";
import type { Client } from "../db/pool.ts";
import { replayParked } from "../ingest/replay.ts";
import type { Actor } from "./actor.ts";
import { mergeInto } from "./merge-transaction.ts";
import { ApiProblem, notFound } from "./problem.ts";
import type { NewResolution, Review, ReviewDetail, ReviewResolution } from "./review-schemas.ts";
import { ENTRY_CHARS, readOpen, readResolutions, toReviews, type OpenRow } from "./review-view.ts";
import type { LiveEvent } from "./schemas.ts";
import { audit, notifyLive } from "./write.ts";

/** The ingest stores nothing of this ER meanwhile: it takes these rows first as well. */
async function lockJournals(client: Client, erId: string): Promise<void> {
  const sql = "select from journal where er_id = $1 order by journal_id for update";
  await client.query(sql, [erId]);
}

const sameDecision = (first: ReviewResolution, actor: Actor, body: NewResolution): boolean =>
  first.actor === actor.name &&
  first.action === body.action &&
  (first.intoTransactionId ?? undefined) === body.intoTransactionId?.toLowerCase();

/** Nothing is open: it was decided, or went away by itself, or never was. */
async function alreadyDecided(
  client: Client,
  actor: Actor,
  reviewId: string,
  body: NewResolution,
): Promise<ReviewDetail> {
  const resolutions = await readResolutions(client, actor.operatorId, reviewId);
  const [last] = resolutions;
  if (last === undefined) throw notFound("open review", reviewId);
  if (!sameDecision(last, actor, body)) {
    const into = last.intoTransactionId === null ? "" : ` into ${last.intoTransactionId}`;
    const detail = `"${last.actor}" has decided at ${last.at}: ${last.action}${into}`;
    throw new ApiProblem(409, "REVIEW_RESOLVED", detail);
  }
  const { rows } = await client.query<{ item: Review }>(
    `select item from review_resolution where operator_id = $1 and review_id = $2
     order by resolution_id desc limit 1`,
    [actor.operatorId, reviewId],
  );
  if (rows[0] === undefined) throw notFound("review", reviewId);
  return { review: rows[0].item, suggestions: [], resolutions };
}

function checkAction(review: Review, body: NewResolution): void {
  if (!review.actions.includes(body.action)) {
    const possible = `possible: ${review.actions.join(", ")}`;
    const detail = `"${body.action}" makes no sense for ${review.kinds.join(" and ")}; ${possible}`;
    throw new ApiProblem(422, "ACTION_NOT_POSSIBLE", detail);
  }
  if ((body.action === "merge") !== (body.intoTransactionId !== undefined)) {
    throw new ApiProblem(422, "INVALID_TARGET", "intoTransactionId goes with merge, and merge with it");
  }
}

/** "As it stands": what is final now is what was looked at; when that changes, the item comes up again. */
async function acceptTransaction(client: Client, transactionId: string, row: OpenRow, writtenOff: boolean) {
  await client.query(
    `update transaction set written_off = $3,
       reviewed_kinds = array(select distinct k from unnest(reviewed_kinds || $2::text[]) k order by 1),
       reviewed_registers = case when running then null else
         final_registers(meter_start_wh, meter_stop_wh, meter_stop_max_wh, closed_meter_wh, last_energy_wh) end
     where transaction_id = $1`,
    [transactionId, row.kinds, writtenOff],
  );
}

/** The person's word stands until the ER tells what happened. */
async function finishCommand(client: Client, commandId: string, done: boolean, actor: Actor) {
  await client.query(
    `update command set status = $2, finished_at = coalesce(finished_at, now()), reason = $3
     where command_id = $1`,
    [commandId, done ? "succeeded" : "failed", `by the word of ${actor.name}`],
  );
}

type OfJournal = Extract<Subject, { erId: string }>;

async function putAway(client: Client, subject: OfJournal): Promise<void> {
  const where = "where er_id = $1 and journal_id = $2";
  const one = [subject.erId, subject.journalId];
  const set = "set resolved_at = now()";
  switch (subject.kind) {
    case "halted":
      return void (await client.query(`update journal ${set} ${where}`, one));
    case "shed":
      return void (await client.query(`update journal_shed ${set} ${where} and resolved_at is null`, one));
    case "gap":
      return void (await client.query(`update journal_gap ${set} ${where} and first_seq = $3`, [
        ...one,
        subject.seq,
      ]));
    case "set-aside":
      return void (await client.query(`update journal_set_aside ${set} ${where} and seq = $3`, [
        ...one,
        subject.seq,
      ]));
    case "parked":
      return void (await client.query(
        `update parked_entry ${set}, resolution = 'discarded' ${where} and seq = $3`,
        [...one, subject.seq],
      ));
    default:
      throw new Error(`unknown subject ${String(subject)}`);
  }
}

/**
 * The journal is taken again from the oldest entry its ER still has, as a history of its own: what was stored
 * before stays, entries that are the same as stored ones are not stored again, all others are. Where the oldest
 * entry is not one that is known, what lies before it is recorded as a gap.
 */
async function resumeJournal(client: Client, erId: string, journalId: string): Promise<void> {
  await client.query(
    `update journal set halted = null, resolved_at = null, seq = 0, chain = $3, updated_at = now(),
       history = history || coalesce(stored_as, journal_id), stored_as = gen_random_uuid(),
       known_seq = greatest(known_seq, seq)
     where er_id = $1 and journal_id = $2`,
    [erId, journalId, firstChain(journalId)],
  );
}

/** @returns why the item stays open, or undefined when it does not. */
async function act(
  client: Client,
  actor: Actor,
  row: OpenRow,
  subject: Subject,
  body: NewResolution,
): Promise<string | undefined> {
  const action: ReviewAction = body.action;
  if (subject.kind === "transaction") {
    const { transactionId } = subject;
    if (action === "merge")
      await mergeInto(client, actor.operatorId, transactionId, body.intoTransactionId ?? "", row.kinds);
    else await acceptTransaction(client, transactionId, row, action === "write-off");
  } else if (subject.kind === "command") {
    await finishCommand(client, subject.commandId, action === "done", actor);
  } else if (action === "resume-journal") {
    await resumeJournal(client, subject.erId, subject.journalId);
  } else if (action === "replay" && subject.kind === "parked") {
    return replayParked(client, subject);
  } else await putAway(client, subject);
  return undefined;
}

function eventsOf(row: OpenRow, subject: Subject, body: NewResolution): LiveEvent[] {
  const { site_id: siteId, er_id: erId } = row;
  const station = row.station_id === null ? {} : { stationId: row.station_id };
  const events: LiveEvent[] = [{ type: "review", siteId, ...station }];
  if (subject.kind === "transaction") {
    const ids = [
      subject.transactionId,
      ...(body.intoTransactionId === undefined ? [] : [body.intoTransactionId]),
    ];
    for (const transactionId of ids) events.push({ type: "transaction", siteId, ...station, transactionId });
  } else if (subject.kind === "command") {
    events.push({ type: "command", siteId, commandId: subject.commandId });
  } else events.push({ type: "er", siteId, erId });
  return events;
}

/** What the item has become, for those who look at what was decided. */
async function storeResolution(
  client: Client,
  actor: Actor,
  row: OpenRow,
  before: Review,
  body: NewResolution,
): Promise<Review> {
  const [after] = await toReviews(client, [row], ENTRY_CHARS.list);
  const resolution: ReviewResolution = {
    action: body.action,
    actor: actor.name,
    at: new Date().toISOString(),
    note: body.note ?? null,
    intoTransactionId: body.intoTransactionId?.toLowerCase() ?? null,
  };
  const item: Review = {
    ...before,
    transaction: after?.transaction ?? null,
    command: after?.command ?? null,
    ...{ status: "resolved", actions: [], resolution },
  };
  await client.query(
    `insert into review_resolution (operator_id, review_id, kinds, site_id, station_id, action, actor, note,
       into_transaction_id, item, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[actor.operatorId, row.review_id, row.kinds, row.site_id, row.station_id, body.action, actor.name],
      ...[resolution.note, resolution.intoTransactionId, JSON.stringify(item), resolution.at],
    ],
  );
  return item;
}

/**
 * Decides about an item, in the transaction of the client.
 * @throws ApiProblem 404 NOT_FOUND, 409 REVIEW_RESOLVED and those of a merge, 422 ACTION_NOT_POSSIBLE,
 * INVALID_TARGET.
 */
export async function resolveReview(
  client: Client,
  actor: Actor,
  request: FastifyRequest,
  reviewId: string,
  body: NewResolution,
): Promise<ReviewDetail> {
  const subject = subjectOf(reviewId);
  if (subject === undefined) throw notFound("review", reviewId);
  await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`sg.review ${reviewId}`]);
  const seen = await readOpen(client, actor.operatorId, reviewId);
  if (seen === undefined) return alreadyDecided(client, actor, reviewId, body);
  await lockJournals(client, seen.er_id);
  // Again: the ingest may have been at it until now.
  const row = await readOpen(client, actor.operatorId, reviewId);
  if (row === undefined) return alreadyDecided(client, actor, reviewId, body);
  const [before] = await toReviews(client, [row], ENTRY_CHARS.list);
  if (before === undefined) throw notFound("review", reviewId);
  checkAction(before, body);

  const failure = await act(client, actor, row, subject, body);
  const detail = { ...body, kinds: row.kinds, ...(failure === undefined ? {} : { failure }) };
  await audit(client, actor, request, `review.${body.action}`, reviewId, detail);
  await notifyLive(client, actor.operatorId, eventsOf(row, subject, body));
  if (failure !== undefined) {
    const [still = before] = await toReviews(client, [row], ENTRY_CHARS.list);
    const resolutions = await readResolutions(client, actor.operatorId, reviewId);
    return { review: still, suggestions: [], resolutions };
  }
  const review = await storeResolution(client, actor, row, before, body);
  const resolutions = await readResolutions(client, actor.operatorId, reviewId);
  return { review, suggestions: [], resolutions };
}
