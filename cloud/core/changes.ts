/**
 * What a batch of entries changes in PostgreSQL: rows to add, rows to merge. Plain data, ready to be sent
 * as JSON.
 *
 * Column names, because the SQL reads them by these names. Times are Unix milliseconds here. A field that
 * is absent leaves the column as it is.
 */
import type { Reading } from "../../shared/reading.ts";
import type { ErGauges } from "../../shared/wire.ts";

export type MessageRow = {
  at: number;
  station_id: string;
  seq: number;
  kind: string;
  protocol?: string;
  action?: string;
  request?: string;
  response?: string;
  reason?: string;
  transaction_id?: string;
  command_id?: string;
  flags?: string[];
  up_ms: number;
  /** Why the ER called by itself. */
  cause?: string;
};

export type SampleRow = {
  at: number;
  transaction_id: string;
  energy_import_wh?: number;
  power_w?: number;
  current_phases_ma?: number[];
  voltage_phases_mv?: number[];
  soc_percent?: number;
};

export type StationChange = {
  station_id: string;
  protocol?: string;
  online?: boolean;
  online_changed_at?: number;
  /** It went and came back within the batch: the time counts even where the state is the old one. */
  flapped?: boolean;
  last_message_at?: number;
  vendor?: string;
  model?: string;
  serial_number?: string;
  firmware_version?: string;
  booted_at?: number;
  registration_told?: string;
};

/** The station has ended a reservation, or a transaction has used it. */
export type ReservationChange = {
  station_id: string;
  reservation_id: number;
  fact: string;
  at: number;
  transaction_id?: string;
};

/** What an answer of a station tells of its own list of tokens. */
export type LocalListChange = {
  station_id: string;
  version?: number;
  /** `check`: known only as long as the version is the one that we know. Absent: they stay. */
  entries?: "replace" | "change" | "check";
  added?: Record<string, object>;
  removed?: string[];
  checked_at?: number;
  updated_at?: number;
  last_result?: string;
  last_result_at?: number;
};

export type ConnectorChange = {
  station_id: string;
  evse_id: number;
  connector_id: number;
  status: string;
  detail?: string;
  error_code?: string;
  status_at: number;
};

/** When an entry was written, on the ER's clocks, and what the station said, where it said something. */
export type EntryTime = { stamp?: number; at: number; upMs: number; seq: number };

export type TransactionChange = {
  transaction_id: string;
  station_id: string;
  ocpp_transaction_id?: string;
  evse_id?: number;
  connector_id?: number;
  charging_state?: string;
  /** Where nothing has said when it began: the first we heard of it. */
  seen_at: number;
  started_at?: number;
  ended_at?: number;
  meter_start_wh?: number;
  meter_stop_wh?: number;
  last_energy_wh?: number;
  /** Lowest register among the samples: below an earlier batch's highest, it fell. */
  min_energy_wh?: number;
  /** Each of the latest sample that tells it: they come in messages of their own. */
  power_w?: number;
  power_at?: number;
  soc_percent?: number;
  soc_at?: number;
  last_sample_at?: number;
  id_token?: string;
  authorized_by?: string;
  authorization_status?: string;
  stopped_reason?: string;
  authorization_reason?: string;
  cap_energy_wh?: number;
  cap_duration_s?: number;
  revoked_reason?: string;
  /** By which tariff the site showed the cost. */
  told_tariff_id?: string;
  told_tariff_version?: number;
  /** Highest register of several stops; `meter_stop_wh` is the lowest. */
  meter_stop_max_wh?: number;
  /** The ER ended it without a word of the station: an estimate, which the station's own stop beats. */
  closed_at?: number;
  closed_meter_wh?: number;
  /** The entries that told of it first, of its start and of its end. */
  seen_time: EntryTime;
  start_time?: EntryTime;
  end_time?: EntryTime;
  /** A message that is no history says that it runs. */
  seen_running?: boolean;
  flags: string[];
  needs_review: boolean;
};

/** The word of a station for the charging at an EVSE, from then on: named, or that of a transaction. */
export type ChargeStateRow = {
  station_id: string;
  evse_id?: number;
  transaction_id?: string;
  at: number;
  state: string;
};

export type MeterChange = {
  meter_id: string;
  model?: string;
  state?: string;
  state_reason?: string;
  sampled_at?: number;
  reading?: Reading;
  flags?: string[];
};

export type MeterSampleRow = {
  at: number;
  meter_id: string;
  energy_import_wh?: number;
  energy_export_wh?: number;
  power_w?: number;
  power_phases_w?: number[];
};

export type CommandChange = {
  command_id: string;
  accepted_at?: number;
  accepted_seq?: number;
  /** Under which the station reports to it. */
  request_id?: number;
  finished_at?: number;
  status?: string;
  response?: unknown;
  reason?: string;
};

export type ErChange = {
  boot?: string;
  release?: string;
  started_at?: number;
  stopped_at?: number | null;
  policy_version?: number;
  clock?: string;
  clock_offset_ms?: number;
  gauges?: ErGauges;
};

/** A start of the ER's program. */
export type BootRow = {
  first_seq: number;
  boot: string;
  started_at: number;
  up_ms: number;
  clock: string;
  previous_end?: string;
  reason?: string;
};

/** What the ER learned of the time. */
export type ClockRow = { seq: number; at: number; up_ms: number; offset_ms: number; source?: string };
export type HealthRow = { seq: number; at: number; gauges: ErGauges };
export type SetAsideRow = {
  seq: number;
  at: number;
  file: string;
  reason: string;
  old_journal_id?: string;
  old_last_seq?: number;
};

/** Telemetry that the ER gave up: the numbers that went, and how often one was kept. */
export type ShedRow = {
  seq: number;
  kept_every_s: number;
  first_at: number;
  ranges: [number, number][];
  entries: number;
};

/** A file of a station, at its box or on its way here. */
export type FileChange = {
  file_id: string;
  station_id: string;
  command_id?: string;
  name?: string;
  size?: number;
  sha256?: string;
  received_at?: number;
  forwarded_at?: number;
  forwarded?: string;
};

/** What a station said later to a call of ours. */
export type ReportRow = {
  seq: number;
  at: number;
  up_ms: number;
  station_id: string;
  of: string;
  request_id?: number;
  seq_no?: number;
  last: boolean;
  action: string;
  payload: unknown;
};

export type VariableChange = {
  station_id: string;
  variable_key: string;
  component: string;
  component_instance?: string;
  evse_id?: number;
  connector_id?: number;
  variable: string;
  variable_instance?: string;
  attribute: string;
  value?: string;
  secret: boolean;
  mutability?: string;
  unit?: string;
  data_type?: string;
  read_at: number;
  source: string;
  seq: number;
};

/** What a station said to an ER that carried out a template. Without a status: only that it has the variable. */
export type VariableWriteChange = {
  station_id: string;
  place_id: string;
  missing: boolean;
  value?: string;
  status?: string;
  at: number;
  seq: number;
};

/** `idx`: among the events of one message. `told_at`: as the station says. */
export type EventRow = {
  seq: number;
  idx: number;
  at: number;
  up_ms: number;
  station_id: string;
  told_at?: number;
  kind: string;
  type: string;
  severity?: number;
  cleared?: boolean;
  evse_id?: number;
  detail?: unknown;
};

export type CertificateRequestRow = {
  seq: number;
  at: number;
  up_ms: number;
  station_id: string;
  csr: string;
  certificate_type?: string;
  request_id?: number;
};

/** A certificate that a station took. */
export type CertificateAnswerRow = {
  seq: number;
  at: number;
  station_id: string;
  certificate_type?: string;
  request_id?: number;
  command_id?: string;
};

export type ParkedRow = { seq: number; entry: string; reason: string };

export type Changes = {
  messages: MessageRow[];
  samples: SampleRow[];
  /** By station, EVSE or transaction, and time. */
  chargeStates: Map<string, ChargeStateRow>;
  stations: Map<string, StationChange>;
  connectors: Map<string, ConnectorChange>;
  transactions: Map<string, TransactionChange>;
  meters: Map<string, MeterChange>;
  meterSamples: MeterSampleRow[];
  commands: Map<string, CommandChange>;
  er: ErChange;
  boots: BootRow[];
  clocks: ClockRow[];
  health: HealthRow[];
  setAsides: SetAsideRow[];
  shed: ShedRow[];
  files: Map<string, FileChange>;
  /** Station → the marks of the passwords that it has shown. */
  passwordsShown: Map<string, Set<string>>;
  reservations: Map<string, ReservationChange>;
  /** In the order in which they were told. */
  lists: LocalListChange[];
  reports: ReportRow[];
  /** By station and `variable_key`. */
  variables: Map<string, VariableChange>;
  /** By station and identity of the place. */
  variableWrites: Map<string, VariableWriteChange>;
  events: EventRow[];
  certificateRequests: CertificateRequestRow[];
  certificateAnswers: CertificateAnswerRow[];
  /** The ER was restarted in between: what was online before is not any more … */
  allOffline: boolean;
  /** … since its first start in the batch. */
  offlineAt?: number;
  parked: ParkedRow[];
};

export function emptyChanges(): Changes {
  return {
    messages: [],
    samples: [],
    chargeStates: new Map(),
    stations: new Map(),
    connectors: new Map(),
    transactions: new Map(),
    meters: new Map(),
    meterSamples: [],
    commands: new Map(),
    er: {},
    boots: [],
    clocks: [],
    health: [],
    setAsides: [],
    shed: [],
    files: new Map(),
    passwordsShown: new Map(),
    reservations: new Map(),
    lists: [],
    reports: [],
    variables: new Map(),
    variableWrites: new Map(),
    events: [],
    certificateRequests: [],
    certificateAnswers: [],
    allOffline: false,
    parked: [],
  };
}
