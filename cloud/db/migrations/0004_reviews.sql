-- Work queues: what needs a person, derived from the tables, and what people decided.

-- Registers by which a transaction is billed: start, end, and the highest end where stops conflict.
create function final_registers(meter_start bigint, meter_stop bigint, meter_stop_max bigint, closed_meter bigint,
  last_energy bigint) returns bigint[] language sql immutable parallel safe as $$
  select array[meter_start, coalesce(meter_stop, greatest(closed_meter, last_energy)),
    coalesce(meter_stop_max, meter_stop, greatest(closed_meter, last_energy))]
$$;

-- Why a person must look at a transaction, the most pressing first, without what one has decided already.
-- The kinds and the flags that lead to them: cloud/core/review.ts.
create function review_kinds(flags text[], reviewed text[], time_doubt boolean, ended boolean, closed boolean,
  changed boolean) returns text[] language sql immutable parallel safe as $$
  select array_remove(array[
    case when 'conflicting-stop' = any (flags) and 'conflicting-stop' <> all (reviewed)
         then 'conflicting-stop' end,
    case when 'orphan-stop' = any (flags) and 'orphan-stop' <> all (reviewed) then 'orphan-stop' end,
    case when 'start-missing' = any (flags) and 'start-missing' <> all (reviewed) then 'start-missing' end,
    case when closed and not ended and 'stop-missing' <> all (reviewed) then 'stop-missing' end,
    case when 'matched-by-guess' = any (flags) and 'matched-by-guess' <> all (reviewed)
         then 'matched-by-guess' end,
    case when changed and (ended or closed) then 'changed-after-review' end,
    case when (time_doubt or 'time-implausible' = any (flags)
               -- Of an orphan, and while it runs, an estimate is no news.
               or ('time-estimated' = any (flags) and (ended or closed) and not flags && '{orphan-stop,start-missing}'))
              and 'time-implausible' <> all (reviewed) then 'time-implausible' end,
    case when 'schema-violation' = any (flags) and 'schema-violation' <> all (reviewed)
         then 'schema-violation' end,
    case when 'unknown-capped' = any (flags) and (ended or closed) and 'unknown-token-debt' <> all (reviewed)
         then 'unknown-token-debt' end
  ], null)
$$;

alter table transaction
  -- What a person has looked at, and the registers that were final then.
  add reviewed_kinds text[] not null default '{}',
  add reviewed_registers bigint[];
alter table transaction add review_kinds text[] not null generated always as (
  review_kinds(flags, reviewed_kinds, time_doubt, ended_at is not null, closed_at is not null,
    reviewed_registers is not null and reviewed_registers is distinct from
      final_registers(meter_start_wh, meter_stop_wh, meter_stop_max_wh, closed_meter_wh, last_energy_wh))
) stored;
drop index transaction_review;
drop index transaction_debt;
create index transaction_review on transaction (operator_id, started_at desc)
  where review_kinds <> '{}' or (ended_unseen and ended_at is null and closed_at is null);

-- When a person put it away.
alter table journal_gap add resolved_at timestamptz;
alter table journal_shed add resolved_at timestamptz;
alter table journal_set_aside add resolved_at timestamptz;
alter table journal
  add resolved_at timestamptz,
  -- A halted journal that was taken again from its oldest entry on: its rows have this journal_id …
  add stored_as uuid,
  -- … these are the ones before it, and up to this number their entries may come again.
  add history uuid[] not null default '{}',
  add known_seq bigint not null default 0;

create index parked_entry_open on parked_entry (operator_id, parked_at desc) where resolved_at is null;
create index journal_gap_open on journal_gap (operator_id) where resolved_at is null;
create index journal_shed_open on journal_shed (operator_id) where resolved_at is null;
create index journal_set_aside_open on journal_set_aside (operator_id) where resolved_at is null;

drop table review_resolution;
create table review_resolution (
  resolution_id bigint generated always as identity primary key,
  operator_id text not null references operator,
  review_id text not null,
  kinds text[] not null,
  site_id text not null,
  station_id text,
  action text not null,
  actor text not null,
  note text,
  into_transaction_id uuid,
  -- What it was about, as the API told it then.
  item json not null,
  at timestamptz not null default now()
);
create index review_resolution_item on review_resolution (operator_id, review_id, resolution_id desc);
create index review_resolution_list on review_resolution (operator_id, resolution_id desc);

-- Everything that waits for somebody now.
create view review_open as
  select 'transaction:' || t.transaction_id as review_id, k.kinds, t.operator_id, t.site_id, t.er_id, t.station_id,
    coalesce(t.ended_at, t.closed_at, t.started_at) as at
  from transaction t
  cross join lateral (
    select t.review_kinds || case when t.ended_unseen and t.ended_at is null and t.closed_at is null
      and 'stop-missing' <> all (t.reviewed_kinds)
      -- Its history has drained and did not hold the end, or will never come: the station has another ER now.
      and (exists (select from er e left join journal j on j.er_id = e.er_id and j.journal_id = e.journal_id
                     where e.er_id = t.er_id and coalesce(j.seq, 0) >= e.snapshot_seq)
        or exists (select from station s where s.station_id = t.station_id and s.er_id <> t.er_id))
      then '{stop-missing}'::text[] else '{}' end as kinds
  ) k
  where (t.review_kinds <> '{}' or (t.ended_unseen and t.ended_at is null and t.closed_at is null))
    and k.kinds <> '{}'
  union all
  select 'command:' || command_id, '{command-uncertain}', operator_id, site_id, er_id, station_id,
    coalesce(finished_at, issued_at)
  from command where status = 'uncertain'
  union all
  select format('parked:%s:%s:%s', p.er_id, p.journal_id, p.seq), '{entry-parked}', p.operator_id, e.site_id,
    p.er_id, s.station_id, p.parked_at
  from parked_entry p join er e using (er_id)
  left join station s on s.site_id = e.site_id
    and s.identity = substring(left(p.entry, 2000) from '"stationId":"([^"\\]+)"')
  where p.resolved_at is null
  union all
  select format('halted:%s:%s', j.er_id, j.journal_id), '{journal-halted}', j.operator_id, e.site_id, j.er_id, null,
    j.updated_at
  from journal j join er e using (er_id)
  -- What was put away comes back when its ER writes that journal again.
  where j.halted is not null and (j.resolved_at is null or e.journal_id = j.journal_id)
  union all
  select format('gap:%s:%s:%s', g.er_id, g.journal_id, g.first_seq), '{journal-gap}', g.operator_id, e.site_id,
    g.er_id, null, g.found_at
  from journal_gap g join er e using (er_id) where g.resolved_at is null
  union all
  select format('shed:%s:%s', h.er_id, h.journal_id), '{journal-shed}', h.operator_id, e.site_id, h.er_id, null,
    max(h.first_at)
  from journal_shed h join er e using (er_id) where h.resolved_at is null
  group by h.er_id, h.journal_id, h.operator_id, e.site_id
  union all
  select format('set-aside:%s:%s:%s', a.er_id, a.journal_id, a.seq), '{journal-set-aside}', a.operator_id, e.site_id,
    a.er_id, null, a.at
  from journal_set_aside a join er e using (er_id) where a.resolved_at is null;
