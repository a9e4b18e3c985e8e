/** OCPP 1.6, Core: what a station kept while there was no CSMS, or no power. */
import {
  boot,
  bootNotification,
  charging,
  finish,
  shown,
  startTransaction,
  statusNotification,
  stopTransaction,
  timeAgo,
} from "./flow-16.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";

const MINUTE_MS = 60_000;

/**
 * The line is lost and comes back; a station that was not restarted does not boot again. What it then tells of
 * the past is decided by what its site knows.
 */
async function loseLine(t: Tools): Promise<void> {
  if (t.csms.api !== undefined) {
    await t.untilKnown();
    await t.api.settled(t.station.id);
  }
  await t.station.disconnect("lost");
  await t.station.connect();
}

const statusOf = (answer: Fields): unknown => (answer["idTagInfo"] as Fields)["status"];

export const OFFLINE_16: readonly Case[] = [
  test("TC_032_1_CSMS", "Power Failure Boot - Stop Transactions", async (t) => {
    const idTag = await t.token();
    await boot(t, 2);
    const transactionId = await charging(t, idTag);
    await t.station.disconnect("lost");
    await t.station.connect();
    await bootNotification(t);
    await statusNotification(t, 0, "Available");
    await statusNotification(t, 1, "Finishing");
    await statusNotification(t, 2, "Available");
    await stopTransaction(t, transactionId, { reason: "PowerLoss", meterStop: 2_000 });
    const seen = await shown(t, transactionId, "ended");
    if (seen === undefined) return;
    checkEqual("the reason shown", seen.stoppedReason, "PowerLoss");
    checkEqual("the energy shown", seen.energyWh, 1_000);
  }),

  test("TC_037_1_CSMS", "Offline Start Transaction - Valid IdTag", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await loseLine(t);
    const timestamp = timeAgo(10 * MINUTE_MS);
    const answer = await startTransaction(t, idTag, { timestamp });
    checkEqual("the status", statusOf(answer), "Accepted");
    const transactionId = answer["transactionId"] as number;
    check(Number.isInteger(transactionId), "the transactionId is no integer");
    await statusNotification(t, 1, "Charging");
    const seen = await shown(t, transactionId, "active");
    if (seen !== undefined) checkEqual("the start shown", Date.parse(seen.startedAt), Date.parse(timestamp));
  }),

  test(
    "TC_037_3_CSMS",
    "Offline Start Transaction - Invalid IdTag - StopTransactionOnInvalidId",
    async (t) => {
      await boot(t);
      await loseLine(t);
      const answer = await startTransaction(t, "NOBODYKNOWSME", { timestamp: timeAgo(5 * MINUTE_MS) });
      check(statusOf(answer) !== "Accepted", "an idTag that nobody knows was accepted");
      checkEqual("the status", statusOf(answer), "Invalid");
      const transactionId = answer["transactionId"] as number;
      await statusNotification(t, 1, "Charging");
      await finish(t, transactionId, { reason: "DeAuthorized", meterStop: 1_050 });
      if (t.csms.api === undefined) return;
      // A CSMS may show it as over from its start, since nobody was let in: wait for what was delivered.
      const seen = await t.untilTransaction("the stop is shown", (one) => one.meterStopWh === 1_050);
      checkEqual("the energy shown", seen.energyWh, 50);
    },
  ),

  test("TC_039_CSMS", "Offline Transaction", async (t) => {
    const idTag = await t.token();
    await boot(t);
    await loseLine(t);
    const [began, ended] = [timeAgo(60 * MINUTE_MS), timeAgo(20 * MINUTE_MS)];
    const answer = await startTransaction(t, idTag, { timestamp: began });
    checkEqual("the status", statusOf(answer), "Accepted");
    const transactionId = answer["transactionId"] as number;
    const stop = { idTag, timestamp: ended, meterStop: 9_000, reason: "Local" };
    await stopTransaction(t, transactionId, stop);
    const seen = await shown(t, transactionId, "ended");
    if (seen === undefined) return;
    checkEqual("the start shown", Date.parse(seen.startedAt), Date.parse(began));
    checkEqual("the end shown", Date.parse(seen.endedAt ?? ""), Date.parse(ended));
    checkEqual("the energy shown", seen.energyWh, 8_000);
  }),
];
