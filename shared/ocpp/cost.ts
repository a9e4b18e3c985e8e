/**
 * Costs in the words of OCPP: decimals of the major unit, and a line of text for a display.
 *
 * The only place where an amount leaves integers, and only on its way to a station: a decimal of at most three
 * places is written as it is read. Messages of OCPP 1.6 are those of the Open Charge Alliance's white paper on
 * California pricing requirements, in DataTransfer.
 */
import type { Price } from "../decide/tariff.ts";
import { formatTime } from "../time.ts";
import { minorDigits } from "../currency.ts";
import type { TariffElement, TariffTerms } from "../tariff.ts";
import type { Call } from "./dialect.ts";

export const COST_VENDOR = "org.openchargealliance.costmsg";

/** 3453 minor units of BRL are 34.53. */
export const toDecimal = (minor: number, currency: string): number => minor / 10 ** minorDigits(currency);

const fromMicro = (micro: number): number => micro / 1_000_000;

/** `BRL 2.00 + 1.89/kWh + 0.1/min, 0.5/min idle`: what counts always, or most of the time. */
export function priceText(terms: TariffTerms): string {
  const price = (field: Exclude<keyof TariffElement, "restrictions">): number | undefined => {
    const prices = terms.elements.map((element) => element[field]).filter((value) => value !== undefined);
    const [least, most] = [Math.min(...prices), Math.max(...prices)];
    return prices.length === 0 || least !== most ? undefined : fromMicro(least);
  };
  const range = (field: Exclude<keyof TariffElement, "restrictions">, unit: string): string[] => {
    const one = price(field);
    if (one !== undefined) return one === 0 ? [] : [`${one}${unit}`];
    const prices = terms.elements.map((element) => element[field]).filter((value) => value !== undefined);
    if (prices.length === 0) return [];
    return [`${fromMicro(Math.min(...prices))}-${fromMicro(Math.max(...prices))}${unit}`];
  };
  const parts = [
    ...range("startFeeMicro", ""),
    ...range("perKwhMicro", "/kWh"),
    ...range("perChargingMinuteMicro", "/min"),
  ].join(" + ");
  const idle = range("perIdleMinuteMicro", "/min idle");
  const tax = terms.tax?.included === false ? [`+ ${terms.tax.name} ${terms.tax.rateBp / 100} %`] : [];
  return [`${terms.currency} ${parts === "" ? "0" : parts}`, ...idle, ...tax].join(", ");
}

const dataTransfer = (messageId: string, data: object): Call => ({
  action: "DataTransfer",
  payload: { vendorId: COST_VENDOR, messageId, data: JSON.stringify(data) },
});

/** Ids of OCPP 1.6 are numbers. */
export const userPrice16 = (idToken: string, priceText: string): Call =>
  dataTransfer("SetUserPrice", { idToken, priceText });

export type RunningCost = {
  ocppTransactionId: string;
  at: number;
  terms: TariffTerms;
  price: Price;
  state: "charging" | "idle";
  energyWh: number | undefined;
};

/** Prices of the lines so far: of several bands, those of the last one. */
function pricesNow({ terms, price }: RunningCost): object {
  const last = (component: string) =>
    price.lines
      .filter((line) => line.component === component)
      .sort((a, b) => a.to - b.to)
      .at(-1)?.priceMicro;
  const [kWh, minute, idle, fee] = ["energy", "charging-time", "idle-time", "start"].map(last);
  const grace = terms.idleGraceMinutes;
  return {
    chargingPrice: {
      ...(kWh === undefined ? {} : { kWhPrice: fromMicro(kWh) }),
      ...(minute === undefined ? {} : { hourPrice: fromMicro(minute * 60) }),
      ...(fee === undefined ? {} : { flatFee: fromMicro(fee) }),
    },
    ...(idle === undefined
      ? {}
      : {
          idlePrice: {
            ...(grace === undefined ? {} : { graceMinutes: grace }),
            hourPrice: fromMicro(idle * 60),
          },
        }),
  };
}

export const runningCost16 = (cost: RunningCost): Call =>
  dataTransfer("RunningCost", {
    transactionId: Number(cost.ocppTransactionId),
    timestamp: formatTime(cost.at),
    ...(cost.energyWh === undefined ? {} : { meterValue: cost.energyWh }),
    cost: toDecimal(cost.price.totalMinor, cost.price.currency),
    state: cost.state === "idle" ? "Idle" : "Charging",
    ...pricesNow(cost),
  });

export function finalCost16(ocppTransactionId: string, price: Price): Call {
  const cost = toDecimal(price.totalMinor, price.currency);
  const digits = minorDigits(price.currency);
  const priceText = `${price.currency} ${cost.toFixed(digits)}, ${(price.energyWh / 1_000).toFixed(3)} kWh`;
  return dataTransfer("FinalCost", { transactionId: Number(ocppTransactionId), cost, priceText });
}
