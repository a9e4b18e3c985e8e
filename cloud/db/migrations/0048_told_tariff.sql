-- By which tariff the site showed what a transaction costs, as its ER told when it began: text, and checked before it
-- counts. Null: the ER knew none, or is of a release that does not tell.
alter table transaction
  add told_tariff_id text,
  add told_tariff_version integer;

-- What was charged at nothing has no posting: statements look for it, and for what has taken its place, by payer.
create index cdr_free on cdr (operator_id, payer) where total_minor = 0;

-- Of a tariff the highest version counts that has begun and not ended: one that has ended gives way to the one before.
