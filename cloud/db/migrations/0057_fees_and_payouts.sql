-- What providers keep, and what they pay out to the bank, as they tell of it.

alter table payment
  -- Entries of the provider's own books, by their ids (core/settlement.ts).
  add settlements jsonb not null default '{}',
  -- Kept of it in its own currency; null: not known yet.
  add fee_minor bigint,
  -- Its money had come before fees came by themselves: what a person has booked is not booked again.
  add fees_by_hand boolean not null default true;
-- Of most the money has come: as a default it is written into none of them, which nobody can pay or capture meanwhile.
update payment set fees_by_hand = false where captured_minor = 0;
alter table payment alter fees_by_hand set default false;

-- Between two currencies, where a provider keeps its books in another one.
alter table ledger_account drop constraint ledger_account_kind_check;
alter table ledger_account add constraint ledger_account_kind_check check (kind in ('driver', 'fleet', 'token', 'guest',
  'unassigned', 'revenue', 'tax', 'clearing', 'bank', 'fees', 'write-off', 'rounding', 'exchange'));

alter table payment_provider
  -- Payouts that were made before are a person's.
  add payouts_from timestamptz not null default now(),
  -- Everything that was made before this moment has been read at least once.
  add payouts_read_at timestamptz,
  -- Of the reading that is under way: its beginning, and from which payout on it goes on.
  add payouts_began_at timestamptz,
  add payouts_page text,
  add payouts_check_at timestamptz not null default now(),
  add payouts_error text;
create index payment_provider_payouts on payment_provider (payouts_check_at);

create table payout (
  operator_id text not null references operator,
  provider_id uuid not null references payment_provider,
  provider_payout_id text not null,
  kind text not null,
  -- Highest of what was told (core/payout.ts). The ledger has it while it is paid.
  status text not null check (status in ('pending', 'in_transit', 'paid', 'canceled', 'failed')),
  amount_minor bigint not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  fee_minor bigint,
  failure text,
  -- By the provider's clock.
  made_at timestamptz not null,
  arrives_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider_id, provider_payout_id)
);
create index payout_list on payout (operator_id, made_at desc);
select moov_protect('payout', 'false');
