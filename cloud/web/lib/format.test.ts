/** Numbers, units and times as people write them. */
import { describe, expect, it } from "vitest";
import { createFormat, jsonLines, MISSING, prettyJson } from "./format.ts";

const pt = createFormat("pt-BR");
const en = createFormat("en");
const NBSP = "\u00a0";
const AT = Date.parse("2026-11-22T16:03:22Z");

describe("quantities", () => {
  it("writes kW with one decimal and kWh with two", () => {
    expect(pt.power(7_234)).toBe(`7,2${NBSP}kW`);
    expect(pt.energy(12_345)).toBe(`12,35${NBSP}kWh`);
    expect(en.energy(1_234_567)).toBe(`1,234.57${NBSP}kWh`);
    expect(pt.energy(1_234_567)).toBe(`1.234,57${NBSP}kWh`);
  });

  it("shows what was not reported as a dash, and zero as zero", () => {
    expect(pt.power(null)).toBe(MISSING);
    expect(pt.energyOf(null)).toEqual({ value: MISSING, unit: "kWh" });
    expect(pt.power(0)).toBe(`0,0${NBSP}kW`);
    expect(pt.percent(null)).toBe(MISSING);
  });

  it("never writes minus nothing", () => {
    expect(pt.power(-12)).toBe(`0,0${NBSP}kW`);
    expect(pt.power(-1_200)).toBe(`-1,2${NBSP}kW`);
  });

  it("writes current and voltage", () => {
    expect(pt.current(16_020)).toBe(`16,0${NBSP}A`);
    expect(pt.voltage(229_300)).toBe(`229${NBSP}V`);
  });
});

describe("times", () => {
  it("writes an instant in the site's zone", () => {
    expect(pt.time(AT, "America/Sao_Paulo")).toBe("13:03:22");
    expect(pt.time(AT, "America/Manaus")).toBe("12:03:22");
  });

  it("adds the year only when it is another one", () => {
    expect(pt.dayMinute(AT, AT, "America/Sao_Paulo")).not.toMatch(/2026/);
    expect(pt.dayMinute(AT, AT + 366 * 86_400_000, "America/Sao_Paulo")).toMatch(/2026/);
  });

  it("survives a zone that the browser does not know", () => {
    expect(pt.time(AT, "Mars/Olympus")).toMatch(/^\d\d:\d\d:\d\d$/);
  });

  it.each([
    [0, "agora"],
    [-5_000, "agora"],
    [12_000, /12\s*s/],
    [3 * 60_000, /3\s*min/],
    [26 * 3_600_000, /26\s*h/],
    [72 * 3_600_000, /3\s*dias/],
  ])("says how long ago %d ms is", (age, expected) => {
    expect(pt.ago(AT - age, AT)).toMatch(expected);
  });

  it.each([
    [42_000, "42 s"],
    [72 * 60_000, "1 h 12 min"],
    [3_600_000, "1 h"],
    [50 * 3_600_000, "2 d 2 h"],
    [-1, "0 s"],
  ])("writes a duration of %d ms as %s", (ms, expected) => {
    expect(pt.duration(ms).replaceAll(NBSP, " ")).toBe(expected);
  });
});

describe("frames", () => {
  it("pretty-prints JSON and leaves the rest alone", () => {
    expect(prettyJson('[2,"a"]')).toBe('[\n  2,\n  "a"\n]');
    expect(prettyJson('[2,"77","Data')).toBe('[2,"77","Data');
  });

  it("writes one JSON document per line", () => {
    expect(jsonLines([{ a: 1 }, { b: "x\ny" }])).toBe('{"a":1}\n{"b":"x\\ny"}\n');
  });
});
