-- What stations tell of themselves besides charging: reports, variables, events, requests for certificates.
-- (er_id, journal_id, seq) is the entry that told it.

-- The id under which the station reports to it; the entry that accepted it. `masked_params`: the same without
-- passwords, in their place as soon as its ER has the command.
alter table command
  add request_id bigint, add journal_id uuid, add accepted_seq bigint, add masked_params json;
create index command_request on command (station_id, request_id, issued_at desc);

-- What a station said later to a call: parts of a report, how an upload or an update goes on.
create table station_report (
  er_id text not null,
  journal_id uuid not null,
  seq bigint not null,
  operator_id text not null references operator,
  station_id text not null,
  at timestamptz not null,
  up_ms bigint not null,
  -- variables, monitoring, customer, display, profiles, der, firmware, publish, log
  of text not null,
  request_id bigint,
  seq_no bigint,
  last boolean not null,
  action text not null,
  payload json not null,
  primary key (er_id, journal_id, seq)
);
create index station_report_list on station_report (station_id, at desc, seq desc, journal_id desc);
create index station_report_request on station_report (station_id, request_id, at, seq);

-- A station's configuration as it was last told: keys of 1.6, variables of 2.x.
create table station_variable (
  station_id text not null references station,
  -- Component, its instance, EVSE, connector, variable, its instance, attribute: in lower case, as a JSON array.
  variable_key text collate "C" not null,
  operator_id text not null references operator,
  component text not null,
  component_instance text,
  evse_id integer,
  connector_id integer,
  variable text not null,
  variable_instance text,
  attribute text not null,
  value text,
  -- A password: its value is not kept.
  secret boolean not null,
  mutability text,
  unit text,
  data_type text,
  read_at timestamptz not null,
  -- The message that told it.
  source text not null,
  er_id text not null,
  journal_id uuid not null,
  seq bigint not null,
  primary key (station_id, variable_key)
);

create table station_event (
  er_id text not null,
  journal_id uuid not null,
  seq bigint not null,
  -- Among the events of one message.
  idx integer not null,
  operator_id text not null references operator,
  station_id text not null,
  at timestamptz not null,
  up_ms bigint not null,
  -- As the station says.
  told_at timestamptz,
  kind text not null,
  type text not null,
  severity bigint,
  cleared boolean,
  evse_id bigint,
  detail json,
  primary key (er_id, journal_id, seq, idx)
);
create index station_event_list on station_event (station_id, at desc, seq desc, idx desc, journal_id desc);
create index station_event_operator on station_event (operator_id, at desc, seq desc, idx desc, journal_id desc);
-- How the last update and the last upload of each station go.
create index station_event_status on station_event (station_id, kind, at desc, seq desc)
  where kind in ('firmware-status', 'log-status');

create table certificate_request (
  er_id text not null,
  journal_id uuid not null,
  seq bigint not null,
  operator_id text not null references operator,
  station_id text not null,
  at timestamptz not null,
  up_ms bigint not null,
  csr text not null,
  -- Absent: the station's own.
  certificate_type text,
  request_id bigint,
  primary key (er_id, journal_id, seq)
);
create index certificate_request_list on certificate_request (operator_id, at desc, seq desc, journal_id desc);

-- A certificate that a station took: the answer to what it had requested before.
create table certificate_answer (
  er_id text not null,
  journal_id uuid not null,
  seq bigint not null,
  operator_id text not null references operator,
  station_id text not null,
  at timestamptz not null,
  -- Absent: for every use.
  certificate_type text,
  request_id bigint,
  command_id uuid,
  primary key (er_id, journal_id, seq)
);
create index certificate_answer_station on certificate_answer (station_id, at);
