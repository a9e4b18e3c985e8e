-- Rules about money and people that an operator begins with, and those that are here already get.
create function alarm_defaults_money(operator text) returns void language sql security definer
  set search_path = public, pg_temp as $$
  insert into alarm_rule (operator_id, name, kind, params, severity, raise_after_s, clear_after_s)
  select operator, * from (values
    ('Findings about payments that are open', 'payment-finding', '{"minutes": 60}'::jsonb, 'warning', 0, 0),
    ('Statements of a month are late', 'statement-late', '{"hours": 24}', 'warning', 0, 0),
    ('People who wait to be erased', 'erasure-waits', '{"hours": 72}', 'warning', 0, 0)
  ) as d(name, kind, params, severity, raise_after_s, clear_after_s)
$$;
create or replace function operator_begins() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
begin
  perform alarm_defaults(new.operator_id);
  perform alarm_defaults_billing(new.operator_id);
  perform alarm_defaults_money(new.operator_id);
  return null;
end $$;
select alarm_defaults_money(operator_id) from operator;
revoke execute on function alarm_defaults_money from public;

-- Asked every half minute.
create index payment_finding_open on payment_finding (operator_id, found_at) where not repaired and resolved_at is null;
