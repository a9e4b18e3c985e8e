-- Configuration templates: values that stations of a make should have, and what became of writing them.

create table station_template (
  template_id uuid primary key,
  operator_id text not null references operator,
  name text not null,
  -- Which stations: exact, or with * for any text; null: any.
  vendor text,
  model text,
  firmware text,
  -- null: every site.
  site_ids text[],
  -- Where templates want different values, the highest counts.
  priority integer not null default 0,
  -- [{component?, …, variable, value}], as shared/template.ts has it.
  variables json not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index station_template_name on station_template (operator_id, lower(name));

-- What a station said to an ER that carried out a template: the last write of each value, or that it has none.
create table station_variable_write (
  station_id text not null references station,
  -- Identity of the place (shared/ocpp/device-model.ts).
  place_id text collate "C" not null,
  operator_id text not null references operator,
  -- The station has no such variable.
  missing boolean not null,
  value text,
  -- accepted, reboot-required, refused, read-only
  status text,
  at timestamptz not null,
  er_id text not null,
  journal_id uuid not null,
  seq bigint not null,
  primary key (station_id, place_id)
);
