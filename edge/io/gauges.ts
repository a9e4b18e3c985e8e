/**
 * What the box is like, read from Linux: disk, wear of the flash, temperature, memory.
 *
 * Every reading is optional: what a box does not tell is absent, never an error.
 */
import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { defined } from "../../shared/given.ts";

export type Gauges = {
  diskFreeBytes?: number;
  diskWearPercent?: number;
  temperatureC?: number;
  rssBytes: number;
};

const entriesOf = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};
const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
};
const highest = (values: number[]): number | undefined =>
  values.length === 0 ? undefined : Math.max(...values);

/** Bytes that the file system of a folder has left for others than root. */
export function diskFreeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** eMMC tells two estimates of its life used, in steps of a tenth: "0x02 0x01" is up to 20 %. */
function wearPercent(root: string): number | undefined {
  const steps = entriesOf(join(root, "sys/block")).flatMap((device) => {
    const text = textOf(join(root, "sys/block", device, "device/life_time")) ?? "";
    return text
      .split(/\s+/)
      .map(Number)
      .filter((step) => step >= 1 && step <= 11);
  });
  const most = highest(steps);
  return most === undefined ? undefined : most * 10;
}

/** The hottest zone; those that tell nonsense are left out. */
function temperatureC(root: string): number | undefined {
  const zones = entriesOf(join(root, "sys/class/thermal")).filter((name) => name.startsWith("thermal_zone"));
  const values = zones.flatMap((zone) => {
    const milli = Number(textOf(join(root, "sys/class/thermal", zone, "temp")) ?? "");
    return Number.isFinite(milli) && milli > 1_000 && milli < 150_000 ? [milli / 1_000] : [];
  });
  const hottest = highest(values);
  return hottest === undefined ? undefined : Math.round(hottest * 10) / 10;
}

/** @param root where `/sys` is, for tests. */
export function readGauges(folder: string, root = "/"): Gauges {
  return defined({
    diskFreeBytes: diskFreeBytes(folder),
    diskWearPercent: wearPercent(root),
    temperatureC: temperatureC(root),
    rssBytes: process.memoryUsage.rss(),
  });
}
