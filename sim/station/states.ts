/**
 * Which connector states the world knows: tells the CSMS exactly what it has not been told yet.
 *
 * EVSE 0 with connector 0 is the station itself. States that a version does not tell apart are told once.
 */
import type { Evse } from "./evse.ts";
import type { ConnectorState, Dialect, Outgoing, StationEvent } from "./types.ts";

/** The state in the coarser words of OCPP 2.x. */
export function occupancyOf(state: ConnectorState): string {
  const same =
    state === "Available" || state === "Reserved" || state === "Unavailable" || state === "Faulted";
  return same ? state : "Occupied";
}

export type StatesHost = {
  now: () => number;
  visibleState: Dialect["visibleState"];
  /** Whether the CSMS would hear it. */
  heard: () => boolean;
  say: (message: Outgoing) => void;
  event: (event: StationEvent) => void;
};

export class ConnectorStates {
  readonly #host: StatesHost;
  /** By `evseId.connectorId`: the last state of each connector, and what the CSMS was told of it. */
  readonly #shown = new Map<string, ConnectorState>();
  readonly #told = new Map<string, string>();

  constructor(host: StatesHost) {
    this.#host = host;
  }

  /** The CSMS has to be told anew: everything, or these connectors. */
  forgetTold(evseIds?: number[], connectorId?: number): void {
    for (const place of this.#told.keys()) {
      const [evseId, id] = place.split(".").map(Number);
      const named = evseIds === undefined || evseIds.some((each) => each === evseId);
      if (named && (connectorId ?? id) === id) this.#told.delete(place);
    }
  }

  update(stationState: ConnectorState, evses: Evse[]): void {
    this.#show(0, 0, stationState, "NoError");
    for (const evse of evses) {
      for (const connectorId of evse.connectorIds) {
        this.#show(evse.id, connectorId, evse.stateOf(connectorId), evse.errorCode ?? "NoError");
      }
    }
  }

  #show(evseId: number, connectorId: number, state: ConnectorState, errorCode: string): void {
    const place = `${evseId}.${connectorId}`;
    if (this.#shown.get(place) !== state) {
      this.#shown.set(place, state);
      this.#host.event({ kind: "status", evseId, connectorId, state });
    }
    const visible = this.#host.visibleState(state);
    if (!this.#host.heard() || this.#told.get(place) === visible) return;
    this.#told.set(place, visible);
    this.#host.say({ kind: "status", evseId, connectorId, state, errorCode, at: this.#host.now() });
  }
}
