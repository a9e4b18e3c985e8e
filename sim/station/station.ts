/**
 * A simulated charging station: what it does and when, whatever version it speaks and whatever carries it.
 *
 *   off → connecting → registering → in service ⇄ offline → …      (reset and reboot pass through `away`)
 *
 * This file joins the parts (link, outbox, EVSEs, dialect) and holds what concerns the whole station:
 * registration, heartbeats, reporting of states, the commands of the CSMS, restarts. Sessions live in `evse.ts`.
 * Invariants: a connector's state is reported exactly when the CSMS's idea of it is old; transaction messages
 * outlive sockets and restarts. By its clock, random, transport and files it is deterministic.
 */
import { AppError, assert } from "../../shared/errors.ts";
import { uuidV7 } from "../../shared/ids.ts";
import { createDialect16 } from "./v16.ts";
import { createDialect201 } from "./v201.ts";
import { scopedClock } from "./clock.ts";
import { createCommands, type CommandHost } from "./commands.ts";
import { createConfig } from "./config.ts";
import { FormatError } from "./dialect.ts";
import { Evse, type EvseHost } from "./evse.ts";
import { reportOf } from "./evse-report.ts";
import { createHooks, type Hooks } from "./hooks.ts";
import { CallRefusal, Link } from "./link.ts";
import { DRAIN_POLL_MS, Outbox } from "./outbox.ts";
import { createParts, noteEvent, type Parts } from "./parts.ts";
import { Provisions } from "./provisions.ts";
import { Registration } from "./registration.ts";
import { ConnectorStates } from "./states.ts";
import {
  DEFAULT_TIMING,
  type Answer,
  type BootReason,
  type CallOutcome,
  type Clock,
  type Commands,
  type Dialect,
  type Handshake,
  type Json,
  type Outgoing,
  type Station,
  type StationEvent,
  type StationOptions,
  type StopReason,
  type Timing,
} from "./types.ts";

/** A graceful restart waits this long, at most, for the CSMS to take what is still unsaid. */
const RESTART_DRAIN_MS = 5_000;
/** Meters of stations in the field do not start at zero. */
const METER_AT_START_WH_MAX = 5_000_000;
const STOP_GRACE_MS = 3_000;
const NORMAL_CLOSURE = 1000;

/** Switches a station on: it connects at once, and again until `stop`. */
export function createStation(options: StationOptions): Station {
  const core = new StationCore(options);
  const station: Station = {
    id: options.id,
    version: options.version,
    clock: core.clock,
    random: options.random,
    evseIds: core.evses.map((evse) => evse.id),
    plugIn: (evseId, car, connectorId = 1) => core.evse(evseId).plugIn(car, connectorId),
    unplug: (evseId) => core.evse(evseId).unplug(),
    presentToken: (evseId, idToken) => core.evse(evseId).presentToken(idToken),
    fault: (evseId, errorCode) => core.evse(evseId).fault(errorCode),
    limitPower: (evseId, watts = Infinity) => core.evse(evseId).limitPower(watts),
    loseSocket: (ms) => core.link.leave(ms),
    reboot: () => core.restart("LocalReset", "Reboot", "drain"),
    state: () => ({
      connected: core.link.open,
      booted: core.outbox.registered,
      queued: core.outbox.keptCount,
      evses: core.evses.map(reportOf),
    }),
    stop: (graceMs = STOP_GRACE_MS) => core.stop(graceMs),
    wire: {
      sendRaw: (text) => core.link.sendRaw(text),
      call: (action, payload) => core.callRaw(action, payload),
      openSecond: () => core.link.openSecond(),
    },
  };
  core.start(station);
  return station;
}

class StationCore {
  readonly evses: Evse[];
  readonly link: Link;
  readonly outbox: Outbox;
  readonly clock: Clock & { clear: () => void };
  #options: StationOptions;
  #config: ReturnType<typeof createConfig>;
  #provisions: Provisions;
  #parts: Parts;
  #registration: Registration;
  #timing: Timing;
  #hooks: Hooks;
  #dialect: Dialect;
  #commands: Commands;
  /** What behaviours are given; set by `start`. */
  #station: Station | undefined;
  #bootReason: BootReason | undefined = "PowerUp";
  #operative = true;
  #resetWhenIdle = false;
  #restarting = false;
  #stopping = false;
  #states: ConnectorStates;

  constructor(options: StationOptions) {
    this.#options = options;
    this.clock = scopedClock(options.clock);
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#hooks = createHooks(options.behaviours ?? [], () => this.#self);
    const { version, evses } = options;
    this.#dialect = version === "1.6" ? createDialect16(evses) : createDialect201(version);
    const connectors = evses.reduce((sum, evse) => sum + evse.connectors, 0);
    this.#config = createConfig({
      NumberOfConnectors: String(connectors),
      AuthorizationKey: options.password ?? "",
      ...options.config,
    });
    this.#provisions = new Provisions(this.#config, this.clock, evses.length);
    this.#parts = this.#createParts();
    this.#registration = this.#createRegistration();
    this.link = this.#createLink();
    this.outbox = new Outbox({
      link: this.link,
      clock: this.clock,
      config: this.#config,
      rewrite: (action, payload) => this.#hooks.rewrite(action, payload),
      onOutcome: (action, payload, outcome) => this.#onOutcome(action, payload, outcome),
    });
    this.#states = new ConnectorStates({
      now: () => this.clock.now(),
      visibleState: (state) => this.#dialect.visibleState(state),
      heard: () => this.outbox.registered,
      say: (message) => this.#say(message),
      event: (event) => this.#emit(event),
    });
    const host = this.#createHost();
    this.evses = evses.map((each, index) => {
      const meterWh = options.random() % METER_AT_START_WH_MAX;
      return new Evse(index + 1, each, meterWh, host);
    });
    this.#commands = createCommands(this.#createCommandHost());
  }

  get #self(): Station {
    assert(this.#station !== undefined, "the station has not been started");
    return this.#station;
  }

  evse(evseId: number): Evse {
    const evse = this.evses[evseId - 1];
    if (evse === undefined) throw new AppError("sim_no_evse", `${this.#options.id} has no EVSE ${evseId}`);
    return evse;
  }

  start(station: Station): void {
    this.#station = station;
    this.link.start();
    this.#hooks.started();
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true; // A reset would take away the connection for what is unsaid.
    this.clock.clear();
    for (const evse of this.evses) evse.retire();
    if (graceMs > 0) {
      for (const evse of this.evses) evse.end("Local", "StopAuthorized");
      // Not by the station's own clock: that one stands still from here on.
      await new Promise<void>((resolve) => this.outbox.drained(this.#options.clock, graceMs, resolve));
    }
    this.link.stop(graceMs > 0 ? NORMAL_CLOSURE : undefined);
    this.clock.clear();
  }

  /** Ends transactions, goes away for `rebootMs`, comes back and registers. */
  restart(bootReason: BootReason, stopReason: StopReason, unsaid: "drain" | "keep"): void {
    if (this.#restarting || this.#stopping) return;
    this.#restarting = true;
    this.#resetWhenIdle = false;
    for (const evse of this.evses) evse.end(stopReason, "ResetCommand");
    const leave = () => {
      this.#restarting = false;
      this.#bootReason = bootReason;
      this.#config.restart();
      for (const evse of this.evses) {
        // Once more, for one that began in the meantime: it is told after the boot.
        evse.end(stopReason, "ResetCommand");
        evse.forget();
      }
      this.link.leave(this.#timing.rebootMs, NORMAL_CLOSURE);
    };
    if (unsaid === "drain") this.outbox.drained(this.clock, RESTART_DRAIN_MS, leave);
    // Not at once: the answer to the command that asked for it must leave first.
    else this.clock.setTimer(DRAIN_POLL_MS, leave);
  }

  callRaw(action: string, payload: Json): void {
    this.outbox.push({ call: { action, payload: () => payload }, keep: "never", done: () => {} });
  }

  #createLink(): Link {
    const { random, transportFactory, onFrame, behaviours = [] } = this.#options;
    const { clock } = this;
    return new Link({
      clock,
      random,
      timing: this.#timing,
      transportFactory,
      behaviours,
      newMessageId: () => uuidV7(clock.now(), random),
      handshake: () => this.#handshake(),
      reshape: (text) => this.#hooks.reshape(text),
      onFrame: (direction, text) => onFrame?.(direction, text),
      onOpen: () => this.#onOpen(),
      onClose: (code, reason) => this.#onClose(code, reason),
      onIdle: () => this.outbox.pump(),
      onCall: (action, payload) => this.#onCall(action, payload),
    });
  }

  #createParts(): Parts {
    return createParts({
      options: this.#options,
      clock: this.clock,
      installMs: this.#timing.installMs,
      config: this.#config,
      provisions: this.#provisions,
      evses: () => this.evses,
      changed: () => this.#onChanged(),
      restart: () => this.restart("FirmwareUpdate", "Reboot", "drain"),
      say: (message) => this.#say(message),
    });
  }

  #createHost(): EvseHost {
    const { random, onPower } = this.#options;
    const { clock } = this;
    return {
      clock,
      timing: this.#timing,
      config: this.#config,
      online: () => this.outbox.registered,
      provisions: this.#provisions,
      reservations: this.#parts.reservations,
      newId: () => uuidV7(clock.now(), random),
      say: (message, done) => this.#say(message, done),
      changed: () => this.#onChanged(),
      event: (event) => this.#emit(event),
      power: (evseId, watts, currentsMa) => onPower?.(evseId, watts, currentsMa),
    };
  }

  #createCommandHost(): CommandHost {
    return {
      evses: this.evses,
      config: this.#config,
      provisions: this.#provisions,
      ...this.#parts,
      queued: () => this.outbox.keptCount,
      transactionIdOf: ({ tx }) => tx && this.#dialect.wireId(tx),
      registered: () => this.outbox.registered,
      restart: (bootReason, stopReason, unsaid) => this.restart(bootReason, stopReason, unsaid),
      register: () => this.#registration.ask("Triggered"),
      repeatStates: (evseIds, connectorId) => {
        this.#states.forgetTold(evseIds, connectorId);
        this.#onChanged();
      },
      setStationOperative: (operative) => {
        this.#operative = operative;
      },
      resetWhenIdle: () => {
        this.#resetWhenIdle = true;
      },
      changed: () => this.#onChanged(),
      now: () => this.clock.now(),
      say: (message, done) => this.#say(message, done),
    };
  }

  #handshake(): Handshake {
    const password = this.#password();
    return this.#hooks.handshake({
      stationId: this.#options.id,
      protocols: [this.#dialect.subprotocol],
      ...(password === "" ? {} : { password }),
    });
  }

  #onOpen(): void {
    this.#emit({ kind: "connected" });
    if (this.#bootReason === undefined && !this.#hooks.bootsAfterReconnect) this.#inService();
    else this.#registration.ask(this.#bootReason ?? "Unknown");
  }

  #onClose(code: number, reason: string): void {
    this.#registration.close();
    this.outbox.close();
    this.#emit({ kind: "disconnected", code, reason });
  }

  #createRegistration(): Registration {
    return new Registration({
      clock: this.clock,
      config: this.#config,
      ask: (reason, done) => this.#askForPlace(reason, done),
      say: (message) => this.#say(message),
      accepted: () => {
        this.#bootReason = undefined;
        if (!this.outbox.registered) this.#inService();
      },
    });
  }

  #askForPlace(reason: BootReason, then: (answer: Answer) => void): void {
    const message: Outgoing = { kind: "boot", reason, identity: this.#parts.identity() };
    const call = this.#dialect.encode(message);
    assert(call !== undefined, "every version can register");
    const done = (outcome: CallOutcome) => {
      if (!this.link.open) return;
      then(outcome.kind === "answered" ? this.#dialect.read(message, outcome.payload) : {});
    };
    this.outbox.register({ call, keep: "never", done });
  }

  #inService(): void {
    this.#states.forgetTold();
    this.#registration.beatLater();
    this.outbox.open();
    this.#onChanged();
    this.#parts.firmware.booted();
    this.#emit({ kind: "booted" });
  }

  #onCall(action: string, payload: Json): Json {
    const handler = Object.hasOwn(this.#dialect.handlers, action)
      ? this.#dialect.handlers[action]
      : undefined;
    if (handler === undefined) throw new CallRefusal("NotImplemented", `this station has no ${action}`);
    this.#parts.logbook.note(`asked: ${action}`);
    const password = this.#password();
    const heartbeat = this.#config.integer("HeartbeatInterval");
    try {
      return handler(payload, this.#commands);
    } catch (error) {
      if (error instanceof FormatError) throw new CallRefusal(this.#dialect.formatErrorCode, error.message);
      throw error;
    } finally {
      if (this.#config.integer("HeartbeatInterval") !== heartbeat) this.#registration.beatLater();
      // A new password is proved at once: with a new connection.
      if (this.#password() !== password) {
        this.clock.setTimer(DRAIN_POLL_MS, () => this.link.leave(0, NORMAL_CLOSURE));
      }
    }
  }

  #password(): string {
    return this.#config.find("AuthorizationKey")?.value ?? "";
  }

  #onOutcome(action: string, payload: Json, outcome: CallOutcome): void {
    if (outcome.kind === "unanswered") return;
    const result = outcome.kind === "answered" ? { result: outcome.payload } : {};
    this.#emit({ kind: "answered", action, payload, ...result });
  }

  #say(message: Outgoing, done: (answer: Answer | undefined) => void = () => {}): void {
    const call = this.#dialect.encode(message);
    const sparable = message.kind === "transaction" && message.event === "Updated";
    const keep = message.kind !== "transaction" ? "never" : sparable ? "sparable" : "always";
    if (call === undefined || (keep === "never" && !this.outbox.registered)) return done(undefined);
    this.outbox.push({
      call,
      keep,
      done: (outcome) =>
        done(outcome.kind === "answered" ? this.#dialect.read(message, outcome.payload) : undefined),
    });
  }

  /** Tells the CSMS what it does not know yet, and does what waited for an idle EVSE. */
  #onChanged(): void {
    for (const evse of this.evses) evse.applyAvailability();
    this.#parts.reservations.review();
    this.#parts.firmware.review();
    if (this.#resetWhenIdle && this.evses.every((evse) => evse.tx === undefined)) {
      this.restart("RemoteReset", "SoftReset", "drain");
    }
    this.#states.update(this.#operative ? "Available" : "Unavailable", this.evses);
  }

  #emit(event: StationEvent): void {
    noteEvent(this.#parts, event);
    this.#options.onEvent?.(event);
    this.#hooks.event(event);
  }
}
