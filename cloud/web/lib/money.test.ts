/** Money as text and back. */
import { describe, expect, it } from "vitest";
import { createMoney, readDecimal, readMicro, readMinor, writeDecimal } from "./money.ts";

const space = (text: string) => text.replaceAll("\u00a0", " ");

describe("money", () => {
  it.each([
    ["1,95", 195],
    ["1.95", 195],
    ["1.234,56", 123_456],
    ["1,234.56", 123_456],
    ["1.234.567", 123_456_700],
    ["12", 1_200],
    ["0,1", 10],
    ["-3,50", -350],
    ["1,900", 190],
    ["R$ 1", undefined],
    ["1,955", undefined],
    ["", undefined],
    ["abc", undefined],
    ["9999999999999", undefined],
  ])("reads %s", (text, minor) => {
    expect(readMinor(text, "BRL")).toBe(minor);
  });

  it("knows currencies without minor units, and those with three digits", () => {
    expect(readMinor("1200", "CLP")).toBe(1_200);
    expect(readMinor("12,5", "CLP")).toBeUndefined();
    expect(readMinor("1,234", "KWD")).toBe(1_234);
    expect(createMoney("en").amount(1_200, "CLP")).toContain("1,200");
    expect(createMoney("en").amount(1_234, "KWD")).toContain("1.234");
  });

  it("reads prices to the millionth, exactly", () => {
    expect(readMicro("1,895")).toBe(1_895_000);
    expect(readMicro("0,000001")).toBe(1);
    expect(readMicro("0,0000001")).toBeUndefined();
    // 1.005 × 10⁶ is 1004999.9999999999 in floating point.
    expect(readMicro("1.005")).toBe(1_005_000);
  });

  it("writes what it reads", () => {
    for (const value of [0, 1, 10, 195, 123_456, -350]) {
      for (const locale of ["pt-BR", "en"]) {
        expect(readDecimal(writeDecimal(value, 2, locale, 2), 2)).toBe(value);
        expect(readDecimal(writeDecimal(value, 6, locale), 6)).toBe(value);
      }
    }
  });

  it("shows amounts, prices and rates in the locale", () => {
    const money = createMoney("pt-BR");
    expect(space(money.amount(1_240, "BRL"))).toBe("R$ 12,40");
    expect(space(money.price(1_895_000, "BRL"))).toBe("R$ 1,895");
    expect(space(money.price(100_000, "BRL"))).toBe("R$ 0,10");
    expect(money.rate(550)).toBe("5,5%");
    expect(money.microText(1_950_000, "BRL")).toBe("1,95");
  });
});
