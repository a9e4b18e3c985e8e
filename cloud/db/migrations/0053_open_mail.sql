-- How the mails stand, without those that are sent; the audit of a time that is long ago.
create index mail_open on mail (operator_id, status) where status in ('waiting', 'failed');
create index audit_time on audit (operator_id, at);
