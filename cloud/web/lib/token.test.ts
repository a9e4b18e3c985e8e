/** From what a person types about a token to what the API takes. */
import { describe, expect, it } from "vitest";
import type { IdTokenView } from "../../api/rule-schemas.ts";
import { draftOf, newTokenOf, tokenPatchOf } from "./token.ts";

const token: IdTokenView = {
  idToken: "CARD",
  operatorId: "o",
  type: "ISO14443",
  status: "Accepted",
  label: "Ana",
  groupId: null,
  master: false,
  expiresAt: "2027-03-01T12:34:56.000Z",
  siteIds: ["s1"],
  stationIds: ["A", "B"],
  trusted: true,
  maxConcurrent: 2,
  maxEnergyWh: 7_500,
  driverId: null,
  createdAt: "2026-01-01T00:00:00Z",
  updatedAt: "2026-01-01T00:00:00Z",
};

describe("a new token", () => {
  it("says nothing about what was left empty", () => {
    expect(newTokenOf({ ...draftOf(null), idToken: " CARD " })).toEqual({
      idToken: "CARD",
      type: "ISO14443",
    });
  });

  it("carries scope and bounds in the API's units", () => {
    const draft = {
      ...draftOf(null),
      idToken: "C",
      siteIds: ["s1"],
      stations: "A, B ,",
      maxEnergyKwh: "7.5",
    };
    expect(newTokenOf({ ...draft, maxConcurrent: "2", trusted: true })).toEqual({
      idToken: "C",
      type: "ISO14443",
      siteIds: ["s1"],
      stationIds: ["A", "B"],
      maxEnergyWh: 7_500,
      maxConcurrent: 2,
      trusted: true,
    });
  });
});

describe("a token that is known", () => {
  it("is not changed by looking at it", () => {
    expect(tokenPatchOf(draftOf(token), token)).toEqual({});
  });

  it("loses what was emptied, and nothing else", () => {
    const draft = { ...draftOf(token), siteIds: null, stations: " ", maxConcurrent: "", label: "" };
    expect(tokenPatchOf(draft, token)).toEqual({
      siteIds: null,
      stationIds: null,
      maxConcurrent: null,
      label: null,
    });
  });
});
