/** Amounts as text: by the digits that the minor unit has, whatever `Intl` knows of the currency. */
import { expect, test } from "vitest";
import { amountText, minorDigits } from "./currency.ts";

const bare = (text: string) => text.replaceAll(/[\s\u00a0\u202f]/g, " ");

test("the amount is what its minor units are, in every currency", () => {
  expect(bare(amountText("es", 1_250_000, "COP"))).toBe("12.500,00 COP");
  expect(amountText("en", 1_250, "HUF")).toMatch(/12\.50$/);
  expect(amountText("en", 1_250, "JPY")).toBe("¥1,250");
  expect(amountText("en", 1_250, "KWD")).toMatch(/1\.250$/);
  for (const currency of Intl.supportedValuesOf("currency")) {
    const fraction = /\.(\d+)$/.exec(amountText("en", 1_000, currency))?.[1] ?? "";
    expect([currency, fraction.length]).toEqual([currency, minorDigits(currency)]);
  }
});
