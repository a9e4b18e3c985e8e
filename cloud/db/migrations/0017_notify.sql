-- What goes out to people and to other systems: alarms, webhooks, mail, exports, and the hours that reports add up.
--
-- Everything that is sent is a row first, written in the transaction of what caused it, and sent by a job.

-- Alarms -----------------------------------------------------------------------------------------------------------

create table alarm_rule (
  rule_id uuid primary key default gen_random_uuid(),
  operator_id text not null references operator,
  name text not null,
  -- Which condition (cloud/core/alarm-kinds.ts), and its numbers by name.
  kind text not null,
  params jsonb not null default '{}',
  severity text not null check (severity in ('info', 'warning', 'critical')),
  -- null: every site.
  site_ids text[],
  -- The condition has to be there this long before it counts, and gone this long before it is over.
  raise_after_s integer not null default 0 check (raise_after_s between 0 and 86400),
  clear_after_s integer not null default 60 check (clear_after_s between 0 and 86400),
  emails text[] not null default '{}',
  webhook boolean not null default true,
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index alarm_rule_list on alarm_rule (operator_id, created_at, rule_id);

-- Of one rule and subject there is one row at a time whose end has not come.
create table alarm (
  alarm_id uuid primary key,
  operator_id text not null references operator,
  rule_id uuid references alarm_rule on delete set null,
  name text not null,
  kind text not null,
  severity text not null,
  -- er:<id>, station:<id>, connector:<station>:<evse>:<connector>, meter:<id>, site:<id>, …
  subject text not null,
  site_id text,
  er_id text,
  station_id text,
  detail jsonb not null default '{}',
  -- When the condition was seen first; when it had been there long enough, null: not yet.
  seen_at timestamptz not null,
  raised_at timestamptz,
  -- Since when it has been gone; null: it is there.
  gone_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  note text,
  cleared_at timestamptz,
  -- condition, rule-changed, rule-deleted
  cleared_because text
);
create unique index alarm_open on alarm (rule_id, subject) where cleared_at is null;
create index alarm_list on alarm (operator_id, raised_at desc, alarm_id desc) where raised_at is not null;
create index alarm_unfinished on alarm (operator_id, raised_at desc, alarm_id desc)
  where raised_at is not null and cleared_at is null;

-- What a new operator begins with.
create function alarm_defaults(operator text) returns void language sql security definer
  set search_path = public, pg_temp as $$
  insert into alarm_rule (operator_id, name, kind, params, severity, raise_after_s, clear_after_s)
  select operator, * from (values
    ('ER offline', 'er-offline', '{"minutes": 10}'::jsonb, 'critical', 0, 60),
    ('Station offline', 'station-offline', '{"minutes": 15}', 'warning', 0, 120),
    ('Connector faulted', 'connector-faulted', '{"minutes": 5}', 'warning', 0, 60),
    ('ER far behind', 'er-backlog', '{"entries": 10000}', 'warning', 300, 60),
    ('ER''s journal fills its budget', 'er-disk', '{"percent": 80}', 'warning', 0, 300),
    ('ER gives up telemetry for want of disk', 'er-pressure', '{}', 'critical', 0, 300),
    ('ER''s clock is wrong', 'er-clock', '{"seconds": 30}', 'warning', 300, 300),
    ('Meter silent', 'meter-silent', '{"minutes": 15}', 'warning', 0, 60),
    ('Commands with an uncertain outcome', 'command-uncertain', '{"minutes": 5}', 'warning', 0, 0),
    ('Stops without a start', 'orphan-stop', '{"hours": 4}', 'warning', 0, 0),
    ('Work waits for a person', 'work-queue', '{"hours": 24}', 'warning', 0, 0),
    ('Entries parked', 'entry-parked', '{}', 'critical', 0, 0),
    ('Payments that need a look', 'payment-problem', '{"minutes": 15}', 'warning', 0, 0),
    ('A webhook endpoint does not take events', 'webhook-failing', '{"minutes": 60}', 'warning', 0, 0),
    ('Mails could not be sent', 'mail-failed', '{}', 'warning', 0, 0)
  ) as d(name, kind, params, severity, raise_after_s, clear_after_s)
$$;
create function operator_begins() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
begin
  perform alarm_defaults(new.operator_id);
  return null;
end $$;
create trigger operator_begins after insert on operator for each row execute function operator_begins();
select alarm_defaults(operator_id) from operator;

-- Webhooks ---------------------------------------------------------------------------------------------------------

create table webhook_endpoint (
  endpoint_id uuid primary key default gen_random_uuid(),
  operator_id text not null references operator,
  url text not null,
  description text,
  -- Exact, or `noun.*`; none: every type.
  event_types text[] not null default '{}',
  -- Signatures need the secret itself. After a change both sign, until the old one's time is up.
  secret text not null,
  old_secret text,
  old_secret_until timestamptz,
  enabled boolean not null default true,
  -- gone: it answered 410; by-person.
  disabled_because text,
  -- Since its last success: when a delivery failed first.
  failing_since timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index webhook_endpoint_list on webhook_endpoint (operator_id, created_at, endpoint_id);

create table webhook_event (
  event_id uuid primary key,
  operator_id text not null references operator,
  type text not null,
  site_id text,
  at timestamptz not null,
  data jsonb not null,
  -- What may happen once: told again, it is no news.
  once_key text,
  created_at timestamptz not null default now()
);
create unique index webhook_event_once on webhook_event (operator_id, once_key);
create index webhook_event_age on webhook_event (created_at);

create table webhook_delivery (
  delivery_id uuid primary key default gen_random_uuid(),
  operator_id text not null references operator,
  endpoint_id uuid not null references webhook_endpoint on delete cascade,
  event_id uuid not null references webhook_event on delete cascade,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
  -- Tries since it was made, or sent again by a person.
  attempts integer not null default 0,
  next_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  last_at timestamptz,
  last_status integer,
  last_error text,
  last_response text,
  finished_at timestamptz
);
create unique index webhook_delivery_one on webhook_delivery (event_id, endpoint_id);
create index webhook_delivery_due on webhook_delivery (endpoint_id, next_at) where status = 'pending';
create index webhook_delivery_failed on webhook_delivery (endpoint_id, finished_at) where status = 'failed';
create index webhook_delivery_list on webhook_delivery (operator_id, created_at desc, delivery_id desc);
create index webhook_delivery_of on webhook_delivery (endpoint_id, created_at desc, delivery_id desc);

-- Events → the outbox, for the endpoints that want them. Everybody may tell of what they did, whatever they may see;
-- of their own operator only. $2: [{event_id, type, at, site_id?, once_key?, data}].
create function webhook_emit(operator text, events jsonb) returns bigint language plpgsql security definer
  set search_path = public, pg_temp as $$
declare
  made bigint;
begin
  if current_setting('role') = 'moov_tenant' and operator is distinct from moov_operator() then
    raise exception 'these are not events of this operator' using errcode = '42501';
  end if;
  with wanted as materialized (
    select w.endpoint_id, r.*
    from webhook_endpoint w
    join jsonb_to_recordset(events) as r(event_id uuid, type text, at timestamptz, site_id text, once_key text,
      data jsonb) on cardinality(w.event_types) = 0 or r.type = any (w.event_types)
        or split_part(r.type, '.', 1) || '.*' = any (w.event_types)
    where w.operator_id = operator and w.enabled
  ), kept as (
    insert into webhook_event (event_id, operator_id, type, site_id, at, data, once_key)
    select distinct on (event_id) event_id, operator, type, site_id, at, data, once_key from wanted
    on conflict do nothing
    returning event_id
  )
  insert into webhook_delivery (operator_id, endpoint_id, event_id)
  select operator, wanted.endpoint_id, event_id from wanted join kept using (event_id);
  get diagnostics made = row_count;
  return made;
end $$;

-- Mail -------------------------------------------------------------------------------------------------------------

create table mail (
  mail_id uuid primary key default gen_random_uuid(),
  -- null: of nobody's operator (signing in).
  operator_id text references operator,
  kind text not null,
  recipient text not null,
  title text not null,
  -- Forgotten when it was sent: there may be secrets in it. {text, html?, attachments?: [{name, type, base64}]}
  content jsonb,
  status text not null default 'waiting' check (status in ('waiting', 'sent', 'failed')),
  attempts integer not null default 0,
  next_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  last_error text,
  finished_at timestamptz
);
create index mail_due on mail (next_at) where status = 'waiting';
create index mail_failed on mail (operator_id, finished_at) where status = 'failed';
create index mail_list on mail (operator_id, created_at desc, mail_id desc);

create function mail_queue(operator text, kind text, recipient text, title text, content jsonb) returns uuid
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  id uuid;
begin
  if current_setting('role') = 'moov_tenant' and operator is distinct from moov_operator() then
    raise exception 'this is no mail of this operator' using errcode = '42501';
  end if;
  insert into mail (operator_id, kind, recipient, title, content) values (operator, kind, recipient, title, content)
  returning mail_id into id;
  return id;
end $$;

-- Exports ----------------------------------------------------------------------------------------------------------

create table export (
  export_id uuid primary key,
  operator_id text not null references operator,
  kind text not null,
  params jsonb not null,
  status text not null default 'waiting' check (status in ('waiting', 'running', 'done', 'failed')),
  created_by text not null,
  created_at timestamptz not null default now(),
  -- Who makes it holds it until then; taken over by another copy after that.
  held_until timestamptz,
  attempts integer not null default 0,
  finished_at timestamptz,
  rows bigint,
  bytes bigint,
  error text,
  expires_at timestamptz
);
create index export_list on export (operator_id, created_at desc, export_id desc);
create index export_open on export (created_at) where status in ('waiting', 'running');
create index export_expiry on export (expires_at);

-- Reports ----------------------------------------------------------------------------------------------------------

-- Energy and time of each transaction in each full hour of its site's clock.
create table energy_hour (
  transaction_id uuid not null,
  -- Its beginning.
  hour timestamptz not null,
  operator_id text not null references operator,
  site_id text not null,
  station_id text not null,
  evse_id integer not null,
  energy_wh bigint not null,
  occupied_s integer not null,
  primary key (transaction_id, hour)
);
create index energy_hour_operator on energy_hour (operator_id, hour);
create index energy_hour_site on energy_hour (site_id, hour);

-- Transactions whose hours have to be added up again. One that runs needs no row: it is looked at anyway.
create table energy_due (
  due_id bigint generated always as identity primary key,
  operator_id text not null references operator,
  transaction_id uuid not null
);
create function energy_changed() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
begin
  insert into energy_due (operator_id, transaction_id) values (new.operator_id, new.transaction_id);
  return null;
end $$;
create trigger energy_new after insert on transaction for each row
  when (not new.running) execute function energy_changed();
create trigger energy_changed after update on transaction for each row
  when (not new.running and
    (old.running, old.started_at, old.ended_at, old.closed_at, old.meter_start_wh, old.meter_stop_wh, old.closed_meter_wh,
      old.last_energy_wh, old.last_sample_at, old.merged_into, old.evse_id)
    is distinct from
    (new.running, new.started_at, new.ended_at, new.closed_at, new.meter_start_wh, new.meter_stop_wh, new.closed_meter_wh,
      new.last_energy_wh, new.last_sample_at, new.merged_into, new.evse_id))
  execute function energy_changed();
insert into energy_due (operator_id, transaction_id) select operator_id, transaction_id from transaction;

-- When stations came and went, among all that they said.
create index message_connection on message (station_id, at) where kind in ('station.online', 'station.offline');
create index er_boot_time on er_boot (er_id, started_at);

-- Alarms and hours are of sites; the rest is the operator's, and no site's.
select moov_protect(name) from unnest(array['alarm', 'energy_hour']) name;
select moov_protect(name, 'false') from unnest(array['alarm_rule', 'webhook_endpoint', 'webhook_event',
  'webhook_delivery', 'mail', 'export', 'energy_due']) name;
grant execute on function webhook_emit, mail_queue to moov_tenant;
revoke execute on function alarm_defaults, operator_begins, energy_changed from public;
