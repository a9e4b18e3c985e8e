-- A payment pays for an account of the ledger: a guest's own, or what a driver owes.

alter table payment
  -- Where its money is booked. A guest's is `guest:<payment>`.
  add account text,
  -- Who has asked for it, signed in, and what it calls its wish: asked twice, it is one payment.
  add driver_id uuid,
  add request_id text,
  -- In which the provider speaks to who pays a balance: asked again, it is asked the same.
  add language text;
update payment set account = 'guest:' || payment_id;
alter table payment
  alter account set not null,
  -- What is owed was charged anywhere.
  alter site_id drop not null,
  alter station_id drop not null,
  add constraint payment_place check (account not like 'guest:%' or (site_id is not null and station_id is not null));
alter table refund alter site_id drop not null;
alter table payment_finding alter site_id drop not null;

-- Those of an account that may still be paid are looked for before another one is begun; a driver sees its own.
create index payment_account on payment (operator_id, account, created_at desc, payment_id desc);
create index payment_driver on payment (operator_id, driver_id, created_at desc, payment_id desc)
  where driver_id is not null;
create unique index payment_request on payment (operator_id, account, request_id) where request_id is not null;
