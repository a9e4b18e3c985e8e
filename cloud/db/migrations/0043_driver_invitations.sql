-- Whoever accepts an invitation that was made for a driver is that driver from then on, also where no mailbox was shown to
-- be theirs: the operator has handed the link to them.

alter table invitation
  add driver_id uuid,
  add foreign key (operator_id, driver_id) references driver (operator_id, driver_id);
