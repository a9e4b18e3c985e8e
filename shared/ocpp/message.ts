/**
 * What a station says, free of the protocol version: the common tongue of the ER's core and the cloud.
 *
 * `v16.ts` and `v201.ts` translate. Nothing is decided here, nothing is rounded: what a message did not say
 * is absent. Times of the station stay as their text (`atText`) beside our reading of it.
 */
import type { IdToken } from "../command.ts";
import type { Reading } from "../reading.ts";

/** OCPP 2.x connector status. The finer OCPP 1.6 states are kept as `detail`. */
export type ConnectorStatus = "Available" | "Occupied" | "Reserved" | "Unavailable" | "Faulted";

export type ChargingState = "Charging" | "EVConnected" | "SuspendedEV" | "SuspendedEVSE" | "Idle";

export type StationSample = Reading & {
  /** Unix milliseconds, or undefined when the station's text is no time at all. */
  at: number | undefined;
  /** `Transaction.Begin`, `Sample.Periodic`, … */
  context?: string;
};

export type StationMessage =
  | {
      kind: "booted";
      vendor: string;
      model: string;
      serialNumber?: string;
      firmwareVersion?: string;
      reason?: string;
    }
  | { kind: "heartbeat" }
  | {
      kind: "status";
      evseId: number;
      connectorId: number;
      status: ConnectorStatus;
      /** The OCPP 1.6 status (`Preparing`, `SuspendedEV`, …) where it says more than `status`. */
      detail?: string;
      errorCode?: string;
      at: number | undefined;
    }
  | { kind: "authorize"; idToken: IdToken; contract?: ContractCertificate }
  | {
      kind: "transaction";
      event: "Started" | "Updated" | "Ended";
      /**
       * The id on the wire: a station's own (2.0.1) or the ER's integer as text (1.6; absent when it
       * starts).
       */
      ocppTransactionId?: string;
      evseId?: number;
      connectorId?: number;
      idToken?: IdToken;
      at: number | undefined;
      atText: string;
      seqNo?: number;
      triggerReason?: string;
      chargingState?: ChargingState;
      stoppedReason?: string;
      offline?: boolean;
      meterStartWh?: number;
      meterStopWh?: number;
      /** The reservation that this transaction uses up. */
      reservationId?: number;
      samples: StationSample[];
    }
  | { kind: "sampled"; evseId: number; ocppTransactionId?: string; samples: StationSample[] }
  | { kind: "data"; vendorId: string; messageId?: string }
  /** How an update of the station's firmware goes on (1.6 without security: without `requestId`). */
  | { kind: "firmware-status"; status: string; requestId?: number }
  /** How the publishing of firmware to other stations goes on. */
  | { kind: "publish-status"; status: string; requestId?: number; locations: string[] }
  /** How an upload of logs or diagnostics goes on. */
  | { kind: "log-status"; status: string; requestId?: number }
  | { kind: "security-event"; type: string; techInfo?: string; at: number | undefined }
  | { kind: "events"; events: StationEvent[] }
  /**
   * A part of what a call of ours has asked for, under its `requestId`. What it holds stays in the payload, but
   * for the variables of a device report.
   */
  | {
      kind: "report";
      of: ReportKind;
      requestId: number;
      seqNo: number;
      last: boolean;
      variables: StationVariable[];
    }
  /** The station has ended a reservation by itself. */
  | { kind: "reservation"; reservationId: number; status: string }
  /** Somebody else than us limits the station, or does no more. `evseId` 0: the whole station. */
  | { kind: "charging-limit"; evseId: number; source: string; cleared: boolean }
  | { kind: "charging-needs"; evseId: number }
  | { kind: "sign-certificate"; csr: string; certificateType?: string; requestId?: number }
  /** Only the cloud can answer it: certificates of cars, tax numbers. */
  | { kind: "pass-on" }
  /** Known to the standard, stored raw, nothing else to do. */
  | { kind: "other" };

/** What a car shows instead of a card (ISO 15118): the answer says whether it holds. */
export type ContractCertificate = { certificate?: string; hashData?: unknown[] };

export type ReportKind = "variables" | "monitoring" | "customer" | "display" | "profiles" | "der";

/** One event of a station's own monitoring (OCPP 2.x NotifyEvent). */
export type StationEvent = {
  component: string;
  variable: string;
  evseId?: number;
  /** `Alerting`, `Delta`, `Periodic`. */
  trigger: string;
  actualValue: string;
  cleared?: boolean;
  severity?: number;
  techCode?: string;
  techInfo?: string;
  at: number | undefined;
};

/** Which configuration value. On OCPP 1.6 `variable` is the key, `component` is empty. */
export type VariablePlace = {
  component: string;
  componentInstance?: string;
  evseId?: number;
  connectorId?: number;
  variable: string;
  variableInstance?: string;
};

/** A configuration value as the station tells it. */
export type StationVariable = VariablePlace & {
  /** `Actual`, `Target`, `MinSet`, `MaxSet`. */
  attribute: string;
  /** Absent: the station does not tell it (write-only, or none). */
  value?: string;
  mutability?: "ReadOnly" | "ReadWrite" | "WriteOnly";
  unit?: string;
  dataType?: string;
};
