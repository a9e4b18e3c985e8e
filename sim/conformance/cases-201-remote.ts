/** OCPP 2.0.1, F: remote control; G: availability. */
import { timeAgo } from "./flow-16.ts";
import {
  authorized,
  boot,
  checkAccepted,
  connectorShown,
  connectorStatus,
  createSession,
  inTimeline,
  meterValue,
  notifyEvent,
  obeyed,
  shown,
  tokenOf,
  type Session,
} from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";

/** The operator starts a transaction; checks what arrives. @returns its remoteStartId. */
async function remoteStart(t: Tools, idToken: string, begun?: Session): Promise<number> {
  const transactionId = begun?.transactionId;
  const answer = { status: "Accepted", ...(transactionId === undefined ? {} : { transactionId }) };
  const token = tokenOf(idToken);
  const { payload } = await obeyed(t, "RequestStartTransaction", { idToken: token, evseId: 1 }, { answer });
  const { remoteStartId } = payload;
  check(Number.isInteger(remoteStartId), "the remoteStartId is no integer");
  return remoteStartId as number;
}

/** A start from afar, before the cable is there. @param asks whether the station asks for leave. */
async function remoteFirst(t: Tools, asks: boolean): Promise<Session> {
  const idToken = await t.token();
  await boot(t);
  const session = createSession(t);
  const remoteStartId = await remoteStart(t, idToken);
  if (asks) await authorized(t, idToken);
  const answer = await session.say("RemoteStart", { idToken, info: { remoteStartId } });
  checkAccepted("the TransactionEvent", answer);
  await shown(t, session, "active", { idToken });
  return session;
}

async function thenCharges(t: Tools, session: Session): Promise<void> {
  await session.plug();
  await session.energy();
  await shown(t, session, "active", { chargingState: "Charging" });
}

type Triggered = {
  message: string;
  evseId?: number;
  connectorId?: number;
  status?: string;
  /** What the station says then. */
  says?: (t: Tools, sessions: Session[]) => Promise<unknown>;
  /** Cars charge on EVSE 1 and 2. */
  charging?: boolean;
};

/** The operator asks for a message; checks what arrives, and that what comes is answered. */
async function trigger(t: Tools, how: Triggered): Promise<void> {
  const { message, evseId, connectorId, status = "Accepted", says, charging = false } = how;
  await boot(t, 2);
  const sessions = [createSession(t, 1), createSession(t, 2)];
  if (charging) for (const session of sessions) await session.charge(await t.token());
  const at = {
    ...(evseId === undefined ? {} : { evseId }),
    ...(connectorId === undefined ? {} : { connectorId }),
  };
  const evse = { id: evseId, ...(connectorId === undefined ? {} : { connectorId }) };
  const wire = { requestedMessage: message, ...(evseId === undefined ? {} : { evse }) };
  const { payload } = await obeyed(
    t,
    "TriggerMessage",
    { requestedMessage: message, ...at },
    { wire, answer: { status }, outcome: status === "Accepted" ? "succeeded" : "rejected" },
  );
  checkEqual("the TriggerMessage", payload, wire);
  await says?.(t, sessions);
}

const readingOf = (evseId: number) => (t: Tools) =>
  t.station.call("MeterValues", { evseId, meterValue: [meterValue(1_000, "Trigger")] });

const eventOf = (session: Session | undefined) =>
  session?.say("Trigger", {
    ...{ info: { chargingState: "Charging" }, more: { meterValue: [meterValue(1_100, "Trigger")] } },
  });

export const REMOTE_CONTROL_201: readonly Case[] = [
  test("TC_F_01", "Remote start transaction - Cable plugin first", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const session = createSession(t);
    await session.plug();
    const remoteStartId = await remoteStart(t, idToken, session);
    const answer = await session.say("RemoteStart", { idToken, info: { remoteStartId } });
    checkAccepted("the TransactionEvent", answer);
    await session.energy();
    await shown(t, session, "active", { idToken, chargingState: "Charging" });
  }),
  test("TC_F_02", "Remote start transaction - Remote start first - AuthorizeRemoteStart is true", async (t) =>
    thenCharges(t, await remoteFirst(t, true)),
  ),
  test(
    "TC_F_03",
    "Remote start transaction - Remote start first - AuthorizeRemoteStart is false",
    async (t) => thenCharges(t, await remoteFirst(t, false)),
  ),
  test("TC_F_04", "Remote start transaction - Remote start first - Cable plugin timeout", async (t) => {
    const session = await remoteFirst(t, false);
    await session.end("EVConnectTimeout", "Timeout");
    await shown(t, session, "ended", { stoppedReason: "Timeout" });
  }),
  test("TC_F_06", "Remote unlock Connector - Without ongoing transaction - Accepted", async (t) => {
    await boot(t);
    const params = { evseId: 1, connectorId: 1 };
    const { payload } = await obeyed(t, "UnlockConnector", params, { answer: { status: "Unlocked" } });
    checkEqual("the UnlockConnector", payload, params);
  }),

  test("TC_F_11", "Trigger message - MeterValues - Specific EVSE", async (t) => {
    await trigger(t, { message: "MeterValues", evseId: 1, says: readingOf(1) });
    await inTimeline(t, "MeterValues", '"Trigger"');
  }),
  test("TC_F_12", "Trigger message - MeterValues - All EVSE", async (t) => {
    await trigger(t, { message: "MeterValues" });
    for (const evseId of [1, 2]) await readingOf(evseId)(t);
    await inTimeline(t, "MeterValues", '"Trigger"');
  }),
  test("TC_F_13", "Trigger message - TransactionEvent - Specific EVSE", (t) =>
    trigger(t, {
      ...{ message: "TransactionEvent", evseId: 1, charging: true },
      says: async (_t, [session]) => eventOf(session),
    }),
  ),
  test("TC_F_14", "Trigger message - TransactionEvent - All EVSE", (t) =>
    trigger(t, {
      ...{ message: "TransactionEvent", charging: true },
      says: async (_t, sessions) => {
        for (const session of sessions) await eventOf(session);
      },
    }),
  ),
  test("TC_F_15", "Trigger message - LogStatusNotification - Idle", (t) =>
    trigger(t, {
      message: "LogStatusNotification",
      says: () => t.station.call("LogStatusNotification", { status: "Idle" }),
    }),
  ),
  test("TC_F_18", "Trigger message - FirmwareStatusNotification - Idle", (t) =>
    trigger(t, {
      message: "FirmwareStatusNotification",
      says: () => t.station.call("FirmwareStatusNotification", { status: "Idle" }),
    }),
  ),
  test("TC_F_20", "Trigger message - Heartbeat", (t) =>
    trigger(t, {
      message: "Heartbeat",
      says: async () => {
        const { currentTime } = await t.station.call("Heartbeat", {});
        check(Math.abs(Date.parse(String(currentTime)) - Date.now()) < 300_000, "its currentTime is off");
      },
    }),
  ),
  ...(["Available", "Occupied"] as const).map((status) =>
    test(
      status === "Available" ? "TC_F_23" : "TC_F_24",
      `Trigger message - StatusNotification - Specific EVSE - ${status}`,
      async (t) => {
        const [message, evseId, connectorId] = ["StatusNotification", 1, 1] as const;
        await trigger(t, { message, evseId, connectorId, says: () => connectorStatus(t, status) });
        await connectorShown(t, 1, status);
      },
    ),
  ),
  test("TC_F_27", "Trigger message - NotImplemented", (t) =>
    trigger(t, { message: "SignV2GCertificate", status: "NotImplemented" }),
  ),
];

type Place = "EVSE" | "Charging Station" | "Connector";

/** How the order names the place, and how the wire does. */
const PLACES: Record<Place, { params: Fields; evse?: Fields }> = {
  EVSE: { params: { evseId: 1 }, evse: { id: 1 } },
  "Charging Station": { params: {} },
  Connector: { params: { evseId: 1, connectorId: 1 }, evse: { id: 1, connectorId: 1 } },
};

async function changeAvailability(t: Tools, place: Place, operationalStatus: string, status = "Accepted") {
  const { params, evse } = PLACES[place];
  const wire = { operationalStatus, ...(evse === undefined ? {} : { evse }) };
  const answer = { status };
  const asked = { operationalStatus, ...params };
  const { payload } = await obeyed(t, "ChangeAvailability", asked, { wire, answer });
  checkEqual("the ChangeAvailability", payload, wire);
}

/** Nobody charges: it takes effect at once. */
const idle = (id: string, place: Place, way: "Operative to inoperative" | "Inoperative to operative") =>
  test(id, `Change Availability ${place} - ${way}`, async (t) => {
    await boot(t);
    await changeAvailability(t, place, "Inoperative");
    await connectorStatus(t, "Unavailable");
    await connectorShown(t, 1, "Unavailable");
    if (way === "Operative to inoperative") return;
    await changeAvailability(t, place, "Operative");
    await connectorStatus(t, "Available");
    await connectorShown(t, 1, "Available");
  });

/** A car charges: it takes effect afterwards. */
const busy = (id: string, place: Place) =>
  test(id, `Change Availability ${place} - With ongoing transaction`, async (t) => {
    const idToken = await t.token();
    await boot(t, 2);
    const session = createSession(t);
    await session.charge(idToken);
    await changeAvailability(t, place, "Inoperative", "Scheduled");
    if (place === "Charging Station") await connectorStatus(t, "Unavailable", 2);
    await session.stopAuthorized(idToken);
    await session.end("EVCommunicationLost", "EVDisconnected", { info: { chargingState: "Idle" } });
    await connectorStatus(t, "Unavailable");
    await connectorShown(t, 1, "Unavailable");
    await shown(t, session, "ended");
  });

export const AVAILABILITY_201: readonly Case[] = [
  idle("TC_G_03", "EVSE", "Operative to inoperative"),
  idle("TC_G_04", "EVSE", "Inoperative to operative"),
  idle("TC_G_05", "Charging Station", "Operative to inoperative"),
  idle("TC_G_06", "Charging Station", "Inoperative to operative"),
  idle("TC_G_07", "Connector", "Operative to inoperative"),
  idle("TC_G_08", "Connector", "Inoperative to operative"),
  busy("TC_G_11", "EVSE"),
  busy("TC_G_14", "Charging Station"),
  busy("TC_G_17", "Connector"),

  test("TC_G_20", "Connector status Notification - Lock Failure", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const session = createSession(t);
    await connectorStatus(t, "Occupied");
    await session.authorize(idToken);
    const lock = { name: "ConnectorPlugRetentionLock", evse: { id: 1, connectorId: 1 } };
    await notifyEvent(t, lock, "Problem", "true", { trigger: "Alerting", timestamp: timeAgo() });
    await inTimeline(t, "NotifyEvent", "ConnectorPlugRetentionLock");
    await session.end("AbnormalCondition", "Other");
    await shown(t, session, "ended");
  }),
];
