/** What stations' words for the charging mean for the price, and which tariff holds. */
import { describe, expect, test } from "vitest";
import { chargeStates, isChargeWord, isWordAtStart } from "./charge-state.ts";
import { chooseTariff, type TariffAssignment } from "./tariff-choice.ts";

const states = (...words: string[]) => statesFrom(-1, ...words);
/** The same, of a transaction that begins then. */
const statesFrom = (startedAt: number, ...words: string[]) =>
  chargeStates(
    words.map((word, at) => ({ at, word })),
    startedAt,
  ).map(({ at, state }) => `${at} ${state}`);

describe("the words of a station", () => {
  test("before the first energy nothing is anybody's to pay; afterwards the same word is idle time", () => {
    expect(
      states("EVConnected", "SuspendedEV", "Charging", "SuspendedEV", "Charging", "EVConnected"),
    ).toEqual([...["0 suspended", "2 charging", "3 idle", "4 charging", "5 idle"]]);
  });

  test("what the site holds back is never the driver's, and what is told twice is told once", () => {
    expect(
      states("Charging", "SuspendedEVSE", "SuspendedEVSE", "Charging", "Finishing", "Available"),
    ).toEqual([...["0 charging", "1 suspended", "3 charging", "4 idle", "5 suspended"]]);
  });

  test("a word that says nothing of it changes nothing", () => {
    expect(states("Charging", "Occupied", "toString")).toEqual(["0 charging"]);
    expect(["Charging", "Occupied", "toString", undefined].map(isChargeWord)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("the word of a connector when its transaction begins", () => {
  test("counts where a transaction can be in it: what waits costs nothing, what charges charges", () => {
    expect(statesFrom(0, "SuspendedEV", "Charging", "SuspendedEV")).toEqual([
      ...["0 suspended", "1 charging", "2 idle"],
    ]);
    expect(statesFrom(0, "SuspendedEVSE", "Charging")).toEqual(["0 suspended", "1 charging"]);
    expect(statesFrom(0, "Charging", "SuspendedEV")).toEqual(["0 charging", "1 idle"]);
    // OCPP 2.x tells it with the start.
    expect(statesFrom(0, "EVConnected", "Charging")).toEqual(["0 suspended", "1 charging"]);
  });

  test("says nothing where the start takes it out of that, and all the same where it is said afterwards", () => {
    for (const word of ["Available", "Preparing", "Finishing", "Reserved", "Unavailable", "Faulted"]) {
      expect(isWordAtStart(word)).toBe(false);
      expect(statesFrom(0, word, "SuspendedEV")).toEqual(["1 suspended"]);
      expect(statesFrom(0, "Charging", word)).toHaveLength(2);
    }
    expect(statesFrom(2, "Available", "Preparing", "Preparing", "Charging")).toEqual(["3 charging"]);
  });
});

describe("which tariff holds", () => {
  const terms = { currency: "BRL", elements: [{ perKwhMicro: 1 }] };
  const version = (tariffId: string, n: number, validFrom: number, validTo?: number) => ({
    ...{ tariffId, version: n, validFrom, terms },
    ...(validTo === undefined ? {} : { validTo }),
  });
  const place = { stationId: "S", siteId: "X", groupId: "G" };
  const ask = (assignments: TariffAssignment[], versions: ReturnType<typeof version>[], atMs: number) => {
    const found = chooseTariff({ assignments, versions }, { ...place, atMs });
    return found === undefined
      ? undefined
      : `${found.basis} ${found.version.tariffId}${found.version.version}`;
  };

  test("the nearest that has a valid version; ends are exclusive", () => {
    const assignments = [
      { tariffId: "o", from: 0 },
      { tariffId: "x", from: 0, siteId: "X" },
      { tariffId: "s", from: 0, stationId: "S", until: 30 },
      { tariffId: "g", from: 0, groupId: "G" },
      { tariffId: "n", from: 0, siteId: "another" },
    ];
    const versions = [
      ...[version("o", 1, 0), version("x", 1, 0, 50), version("s", 1, 10), version("g", 1, 20, 25)],
      version("n", 1, 0),
    ];
    expect([0, 10, 20, 24, 25, 29, 30, 49, 50].map((at) => ask(assignments, versions, at))).toEqual([
      ...["site x1", "station s1", "group g1", "group g1", "station s1", "station s1", "site x1", "site x1"],
      "operator o1",
    ]);
  });

  test("of several versions the highest that has begun, whatever the order of their times", () => {
    const assignments = [{ tariffId: "o", from: 0 }];
    // The third takes the place of the second, which waited for its time.
    const versions = [version("o", 2, 50), version("o", 1, 0), version("o", 3, 20)];
    expect([0, 19, 20, 60].map((at) => ask(assignments, versions, at))).toEqual([
      ...["operator o1", "operator o1", "operator o3", "operator o3"],
    ]);
  });

  test("one that has ended, as of a weekend, gives way to what held before it, if that has not ended", () => {
    const assignments = [{ tariffId: "x", from: 0, siteId: "X" }];
    const versions = [
      ...[version("x", 1, 0, 10), version("x", 2, 5), version("x", 3, 20, 30), version("x", 4, 25, 28)],
      version("x", 5, 60, 70),
    ];
    expect([4, 10, 20, 25, 28, 30, 60, 70].map((at) => ask(assignments, versions, at))).toEqual(
      [1, 2, 3, 4, 3, 2, 5, 2].map((n) => `site x${n}`),
    );
    expect(ask(assignments, [version("x", 1, 0, 10), version("x", 2, 5, 20)], 20)).toBeUndefined();
  });
});
