/** Charging profiles: those that are wanted, and those that a station reports. */
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { callText, resultText } from "../../shared/ocpp/frame.ts";
import { handled, online, start16, stop16, type TestApi } from "../harness.ts";
import { controlOf } from "../harness-control.ts";
import { readOk, useSite, type TestSite } from "../harness-site.ts";
import type { ChargingProfile, ReportedChargingProfile } from "./control-schemas.ts";
import type { CommandView, Page } from "./schemas.ts";

let api: TestApi;
let cp: string;
let path: string;
let site: TestSite;
useSite((next) => {
  site = next;
  ({ api, cp } = next);
  path = `/v1/stations/${next.cp}`;
});
const { send, problem, tell, boot, finished, due } = controlOf(() => site);

describe("charging profiles", () => {
  const schedule = { id: 1, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] };
  const DEFAULT = {
    ...{ stackLevel: 1, chargingProfilePurpose: "TxDefaultProfile", chargingProfileKind: "Relative" },
    chargingSchedule: [schedule],
  };
  const url = () => `${path}/charging-profiles`;
  const make = (chargingProfile: object = DEFAULT, evseId = 1) =>
    send<ChargingProfile>("POST", url(), { evseId, chargingProfile }, 201);
  const read = ({ profileId }: ChargingProfile) => readOk<ChargingProfile>(api, `${url()}/${profileId}`);
  beforeEach(async () => {
    await tell(online(cp), boot());
  });

  test("are set, replaced under their id, and cleared", async () => {
    const made = await make();
    expect(made).toMatchObject({ state: "wanted", evseId: 1, purpose: "TxDefaultProfile", stackLevel: 1 });
    expect(made.profileId).toBeGreaterThan(100_000);
    await tell(finished(made.commandId, "succeeded"));
    expect(await read(made)).toMatchObject({ state: "set" });
    const body = { evseId: 1, chargingProfile: { ...DEFAULT, stackLevel: 2 } };
    const again = await send<ChargingProfile>("PUT", `${url()}/${made.profileId}`, body, 200);
    expect(again).toMatchObject({ state: "wanted", stackLevel: 2, profileId: made.profileId });
    await tell(finished(again.commandId, "rejected", { reason: "the station said Rejected" }));
    expect(await read(made)).toMatchObject({ state: "rejected", reason: "the station said Rejected" });
    const cleared = await send<ChargingProfile>("DELETE", `${url()}/${made.profileId}`, undefined, 202);
    await tell(finished(cleared.clearCommandId ?? "", "succeeded"));
    expect(await read(made)).toMatchObject({ state: "cleared" });
    expect(await problem("PUT", `${url()}/1`, body, 404)).toBe("NOT_FOUND");
  });

  test("of a transaction need one that runs, and end with it", async () => {
    const tx = { ...DEFAULT, chargingProfilePurpose: "TxProfile" };
    const post = (chargingProfile: object) => problem("POST", url(), { evseId: 1, chargingProfile }, 400);
    expect(await post(tx)).toBe("TRANSACTION_REQUIRED");
    const transactionId = randomUUID();
    expect(await post({ ...tx, transactionId })).toBe("UNKNOWN_TRANSACTION");
    expect(await post({ ...DEFAULT, chargingSchedule: [] })).toBe("INVALID_PARAMS");
    await tell(start16(cp, transactionId));
    const made = await make({ ...tx, transactionId });
    await tell(finished(made.commandId, "succeeded"));
    expect(await read(made)).toMatchObject({ state: "set", transactionId });
    await tell(stop16(cp, transactionId));
    expect(await read(made)).toMatchObject({ state: "ended" });
  });

  test("that are cleared by what they are, are cleared; the others stay", async () => {
    const [one, two] = [await make(), await make(DEFAULT, 2)];
    await tell(finished(one.commandId, "succeeded"), finished(two.commandId, "succeeded"));
    const params = { chargingProfileCriteria: { evseId: 2, chargingProfilePurpose: "TxDefaultProfile" } };
    const clear = { kind: "ClearChargingProfile", params };
    const { commandId } = await send<CommandView>("POST", `${path}/commands`, clear, 202);
    await tell(finished(commandId, "succeeded"));
    const { items } = await readOk<Page<ChargingProfile>>(api, url());
    expect(items.map(({ state }) => state)).toEqual(["set", "cleared"]);
  });

  test("that the station reports stand beside them: the last report of each EVSE", async () => {
    const report = (requestId: number, evseId: number, id: number, tbc = false) =>
      handled(
        cp,
        "ocpp2.0.1",
        "ReportChargingProfiles",
        {
          ...{ requestId, chargingLimitSource: "EMS", evseId, tbc },
          chargingProfile: [{ ...DEFAULT, id }],
        },
        {},
      );
    await tell(report(1, 1, 10), report(1, 2, 20), report(2, 1, 11, true), report(2, 1, 12));
    const path2 = `${path}/reported-charging-profiles`;
    const { items } = await readOk<{ items: ReportedChargingProfile[] }>(api, path2);
    const ids = items.map(({ evseId, chargingProfile }) => `${evseId}: ${String(chargingProfile["id"])}`);
    expect(ids.toSorted()).toEqual(["1: 11", "1: 12", "2: 20"]);
    expect(items[0]).toMatchObject({ source: "EMS" });
  });
});

describe("charging profiles that a station reports", () => {
  const profile = (id: number, purpose = "TxDefaultProfile") => ({
    ...{ id, stackLevel: 0, chargingProfilePurpose: purpose, chargingProfileKind: "Relative" },
    chargingSchedule: [
      { id: 1, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] },
    ],
  });
  const report = (requestId: number, id: number) =>
    handled(
      cp,
      "ocpp2.0.1",
      "ReportChargingProfiles",
      { requestId, chargingLimitSource: "CSO", evseId: 1, chargingProfile: [profile(id)] },
      {},
    );
  const ids = async () => {
    const url = `${path}/reported-charging-profiles`;
    const { items } = await readOk<{ items: ReportedChargingProfile[] }>(api, url);
    return items.map(({ chargingProfile }) => chargingProfile["id"]);
  };
  /** It is asked, and says that it will report, or that there is nothing. */
  async function ask(chargingProfile: object, status = "Accepted"): Promise<void> {
    const params = { requestId: 5, chargingProfile };
    const body = { kind: "GetChargingProfiles", params };
    const { commandId } = await send<CommandView>("POST", `${path}/commands`, body, 202);
    await due();
    await tell(
      { kind: "command.accepted", commandId, stationId: cp, commandKind: "GetChargingProfiles" },
      {
        ...{
          kind: "ocpp.called",
          stationId: cp,
          protocol: "ocpp2.0.1",
          action: "GetChargingProfiles",
          commandId,
        },
        request: callText("m1", "GetChargingProfiles", params),
        response: resultText("m1", { status }),
      },
      finished(commandId, status === "Accepted" ? "succeeded" : "rejected", { response: { status } }),
    );
  }
  beforeEach(async () => {
    await tell(online(cp, "ocpp2.0.1"), boot("Accepted", "ocpp2.0.1"));
  });

  test("under an id that was used before are those of the last time", async () => {
    await ask({});
    await tell(report(5, 10));
    await ask({});
    expect(await ids()).toEqual([10]);
    await tell(report(5, 11));
    expect(await ids()).toEqual([11]);
  });

  test("are gone when it says that it has none, not when it has none of a kind", async () => {
    await ask({});
    await tell(report(5, 10));
    await ask({ chargingProfilePurpose: "TxProfile" }, "NoProfiles");
    expect(await ids()).toEqual([10]);
    await ask({}, "NoProfiles");
    expect(await ids()).toEqual([]);
  });
});
