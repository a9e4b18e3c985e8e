/** Stations are kept able to work alone: what is asked of them, what is not asked again, what they refuse. */
import { describe, expect, test } from "vitest";
import { PROVISION_CALLS_MAX, PROVISION_SETTLE_MS } from "../../shared/limits.ts";
import { checkPayload } from "../../shared/ocpp/schemas.ts";
import type { Policy } from "../../shared/policy.ts";
import type { Protocol } from "../../shared/entry.ts";
import { decodeSnapshot, encodeSnapshot } from "./fold.ts";
import { Bench, policyOf, recovered, signed, TEN, time, type NamedToken } from "./harness.ts";

type Fields = Record<string, unknown>;
type Called = { action: string; payload: Fields };
/** What the station answers: a payload, a CALLERROR, or nothing. */
type Script = Record<string, (payload: Fields) => Fields | "error" | "silence">;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The keys of an OCPP 1.6 station; the read-only ones are marked. */
const KEYS = {
  GetConfigurationMaxKeys: "50 ro",
  SupportedFeatureProfiles: "Core,LocalAuthListManagement,SmartCharging ro",
  LocalAuthListMaxLength: "10 ro",
  SendLocalListMaxLength: "3 ro",
  LocalAuthListEnabled: "false",
  LocalAuthorizeOffline: "false",
  LocalPreAuthorize: "0",
  AllowOfflineTxForUnknownId: "true",
  StopTransactionOnInvalidId: "true ro",
  TransactionMessageAttempts: "3",
  TransactionMessageRetryInterval: "10",
};

/** An OCPP 1.6 station by the book. What it holds is to be looked at. */
function station16(keys: Record<string, string> = KEYS, script: Script = {}) {
  const config = new Map(Object.entries(keys));
  const list = new Map<string, Fields>();
  const held = { version: 0, list, config, profiles: new Map<number, Fields>() };
  const own: Script = {
    GetConfiguration: ({ key }) => {
      const asked = key as string[];
      return {
        configurationKey: asked
          .filter((k) => config.has(k))
          .map((k) => ({
            key: k,
            readonly: config.get(k)?.endsWith(" ro") === true,
            value: config.get(k)?.replace(" ro", "") ?? "",
          })),
        unknownKey: asked.filter((k) => !config.has(k)),
      };
    },
    ChangeConfiguration: ({ key, value }) => {
      config.set(key as string, value as string);
      return { status: "Accepted" };
    },
    GetLocalListVersion: () => ({ listVersion: held.version }),
    SendLocalList: ({ updateType, listVersion, localAuthorizationList }) => {
      if (updateType === "Differential" && (listVersion as number) <= held.version)
        return { status: "VersionMismatch" };
      if (updateType === "Full") list.clear();
      for (const { idTag, idTagInfo } of localAuthorizationList as Fields[])
        if (idTagInfo === undefined) list.delete(idTag as string);
        else list.set(idTag as string, idTagInfo as Fields);
      held.version = listVersion as number;
      return { status: "Accepted" };
    },
    SetChargingProfile: ({ csChargingProfiles: profile }) => {
      held.profiles.set((profile as Fields)["chargingProfileId"] as number, profile as Fields);
      return { status: "Accepted" };
    },
    ClearChargingProfile: ({ id }) => ({
      status: held.profiles.delete(id as number) ? "Accepted" : "Unknown",
    }),
  };
  return { held, script: { ...own, ...script } };
}

function site(
  options: {
    tokens?: NamedToken[];
    policy?: Partial<Policy>;
    recent?: string[];
    station?: ReturnType<typeof station16> | { script: Script };
    protocol?: Protocol;
    provision?: boolean;
  } = {},
) {
  const { tokens = [], protocol = "ocpp1.6", provision = true } = options;
  const { script } = options.station ?? station16();
  const recent = (options.recent ?? tokens.map((t) => t.idToken)).map((idToken, n) => ({
    idToken,
    lastUsedAt: TEN - n * 1_000,
  }));
  const policy = policyOf(tokens, 1, { recent, ...options.policy });
  const bench = new Bench({ policy, identity: { authorization: "local", provision } });
  let cp = bench.connect("CP-1", protocol);
  const bootFields =
    protocol === "ocpp1.6"
      ? { chargePointVendor: "V", chargePointModel: "M" }
      : { reason: "PowerUp", chargingStation: { vendorName: "V", model: "M" } };
  const boot = () => bench.result(cp, "BootNotification", bootFields);
  boot();
  /** A second passes, and the station answers. @returns what it was asked. */
  const second = (ms = 1_000): Called[] => {
    const before = bench.effects.length;
    bench.pass(ms);
    return bench.sent(cp, before).flatMap(([type, messageId, action, payload]) => {
      if (type !== 2) return [];
      expect(checkPayload(protocol, action as string, "Request", payload)).toBeUndefined();
      const answer = script[action as string]?.(payload as Fields) ?? "error";
      if (answer === "error") bench.frame(cp, JSON.stringify([4, messageId, "NotSupported", "", {}]));
      else if (answer !== "silence") bench.frame(cp, JSON.stringify([3, messageId, answer]));
      return [{ action: action as string, payload: payload as Fields }];
    });
  };
  const run = (seconds = 40) => Array.from({ length: seconds }, () => second()).flat();
  const reconnect = () => {
    cp = bench.connect("CP-1", protocol);
    bench.result(cp, "Heartbeat", {});
  };
  /** A new policy arrives, with these tokens used here. */
  const change = (now: NamedToken[], more: Partial<Policy> = {}) => {
    const next = policyOf(now, bench.state.durable.policyVersion + 1, { recent, ...options.policy, ...more });
    bench.input({ kind: "link.policy", signed: signed(next) });
  };
  const status = (fields: Fields) =>
    bench.result(cp, "StatusNotification", { connectorId: 0, status: "Available", ...fields });
  return { bench, boot, second, run, reconnect, change, status, cp: () => cp };
}

const accepted = (...names: string[]): NamedToken[] =>
  names.map((idToken) => ({ idToken, status: "Accepted" as const }));
const actions = (called: Called[]) => called.map(({ action }) => action);
const lists = (called: Called[]) => called.filter(({ action }) => action === "SendLocalList");

describe("offline settings of OCPP 1.6", () => {
  test("are read first, then only those that differ and may be written are set, one at a time", () => {
    const { run, second } = site();
    const called = run();
    expect(actions(called).slice(0, 3)).toEqual([
      "GetConfiguration",
      "GetConfiguration",
      "GetLocalListVersion",
    ]);
    expect(called.filter((c) => c.action === "ChangeConfiguration").map((c) => c.payload)).toEqual([
      { key: "LocalAuthorizeOffline", value: "true" },
      { key: "LocalAuthListEnabled", value: "true" },
      { key: "AllowOfflineTxForUnknownId", value: "false" },
      { key: "TransactionMessageAttempts", value: "10" },
      { key: "TransactionMessageRetryInterval", value: "60" },
    ]);
    expect(second()).toEqual([]);
  });

  test.each([
    ["allow", { AllowOfflineTxForUnknownId: "true", MaxEnergyOnInvalidId: "0" }],
    ["cap", { AllowOfflineTxForUnknownId: "true", MaxEnergyOnInvalidId: "7000" }],
    ["deny", { AllowOfflineTxForUnknownId: "false", MaxEnergyOnInvalidId: "0" }],
  ] as const)("follow the site's rule for unknown tokens: %s", (unknownToken, expected) => {
    const unknownCap = { energyWh: 7_000, durationS: 3_600, startsPerDay: 2, siteEnergyWhPerDay: 50_000 };
    const station = station16({
      ...KEYS,
      MaxEnergyOnInvalidId: "0",
      AllowOfflineTxForUnknownId: unknownToken === "deny" ? "true" : "false",
    });
    site({ station, policy: { unknownToken, unknownCap } }).run();
    expect(Object.fromEntries(station.held.config)).toMatchObject(expected);
  });

  test("attempts are raised, never lowered", () => {
    const station = station16({ ...KEYS, TransactionMessageAttempts: "25" });
    site({ station }).run();
    expect(station.held.config.get("TransactionMessageAttempts")).toBe("25");
  });

  test("a station that takes few keys at once is asked for few; one that says nothing is left alone", () => {
    const { GetConfigurationMaxKeys: _none, ...few } = KEYS;
    const called = site({ station: station16(few) }).run();
    const asked = called.filter((c) => c.action === "GetConfiguration").map((c) => c.payload["key"]);
    expect(Math.max(...asked.map((key) => (key as string[]).length))).toBe(4);
    const mute = site({ station: { script: { GetConfiguration: () => ({}) } } }).run();
    expect(new Set(actions(mute))).toEqual(new Set(["GetConfiguration"]));
  });

  test("what is refused is not asked again for a day; after a boot that comes later than an hour it is", () => {
    const refusing = station16(KEYS, { ChangeConfiguration: () => ({ status: "Rejected" }) });
    const { run, boot, second } = site({ station: refusing });
    const writes = (called: Called[]) => called.filter((c) => c.action === "ChangeConfiguration").length;
    expect(writes(run())).toBe(5);
    boot();
    expect(writes(run())).toBe(0);
    expect(second(2 * 3_600_000)).toEqual([]);
    expect(writes(run())).toBe(0);
    boot();
    expect(writes(run())).toBe(5);
    second(DAY_MS);
    expect(writes(run())).toBe(5);
  });

  test("a value that somebody changed at the station is found a day later", () => {
    const station = station16();
    const { run, second } = site({ station });
    run();
    station.held.config.set("LocalAuthorizeOffline", "false");
    expect(run()).toEqual([]);
    second(DAY_MS);
    run();
    expect(station.held.config.get("LocalAuthorizeOffline")).toBe("true");
  });
});

describe("the local list", () => {
  test("grows by parts: a full one, then differences, within what the station takes", () => {
    const station = station16();
    const { run } = site({ station, tokens: accepted("A", "B", "C", "D", "E", "F", "G") });
    const sent = lists(run()).map(({ payload }) => [
      payload["updateType"],
      payload["listVersion"],
      (payload["localAuthorizationList"] as Fields[]).map((e) => e["idTag"]).join(""),
    ]);
    expect(sent).toEqual([
      ["Full", 1, "ABC"],
      ["Differential", 2, "DEF"],
      ["Differential", 3, "G"],
    ]);
    expect([...station.held.list.keys()].join("")).toBe("ABCDEFG");
  });

  test("holds who may charge, used last first, with group and expiry, as far as it fits", () => {
    const station = station16({ ...KEYS, LocalAuthListMaxLength: "3 ro" });
    const tokens: NamedToken[] = [
      { idToken: "BLOCKED", status: "Blocked" },
      { idToken: "EXPIRED", status: "Accepted", expiresAt: TEN - 1 },
      { idToken: "MASTER", status: "Accepted", master: true },
      { idToken: "ELSEWHERE", status: "Accepted", stations: ["CP-9"] },
      { idToken: "TOO-LONG-FOR-OCPP-1.6-TAGS", status: "Accepted" },
      { idToken: "A", status: "Accepted", groupId: "G", expiresAt: TEN + DAY_MS },
      { idToken: "B", status: "Accepted", groupId: "a-group-too-long-for-this" },
      { idToken: "C", status: "Accepted", stations: ["CP-1"] },
      { idToken: "D", status: "Accepted" },
    ];
    const { run, second } = site({ station, tokens, recent: [...tokens.map((t) => t.idToken), "NOBODY"] });
    run();
    expect(Object.fromEntries(station.held.list)).toEqual({
      A: { status: "Accepted", parentIdTag: "G", expiryDate: time(86_400) },
      B: { status: "Accepted" },
      C: { status: "Accepted" },
    });
    expect(second()).toEqual([]);
  });

  test("where unknown tokens may charge, those that may not are listed as such", () => {
    const station = station16();
    const tokens: NamedToken[] = [
      { idToken: "BLOCKED", status: "Blocked" },
      { idToken: "MASTER", status: "Accepted", master: true },
      { idToken: "ELSEWHERE", status: "Accepted", stations: [] },
      { idToken: "A", status: "Accepted" },
    ];
    const { run } = site({ station, tokens, policy: { unknownToken: "cap" } });
    run();
    const statuses = [...station.held.list].map(([idTag, info]) => [idTag, info["status"]]);
    expect(Object.fromEntries(statuses)).toEqual({
      BLOCKED: "Blocked",
      MASTER: "Invalid",
      ELSEWHERE: "Invalid",
      A: "Accepted",
    });
  });

  test("a token that is blocked leaves it at once; one that is new waits for company", () => {
    const station = station16();
    const { run, change } = site({ station, tokens: accepted("A", "B"), recent: ["A", "B", "C"] });
    run();
    change(accepted("A", "B", "C"));
    expect(run(60)).toEqual([]);
    change([...accepted("B", "C"), { idToken: "A", status: "Blocked" }]);
    const called = run(10);
    expect(lists(called)[0]?.payload).toMatchObject({
      updateType: "Differential",
      localAuthorizationList: [{ idTag: "A" }, { idTag: "C", idTagInfo: { status: "Accepted" } }],
    });
    expect([...station.held.list.keys()]).toEqual(["B", "C"]);
  });

  test("a token that charges here comes in within ten minutes; charging again changes nothing", () => {
    const station = station16();
    const { run, second, bench, cp } = site({ station, tokens: accepted("A", "NEW"), recent: ["A"] });
    const charge = (idTag: string, at: number) => {
      const start = { connectorId: 1, idTag, meterStart: at, timestamp: time(at) };
      const { transactionId } = bench.result(cp(), "StartTransaction", start);
      bench.result(cp(), "StopTransaction", { transactionId, meterStop: at + 1, timestamp: time(at + 1) });
    };
    run();
    charge("NEW", 50);
    expect(lists(run(60))).toEqual([]);
    second(10 * MINUTE_MS);
    run();
    expect([...station.held.list.keys()]).toEqual(["A", "NEW"]);
    for (let n = 0; n < 5; n++) {
      charge("NEW", 2_000 + n * 700);
      charge("A", 2_300 + n * 700);
      expect(lists([...second(11 * MINUTE_MS), ...run(5)])).toEqual([]);
    }
  });

  test("somebody else's list is replaced, with a version after its own", () => {
    const station = station16();
    station.held.version = 41;
    station.held.list.set("FOREIGN", { status: "Accepted" });
    const { run } = site({ station, tokens: accepted("A") });
    const [sent] = lists(run());
    expect(sent?.payload).toMatchObject({ updateType: "Full", listVersion: 42 });
    expect([...station.held.list.keys()]).toEqual(["A"]);
  });

  test("a mismatch of versions is met with a full list", () => {
    const station = station16();
    const { run, change } = site({ station, tokens: accepted("A", "B", "C") });
    run();
    station.held.version = 90;
    change(accepted("A", "B"));
    expect(actions(run(10))).toEqual(["SendLocalList", "GetLocalListVersion", "SendLocalList"]);
    expect(station.held.version).toBe(91);
    expect([...station.held.list.keys()]).toEqual(["A", "B"]);
  });

  test("a LocalListConflict is met with a full list, not again and again", () => {
    const { run, status } = site({ tokens: accepted("A") });
    run();
    status({ errorCode: "LocalListConflict" });
    expect(lists(run(10))).toMatchObject([{ payload: { updateType: "Full" } }]);
    status({ errorCode: "NoError" });
    status({ errorCode: "LocalListConflict" });
    expect(run(10)).toEqual([]);
  });

  test("a station that fails gets a shorter list; one that keeps none is not asked for a day", () => {
    const short = station16({ ...KEYS, LocalAuthListMaxLength: "40 ro", SendLocalListMaxLength: "50 ro" });
    const failing = station16(Object.fromEntries(short.held.config), {
      SendLocalList: (payload) =>
        (payload["localAuthorizationList"] as Fields[]).length > 12
          ? { status: "Failed" }
          : (short.script["SendLocalList"]?.(payload) ?? "error"),
    });
    const names = Array.from({ length: 60 }, (_, n) => `T${n}`);
    site({ station: failing, tokens: accepted(...names) }).run();
    expect([...short.held.list.keys()]).toEqual(names.slice(0, 10));
    for (const answer of [{ listVersion: -1 }, "error" as const]) {
      const without = site({
        station: station16(KEYS, { GetLocalListVersion: () => answer }),
        tokens: accepted("A"),
      });
      const called = without.run();
      expect(actions(called).filter((a) => a.includes("List"))).toEqual(["GetLocalListVersion"]);
      without.bench.pass(3_600_000);
      expect(without.run()).toEqual([]);
    }
  });

  test("a station without the feature is never asked about it", () => {
    const station = station16({ SupportedFeatureProfiles: "Core ro", GetConfigurationMaxKeys: "50 ro" });
    const called = site({ station, tokens: accepted("A"), policy: { defaultLimitA: 10 } }).run();
    expect(new Set(actions(called))).toEqual(new Set(["GetConfiguration"]));
  });
});

describe("the safe default profile", () => {
  test("is set once, and anew when the limit changes or the station has booted", () => {
    const station = station16();
    const { run, change, boot } = site({ station, policy: { defaultLimitA: 10 } });
    const profiles = (called: Called[]) => called.filter(({ action }) => action.endsWith("ChargingProfile"));
    expect(profiles(run())).toMatchObject([
      {
        payload: {
          connectorId: 0,
          csChargingProfiles: {
            ...{ chargingProfileId: 1, stackLevel: 0, chargingProfilePurpose: "TxDefaultProfile" },
            chargingSchedule: {
              chargingRateUnit: "A",
              chargingSchedulePeriod: [{ startPeriod: 0, limit: 10 }],
            },
          },
        },
      },
    ]);
    boot();
    expect(profiles(run())).toHaveLength(1);
    change([], { defaultLimitA: 16 });
    expect(profiles(run(5))).toHaveLength(1);
  });

  test("one that was set is cleared when the policy has none any more; a foreign one is left alone", () => {
    const station = station16();
    station.held.profiles.set(100_001, {});
    const { run, bench } = site({ station, policy: { defaultLimitA: 10 } });
    run();
    expect([...station.held.profiles.keys()]).toEqual([100_001, 1]);
    bench.input({ kind: "link.policy", signed: signed(policyOf([], 2)) });
    expect(run(5)).toMatchObject([{ action: "ClearChargingProfile", payload: { id: 1 } }]);
    expect([...station.held.profiles.keys()]).toEqual([100_001]);
    expect(run(5)).toEqual([]);
  });
});

describe("OCPP 2.0.1", () => {
  const variables: Record<string, string> = {
    "DeviceDataCtrlr.ItemsPerMessage": "20",
    "LocalAuthListCtrlr.Available": "true",
    "LocalAuthListCtrlr.Enabled": "false",
    "LocalAuthListCtrlr.ItemsPerMessage": "50",
    "LocalAuthListCtrlr.BytesPerMessage": "800",
    "SmartChargingCtrlr.Enabled": "true",
    "AuthCtrlr.LocalAuthorizeOffline": "false",
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
    "OCPPCommCtrlr.MessageAttempts": "3",
    "OCPPCommCtrlr.MessageAttemptInterval": "60",
    "TxCtrlr.StopTxOnInvalidId": "false",
  };
  const nameOf = (item: Fields) =>
    `${String((item["component"] as Fields)["name"])}.${String((item["variable"] as Fields)["name"])}`;

  function station201(script: Script = {}) {
    const values = new Map(Object.entries(variables));
    const list = new Map<string, Fields>();
    const held = { values, list, version: 0, profile: undefined as unknown };
    const own: Script = {
      GetVariables: ({ getVariableData }) => ({
        getVariableResult: (getVariableData as Fields[]).map((item) => {
          const value = values.get(nameOf(item));
          return value === undefined
            ? { attributeStatus: "UnknownVariable", ...item }
            : { attributeStatus: "Accepted", attributeValue: value, ...item };
        }),
      }),
      SetVariables: ({ setVariableData }) => ({
        setVariableResult: (setVariableData as Fields[]).map(({ attributeValue, ...item }) => {
          if (nameOf(item) === "TxCtrlr.StopTxOnInvalidId") return { attributeStatus: "Rejected", ...item };
          values.set(nameOf(item), attributeValue as string);
          return { attributeStatus: "Accepted", ...item };
        }),
      }),
      GetLocalListVersion: () => ({ versionNumber: held.version }),
      GetReport: () => ({ status: "Accepted" }),
      SendLocalList: ({ versionNumber, updateType, localAuthorizationList }) => {
        if (updateType === "Full") list.clear();
        for (const entry of (localAuthorizationList ?? []) as Fields[])
          list.set((entry["idToken"] as Fields)["idToken"] as string, entry);
        held.version = versionNumber as number;
        return { status: "Accepted" };
      },
      SetChargingProfile: (payload) => {
        held.profile = payload;
        return { status: "Accepted" };
      },
    };
    return { held, script: { ...own, ...script } };
  }

  test("has its variables read and set together, its list in its own words, its profile for every EVSE", () => {
    const station = station201();
    const tokens: NamedToken[] = [
      { idToken: "a-token-that-is-longer-than-20", status: "Accepted", groupId: "G", expiresAt: TEN + 1_000 },
      ...accepted("B", "C", "D", "E"),
    ];
    const { run, second } = site({
      station,
      tokens,
      protocol: "ocpp2.0.1",
      policy: { defaultLimitA: 13 },
    });
    const called = run();
    expect(actions(called).filter((a) => a !== "SendLocalList")).toEqual([
      ...["GetVariables", "GetVariables", "GetLocalListVersion", "SetVariables", "GetReport"],
      "SetChargingProfile",
    ]);
    expect(Object.fromEntries(station.held.values)).toMatchObject({
      "AuthCtrlr.LocalAuthorizeOffline": "true",
      "AuthCtrlr.OfflineTxForUnknownIdEnabled": "false",
      "LocalAuthListCtrlr.Enabled": "true",
      "OCPPCommCtrlr.MessageAttempts": "10",
    });
    const attempts = called.find(({ action }) => action === "SetVariables")?.payload[
      "setVariableData"
    ] as Fields[];
    expect(attempts.find((item) => nameOf(item) === "OCPPCommCtrlr.MessageAttempts")?.["variable"]).toEqual({
      ...{ name: "MessageAttempts", instance: "TransactionEvent" },
    });
    // 800 bytes are room for three.
    expect(
      lists(called).map(({ payload }) => (payload["localAuthorizationList"] as unknown[]).length),
    ).toEqual([3, 2]);
    expect(station.held.list.get("a-token-that-is-longer-than-20")).toEqual({
      idToken: { idToken: "a-token-that-is-longer-than-20", type: "ISO14443" },
      idTokenInfo: {
        status: "Accepted",
        groupIdToken: { idToken: "G", type: "Central" },
        cacheExpiryDateTime: time(1),
      },
    });
    expect(station.held.profile).toMatchObject({ evseId: 0, chargingProfile: { id: 1, stackLevel: 0 } });
    expect(second()).toEqual([]);
  });

  test("a token is listed with the type that it was shown with", () => {
    const station = station201();
    const { bench, cp, run } = site({ station, tokens: accepted("K"), recent: [], protocol: "ocpp2.0.1" });
    bench.result(cp(), "TransactionEvent", {
      ...{ eventType: "Started", timestamp: time(), triggerReason: "Authorized", seqNo: 0 },
      ...{ transactionInfo: { transactionId: "t1" }, idToken: { idToken: "K", type: "KeyCode" } },
    });
    run();
    expect(station.held.list.get("K")?.["idToken"]).toEqual({ idToken: "K", type: "KeyCode" });
  });

  test("the report tells how long the list may be; no list is longer", () => {
    const station = station201();
    const names = Array.from({ length: 9 }, (_, n) => `T${n}`);
    const { run, bench, cp } = site({ station, tokens: accepted(...names), protocol: "ocpp2.0.1" });
    run(8);
    bench.result(cp(), "NotifyReport", {
      ...{ requestId: 1, generatedAt: time(), seqNo: 0 },
      reportData: [
        {
          ...{ component: { name: "LocalAuthListCtrlr" }, variable: { name: "Entries" } },
          variableAttribute: [{ value: "0" }],
          variableCharacteristics: { dataType: "integer", maxLimit: 4, supportsMonitoring: false },
        },
      ],
    });
    run();
    expect(bench.state.durable.stations.get("CP-1")?.provision?.list.entriesMax).toBe(4);
    const held = bench.state.durable.stations.get("CP-1")?.provision?.list.held ?? "";
    expect(held.length / 12).toBe(4);
  });
});

describe("upkeep", () => {
  test("does not begin without a policy, before the station has settled, or where it is switched off", () => {
    const off = site({ provision: false });
    expect(off.run(20)).toEqual([]);
    const bench = new Bench();
    const cp = bench.connect();
    bench.result(cp, "BootNotification", { chargePointVendor: "V", chargePointModel: "M" });
    bench.pass(60_000);
    expect(bench.sent(cp).filter(([type]) => type === 2)).toEqual([]);
    const { second } = site();
    expect(second(PROVISION_SETTLE_MS - 1)).toEqual([]);
    expect(actions(second())).toEqual(["GetConfiguration"]);
  });

  test("is not repeated by an ER that starts again; a boot costs cheap reads", () => {
    const station = station16();
    const { run, bench, reconnect, boot } = site({ station, tokens: accepted("A", "B") });
    run();
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
    expect(decodeSnapshot(encodeSnapshot(bench.state.durable))).toEqual(bench.state.durable);
    bench.restart();
    reconnect();
    expect(run()).toEqual([]);
    boot();
    expect(actions(run())).toEqual(["GetConfiguration", "GetConfiguration", "GetLocalListVersion"]);
  });

  test("a station that does not answer is left alone for ten minutes, and keeps its socket", () => {
    const { run, bench } = site({ station: { script: { GetConfiguration: () => "silence" } } });
    expect(run(500)).toHaveLength(1);
    expect(run(500)).toHaveLength(1);
    bench.pass(10 * MINUTE_MS);
    run(200);
    expect(bench.effectsOf("close")).toEqual([]);
  });

  test("lets a person's command pass, and asks one thing at a time", () => {
    const { bench, cp } = site();
    bench.pass(PROVISION_SETTLE_MS);
    bench.pass(1_000);
    const calls = () => bench.sent(cp()).filter(([type]) => type === 2);
    expect(calls()).toHaveLength(1);
    bench.command(1, { kind: "UnlockConnector", params: { evseId: 1 } });
    bench.frame(cp(), JSON.stringify([3, calls()[0]?.[1], { configurationKey: [] }]));
    expect(calls().map((frame) => frame[2])).toEqual(["GetConfiguration", "UnlockConnector"]);
    bench.pass(1_000);
    bench.pass(1_000);
    expect(calls()).toHaveLength(2);
  });

  test("calls few stations at a time", () => {
    const { bench } = site({ station: { script: {} } });
    const stations = Array.from({ length: 30 }, (_, n) => bench.connect(`CP-${n + 2}`));
    const fields = { chargePointVendor: "V", chargePointModel: "M" };
    for (const cp of stations) bench.result(cp, "BootNotification", fields);
    for (let n = 0; n < 20; n++) bench.pass(1_000);
    const called = bench.effectsOf("send").filter((e) => e.text.includes('"GetConfiguration"'));
    expect(called).toHaveLength(PROVISION_CALLS_MAX);
  });

  test.each([
    ["a list of nonsense", { configurationKey: [null, 3, { key: 7 }], unknownKey: "x" }],
    ["no object", [] as unknown as Fields],
    ["empty", {}],
  ])("an answer that is %s does no harm", (_, answer) => {
    const nonsense = Object.fromEntries(
      ["GetConfiguration", "GetLocalListVersion", "SendLocalList", "SetChargingProfile"].map((action) => [
        action,
        () => answer,
      ]),
    );
    const { run, bench } = site({ station: station16(KEYS, nonsense), tokens: accepted("A") });
    expect(run(30).length).toBeLessThan(10);
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });
});
