/** OCPP 1.6: Smart Charging. The operator speaks OCPP 2.x words, the station hears its own. */
import { authorized, boot, charging, shown, started, statusNotification, timeAgo } from "./flow-16.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual, checkHas } from "./outcome.ts";
import { ordered, test, type Case, type Tools } from "./suite.ts";

const ACCEPTED = { status: "Accepted" };
const DAY_MS = 86_400_000;

type Profile = { id: number; purpose: string; stackLevel?: number; transactionId?: string; limitA?: number };

/** A profile in OCPP 2.x words: a limit for a day from now on. */
function profile({ id, purpose, stackLevel = 1, transactionId, limitA = 16 }: Profile): Fields {
  const from = timeAgo();
  return {
    ...{ id, stackLevel, chargingProfilePurpose: purpose, chargingProfileKind: "Absolute" },
    ...(transactionId === undefined ? {} : { transactionId }),
    ...{ validFrom: from, validTo: timeAgo(-DAY_MS) },
    chargingSchedule: [
      {
        ...{ id: 1, startSchedule: from, duration: 86_400, chargingRateUnit: "A" },
        chargingSchedulePeriod: [{ startPeriod: 0, limit: limitA, numberPhases: 3 }],
      },
    ],
  };
}

/** The operator sets a profile; checks what arrives. @returns the profile on the wire. */
async function setProfile(t: Tools, connectorId: number, told: Profile): Promise<Fields> {
  const payload = await ordered(
    t,
    "succeeded",
    "SetChargingProfile",
    { evseId: connectorId, chargingProfile: profile(told) },
    {
      ...{ action: "SetChargingProfile", answer: ACCEPTED },
      match: (p) => (p["csChargingProfiles"] as Fields)["chargingProfileId"] === told.id,
    },
  );
  checkEqual("the connector", payload["connectorId"], connectorId);
  const wire = payload["csChargingProfiles"] as Fields;
  const purpose = told.purpose.replace("ChargingStation", "ChargePoint");
  checkHas("the profile", wire, {
    ...{ stackLevel: told.stackLevel ?? 1, chargingProfilePurpose: purpose, chargingProfileKind: "Absolute" },
    chargingSchedule: {
      ...{ duration: 86_400, chargingRateUnit: "A" },
      chargingSchedulePeriod: [{ startPeriod: 0, limit: told.limitA ?? 16 }],
    },
  });
  check(wire["recurrencyKind"] === undefined, "a profile that is absolute has a recurrencyKind");
  check(wire["validFrom"] !== undefined && wire["validTo"] !== undefined, "validFrom or validTo is missing");
  return wire;
}

/** The operator clears profiles; checks what arrives. */
async function clear(t: Tools, params: Fields, wanted: Fields): Promise<void> {
  const expected = { action: "ClearChargingProfile", answer: ACCEPTED };
  checkEqual(
    "the ClearChargingProfile",
    await ordered(t, "succeeded", "ClearChargingProfile", params, expected),
    wanted,
  );
}

export const SMART_CHARGING_16: readonly Case[] = [
  test("TC_056_CSMS", "Central Smart Charging - TxDefaultProfile", async (t) => {
    await boot(t);
    const wire = await setProfile(t, 1, { id: 200_056, purpose: "TxDefaultProfile" });
    check(wire["transactionId"] === undefined, "a TxDefaultProfile names a transaction");
  }),

  test("TC_057_CSMS", "Central Smart Charging - TxProfile", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const id = await charging(t, idTag);
    const { transactionId = "" } = (await shown(t, id, "active")) ?? {};
    const wire = await setProfile(t, 1, { id: 200_057, purpose: "TxProfile", transactionId, limitA: 10 });
    checkEqual("its transactionId", wire["transactionId"], id);
  }),

  test("TC_059_CSMS", "Remote Start Transaction with Charging Profile", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const chargingProfile = profile({ id: 200_059, purpose: "TxProfile", limitA: 8 });
    const payload = await ordered(
      t,
      "succeeded",
      "RequestStartTransaction",
      { idToken: { idToken: idTag }, evseId: 1, chargingProfile },
      { action: "RemoteStartTransaction", answer: ACCEPTED },
    );
    checkHas("the RemoteStartTransaction", payload, {
      ...{ connectorId: 1, idTag },
      chargingProfile: {
        ...{ chargingProfilePurpose: "TxProfile" },
        chargingSchedule: { chargingSchedulePeriod: [{ startPeriod: 0, limit: 8 }] },
      },
    });
    const wire = payload["chargingProfile"] as Fields;
    check(wire["transactionId"] === undefined, "the profile of a transaction to come names a transaction");
    await authorized(t, idTag);
    await statusNotification(t, 1, "Preparing");
    await shown(t, await started(t, idTag), "active");
  }),

  test("TC_066_CSMS", "Get Composite Schedule", async (t) => {
    await boot(t);
    const chargingSchedulePeriod = [{ startPeriod: 0, limit: 16 }];
    const answer = {
      ...{ status: "Accepted", connectorId: 1, scheduleStart: timeAgo() },
      chargingSchedule: { duration: 300, chargingRateUnit: "A", chargingSchedulePeriod },
    };
    const { payload, ended } = await t.order(
      "GetCompositeSchedule",
      { evseId: 1, duration: 300, chargingRateUnit: "A" },
      { action: "GetCompositeSchedule", answer },
    );
    checkEqual("the GetCompositeSchedule", payload, { connectorId: 1, duration: 300, chargingRateUnit: "A" });
    checkEqual("the outcome", ended.status, "succeeded");
    checkEqual("the answer shown", ended.response, answer);
  }),

  test("TC_067_CSMS", "Clear Charging Profile", async (t) => {
    const idTag = await t.token();
    await boot(t);
    const id = await charging(t, idTag);
    const { transactionId = "" } = (await shown(t, id, "active")) ?? {};
    await setProfile(t, 0, { id: 200_671, purpose: "ChargingStationMaxProfile", limitA: 32 });
    await setProfile(t, 1, { id: 200_672, purpose: "TxDefaultProfile" });
    await setProfile(t, 1, { id: 200_673, purpose: "TxProfile", transactionId, limitA: 10 });
    await clear(t, { chargingProfileId: 200_671 }, { id: 200_671 });
    const criteria = { evseId: 1, chargingProfilePurpose: "TxDefaultProfile", stackLevel: 1 };
    await clear(
      t,
      { chargingProfileCriteria: criteria },
      { connectorId: 1, chargingProfilePurpose: "TxDefaultProfile", stackLevel: 1 },
    );
    await clear(t, {}, {});
  }),
];
