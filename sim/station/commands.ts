/**
 * What the CSMS can ask of a station, decided in version-free words; the dialects translate around it.
 *
 * Answers are given at once; whatever follows (states, transactions, a restart) comes after the answer,
 * because the link holds calls back while it answers. It keeps one thing: a reset that waits for idle EVSEs.
 */
import type { StationConfig } from "./config.ts";
import type { Evse } from "./evse.ts";
import type { Firmware } from "./firmware.ts";
import type { Logbook } from "./logbook.ts";
import type { LimitedEvse, Profile } from "./profiles.ts";
import type { Provisions } from "./provisions.ts";
import type { Reports } from "./reports.ts";
import type { Reservations } from "./reservations.ts";
import type { Answer, BootReason, Commands, Outgoing, StopReason } from "./types.ts";

export type CommandHost = {
  evses: Evse[];
  config: StationConfig;
  provisions: Provisions;
  reservations: Reservations;
  reports: Reports;
  logbook: Logbook;
  firmware: Firmware;
  /** Messages about transactions that wait to be sent. */
  queued: () => number;
  /** The wire id of an EVSE's transaction, when it has one. */
  transactionIdOf: (evse: Evse) => string | undefined;
  registered: () => boolean;
  restart: (bootReason: BootReason, stopReason: StopReason, unsaid: "drain" | "keep") => void;
  register: () => void;
  repeatStates: (evseIds: number[], connectorId?: number) => void;
  setStationOperative: (operative: boolean) => void;
  resetWhenIdle: () => void;
  changed: () => void;
  now: () => number;
  say: (message: Outgoing, done?: (answer: Answer | undefined) => void) => void;
};

type StartRequest = Parameters<Commands["requestStart"]>[0];
type Trigger = Parameters<Commands["trigger"]>[0];

export function createCommands(host: CommandHost): Commands {
  return {
    config: host.config,
    provisions: host.provisions,
    reservations: host.reservations,
    reports: host.reports,
    logbook: host.logbook,
    firmware: host.firmware,
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
    setProfile: (profile, transactionId) => setProfile(host, profile, transactionId),
    clearProfiles(filter) {
      const answer = host.provisions.profiles.clear(filter);
      for (const each of host.evses) each.applyLimits();
      return answer;
    },
    compositeSchedule: (evseId, durationS, unit) => compositeSchedule(host, evseId, durationS, unit),
    transactionStatus(transactionId) {
      const queued = host.queued() > 0;
      if (transactionId === undefined) return { queued };
      const ongoing = host.evses.some((evse) => host.transactionIdOf(evse) === transactionId);
      return { ongoing, queued };
    },
  };
}

function setProfile(host: CommandHost, profile: Profile, transactionId?: string): "Accepted" | "Rejected" {
  const evse = host.evses[profile.evseId - 1];
  if (profile.evseId !== 0 && evse === undefined) return "Rejected";
  if (profile.purpose !== "TxProfile" && transactionId !== undefined) return "Rejected";
  const { tx } = evse ?? {};
  if (profile.purpose === "TxProfile") {
    if (evse === undefined || tx === undefined) return "Rejected";
    if (transactionId !== undefined && host.transactionIdOf(evse) !== transactionId) return "Rejected";
  }
  const own = profile.purpose === "TxProfile" && tx !== undefined ? { txId: tx.id } : {};
  const answer = host.provisions.profiles.set({ ...profile, ...own });
  for (const each of host.evses) each.applyLimits();
  return answer;
}

const WATTS_PER_AMP_OF_MAINS = 3 * 230;
const COMPOSITE_S_MAX = 7 * 86_400;

function compositeSchedule(host: CommandHost, evseId: number, seconds: number, unit: "A" | "W") {
  const evse = host.evses[evseId - 1];
  if (evseId !== 0 && evse === undefined) return undefined;
  const station: LimitedEvse = { id: 0, wattsPerAmp: WATTS_PER_AMP_OF_MAINS, tx: undefined };
  const limited = evse?.limited ?? station;
  const maxW = evse?.options.maxPowerW ?? host.evses.reduce((sum, { options }) => sum + options.maxPowerW, 0);
  const durationS = Math.min(seconds, COMPOSITE_S_MAX);
  const periods = host.provisions.profiles.schedule(limited, durationS, maxW);
  const limitIn = (watts: number) =>
    unit === "W" ? Math.floor(watts) : Math.floor((watts / limited.wattsPerAmp) * 10) / 10;
  return {
    startAt: host.now(),
    durationS,
    periods: periods.map(({ startS, limitW }) => ({ startPeriod: startS, limit: limitIn(limitW) })),
  };
}

function select(host: CommandHost, evseId: number | undefined): Evse[] {
  return evseId === undefined ? host.evses : host.evses.filter((evse) => evse.id === evseId);
}

function requestStart(host: CommandHost, request: StartRequest): "Accepted" | "Rejected" {
  const { idToken, groupId, evseId, connectorId, remoteStartId, profile } = request;
  if (profile !== undefined && profile.purpose !== "TxProfile") return "Rejected";
  const able = select(host, evseId).filter(
    (evse) => evse.canStart(connectorId) && host.reservations.admits(evse.id, idToken.idToken, groupId),
  );
  // Where a car already waits, or a place is kept, if anywhere.
  const evse =
    able.find((each) => each.plugged) ?? able.find((each) => each.reservedFor !== undefined) ?? able[0];
  if (evse === undefined) return "Rejected";
  const approve = () =>
    evse.approve({
      idToken,
      trigger: "RemoteStart",
      ...(groupId === undefined ? {} : { groupId }),
      ...(connectorId === undefined ? {} : { connectorId }),
      ...(remoteStartId === undefined ? {} : { remoteStartId }),
      begun(tx) {
        if (profile === undefined) return;
        host.provisions.profiles.set({ ...profile, evseId: evse.id, txId: tx.id });
      },
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
    case "firmware":
      host.firmware.repeatStatus();
      break;
    case "log":
      host.logbook.repeatStatus();
      break;
    case "meter":
      for (const evse of evses) host.say(evse.meterMessage(connectorId ?? 1));
      break;
    case "transaction":
      if (evses.every((evse) => evse.tx === undefined)) return "Rejected";
      for (const evse of evses) evse.triggerUpdate();
  }
  return "Accepted";
}
