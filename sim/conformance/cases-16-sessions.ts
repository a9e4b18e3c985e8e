/** OCPP 1.6, Core: charging in the ordinary way, started at the station or by the operator. */
import {
  authorize,
  authorized,
  boot,
  charging,
  finish,
  shown,
  started,
  statusNotification,
  stopTransaction,
} from "./flow-16.ts";
import { check, checkEqual, checkHas } from "./outcome.ts";
import { ordered, test, type Case, type Tools } from "./suite.ts";

const ACCEPTED = { status: "Accepted" };

/** The operator starts a charge; the station is called and says yes. */
async function remoteStart(t: Tools, idTag: string): Promise<void> {
  const payload = await ordered(
    t,
    "succeeded",
    "RequestStartTransaction",
    { idToken: { idToken: idTag }, evseId: 1 },
    { action: "RemoteStartTransaction", answer: ACCEPTED },
  );
  checkEqual("the RemoteStartTransaction", payload, { connectorId: 1, idTag });
}

/** Our name of a running transaction, as the operator sees it. */
async function nameOf(t: Tools, transactionId: number): Promise<string> {
  const seen = await t.untilTransaction(
    "the transaction is shown",
    (one) => one.ocppTransactionId === String(transactionId),
  );
  return seen.transactionId;
}

export const SESSIONS_16: readonly Case[] = [
  test("TC_001_CSMS", "Cold Boot Charging Station", async (t) => {
    await boot(t, 2);
    const { currentTime } = await t.station.call("Heartbeat", {});
    check(!Number.isNaN(Date.parse(String(currentTime))), "the Heartbeat's currentTime is no time");
    if (t.csms.api === undefined) return;
    const seen = await t.until("the connectors are shown", async () => {
      const station = await t.api.station(t.station.id);
      return station?.connectors.length === 2 ? station : undefined;
    });
    checkHas("the station shown", seen, { online: true, vendor: "Conformance", firmwareVersion: "1.0" });
    checkEqual("the status shown", seen.connectors[1]?.status, "Available");
  }),

  test("TC_003_CSMS", "Regular Charging Session - Plugin First", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const transactionId = await charging(t, idTag);
    await shown(t, transactionId, "active");
    await authorized(t, idTag);
    await finish(t, transactionId, { idTag, reason: "Local" });
    const seen = await shown(t, transactionId, "ended");
    if (seen === undefined) return;
    checkHas("the transaction shown", seen, { idToken: idTag, energyWh: 2_500, stoppedReason: "Local" });
  }),

  test("TC_004_1_CSMS", "Regular Charging Session - Identification First", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await authorized(t, idTag);
    await statusNotification(t, 1, "Preparing");
    const transactionId = await started(t, idTag);
    await statusNotification(t, 1, "Charging");
    await finish(t, transactionId, { idTag });
    await shown(t, transactionId, "ended");
  }),

  test("TC_004_2_CSMS", "Regular Charging Session - Identification First - ConnectionTimeOut", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await authorized(t, idTag);
    await statusNotification(t, 1, "Preparing");
    await statusNotification(t, 1, "Available");
    if (t.csms.api !== undefined)
      checkEqual("the transactions shown", (await t.api.transactions(t.station.id)).length, 0);
  }),

  test("TC_005_1_CSMS", "EV Side Disconnected - StopTransactionOnEVSideDisconnect", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const transactionId = await charging(t, idTag);
    await statusNotification(t, 1, "SuspendedEV");
    await finish(t, transactionId, { reason: "EVDisconnected" });
    const seen = await shown(t, transactionId, "ended");
    if (seen !== undefined) checkEqual("the reason shown", seen.stoppedReason, "EVDisconnected");
  }),

  test("TC_007_CSMS", "Regular Start Charging Session - Cached Id", async (t) => {
    const idTag = await t.token();
    await boot(t);
    // Its cache knows the token: nobody is asked.
    await statusNotification(t, 1, "Preparing");
    const transactionId = await started(t, idTag);
    await statusNotification(t, 1, "Charging");
    await finish(t, transactionId, { idTag });
    await shown(t, transactionId, "ended");
  }),

  test("TC_010_CSMS", "Remote Start Charging Session - Cable Plugged in First", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await statusNotification(t, 1, "Preparing");
    await remoteStart(t, idTag);
    await authorized(t, idTag);
    const transactionId = await started(t, idTag);
    await statusNotification(t, 1, "Charging");
    const seen = await shown(t, transactionId, "active");
    checkEqual("the idToken shown", seen?.idToken, idTag);
  }),

  test("TC_011_1_CSMS", "Remote Start Charging Session - Remote Start First", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await remoteStart(t, idTag);
    await authorized(t, idTag);
    await statusNotification(t, 1, "Preparing");
    const transactionId = await started(t, idTag);
    await statusNotification(t, 1, "Charging");
    await shown(t, transactionId, "active");
  }),

  test("TC_011_2_CSMS", "Remote Start Charging Session - Time Out", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await remoteStart(t, idTag);
    await authorized(t, idTag);
    await statusNotification(t, 1, "Preparing");
    await statusNotification(t, 1, "Available");
    checkEqual("the transactions shown", (await t.api.transactions(t.station.id)).length, 0);
  }),

  test("TC_012_CSMS", "Remote Stop Charging Session", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const id = await charging(t, idTag);
    const payload = await ordered(
      t,
      "succeeded",
      "RequestStopTransaction",
      { transactionId: await nameOf(t, id) },
      { action: "RemoteStopTransaction", answer: ACCEPTED },
    );
    checkEqual("the RemoteStopTransaction", payload, { transactionId: id });
    await finish(t, id, { reason: "Remote" });
    checkEqual("the reason shown", (await shown(t, id, "ended"))?.stoppedReason, "Remote");
  }),

  test("TC_023_1_CSMS", "Start Charging Session - Authorize Invalid", async (t) => {
    await boot(t);
    checkEqual("the status", (await authorize(t, "NOBODYKNOWSME"))["status"], "Invalid");
  }),

  test("TC_023_2_CSMS", "Start Charging Session - Authorize Expired", async (t) => {
    const idTag = await t.token({ expiresAt: "2024-01-01T00:00:00Z" });
    await boot(t);
    checkEqual("the status", (await authorize(t, idTag))["status"], "Expired");
  }),

  test("TC_023_3_CSMS", "Start Charging Session - Authorize Blocked", async (t) => {
    const idTag = await t.token({ status: "Blocked" });
    await boot(t);
    checkEqual("the status", (await authorize(t, idTag))["status"], "Blocked");
  }),

  test("TC_024_CSMS", "Start Charging Session Lock Failure", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await statusNotification(t, 1, "Preparing");
    await authorized(t, idTag);
    await statusNotification(t, 1, "Faulted", "ConnectorLockFailure");
    if (t.csms.api === undefined) return;
    await t.until("the fault is shown", async () => {
      const station = await t.api.station(t.station.id);
      return station?.connectors.some(({ status }) => status === "Faulted");
    });
  }),

  test("TC_026_CSMS", "Remote Start Charging Session - Rejected", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await ordered(
      t,
      "rejected",
      "RequestStartTransaction",
      { idToken: { idToken: idTag }, evseId: 1 },
      { action: "RemoteStartTransaction", answer: { status: "Rejected" } },
    );
  }),

  test("TC_028_CSMS", "Remote Stop Transaction - Rejected", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const id = await charging(t, idTag);
    await ordered(
      t,
      "rejected",
      "RequestStopTransaction",
      { transactionId: await nameOf(t, id) },
      { action: "RemoteStopTransaction", answer: { status: "Rejected" } },
    );
    await shown(t, id, "active");
    await stopTransaction(t, id);
  }),
];
