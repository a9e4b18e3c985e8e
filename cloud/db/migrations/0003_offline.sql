-- Rules by which a site decides alone, the key that signs them, and what the ERs tell of themselves.

alter table site drop constraint site_unknown_token_check;
alter table site
  add check (unknown_token in ('allow', 'cap', 'deny')),
  -- Bounds of what unknown tokens may take (rule cap), and what becomes of a running transaction whose token is revoked.
  add unknown_cap json not null
    default '{"energyWh": 10000, "durationS": 14400, "startsPerDay": 2, "siteEnergyWhPerDay": 200000}',
  add revocation json not null default '{"rule": "finish", "energyWh": 2000}',
  -- Current that a station may give when nobody governs it.
  add default_limit_a integer check (default_limit_a between 6 and 500),
  -- Age of the cloud's last word from which the site's policy counts as stale, and as old.
  add stale_after_s integer not null default 900 check (stale_after_s >= 60),
  add old_after_s integer not null default 259200 check (old_after_s >= 60),
  -- Tokens leave the cloud as hashes salted with this: a stolen box gives away no list of cards.
  add policy_salt text not null default replace(gen_random_uuid()::text, '-', '');

alter table id_token
  -- Where it may charge: null is everywhere. Both, where both are given.
  add site_ids text[],
  add station_ids text[],
  -- Charges on although the site's policy has become old.
  add trusted boolean not null default false,
  add max_concurrent integer check (max_concurrent between 1 and 100),
  add max_energy_wh bigint check (max_energy_wh > 0);

-- The key that signs policies: the one activated last. Without private_key, that is in a file of the SG.
create table signing_key (
  public_key text primary key,
  private_key text,
  created_at timestamptz not null default now(),
  activated_at timestamptz not null default now()
);

-- Blocks of 1000 ids, as of transactions. Profiles begin above those that the ERs make for themselves.
create sequence reservation_id_block maxvalue 1073741 no cycle;
create sequence profile_id_block maxvalue 1073641 no cycle;

-- The tokens used at a site of late, and how many run there now.
create index transaction_token on transaction (site_id, lower(id_token), started_at desc);

-- Station's clock minus its ER's best time, as last measured.
alter table station add clock_skew_ms bigint;

-- How the box is: the last word of it, and its history.
alter table er add gauges json, add gauges_at timestamptz;
create table er_health (
  er_id text not null references er,
  journal_id uuid not null,
  seq bigint not null,
  operator_id text not null references operator,
  at timestamptz not null,
  gauges json not null,
  primary key (er_id, journal_id, seq)
);
create index er_health_series on er_health (er_id, at desc);
create index er_health_at on er_health using brin (at);

-- Starts of an ER's program: entries from first_seq up to the next start belong to it.
create table er_boot (
  er_id text not null references er,
  journal_id uuid not null,
  first_seq bigint not null,
  operator_id text not null references operator,
  boot uuid not null,
  started_at timestamptz not null,
  up_ms bigint not null,
  clock text not null,
  -- True time minus the ER's, as last told, and by whom.
  offset_ms bigint,
  source text,
  -- How the program before it ended, and why.
  previous_end text,
  reason text,
  primary key (er_id, journal_id, first_seq)
);

-- What an ER learned of the time: at up_ms of that boot it was `at` on its clock, and `at` + offset_ms in truth.
create table er_clock (
  er_id text not null references er,
  journal_id uuid not null,
  seq bigint not null,
  operator_id text not null references operator,
  first_seq bigint not null,
  at timestamptz not null,
  up_ms bigint not null,
  offset_ms bigint not null,
  source text,
  primary key (er_id, journal_id, first_seq, seq)
);

-- True time (Unix ms) of the start of an entry's boot, by what was learned nearest to it; null: nothing was.
create function er_zero_ms(er text, journal uuid, entry_seq bigint, entry_up_ms bigint) returns float8
language sql stable as $$
  select extract(epoch from c.at)::float8 * 1000 + c.offset_ms - c.up_ms
  from er_clock c
  where c.er_id = er and c.journal_id = journal
    and c.first_seq = (select b.first_seq from er_boot b where b.er_id = er and b.journal_id = journal
                         and b.first_seq <= entry_seq order by b.first_seq desc limit 1)
  order by abs(c.up_ms - entry_up_ms), c.seq limit 1
$$;

-- Journals that an ER could not use any more, moved away with their bytes.
create table journal_set_aside (
  er_id text not null references er,
  journal_id uuid not null,
  seq bigint not null,
  operator_id text not null references operator,
  at timestamptz not null,
  file text not null,
  reason text not null,
  old_journal_id uuid,
  old_last_seq bigint,
  primary key (er_id, journal_id, seq)
);

-- Milliseconds since the ER's start: with them a time can be corrected that was wrong on its clock.
alter table message add up_ms bigint, add cause text;

alter table transaction
  add journal_id uuid,
  -- {stamp?, at, upMs, seq}: what the station said, and the entry that told of it. First seen, begun, ended.
  add seen_time json,
  add start_time json,
  add end_time json,
  -- The ER ended it without a word of the station. The station's own stop, if it ever comes, wins.
  add closed_at timestamptz,
  add closed_meter_wh bigint,
  -- Where stops conflict: meter_stop_wh is the lowest, this the highest of them.
  add meter_stop_max_wh bigint,
  -- As the ER told with its last hello, while its history drains: shown, never reckoned with.
  add snapshot_energy_wh bigint,
  -- Its ER does not know it as running, its end has not arrived.
  add ended_unseen boolean not null default false,
  add revoked_reason text,
  add authorization_reason text,
  add cap_energy_wh bigint,
  add cap_duration_s integer,
  -- Its times fit neither to the clock of its ER nor to the true time.
  add time_doubt boolean not null default false,
  -- What a person decided.
  add merged_into uuid references transaction,
  add written_off boolean not null default false;
alter table transaction add running boolean not null generated always as
  (ended_at is null and closed_at is null and not ended_unseen and merged_into is null) stored;

drop index transaction_open;
create index transaction_running on transaction (station_id, evse_id) where running;
create index transaction_open on transaction (er_id, station_id) where ended_at is null;
create index transaction_journal on transaction
  (er_id, journal_id, greatest((start_time->>'seq')::bigint, (end_time->>'seq')::bigint));
create index transaction_review on transaction (operator_id, started_at desc)
  where needs_review or time_doubt or closed_at is not null or ended_unseen;
create index transaction_debt on transaction (operator_id, started_at desc) where 'unknown-capped' = any (flags);

alter table parked_entry
  add resolved_at timestamptz,
  add resolution text;
create index command_uncertain on command (operator_id, issued_at desc) where status = 'uncertain';

-- What people decided about what needed one. The last one of a review counts.
create table review_resolution (
  resolution_id bigint generated always as identity primary key,
  operator_id text not null references operator,
  review_id text not null,
  subject text not null,
  action text not null,
  actor text not null,
  note text,
  into_transaction_id uuid,
  at timestamptz not null default now()
);
create index review_resolution_subject on review_resolution (operator_id, subject, resolution_id desc);
