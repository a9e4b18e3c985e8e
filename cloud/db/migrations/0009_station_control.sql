-- What an operator wants of a station: whether it is held, its password, reservations, charging profiles.

alter table station
  -- Pending and Rejected: it is held. It boots again after the interval.
  add registration text not null default 'Accepted' check (registration in ('Accepted', 'Pending', 'Rejected')),
  add retry_interval_s integer check (retry_interval_s between 1 and 86400),
  -- What it was told when it booted last.
  add registration_told text;

-- Passwords that count for a station instead of the one in its ER's configuration; only slow hashes. One that the
-- station is being told counts beside the others until it has shown it. Without a `current` one the configured
-- password counts as well.
create table station_password (
  station_id text not null references station,
  -- By which an ER says which one a station has shown.
  mark text not null,
  operator_id text not null references operator,
  hash text not null,
  state text not null check (state in ('current', 'told')),
  -- That tells the station.
  command_id uuid,
  set_at timestamptz not null default clock_timestamp(),
  primary key (station_id, mark)
);
create index station_password_command on station_password (command_id);

-- Not sent before its ER has this policy.
alter table command add after_policy bigint;

-- Ids that this SG gives out itself, from a block of the same sequences that lease to the ERs: next … past - 1.
create table own_id (resource text primary key, next integer not null, past integer not null);

create table reservation (
  station_id text not null references station,
  reservation_id integer not null,
  operator_id text not null references operator,
  site_id text not null,
  -- Absent: any EVSE.
  evse_id integer,
  connector_type text,
  id_token text not null,
  id_token_type text,
  group_id text,
  expires_at timestamptz not null,
  issued_by text not null,
  created_at timestamptz not null default now(),
  command_id uuid not null references command,
  cancel_command_id uuid references command,
  -- What the station has said of it by itself: used, expired, removed.
  fact text,
  fact_at timestamptz,
  transaction_id uuid,
  primary key (station_id, reservation_id)
);
create index reservation_list on reservation (operator_id, created_at desc, station_id, reservation_id);
create index reservation_command on reservation (command_id);

-- What has become of it: the station's own word first, then those of its commands, then the time.
create view reservation_state as
  select r.*, case
      when r.fact is not null then r.fact
      when x.status = 'succeeded' then 'cancelled'
      when c.status = 'rejected' then 'rejected'
      when c.status in ('failed', 'expired', 'superseded') then 'failed'
      when r.expires_at <= now() then 'expired'
      when c.status = 'succeeded' then 'accepted'
      else 'requested' end as state,
    case when r.fact is null then coalesce(x.reason, c.reason) end as reason
  from reservation r join command c on c.command_id = r.command_id
  left join command x on x.command_id = r.cancel_command_id;

-- In OCPP 2.x words, whatever the station speaks.
create table charging_profile (
  station_id text not null references station,
  profile_id integer not null,
  operator_id text not null references operator,
  site_id text not null,
  -- 0: the whole station.
  evse_id integer not null,
  purpose text not null,
  stack_level integer not null,
  -- Ours, of a TxProfile.
  transaction_id uuid,
  -- The official ChargingProfileType.
  profile json not null,
  issued_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  command_id uuid not null references command,
  clear_command_id uuid references command,
  primary key (station_id, profile_id)
);
create index charging_profile_list on charging_profile (operator_id, station_id, profile_id);

create view charging_profile_state as
  select p.*, case
      when x.status = 'succeeded' then 'cleared'
      when c.status = 'rejected' then 'rejected'
      when c.status in ('failed', 'expired', 'superseded') then 'failed'
      when t.ended_at is not null or t.closed_at is not null then 'ended'
      when c.status = 'succeeded' then 'set'
      else 'wanted' end as state,
    coalesce(x.reason, c.reason) as reason
  from charging_profile p join command c on c.command_id = p.command_id
  left join command x on x.command_id = p.clear_command_id
  left join transaction t on t.transaction_id = p.transaction_id;

-- A station's own list of tokens, as far as its answers tell.
create table station_local_list (
  station_id text primary key references station,
  operator_id text not null references operator,
  version integer,
  -- {token: {type?, status, groupId?, expiresAt?}}; null: somebody else has written it.
  entries jsonb,
  -- When the station last told its version; when it last took an update.
  checked_at timestamptz,
  updated_at timestamptz,
  -- Of the last update: accepted, mismatch, failed, unsupported.
  last_result text,
  last_result_at timestamptz
);
