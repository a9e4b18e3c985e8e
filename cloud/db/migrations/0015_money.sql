-- Money: what a transaction costs (CDRs), who owes whom (the ledger), and what is told of it (statements, receipts).
--
-- Amounts are whole minor units of their currency. What is written here stays: a row is never changed and never deleted,
-- not by the API (no grant) and not by anybody (triggers). What was wrong is put right by another row.

-- What stands on receipts, and where the operator's months begin and end.
alter table operator
  add legal_name text,
  add tax_id text,
  add country text not null default 'BR' check (country ~ '^[A-Z]{2}$'),
  add address text,
  add currency text not null default 'BRL' check (currency ~ '^[A-Z]{3}$'),
  add time_zone text not null default 'America/Sao_Paulo',
  add receipt_footer text;

create function moov_append_only() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation', hint = 'put it right with another row: a correcting CDR, a reversal';
end $$;

-- From here on, rows of the table stay as they are.
create function moov_keep(name text) returns void language plpgsql as $$
begin
  execute format('create trigger append_only before update or delete on %I for each row
                    execute function moov_append_only()', name);
  execute format('create trigger append_only_all before truncate on %I for each statement
                    execute function moov_append_only()', name);
  execute format('revoke update, delete on %I from moov_tenant', name);
end $$;

-- Numbers without gaps: the row is locked by whoever draws one, until it has committed what bears it.
create table money_counter (
  operator_id text not null references operator,
  series text not null check (series in ('cdr', 'statement', 'receipt')),
  last bigint not null,
  primary key (operator_id, series)
);

create table cdr (
  cdr_id uuid primary key default gen_random_uuid(),
  operator_id text not null references operator,
  number bigint not null,
  transaction_id uuid not null references transaction,
  -- The CDR whose place it takes. One for each, so that the last one of a transaction is the current one.
  corrects uuid unique references cdr,
  -- Why there is this one: ended, late-data, payer, decision, manual.
  cause text not null,
  reason text,
  created_by text not null,
  -- When it came into the books: statements go by this, as of postings by booked_at.
  created_at timestamptz not null default clock_timestamp(),
  site_id text not null,
  station_id text not null,
  evse_id integer not null,
  connector_id integer,
  id_token text,
  driver_id text,
  payment_id text,
  -- The account of the ledger that owes it.
  payer text not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  time_zone text not null,
  -- station, er, estimated: as good as the worse of its times.
  time_quality text not null,
  meter_start_wh bigint,
  meter_stop_wh bigint,
  energy_wh bigint not null check (energy_wh >= 0),
  -- registers: both ends of the station's meter; readings: the last that was read; decided: a person said it.
  energy_quality text not null,
  flags text[] not null default '{}',
  tariff_id text,
  tariff_version integer,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  net_minor bigint not null check (net_minor >= 0),
  tax_minor bigint not null check (tax_minor >= 0),
  total_minor bigint not null check (total_minor = net_minor + tax_minor),
  -- The whole arithmetic, line by line.
  price json not null,
  -- Of everything it was made from: another one asks for another CDR.
  basis text not null,
  unique (operator_id, number),
  unique (operator_id, cdr_id)
);
create unique index cdr_first on cdr (transaction_id) where corrects is null;
create index cdr_transaction on cdr (transaction_id, number);
create index cdr_list on cdr (operator_id, ended_at desc, cdr_id desc);
create index cdr_site on cdr (operator_id, site_id, ended_at desc);
create index cdr_station on cdr (operator_id, station_id, ended_at desc);
create index cdr_payer on cdr (operator_id, payer, created_at);
create index cdr_driver on cdr (operator_id, driver_id, ended_at desc) where driver_id is not null;
create index cdr_token on cdr (operator_id, id_token, ended_at desc);
create index cdr_payment on cdr (payment_id) where payment_id is not null;
select moov_protect('cdr');
select moov_keep('cdr');

-- One exception: a person who goes takes the name of its card along. Nothing else of the row may change.
create function cdr_erasure_only() returns trigger language plpgsql as $$
begin
  if to_jsonb(new) - 'id_token' = to_jsonb(old) - 'id_token'
     and (new.id_token is null or new.id_token like 'erased-%') then return new; end if;
  raise exception 'cdr is append-only: update is refused'
    using errcode = 'restrict_violation', hint = 'put it right with a correcting CDR';
end $$;
drop trigger append_only on cdr;
create trigger append_only before delete on cdr for each row execute function moov_append_only();
create trigger erasure_only before update on cdr for each row execute function cdr_erasure_only();
grant update (id_token) on cdr to moov_tenant;

-- Who pays, where the token of a transaction does not say it.
create table transaction_payer (
  transaction_id uuid primary key references transaction,
  operator_id text not null references operator,
  account text not null,
  payment_id text,
  driver_id text
);
select moov_protect('transaction_payer', 'exists (select from transaction x where x.transaction_id = t.transaction_id)');

-- How far the billing of a transaction is. due_at: it has to be looked at, from then on.
create table transaction_billing (
  transaction_id uuid primary key references transaction,
  operator_id text not null references operator,
  site_id text not null,
  -- pending: not looked at yet; held: waits for a person (reasons); billed: cdr_id stands for it; none: nothing to bill.
  status text not null default 'pending' check (status in ('pending', 'held', 'billed', 'none')),
  reasons text[] not null default '{}',
  cdr_id uuid references cdr,
  due_at timestamptz,
  tries integer not null default 0,
  error text,
  -- A person's word: bill it (with this energy, where none is known), do not, or leave the CDR that stands. It is about
  -- what was known then (cdr.basis); when that changes, somebody is asked again.
  decision text check (decision in ('bill', 'waive', 'keep')),
  decided_energy_wh bigint check (decided_energy_wh >= 0),
  decided_basis text,
  decided_by text,
  decided_at timestamptz,
  note text,
  updated_at timestamptz not null default now()
);
create index transaction_billing_due on transaction_billing (due_at) where due_at is not null;
create index transaction_billing_failing on transaction_billing (operator_id) where tries > 0;
create index transaction_billing_held on transaction_billing (operator_id, updated_at desc, transaction_id desc)
  where status = 'held';
create unique index transaction_billing_cdr on transaction_billing (cdr_id);
select moov_protect('transaction_billing');

-- Whatever touches a transaction that is over, or was merged, has it looked at again. As the owner of the tables: those
-- who write transactions need not be let at this.
create function transaction_is_due() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into transaction_billing as b (transaction_id, operator_id, site_id, due_at)
  values (new.transaction_id, new.operator_id, new.site_id, now())
  on conflict (transaction_id) do update set due_at = excluded.due_at, tries = 0
    where b.due_at is null or b.due_at > excluded.due_at;
  return null;
end $$;
create trigger transaction_is_due after insert or update on transaction for each row
  when (new.ended_at is not null or new.closed_at is not null or new.ended_unseen or new.merged_into is not null)
  execute function transaction_is_due();

create function transaction_payer_is_due() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update transaction_billing set due_at = now(), tries = 0 where transaction_id = new.transaction_id;
  return null;
end $$;
create trigger transaction_payer_is_due after insert or update on transaction_payer for each row
  execute function transaction_payer_is_due();

-- A clock that was wrong makes times wrong: what began or ended under it is looked at again.
create function clock_makes_due() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update transaction_billing b set due_at = now(), tries = 0
  from transaction t
  where t.er_id = new.er_id and t.journal_id = new.journal_id and b.transaction_id = t.transaction_id
    and greatest((t.start_time->>'seq')::bigint, (t.end_time->>'seq')::bigint) >= new.first_seq;
  return null;
end $$;
create trigger clock_makes_due after insert on er_clock for each row when (abs(new.offset_ms) > 5000)
  execute function clock_makes_due();

-- An entry that could not be read may be of a transaction that waits for it.
create function parked_makes_due() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update transaction_billing b set due_at = now(), tries = 0
  from transaction t
  where t.er_id = new.er_id and b.transaction_id = t.transaction_id and b.operator_id = new.operator_id
    and b.status = 'held' and 'entry-parked' = any (b.reasons);
  return null;
end $$;
create trigger parked_makes_due after update on parked_entry for each row when (new.resolved_at is not null)
  execute function parked_makes_due();

insert into transaction_billing (transaction_id, operator_id, site_id, due_at)
  select transaction_id, operator_id, site_id, now() from transaction
  where ended_at is not null or closed_at is not null or ended_unseen or merged_into is not null;

create table ledger_account (
  operator_id text not null references operator,
  account text not null,
  kind text not null check (kind in ('driver', 'fleet', 'token', 'guest', 'unassigned', 'revenue', 'tax', 'clearing', 'bank',
    'fees', 'write-off', 'rounding')),
  subject text,
  opened_at timestamptz not null default now(),
  primary key (operator_id, account)
);
create index ledger_account_kind on ledger_account (operator_id, kind, account);
select moov_protect('ledger_account', 'false');
select moov_keep('ledger_account');

create table ledger_posting (
  operator_id text not null references operator,
  posting_id uuid not null default gen_random_uuid(),
  -- What happened, named once: the same event posted again is the same posting.
  reference text not null check (length(reference) between 1 and 200),
  kind text not null,
  occurred_at timestamptz not null,
  -- When it came into the books: periods go by this.
  booked_at timestamptz not null default clock_timestamp(),
  booked_in xid8 not null default pg_current_xact_id(),
  cdr_id uuid references cdr,
  payment_id text,
  -- The reference of the posting that it takes back, which can be taken back once.
  reverses text,
  booked_by text,
  note text,
  primary key (operator_id, posting_id),
  unique (operator_id, reference),
  unique (operator_id, reverses),
  foreign key (operator_id, reverses) references ledger_posting (operator_id, reference)
);
create index ledger_posting_list on ledger_posting (operator_id, booked_at desc, posting_id desc);
create index ledger_posting_cdr on ledger_posting (cdr_id) where cdr_id is not null;
create index ledger_posting_payment on ledger_posting (operator_id, payment_id) where payment_id is not null;
select moov_protect('ledger_posting', 'false');
select moov_keep('ledger_posting');

create table ledger_entry (
  operator_id text not null references operator,
  posting_id uuid not null,
  line smallint not null,
  account text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- Above 0: debit. Below: credit. What JavaScript counts exactly.
  amount_minor bigint not null check (amount_minor <> 0 and abs(amount_minor) < 9007199254740992),
  booked_at timestamptz not null,
  primary key (operator_id, posting_id, line),
  unique (operator_id, posting_id, account, currency),
  foreign key (operator_id, posting_id) references ledger_posting,
  foreign key (operator_id, account) references ledger_account
);
create index ledger_entry_account on ledger_entry (operator_id, account, currency, booked_at) include (amount_minor);
select moov_protect('ledger_entry', 'false');
select moov_keep('ledger_entry');

-- At commit: a posting has entries that sum to zero per currency, all of them booked with it.
create function ledger_check() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  posting ledger_posting := (select p from ledger_posting p
                               where p.operator_id = new.operator_id and p.posting_id = new.posting_id);
  wrong text := (select string_agg(currency || ' ' || sum, ', ') from (
    select e.currency, sum(e.amount_minor) from ledger_entry e
    where e.operator_id = new.operator_id and e.posting_id = new.posting_id
    group by e.currency having sum(e.amount_minor) <> 0) s);
begin
  if wrong is not null then
    raise exception 'posting % does not sum to zero: %', posting.reference, wrong using errcode = 'check_violation';
  end if;
  if not exists (select from ledger_entry e where e.operator_id = new.operator_id and e.posting_id = new.posting_id) then
    raise exception 'posting % has no entries', posting.reference using errcode = 'check_violation';
  end if;
  if posting.booked_in <> pg_current_xact_id() or exists (select from ledger_entry e where e.operator_id = new.operator_id
       and e.posting_id = new.posting_id and e.booked_at <> posting.booked_at) then
    raise exception 'posting % is booked: it takes no more entries', posting.reference using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger ledger_check after insert on ledger_posting deferrable initially deferred
  for each row execute function ledger_check();
create constraint trigger ledger_check after insert on ledger_entry deferrable initially deferred
  for each row execute function ledger_check();

-- The last moment that was declared complete: nothing is booked before it, also when the server's clock is put back.
create table ledger_settled (
  operator_id text primary key references operator,
  at timestamptz not null
);
select moov_protect('ledger_settled', 'false');
revoke delete on ledger_settled from moov_tenant;

-- Sums of everything booked before upto, so that a balance costs the same however long an account has been kept. Derived.
create table ledger_balance (
  operator_id text not null references operator,
  account text not null,
  currency text not null,
  upto timestamptz not null,
  amount_minor bigint not null,
  primary key (operator_id, account, currency)
);
select moov_protect('ledger_balance', 'false');
revoke insert, update, delete on ledger_balance from moov_tenant;

create table statement (
  statement_id uuid primary key default gen_random_uuid(),
  operator_id text not null references operator,
  number bigint not null,
  account text not null,
  currency text not null,
  -- What was booked from … on and before … to.
  period_from timestamptz not null,
  period_to timestamptz not null check (period_to > period_from),
  time_zone text not null,
  opening_minor bigint not null,
  charges_minor bigint not null,
  payments_minor bigint not null,
  other_minor bigint not null,
  closing_minor bigint not null check (closing_minor = opening_minor + charges_minor + payments_minor + other_minor),
  cdr_count integer not null,
  energy_wh bigint not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  unique (operator_id, number),
  unique (operator_id, account, currency, period_from, period_to),
  foreign key (operator_id, account) references ledger_account
);
create index statement_list on statement (operator_id, period_to desc, statement_id desc);
create index statement_account on statement (operator_id, account, period_to desc);
select moov_protect('statement', 'false');
select moov_keep('statement');

-- Months of which every account has its statement.
create table statement_month (
  operator_id text not null references operator,
  period_from timestamptz not null,
  period_to timestamptz not null,
  done_at timestamptz not null default now(),
  primary key (operator_id, period_from, period_to)
);
select moov_protect('statement_month', 'false');
revoke insert, update, delete on statement_month from moov_tenant;

create table statement_cdr (
  statement_id uuid not null references statement,
  cdr_id uuid not null references cdr,
  operator_id text not null references operator,
  primary key (statement_id, cdr_id)
);
select moov_protect('statement_cdr', 'false');
select moov_keep('statement_cdr');

-- A receipt is what was told when it was first asked for; who it was made out to stands apart, because that may go.
create table receipt (
  receipt_id uuid primary key default gen_random_uuid(),
  operator_id text not null references operator,
  number bigint not null,
  -- By which anybody may check it.
  code text not null unique,
  cdr_id uuid unique references cdr,
  posting_id uuid,
  document json not null,
  issued_at timestamptz not null default now(),
  unique (operator_id, number),
  unique (operator_id, posting_id),
  check ((cdr_id is null) <> (posting_id is null)),
  foreign key (operator_id, posting_id) references ledger_posting
);
select moov_protect('receipt', 'false');
select moov_keep('receipt');

create table receipt_customer (
  receipt_id uuid primary key references receipt,
  operator_id text not null references operator,
  name text,
  tax_id text
);
select moov_protect('receipt_customer', 'false');
select moov_protect('money_counter', 'false');
