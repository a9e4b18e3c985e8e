-- Payments of a site and of a station, newest first.
create index payment_site on payment (site_id, created_at desc, payment_id desc);
create index payment_station on payment (station_id, created_at desc, payment_id desc);
