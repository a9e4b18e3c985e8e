-- What charging costs: tariffs in versions that never change, where and for whom they hold, and what stations say
-- of the charging itself, by which time is priced.

create table tariff (
  tariff_id uuid primary key,
  operator_id text not null references operator,
  name text not null,
  -- Behind the wall only a plain column uses its index.
  name_key text not null generated always as (lower(name)) stored,
  -- Number of the last version.
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (operator_id, name_key)
);

-- At a moment the highest version counts that had begun by then; one that has ended by then holds the tariff off.
create table tariff_version (
  tariff_id uuid not null references tariff on delete cascade,
  version integer not null,
  operator_id text not null references operator,
  valid_from timestamptz not null,
  valid_to timestamptz check (valid_to > valid_from),
  -- As shared/tariff.ts has them. Text, so that they stay as they were written.
  terms json not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  primary key (tariff_id, version)
);
create function tariff_version_stays() returns trigger language plpgsql as $$
begin
  raise exception 'a version of a tariff does not change: publish a new one';
end $$;
create trigger tariff_version_stays before update on tariff_version
  for each row execute function tariff_version_stays();

-- For whom a tariff holds: a group of tokens before a station, a station before its site, a site before the operator's
-- default. Ended ones stay: a transaction is priced by what held at its start.
create table tariff_assignment (
  assignment_id uuid primary key,
  operator_id text not null references operator,
  tariff_id uuid not null references tariff,
  -- operator · site:<id> · station:<id> · group:<id>
  target text not null,
  -- Of a site, and of a station's site.
  site_id text references site,
  station_id text references station,
  group_id text,
  assigned_from timestamptz not null default now(),
  assigned_until timestamptz,
  assigned_by text not null,
  check (target = case when group_id is not null then 'group:' || group_id when station_id is not null
    then 'station:' || station_id when site_id is not null then 'site:' || site_id else 'operator' end)
);
create unique index tariff_assignment_now on tariff_assignment (operator_id, target) where assigned_until is null;
create index tariff_assignment_target on tariff_assignment (operator_id, target, assigned_from);
create index tariff_assignment_tariff on tariff_assignment (tariff_id);

-- Whether a car takes energy: the word of the station (2.x chargingState, 1.6 status) for an EVSE, when it changed.
create table charge_state (
  station_id text not null references station,
  evse_id integer not null,
  at timestamptz not null,
  operator_id text not null references operator,
  state text not null,
  primary key (station_id, evse_id, at)
);

select moov_protect('tariff');
select moov_protect('tariff_version');
-- What holds for everybody holds at each site.
select moov_protect('tariff_assignment',
  't.site_id is null or t.site_id = any ((select moov_site_ids())::text[])');
select moov_protect('charge_state');
