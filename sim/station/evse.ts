/**
 * One EVSE: its cable, its meter and at most one transaction. The state machine of a charging session.
 *
 *   idle ── plug in ──► plugged ◄──────────── end ──────────┐
 *   idle ── token ────► authorized                          │
 *   plugged + authorized ──► transaction: EVConnected ──► Charging ⇄ SuspendedEVSE
 *                                                             └────► SuspendedEV (full)
 *
 * Invariants: the connector's state is always derived, never stored (`stateOf`); the meter never runs
 * backwards; a transaction message carries what was true when it happened. It does not know the protocol.
 */
import { AppError, assert } from "../../shared/errors.ts";
import type { IdToken } from "../../shared/command.ts";
import { given } from "../../shared/given.ts";
import type { StationConfig } from "./config.ts";
import type { Car } from "./car.ts";
import { Outlet } from "./outlet.ts";
import type { LimitedEvse } from "./profiles.ts";
import type { Provisions } from "./provisions.ts";
import type { Obstacle, Reservations } from "./reservations.ts";
import type {
  Answer,
  ChargingState,
  Clock,
  ConnectorState,
  EvseOptions,
  Outgoing,
  StationEvent,
  StopReason,
  Timing,
  Transaction,
  TransactionMessage,
  TriggerReason,
} from "./types.ts";

export type EvseHost = {
  clock: Clock;
  timing: Timing;
  config: StationConfig;
  online: () => boolean;
  provisions: Pick<Provisions, "mayStartAlone" | "groupOf" | "profiles">;
  reservations: Pick<Reservations, "holders" | "admits" | "take">;
  newId: () => string;
  /** `done` gets the answer; undefined when there will be none. */
  say: (message: Outgoing, done?: (answer: Answer | undefined) => void) => void;
  /** Something that connector states derive from has changed. */
  changed: () => void;
  event: (event: StationEvent) => void;
  power: (evseId: number, watts: number, phaseCurrentsMa: number[]) => void;
};

type Connector = { operative: boolean; operativeWhenIdle: boolean };
type Approval = {
  idToken: IdToken;
  groupId?: string;
  trigger: TriggerReason;
  connectorId?: number;
  remoteStartId?: number;
  /** The transaction exists, nothing has flowed yet. */
  begun?: (tx: Transaction) => void;
};

export class Evse {
  readonly id: number;
  readonly options: EvseOptions;
  readonly outlet: Outlet;
  /** By connectorId - 1. */
  readonly connectors: Connector[];
  errorCode: string | undefined;
  tx: Transaction | undefined;
  #host: EvseHost;
  /** The connector whose cable is in a car. */
  #pluggedInto: number | undefined;
  #approval: Approval | undefined;
  #asking = false;
  #retired = false;
  #finished = false;
  #limitW = Infinity;
  /** The limit under which it charges. */
  #appliedW = Infinity;
  #chargingSince = 0;
  #sampledAt = 0;
  #cancelTick: () => void = () => {};
  #cancelApproval: () => void = () => {};

  constructor(id: number, options: EvseOptions, meterWh: number, host: EvseHost) {
    this.id = id;
    this.options = options;
    this.outlet = new Outlet(options, meterWh, host.clock);
    this.#host = host;
    this.connectors = Array.from({ length: options.connectors }, () => ({
      operative: true,
      operativeWhenIdle: true,
    }));
  }

  get connectorIds(): number[] {
    return this.connectors.map((_, index) => index + 1);
  }

  get plugged(): boolean {
    return this.#pluggedInto !== undefined;
  }

  /** Whether a new transaction may be asked for here. */
  canStart(connectorId?: number): boolean {
    if (this.tx !== undefined || this.errorCode !== undefined || this.#approval !== undefined) return false;
    if (this.#retired) return false;
    const wanted = connectorId ?? this.#pluggedInto;
    if (this.#pluggedInto !== undefined && wanted !== this.#pluggedInto) return false;
    return wanted === undefined
      ? this.connectors.some((connector) => connector.operative)
      : this.connectors[wanted - 1]?.operative === true;
  }

  stateOf(connectorId: number): ConnectorState {
    const connector = this.connectors[connectorId - 1];
    assert(connector !== undefined, `EVSE ${this.id} has no connector ${connectorId}`);
    if (this.errorCode !== undefined) return "Faulted";
    if (this.tx?.connectorId === connectorId) {
      return this.tx.chargingState === "EVConnected" ? "Preparing" : this.tx.chargingState;
    }
    if (!connector.operative) return "Unavailable";
    if (this.#pluggedInto === connectorId) return this.#finished ? "Finishing" : "Preparing";
    // A token without a cable occupies the connector it was meant for.
    const awaited = this.#approval !== undefined && this.#pluggedInto === undefined;
    if (awaited && (this.#approval?.connectorId ?? 1) === connectorId) return "Preparing";
    return this.reservedFor === undefined ? "Available" : "Reserved";
  }

  /** Why it cannot be kept for somebody who comes later. */
  get obstacle(): Obstacle | undefined {
    if (this.errorCode !== undefined) return "Faulted";
    if (this.tx !== undefined || this.#approval !== undefined || this.plugged) return "Occupied";
    return this.connectors.some((connector) => connector.operative) ? undefined : "Unavailable";
  }

  /** As charging profiles see it. */
  get limited(): LimitedEvse {
    return { id: this.id, wattsPerAmp: this.outlet.wattsAt(1), tx: this.tx };
  }

  plugIn(car: Car, connectorId: number): void {
    if (this.connectors[connectorId - 1] === undefined) {
      throw new AppError("sim_no_connector", `EVSE ${this.id} has no connector ${connectorId}`);
    }
    if (this.plugged) throw new AppError("sim_evse_taken", `EVSE ${this.id} already has a car`);
    this.#pluggedInto = connectorId;
    this.outlet.car = { ...car };
    this.#finished = false;
    this.#host.changed();
    this.#tryBegin("CablePluggedIn");
  }

  unplug(): Car | undefined {
    const { car } = this.outlet;
    if (car === undefined) return undefined;
    this.end("EVDisconnected", "EVCommunicationLost");
    this.#pluggedInto = undefined;
    this.outlet.car = undefined;
    this.#finished = false;
    this.#host.changed();
    return car;
  }

  presentToken(idToken: IdToken): void {
    if (this.tx !== undefined) {
      if (this.tx.idToken.idToken === idToken.idToken) this.end("Local", "StopAuthorized", idToken);
      return;
    }
    if (this.#asking || !this.canStart()) return;
    const { provisions, reservations } = this.#host;
    const decide = (known: boolean, groupId = provisions.groupOf(idToken.idToken)) => {
      const accepted = known && reservations.admits(this.id, idToken.idToken, groupId);
      this.#host.event({ kind: "authorized", evseId: this.id, accepted });
      const approval = { idToken, trigger: "Authorized" as const, ...given("groupId", groupId) };
      if (accepted && this.canStart()) this.approve(approval);
    };
    const offline = () => decide(provisions.mayStartAlone(idToken.idToken));
    if (!this.#host.online()) return offline();
    this.#asking = true;
    this.#host.say({ kind: "authorize", idToken }, (answer) => {
      this.#asking = false;
      if (answer === undefined) offline();
      else decide(answer.status === "Accepted", answer.groupId);
    });
  }

  /** Begins now, or when a car is plugged in within `ConnectionTimeOut`. */
  approve(approval: Approval): void {
    this.#approval = approval;
    this.#cancelApproval();
    const timeoutMs = this.#host.config.integer("ConnectionTimeOut") * 1_000;
    this.#cancelApproval = this.#host.clock.setTimer(timeoutMs, () => {
      this.#approval = undefined;
      this.#host.changed();
    });
    this.#host.changed();
    this.#tryBegin(approval.trigger);
  }

  fault(errorCode: string | undefined): void {
    if (errorCode !== undefined) this.end("EmergencyStop", "AbnormalCondition");
    this.errorCode = errorCode;
    this.#host.changed();
  }

  limitPower(watts: number): void {
    this.#limitW = watts;
    this.applyLimits();
  }

  /** Some limit may have changed. */
  applyLimits(): void {
    if (this.tx !== undefined && this.tx.chargingState !== "EVConnected") this.#beginCharge();
  }

  /** A restart forgets who was authorized, but not the cable. */
  forget(): void {
    this.#cancelApproval();
    this.#approval = undefined;
    this.#finished = false;
  }

  /** The station is being switched off: nothing begins any more. */
  retire(): void {
    this.#retired = true;
    this.forget();
  }

  end(stoppedReason: StopReason, trigger: TriggerReason, idToken?: IdToken): void {
    const { tx } = this;
    if (tx === undefined) return;
    this.#cancelTick();
    this.outlet.settle();
    this.#setChargingState("EVConnected");
    const sample = this.outlet.sample("Transaction.End");
    this.#sayTransaction(tx, "Ended", trigger, { stoppedReason, sample, ...given("idToken", idToken) });
    this.tx = undefined;
    this.#host.provisions.profiles.ended(tx.id);
    this.#finished = true;
    this.#reportPower();
    this.#host.event({ kind: "transactionEnded", evseId: this.id, reason: stoppedReason });
    this.#host.changed();
  }

  meterMessage(connectorId: number): Outgoing {
    const sample = this.outlet.sample("Trigger");
    return {
      kind: "meter",
      evseId: this.id,
      connectorId: this.tx?.connectorId ?? connectorId,
      sample,
      ...(this.tx === undefined ? {} : { tx: this.tx }),
    };
  }

  /** Takes connectors in or out of service; a running transaction is let finish first. */
  setOperative(operative: boolean, connectorId?: number): "Accepted" | "Scheduled" {
    for (const id of this.connectorIds) {
      const connector = this.connectors[id - 1];
      if (connector && (connectorId ?? id) === id) connector.operativeWhenIdle = operative;
    }
    const waits = this.tx !== undefined && [undefined, this.tx.connectorId].includes(connectorId);
    return waits && !operative ? "Scheduled" : "Accepted";
  }

  applyAvailability(): void {
    for (const id of this.connectorIds) {
      const connector = this.connectors[id - 1];
      if (connector && this.tx?.connectorId !== id) connector.operative = connector.operativeWhenIdle;
    }
  }

  triggerUpdate(sample = this.outlet.sample("Trigger")): void {
    if (this.tx) this.#sayTransaction(this.tx, "Updated", "Trigger", { sample });
  }

  /** The token for which it is kept. */
  get reservedFor(): string | undefined {
    return this.#host.reservations.holders(this.id)[0]?.idToken;
  }

  #tryBegin(trigger: TriggerReason): void {
    const approval = this.#approval;
    const connectorId = this.#pluggedInto;
    if (approval === undefined || connectorId === undefined || this.errorCode !== undefined) return;
    if ((approval.connectorId ?? connectorId) !== connectorId) return;
    if (this.connectors[connectorId - 1]?.operative !== true) return;
    const { clock, timing, config, newId } = this.#host;
    const { idToken, remoteStartId, groupId } = approval;
    const reservationId = this.#host.reservations.take(this.id, idToken.idToken, groupId);
    this.#approval = undefined;
    this.#cancelApproval();
    this.#finished = false;
    const sample = this.outlet.sample("Transaction.Begin");
    const tx: Transaction = {
      id: newId(),
      evseId: this.id,
      connectorId,
      idToken,
      ...given("remoteStartId", remoteStartId),
      ...given("reservationId", reservationId),
      startedAt: sample.at,
      meterStartWh: sample.energyWh,
      seqNo: 0,
      chargingState: "EVConnected",
      chargingMs: 0,
    };
    this.tx = tx;
    this.#sampledAt = sample.at;
    approval.begun?.(tx);
    // A remote start is told apart by its trigger, whichever of cable and token came last.
    const why = approval.trigger === "RemoteStart" ? "RemoteStart" : trigger;
    this.#sayTransaction(tx, "Started", why, { sample }, (answer) => {
      if (answer?.transactionNumber !== undefined) tx.numberOfCsms = answer.transactionNumber;
      const refused = answer?.status !== undefined && answer.status !== "Accepted";
      if (refused && this.tx === tx && config.flag("StopTransactionOnInvalidId")) {
        this.end("DeAuthorized", "Deauthorized");
      }
    });
    this.#host.event({ kind: "transactionStarted", evseId: this.id });
    this.#host.changed();
    if (this.tx === tx) {
      this.#cancelTick = clock.setTimer(timing.contactorMs, () => {
        this.#beginCharge();
        this.#tick();
      });
    }
  }

  #tick(): void {
    const { clock, timing, config } = this.#host;
    const tx = this.tx;
    if (tx === undefined) return;
    this.#cancelTick = clock.setTimer(timing.tickMs, () => this.#tick());
    // A profile may say something else by now.
    if (this.outlet.measure().full || this.#allowedW() !== this.#appliedW) this.#beginCharge();
    this.#reportPower();
    const intervalMs = config.integer("MeterValueSampleInterval") * 1_000;
    // Half a tick of grace: a timer that fires a little early must not cost a whole tick.
    if (intervalMs === 0 || clock.now() - this.#sampledAt < intervalMs - timing.tickMs / 2) return;
    this.#sampledAt = clock.now();
    this.#sayTransaction(tx, "Updated", "MeterValuePeriodic", {
      sample: this.outlet.sample("Sample.Periodic"),
    });
  }

  /** Begins to charge under the present limits, or finds out why not. */
  #beginCharge(): void {
    this.#appliedW = this.#allowedW();
    this.#setChargingState(this.outlet.charge(this.#appliedW));
  }

  #allowedW(): number {
    return Math.min(this.#limitW, this.#host.provisions.profiles.limitW(this.limited));
  }

  #setChargingState(state: ChargingState): void {
    const { tx } = this;
    if (tx === undefined || tx.chargingState === state) return;
    const now = this.#host.clock.now();
    if (tx.chargingState === "Charging") tx.chargingMs += now - this.#chargingSince;
    if (state === "Charging") this.#chargingSince = now;
    tx.chargingState = state;
    if (state === "EVConnected") return;
    this.#sayTransaction(tx, "Updated", "ChargingStateChanged", {});
    this.#host.changed();
  }

  #sayTransaction(
    tx: Transaction,
    event: TransactionMessage["event"],
    trigger: TriggerReason,
    extra: Pick<TransactionMessage, "sample" | "stoppedReason" | "idToken">,
    done?: (answer: Answer | undefined) => void,
  ): void {
    const now = this.#host.clock.now();
    const message: TransactionMessage = {
      kind: "transaction",
      event,
      tx,
      seqNo: tx.seqNo,
      at: now,
      trigger,
      chargingState: tx.chargingState,
      chargingMs: tx.chargingMs + (tx.chargingState === "Charging" ? now - this.#chargingSince : 0),
      offline: !this.#host.online(),
      ...extra,
    };
    tx.seqNo += 1;
    this.#host.say(message, done);
  }

  #reportPower(): void {
    const { watts, currentsMa } = this.outlet.draw();
    this.#host.power(this.id, watts, currentsMa);
  }
}
