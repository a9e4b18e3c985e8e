/** Which queries an event makes old, and how the page comes back to a cloud that went away. */
import { describe, expect, it } from "vitest";
import { backoffMs, keysOf } from "./live.ts";

describe("keysOf", () => {
  it("makes everything old on reset", () => {
    expect(keysOf({ type: "reset" })).toBeNull();
  });

  it("names the transaction, its station and its site", () => {
    expect(keysOf({ type: "transaction", siteId: "s", stationId: "A", transactionId: "t" })).toEqual([
      ["transactions"],
      ["transaction", "t"],
      ["stations", "s"],
      ["station", "A"],
      ["sites"],
      ["site", "s"],
    ]);
  });

  it("does not refetch lists of stations for every message", () => {
    const keys = keysOf({ type: "message", siteId: "s", stationId: "A" });
    expect(keys).toContainEqual(["messages", "A"]);
    expect(keys).toContainEqual(["station", "A"]);
    expect(keys?.map(([noun]) => noun)).not.toContain("stations");
  });

  it("widens to all of a kind when the event names none", () => {
    const ofCommand = keysOf({ type: "command", siteId: "s", commandId: "c" });
    expect(ofCommand).toContainEqual(["commands"]);
    expect(ofCommand).toContainEqual(["command", "c"]);
    expect(keysOf({ type: "station", siteId: "s" })).toContainEqual(["station"]);
    expect(keysOf({ type: "meter" })).toContainEqual(["meter-samples"]);
    expect(keysOf({ type: "alarm", alarmId: "a" })).toEqual([["alarms"]]);
  });
});

describe("backoffMs", () => {
  it("grows to half a minute and no further", () => {
    expect(backoffMs(0, 0)).toBe(500);
    expect(backoffMs(0, 1)).toBe(1_000);
    expect(backoffMs(3, 1)).toBe(8_000);
    expect(backoffMs(50, 1)).toBe(30_000);
  });
});
