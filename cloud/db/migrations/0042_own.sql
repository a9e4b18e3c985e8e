-- A driver that wishes to be erased says so; whoever works for the operator does it.

alter table driver add erasure_requested_at timestamptz;
create index driver_erasure_wish on driver (operator_id, erasure_requested_at)
  where erasure_requested_at is not null and status <> 'erased';

-- What runs of a driver: its page looks every few seconds, however much it has charged so far.
create index transaction_driver_running on transaction (operator_id, driver_id) where running and driver_id is not null;
