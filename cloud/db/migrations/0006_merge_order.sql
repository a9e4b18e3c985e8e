-- However a journal is cut into batches, and whenever a hello comes in between, the rows are the same.

-- Power and state of charge come in messages of their own: each is as old as the sample that told it.
alter table transaction add power_at timestamptz, add soc_at timestamptz;
-- Nothing but a hello has told of it: what its entries say takes the place of all that.
alter table transaction add snapshot_only boolean not null default false;
