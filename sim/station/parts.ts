/** Puts together what a station has besides its EVSEs: reservations, reports, its diary, its firmware. */
import type { StationConfig } from "./config.ts";
import type { Evse } from "./evse.ts";
import { Firmware } from "./firmware.ts";
import { Logbook } from "./logbook.ts";
import type { Provisions } from "./provisions.ts";
import { Reports } from "./reports.ts";
import { Reservations } from "./reservations.ts";
import type { Clock, Identity, Outgoing, StationEvent, StationOptions } from "./types.ts";

export type PartsHost = {
  options: StationOptions;
  clock: Clock;
  installMs: number;
  config: StationConfig;
  provisions: Provisions;
  evses: () => Evse[];
  /** What connector states derive from has changed. */
  changed: () => void;
  /** With the new firmware. */
  restart: () => void;
  say: (message: Outgoing) => void;
};

export type Parts = ReturnType<typeof createParts>;

export function createParts(host: PartsHost) {
  const { options, clock, config, provisions, say } = host;
  const { id, version, files, vendor = "Moovolt Sim", model = `Sim ${version}` } = options;
  const identity = (): Identity => ({ vendor, model, serialNumber: id, firmwareVersion: firmware.version });
  const logbook = new Logbook({
    clock,
    files,
    stationId: id,
    heading: () => [
      `${vendor} ${model}, station ${id}, OCPP ${version}, firmware ${firmware.version}`,
      ...host
        .evses()
        .map((evse) => `EVSE ${evse.id}: ${evse.connectorIds.map((c) => evse.stateOf(c)).join()}`),
    ],
    say,
  });
  const firmware = new Firmware({
    clock,
    files,
    installMs: host.installMs,
    idle: () => host.evses().every((evse) => evse.tx === undefined),
    restart: host.restart,
    note: (text) => logbook.note(text, "SecurityLog"),
    say,
  });
  const reservations = new Reservations({
    clock,
    obstacles: () => new Map(host.evses().map((evse) => [evse.id, evse.obstacle])),
    ended: (reservationId, status) => say({ kind: "reservationEnded", reservationId, status }),
    changed: host.changed,
  });
  const source = () => ({ config, provisions, evses: host.evses(), identity: identity() });
  return {
    identity,
    logbook,
    firmware,
    reservations,
    reports: new Reports({ clock, source, provisions, say }),
  };
}

/** A line for the diary; undefined: not worth one. */
function lineOf(event: StationEvent): string | undefined {
  switch (event.kind) {
    case "disconnected":
      return `disconnected: ${event.code} ${event.reason}`;
    case "status":
      return `EVSE ${event.evseId} connector ${event.connectorId}: ${event.state}`;
    case "authorized":
      return `EVSE ${event.evseId}: token ${event.accepted ? "accepted" : "refused"}`;
    case "transactionStarted":
      return `EVSE ${event.evseId}: transaction started`;
    case "transactionEnded":
      return `EVSE ${event.evseId}: transaction ended: ${event.reason}`;
    case "answered":
      return undefined;
    default:
      return event.kind;
  }
}

/** Writes it into the diary; who connects when matters to security too. */
export function noteEvent({ logbook }: Parts, event: StationEvent): void {
  const line = lineOf(event);
  const { kind } = event;
  const security = kind === "connected" || kind === "disconnected" || kind === "booted";
  if (line !== undefined) logbook.note(line, security ? "SecurityLog" : "DiagnosticsLog");
}
