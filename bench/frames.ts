/**
 * What the benchmarks' stations say: the frames of a charge, as text, with values that move like a car's.
 *
 * Even stations speak OCPP 1.6 (MeterValues of about 300 bytes), odd ones 2.0.1 (TransactionEvent Updated of
 * about 450). Only as much of a station as a load generator needs: it never repeats, and reads one thing, its
 * transaction id.
 */
import type { Protocol } from "../shared/entry.ts";
import { nextRandom, seedRandom } from "../shared/ids.ts";

export const ID_TOKEN = "BENCH";

export type Mix = "mixed" | "ocpp1.6";

/** A station with one car. */
export type Car = {
  stationId: string;
  protocol: Protocol;
  /** The transaction's id on the wire. OCPP 1.6: told by the answer to StartTransaction. */
  transactionId: string;
  /** Messages sent so far: message id and seqNo. */
  count: number;
  energyWh: number;
  random: () => number;
};

export function createCar(index: number, prefix: string, mix: Mix): Car {
  const state = seedRandom([index, prefix.length]);
  const random = () => nextRandom(state);
  return {
    stationId: `${prefix}${index}`,
    protocol: mix === "mixed" && index % 2 === 1 ? "ocpp2.0.1" : "ocpp1.6",
    transactionId: `${prefix}tx-${index}`,
    count: 0,
    energyWh: 1_000_000 + (random() % 1_000_000),
    random,
  };
}

export function bootFrame(car: Car): string {
  const id = ++car.count;
  return car.protocol === "ocpp1.6"
    ? `[2,"${id}","BootNotification",{"chargePointVendor":"Bench","chargePointModel":"Post"}]`
    : `[2,"${id}","BootNotification",{"reason":"PowerUp",` +
        `"chargingStation":{"vendorName":"Bench","model":"Post"}}]`;
}

/** @param at RFC 3339 */
export function startFrame(car: Car, at: string, idToken = ID_TOKEN): string {
  const id = ++car.count;
  if (car.protocol === "ocpp1.6") {
    const { energyWh } = car;
    return (
      `[2,"${id}","StartTransaction",{"connectorId":1,"idTag":"${idToken}",` +
      `"meterStart":${energyWh},"timestamp":"${at}"}]`
    );
  }
  const token = `{"idToken":"${idToken}","type":"Central"}`;
  return (
    `[2,"${id}","TransactionEvent",{"eventType":"Started","timestamp":"${at}",` +
    `"triggerReason":"Authorized","seqNo":${id},` +
    `"transactionInfo":{"transactionId":"${car.transactionId}","chargingState":"Charging"},` +
    `"evse":{"id":1,"connectorId":1},"idToken":${token}}]`
  );
}

/** What the answer to `startFrame` says. A server that is no CSMS says nothing: then any id will do. */
export function readStart(car: Car, answer: string): void {
  if (car.protocol === "ocpp1.6") car.transactionId = /"transactionId":(\d+)/.exec(answer)?.[1] ?? "1";
}

/** One reading of the running transaction. */
export function readingFrame(car: Car, at: string): string {
  const id = ++car.count;
  const powerW = 6_900 + (car.random() % 600);
  car.energyWh += 10 + (car.random() % 10);
  const { transactionId, energyWh } = car;
  if (car.protocol === "ocpp1.6") {
    return (
      `[2,"${id}","MeterValues",{"connectorId":1,"transactionId":${transactionId},` +
      `"meterValue":[{"timestamp":"${at}","sampledValue":[{"value":"${energyWh}","context":"Sample.Periodic",` +
      `"measurand":"Energy.Active.Import.Register","unit":"Wh"},` +
      `{"value":"${powerW}","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"}]}]}]`
    );
  }
  return (
    `[2,"${id}","TransactionEvent",{"eventType":"Updated","timestamp":"${at}",` +
    `"triggerReason":"MeterValuePeriodic","seqNo":${id},` +
    `"transactionInfo":{"transactionId":"${transactionId}","chargingState":"Charging"},` +
    `"meterValue":[{"timestamp":"${at}","sampledValue":[{"value":${energyWh},"context":"Sample.Periodic",` +
    `"measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"Wh"}},{"value":${powerW},` +
    `"context":"Sample.Periodic","measurand":"Power.Active.Import","unitOfMeasure":{"unit":"W"}}]}]}]`
  );
}

export function stopFrame(car: Car, at: string): string {
  const id = ++car.count;
  const { transactionId, energyWh } = car;
  if (car.protocol === "ocpp1.6") {
    return (
      `[2,"${id}","StopTransaction",{"transactionId":${transactionId},` +
      `"meterStop":${energyWh},"timestamp":"${at}"}]`
    );
  }
  return (
    `[2,"${id}","TransactionEvent",{"eventType":"Ended","timestamp":"${at}",` +
    `"triggerReason":"EVDeparted","seqNo":${id},` +
    `"transactionInfo":{"transactionId":"${transactionId}","stoppedReason":"EVDisconnected"}}]`
  );
}
