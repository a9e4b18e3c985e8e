-- One key after another signs policies.

-- Not to be trusted any more. A key that is only announced has signed nothing yet: it was activated at -infinity.
alter table signing_key add retired_at timestamptz;
