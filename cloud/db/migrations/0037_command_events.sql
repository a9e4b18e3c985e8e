-- A command has its outcome: told by whoever writes it (its ER, the time, a person), so it is watched here.
create function command_finished() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
begin
  perform webhook_emit(new.operator_id, jsonb_build_array(jsonb_build_object(
    'event_id', gen_random_uuid(), 'type', 'command.finished', 'site_id', new.site_id,
    'at', coalesce(new.finished_at, now()), 'once_key', format('command.finished:%s:%s', new.command_id, new.status),
    'data', jsonb_build_object('commandId', new.command_id, 'siteId', new.site_id, 'stationId', new.station_id,
      'kind', new.kind, 'status', new.status, 'reason', left(new.reason, 500), 'finishedAt', new.finished_at))));
  return null;
end $$;
revoke execute on function command_finished from public;
create trigger command_finished after update of status on command for each row
  when (new.status is distinct from old.status
    and new.status in ('succeeded', 'rejected', 'failed', 'expired', 'uncertain', 'superseded'))
  execute function command_finished();

-- One more rule that a new operator begins with.
create function alarm_defaults_billing(operator text) returns void language sql security definer
  set search_path = public, pg_temp as $$
  insert into alarm_rule (operator_id, name, kind, params, severity, clear_after_s)
  values (operator, 'Transactions that cannot be billed', 'billing-held', '{"hours": 24}', 'warning', 0)
$$;
create or replace function operator_begins() returns trigger language plpgsql security definer
  set search_path = public, pg_temp as $$
begin
  perform alarm_defaults(new.operator_id);
  perform alarm_defaults_billing(new.operator_id);
  return null;
end $$;
select alarm_defaults_billing(operator_id) from operator;
revoke execute on function alarm_defaults_billing from public;
