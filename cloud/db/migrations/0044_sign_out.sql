-- An operator signs out its own: a session may serve several operators, and ends for the one that says so.

create table session_end (
  session_id text not null references auth_session on delete cascade,
  operator_id text not null references operator,
  ended_at timestamptz not null default now(),
  primary key (session_id, operator_id)
);
select moov_protect('session_end');

-- Signs a person out of the operator that asks. Who belongs to no other is signed out altogether. Runs as the owner
-- of the tables: whether there is another operator is not the asking one's business. Returns how many sessions.
create function moov_sign_out(person text) returns integer language plpgsql security definer
  set search_path = public, pg_temp as $$
declare
  operator text := moov_operator();
  ended integer;
begin
  if not exists (select from member m where m.operator_id = operator and m.user_id = person) then
    return 0;
  end if;
  if exists (select from member m where m.user_id = person and m.operator_id <> operator
               and (m.expires_at is null or m.expires_at > now())) then
    insert into session_end (session_id, operator_id)
      select s.id, operator from auth_session s where s.user_id = person on conflict do nothing;
  else
    delete from auth_session s where s.user_id = person;
  end if;
  get diagnostics ended = row_count;
  return ended;
end $$;
revoke all on function moov_sign_out(text) from public;
grant execute on function moov_sign_out(text) to moov_tenant;

-- So nothing of the sessions themselves is within reach of the API's role.
drop policy tenant on auth_session;
revoke all on auth_session from moov_tenant;
revoke select (id, user_id) on auth_session from moov_tenant;
revoke insert, update, delete on session_end from moov_tenant;
