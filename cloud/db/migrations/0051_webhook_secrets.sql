-- Secrets of webhooks lie sealed. Those of a former release lie open in `secret` until a start of the SG seals them.
alter table webhook_endpoint alter column secret drop not null;
alter table webhook_endpoint add column sealed_secret bytea;
alter table webhook_endpoint add column sealed_old_secret bytea;
alter table webhook_endpoint add check (secret is not null or sealed_secret is not null);
