/** OCPP 2.0.1, K: smart charging. */
import { timeAgo } from "./flow-16.ts";
import {
  boot,
  createSession,
  HOUR_MS,
  inTimeline,
  obeyed,
  reported,
  shown,
  tokenOf,
  type How,
  type Session,
} from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual, NotApplicable } from "./outcome.ts";
import { refusal } from "./station.ts";
import { test, type Case, type Tools } from "./suite.ts";

type Profile = {
  id?: number;
  purpose: string;
  kind?: "Absolute" | "Relative" | "Recurring";
  stackLevel?: number;
  transactionId?: string;
  limitA?: number;
};

/** A profile of one limit; who gives no start begins when the car does. */
function profileOf({ id = 200_001, purpose, kind = "Absolute", ...rest }: Profile): Fields {
  const { stackLevel = 1, transactionId, limitA = 6 } = rest;
  const from = timeAgo();
  return {
    ...{ id, stackLevel, chargingProfilePurpose: purpose, chargingProfileKind: kind },
    ...(kind === "Recurring" ? { recurrencyKind: "Daily" } : {}),
    ...(transactionId === undefined ? {} : { transactionId }),
    ...(kind === "Relative" ? {} : { validFrom: from, validTo: timeAgo(-24 * HOUR_MS) }),
    chargingSchedule: [
      {
        ...{ id: 1, chargingRateUnit: "A", duration: 3_600 },
        ...(kind === "Relative" ? {} : { startSchedule: from }),
        chargingSchedulePeriod: [{ startPeriod: 0, limit: limitA, numberPhases: 3 }],
      },
    ],
  };
}

/** The operator sets a profile; what arrives must be it, to the letter. */
async function setProfile(t: Tools, evseId: number, profile: Profile, how: How = {}): Promise<Fields> {
  const params = { evseId, chargingProfile: profileOf(profile) };
  const { payload } = await obeyed(t, "SetChargingProfile", params, how);
  checkEqual("the SetChargingProfile", payload, params);
  return payload["chargingProfile"] as Fields;
}

const sets = (id: string, title: string, evseId: number, profile: Profile, how: How = {}): Case =>
  test(id, `Set Charging Profile - ${title}`, async (t) => {
    await boot(t);
    await setProfile(t, evseId, profile, how);
  });

/** The operator clears profiles; what arrives must be what was asked for. */
async function clearProfile(t: Tools, params: Fields, status = "Accepted"): Promise<void> {
  const outcome = status === "Accepted" ? "succeeded" : "rejected";
  const { payload } = await obeyed(t, "ClearChargingProfile", params, { answer: { status }, outcome });
  checkEqual("the ClearChargingProfile", payload, params);
}

async function charging(t: Tools): Promise<Session> {
  const idToken = await t.token();
  await boot(t);
  const session = createSession(t);
  await session.charge(idToken);
  return session;
}

/** The operator asks which profiles there are; the station reports one. */
async function getProfiles(t: Tools, asked: Fields, told: Profile, source = "CSO"): Promise<void> {
  await boot(t);
  const { payload, commandId } = await obeyed(t, "GetChargingProfiles", asked);
  const { requestId, ...rest } = payload;
  checkEqual("the GetChargingProfiles", rest, asked);
  check(Number.isInteger(requestId), "the requestId is no integer");
  const chargingProfile = [profileOf(told)];
  await reported(t, commandId, "ReportChargingProfiles", [
    {
      requestId,
      chargingLimitSource: source,
      evseId: Number(asked["evseId"] ?? 0),
      tbc: false,
      chargingProfile,
    },
  ]);
}

const gets = (id: string, title: string, evseId: number | undefined, chargingProfile: Fields): Case =>
  test(id, `Get Charging Profile - ${title}`, (t) => {
    const asked = { ...(evseId === undefined ? {} : { evseId }), chargingProfile };
    return getProfiles(t, asked, { purpose: "TxDefaultProfile" });
  });

const PURPOSE = { chargingProfilePurpose: "TxDefaultProfile" };

const PROFILES: readonly Case[] = [
  sets("TC_K_01", "TxDefaultProfile - Specific EVSE", 1, { purpose: "TxDefaultProfile" }),
  sets(
    "TC_K_02",
    "TxProfile without ongoing transaction on the specified EVSE",
    1,
    { purpose: "TxProfile", kind: "Relative", transactionId: "nobody-charges", limitA: 7 },
    { answer: { status: "Rejected" }, outcome: "rejected" },
  ),
  sets("TC_K_03", "ChargingStationMaxProfile", 0, { purpose: "ChargingStationMaxProfile" }),

  test("TC_K_04", "Replace charging profile - With chargingProfileId", async (t) => {
    await boot(t);
    const profile = { id: 200_004, purpose: "TxDefaultProfile" };
    await setProfile(t, 1, { ...profile, limitA: 6 });
    await setProfile(t, 1, { ...profile, limitA: 8 });
  }),
  test("TC_K_05", "Clear Charging Profile - With chargingProfileId", async (t) => {
    await boot(t);
    await setProfile(t, 1, { id: 200_005, purpose: "TxDefaultProfile" });
    await clearProfile(t, { chargingProfileId: 200_005 });
  }),
  test(
    "TC_K_06",
    "Clear Charging Profile - With stackLevel/purpose combination for one profile",
    async (t) => {
      await boot(t);
      await setProfile(t, 1, { purpose: "TxDefaultProfile" });
      await clearProfile(t, { chargingProfileCriteria: { ...PURPOSE, evseId: 1, stackLevel: 1 } });
    },
  ),
  test("TC_K_08", "Clear Charging Profile - Without previous charging profile", async (t) => {
    await boot(t);
    await clearProfile(t, { chargingProfileCriteria: { ...PURPOSE, evseId: 1, stackLevel: 1 } }, "Unknown");
  }),

  sets("TC_K_10", "TxDefaultProfile - All EVSE", 0, { purpose: "TxDefaultProfile" }),
  sets(
    "TC_K_15",
    "Not Supported",
    1,
    { purpose: "TxDefaultProfile" },
    { answer: refusal("NotSupported", "no smart charging"), outcome: "failed" },
  ),
  sets("TC_K_19", "ChargingProfileKind is Recurring", 1, { purpose: "TxDefaultProfile", kind: "Recurring" }),

  test("TC_K_37", "Remote start transaction with charging profile - Success", async (t) => {
    const idToken = await t.token();
    await boot(t);
    const chargingProfile = profileOf({ purpose: "TxProfile", kind: "Relative" });
    const params = { idToken: tokenOf(idToken), evseId: 1, chargingProfile };
    const { payload } = await obeyed(t, "RequestStartTransaction", params);
    const { remoteStartId, ...rest } = payload;
    checkEqual("the RequestStartTransaction", rest, params);
    const session = createSession(t);
    await session.say("RemoteStart", { idToken, info: { remoteStartId } });
    await shown(t, session, "active", { idToken });
  }),
  test(
    "TC_K_60",
    "Set Charging Profile - TxProfile with ongoing transaction on the specified EVSE",
    async (t) => {
      const session = await charging(t);
      const seen = await shown(t, session, "active");
      // The operator names the transaction as the CSMS does; the station hears its own name for it.
      const { transactionId } = session;
      const named = profileOf({ purpose: "TxProfile", kind: "Relative", transactionId });
      const chargingProfile = { ...named, transactionId: seen?.transactionId };
      const wire = { evseId: 1, chargingProfile: named };
      await obeyed(t, "SetChargingProfile", { evseId: 1, chargingProfile }, { wire });
    },
  ),
  test("TC_K_70", "Set Charging Profile - Multiple Profiles", async (t) => {
    await charging(t);
    await setProfile(t, 1, { id: 200_071, purpose: "TxDefaultProfile" });
    await setProfile(t, 0, { id: 200_072, purpose: "ChargingStationMaxProfile", limitA: 32 });
  }),
];

const compositeSchedule = (id: string, title: string, evseId: number): Case =>
  test(id, `Get Composite Schedule - ${title}`, async (t) => {
    await boot(t);
    const params = { evseId, duration: 300, chargingRateUnit: "A" };
    const chargingSchedulePeriod = [{ startPeriod: 0, limit: 16 }];
    const schedule = {
      ...{ evseId, duration: 300, scheduleStart: timeAgo(), chargingRateUnit: "A", chargingSchedulePeriod },
    };
    const { payload } = await obeyed(t, "GetCompositeSchedule", params, {
      answer: { status: "Accepted", schedule },
    });
    checkEqual("the GetCompositeSchedule", payload, params);
  });

const REPORTS: readonly Case[] = [
  gets("TC_K_29", "EvseId 0", 0, PURPOSE),
  gets("TC_K_30", "EvseId > 0", 1, PURPOSE),
  gets("TC_K_31", "No EvseId", undefined, PURPOSE),
  gets("TC_K_32", "chargingProfileId", undefined, { chargingProfileId: [200_001] }),
  gets("TC_K_33", "EvseId > 0 + stackLevel", 1, { stackLevel: 1 }),
  gets("TC_K_34", "EvseId > 0 + chargingLimitSource", 1, { chargingLimitSource: ["CSO"] }),
  gets("TC_K_35", "EvseId > 0 + chargingProfilePurpose", 1, PURPOSE),
  gets("TC_K_36", "EvseId > 0 + chargingProfilePurpose + stackLevel", 1, { ...PURPOSE, stackLevel: 1 }),
  compositeSchedule("TC_K_43", "Specific EVSE", 1),
  compositeSchedule("TC_K_44", "Charging Station", 0),
];

/** Somebody else limits the station, or no longer: it is told to us, and shown. */
async function externalLimit(t: Tools, action: string, told: Fields): Promise<void> {
  checkEqual(`the answer to ${action}`, await t.station.call(action, told), {});
  await inTimeline(t, action, "EMS");
}

const EXTERNAL: readonly Case[] = [
  test("TC_K_48", "Set / Update External Charging Limit (not on a transaction)", async (t) => {
    await boot(t);
    await externalLimit(t, "NotifyChargingLimit", { chargingLimit: { chargingLimitSource: "EMS" } });
  }),
  test("TC_K_50", "Reset / release external charging limit - Without ongoing transaction", async (t) => {
    await boot(t);
    await externalLimit(t, "ClearedChargingLimit", { chargingLimitSource: "EMS" });
  }),
  test("TC_K_51", "Reset / release external charging limit - With ongoing transaction", async (t) => {
    const session = await charging(t);
    await externalLimit(t, "ClearedChargingLimit", { chargingLimitSource: "EMS", evseId: 1 });
    await session.say("ChargingRateChanged", { info: { chargingState: "Charging" } });
    await shown(t, session, "active", { chargingState: "Charging" });
  }),
  test(
    "TC_K_52",
    "Set / Update External Charging Limit - ChargingStationExternalConstraints in report",
    (t) => {
      const purpose = "ChargingStationExternalConstraints";
      const asked = { evseId: 0, chargingProfile: { chargingProfilePurpose: purpose } };
      return getProfiles(t, asked, { purpose }, "EMS");
    },
  ),
];

const NEEDS = {
  ...{ evseId: 1, maxScheduleTuples: 4 },
  chargingNeeds: {
    ...{ requestedEnergyTransfer: "AC_three_phase", departureTime: timeAgo(-8 * HOUR_MS) },
    acChargingParameters: { energyAmount: 20_000, evMinCurrent: 6, evMaxCurrent: 32, evMaxVoltage: 400 },
  },
};

/** The car tells what it needs; whom the CSMS asks for a schedule promises one. */
async function needs(t: Tools): Promise<void> {
  const { provider } = t.csms;
  if (provider === undefined)
    throw new NotApplicable("who plans schedules for cars is the CSMS's own matter");
  provider.answer(t.station.id, () => ({ payload: { status: "Processing" } }));
  const { status } = await t.station.call("NotifyEVChargingNeeds", NEEDS);
  check(
    status === "Accepted" || status === "Processing",
    `the car's needs were answered with ${String(status)}`,
  );
}

/** The planner has the schedule set; the car says which one it follows. */
async function scheduled(t: Tools, { transactionId }: Session, limitA = 16): Promise<void> {
  const profile = await setProfile(t, 1, { purpose: "TxProfile", kind: "Relative", transactionId, limitA });
  const [chargingSchedule] = profile["chargingSchedule"] as Fields[];
  const told = { timeBase: timeAgo(), evseId: 1, chargingSchedule };
  const { status } = await t.station.call("NotifyEVChargingSchedule", told);
  checkEqual("the status of the car's schedule", status, "Accepted");
}

async function plugged(t: Tools): Promise<Session> {
  const idToken = await t.token();
  await boot(t);
  const session = createSession(t);
  await session.authorize(idToken);
  await session.plug();
  return session;
}

/** What all cases of ISO 15118 begin with: needs, a schedule, energy. */
async function leveled(t: Tools): Promise<Session> {
  const session = await plugged(t);
  await needs(t);
  await scheduled(t, session);
  await session.energy();
  await shown(t, session, "active", { chargingState: "Charging" });
  return session;
}

const ISO15118: readonly Case[] = [
  test("TC_K_53", "Charging with load leveling based on High Level Communication - Success", async (t) => {
    await leveled(t);
  }),
  test("TC_K_55", "Charging with load leveling - EV charging profile exceeds limits", async (t) => {
    const session = await plugged(t);
    await needs(t);
    await scheduled(t, session, 16);
    // The car wants more than it was granted: the schedule is negotiated anew.
    await needs(t);
    await scheduled(t, session, 10);
    await session.energy();
  }),
  test("TC_K_57", "Renegotiating a Charging Schedule - Initiated by EV", async (t) => {
    const session = await leveled(t);
    await needs(t);
    await scheduled(t, session, 12);
  }),
  test("TC_K_58", "Renegotiating a Charging Schedule - Initiated by CSMS", async (t) => {
    const session = await leveled(t);
    await scheduled(t, session, 12);
  }),
  test(
    "TC_K_59",
    "Renegotiating a Charging Schedule - Initiated by CSMS - Send NotifyEVChargingNeeds",
    async (t) => {
      const session = await leveled(t);
      const { transactionId } = session;
      await setProfile(t, 1, { purpose: "TxProfile", kind: "Relative", transactionId, limitA: 12 });
      await needs(t);
      await scheduled(t, session, 10);
    },
  ),
];

export const SMART_CHARGING_201: readonly Case[] = [...PROFILES, ...REPORTS, ...EXTERNAL, ...ISO15118];
