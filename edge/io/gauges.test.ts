/** What a box tells under /sys, and what it does not. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { diskFreeBytes, readGauges } from "./gauges.ts";

const folder = mkdtempSync(join(tmpdir(), "er-gauges-"));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

/** A root with these files. */
function root(files: Record<string, string>): string {
  const path = join(folder, String(++count));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

test("wear is the upper bound of the worse of two estimates, of the worst disk", () => {
  const files = {
    "sys/block/mmcblk0/device/life_time": "0x02 0x03\n",
    "sys/block/mmcblk1/device/life_time": "0x01 0x01\n",
    "sys/block/sda/device/model": "a disk that does not tell",
  };
  expect(readGauges(folder, root(files)).diskWearPercent).toBe(30);
  const worn = { "sys/block/mmcblk0/device/life_time": "0x0b 0x01\n" };
  expect(readGauges(folder, root(worn)).diskWearPercent).toBe(110);
});

test("temperature is that of the hottest zone; nonsense is left out", () => {
  const zone = (n: number) => `sys/class/thermal/thermal_zone${n}/temp`;
  const files = { [zone(0)]: "41234\n", [zone(1)]: "55678\n", [zone(2)]: "-274000\n", [zone(3)]: "999999\n" };
  expect(readGauges(folder, root(files)).temperatureC).toBe(55.7);
});

test("what a box does not tell is absent, and no error", () => {
  const gauges = readGauges(join(folder, "nowhere"), root({ "sys/block/mmcblk0/device/life_time": "?" }));
  expect(Object.keys(gauges)).toEqual(["rssBytes"]);
  expect(gauges.rssBytes).toBeGreaterThan(1e6);
});

test("free disk is asked of the folder's file system", () => {
  expect(diskFreeBytes(folder)).toBeGreaterThan(0);
  expect(diskFreeBytes(join(folder, "nowhere"))).toBeUndefined();
});
