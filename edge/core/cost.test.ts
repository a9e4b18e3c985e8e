/** What running transactions cost at the site: who is told, what, how often; and that a restart changes nothing. */
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import { PROVISION_SETTLE_MS } from "../../shared/limits.ts";
import { priceText, COST_VENDOR } from "../../shared/ocpp/cost.ts";
import { checkPayload } from "../../shared/ocpp/schemas.ts";
import type { Protocol } from "../../shared/entry.ts";
import type { Policy } from "../../shared/policy.ts";
import { priceTransaction } from "../../shared/decide/tariff.ts";
import type { PolicyTariffs, TariffTerms } from "../../shared/tariff.ts";
import { addRegister, emptyCourse } from "./course.ts";
import { Bench, policyOf, recovered, signed, TAG, TEN, time } from "./harness.ts";

type Fields = Record<string, unknown>;
const HOUR = 3_600;
const MINUTE_MS = 60_000;
const flat = (perKwhMicro: number): TariffTerms => ({ currency: "BRL", elements: [{ perKwhMicro }] });
const TERMS: TariffTerms = {
  currency: "BRL",
  elements: [
    { perKwhMicro: 1_000_000, restrictions: { from: "10:00", to: "11:00" } },
    { startFeeMicro: 2_000_000, perKwhMicro: 3_000_000, perIdleMinuteMicro: 600_000 },
  ],
  tax: { name: "ISS", rateBp: 500, included: false },
};
const tariffsOf = (
  terms: TariffTerms,
  assignment: Partial<PolicyTariffs["assignments"][0]> = {},
): PolicyTariffs => ({
  versions: [{ tariffId: "t", version: 1, validFrom: 0, terms }],
  assignments: [{ tariffId: "t", from: 0, ...assignment }],
});

/** A site with a station that shows costs, or does not, and answers what it is asked. */
function site(options: {
  tariffs?: PolicyTariffs;
  protocol?: Protocol;
  shows?: boolean;
  policy?: Partial<Policy>;
  clock?: "untrusted";
}) {
  const { tariffs, protocol = "ocpp2.0.1", shows = false, clock } = options;
  const more = { ...options.policy, ...(tariffs === undefined ? {} : { tariffs }) };
  const tokens = [TAG, { ...TAG, idToken: "FLEET", groupId: "fleet" }];
  const bench = new Bench({
    policy: policyOf(tokens, 1, more),
    identity: { authorization: "local" },
    ...(clock === undefined ? {} : { start: { clock } }),
  });
  const cp = bench.connect("CP-1", protocol);
  const called: { action: string; payload: Fields }[] = [];
  let seen = 0;
  const script: Record<string, (payload: Fields) => Fields> = {
    GetVariables: ({ getVariableData }) => ({
      getVariableResult: (getVariableData as Fields[]).map((asked) => {
        const known = JSON.stringify(asked).includes('"TariffCostCtrlr"');
        return known
          ? { ...asked, attributeStatus: "Accepted", attributeValue: String(shows) }
          : { ...asked, attributeStatus: "UnknownVariable" };
      }),
    }),
    GetConfiguration: ({ key }) => ({
      configurationKey: (key as string[])
        .filter((k) => k === "CustomDisplayCostAndPrice")
        .map((k) => ({ key: k, readonly: false, value: String(shows) })),
      unknownKey: (key as string[]).filter((k) => k !== "CustomDisplayCostAndPrice"),
    }),
    DataTransfer: () => ({ status: "Accepted" }),
    CostUpdated: () => ({}),
  };
  /** The station answers everything that it was asked. */
  function settle(): void {
    for (let frames = bench.sent(cp); seen < frames.length; frames = bench.sent(cp)) {
      const [type, messageId, action, payload] = frames[seen++] as [number, string, string, Fields];
      if (type !== 2) continue;
      expect(checkPayload(protocol, action, "Request", payload)).toBeUndefined();
      called.push({ action, payload });
      bench.frame(cp, JSON.stringify([3, messageId, script[action]?.(payload) ?? {}]));
    }
  }
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 5_000) {
      bench.pass(Math.min(left, 5_000));
      settle();
    }
  };
  const boot =
    protocol === "ocpp1.6"
      ? { chargePointVendor: "V", chargePointModel: "M" }
      : { reason: "PowerUp", chargingStation: { vendorName: "V", model: "M" } };
  bench.result(cp, "BootNotification", boot);
  pass(PROVISION_SETTLE_MS + 30_000);
  /** The clock of the test goes to so many seconds after ten. */
  const goTo = (s: number): void => pass(TEN + s * 1_000 - bench.now.at);
  const costs = () =>
    called.filter((c) => /^(CostUpdated|DataTransfer)$/.test(c.action)).map((c) => c.payload);
  return { bench, cp, goTo, settle, costs };
}
type Site = ReturnType<typeof site>;

let seqNo = 0;
const event = (
  { bench, cp }: Site,
  eventType: string,
  s: number,
  more: { wh?: number; state?: string; idToken?: string; id?: string } = {},
): Fields => {
  const { wh, state, idToken, id = "tx-1" } = more;
  return bench.result(cp, "TransactionEvent", {
    ...{ eventType, seqNo: seqNo++, timestamp: time(s), triggerReason: "MeterValuePeriodic" },
    transactionInfo: { transactionId: id, ...(state === undefined ? {} : { chargingState: state }) },
    ...(eventType === "Started" ? { evse: { id: 1, connectorId: 1 } } : {}),
    ...(idToken === undefined ? {} : { idToken: { idToken, type: "ISO14443" } }),
    ...(wh === undefined ? {} : { meterValue: [{ timestamp: time(s), sampledValue: [{ value: wh }] }] }),
  });
};

/** 5 kWh before eleven, 5 kWh after it, then ten idle minutes. */
function charge(at: Site): { updated: Fields; ended: Fields } {
  at.goTo(HOUR / 2);
  event(at, "Started", HOUR / 2, { wh: 1_000, state: "Charging", idToken: "TAG" });
  at.goTo(HOUR);
  event(at, "Updated", HOUR, { wh: 6_000 });
  at.goTo(1.5 * HOUR);
  const updated = event(at, "Updated", 1.5 * HOUR, { wh: 11_000, state: "SuspendedEV" });
  at.goTo(1.5 * HOUR + 600);
  const ended = event(at, "Ended", 1.5 * HOUR + 600, { wh: 11_000 });
  return { updated, ended };
}

describe("an answer to a station", () => {
  test("of 2.0.1 tells the cost of what has ended, with tax; of what runs it has no place", () => {
    const { updated, ended } = charge(site({ tariffs: tariffsOf(TERMS) }));
    expect(updated).toEqual({});
    // 5 × 1.00 + 5 × 3.00 + 10 × 0.60 + 2.00 = 28.00, and 5 %
    expect(ended).toEqual({ totalCost: 29.4 });
  });

  test("of 2.1 tells the running cost as well", () => {
    const { updated, ended } = charge(site({ tariffs: tariffsOf(TERMS), protocol: "ocpp2.1" }));
    expect(updated).toEqual({ totalCost: 23.1 });
    expect(ended).toEqual({ totalCost: 29.4 });
  });

  test("tells nothing where no tariff holds, and 0 where it is free", () => {
    expect(charge(site({})).ended).toEqual({});
    expect(charge(site({ tariffs: tariffsOf(flat(0)) })).ended).toEqual({ totalCost: 0 });
    const elsewhere = tariffsOf(TERMS, { siteId: "another" });
    expect(charge(site({ tariffs: elsewhere })).ended).toEqual({});
  });

  test("goes by the tariff of the token's group, and of the station by its own name", () => {
    const group = tariffsOf(flat(7_000_000), { groupId: "fleet" });
    const station = tariffsOf(flat(2_000_000), { stationId: "CP-1", tariffId: "s" });
    const at = site({
      tariffs: {
        versions: [...group.versions, ...station.versions.map((v) => ({ ...v, tariffId: "s" }))],
        assignments: [...station.assignments, ...group.assignments],
      },
    });
    event(at, "Started", 40, { wh: 0, idToken: "FLEET" });
    expect(event(at, "Ended", 60, { wh: 1_000 })).toMatchObject({ totalCost: 7 });
    event(at, "Started", 70, { wh: 0, idToken: "TAG", id: "tx-2" });
    expect(event(at, "Ended", 90, { wh: 1_000, id: "tx-2" })).toMatchObject({ totalCost: 2 });
  });

  test("goes by the version that was valid at the start, also when a newer one comes meanwhile", () => {
    const at = site({ tariffs: tariffsOf(flat(1_000_000)) });
    event(at, "Started", 40, { wh: 0, idToken: "TAG" });
    const tariffs = tariffsOf(flat(1_000_000));
    const newer = { tariffId: "t", version: 2, validFrom: TEN + 60_000, terms: flat(9_000_000) };
    const policy = policyOf([TAG], 2, { tariffs: { ...tariffs, versions: [...tariffs.versions, newer] } });
    at.bench.input({ kind: "link.policy", signed: signed(policy) });
    at.goTo(120);
    expect(event(at, "Ended", 120, { wh: 2_000 })).toEqual({ totalCost: 2 });
    event(at, "Started", 130, { wh: 0, idToken: "TAG", id: "tx-2" });
    expect(event(at, "Ended", 140, { wh: 1_000, id: "tx-2" })).toEqual({ totalCost: 9 });
  });

  test("goes by what the site knew at the start, also when it hears later that another one held by then", () => {
    const at = site({ tariffs: tariffsOf(flat(1_000_000)), protocol: "ocpp2.1" });
    event(at, "Started", 40, { wh: 0, idToken: "TAG" });
    const told = at.bench.all("ocpp.handled").find((entry) => entry.transactionId !== undefined);
    expect(told).toMatchObject({ tariff: { tariffId: "t", version: 1 } });
    const tariffs = tariffsOf(flat(1_000_000));
    const dearer = { tariffId: "t", version: 2, validFrom: TEN, terms: flat(9_000_000) };
    const policy = policyOf([TAG], 2, { tariffs: { ...tariffs, versions: [...tariffs.versions, dearer] } });
    at.bench.input({ kind: "link.policy", signed: signed(policy) });
    expect(event(at, "Updated", 60, { wh: 1_000 })).toMatchObject({ totalCost: 1 });
    expect(event(at, "Ended", 120, { wh: 2_000 })).toMatchObject({ totalCost: 2 });
    event(at, "Started", 130, { wh: 0, idToken: "TAG", id: "tx-2" });
    expect(event(at, "Ended", 140, { wh: 1_000, id: "tx-2" })).toMatchObject({ totalCost: 9 });
  });

  test("is told with the transaction, and again when its token becomes known; not where no tariff holds", () => {
    const told = (tariffs: PolicyTariffs) => {
      const at = site({ tariffs });
      event(at, "Started", 40, { wh: 0 });
      event(at, "Updated", 50, { wh: 10 });
      event(at, "Updated", 60, { wh: 20, idToken: "FLEET" });
      event(at, "Updated", 70, { wh: 30, idToken: "FLEET" });
      event(at, "Ended", 80, { wh: 40 });
      return at.bench
        .all("ocpp.handled")
        .filter((entry) => entry.transactionId !== undefined)
        .map((entry) => entry.tariff?.tariffId);
    };
    const version = (tariffId: string) => ({ tariffId, version: 1, validFrom: 0, terms: flat(1) });
    const assignments = [
      { tariffId: "all", from: 0 },
      { tariffId: "fleet", groupId: "fleet", from: 0 },
    ];
    const versions = [version("all"), version("fleet")];
    expect(told({ versions, assignments })).toEqual(["all", undefined, "fleet", undefined, undefined]);
    expect(told({ versions: [], assignments: [] })).toEqual(Array(5).fill(undefined));
  });

  test("is repeated with the cost that it had", () => {
    const at = site({ tariffs: tariffsOf(flat(1_000_000)) });
    event(at, "Started", 40, { wh: 0, idToken: "TAG" });
    const first = event(at, "Ended", 60, { wh: 2_000 });
    seqNo -= 1;
    at.goTo(HOUR);
    expect(event(at, "Ended", 60, { wh: 2_000 })).toEqual(first);
  });

  test("goes by the cheaper band while the ER does not know the time", () => {
    const at = site({ tariffs: tariffsOf(TERMS), clock: "untrusted" });
    at.goTo(2 * HOUR);
    event(at, "Started", 2 * HOUR, { wh: 0, idToken: "TAG" });
    // At noon it seems, where a kWh costs 3.00: 10 × 1.00 + 2.00, and 5 %
    expect(event(at, "Ended", 2 * HOUR + 60, { wh: 10_000 })).toEqual({ totalCost: 12.6 });
  });
});

test("a restarted ER knows the same cost, and its journal is all that it needs", () => {
  const at = site({ tariffs: tariffsOf(TERMS), protocol: "ocpp2.1" });
  at.goTo(HOUR / 2);
  event(at, "Started", HOUR / 2, { wh: 1_000, state: "Charging", idToken: "TAG" });
  for (let minute = 1; minute <= 60; minute++) {
    at.goTo(HOUR / 2 + minute * 60);
    event(at, "Updated", HOUR / 2 + minute * 60, { wh: 1_000 + Math.floor((minute * 10_000) / 60) });
  }
  expect(recovered(at.bench.entries)).toEqual(at.bench.state.durable);
  at.bench.restart();
  const cp = at.bench.connect("CP-1", "ocpp2.1");
  const { totalCost } = event({ ...at, cp }, "Ended", 1.5 * HOUR + 60, { wh: 11_000 });
  // 5 kWh before eleven, 5 kWh after it.
  expect(totalCost).toBe(23.1);
});

describe("a station that shows costs", () => {
  test("of 2.0.1 is told the running cost, once a minute at most, and only what is new", () => {
    const at = site({ tariffs: tariffsOf(flat(1_000_000)), shows: true });
    event(at, "Started", 40, { wh: 0, idToken: "TAG", state: "Charging" });
    const begin = at.bench.now.at;
    for (let s = 10; s <= 180; s += 10) {
      at.goTo((begin - TEN) / 1_000 + s);
      event(at, "Updated", (begin - TEN) / 1_000 + s, { wh: s * 100 });
    }
    const told = at.costs();
    expect(told.length).toBeGreaterThanOrEqual(3);
    expect(told.length).toBeLessThanOrEqual(4);
    expect(told.every((cost) => cost["transactionId"] === "tx-1")).toBe(true);
    at.goTo(HOUR);
    const after = at.costs();
    expect(after.at(-1)).toEqual({ transactionId: "tx-1", totalCost: 18 });
    at.goTo(2 * HOUR);
    expect(at.costs()).toEqual(after);
    expect(at.bench.state.live.costs.told.size).toBe(1);
    event(at, "Ended", 2 * HOUR, { wh: 18_000 });
    at.goTo(2 * HOUR + 60);
    expect(at.bench.state.live.costs.told.size).toBe(0);
  });

  test("one that does not say so is told nothing", () => {
    const at = site({ tariffs: tariffsOf(flat(1_000_000)), shows: false });
    charge(at);
    expect(at.costs()).toEqual([]);
  });

  const start16 = ({ bench, cp }: Site) =>
    bench.result(cp, "StartTransaction", {
      ...{ connectorId: 1, idTag: "TAG", meterStart: 1_000 },
      timestamp: time((bench.now.at - TEN) / 1_000),
    });
  const status16 = ({ bench, cp }: Site, status: string) =>
    bench.result(cp, "StatusNotification", {
      ...{ connectorId: 1, errorCode: "NoError", status },
      timestamp: time((bench.now.at - TEN) / 1_000),
    });
  const meter16 = ({ bench, cp }: Site, transactionId: unknown, wh: number) =>
    bench.result(cp, "MeterValues", {
      ...{ connectorId: 1, transactionId },
      meterValue: [{ timestamp: time((bench.now.at - TEN) / 1_000), sampledValue: [{ value: String(wh) }] }],
    });

  test("of 1.6 is told the price, the running and the final cost, by DataTransfer", () => {
    const at = site({ tariffs: tariffsOf(TERMS), protocol: "ocpp1.6", shows: true });
    at.goTo(HOUR);
    at.bench.result(at.cp, "Authorize", { idTag: "TAG" });
    at.settle();
    const { transactionId } = start16(at);
    status16(at, "Charging");
    at.goTo(1.5 * HOUR);
    meter16(at, transactionId, 3_000);
    at.goTo(1.5 * HOUR + 60);
    status16(at, "SuspendedEV");
    at.goTo(1.5 * HOUR + 660);
    at.bench.result(at.cp, "StopTransaction", {
      ...{ transactionId, meterStop: 3_000, timestamp: time(1.5 * HOUR + 660) },
    });
    at.settle();
    const told = at.costs().map((p) => {
      expect(p["vendorId"]).toBe(COST_VENDOR);
      return [p["messageId"], JSON.parse(p["data"] as string)] as [string, Fields];
    });
    expect(told[0]).toEqual([
      ...["SetUserPrice"],
      { idToken: "TAG", priceText: "BRL 2 + 1-3/kWh, 0.6/min idle, + ISS 5 %" },
    ]);
    const running = told.filter(([id]) => id === "RunningCost").map(([, data]) => data);
    expect(running[1]).toEqual({
      ...{ transactionId, timestamp: expect.any(String), meterValue: 3_000, cost: 8.4, state: "Charging" },
      chargingPrice: { kWhPrice: 3, flatFee: 2 },
    });
    expect(running.at(-1)).toMatchObject({ state: "Idle", idlePrice: { hourPrice: 36 } });
    // 2 × 3.00 + 2.00 + 10 × 0.60, and 5 %
    expect(told.at(-1)).toEqual([
      ...["FinalCost"],
      { transactionId, cost: 14.7, priceText: "BRL 14.70, 2.000 kWh" },
    ]);
  });

  test("of 1.6 that does not say so is told nothing", () => {
    const at = site({ tariffs: tariffsOf(TERMS), protocol: "ocpp1.6" });
    at.bench.result(at.cp, "Authorize", { idTag: "TAG" });
    const { transactionId } = start16(at);
    at.goTo(HOUR);
    meter16(at, transactionId, 3_000);
    at.goTo(HOUR + 120);
    const stop = { transactionId, meterStop: 3_000, timestamp: time(HOUR + 120) };
    expect(at.bench.result(at.cp, "StopTransaction", stop)).toEqual({});
    at.settle();
    expect(at.costs()).toEqual([]);
  });
});

test("a price in words: what counts always as it is, what changes as a range, what is free not at all", () => {
  expect(priceText(flat(1_890_000))).toBe("BRL 1.89/kWh");
  expect(priceText(flat(0))).toBe("BRL 0");
  expect(priceText({ currency: "EUR", elements: [{ perChargingMinuteMicro: 100_000 }] })).toBe("EUR 0.1/min");
});

describe("what is remembered of a course", () => {
  const steps = fc.array(
    fc.tuple(fc.integer({ min: 1_000, max: 20 * MINUTE_MS }), fc.integer({ min: 0, max: 3_000 })),
    { minLength: 1, maxLength: 150 },
  );

  test("prices it as all of it does, where bands begin at a quarter of an hour", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), steps, (offset, list) => {
        const startedAt = TEN + offset;
        const registers = [{ at: startedAt, wh: 0 }];
        for (const [ms, wh] of list) {
          const last = registers.at(-1)!;
          registers.push({ at: last.at + ms, wh: last.wh + wh });
        }
        const course = emptyCourse();
        for (const { at, wh } of registers) addRegister(course, at, wh);
        const kept = registers.filter(({ at }) => course.registers.some((v, i) => i % 2 === 0 && v === at));
        const base = { timeZone: "UTC", startedAt, endedAt: registers.at(-1)!.at, states: [] };
        const price = (of: typeof registers) => {
          const { totalMinor, lines } = priceTransaction(TERMS, {
            ...base,
            registers: of,
            timeQuality: "known",
          });
          return [totalMinor, ...lines.map((line) => [line.elementIndex, line.quantity])];
        };
        expect(price(kept)).toEqual(price(registers));
        expect(kept.length).toBeLessThanOrEqual(2 * Math.ceil((base.endedAt - startedAt) / 900_000) + 2);
      }),
      { numRuns: scaled(300) },
    );
  });

  test("stays within its bound, from the start to the last register", () => {
    const course = emptyCourse();
    for (let n = 0; n <= 20_000; n++) addRegister(course, TEN + n * 10 * MINUTE_MS, n);
    expect(course.registers.length).toBeLessThanOrEqual(2 * 768);
    expect(course.registers.slice(0, 2)).toEqual([TEN, 0]);
    expect(course.registers.slice(-2)).toEqual([TEN + 20_000 * 10 * MINUTE_MS, 20_000]);
  });
});
