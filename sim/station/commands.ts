/**
 * What the CSMS can ask of a station, decided in version-free words; the dialects translate around it.
 *
 * Answers are given at once; whatever follows (states, transactions, a restart) comes after the answer,
 * because the link holds calls back while it answers. It keeps one thing: a reset that waits for idle EVSEs.
 */
import type { Evse } from "./evse.ts";
import type { Provisions } from "./provisions.ts";
import type { Answer, BootReason, Commands, Outgoing, StationConfig, StopReason } from "./types.ts";

export type CommandHost = {
  evses: Evse[];
  config: StationConfig;
  provisions: Provisions;
  /** The wire id of an EVSE's transaction, when it has one. */
  transactionIdOf: (evse: Evse) => string | undefined;
  registered: () => boolean;
  restart: (bootReason: BootReason, stopReason: StopReason, unsaid: "drain" | "keep") => void;
  register: () => void;
  repeatStates: (evseIds: number[], connectorId?: number) => void;
  setStationOperative: (operative: boolean) => void;
  resetWhenIdle: () => void;
  changed: () => void;
  say: (message: Outgoing, done?: (answer: Answer | undefined) => void) => void;
};

type StartRequest = Parameters<Commands["requestStart"]>[0];
type Trigger = Parameters<Commands["trigger"]>[0];

export function createCommands(host: CommandHost): Commands {
  return {
    config: host.config,
    provisions: host.provisions,
    get registered() {
      return host.registered();
    },
    requestStart: (request) => requestStart(host, request),
    requestStop(transactionId) {
      const evse = host.evses.find((each) => host.transactionIdOf(each) === transactionId);
      evse?.end("Remote", "RemoteStop");
      return evse === undefined ? "Rejected" : "Accepted";
    },
    reset(kind) {
      if (kind === "OnIdle" && host.evses.some((evse) => evse.tx !== undefined)) {
        host.resetWhenIdle();
        return "Scheduled";
      }
      const abrupt = kind === "Hard" || kind === "Immediate";
      host.restart("RemoteReset", abrupt ? "HardReset" : "SoftReset", abrupt ? "keep" : "drain");
      return "Accepted";
    },
    trigger: (what, evseId, connectorId) => trigger(host, what, evseId, connectorId),
    changeAvailability(operative, evseId, connectorId) {
      const evses = select(host, evseId);
      const [first] = evses;
      if (first === undefined) return "Rejected";
      if (connectorId !== undefined && first.connectors[connectorId - 1] === undefined) return "Rejected";
      if (evseId === undefined) host.setStationOperative(operative);
      const scheduled = evses.filter((evse) => evse.setOperative(operative, connectorId) === "Scheduled");
      host.changed();
      return scheduled.length > 0 ? "Scheduled" : "Accepted";
    },
    unlock(evseId, connectorId, transaction) {
      const evse = host.evses[evseId - 1];
      if (evse?.connectors[connectorId - 1] === undefined) return "Unknown";
      const running = evse.tx?.connectorId === connectorId;
      if (running && transaction === "keep") return "Ongoing";
      // The cable of a DC station is part of it.
      if (evse.options.kind === "DC") return "Fixed";
      if (running) evse.end("UnlockCommand", "UnlockCommand");
      return "Unlocked";
    },
    setProfile(profile) {
      const { evseId, transactionId } = profile;
      const evse = host.evses[evseId - 1];
      if (evseId !== 0 && evse === undefined) return "Rejected";
      if (transactionId !== undefined && (evse === undefined || host.transactionIdOf(evse) !== transactionId))
        return "Rejected";
      const answer = host.provisions.setProfile(profile);
      for (const each of host.evses) each.applyLimits();
      return answer;
    },
    clearProfiles(filter) {
      const answer = host.provisions.clearProfiles(filter);
      for (const each of host.evses) each.applyLimits();
      return answer;
    },
  };
}

function select(host: CommandHost, evseId: number | undefined): Evse[] {
  return evseId === undefined ? host.evses : host.evses.filter((evse) => evse.id === evseId);
}

function requestStart(host: CommandHost, request: StartRequest): "Accepted" | "Rejected" {
  const { idToken, evseId, connectorId, remoteStartId } = request;
  const able = select(host, evseId).filter((evse) => evse.canStart(connectorId));
  // Where a car already waits, if anywhere.
  const evse = able.find((each) => each.plugged) ?? able[0];
  if (evse === undefined) return "Rejected";
  const approve = () =>
    evse.approve({
      idToken,
      trigger: "RemoteStart",
      ...(connectorId === undefined ? {} : { connectorId }),
      ...(remoteStartId === undefined ? {} : { remoteStartId }),
    });
  if (!host.config.flag("AuthorizeRemoteTxRequests")) approve();
  else {
    host.say({ kind: "authorize", idToken }, (answer) => {
      if (answer?.status === "Accepted" && evse.canStart(connectorId)) approve();
    });
  }
  return "Accepted";
}

function trigger(host: CommandHost, what: Trigger, evseId?: number, connectorId?: number) {
  const evses = select(host, evseId);
  if (evses.length === 0) return "Rejected";
  switch (what) {
    case "boot":
      host.register();
      break;
    case "heartbeat":
      host.say({ kind: "heartbeat" });
      break;
    case "status": {
      const ids = evses.map((evse) => evse.id);
      host.repeatStates(ids, connectorId);
      break;
    }
    case "meter":
      for (const evse of evses) host.say(evse.meterMessage(connectorId ?? 1));
      break;
    case "transaction":
      if (evses.every((evse) => evse.tx === undefined)) return "Rejected";
      for (const evse of evses) evse.triggerUpdate();
  }
  return "Accepted";
}
