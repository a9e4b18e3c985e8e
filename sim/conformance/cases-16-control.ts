/** OCPP 1.6, Core: what an operator orders besides charging: resets, unlocking, configuration, cache, data. */
import { boot, charging, finish, shown, statusNotification } from "./flow-16.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual } from "./outcome.ts";
import { refusal } from "./station.ts";
import { ordered, test, type Case, type Tools } from "./suite.ts";

const ACCEPTED = { status: "Accepted" };
const INTERVAL = "MeterValueSampleInterval";

/** The operator unlocks a connector; the station says what it says. */
async function unlock(t: Tools, connectorId: number, status: string): Promise<void> {
  const payload = await ordered(
    t,
    status === "Unlocked" ? "succeeded" : "rejected",
    "UnlockConnector",
    { evseId: connectorId },
    { action: "UnlockConnector", answer: { status } },
  );
  checkEqual("the UnlockConnector", payload, { connectorId });
}

/** The operator sets a key; the station says what it says. */
async function configure(t: Tools, key: string, value: string, status: string): Promise<void> {
  const payload = await ordered(
    t,
    status === "Accepted" ? "succeeded" : "rejected",
    "ChangeConfiguration",
    { key, value },
    { action: "ChangeConfiguration", answer: { status }, match: (p) => p["key"] === key },
  );
  checkEqual("the ChangeConfiguration", payload, { key, value });
}

/** While a car charges; the station ends the transaction first. */
async function reset(t: Tools, type: "Immediate" | "OnIdle", wire: "Hard" | "Soft"): Promise<void> {
  const idTag = await t.token();
  await boot(t);
  const transactionId = await charging(t, idTag);
  const expected = { action: "Reset", answer: ACCEPTED };
  const payload = await ordered(t, "succeeded", "Reset", { type }, expected);
  checkEqual("the Reset", payload, { type: wire });
  await finish(t, transactionId, { reason: `${wire}Reset` });
  await t.station.disconnect();
  await boot(t);
  const seen = await shown(t, transactionId, "ended");
  checkEqual("the reason shown", seen?.stoppedReason, `${wire}Reset`);
}

const KEYS = [
  { key: "HeartbeatInterval", readonly: false, value: "300" },
  { key: "NumberOfConnectors", readonly: true, value: "1" },
  { key: "SupportedFeatureProfiles", readonly: true, value: "Core" },
];

export const CONTROL_16: readonly Case[] = [
  test("TC_013_CSMS", "Hard Reset", (t) => reset(t, "Immediate", "Hard")),

  test("TC_014_CSMS", "Soft Reset", (t) => reset(t, "OnIdle", "Soft")),

  test("TC_017_1_CSMS", "Unlock Connector - No Charging Session (Not Fixed Cable)", async (t) => {
    await boot(t);
    await unlock(t, 1, "Unlocked");
  }),

  test("TC_017_2_CSMS", "Unlock Connector - No Charging Session (Fixed Cable)", async (t) => {
    await boot(t);
    await unlock(t, 1, "NotSupported");
  }),

  test("TC_018_1_CSMS", "Unlock Connector - With Charging Session (Not Fixed Cable)", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const transactionId = await charging(t, idTag);
    await unlock(t, 1, "Unlocked");
    await finish(t, transactionId, { reason: "UnlockCommand" });
    const seen = await shown(t, transactionId, "ended");
    checkEqual("the reason shown", seen?.stoppedReason, "UnlockCommand");
  }),

  test("TC_019_1_CSMS", "Retrieve All Configuration Keys", async (t) => {
    await boot(t);
    const answer = { configurationKey: KEYS, unknownKey: [] };
    const { payload, ended } = await t.order(
      "GetConfiguration",
      {},
      { action: "GetConfiguration", answer, match: (p) => ((p["key"] as unknown[]) ?? []).length === 0 },
    );
    checkEqual("the GetConfiguration", payload["key"] ?? [], []);
    checkEqual("the answer shown", ended.response, answer);
  }),

  test("TC_019_2_CSMS", "Retrieve Specific Configuration Key", async (t) => {
    await boot(t);
    const key = ["SupportedFeatureProfiles"];
    const answer = { configurationKey: KEYS.filter((one) => key.includes(one.key)) };
    const match = (p: Fields) => (p["key"] as string[] | undefined)?.length === 1;
    const expected = { action: "GetConfiguration", answer, match };
    const { payload, ended } = await t.order("GetConfiguration", { key }, expected);
    checkEqual("the GetConfiguration", payload, { key });
    checkEqual("the answer shown", ended.response, answer);
  }),

  test("TC_021_CSMS", "Change/Set Configuration", async (t) => {
    await boot(t);
    await configure(t, INTERVAL, "60", "Accepted");
  }),

  test("TC_030_CSMS", "Unlock Connector - Unlock Failure", async (t) => {
    await boot(t);
    await unlock(t, 1, "UnlockFailed");
    await statusNotification(t, 1, "Faulted", "ConnectorLockFailure");
  }),

  test("TC_031_CSMS", "Unlock Connector - Unknown Connector", async (t) => {
    await boot(t);
    await unlock(t, 9, "NotSupported");
  }),

  test("TC_040_1_CSMS", "Configuration Keys - NotSupported", async (t) => {
    await boot(t);
    await configure(t, "ConformanceUnknownKey", "1", "NotSupported");
  }),

  test("TC_040_2_CSMS", "Configuration Keys - Invalid Value", async (t) => {
    await boot(t);
    await configure(t, INTERVAL, "-1", "Rejected");
  }),

  test("TC_061_CSMS", "Clear Authorization Data in Authorization Cache", async (t) => {
    await boot(t);
    const expected = { action: "ClearCache", answer: ACCEPTED };
    checkEqual("the ClearCache", await ordered(t, "succeeded", "ClearCache", {}, expected), {});
    await ordered(t, "failed", "ClearCache", {}, { ...expected, answer: refusal("NotSupported") });
  }),

  test("TC_064_CSMS", "Data Transfer to a Central System", async (t) => {
    await boot(t);
    const { status } = await t.station.call("DataTransfer", {
      ...{ vendorId: "com.example.conformance", messageId: "nobody-knows-it", data: "something" },
    });
    // 1.6 §4.3: who does not know the vendor must say so.
    check(
      status === "UnknownVendorId" || status === "UnknownMessageId" || status === "Rejected",
      `data of a vendor whom nobody knows was answered with ${String(status)}`,
    );
  }),
];
