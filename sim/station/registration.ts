/**
 * A station's place with its CSMS: it asks for it after each start or reconnect until it is accepted, and keeps
 * it with heartbeats. The interval is what the CSMS said last. It sends nothing by itself but these two.
 */
import type { StationConfig } from "./config.ts";
import type { Answer, BootReason, Clock, Outgoing } from "./types.ts";

const REGISTRATION_RETRY_MS = 10_000;

export type RegistrationHost = {
  clock: Clock;
  config: StationConfig;
  /** Asks; `done` gets what was read out of the answer, if one came and the connection still stands. */
  ask: (reason: BootReason, done: (answer: Answer) => void) => void;
  say: (message: Outgoing) => void;
  /** The CSMS has accepted. */
  accepted: () => void;
};

export class Registration {
  readonly #host: RegistrationHost;
  #cancel: () => void = () => {};

  constructor(host: RegistrationHost) {
    this.#host = host;
  }

  ask(reason: BootReason): void {
    const { config, ask, accepted } = this.#host;
    ask(reason, ({ status, intervalS: said }) => {
      const intervalS = said !== undefined && said > 0 ? said : undefined;
      if (status !== "Accepted") {
        const pauseMs = intervalS === undefined ? REGISTRATION_RETRY_MS : intervalS * 1_000;
        this.#later(pauseMs, () => this.ask(reason));
        return;
      }
      if (intervalS !== undefined) config.set("HeartbeatInterval", String(intervalS));
      accepted();
    });
  }

  beatLater(): void {
    this.#cancel();
    const intervalMs = this.#host.config.integer("HeartbeatInterval") * 1_000;
    if (intervalMs === 0) return;
    this.#later(intervalMs, () => {
      this.#host.say({ kind: "heartbeat" });
      this.beatLater();
    });
  }

  /** The connection is gone. */
  close(): void {
    this.#cancel();
  }

  #later(ms: number, act: () => void): void {
    this.#cancel();
    this.#cancel = this.#host.clock.setTimer(ms, act);
  }
}
