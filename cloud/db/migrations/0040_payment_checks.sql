-- Payments: when each is compared with its provider next, what was given back as a goodwill, findings that people close.

-- Open ones soon, later and later; money that has moved for as long as banks may take it back; what has ended for some
-- days, since a payer may have paid all the same. null: never again.
create function payment_check_at(status text, refunding boolean, created_at timestamptz) returns timestamptz
language sql stable as $$
  select case
    when (status in ('created', 'pending', 'failed', 'authorized') or refunding) and age < interval '30 days'
      then now() + least(interval '1 hour', greatest(interval '45 seconds', age / 4))
    when status in ('created', 'pending', 'failed', 'authorized') then null
    when status in ('expired', 'cancelled')
      then case when age < interval '7 days' then now() + greatest(interval '6 hours', age / 2) end
    when age < interval '120 days' then now() + greatest(interval '1 day', age / 8)
  end from (select now() - created_at as age) a
$$;

alter table payment
  add check_at timestamptz default now() + interval '45 seconds',
  -- Given back though it was owed: the price is taken for so much lower.
  add goodwill_minor bigint not null default 0 check (goodwill_minor >= 0);
update payment p set check_at = payment_check_at(p.status,
  exists (select from refund r where r.payment_id = p.payment_id and r.status = 'pending'), p.created_at);
create index payment_check on payment (check_at) where check_at is not null;

alter table payment_finding
  add resolved_at timestamptz,
  add resolved_by text,
  add note text;
