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
  | { kind: "authorize"; idToken: IdToken }
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
      samples: StationSample[];
    }
  | { kind: "sampled"; evseId: number; ocppTransactionId?: string; samples: StationSample[] }
  | { kind: "data"; vendorId: string; messageId?: string }
  /** Known to the standard, stored raw, nothing else to do. */
  | { kind: "other" };
