-- Drivers: the people behind idTokens, and how they go again.
--
-- What a driver has charged names it by driver_id alone, so that the person can go and the books stay. A token of
-- somebody who is blocked or gone is refused at every site: by its row while there is one, after that by its hash.

create table driver (
  driver_id uuid primary key,
  operator_id text not null references operator,
  status text not null default 'active' check (status in ('active', 'blocked', 'erased')),
  name text,
  email text,
  phone text,
  -- CPF or CNPJ, bare.
  tax_id text,
  language text not null default 'pt-BR' check (language in ('pt-BR', 'en', 'es')),
  -- The fleet: of all its tokens.
  group_id text,
  -- Who this is when signed in.
  user_id text references auth_user on delete set null,
  notes text,
  -- Behind the wall only plain columns use their indexes.
  name_key text not null generated always as (lower(coalesce(name, ''))) stored,
  email_key text generated always as (lower(email)) stored,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  erased_at timestamptz,
  -- When nothing was left of it in the raw timeline either.
  erasure_finished_at timestamptz,
  unique (operator_id, driver_id),
  check (case when status = 'erased' then erased_at is not null
           and num_nonnulls(name, email, phone, tax_id, group_id, user_id, notes) = 0
         else name is not null and erased_at is null end)
);
create index driver_list on driver (operator_id, name_key, driver_id);
create unique index driver_email on driver (operator_id, email_key);
create unique index driver_tax_id on driver (operator_id, tax_id);
create unique index driver_user on driver (operator_id, user_id);
select moov_protect('driver', 'false');

alter table id_token
  add driver_id uuid,
  -- What was charged with it before is not this driver's.
  add driver_since timestamptz,
  add foreign key (operator_id, driver_id) references driver (operator_id, driver_id),
  add check ((driver_id is null) = (driver_since is null));
create index id_token_driver on id_token (driver_id) where driver_id is not null;
create index id_token_group on id_token (operator_id, group_id) where group_id is not null;

-- Whose the token was at the start; told when the transaction comes in.
alter table transaction
  add driver_id uuid,
  add token_key text generated always as (lower(id_token)) stored;
create index transaction_driver on transaction (operator_id, driver_id, started_at desc, transaction_id desc)
  where driver_id is not null;
create index transaction_token_key on transaction (operator_id, token_key, started_at desc);

-- How a token is named in a site's policy (shared/policy.ts): the same text for the same token.
create function moov_token_hash(salt text, token text) returns text language sql immutable parallel safe as $$
  select rtrim(translate(encode(substr(sha256(convert_to(salt || ':' || lower(token), 'UTF8')), 1, 16), 'base64'),
    '+/', '-_'), '=')
$$;

-- Tokens of people who are gone, by their hashes: refused at the sites that there were, and no name in what comes in late.
create table erased_token (
  site_id text not null references site,
  hash text not null,
  operator_id text not null references operator,
  driver_id uuid not null references driver,
  pseudonym text not null,
  erased_at timestamptz not null default now(),
  primary key (site_id, hash)
);
create index erased_token_age on erased_token (site_id, erased_at desc);
select moov_protect('erased_token');

-- What is looked for in the raw timeline on behalf of somebody who is gone: known until it has been found everywhere.
create table driver_erasure (
  driver_id uuid primary key references driver,
  operator_id text not null references operator,
  -- [{pattern, is}]; null: done, and forgotten.
  words jsonb,
  -- table → blocks that have been looked at
  progress jsonb not null default '{}',
  requested_by text not null,
  requested_at timestamptz not null default now()
);
create index driver_erasure_open on driver_erasure (requested_at) where words is not null;
select moov_protect('driver_erasure', 'false');
revoke all on driver_erasure from moov_tenant;

create function moov_erased(site text, token text) returns erased_token language sql stable security definer
  set search_path = public, pg_temp as $$
  select e from erased_token e join site s on s.site_id = e.site_id
  where e.site_id = site and e.hash = moov_token_hash(s.policy_salt, token)
$$;

create function transaction_token() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
declare
  gone erased_token;
begin
  select t.driver_id into new.driver_id from id_token t
  where t.operator_id = new.operator_id and t.token_key = lower(new.id_token) and t.driver_since <= new.started_at;
  if not found and exists (select from erased_token e where e.site_id = new.site_id) then
    gone := moov_erased(new.site_id, new.id_token);
    if gone.pseudonym is not null then
      new.id_token := gone.pseudonym;
      new.driver_id := gone.driver_id;
    end if;
  end if;
  return new;
end $$;
create trigger transaction_token_new before insert on transaction for each row
  when (new.id_token is not null and new.id_token not like 'erased-%') execute function transaction_token();
create trigger transaction_token_changed before update of id_token on transaction for each row
  when (new.id_token is distinct from old.id_token and new.id_token not like 'erased-%')
  execute function transaction_token();

-- A text that names tokens of people who are gone, without them.
create function moov_without_erased(site text, value text) returns text language plpgsql stable security definer
  set search_path = public, pg_temp as $$
declare
  token text;
  gone erased_token;
begin
  for token in
    select distinct m[1] from regexp_matches(value, '"id(?:Tag|Token)\\*"\s*:\s*\\*"([^"\\]{1,255})', 'gi') m
  loop
    gone := moov_erased(site, token);
    if gone.pseudonym is not null then
      value := regexp_replace(value, '("id(?:Tag|Token)\\*"\s*:\s*\\*")' ||
        regexp_replace(token, '([^[:alnum:]])', '\\\1', 'g') || '(?=["\\])', '\1' || gone.pseudonym, 'gi');
    end if;
  end loop;
  return value;
end $$;

create function message_token() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
declare
  site text := (select s.site_id from station s where s.station_id = new.station_id);
begin
  if exists (select from erased_token e where e.site_id = site) then
    new.request := moov_without_erased(site, new.request);
    new.response := moov_without_erased(site, new.response);
  end if;
  return new;
end $$;
create trigger message_token before insert on message for each row
  when (strpos(new.request, '"idT') > 0 or strpos(new.response, '"idT') > 0) execute function message_token();

create function parked_token() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
declare
  site text := (select e.site_id from er e where e.er_id = new.er_id);
begin
  if exists (select from erased_token e where e.site_id = site) then
    new.entry := moov_without_erased(site, new.entry);
  end if;
  return new;
end $$;
create trigger parked_token before insert on parked_entry for each row
  when (strpos(new.entry, 'idT') > 0) execute function parked_token();

-- A token that is given to somebody again is refused no more.
create function id_token_again() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
begin
  if exists (select from erased_token e where e.operator_id = new.operator_id) then
    delete from erased_token e using site s
    where s.operator_id = new.operator_id and e.site_id = s.site_id
      and e.hash = moov_token_hash(s.policy_salt, new.id_token);
  end if;
  return null;
end $$;
create trigger id_token_again after insert on id_token for each row execute function id_token_again();

-- Replaces words in a text. $2: [{pattern, is}]
create function moov_mask(value text, words jsonb) returns text language plpgsql immutable parallel safe as $$
declare
  word jsonb;
begin
  for word in select * from jsonb_array_elements(words) loop
    value := regexp_replace(value, word->>'pattern', word->>'is', 'gi');
  end loop;
  return value;
end $$;

-- The same in bytes that are a text; others stay.
create function moov_mask(value bytea, words jsonb) returns bytea language plpgsql immutable parallel safe as $$
begin
  return convert_to(moov_mask(convert_from(value, 'UTF8'), words), 'UTF8');
exception when character_not_in_repertoire or untranslatable_character then
  return value;
end $$;

-- What is kept for ever may lose the name of a card: nothing but what says whose it was, and only to a pseudonym.
create function moov_only_masked(before jsonb, after jsonb) returns boolean language sql immutable as $$
  select before <> after and not exists (
    select from jsonb_each_text(after) a join jsonb_each_text(before) b using (key)
    where a.value is distinct from b.value
      and (a.key <> all ('{id_token,payer,account,basis,document,note,reason,created_by,booked_by}')
        or a.value is null or a.value not like '%erased-%'))
$$;

create or replace function moov_append_only() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if moov_only_masked(to_jsonb(old), to_jsonb(new)) then return new; end if;
  elsif tg_op = 'DELETE' and tg_table_name = 'ledger_account' then
    -- Of a card whose account has another name now; one that anything refers to is held by that.
    if to_jsonb(old)->>'kind' = 'token' and to_jsonb(old)->>'account' = current_setting('moov.account_gone', true)
      then return old; end if;
  end if;
  raise exception '% is append-only: % is refused', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation', hint = 'put it right with another row: a correcting CDR, a reversal';
end $$;

create or replace function cdr_erasure_only() returns trigger language plpgsql as $$
declare
  before jsonb := to_jsonb(old) - 'id_token';
  after jsonb := to_jsonb(new) - 'id_token';
begin
  if before = after and (new.id_token is null or new.id_token like 'erased-%') then return new; end if;
  if moov_only_masked(before, after)
     and (new.id_token is not distinct from old.id_token or new.id_token like 'erased-%') then return new; end if;
  raise exception 'cdr is append-only: update is refused'
    using errcode = 'restrict_violation', hint = 'put it right with a correcting CDR';
end $$;

revoke execute on function moov_erased, moov_without_erased, transaction_token, message_token, parked_token,
  id_token_again from public;
