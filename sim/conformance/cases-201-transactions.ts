/** OCPP 2.0.1, E: transactions, whichever event begins and ends them. */
import { timeAgo } from "./flow-16.ts";
import {
  authorized,
  boot,
  checkAccepted,
  connectorStatus,
  createSession,
  meterValue,
  notifyEvent,
  obeyed,
  shown,
  type EventOptions,
  type Session,
} from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";

type Begun = { session: Session; idToken: string };

/** A station that is up, a token that may charge, a session to come. */
async function ready(t: Tools): Promise<Begun> {
  const idToken = await t.token();
  await boot(t);
  return { session: createSession(t), idToken };
}

/** The same, and energy flows. */
async function charging(t: Tools): Promise<Begun> {
  const begun = await ready(t);
  await begun.session.charge(begun.idToken);
  return begun;
}

const charges = (session: Session, t: Tools) =>
  shown(t, session, "active", { chargingState: "Charging", evseId: 1 });

/** The first event of a transaction is this one; it carries the token, so the answer must let the driver in. */
async function begins(
  t: Tools,
  { session, idToken }: Begun,
  triggerReason: string,
  chargingState?: string,
): Promise<void> {
  const info = chargingState === undefined ? {} : { chargingState };
  checkAccepted("the TransactionEvent", await session.say(triggerReason, { idToken, info }));
  await shown(t, session, "active", { idToken });
}

async function parkingBay(t: Tools, occupied: boolean): Promise<void> {
  await notifyEvent(t, { name: "BayOccupancySensor", evse: { id: 1 } }, "Active", String(occupied));
}

/** The last event of a transaction; the operator must see the reason and the energy. */
async function ends(
  t: Tools,
  session: Session,
  triggerReason: string,
  stoppedReason: string,
  options: EventOptions = {},
): Promise<Fields> {
  const answer = await session.end(triggerReason, stoppedReason, options);
  await shown(t, session, "ended", { stoppedReason, meterStopWh: session.meterWh });
  return answer;
}

/** The driver ends it with the card; the cable is still there. */
async function stopped(t: Tools): Promise<Begun> {
  const begun = await charging(t);
  await authorized(t, begun.idToken);
  checkAccepted("the stop", await begun.session.stopAuthorized(begun.idToken));
  return begun;
}

type Asked = {
  /** The operator names the transaction. */
  named: boolean;
  /** The station has messages that it could not send. */
  queued: boolean;
  /** The transaction has ended meanwhile. */
  over?: boolean;
};

/** The operator asks what became of a transaction; what waits at the station comes after that. */
async function transactionStatus(t: Tools, { named, queued, over = false }: Asked): Promise<void> {
  const { session } = await charging(t);
  const { transactionId } = session;
  if (queued) {
    await t.station.disconnect("lost");
    await t.station.connect();
    // Somebody who is online says so, before what is queued.
    await t.station.call("Heartbeat", {});
  }
  const answer = { messagesInQueue: queued, ...(named ? { ongoingIndicator: !over } : {}) };
  const params = named ? { transactionId } : {};
  const { payload } = await obeyed(t, "GetTransactionStatus", params, { answer });
  checkEqual("the GetTransactionStatus", payload, params);
  if (!queued) return;
  const more = { offline: true, timestamp: timeAgo(1_000) };
  if (!over) {
    await session.say("MeterValuePeriodic", {
      more: { ...more, meterValue: [meterValue(1_200, "Sample.Periodic")] },
    });
    await shown(t, session, "active");
  } else await ends(t, session, "StopAuthorized", "Local", { more });
}

const STARTS: readonly Case[] = [
  test("TC_E_01", "Start transaction options - PowerPathClosed", async (t) => {
    const begun = await ready(t);
    await authorized(t, begun.idToken);
    await connectorStatus(t, "Occupied");
    await begins(t, begun, "ChargingStateChanged", "Charging");
  }),
  test("TC_E_02", "Start transaction options - EnergyTransfer", async (t) => {
    const begun = await ready(t);
    await connectorStatus(t, "Occupied");
    await authorized(t, begun.idToken);
    await begins(t, begun, "ChargingStateChanged", "Charging");
    await charges(begun.session, t);
  }),
  test("TC_E_03", "Local start transaction - Cable plugin first - Success", async (t) => {
    const { session, idToken } = await ready(t);
    await session.plug();
    await session.authorize(idToken);
    await session.energy();
    await charges(session, t);
  }),
  test("TC_E_04", "Local start transaction - Authorization first - Success", async (t) => {
    const { session, idToken } = await ready(t);
    await session.authorize(idToken);
    await session.plug();
    await session.energy();
    await charges(session, t);
  }),
  test("TC_E_09", "Start transaction options - EVConnected", async (t) => {
    const { session, idToken } = await ready(t);
    await session.plug();
    await shown(t, session, "active", { chargingState: "EVConnected" });
    await session.authorize(idToken);
    await shown(t, session, "active", { idToken });
  }),
  test("TC_E_10", "Start transaction options - Authorized - Local", async (t) => {
    const begun = await ready(t);
    await authorized(t, begun.idToken);
    await begins(t, begun, "Authorized");
  }),
  test("TC_E_11", "Start transaction options - DataSigned", async (t) => {
    const begun = await ready(t);
    await authorized(t, begun.idToken);
    await connectorStatus(t, "Occupied");
    await begins(t, begun, "SignedDataReceived", "EVConnected");
  }),
  test("TC_E_12", "Start transaction options - ParkingBayOccupied", async (t) => {
    const { session, idToken } = await ready(t);
    await parkingBay(t, true);
    await session.say("EVDetected", { info: { chargingState: "Idle" } });
    await shown(t, session, "active", { chargingState: "Idle" });
    await session.charge(idToken);
    await charges(session, t);
  }),
  test("TC_E_38", "Local start transaction - EV not ready", async (t) => {
    const { session, idToken } = await ready(t);
    await session.plug();
    await session.authorize(idToken);
    await session.suspend("EV");
    await shown(t, session, "active", { chargingState: "SuspendedEV" });
  }),
  test("TC_E_53", "Reset Sequence Number - CSMS accepting seqNo = 0 at start of transaction", async (t) => {
    const first = await charging(t);
    await first.session.stopAuthorized(first.idToken);
    await first.session.unplug();
    const second = createSession(t);
    await second.charge(first.idToken);
    await second.unplug();
    for (const session of [first.session, second]) {
      const seen = await shown(t, session, "ended", { stoppedReason: "EVDisconnected" });
      checkEqual("the flags", seen?.flags ?? [], []);
    }
  }),
];

const ENDS: readonly Case[] = [
  test("TC_E_07", "Stop transaction options - PowerPathClosed - Local stop", async (t) => {
    const { session, idToken } = await charging(t);
    await authorized(t, idToken);
    const answer = await ends(t, session, "StopAuthorized", "Local", { idToken });
    checkAccepted("the TransactionEvent", answer);
  }),
  test("TC_E_08", "Stop transaction options - EnergyTransfer stopped - StopAuthorized", async (t) => {
    const { session, idToken } = await charging(t);
    await authorized(t, idToken);
    const info = { chargingState: "EVConnected" };
    checkAccepted("the stop", await ends(t, session, "StopAuthorized", "Local", { idToken, info }));
  }),
  test("TC_E_14", "Stop transaction options - EVDisconnected - Charging Station side", async (t) => {
    const { session } = await stopped(t);
    await connectorStatus(t, "Available");
    await ends(t, session, "EVCommunicationLost", "EVDisconnected", { info: { chargingState: "Idle" } });
  }),
  test("TC_E_15", "Stop transaction options - StopAuthorized - Local", async (t) => {
    const { session, idToken } = await charging(t);
    await authorized(t, idToken);
    checkAccepted("the stop", await ends(t, session, "StopAuthorized", "Local", { idToken }));
    await connectorStatus(t, "Available");
  }),
  test("TC_E_16", "Stop transaction options - Deauthorized - Invalid idToken", async (t) => {
    await boot(t);
    const session = createSession(t);
    await connectorStatus(t, "Occupied");
    const answer = await session.say("Authorized", { idToken: "NOBODY-KNOWS-ME" });
    const status = String((answer["idTokenInfo"] as Fields | undefined)?.["status"]);
    check(["Invalid", "Unknown"].includes(status), `a token that nobody knows was answered with ${status}`);
    await ends(t, session, "Deauthorized", "DeAuthorized");
  }),
  test("TC_E_17", "Stop transaction options - Deauthorized - EV side disconnect", async (t) => {
    const { session } = await charging(t);
    await session.suspend("EVSE");
    await ends(t, session, "EVCommunicationLost", "EVDisconnected", { info: { chargingState: "Idle" } });
  }),
  test("TC_E_19", "Stop transaction options - ParkingBayUnoccupied", async (t) => {
    const { session } = await stopped(t);
    await connectorStatus(t, "Available");
    await session.say("EVCommunicationLost", { info: { chargingState: "Idle" } });
    await parkingBay(t, false);
    await ends(t, session, "EVDeparted", "Local");
  }),
  test("TC_E_20", "Stop transaction options - EVDisconnected - EV side (IEC 61851-1)", async (t) => {
    const { session } = await charging(t);
    await session.suspend("EV");
    await connectorStatus(t, "Available");
    await ends(t, session, "EVCommunicationLost", "EVDisconnected", { info: { chargingState: "Idle" } });
  }),
  test("TC_E_21", "Stop transaction options - StopAuthorized - Remote", async (t) => {
    const { session } = await charging(t);
    const seen = await charges(session, t);
    const { payload } = await obeyed(
      t,
      "RequestStopTransaction",
      { transactionId: seen?.transactionId },
      { wire: { transactionId: session.transactionId } },
    );
    checkEqual("the RequestStopTransaction", payload, { transactionId: session.transactionId });
    await ends(t, session, "RemoteStop", "Remote");
  }),
  test("TC_E_22", "Stop transaction options - EnergyTransfer stopped - SuspendedEV", async (t) => {
    const { session } = await charging(t);
    await ends(t, session, "ChargingStateChanged", "StoppedByEV", { info: { chargingState: "SuspendedEV" } });
  }),
  test("TC_E_26", "Disconnect cable on EV-side - Suspend transaction", async (t) => {
    const { session } = await charging(t);
    await session.suspend("EV");
    await session.say("EVCommunicationLost", { info: { chargingState: "Idle" } });
    await shown(t, session, "active", { chargingState: "Idle" });
    await session.say("CablePluggedIn", { info: { chargingState: "EVConnected" } });
    await session.energy();
    await charges(session, t);
  }),
  test("TC_E_39", "Stop transaction options - Deauthorized - timeout", async (t) => {
    const { session, idToken } = await ready(t);
    await session.authorize(idToken);
    await ends(t, session, "EVConnectTimeout", "Timeout");
  }),
];

const STATUSES: readonly Case[] = [
  test("TC_E_29", "Check Transaction status - Transaction with id ongoing - with message in queue", (t) =>
    transactionStatus(t, { named: true, queued: true }),
  ),
  test("TC_E_30", "Check Transaction status - Transaction with id ongoing - without message in queue", (t) =>
    transactionStatus(t, { named: true, queued: false }),
  ),
  test("TC_E_31", "Check Transaction status - Transaction with id ended - with message in queue", (t) =>
    transactionStatus(t, { named: true, queued: true, over: true }),
  ),
  test("TC_E_33", "Check Transaction status - Without transactionId - with message in queue", (t) =>
    transactionStatus(t, { named: false, queued: true }),
  ),
  test("TC_E_34", "Check Transaction status - Without transactionId - without message in queue", (t) =>
    transactionStatus(t, { named: false, queued: false }),
  ),
];

export const TRANSACTIONS_201: readonly Case[] = [...STARTS, ...ENDS, ...STATUSES];
