-- The SG's store: tenants, sites, what the ERs' journals say (projections), commands, tokens.
-- Every row knows its operator. Times are timestamptz, quantities integers with the unit in the name.

create table operator (
  operator_id text primary key,
  name text not null,
  created_at timestamptz not null default now()
);

-- Only the SHA-256 of a key is kept: keys are 256 random bits, so a fast hash is enough.
create table api_key (
  key_hash bytea primary key,
  operator_id text not null references operator,
  name text not null,
  prefix text not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

create table site (
  site_id text primary key,
  operator_id text not null references operator,
  name text not null,
  time_zone text not null default 'UTC',
  unknown_token text not null default 'deny' check (unknown_token in ('allow', 'deny')),
  -- Milliseconds of the last change, so that versions grow over a restore from a backup.
  policy_version bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
  created_at timestamptz not null default now()
);

create table er (
  er_id text primary key,
  site_id text not null references site,
  operator_id text not null references operator,
  release text,
  boot uuid,
  started_at timestamptz,
  stopped_at timestamptz,
  journal_id uuid,
  journal_seq bigint not null default 0,
  -- The last hello told the state of the site after this entry: older ones are history when they arrive.
  snapshot_seq bigint not null default 0,
  policy_version bigint not null default 0,
  clock text,
  clock_offset_ms bigint,
  last_seen_at timestamptz,
  created_at timestamptz not null default now()
);

-- The ingest cursor: one row per journal, locked by every batch, moved in the transaction that stores the batch.
create table journal (
  er_id text not null references er,
  journal_id uuid not null,
  operator_id text not null references operator,
  seq bigint not null default 0,
  chain text not null,
  -- Why this journal is not taken any more (its chain broke); a person decides.
  halted text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (er_id, journal_id)
);

-- Ranges of entries that an ER no longer had when the SG asked for them.
create table journal_gap (
  er_id text not null,
  journal_id uuid not null,
  operator_id text not null references operator,
  first_seq bigint not null,
  last_seq bigint not null,
  found_at timestamptz not null default now(),
  primary key (er_id, journal_id, first_seq)
);

-- Entries that could not be applied, with their bytes: replayable after a fix.
create table parked_entry (
  er_id text not null,
  journal_id uuid not null,
  seq bigint not null,
  operator_id text not null references operator,
  entry text not null,
  reason text not null,
  parked_at timestamptz not null default now(),
  primary key (er_id, journal_id, seq)
);

create table station (
  station_id text primary key,
  -- What the station calls itself at its site. Two sites may have a station "1": the second one gets a longer station_id.
  identity text not null,
  site_id text not null references site,
  er_id text not null references er,
  operator_id text not null references operator,
  protocol text,
  online boolean not null default false,
  online_changed_at timestamptz,
  last_message_at timestamptz,
  vendor text,
  model text,
  serial_number text,
  firmware_version text,
  booted_at timestamptz,
  created_at timestamptz not null default now(),
  unique (site_id, identity)
);

create table evse (
  station_id text not null references station,
  evse_id integer not null,
  operator_id text not null references operator,
  primary key (station_id, evse_id)
);

create table connector (
  station_id text not null references station,
  evse_id integer not null,
  connector_id integer not null,
  operator_id text not null references operator,
  status text not null,
  detail text,
  error_code text,
  status_at timestamptz not null,
  primary key (station_id, evse_id, connector_id)
);

create table transaction (
  transaction_id uuid primary key,
  ocpp_transaction_id text,
  operator_id text not null references operator,
  site_id text not null,
  er_id text not null,
  station_id text not null,
  evse_id integer not null,
  connector_id integer,
  charging_state text,
  started_at timestamptz not null,
  ended_at timestamptz,
  meter_start_wh bigint,
  meter_stop_wh bigint,
  -- Highest register seen so far.
  last_energy_wh bigint,
  power_w bigint,
  soc_percent integer,
  last_sample_at timestamptz,
  id_token text,
  authorized_by text not null default 'unknown',
  authorization_status text,
  stopped_reason text,
  flags text[] not null default '{}',
  needs_review boolean not null default false
);
create index transaction_list on transaction (operator_id, started_at desc, transaction_id desc);
create index transaction_station on transaction (station_id, started_at desc);
create index transaction_site on transaction (site_id, started_at desc);
create index transaction_open on transaction (station_id, evse_id) where ended_at is null;

create table transaction_sample (
  at timestamptz not null,
  transaction_id uuid not null,
  operator_id text not null,
  energy_import_wh bigint,
  power_w bigint,
  current_phases_ma integer[],
  voltage_phases_mv integer[],
  soc_percent smallint
) partition by range (at);
create index transaction_sample_series on transaction_sample (transaction_id, at);
create index transaction_sample_at on transaction_sample using brin (at);

create table meter (
  -- Meter ids are a site's own: the API's meterId is "<er>.<meter>".
  meter_id text primary key,
  er_id text not null references er,
  site_id text not null references site,
  operator_id text not null references operator,
  model text,
  state text not null default 'unknown',
  state_reason text,
  sampled_at timestamptz,
  reading json,
  flags text[] not null default '{}'
);

create table meter_sample (
  at timestamptz not null,
  meter_id text not null,
  operator_id text not null,
  energy_import_wh bigint,
  energy_export_wh bigint,
  power_w bigint,
  power_phases_w integer[]
) partition by range (at);
create index meter_sample_series on meter_sample (meter_id, at);
create index meter_sample_at on meter_sample using brin (at);

-- The raw OCPP timeline. `at` is the ER's wall clock; (journal, seq) is the identity and the order.
create table message (
  at timestamptz not null,
  station_id text not null,
  seq bigint not null,
  er_id text not null,
  journal_id uuid not null,
  operator_id text not null,
  kind text not null,
  protocol text,
  action text,
  request text,
  response text,
  reason text,
  transaction_id uuid,
  command_id uuid,
  flags text[]
) partition by range (at);
create index message_station on message (station_id, at desc, seq desc);
create index message_at on message using brin (at);

create table command (
  command_id uuid primary key,
  operator_id text not null references operator,
  site_id text not null,
  er_id text not null,
  station_id text not null references station,
  kind text not null,
  params json not null,
  status text not null default 'pending',
  issued_by text not null,
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null,
  sent_at timestamptz,
  accepted_at timestamptz,
  finished_at timestamptz,
  response json,
  reason text
);
create index command_list on command (operator_id, issued_at desc, command_id desc);
create index command_station on command (station_id, issued_at desc);
create index command_due on command (er_id, expires_at) where status in ('pending', 'sent');

create table id_token (
  operator_id text not null references operator,
  id_token text not null,
  type text,
  status text not null default 'Accepted' check (status in ('Accepted', 'Blocked')),
  label text,
  group_id text,
  master boolean not null default false,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (operator_id, id_token)
);

-- OCPP compares tokens without regard to case.
create unique index id_token_name on id_token (operator_id, lower(id_token));

-- Who wrote what through the API, in the transaction of the write.
create table audit (
  audit_id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  operator_id text not null references operator,
  actor text not null,
  request_id text not null,
  action text not null,
  subject text not null,
  detail json
);

create table idempotency (
  operator_id text not null,
  key text not null,
  actor text not null,
  body_hash text not null,
  status integer,
  response json,
  created_at timestamptz not null default now(),
  primary key (operator_id, actor, key)
);

-- Blocks of transaction ids for OCPP 1.6: block n is (n - 1) * 1000 + 1 … n * 1000.
create sequence transaction_id_block maxvalue 1073741 no cycle;

-- Rows whose time no monthly partition covers: clocks in the past or the future.
create table transaction_sample_default partition of transaction_sample default;
create table meter_sample_default partition of meter_sample default;
create table message_default partition of message default;
