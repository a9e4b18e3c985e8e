/** CPF and CNPJ: numbers that are known to be right, and every way in which one digit can be wrong. */
import { expect, test } from "vitest";
import { bareTaxId, formatTaxId, taxIdKind } from "./tax-id.ts";

test.each([
  ["529.982.247-25", "cpf"],
  ["52998224725", "cpf"],
  ["111.444.777-35", "cpf"],
  ["11.222.333/0001-81", "cnpj"],
  ["00.000.000/0001-91", "cnpj"],
  // The example of the tax authority for the numbers with letters.
  ["12.ABC.345/01DE-35", "cnpj"],
  ["12abc34501de35", "cnpj"],
])("%s is a %s", (text, kind) => {
  expect(taxIdKind(text)).toBe(kind);
  expect(bareTaxId(formatTaxId(text))).toBe(bareTaxId(text));
});

test.each([
  "529.982.247-26",
  "11.222.333/0001-80",
  "12.ABC.345/01DE-36",
  "111.111.111-11",
  "",
  "1234",
  "AB.CDE",
])("%s is none", (text) => expect(taxIdKind(text)).toBeUndefined());

test("any one digit that is wrong is found", () => {
  for (const good of ["52998224725", "11222333000181", "12ABC34501DE35"]) {
    for (const [i, old] of good.split("").entries()) {
      if (!/\d/.test(old)) continue;
      for (const digit of "0123456789".replace(old, "")) {
        expect(taxIdKind(good.slice(0, i) + digit + good.slice(i + 1))).toBeUndefined();
      }
    }
  }
});

test("punctuation", () => {
  expect(formatTaxId("52998224725")).toBe("529.982.247-25");
  expect(formatTaxId("12ABC34501DE35")).toBe("12.ABC.345/01DE-35");
  expect(formatTaxId("DE 123")).toBe("DE 123");
});
