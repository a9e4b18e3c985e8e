/** Every message of every version has a place, and docs/ocpp.md says which. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PROTOCOLS } from "../shared/entry.ts";
import { dialectOf, isFromStation } from "../shared/ocpp/dialect.ts";
import { actionsOf, checkPayload, schemaOf } from "../shared/ocpp/schemas.ts";
import { renderTable, smallest, TABLE_FILE, tableOf } from "./ocpp-table.ts";

/** Stored, and nothing more: what this system has no use for, named one by one. */
const ONLY_STORED = new Set([
  ...["NotifyEVChargingSchedule", "BatterySwap", "OpenPeriodicEventStream", "ClosePeriodicEventStream"],
  ...["NotifyDERAlarm", "NotifyDERStartStop", "NotifyPriorityCharging", "NotifySettlement"],
  "PullDynamicScheduleUpdate",
]);
const BOTH = new Set(["DataTransfer"]);

describe.each(PROTOCOLS)("%s", (protocol) => {
  test.each(actionsOf(protocol))("%s has a handler", (action) => {
    const rows = tableOf(protocol).filter((row) => row.action === action);
    expect(rows.length).toBe(BOTH.has(action) ? 2 : 1);
    if (!isFromStation(protocol, action)) {
      expect(rows[0]?.becomes, "a command of its own").not.toContain("`Call`");
      return;
    }
    const request = smallest(schemaOf(protocol, action, "Request") ?? {}) as Record<string, unknown>;
    expect(checkPayload(protocol, action, "Request", request)).toBeUndefined();
    const { kind } = dialectOf(protocol).read(action, request);
    expect(kind === "other").toBe(ONLY_STORED.has(action));
  });
});

test("docs/ocpp.md is what the code says: `npm run ocpp-table` writes it", () => {
  expect(readFileSync(TABLE_FILE, "utf8")).toBe(renderTable());
});
