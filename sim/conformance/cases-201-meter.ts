/** OCPP 2.0.1, J: meter values; P: data transfer and custom data. */
import { timeAgo } from "./flow-16.ts";
import {
  authorized,
  boot,
  checkAccepted,
  connectorStatus,
  createSession,
  inTimeline,
  meterValue,
  obeyed,
  shown,
  tokenOf,
  type Session,
} from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";

/** A reading that the meter itself has signed. */
const SIGNED = {
  signedMeterValue: {
    ...{ signedMeterData: "c2lnbmVk", signingMethod: "ECDSA-secp256r1-SHA256" },
    ...{ encodingMethod: "OCMF", publicKey: "b2NhOmJhc2UxNjphc24xOg==" },
  },
};

async function charging(t: Tools): Promise<Session> {
  const idToken = await t.token();
  await boot(t);
  const session = createSession(t);
  await session.charge(idToken);
  return session;
}

/** All readings of the transaction come with its end; the energy must be the last one's. */
async function readingsAtEnd(t: Tools, context: string, more: Fields = {}): Promise<void> {
  const session = await charging(t);
  await connectorStatus(t, "Available");
  const readings = [1_000, 1_100, 1_200].map((wh) => meterValue(wh, context, more));
  const last = meterValue(1_300, "Transaction.End", more);
  await session.end("EVCommunicationLost", "EVDisconnected", { more: { meterValue: [...readings, last] } });
  await shown(t, session, "ended", { meterStartWh: session.meterStartWh, meterStopWh: 1_300, energyWh: 300 });
}

/** Readings while it charges; the energy must be that of the last one when it has ended. */
async function readingsMeanwhile(t: Tools, context: string, more: Fields = {}): Promise<void> {
  const session = await charging(t);
  await session.reading(context, more);
  await session.reading(context, more);
  await inTimeline(t, "TransactionEvent", context);
  await session.unplug();
  const { meterStartWh, meterWh: meterStopWh } = session;
  await shown(t, session, "ended", { meterStartWh, meterStopWh, energyWh: meterStopWh - meterStartWh });
}

export const METER_VALUES_201: readonly Case[] = [
  test("TC_J_01", "Clock-aligned Meter Values - No transaction ongoing", async (t) => {
    await boot(t);
    for (const evseId of [0, 1]) {
      const told = { evseId, meterValue: [meterValue(1_000, "Sample.Clock")] };
      checkEqual("the answer to MeterValues", await t.station.call("MeterValues", told), {});
    }
    await inTimeline(t, "MeterValues", "Sample.Clock");
  }),
  test("TC_J_02", "Clock-aligned Meter Values - Transaction ongoing", (t) =>
    readingsMeanwhile(t, "Sample.Clock"),
  ),
  test("TC_J_03", "Clock-aligned Meter Values - EventType Ended", (t) => readingsAtEnd(t, "Sample.Clock")),
  test("TC_J_04", "Clock-aligned Meter Values - Signed", (t) => readingsAtEnd(t, "Sample.Clock", SIGNED)),

  test("TC_J_07", "Sampled Meter Values - EventType Started - EVSE known", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const session = createSession(t);
    await authorized(t, idToken);
    await connectorStatus(t, "Occupied");
    checkAccepted("the TransactionEvent", await session.energy({ idToken }));
    await shown(t, session, "active", { meterStartWh: session.meterStartWh });
  }),
  test("TC_J_08", "Sampled Meter Values - Context Transaction.Begin - EVSE not known", async (t) => {
    const idToken = await t.token();
    await boot(t, 2);
    await authorized(t, idToken);
    const transactionInfo = { transactionId: `${t.id}-${Date.now()}` };
    const token = { idToken: tokenOf(idToken) };
    const begin = { eventType: "Started", triggerReason: "Authorized", seqNo: 0, timestamp: timeAgo() };
    const started = await t.station.call("TransactionEvent", { ...begin, transactionInfo, ...token });
    checkAccepted("the TransactionEvent", started);
    await connectorStatus(t, "Occupied", 2);
    await t.station.call("TransactionEvent", {
      ...{ eventType: "Updated", triggerReason: "CablePluggedIn", seqNo: 1, timestamp: timeAgo() },
      ...{ transactionInfo, evse: { id: 2, connectorId: 1 } },
      meterValue: [meterValue(1_000, "Transaction.Begin")],
    });
    if (t.csms.api === undefined) return;
    const { transactionId } = transactionInfo;
    await t.untilTransaction("the transaction is shown on EVSE 2 with its begin", (seen) => {
      return seen.ocppTransactionId === transactionId && seen.evseId === 2 && seen.meterStartWh === 1_000;
    });
  }),
  test("TC_J_09", "Sampled Meter Values - EventType Updated", (t) => readingsMeanwhile(t, "Sample.Periodic")),
  test("TC_J_10", "Sampled Meter Values - EventType Ended", (t) => readingsAtEnd(t, "Sample.Periodic")),
  test("TC_J_11", "Sampled Meter Values - Signed", (t) => readingsMeanwhile(t, "Sample.Periodic", SIGNED)),
];

const CUSTOM = { customData: { vendorId: "com.example.conformance", colour: "green" } };

export const DATA_201: readonly Case[] = [
  test(
    "TC_P_02",
    "Data Transfer to the CSMS - Rejected / Unknown VendorId / Unknown MessageId",
    async (t) => {
      await boot(t);
      const { status } = await t.station.call("DataTransfer", {
        ...{ vendorId: "com.example.conformance", messageId: "nobody-knows-it", data: "something" },
      });
      check(
        status === "UnknownVendorId" || status === "UnknownMessageId" || status === "Rejected",
        `data of a vendor whom nobody knows was answered with ${String(status)}`,
      );
      // Nothing of it may disturb what comes after.
      await obeyed(t, "ClearCache", {});
    },
  ),
  test("TC_P_03", "CustomData - Receive custom data", async (t) => {
    await boot(t);
    const told = { timestamp: timeAgo(), connectorStatus: "Occupied", evseId: 1, connectorId: 1, ...CUSTOM };
    checkEqual("the answer to StatusNotification", await t.station.call("StatusNotification", told), {});
    const session = createSession(t);
    await session.say("CablePluggedIn", { info: { chargingState: "EVConnected", ...CUSTOM }, more: CUSTOM });
    await shown(t, session, "active", { chargingState: "EVConnected" });
    await inTimeline(t, "TransactionEvent", '"colour":"green"');
  }),
];
