-- Going through the texts takes long, and rows are written meanwhile: it is done again, for what has come since, until
-- nothing is found.
alter table driver_erasure
  add pass integer not null default 1,
  -- Before this pass no transaction was under way that is older: what it must look at, and what the next one must.
  add pass_since xid8,
  add pass_began xid8,
  -- This pass has found something.
  add found boolean not null default false,
  add exports_removed integer not null default 0;

-- A token of a fleet: what is charged with it until the site knows that it is gone is the fleet's to pay.
alter table erased_token add group_id text;
