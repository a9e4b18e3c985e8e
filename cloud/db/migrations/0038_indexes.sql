-- Lists that at the size of a big operator (10,000 stations, 1,000,000 transactions) read far more than they show.

create index transaction_running_site on transaction (site_id) where running;
create index transaction_running_list on transaction (operator_id, started_at desc, transaction_id desc) where running;
create index audit_action on audit (operator_id, action, audit_id desc);
create index audit_actor on audit (operator_id, actor, audit_id desc);
create index audit_subject on audit (operator_id, subject, audit_id desc);
