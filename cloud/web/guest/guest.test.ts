/** A guest's page: addresses, prices of now, what an amount buys, how often it looks. */
import { describe, expect, it } from "vitest";
import type { TariffTerms } from "../../../shared/tariff.ts";
import type { GuestSession } from "../lib/api.gen.ts";
import { newRequestId, placeOf, receiptAddress } from "./place.ts";
import { isSettled, lookAgainMs } from "./poll.ts";
import { choicesOf, energyFor, priceNow, whenOf } from "./price.ts";

describe("placeOf", () => {
  it("knows connectors and sessions, and nothing else", () => {
    expect(placeOf("/c/y3bjpvsze", "")).toEqual({ kind: "connector", code: "Y3BJPVSZE" });
    expect(placeOf("/g/0190-a", "#gs_x")).toEqual({ kind: "session", id: "0190-a", token: "gs_x" });
    expect(placeOf("/g/0190-a", "")).toEqual({ kind: "nowhere" });
    expect(placeOf("/c/<script>", "")).toEqual({ kind: "nowhere" });
  });

  it("knows receipts by their codes, and the place where one is typed", () => {
    const code = "7M2K-0000-AAAA-ZZZZ";
    expect(placeOf(receiptAddress(code), "")).toEqual({ kind: "receipt", code });
    expect(placeOf(receiptAddress("7m 2k/x"), "")).toEqual({ kind: "receipt", code: "7m 2k/x" });
    expect(placeOf("/receipts", "")).toEqual({ kind: "receipt", code: "" });
    expect(placeOf("/receipts/%E0%A4%A", "")).toEqual({ kind: "receipt", code: "%E0%A4%A" });
  });

  it("names wishes that the API takes", () => {
    expect(newRequestId()).toMatch(/^[0-9A-Za-z_-]{16,64}$/);
    expect(newRequestId()).not.toBe(newRequestId());
  });
});

const NIGHTLY: TariffTerms = {
  currency: "BRL",
  elements: [
    { perKwhMicro: 1_250_000, restrictions: { from: "22:00", to: "06:00" } },
    { perKwhMicro: 1_950_000, startFeeMicro: 2_000_000 },
  ],
};

describe("prices", () => {
  const noon = Date.parse("2026-03-02T15:00:00Z");

  it("are those of now, at the site's clock, until others begin", () => {
    expect(priceNow(NIGHTLY, "America/Sao_Paulo", noon)).toEqual({
      ...{ kwhMicro: 1_950_000, startMicro: 2_000_000, chargingMinuteMicro: null, idleMinuteMicro: null },
      untilMs: Date.parse("2026-03-03T01:00:00Z"),
    });
    expect(priceNow(NIGHTLY, "America/Sao_Paulo", noon + 12 * 3_600_000).kwhMicro).toBe(1_250_000);
    // The start fee is of the second element and counts at night, too.
    expect(priceNow(NIGHTLY, "America/Sao_Paulo", noon + 12 * 3_600_000).startMicro).toBe(2_000_000);
  });

  it("that never change have no end", () => {
    const terms: TariffTerms = {
      currency: "BRL",
      elements: [{ perKwhMicro: 0, perIdleMinuteMicro: 500_000 }],
    };
    const now = priceNow(terms, "Europe/Berlin", noon);
    expect(now).toMatchObject({ kwhMicro: null, idleMinuteMicro: 500_000, untilMs: null });
    expect(energyFor(5_000, now, "BRL")).toBeNull();
  });

  it("say how much an amount buys, after the start", () => {
    const now = priceNow(NIGHTLY, "America/Sao_Paulo", noon);
    expect(energyFor(5_000, now, "BRL")).toBe(24_615);
    expect(energyFor(150, now, "BRL")).toBe(0);
    expect(energyFor(1_950, { ...now, startMicro: null }, "JPY")).toBe(1_000_000);
  });

  it("are chosen around the usual amount, within the bounds", () => {
    expect(choicesOf(5_000, 500, 30_000)).toEqual([2_500, 5_000, 10_000]);
    expect(choicesOf(5_000, 3_000, 8_000)).toEqual([5_000]);
  });

  it("say when they count", () => {
    expect(NIGHTLY.elements.map(whenOf)).toEqual([{ days: [], hours: "22:00–06:00" }, null]);
    expect(whenOf({ restrictions: { daysOfWeek: [7, 6] } })).toEqual({ days: [6, 7], hours: null });
  });
});

describe("looking again", () => {
  const session = (state: GuestSession["state"], more: Partial<GuestSession["payment"]> = {}) =>
    ({
      ...{ state, hasReceipt: state === "settled" },
      payment: { status: "captured", refundPendingMinor: 0, ...more },
    }) as GuestSession;

  it("is quick while it charges, and ends when nothing more comes", () => {
    expect(lookAgainMs(session("charging"), 0, 0)).toBe(2_000);
    expect(lookAgainMs(session("settled"), 0, 0)).toBe(15_000);
    expect(lookAgainMs(session("settled"), 0, 3_600_000)).toBeNull();
    expect(lookAgainMs(session("charging"), 0, 24 * 3_600_000)).toBe(2_000);
  });

  it("waits longer after each failure, and never longer than half a minute", () => {
    const waits = [1, 2, 3, 4, 9].map((failures) => lookAgainMs(session("charging"), failures, 0));
    expect(waits).toEqual([4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it("goes on while money is on its way", () => {
    expect(isSettled(session("released", { refundPendingMinor: 100 }))).toBe(false);
    expect(isSettled(session("settled", { status: "authorized" }))).toBe(false);
    expect(isSettled(session("released"))).toBe(true);
  });
});
