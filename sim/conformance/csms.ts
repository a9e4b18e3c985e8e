/**
 * The CSMS under test, as the suite sees it: the place where stations connect, and what an operator can do from
 * outside. `moov.ts` is the adapter to our HTTP API; another CSMS needs another one.
 */
import type { Fields } from "./frames.ts";
import type { Provider } from "./provider.ts";

/** How an order to a station ended. */
export type Ended = {
  status: string;
  /** The station's answer. */
  response: Fields | null;
  reason: string | null;
  /** What the station sent later because of it. */
  reports: { action: string; payload: Fields }[];
};

export type TokenSpec = {
  idToken: string;
  status?: "Accepted" | "Blocked";
  /** RFC 3339. */
  expiresAt?: string;
  groupId?: string;
  /** May stop every transaction and start none. */
  master?: boolean;
};

export type TransactionSeen = {
  transactionId: string;
  /** The id on the wire, as text. */
  ocppTransactionId: string | null;
  status: "active" | "ended";
  evseId: number;
  idToken: string | null;
  authorizationStatus: string | null;
  meterStartWh: number | null;
  meterStopWh: number | null;
  energyWh: number | null;
  startedAt: string;
  endedAt: string | null;
  stoppedReason: string | null;
  chargingState: string | null;
  flags: string[];
};

export type ReservationSeen = {
  reservationId: number;
  /** `accepted`, `rejected`, `used`, `cancelled`, `expired`, `removed`, …. */
  state: string;
};

/** A line of the station's raw timeline, newest first. */
export type MessageSeen = {
  direction: "in" | "out" | "none";
  action: string | null;
  request: string | null;
  response: string | null;
};

export type StationSeen = {
  online: boolean;
  vendor: string | null;
  model: string | null;
  firmwareVersion: string | null;
  connectors: { evseId: number; connectorId: number; status: string; detail: string | null }[];
};

export type CsmsApi = {
  /** Orders something in OCPP 2.x words (`shared/command.ts`). @returns an id to follow it by. */
  command(stationId: string, kind: string, params: Fields): Promise<string>;
  /** Any CALL of the station's own version. */
  call(stationId: string, action: string, payload: Fields): Promise<string>;
  /** Waits for the end of an order. */
  ended(commandId: string): Promise<Ended>;
  /** What the station has sent up to now because of an order: reports in parts, statuses of a job. */
  reports(commandId: string): Promise<Ended["reports"]>;
  /** What the CSMS says to an order that it refuses before sending; undefined: it was taken. */
  refusalOf(stationId: string, kind: string, params: Fields): Promise<string | undefined>;
  putToken(token: TokenSpec): Promise<void>;
  /** Holds the station at its boot, or lets it go. */
  setRegistration(stationId: string, status: "Accepted" | "Pending" | "Rejected"): Promise<void>;
  /** @param tellStation also by the station's own configuration, while it is connected. */
  setPassword(stationId: string, password: string, tellStation: boolean): Promise<void>;
  closeConnection(stationId: string): Promise<void>;
  /** What charging costs at this station from now on, without tax. */
  setTariff(stationId: string, prices: { currency: string; startFee: number; perKwh: number }): Promise<void>;
  /** Waits until the site would decide by what was changed up to now, also without the cloud. */
  settled(stationId: string): Promise<void>;
  station(stationId: string): Promise<StationSeen | undefined>;
  /** Newest first. */
  transactions(stationId: string): Promise<TransactionSeen[]>;
  reservations(stationId: string): Promise<ReservationSeen[]>;
  messages(stationId: string): Promise<MessageSeen[]>;
};

export type Csms = {
  /** `ws://…/ocpp`; the station's id comes behind it. */
  ocppUrl: string;
  /** Before every station's id, so that runs against one CSMS do not meet. */
  prefix: string;
  /** Basic password of the stations; undefined: they send none. */
  password: string | undefined;
  /** A token that it accepts, for cases that need no other, where there is no API. */
  token: string | undefined;
  /** undefined: cases that need it are not applicable. */
  api: CsmsApi | undefined;
  /** Whom the CSMS asks about cars' certificates, where that is ours. */
  provider?: Provider;
};
