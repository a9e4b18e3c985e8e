/** What stations of OCPP 1.6 say again and again, each with the demands that hold whenever it is said. */
import type { Fields } from "./frames.ts";
import { check, checkEqual } from "./outcome.ts";
import type { Tools } from "./suite.ts";

/** RFC 3339, of now or of `agoMs` ago. */
export const timeAgo = (agoMs = 0): string => new Date(Date.now() - agoMs).toISOString();

/** The clock of the CSMS may be this far from ours. */
const CLOCK_MS_MAX = 5 * 60_000;

/** BootNotification that must be accepted. */
export async function bootNotification(t: Tools, more: Fields = {}): Promise<Fields> {
  const answer = await t.station.call("BootNotification", {
    ...{ chargePointVendor: "Conformance", chargePointModel: "Suite" },
    ...{ chargePointSerialNumber: t.id.slice(0, 25), firmwareVersion: "1.0" },
    ...more,
  });
  checkEqual("the status of the BootNotification", answer["status"], "Accepted");
  check(
    Number(answer["interval"]) > 0,
    `the heartbeat interval is ${String(answer["interval"])}, not above 0`,
  );
  const offMs = Math.abs(Date.parse(String(answer["currentTime"])) - Date.now());
  check(offMs < CLOCK_MS_MAX, `currentTime is ${Math.round(offMs / 1_000)} s off`);
  return answer;
}

export async function statusNotification(
  t: Tools,
  connectorId: number,
  status: string,
  errorCode = "NoError",
): Promise<void> {
  await t.station.call("StatusNotification", { connectorId, errorCode, status, timestamp: timeAgo() });
}

/** Connects and boots a station with so many connectors, all of them Available. */
export async function boot(t: Tools, connectors = 1): Promise<void> {
  await t.station.connect();
  await bootNotification(t);
  for (let id = 0; id <= connectors; id++) await statusNotification(t, id, "Available");
}

/** Authorize. @returns idTagInfo. */
export async function authorize(t: Tools, idTag: string): Promise<Fields> {
  const answer = await t.station.call("Authorize", { idTag });
  return answer["idTagInfo"] as Fields;
}

/** Authorize that must be accepted. */
export async function authorized(t: Tools, idTag: string): Promise<void> {
  checkEqual("the status of the Authorize", (await authorize(t, idTag))["status"], "Accepted");
}

/** StartTransaction as it is. @returns the whole answer. */
export function startTransaction(t: Tools, idTag: string, more: Fields = {}): Promise<Fields> {
  const payload = { connectorId: 1, idTag, meterStart: 1_000, timestamp: timeAgo(), ...more };
  return t.station.call("StartTransaction", payload);
}

/** StartTransaction that must be accepted. @returns the transactionId. */
export async function started(t: Tools, idTag: string, more: Fields = {}): Promise<number> {
  const answer = await startTransaction(t, idTag, more);
  checkEqual("the status of the StartTransaction", (answer["idTagInfo"] as Fields)["status"], "Accepted");
  return answer["transactionId"] as number;
}

/** StopTransaction. @returns the answer. */
export function stopTransaction(t: Tools, transactionId: number, more: Fields = {}): Promise<Fields> {
  const payload = { transactionId, meterStop: 3_500, timestamp: timeAgo(), ...more };
  return t.station.call("StopTransaction", payload);
}

/** A car is plugged in, the driver is let in, energy flows. @returns the transactionId. */
export async function charging(t: Tools, idTag: string, connectorId = 1): Promise<number> {
  await statusNotification(t, connectorId, "Preparing");
  await authorized(t, idTag);
  const transactionId = await started(t, idTag, { connectorId });
  await statusNotification(t, connectorId, "Charging");
  return transactionId;
}

/** The driver ends it and unplugs. */
export async function finish(
  t: Tools,
  transactionId: number,
  more: Fields = {},
  connectorId = 1,
): Promise<void> {
  await stopTransaction(t, transactionId, more);
  await statusNotification(t, connectorId, "Finishing");
  await statusNotification(t, connectorId, "Available");
}

/** With an API: the CSMS shows the transaction with this status. */
export async function shown(t: Tools, transactionId: number, status: "active" | "ended") {
  if (t.csms.api === undefined) return undefined;
  return t.untilTransaction(
    `the transaction ${transactionId} is shown as ${status}`,
    (seen) => seen.ocppTransactionId === String(transactionId) && seen.status === status,
  );
}

/** Waits until the operator can read in the station's timeline that it said this. */
export async function heard(t: Tools, action: string, part: string): Promise<void> {
  await t.until(`the timeline holds ${action} with ${part}`, async () =>
    (await t.api.messages(t.station.id)).some(
      (message) => message.action === action && message.request?.includes(part) === true,
    ),
  );
}
