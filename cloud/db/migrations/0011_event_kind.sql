-- What is rare is found among the many events of the stations' own monitoring.
create index station_event_kind on station_event (operator_id, kind, at desc, seq desc, idx desc, journal_id desc)
  where kind <> 'event';
