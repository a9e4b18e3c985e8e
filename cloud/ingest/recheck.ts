/**
 * Times that turn out to be doubtful: when an ER learns what time it is, the stamps of its stations since its
 * start are looked at again. Nothing is rewritten; a transaction whose stamps fit neither to the ER's clock
 * nor to the true time is put in front of a person.
 */
import type { ClockRow, EntryTime } from "../core/changes.ts";
import { correctionMs, seenTime } from "../core/time.ts";
import type { Client } from "../db/pool.ts";

type Row = {
  transaction_id: string;
  start_time: EntryTime | null;
  end_time: EntryTime | null;
  start_zero: number | null;
  end_zero: number | null;
};

/** Transactions that began or ended under the boots of the given corrections, and are not doubted yet. */
const CANDIDATES = `
  with boots as (
    select b.first_seq, (select min(n.first_seq) from er_boot n where n.er_id = b.er_id
      and n.journal_id = b.journal_id and n.first_seq > b.first_seq) as next_seq
    from er_boot b where b.er_id = $1 and b.journal_id = $2
      and b.first_seq = any(select c.first_seq from er_clock c where c.er_id = $1 and c.journal_id = $2
                              and c.seq = any($3::bigint[]))
      -- Most clocks are right all the time: nothing to look at.
      and (abs(b.offset_ms) > 5000 or abs(er_zero_ms($1, $2, b.first_seq, b.up_ms) + b.up_ms
             - extract(epoch from b.started_at)::float8 * 1000) > 5000)
  )
  select t.transaction_id, t.start_time, t.end_time,
    er_zero_ms($1, $2, (t.start_time->>'seq')::bigint, (t.start_time->>'upMs')::bigint) as start_zero,
    er_zero_ms($1, $2, (t.end_time->>'seq')::bigint, (t.end_time->>'upMs')::bigint) as end_zero
  from transaction t
  where t.er_id = $1 and t.journal_id = $2 and not t.time_doubt
    and greatest((t.start_time->>'seq')::bigint, (t.end_time->>'seq')::bigint)
      >= (select min(first_seq) from boots)
    and exists (
      select from boots b, unnest(array[(t.start_time->>'seq')::bigint, (t.end_time->>'seq')::bigint]) s
      where s >= b.first_seq and s < coalesce(b.next_seq, 'infinity'::float8))`;

function doubtful(time: (EntryTime & { from?: string }) | null, zeroMs: number | null): boolean {
  if (time === null || time.stamp === undefined || time.from !== undefined) return false;
  const clock = { at: time.at, upMs: time.upMs, zeroMs };
  // (`from`: an end that came by a merge was told in another journal, and looked at by a person.)
  // Without a correction the ER has judged the stamp itself.
  return correctionMs(clock) !== 0 && seenTime(time.at, time.stamp, clock).quality === "estimated";
}

/** @param clocks what was learned in this batch, stored already. */
export async function recheckTimes(
  client: Client,
  erId: string,
  journalId: string,
  clocks: readonly ClockRow[],
): Promise<void> {
  const { rows } = await client.query<Row>(CANDIDATES, [erId, journalId, clocks.map((clock) => clock.seq)]);
  const found = rows.filter((r) => doubtful(r.start_time, r.start_zero) || doubtful(r.end_time, r.end_zero));
  if (found.length === 0) return;
  await client.query("update transaction set time_doubt = true where transaction_id = any($1)", [
    found.map((row) => row.transaction_id),
  ]);
}
