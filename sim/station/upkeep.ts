/**
 * The vocabulary of everything besides charging: reservations, reports, logs, firmware, what is left with a
 * station for later. Like `types.ts`: no code, words of OCPP 2.x, read by both dialects.
 */
import type { Profile } from "./profiles.ts";
import type { Json } from "./types.ts";

/**
 * Moves files for a station over HTTP. Each call ends in one callback, never before it has returned; a failure
 * comes in words. Without a port a station has no way to files, and says so.
 */
export type FilePort = {
  upload(file: { location: string; name: string; text: string }, done: (failure?: string) => void): void;
  download(location: string, done: (file: Uint8Array | { failure: string }) => void): void;
};

export type FirmwareStatus =
  | "Downloaded"
  | "DownloadFailed"
  | "Downloading"
  | "DownloadScheduled"
  | "Idle"
  | "Installed"
  | "Installing"
  | "InstallRebooting"
  | "InstallScheduled"
  | "InvalidSignature"
  | "SignatureVerified";

export type LogStatus = "AcceptedCanceled" | "Idle" | "Uploaded" | "UploadFailure" | "Uploading";

/** One variable of the device model, with its actual value. */
export type Variable = {
  component: string;
  evseId?: number;
  connectorId?: number;
  name: string;
  instance?: string;
  access: "RW" | "RO" | "WO";
  type: "integer" | "boolean" | "string";
  value: string;
  maxLimit?: number;
};

/** Part of a report in several messages. */
type Part = { requestId: number; seqNo: number; last: boolean; at: number };

/** OCPP 1.6 has none of the reports. */
export type ReportMessage = { kind: "report" } & Part &
  (
    | { of: "variables"; items: Variable[] }
    | { of: "profiles"; evseId: number; items: Profile[] }
    | { of: "displayMessages" | "monitors"; items: Json[] }
    | { of: "customer"; items: string[] }
  );

export type UpkeepMessage =
  | ReportMessage
  /** OCPP 2.x only: OCPP 1.6 tells it by the connector's state. */
  | { kind: "reservationEnded"; reservationId: number; status: "Expired" | "Removed" }
  /** `requestId` is absent where the request had none: OCPP 1.6 without its security extension. */
  | { kind: "firmwareStatus"; status: FirmwareStatus; requestId?: number }
  | { kind: "logStatus"; status: LogStatus; requestId?: number };
