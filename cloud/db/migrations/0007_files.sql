-- Files: firmware for stations, logs from them. Their bytes are in a folder of the SG (SG_FILES_DIR).

create table file (
  file_id uuid primary key,
  operator_id text not null references operator,
  kind text not null check (kind in ('firmware', 'log')),
  name text not null,
  size bigint not null check (size >= 0),
  sha256 text not null,
  -- Of a log: whose it is, which command asked for it, at which box it lies or lay.
  station_id text references station,
  command_id uuid,
  er_id text,
  created_at timestamptz not null default now(),
  -- When it was whole at the box; when it was whole here; when the box said that it had delivered it.
  received_at timestamptz,
  completed_at timestamptz,
  forwarded_at timestamptz,
  -- What the box said then: complete, unwanted, damaged.
  forwarded text,
  -- Its bytes are gone; the row stays, so that an ER hears that nobody wants it any more.
  deleted_at timestamptz
);
create index file_list on file (operator_id, created_at desc, file_id desc);
create index file_station on file (station_id, created_at desc);
create index file_command on file (command_id);

-- Lets the ER that has this command fetch its firmware, or leave its logs. Made when the command is sent.
alter table command add transfer_token text;
