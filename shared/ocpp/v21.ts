/**
 * OCPP 2.1: the messages of 2.0.1, read and answered in the same way, and honest answers to what is new in it.
 *
 * A 2.1 station charges. What belongs to functions that this system does not have (costs that the station works out
 * by itself, DER control, battery swap, event streams) is stored and answered so that the station does not
 * rely on it.
 */
import { given } from "../given.ts";
import type { Dialect } from "./dialect.ts";
import { v201 } from "./v201.ts";
import { outcome21, toCall21 } from "./v201-calls.ts";

const NOTIFICATIONS = new Set([
  "BatterySwap",
  "ClosePeriodicEventStream",
  "NotifyDERAlarm",
  "NotifyDERStartStop",
  "NotifyPriorityCharging",
  "NotifySettlement",
  "ReportDERControl",
]);

export const v21: Dialect = {
  ...v201,
  plainAnswer(action, now, payload) {
    if (NOTIFICATIONS.has(action)) return {};
    switch (action) {
      // Nobody would read the stream.
      case "OpenPeriodicEventStream":
      case "PullDynamicScheduleUpdate":
        return { status: "Rejected" };
      case "GetCertificateChainStatus":
        return { certificateStatus: unknownStatuses(payload) };
      case "VatNumberValidation":
        return { status: "Rejected", vatNumber: String(payload?.["vatNumber"] ?? "").slice(0, 20) };
      default:
        return v201.plainAnswer(action, now, payload);
    }
  },
  // The running cost stands in the answers, the final one in the last.
  transactionAnswer: (event, decision, id, totalCost) => ({
    ...v201.transactionAnswer(event, decision, id),
    ...given("totalCost", event === "Started" ? undefined : totalCost),
  }),
  toCall: toCall21,
  outcome: outcome21,
};

type Asked = { certificateHashData?: unknown; source?: unknown };

/** Of every certificate that was asked for: nobody here knows. */
function unknownStatuses(payload: Record<string, unknown> | undefined): object[] {
  const asked = (payload?.["certificateStatusRequests"] ?? []) as Asked[];
  return asked.map(({ certificateHashData, source }) => ({
    ...{ certificateHashData, source, status: "Failed" },
    nextUpdate: "1970-01-01T00:00:00.000Z",
  }));
}
