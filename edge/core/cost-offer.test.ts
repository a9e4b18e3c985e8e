/**
 * What somebody was offered before the start is what the site shows: whatever its policy says, while it is alone, and
 * after a new start of the ER.
 */
import { describe, expect, test } from "vitest";
import type { Protocol } from "../../shared/entry.ts";
import { PROVISION_SETTLE_MS } from "../../shared/limits.ts";
import type { PolicyTariffs, TariffTerms } from "../../shared/tariff.ts";
import { Bench, policyOf, recovered, signed, TAG, TEN, time } from "./harness.ts";

type Fields = Record<string, unknown>;
const flat = (perKwhMicro: number): TariffTerms => ({ currency: "BRL", elements: [{ perKwhMicro }] });
/** R$ 9.00 since a minute, of which the guest knows nothing: R$ 2.00 was what the scan showed. */
const HELD: PolicyTariffs = {
  versions: [{ tariffId: "t", version: 2, validFrom: TEN - 60_000, terms: flat(9_000_000) }],
  assignments: [{ tariffId: "t", from: 0 }],
};
const OFFER = { tariffId: "t", version: 1, terms: flat(2_000_000) };
const GUEST = "GUEST-23456789ABCDEF";

/** A site that is online, and a station that shows costs; guests are known to the cloud alone. */
function site(protocol: Protocol, tariffs: PolicyTariffs | undefined = HELD) {
  const bench = new Bench({ policy: policyOf([TAG], 1, tariffs === undefined ? {} : { tariffs }) });
  bench.online();
  let cp = bench.connect("CP-1", protocol);
  const costs: { action: string; payload: Fields }[] = [];
  let seen = 0;
  const answers: Record<string, (payload: Fields) => Fields> = {
    GetVariables: ({ getVariableData }) => ({
      getVariableResult: (getVariableData as Fields[]).map((asked) =>
        JSON.stringify(asked).includes('"TariffCostCtrlr"')
          ? { ...asked, attributeStatus: "Accepted", attributeValue: "true" }
          : { ...asked, attributeStatus: "UnknownVariable" },
      ),
    }),
    GetConfiguration: () => ({
      configurationKey: [{ key: "CustomDisplayCostAndPrice", readonly: false, value: "true" }],
    }),
    DataTransfer: () => ({ status: "Accepted" }),
  };
  function settle(): void {
    for (let frames = bench.sent(cp); seen < frames.length; frames = bench.sent(cp)) {
      const [type, id, action, payload] = frames[seen++] as [number, string, string, Fields];
      if (type !== 2) continue;
      if (/^(CostUpdated|DataTransfer)$/.test(action)) costs.push({ action, payload });
      bench.frame(cp, JSON.stringify([3, id, answers[action]?.(payload) ?? {}]));
    }
  }
  function pass(s: number): void {
    for (let left = s; left > 0; left -= 5) {
      bench.pass(Math.min(left, 5) * 1_000);
      settle();
    }
  }
  const boot =
    protocol === "ocpp1.6"
      ? { chargePointVendor: "V", chargePointModel: "M" }
      : { reason: "PowerUp", chargingStation: { vendorName: "V", model: "M" } };
  bench.result(cp, "BootNotification", boot);
  pass(PROVISION_SETTLE_MS / 1_000 + 30);

  /** The station says something about which the cloud is asked; `told` is its answer. */
  function asked(action: string, payload: object, told: object | undefined): Fields {
    const before = bench.effects.length;
    bench.frame(cp, JSON.stringify([2, `ask-${before}`, action, payload]));
    const [ask] = bench.effectsOf("publish.ask").slice(-1);
    if (told === undefined || ask === undefined) bench.pass(2_000);
    else {
      const answer = { kind: "authorize", status: "Accepted", reason: "guest", ...told } as const;
      bench.input({ kind: "link.answer", answer: { v: 1, correlationId: ask.ask.correlationId, answer } });
    }
    const [, , result] = bench.sent(cp, before).find((frame) => frame[0] === 3) ?? [];
    settle();
    return result as Fields;
  }
  return {
    ...{ bench, costs, pass, asked },
    get cp() {
      return cp;
    },
    now: () => time((bench.now.at - TEN) / 1_000),
    restart(): void {
      bench.restart();
      cp = bench.connect("CP-1", protocol);
      seen = 0;
    },
  };
}
type Site = ReturnType<typeof site>;

/* OCPP 1.6 */

const start16 = (at: Site, told: object | undefined, idTag = GUEST) =>
  at.asked("StartTransaction", { connectorId: 1, idTag, meterStart: 1_000, timestamp: at.now() }, told);
const meter16 = (at: Site, transactionId: unknown, wh: number) =>
  at.bench.result(at.cp, "MeterValues", {
    ...{ connectorId: 1, transactionId },
    meterValue: [{ timestamp: at.now(), sampledValue: [{ value: String(wh) }] }],
  });
const stop16 = (at: Site, transactionId: unknown, wh: number) => {
  at.bench.result(at.cp, "StopTransaction", { transactionId, meterStop: wh, timestamp: at.now() });
  at.pass(5);
};
const told16 = ({ costs }: Site, message: string) =>
  costs
    .filter(({ payload }) => payload["messageId"] === message)
    .map(({ payload }) => JSON.parse(payload["data"] as string) as Fields);

/* OCPP 2.x */

let seqNo = 0;
const event = (at: Site, eventType: string, wh: number, idToken?: string): object => ({
  ...{ eventType, seqNo: seqNo++, timestamp: at.now(), triggerReason: "MeterValuePeriodic" },
  transactionInfo: { transactionId: "tx-1", chargingState: "Charging" },
  ...(eventType === "Started" ? { evse: { id: 1, connectorId: 1 } } : {}),
  ...(idToken === undefined ? {} : { idToken: { idToken, type: "Central" } }),
  meterValue: [{ timestamp: at.now(), sampledValue: [{ value: wh }] }],
});

const toldTariffs = ({ bench }: Site) =>
  bench.all("ocpp.handled").flatMap(({ transactionId, tariff }) => (transactionId ? [tariff] : []));

describe("a price that was offered", () => {
  test("is shown on OCPP 1.6 from the price at the start to the final cost", () => {
    const at = site("ocpp1.6");
    at.asked("Authorize", { idTag: GUEST }, { tariff: OFFER });
    expect(told16(at, "SetUserPrice")).toEqual([{ idToken: GUEST, priceText: "BRL 2/kWh" }]);
    const { transactionId } = start16(at, { tariff: OFFER, cap: { energyWh: 20_000 } });
    expect(toldTariffs(at)).toEqual([OFFER]);
    at.pass(60);
    meter16(at, transactionId, 6_000);
    at.pass(90);
    expect(told16(at, "RunningCost").at(-1)).toMatchObject({ cost: 10, chargingPrice: { kWhPrice: 2 } });
    stop16(at, transactionId, 8_000);
    expect(told16(at, "FinalCost")).toMatchObject([{ cost: 14 }]);
  });

  test("is shown on OCPP 2.0.1, also when the token comes after the start", () => {
    for (const late of [false, true]) {
      const at = site("ocpp2.0.1");
      if (late) {
        at.bench.result(at.cp, "TransactionEvent", event(at, "Started", 1_000));
        at.asked("TransactionEvent", event(at, "Updated", 1_000, GUEST), { tariff: OFFER });
      } else at.asked("TransactionEvent", event(at, "Started", 1_000, GUEST), { tariff: OFFER });
      const held = { tariffId: "t", version: 2 };
      expect(toldTariffs(at)).toEqual(late ? [held, OFFER] : [OFFER]);
      at.pass(60);
      at.bench.result(at.cp, "TransactionEvent", event(at, "Updated", 6_000));
      at.pass(90);
      expect(at.costs.at(-1)).toMatchObject({ action: "CostUpdated", payload: { totalCost: 10 } });
      expect(at.bench.result(at.cp, "TransactionEvent", event(at, "Ended", 8_000))).toMatchObject({
        totalCost: 14,
      });
    }
  });

  test("is shown on OCPP 2.1 from the very answer that lets the guest in", () => {
    const at = site("ocpp2.1");
    at.bench.result(at.cp, "TransactionEvent", event(at, "Started", 1_000));
    at.pass(60);
    expect(at.asked("TransactionEvent", event(at, "Updated", 2_000, GUEST), { tariff: OFFER })).toMatchObject(
      {
        totalCost: 2,
      },
    );
  });

  test("holds while the site is alone, over a new start, and when its policy knows no tariff any more", () => {
    const at = site("ocpp1.6");
    const { transactionId } = start16(at, { tariff: OFFER });
    at.bench.input({ kind: "link.down" });
    meter16(at, transactionId, 3_000);
    expect(recovered(at.bench.entries)).toEqual(at.bench.state.durable);
    at.restart();
    at.bench.input({ kind: "link.policy", signed: signed(policyOf([TAG], 2)) });
    at.pass(5);
    meter16(at, transactionId, 4_000);
    at.pass(90);
    expect(told16(at, "RunningCost").at(-1)).toMatchObject({ cost: 6 });
    meter16(at, transactionId, 5_000);
    at.pass(90);
    expect(told16(at, "RunningCost").at(-1)).toMatchObject({ cost: 8 });
    stop16(at, transactionId, 6_000);
    expect(told16(at, "FinalCost")).toMatchObject([{ cost: 10 }]);
  });

  test("is nobody else's: who starts without an offer, or is refused with one, is shown what holds", () => {
    const at = site("ocpp1.6");
    const { transactionId } = start16(at, { reason: "listed" }, "TAG");
    stop16(at, transactionId, 2_000);
    expect(told16(at, "FinalCost")).toMatchObject([{ cost: 9 }]);
    start16(at, { tariff: OFFER, status: "Blocked" });
    at.asked("Authorize", { idTag: GUEST }, { tariff: OFFER, status: "Blocked" });
    expect(told16(at, "SetUserPrice")).toEqual([]);
    expect(toldTariffs(at).slice(-1)).toEqual([{ tariffId: "t", version: 2 }]);
  });

  test("of an SG that tells none, or comes too late, is not known: what holds is shown", () => {
    const at = site("ocpp1.6", HELD);
    const { transactionId } = start16(at, {});
    stop16(at, transactionId, 2_000);
    expect(told16(at, "FinalCost")).toMatchObject([{ cost: 9 }]);
    start16(at, undefined, "TAG");
    expect(toldTariffs(at).slice(-1)).toEqual([{ tariffId: "t", version: 2 }]);
  });

  test.each([
    ["words that this release does not know", { ...OFFER, terms: { ...OFFER.terms, perPlanet: 1 } }],
    ["no terms", { tariffId: "t", version: 1 }],
    ["a name that no entry may hold", { ...OFFER, tariffId: "not a name" }],
    ["another thing", "free"],
  ])("with %s lets the guest charge all the same, and is told to whoever reads the log", (_name, tariff) => {
    const at = site("ocpp1.6");
    expect(start16(at, { tariff, cap: { energyWh: 5_000 } })).toMatchObject({
      idTagInfo: { status: "Accepted" },
    });
    expect(toldTariffs(at)).toEqual([{ tariffId: "t", version: 2 }]);
    expect([...at.bench.state.durable.transactions.values()]).toMatchObject([{ cap: { energyWh: 5_000 } }]);
    const logged = at.bench.effectsOf("log").find(({ message }) => message.includes("offered price"));
    expect(logged).toMatchObject({ level: "warn", fields: { hint: expect.any(String) } });
  });
});
