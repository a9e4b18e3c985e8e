-- Who may do what, and the second wall between operators: row-level security.
--
-- The API asks as the role moov_tenant, which sees the rows of the operator (and, in a scope of named sites, of the
-- sites) that its connection was told: moov.operator_id, and moov.site_ids ('*', or ids one to a line). Untold, it sees
-- nothing. The owner of the tables (ingest, jobs, migrations) stands in front of no wall.

do $$ begin
  create role moov_tenant nologin;
exception when duplicate_object or unique_violation then null;
end $$;
do $$ begin
  execute format('grant moov_tenant to %I', current_user);
exception when internal_error then null; -- somebody else grants it at this moment
end $$;

create function moov_operator() returns text language sql stable parallel safe as
  $$ select nullif(current_setting('moov.operator_id', true), '') $$;
create function moov_every_site() returns boolean language sql stable parallel safe as
  $$ select coalesce(current_setting('moov.site_ids', true) = '*', false) $$;
create function moov_site_ids() returns text[] language sql stable parallel safe as
  $$ select coalesce(string_to_array(current_setting('moov.site_ids', true), E'\n'), '{}') $$;

-- Puts a table with an operator_id behind the wall. What of it belongs to a scope of named sites: `scope`, an expression over the
-- row `t`, or what its columns tell: its site, its station's or its ER's. Without any of them, all of the operator's rows.
create function moov_protect(name text, scope text default null) returns void language plpgsql as $$
declare
  columns text[] := (select array_agg(a.attname::text) from pg_attribute a
                       where a.attrelid = name::regclass and a.attnum > 0 and not a.attisdropped);
  seen text := coalesce(scope, case
    when 'site_id' = any (columns) then 't.site_id = any ((select moov_site_ids())::text[])'
    when 'station_id' = any (columns) then 'exists (select from station s where s.station_id = t.station_id)'
    when 'er_id' = any (columns) then 'exists (select from er e where e.er_id = t.er_id)'
    else 'true' end);
  rule text := format('operator_id = (select moov_operator()) and ((select moov_every_site()) or %s)',
    regexp_replace(seen, '\mt\.', name || '.', 'g'));
begin
  execute format('alter table %I enable row level security', name);
  execute format('create policy tenant on %I to moov_tenant using (%s) with check (%s)', name, rule, rule);
  execute format('grant select, insert, update, delete on %I to moov_tenant', name);
end $$;

-- A role with a scope: null is the whole operator. `permissions` narrows the role of a key.
alter table api_key
  add key_id uuid not null default gen_random_uuid() unique,
  add role text not null default 'owner',
  add permissions text[],
  add site_ids text[],
  add expires_at timestamptz,
  add created_by text,
  add last_used_at timestamptz;

create table member (
  operator_id text not null references operator,
  user_id text not null,
  role text not null,
  site_ids text[],
  -- An installer's membership ends by itself.
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  created_by text,
  primary key (operator_id, user_id)
);
create index member_user on member (user_id);

-- Tokens are looked up without regard to case; behind the wall only a plain column uses its index.
alter table id_token add token_key text not null generated always as (lower(id_token)) stored;
create index id_token_key on id_token (operator_id, token_key);

-- Views see what whoever asks may see.
alter view review_open set (security_invoker = true);
alter view reservation_state set (security_invoker = true);
alter view charging_profile_state set (security_invoker = true);
grant select on review_open, reservation_state, charging_profile_state to moov_tenant;

select moov_protect(name) from unnest(array['operator', 'api_key', 'member', 'site', 'er', 'journal', 'journal_gap',
  'parked_entry', 'station', 'evse', 'connector', 'transaction', 'meter', 'message', 'command', 'id_token',
  'audit', 'idempotency', 'journal_shed', 'er_health', 'er_boot', 'er_clock', 'journal_set_aside', 'review_resolution',
  'station_report', 'station_variable', 'station_event', 'certificate_request', 'certificate_answer', 'station_password',
  'reservation', 'charging_profile', 'station_local_list', 'station_template', 'station_variable_write']) name;
select moov_protect('transaction_sample',
  'exists (select from transaction x where x.transaction_id = t.transaction_id)');
select moov_protect('meter_sample', 'exists (select from meter m where m.meter_id = t.meter_id)');
-- Firmware is the operator's, logs are a station's.
select moov_protect('file', 't.kind = ''firmware'' or exists (select from station s where s.station_id = t.station_id)');

-- What is nobody's own: counters, and the public half of the keys that sign policies.
grant usage on all sequences in schema public to moov_tenant;
grant select, insert, update on own_id to moov_tenant;
grant select (public_key, created_at, activated_at, retired_at) on signing_key to moov_tenant;
