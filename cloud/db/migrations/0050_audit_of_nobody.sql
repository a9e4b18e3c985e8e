-- What a person does with their account while they belong to no operator: nobody's audit, seen behind no wall.
alter table audit alter column operator_id drop not null;
create index audit_of_nobody on audit (subject, audit_id desc) where operator_id is null;
