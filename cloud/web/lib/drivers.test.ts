/** The form of a driver, and what it says to the API. */
import { describe, expect, it } from "vitest";
import { ERASURE_WORDS as ASKED } from "../../api/driver-schemas.ts";
import type { Driver } from "../../api/driver-schemas.ts";
import { driverDraft, driverPatch, ERASURE_WORDS, newDriver } from "./drivers.ts";

const driver: Driver = {
  ...{ driverId: "d-1", operatorId: "op", status: "active", name: "Ana", email: "ana@example.org" },
  ...{ phone: null, taxId: "52998224725", language: "en", groupId: null, userId: null, notes: null },
  ...{ tokenCount: 1, createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z" },
  ...{ erasureRequestedAt: null, erasedAt: null, erasureFinishedAt: null },
};

describe("the form of a driver", () => {
  it("says nothing of what was left empty", () => {
    expect(newDriver({ ...driverDraft(null), name: " Bruno ", phone: "+55 11 91234-5678" })).toEqual({
      ...{ name: "Bruno", language: "pt-BR", phone: "+55 11 91234-5678" },
    });
  });

  it("tells only what was changed, and takes away what was emptied", () => {
    const draft = driverDraft(driver);
    expect(driverPatch(draft, driver)).toEqual({});
    expect(driverPatch({ ...draft, email: "", notes: "frota", language: "es" }, driver)).toEqual({
      ...{ email: null, notes: "frota", language: "es" },
    });
  });

  it("asks for the words that the cloud asks for", () => {
    expect(ERASURE_WORDS).toBe(ASKED);
  });
});
