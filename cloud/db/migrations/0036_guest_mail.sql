-- Guests who gave an e-mail get their receipt: of this CDR they have it.
alter table guest_session add mailed_cdr_id uuid;
