/**
 * What a batch of entries changes in PostgreSQL: rows to add, rows to merge. Plain data, ready to be sent
 * as JSON.
 *
 * Column names, because the SQL reads them by these names. Times are Unix milliseconds here. A field that
 * is absent leaves the column as it is.
 */
import type { Reading } from "../../shared/reading.ts";

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
  power_w?: number;
  soc_percent?: number;
  last_sample_at?: number;
  id_token?: string;
  authorized_by?: string;
  authorization_status?: string;
  stopped_reason?: string;
  flags: string[];
  needs_review: boolean;
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
};

export type ParkedRow = { seq: number; entry: string; reason: string };

export type Changes = {
  messages: MessageRow[];
  samples: SampleRow[];
  stations: Map<string, StationChange>;
  connectors: Map<string, ConnectorChange>;
  transactions: Map<string, TransactionChange>;
  meters: Map<string, MeterChange>;
  meterSamples: MeterSampleRow[];
  commands: Map<string, CommandChange>;
  er: ErChange;
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
    stations: new Map(),
    connectors: new Map(),
    transactions: new Map(),
    meters: new Map(),
    meterSamples: [],
    commands: new Map(),
    er: {},
    allOffline: false,
    parked: [],
  };
}
