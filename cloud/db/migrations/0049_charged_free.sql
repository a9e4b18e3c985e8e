-- A rule that an operator begins with, and those that are here already get: energy for nothing where there are tariffs.
create function alarm_defaults_tariffs(operator text) returns void language sql security definer
  set search_path = public, pg_temp as $$
  insert into alarm_rule (operator_id, name, kind, params, severity, raise_after_s, clear_after_s)
  values (operator, 'Charging without a tariff, where there are tariffs', 'charged-free', '{"hours": 24}', 'warning', 0, 0)
$$;
create or replace function operator_begins() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
begin
  perform alarm_defaults(new.operator_id);
  perform alarm_defaults_billing(new.operator_id);
  perform alarm_defaults_money(new.operator_id);
  perform alarm_defaults_tariffs(new.operator_id);
  return null;
end $$;
select alarm_defaults_tariffs(operator_id) from operator;
revoke execute on function alarm_defaults_tariffs from public;
