-- Payments: providers, what they tell, and guests who pay at the connector.
--
-- No balance is kept here: the ledger has them. Amounts are what providers tell of a payment, and only rise.

-- Seals the secrets of providers where no key of a file is given. Nobody behind the wall reads it.
create table secrets_key (
  key_id text primary key,
  key bytea not null,
  created_at timestamptz not null default now()
);

create table payment_provider (
  provider_id uuid primary key,
  operator_id text not null references operator,
  kind text not null check (kind in ('stripe', 'mercado-pago', 'sandbox')),
  enabled boolean not null default true,
  -- What everybody may know: currency, amounts, how long a guest has to pay.
  settings jsonb not null,
  -- AES-256-GCM; what its secrets are named and how they end is in secret_hints.
  secrets bytea not null,
  secret_hints jsonb not null,
  -- Where its webhooks come in: unguessable, and no name of anything else.
  endpoint_id text not null unique,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (operator_id, kind)
);

-- What the sticker at a connector says.
create table evse_code (
  code text primary key,
  operator_id text not null references operator,
  site_id text not null references site,
  station_id text not null references station,
  evse_id integer not null check (evse_id between 1 and 1000),
  created_at timestamptz not null default now(),
  unique (station_id, evse_id)
);

create table payment (
  payment_id uuid primary key,
  operator_id text not null references operator,
  site_id text not null references site,
  station_id text not null references station,
  provider_id uuid not null references payment_provider,
  kind text not null,
  flow text not null check (flow in ('authorize', 'prepay')),
  -- What was asked for.
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  description text not null,
  status text not null default 'created' check (status in ('created', 'pending', 'authorized', 'paid', 'captured',
    'partially_refunded', 'refunded', 'cancelled', 'failed', 'expired', 'disputed')),
  -- The state (core/payment.ts): highest of what was told.
  progress text not null default 'created',
  authorized_minor bigint not null default 0,
  captured_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  dispute text not null default 'none',
  disputed_minor bigint not null default 0,
  decline_code text,
  checkout_id text,
  provider_payment_id text,
  checkout_url text,
  pix_code text,
  expires_at timestamptz not null,
  -- What we want to keep of it in the end; null: not known yet. 0: nothing.
  keep_minor bigint check (keep_minor >= 0),
  keep_reason text,
  -- The amount of the capture that was asked for: asked again, it is the same.
  capture_asked_minor bigint,
  -- Something is to be asked of the provider, from then on; null: nothing.
  due_at timestamptz,
  attempts integer not null default 0,
  last_error text,
  -- When the provider was asked last, and when it last told by itself.
  checked_at timestamptz,
  heard_at timestamptz,
  flags text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  paid_at timestamptz,
  unique (provider_id, provider_payment_id),
  unique (provider_id, checkout_id)
);
create index payment_list on payment (operator_id, created_at desc, payment_id desc);
create index payment_due on payment (due_at) where due_at is not null;
create index payment_open on payment (coalesce(checked_at, created_at))
  where status in ('created', 'pending', 'failed', 'authorized');

create table refund (
  refund_id uuid primary key,
  operator_id text not null references operator,
  site_id text not null references site,
  payment_id uuid not null references payment,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null,
  status text not null default 'requested' check (status in ('requested', 'pending', 'succeeded', 'failed')),
  reason text not null,
  -- 'provider': it was made there, not by us.
  requested_by text not null,
  provider_refund_id text,
  -- It has been asked for at the provider at least once.
  sent_at timestamptz,
  failure text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (payment_id, provider_refund_id)
);
create index refund_payment on refund (payment_id, created_at);
create index refund_open on refund (payment_id) where status in ('requested', 'pending');

-- Every webhook that was verified, as it came: the same is taken once, and may be read again.
create table payment_event (
  event_id bigint generated always as identity primary key,
  operator_id text not null references operator,
  site_id text references site,
  provider_id uuid not null references payment_provider,
  provider_event_id text not null,
  type text not null,
  payment_id uuid references payment,
  occurred_at timestamptz,
  received_at timestamptz not null default now(),
  body bytea not null,
  -- null: waits to be read, from then on.
  outcome text check (outcome in ('applied', 'unchanged', 'not-ours', 'unknown-payment', 'failed')),
  due_at timestamptz default now(),
  attempts integer not null default 0,
  deliveries integer not null default 1,
  processed_at timestamptz,
  last_error text,
  unique (provider_id, provider_event_id)
);
create index payment_event_list on payment_event (operator_id, event_id desc);
create index payment_event_payment on payment_event (payment_id, event_id);
create index payment_event_due on payment_event (due_at) where due_at is not null;

-- What asking the providers brought to light.
create table payment_finding (
  finding_id bigint generated always as identity primary key,
  operator_id text not null references operator,
  site_id text not null references site,
  payment_id uuid not null references payment,
  kind text not null check (kind in ('webhook-missing', 'provider-unreachable', 'provider-refused', 'amount-differs',
    'refund-failed', 'shortfall', 'late-transaction', 'disputed')),
  detail jsonb not null,
  repaired boolean not null,
  found_at timestamptz not null default now(),
  unique (payment_id, kind)
);
create index payment_finding_list on payment_finding (operator_id, finding_id desc);

create table guest_session (
  guest_session_id uuid primary key,
  operator_id text not null references operator,
  site_id text not null references site,
  station_id text not null references station,
  evse_id integer not null,
  -- The guest's own name for the request: asked twice, it is one session.
  request_id text not null,
  payment_id uuid not null references payment,
  -- The token by which the station charges for this guest.
  id_token text not null,
  id_token_key text not null generated always as (lower(id_token)) stored,
  language text not null,
  -- For the receipt; gone when the operator erases.
  email text,
  tax_id text,
  state text not null default 'awaiting-payment' check (state in ('awaiting-payment', 'starting', 'plug-in', 'charging',
    'finishing', 'settled', 'released', 'expired')),
  -- Why it ended as it did, or what is being waited for.
  reason text,
  tariff_id text,
  tariff_version integer,
  -- Bound of the transaction by what was paid; null: by the price as it runs.
  cap_energy_wh bigint,
  command_id uuid references command,
  commanded_at timestamptz,
  stop_command_id uuid references command,
  stop_asked_at timestamptz,
  -- The guest does not want it any more.
  cancel_asked_at timestamptz,
  transaction_id uuid,
  -- The CDR by which it was settled last.
  cdr_id uuid,
  price_minor bigint,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Looked at again then; null: nothing more to come.
  look_at timestamptz default now(),
  unique (operator_id, request_id)
);
create unique index guest_session_token on guest_session (operator_id, id_token_key);
create index guest_session_payment on guest_session (payment_id);
create index guest_session_due on guest_session (look_at) where look_at is not null;
create index guest_session_evse on guest_session (station_id, evse_id, created_at desc);
create index guest_session_transaction on guest_session (transaction_id) where transaction_id is not null;

-- A CDR, or the word that there will be none, is looked at by the guest's session. As the owner of the tables: those who
-- bill need not be let at guests.
create function guest_is_due() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update guest_session set look_at = now() where transaction_id = new.transaction_id;
  return null;
end $$;
create trigger guest_is_due after insert or update of status, cdr_id on transaction_billing
  for each row execute function guest_is_due();

-- The provider for demonstrations keeps its own books.
create table sandbox_payment (
  sandbox_id text primary key,
  operator_id text not null references operator,
  payment_id uuid not null unique,
  flow text not null,
  amount_minor bigint not null,
  currency text not null,
  description text not null,
  return_url text not null,
  status text not null default 'open' check (status in ('open', 'declined', 'authorized', 'captured', 'cancelled',
    'expired')),
  captured_minor bigint not null default 0,
  -- [{id, refundId, amountMinor}]
  refunds jsonb not null default '[]',
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);

select moov_protect(name) from unnest(array['payment_provider', 'evse_code', 'payment', 'refund', 'payment_event',
  'payment_finding', 'guest_session', 'sandbox_payment']) name;
