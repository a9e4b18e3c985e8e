-- What is old is found by time, in tables that are written in the order of time.
create index charge_state_age on charge_state using brin (at) with (pages_per_range = 32);
create index station_event_age on station_event using brin (at) with (pages_per_range = 32);
create index station_report_age on station_report using brin (at) with (pages_per_range = 32);
create index command_age on command using brin (issued_at) with (pages_per_range = 32);
create index payment_event_age on payment_event using brin (received_at) with (pages_per_range = 32);
-- Commands go after what they ordered: looked for by it.
create index reservation_cancel on reservation (cancel_command_id) where cancel_command_id is not null;
create index charging_profile_command on charging_profile (command_id);
create index charging_profile_clear on charging_profile (clear_command_id) where clear_command_id is not null;
create index guest_session_command on guest_session (command_id) where command_id is not null;
create index guest_session_stop on guest_session (stop_command_id) where stop_command_id is not null;
create index idempotency_age on idempotency (created_at);
