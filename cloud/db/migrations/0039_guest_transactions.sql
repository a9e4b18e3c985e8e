-- Payments: what was refused is asked anew, disputes that end, and every transaction of a guest.

alter table payment
  -- Writes that the provider has refused: the next one has another key.
  add refusals integer not null default 0,
  -- When the provider said what it says of a dispute, where it tells the time.
  add dispute_told_at timestamptz;

alter table payment_finding drop constraint payment_finding_kind_check;
alter table payment_finding add constraint payment_finding_kind_check check (kind in ('webhook-missing',
  'provider-unreachable', 'provider-refused', 'amount-differs', 'refund-failed', 'shortfall', 'late-transaction',
  'disputed', 'currency-differs'));

create index transaction_payer_payment on transaction_payer (payment_id) where payment_id is not null;

-- A guest may have several transactions (a cable that was pulled and plugged in again): whichever is billed, the session
-- is looked at.
create or replace function guest_is_due() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update guest_session set look_at = now() where transaction_id = new.transaction_id;
  update guest_session g set look_at = now() from transaction t
  where t.transaction_id = new.transaction_id and g.operator_id = t.operator_id and g.id_token_key = lower(t.id_token)
    and g.transaction_id is distinct from new.transaction_id;
  return null;
end $$;

-- One that begins after the session has ended is to be seen while it runs.
create function guest_transaction_began() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update guest_session set look_at = now() where operator_id = new.operator_id and id_token_key = lower(new.id_token);
  return null;
end $$;
create trigger guest_transaction_began after insert on transaction for each row
  when (upper(new.id_token) like 'GUEST-%') execute function guest_transaction_began();
