/** How much an event should worry. */
import { describe, expect, it } from "vitest";
import { EVENT_KINDS as API_KINDS, type StationEvent } from "../../api/station-schemas.ts";
import { EVENT_KINDS, eventLook } from "./events.ts";

const event = (change: Partial<StationEvent>): StationEvent => ({
  ...{ eventId: "1", siteId: "s", stationId: "A", at: "", toldAt: null, kind: "event", type: "X.Y" },
  ...{ severity: null, cleared: null, evseId: null, detail: null },
  ...change,
});

describe("events", () => {
  it("are of the kinds that the cloud tells", () => {
    expect([...EVENT_KINDS].sort()).toEqual([...API_KINDS].sort());
  });

  it.each<[Partial<StationEvent>, string]>([
    [{ severity: 0 }, "red"],
    [{ severity: 5 }, "amber"],
    [{ severity: 8 }, "neutral"],
    [{ severity: 0, cleared: true }, "quiet"],
    [{ kind: "security-event", type: "TamperDetectionActivated" }, "red"],
    [{ kind: "security-event", type: "StartupOfTheDevice" }, "neutral"],
    [{ kind: "firmware-status", type: "InstallationFailed" }, "amber"],
    [{ kind: "firmware-status", type: "Installed" }, "neutral"],
    [{ kind: "something-new", type: "Z" }, "neutral"],
  ])("%o look %s", (change, tone) => expect(eventLook(event(change)).tone).toBe(tone));
});
