/** What the CSMS leaves with a station, and what the station does with it when nobody is there. Both versions. */
import { describe, expect, test } from "vitest";
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import type { Car } from "./car.ts";
import { virtualWorld } from "./harness.ts";
import { createStation } from "./station.ts";
import type { EvseOptions, Json, OcppVersion } from "./types.ts";

const CAR: Car = { batteryWh: 58_000, socPercent: 40, maxAcW: 11_000, phases: 3, maxDcW: 120_000, seed: 1 };
const AC: EvseOptions = { connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" };
const SECOND = 1_000;

function world(version: OcppVersion, config: Record<string, string> = {}) {
  const virtual = virtualWorld(version);
  const state = seedRandom([1]);
  const station = createStation({
    id: "CP1",
    version,
    evses: [AC, AC],
    clock: virtual.clock,
    random: () => nextRandom(state),
    transportFactory: virtual.transportFactory,
    config,
  });
  virtual.clock.advance(SECOND);
  const old = version === "1.6";
  return {
    ...virtual,
    station,
    sendList: (updateType: "Full" | "Differential", listVersion: number, tokens: Record<string, string>) =>
      virtual.ask("SendLocalList", {
        updateType,
        ...(old ? { listVersion } : { versionNumber: listVersion }),
        localAuthorizationList: Object.entries(tokens).map(([idToken, status]) => {
          const info = status === "" ? undefined : { status };
          if (old) return { idTag: idToken, ...(info && { idTagInfo: info }) };
          return { idToken: { idToken, type: "ISO14443" }, ...(info && { idTokenInfo: info }) };
        }),
      }),
    version: () =>
      virtual
        .ask("GetLocalListVersion", {})
        .then((answer) => answer["listVersion"] ?? answer["versionNumber"]),
    setProfile: (evseId: number, fields: { id: number; purpose: string; limit: number; tx?: string }) => {
      const profile = {
        stackLevel: 0,
        chargingProfilePurpose: fields.purpose,
        chargingProfileKind: "Relative",
        ...(fields.tx === undefined ? {} : { transactionId: old ? Number(fields.tx) : fields.tx }),
      };
      const schedule = {
        chargingRateUnit: "A",
        chargingSchedulePeriod: [{ startPeriod: 0, limit: fields.limit }],
      };
      const payload: Json = old
        ? {
            connectorId: evseId,
            csChargingProfiles: { ...profile, chargingProfileId: fields.id, chargingSchedule: schedule },
          }
        : {
            evseId,
            chargingProfile: {
              ...profile,
              id: fields.id,
              chargingSchedule: [{ ...schedule, id: fields.id }],
            },
          };
      return virtual.ask("SetChargingProfile", payload);
    },
    clearProfile: (id: number) =>
      virtual.ask("ClearChargingProfile", old ? { id } : { chargingProfileId: id }),
    /** The CSMS is gone for good. */
    isolate() {
      virtual.net.up = false;
      station.loseSocket(SECOND);
      virtual.clock.advance(2 * SECOND);
    },
    /** Whether a token that is shown begins a transaction. */
    starts(idToken: string): boolean {
      if (!(station.state().evses[0]?.plugged ?? false)) station.plugIn(1, CAR);
      station.presentToken(1, { idToken, type: "ISO14443" });
      virtual.clock.advance(SECOND);
      const started = station.state().evses[0]?.transaction !== undefined;
      if (started) station.presentToken(1, { idToken, type: "ISO14443" });
      virtual.clock.advance(SECOND);
      return started;
    },
    powerW: () => {
      virtual.clock.advance(30 * SECOND);
      return station.state().evses[0]?.powerW ?? 0;
    },
  };
}

describe.each(["1.6", "2.0.1"] as const)("OCPP %s", (version) => {
  test("takes a list by versions: full always, differences only after what it has, and not too much", async () => {
    const w = world(version, { LocalAuthListMaxLength: "3", SendLocalListMaxLength: "2" });
    expect(await w.version()).toBe(0);
    expect(await w.sendList("Full", 7, { A: "Accepted", B: "Accepted" })).toEqual({ status: "Accepted" });
    expect(await w.sendList("Differential", 7, { C: "Accepted" })).toEqual({ status: "VersionMismatch" });
    expect(await w.sendList("Differential", 8, { C: "Accepted", D: "Accepted" })).toEqual({
      status: "Failed",
    });
    expect(await w.version()).toBe(7);
    const three = { C: "Accepted", D: "Accepted", E: "Accepted" };
    expect(await w.sendList("Full", 9, three)).toEqual({ status: "Failed" });
    expect(await w.sendList("Differential", 8, { A: "", C: "Accepted" })).toEqual({ status: "Accepted" });
    expect(await w.version()).toBe(8);
    expect(w.brain.faults).toEqual([]);
  });

  test("alone, it lets in whom its list names, and strangers as it is set", async () => {
    const w = world(version);
    await w.sendList("Full", 1, { GOOD: "Accepted", BAD: "Blocked" });
    w.isolate();
    expect([w.starts("good"), w.starts("BAD"), w.starts("STRANGER")]).toEqual([true, false, true]);
    const strict = world(version, { AllowOfflineTxForUnknownId: "false" });
    await strict.sendList("Full", 1, { GOOD: "Accepted" });
    strict.station.reboot();
    strict.clock.advance(20 * SECOND);
    strict.isolate();
    expect([strict.starts("GOOD"), strict.starts("STRANGER")]).toEqual([true, false]);
    const blind = world(version, { AllowOfflineTxForUnknownId: "false", LocalAuthorizeOffline: "false" });
    await blind.sendList("Full", 1, { GOOD: "Accepted" });
    blind.isolate();
    expect(blind.starts("GOOD")).toBe(false);
  });

  test("charges by its profiles: the default one, above it that of the transaction", async () => {
    const w = world(version);
    const byDefault = { id: 1, purpose: "TxDefaultProfile", limit: 10 };
    expect(await w.setProfile(0, byDefault)).toEqual({ status: "Accepted" });
    w.station.plugIn(1, CAR);
    w.station.presentToken(1, { idToken: "A", type: "ISO14443" });
    w.clock.advance(10 * SECOND);
    expect(w.powerW()).toBeCloseTo(3 * 230 * 10, -2);
    const running = w.station.state().evses[0]?.transaction;
    const tx = version === "1.6" ? String(running?.numberOfCsms) : running?.id;
    expect(tx).toBeDefined();
    const own = { id: 2, purpose: "TxProfile", limit: 6, tx: tx ?? "" };
    expect(await w.setProfile(2, own)).toEqual({ status: "Rejected" });
    expect(await w.setProfile(1, own)).toEqual({ status: "Accepted" });
    expect(w.powerW()).toBeCloseTo(3 * 230 * 6, -2);
    await w.clearProfile(2);
    expect(w.powerW()).toBeCloseTo(3 * 230 * 10, -2);
    expect(await w.clearProfile(1)).toEqual({ status: "Accepted" });
    expect(await w.clearProfile(1)).toEqual({ status: "Unknown" });
    expect(w.powerW()).toBeGreaterThan(10_500);
    await w.setProfile(1, { ...byDefault, limit: 0 });
    expect(w.powerW()).toBe(0);
    expect(w.station.state().evses[0]?.transaction?.chargingState).toBe("SuspendedEVSE");
    expect(w.brain.faults).toEqual([]);
  });
});
