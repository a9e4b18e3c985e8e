-- The list of what is billed, newest first: of an operator, and of a site.
create index transaction_billing_list on transaction_billing (operator_id, updated_at desc, transaction_id desc);
create index transaction_billing_site on transaction_billing (site_id, updated_at desc, transaction_id desc);
