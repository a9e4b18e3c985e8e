-- Telemetry that an ER gave up for want of disk: the exact numbers that went, and what was kept of them.
create table journal_shed (
  er_id text not null references er,
  journal_id uuid not null,
  -- The first number that went.
  seq bigint not null,
  operator_id text not null references operator,
  kept_every_s integer not null,
  -- When that entry was written, on the clock of the ER.
  first_at timestamptz not null,
  -- [[first, last], …], both included.
  ranges json not null,
  entries bigint not null,
  primary key (er_id, journal_id, seq)
);
