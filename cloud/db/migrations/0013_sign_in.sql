-- People who sign in: accounts, sessions, second factors, invitations, and what keeps guessing slow.
--
-- The tables auth_* are the sign-in library's (cloud/sign-in.ts names each column to it); nothing but this file makes or
-- changes them. A person may belong to several operators, so these rows are no operator's: the API's role sees of them
-- only the names of an operator's own members.

create table auth_user (
  id text primary key,
  name text not null,
  email text not null unique check (email = lower(email)),
  -- Somebody has shown that they read this mailbox. Until then nothing is linked to the account by its address.
  email_verified boolean not null default false,
  image text,
  two_factor_enabled boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table auth_session (
  id text primary key,
  user_id text not null references auth_user on delete cascade,
  token text not null unique,
  expires_at timestamptz not null,
  ip_address text,
  user_agent text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index auth_session_user on auth_session (user_id);
create index auth_session_expires on auth_session (expires_at);

-- How a person proves who they are: a password (provider "credential"), or an account elsewhere.
create table auth_account (
  id text primary key,
  user_id text not null references auth_user on delete cascade,
  provider_id text not null,
  account_id text not null,
  password text,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider_id, account_id)
);
create index auth_account_user on auth_account (user_id);

-- Challenges and links under way. Identifiers are stored hashed.
create table auth_verification (
  id text primary key,
  identifier text not null,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index auth_verification_identifier on auth_verification (identifier);
create index auth_verification_expires on auth_verification (expires_at);

-- Secret and backup codes are encrypted by the secret of the SG.
create table auth_two_factor (
  id text primary key,
  user_id text not null unique references auth_user on delete cascade,
  secret text not null,
  backup_codes text not null,
  verified boolean not null default true,
  failed_verification_count integer not null default 0,
  locked_until timestamptz
);

-- A code of an authenticator app counts once.
create table auth_used_code (
  user_id text not null references auth_user on delete cascade,
  code text not null,
  used_at timestamptz not null default now(),
  primary key (user_id, code)
);

create table auth_passkey (
  id text primary key,
  user_id text not null references auth_user on delete cascade,
  name text,
  public_key text not null,
  credential_id text not null unique,
  counter bigint not null,
  device_type text not null,
  backed_up boolean not null,
  transports text,
  aaguid text,
  created_at timestamptz not null default now()
);
create index auth_passkey_user on auth_passkey (user_id);

-- Attempts by account and by address, under hashed names, shared by all copies of the API.
create table auth_throttle (
  key text primary key,
  count integer not null,
  since timestamptz not null,
  blocked_until timestamptz
);
create index auth_throttle_since on auth_throttle (since);

-- Signs cookies and encrypts second factors, where no file says another.
create table auth_secret (
  only_one boolean primary key default true check (only_one),
  secret text not null,
  created_at timestamptz not null default now()
);

alter table member add foreign key (user_id) references auth_user on delete cascade;

-- Of people the API's role sees the names of the members of its operator.
alter table auth_user enable row level security;
create policy tenant on auth_user for select to moov_tenant
  using (exists (select from member m where m.user_id = auth_user.id));
grant select (id, name, email, email_verified, two_factor_enabled, created_at) on auth_user to moov_tenant;
-- It may end their sessions, and read none of them.
alter table auth_session enable row level security;
create policy tenant on auth_session to moov_tenant
  using (exists (select from member m where m.user_id = auth_session.user_id));
grant select (id, user_id), delete on auth_session to moov_tenant;

-- Two secrets of one invitation: the one in the mail proves the mailbox, the one shown to who invites does not.
create table invitation (
  invitation_id uuid primary key default gen_random_uuid(),
  operator_id text not null references operator,
  email text not null check (email = lower(email)),
  role text not null,
  site_ids text[],
  -- When the membership ends, once it is one.
  member_expires_at timestamptz,
  mail_hash bytea not null unique,
  link_hash bytea not null unique,
  -- Made on the command line of the SG: sets a new password for somebody who is known, and drops second factors.
  recovery boolean not null default false,
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  accepted_by text references auth_user on delete set null,
  revoked_at timestamptz
);
create index invitation_list on invitation (operator_id, created_at desc, invitation_id desc);
select moov_protect('invitation');

-- What makes somebody the first owner of a fresh operator, once. Told in the log of the SG.
create table setup_code (
  code_hash bytea primary key,
  operator_id text not null references operator,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
select moov_protect('setup_code');
revoke all on setup_code from moov_tenant;

create index audit_list on audit (operator_id, audit_id desc);
