/** OCPP 1.6: Reservation; Remote Trigger. */
import { authorize, boot, charging, heard, shown, started, statusNotification, timeAgo } from "./flow-16.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual, checkHas } from "./outcome.ts";
import { ordered, test, type Case, type Tools } from "./suite.ts";

const HOUR_MS = 3_600_000;
const TOKEN_TYPE = "ISO14443";

type Reserve = {
  connectorId?: number;
  groupId?: string;
  /** What the station says. */
  status?: string;
  expiryDateTime?: string;
};

/** The operator reserves; checks what arrives. @returns the reservationId. */
async function reserve(t: Tools, idTag: string, how: Reserve = {}): Promise<number> {
  const { connectorId = 1, groupId, status = "Accepted", expiryDateTime = timeAgo(-HOUR_MS) } = how;
  const payload = await ordered(
    t,
    status === "Accepted" ? "succeeded" : "rejected",
    "ReserveNow",
    {
      expiryDateTime,
      idToken: { idToken: idTag, type: TOKEN_TYPE },
      ...(connectorId === 0 ? {} : { evseId: connectorId }),
      ...(groupId === undefined ? {} : { groupIdToken: { idToken: groupId, type: "Central" } }),
    },
    { action: "ReserveNow", answer: { status } },
  );
  checkHas("the ReserveNow", payload, { connectorId, idTag });
  checkEqual("its parentIdTag", payload["parentIdTag"], groupId);
  checkEqual("its expiryDate", Date.parse(String(payload["expiryDate"])), Date.parse(expiryDateTime));
  check(Number.isInteger(payload["reservationId"]), "the reservationId is no integer");
  return payload["reservationId"] as number;
}

/** The operator cancels; the station says what it says. */
async function cancel(t: Tools, reservationId: number, status: string): Promise<void> {
  const payload = await ordered(
    t,
    status === "Accepted" ? "succeeded" : "rejected",
    "CancelReservation",
    { reservationId },
    { action: "CancelReservation", answer: { status } },
  );
  checkEqual("the CancelReservation", payload, { reservationId });
}

/** The connector is in a state in which it cannot be reserved. */
async function cannotReserve(t: Tools, status: string, errorCode: string, answer: string): Promise<void> {
  const idTag = await t.token();
  await boot(t);
  await statusNotification(t, 1, status, errorCode);
  await reserve(t, idTag, { status: answer });
}

export const RESERVATION_16: readonly Case[] = [
  test("TC_046_CSMS", "Reservation of a Connector - Transaction", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const reservationId = await reserve(t, idTag);
    await statusNotification(t, 1, "Reserved");
    await statusNotification(t, 1, "Preparing");
    const transactionId = await started(t, idTag, { reservationId });
    await statusNotification(t, 1, "Charging");
    await shown(t, transactionId, "active");
  }),

  test("TC_047_CSMS", "Reservation of a Connector - Expire", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await reserve(t, idTag, { expiryDateTime: timeAgo(-2_000) });
    await statusNotification(t, 1, "Reserved");
    await statusNotification(t, 1, "Available");
    await t.until("the connector is shown as available", async () => {
      return (await t.api.station(t.station.id))?.connectors[0]?.status === "Available";
    });
  }),

  test("TC_048_1_CSMS", "Reservation of a Connector - Faulted", (t) =>
    cannotReserve(t, "Faulted", "OtherError", "Faulted"),
  ),

  test("TC_048_2_CSMS", "Reservation of a Connector - Occupied", (t) =>
    cannotReserve(t, "Preparing", "NoError", "Occupied"),
  ),

  test("TC_048_3_CSMS", "Reservation of a Connector - Unavailable", (t) =>
    cannotReserve(t, "Unavailable", "NoError", "Unavailable"),
  ),

  test("TC_048_4_CSMS", "Reservation of a Connector - Rejected", (t) =>
    cannotReserve(t, "Available", "NoError", "Rejected"),
  ),

  test("TC_049_CSMS", "Reservation of a Charge Point - Transaction", async (t) => {
    const idTag = await t.token();
    await boot(t, 2);
    const reservationId = await reserve(t, idTag, { connectorId: 0 });
    await statusNotification(t, 2, "Preparing");
    const transactionId = await started(t, idTag, { connectorId: 2, reservationId });
    await statusNotification(t, 2, "Charging");
    const seen = await shown(t, transactionId, "active");
    checkEqual("the EVSE shown", seen?.evseId, 2);
  }),

  test("TC_051_CSMS", "Cancel Reservation", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const reservationId = await reserve(t, idTag);
    await statusNotification(t, 1, "Reserved");
    await cancel(t, reservationId, "Accepted");
    await statusNotification(t, 1, "Available");
  }),

  test("TC_052_CSMS", "Cancel Reservation - Rejected", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const reservationId = await reserve(t, idTag);
    await statusNotification(t, 1, "Reserved");
    await cancel(t, reservationId, "Rejected");
  }),

  test("TC_053_CSMS", "Use a Reserved Connector with parentIdTag", async (t) => {
    const groupId = "GROUP-053";
    const [holder, friend] = [await t.token({ groupId }), await t.token({ groupId })];
    await boot(t);
    const reservationId = await reserve(t, holder, { groupId });
    await statusNotification(t, 1, "Reserved");
    // The station lets in whoever has the same parent: it must be told whose child this one is.
    const info = await authorize(t, friend);
    checkHas("the idTagInfo", info, { status: "Accepted", parentIdTag: groupId });
    await statusNotification(t, 1, "Preparing");
    const transactionId = await started(t, friend, { reservationId });
    await statusNotification(t, 1, "Charging");
    const seen = await shown(t, transactionId, "active");
    checkEqual("the idToken shown", seen?.idToken, friend);
  }),
];

/** The operator asks for a message; checks what arrives. */
async function trigger(
  t: Tools,
  requestedMessage: string,
  evseId?: number,
  status = "Accepted",
): Promise<void> {
  const payload = await ordered(
    t,
    status === "Accepted" ? "succeeded" : "rejected",
    "TriggerMessage",
    { requestedMessage, ...(evseId === undefined ? {} : { evseId }) },
    { action: "TriggerMessage", answer: { status } },
  );
  const wanted: Fields = { requestedMessage, ...(evseId === undefined ? {} : { connectorId: evseId }) };
  checkEqual("the TriggerMessage", payload, wanted);
}

export const TRIGGER_16: readonly Case[] = [
  test("TC_054_CSMS", "Trigger Message", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await charging(t, idTag);
    await trigger(t, "MeterValues", 1);
    const sampledValue = [{ value: "1100", context: "Trigger", measurand: "Energy.Active.Import.Register" }];
    const meterValue = [{ timestamp: timeAgo(), sampledValue }];
    await t.station.call("MeterValues", { connectorId: 1, meterValue });
    await trigger(t, "Heartbeat");
    await t.station.call("Heartbeat", {});
    await trigger(t, "StatusNotification", 1);
    await statusNotification(t, 1, "Charging");
    await trigger(t, "DiagnosticsStatusNotification");
    await t.station.call("DiagnosticsStatusNotification", { status: "Idle" });
    await trigger(t, "FirmwareStatusNotification");
    await t.station.call("FirmwareStatusNotification", { status: "Idle" });
    await heard(t, "MeterValues", '"Trigger"');
  }),

  test("TC_055_CSMS", "Trigger Message - Rejected", async (t) => {
    await boot(t);
    await trigger(t, "MeterValues", 1, "Rejected");
  }),
];
