/** OCPP 2.0.1, H: reservation; I: tariff and cost. */
import { timeAgo } from "./flow-16.ts";
import {
  authorize,
  boot,
  checkAccepted,
  connectorShown,
  connectorStatus,
  createSession,
  HOUR_MS,
  obeyed,
  shown,
  tokenOf,
} from "./flow-201.ts";
import { check, checkEqual } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";

type Reserve = {
  evseId?: number;
  connectorType?: string;
  groupId?: string;
  status?: string;
};

/** The operator reserves; checks what arrives. @returns the id of the reservation. */
async function reserve(t: Tools, idToken: string, how: Reserve = {}): Promise<number> {
  const { evseId, connectorType, groupId, status = "Accepted" } = how;
  const asked = {
    ...{ expiryDateTime: timeAgo(-HOUR_MS), idToken: tokenOf(idToken) },
    ...(evseId === undefined ? {} : { evseId }),
    ...(connectorType === undefined ? {} : { connectorType }),
    ...(groupId === undefined ? {} : { groupIdToken: tokenOf(groupId, "Central") }),
  };
  const { payload } = await obeyed(t, "ReserveNow", asked, {
    ...{ answer: { status }, outcome: status === "Accepted" ? "succeeded" : "rejected" },
  });
  const { id, ...rest } = payload;
  check(Number.isInteger(id), "the id of the reservation is no integer");
  checkEqual("the ReserveNow", rest, asked);
  await reservationShown(t, id as number, status === "Accepted" ? "accepted" : "rejected");
  return id as number;
}

async function reserved(t: Tools, evseId = 1): Promise<void> {
  await connectorStatus(t, "Reserved", evseId);
  await connectorShown(t, evseId, "Reserved");
}

/** The operator sees what became of a reservation. */
async function reservationShown(t: Tools, reservationId: number, state: string): Promise<void> {
  await t.until(`the reservation is shown as ${state}`, async () =>
    (await t.api.reservations(t.station.id)).some(
      (seen) => seen.reservationId === reservationId && seen.state === state,
    ),
  );
}

/** The station tells that a reservation is over. */
async function reservationOver(t: Tools, reservationId: number, reservationUpdateStatus: string) {
  const told = { reservationId, reservationUpdateStatus };
  checkEqual("the answer", await t.station.call("ReservationStatusUpdate", told), {});
  await reservationShown(t, reservationId, reservationUpdateStatus.toLowerCase());
}

/** Whoever holds the reservation, or is of its group, comes and charges. */
async function used(t: Tools, idToken: string, reservationId: number, evseId = 1): Promise<void> {
  const session = createSession(t, evseId);
  await connectorStatus(t, "Occupied", evseId);
  checkAccepted(
    "the TransactionEvent",
    await session.say("Authorized", { idToken, more: { reservationId } }),
  );
  await session.energy();
  await shown(t, session, "active", { idToken });
  await reservationShown(t, reservationId, "used");
}

export const RESERVATION_201: readonly Case[] = [
  test("TC_H_01", "Reserve a specific EVSE - Accepted - Valid idToken", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const id = await reserve(t, idToken, { evseId: 1 });
    await reserved(t);
    checkAccepted("the Authorize", await authorize(t, idToken));
    await used(t, idToken, id);
  }),
  test("TC_H_07", "Reserve a specific EVSE - Reservation Ended / not used", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const id = await reserve(t, idToken, { evseId: 1 });
    await reserved(t);
    await connectorStatus(t, "Available");
    await reservationOver(t, id, "Expired");
    await connectorShown(t, 1, "Available");
  }),
  test("TC_H_08", "Reserve an unspecified EVSE - Accepted", async (t) => {
    const idToken = await t.token();
    await boot(t, 2);
    const id = await reserve(t, idToken);
    await used(t, idToken, id, 2);
  }),
  test(
    "TC_H_14",
    "Reserve an unspecified EVSE - Amount of EVSEs available equals the amount of reservations",
    async (t) => {
      await boot(t, 2);
      const ids = [await reserve(t, await t.token()), await reserve(t, await t.token())];
      check(ids[0] !== ids[1], "two reservations have one id");
      for (const evseId of [1, 2]) await reserved(t, evseId);
    },
  ),
  test("TC_H_15", "Reserve a connector with a specific type - Success", async (t) => {
    const idToken = await t.token();
    await boot(t);
    await reserve(t, idToken, { connectorType: "cType2" });
    await reserved(t);
  }),
  test("TC_H_17", "Cancel reservation of an EVSE - Success", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const reservationId = await reserve(t, idToken, { evseId: 1 });
    await reserved(t);
    const { payload } = await obeyed(t, "CancelReservation", { reservationId });
    checkEqual("the CancelReservation", payload, { reservationId });
    await reservationShown(t, reservationId, "cancelled");
    await connectorStatus(t, "Available");
    await connectorShown(t, 1, "Available");
  }),
  test("TC_H_19", "Reserve a specific EVSE - Use a reserved EVSE with GroupId", async (t) => {
    const groupId = "GROUP-H19";
    const [holder, friend] = [await t.token({ groupId }), await t.token({ groupId })];
    await boot(t);
    const id = await reserve(t, holder, { evseId: 1, groupId });
    await reserved(t);
    checkAccepted("the Authorize", await authorize(t, friend), groupId);
    await used(t, friend, id);
  }),
  test("TC_H_20", "Charging Station cancels reservation when Faulted", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const id = await reserve(t, idToken, { evseId: 1 });
    await reserved(t);
    await connectorStatus(t, "Faulted");
    await reservationOver(t, id, "Removed");
    await connectorShown(t, 1, "Faulted");
  }),
  test("TC_H_22", "Reserve a specific EVSE - Configured to Reject", async (t) => {
    const idToken = await t.token();
    await boot(t);
    await reserve(t, idToken, { evseId: 1, status: "Rejected" });
  }),
];

export const COST_201: readonly Case[] = [
  test("TC_I_01", "Show EV Driver running total cost during charging - costUpdatedRequest", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const session = createSession(t);
    await session.charge(idToken);
    await session.reading();
    const { transactionId } = session;
    const { payload } = await obeyed(t, "CostUpdated", { totalCost: 1.5, transactionId }, { answer: {} });
    checkEqual("the CostUpdated", payload, { totalCost: 1.5, transactionId });
  }),
  test("TC_I_02", "Show EV Driver Final Total Cost After Charging", async (t) => {
    const idToken = await t.token();
    await boot(t);
    await t.untilKnown();
    await t.api.setTariff(t.station.id, { currency: "EUR", startFee: 0.5, perKwh: 0.4 });
    await t.api.settled(t.station.id);
    const session = createSession(t);
    await session.charge(idToken);
    await session.reading();
    await session.stopAuthorized(idToken);
    const answer = await session.end("EVCommunicationLost", "EVDisconnected");
    // Twice 250 Wh: 0.50 + 0.5 × 0.40
    checkEqual("the total cost", answer["totalCost"], 0.7);
  }),
];
