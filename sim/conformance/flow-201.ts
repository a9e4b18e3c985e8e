/** What stations of OCPP 2.0.1 say again and again, each with the demands that hold whenever it is said. */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { TransactionSeen } from "./csms.ts";
import { heard, timeAgo } from "./flow-16.ts";
import type { Fields } from "./frames.ts";
import { CaseFailure, check, checkEqual, checkHas } from "./outcome.ts";
import type { Answer } from "./station.ts";
import type { Tools } from "./suite.ts";

export const ACCEPTED = { status: "Accepted" };
export const HOUR_MS = 3_600_000;

/** The clock of the CSMS may be this far from ours. */
const CLOCK_MS_MAX = 5 * 60_000;

export const tokenOf = (idToken: string, type = "ISO14443"): Fields => ({ idToken, type });

/** BootNotification, and the status that it must be answered with. */
export async function bootNotification(t: Tools, reason = "PowerUp", status = "Accepted"): Promise<void> {
  const answer = await t.station.call("BootNotification", {
    reason,
    chargingStation: {
      ...{ vendorName: "Conformance", model: "Suite", serialNumber: t.id, firmwareVersion: "1.0" },
    },
  });
  checkEqual("the status of the BootNotification", answer["status"], status);
  check(Number(answer["interval"]) >= 0, `the interval is ${String(answer["interval"])}`);
  const offMs = Math.abs(Date.parse(String(answer["currentTime"])) - Date.now());
  check(offMs < CLOCK_MS_MAX, `currentTime is ${Math.round(offMs / 1_000)} s off`);
}

let eventId = 0;

/** NotifyEvent of one variable, whose answer must be empty. */
export async function notifyEvent(
  t: Tools,
  component: Fields,
  variable: string,
  actualValue: string,
  more: Fields = {},
): Promise<void> {
  const event = {
    ...{ eventId: ++eventId, timestamp: timeAgo(), trigger: "Delta", actualValue },
    ...{ eventNotificationType: "HardWiredNotification", component, variable: { name: variable } },
    ...more,
  };
  const payload = { generatedAt: timeAgo(), seqNo: 0, eventData: [event] };
  checkEqual("the answer to NotifyEvent", await t.station.call("NotifyEvent", payload), {});
}

/** The state of a connector, told in both ways that 2.0.1 has. */
export async function connectorStatus(t: Tools, status: string, evseId = 1): Promise<void> {
  const told = { timestamp: timeAgo(), connectorStatus: status, evseId, connectorId: 1 };
  checkEqual("the answer to StatusNotification", await t.station.call("StatusNotification", told), {});
  const connector = { name: "Connector", evse: { id: evseId, connectorId: 1 } };
  await notifyEvent(t, connector, "AvailabilityState", status);
}

/** Connects and boots a station with so many EVSEs of one connector, all of them Available. */
export async function boot(t: Tools, evses = 1, reason = "PowerUp"): Promise<void> {
  await t.station.connect();
  await bootNotification(t, reason);
  for (let id = 1; id <= evses; id++) await connectorStatus(t, "Available", id);
}

/** The station goes down and comes back, as it does after a reset. */
export async function reboot(t: Tools, reason: string, evses = 1): Promise<void> {
  await t.station.disconnect();
  await boot(t, evses, reason);
}

/** Authorize. @returns the whole answer. */
export function authorize(t: Tools, idToken: string, more: Fields = {}): Promise<Fields> {
  return t.station.call("Authorize", { idToken: tokenOf(idToken), ...more });
}

/** Authorize that must be accepted, and the group that the answer must name. */
export async function authorized(t: Tools, idToken: string, groupId?: string): Promise<void> {
  checkAccepted("the Authorize", await authorize(t, idToken), groupId);
}

/** The idTokenInfo of an answer lets the driver in; with a group, it says which. */
export function checkAccepted(what: string, answer: Fields, groupId?: string): void {
  const info = (answer["idTokenInfo"] ?? {}) as Fields;
  checkEqual(`the status of ${what}`, info["status"], "Accepted");
  if (groupId === undefined) return;
  checkEqual(`the group of ${what}`, (info["groupIdToken"] as Fields | undefined)?.["idToken"], groupId);
}

/** Energy.Active.Import.Register in Wh. */
export const meterValue = (wh: number, context: string, more: Fields = {}): Fields => ({
  timestamp: timeAgo(),
  sampledValue: [
    {
      value: wh,
      context,
      measurand: "Energy.Active.Import.Register",
      unitOfMeasure: { unit: "Wh" },
      ...more,
    },
  ],
});

export type EventOptions = {
  idToken?: string;
  /** Of transactionInfo. */
  info?: Fields;
  /** Of the TransactionEvent. */
  more?: Fields;
};

const METER_START_WH = 1_000;
const METER_STEP_WH = 250;

export type Session = ReturnType<typeof createSession>;

/** A transaction as a station tells it: events numbered from 0, the first one is Started. */
export function createSession(t: Tools, evseId = 1) {
  const transactionId = `${t.id}-${randomUUID().slice(0, 8)}`;
  let seqNo = 0;
  let wh = METER_START_WH;
  const evse = { id: evseId, connectorId: 1 };

  async function event(
    eventType: string,
    triggerReason: string,
    { idToken, info = {}, more = {} }: EventOptions,
  ) {
    const payload = {
      ...{ eventType, triggerReason, timestamp: timeAgo(), seqNo: seqNo++, evse },
      transactionInfo: { transactionId, ...info },
      ...(idToken === undefined ? {} : { idToken: tokenOf(idToken) }),
      ...more,
    };
    return t.station.call("TransactionEvent", payload);
  }
  const say = (triggerReason: string, options: EventOptions = {}) => {
    const first = seqNo === 0;
    const begin = first ? { meterValue: [meterValue(wh, "Transaction.Begin")] } : {};
    return event(first ? "Started" : "Updated", triggerReason, {
      ...options,
      more: { ...begin, ...options.more },
    });
  };

  return {
    transactionId,
    evseId,
    meterStartWh: METER_START_WH,
    /** An event that is Started or Updated. @returns the answer. */
    say,
    /** The cable is plugged in at both ends. */
    async plug(): Promise<void> {
      await connectorStatus(t, "Occupied", evseId);
      await say("CablePluggedIn", { info: { chargingState: "EVConnected" } });
    },
    /** The driver is let in, by Authorize and by the event. */
    async authorize(idToken: string, groupId?: string): Promise<void> {
      await authorized(t, idToken, groupId);
      checkAccepted("the TransactionEvent", await say("Authorized", { idToken }), groupId);
    },
    async energy(options: EventOptions = {}): Promise<Fields> {
      return say("ChargingStateChanged", { ...options, info: { chargingState: "Charging" } });
    },
    suspend: (by: "EV" | "EVSE" = "EV") =>
      say("ChargingStateChanged", { info: { chargingState: `Suspended${by}` } }),
    /** A reading of the meter while it charges. */
    async reading(context = "Sample.Periodic", more: Fields = {}): Promise<void> {
      wh += METER_STEP_WH;
      const trigger = context === "Sample.Clock" ? "MeterValueClock" : "MeterValuePeriodic";
      await say(trigger, { more: { meterValue: [meterValue(wh, context, more)] } });
    },
    /** Everything up to the flow of energy. */
    async charge(idToken: string, groupId?: string): Promise<void> {
      await this.plug();
      await this.authorize(idToken, groupId);
      await this.energy();
    },
    /** The driver ends it; the cable is still there. */
    stopAuthorized: (idToken: string) =>
      say("StopAuthorized", { idToken, info: { chargingState: "EVConnected" } }),
    end(triggerReason: string, stoppedReason: string, options: EventOptions = {}): Promise<Fields> {
      wh += METER_STEP_WH;
      return event("Ended", triggerReason, {
        ...options,
        info: { stoppedReason, ...options.info },
        more: { meterValue: [meterValue(wh, "Transaction.End")], ...options.more },
      });
    },
    /** The cable is pulled, which ends it. */
    async unplug(options: EventOptions = {}): Promise<void> {
      await connectorStatus(t, "Available", evseId);
      await this.end("EVCommunicationLost", "EVDisconnected", {
        ...options,
        info: { chargingState: "Idle" },
      });
    },
    /** The register, as it was said last. */
    get meterWh() {
      return wh;
    },
  };
}

/** With an API: the CSMS shows the transaction, and this of it. */
export async function shown(
  t: Tools,
  { transactionId }: Session,
  status: "active" | "ended",
  more: Partial<TransactionSeen> = {},
): Promise<TransactionSeen | undefined> {
  if (t.csms.api === undefined) return undefined;
  let last: TransactionSeen | undefined;
  const wanted = { status, ...more };
  try {
    return await t.untilTransaction(`the transaction is shown as ${JSON.stringify(wanted)}`, (seen) => {
      if (seen.ocppTransactionId !== transactionId) return false;
      last = seen;
      return holds(seen, wanted);
    });
  } catch (error) {
    if (last !== undefined) checkHas("the transaction shown", last, wanted);
    throw error;
  }
}

/** With an API: the CSMS shows the connector so. */
export async function connectorShown(t: Tools, evseId: number, status: string): Promise<void> {
  if (t.csms.api === undefined) return;
  await t.until(`connector 1 of EVSE ${evseId} is shown as ${status}`, async () =>
    (await t.api.station(t.station.id))?.connectors.some((c) => c.evseId === evseId && c.status === status),
  );
}

/** With an API: the operator can read in the timeline what the station said. */
export async function inTimeline(t: Tools, action: string, part: string): Promise<void> {
  if (t.csms.api !== undefined) await heard(t, action, part);
}

function holds(actual: unknown, wanted: unknown): boolean {
  try {
    checkHas("it", actual, wanted);
    return true;
  } catch (error) {
    if (error instanceof CaseFailure) return false;
    throw error;
  }
}

export type How = {
  /** The action of the CALL, and what it must hold; default: those of the order. */
  action?: string;
  wire?: Fields;
  answer?: Answer;
  outcome?: "succeeded" | "rejected" | "failed";
};

/** Calls that the CSMS may also make by itself: the ordered one is told by its content. */
const OWN_CALLS = new Set(["GetVariables", "SetVariables", "TriggerMessage", "SetChargingProfile"]);

/**
 * The operator orders something: the station must be called with it, and the operator must see the station's
 * answer and whether it was done.
 */
export async function obeyed(
  t: Tools,
  kind: string,
  params: Fields,
  how: How = {},
): Promise<{ payload: Fields; commandId: string }> {
  const { action = kind, wire = params, answer = ACCEPTED, outcome = "succeeded" } = how;
  const match = OWN_CALLS.has(action) ? { match: (p: Fields) => holds(p, wire) } : {};
  const { payload, ended, commandId } = await t.order(kind, params, { action, answer, ...match });
  checkHas(`the ${action}`, payload, wire);
  const why = ended.reason === null ? "" : ` (${ended.reason})`;
  checkEqual(`the outcome of ${kind}${why}`, ended.status, outcome);
  if (!("errorCode" in answer)) checkEqual("the answer shown", ended.response, answer);
  return { payload, commandId };
}

/** What the station sends later because of an order: each is answered, and shown with the order. */
export async function reported(
  t: Tools,
  commandId: string,
  action: string,
  payloads: readonly Fields[],
): Promise<void> {
  for (const payload of payloads)
    checkEqual(`the answer to ${action}`, await t.station.call(action, payload), {});
  const among = ({ payload }: { payload: Fields }) => payloads.some((p) => isDeepStrictEqual(p, payload));
  let seen: Fields[] = [];
  await t.until(`the order shows ${payloads.length} ${action}`, async () => {
    const reports = await t.api.reports(commandId);
    seen = reports.filter((r) => r.action === action && among(r)).map((r) => r.payload);
    return seen.length >= payloads.length;
  });
  checkEqual(`the ${action} shown`, seen, payloads);
}
