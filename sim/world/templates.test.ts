/** In a world without faults, stations of every version become as the operator's template says. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { assert } from "../../shared/errors.ts";
import { sameValue } from "../../shared/ocpp/device-model.ts";
import { wantedOf } from "../../shared/template.ts";
import { assemble } from "./assembly.ts";
import { noFaults } from "./faults.ts";
import { WORLD_TEMPLATE } from "./templates.ts";

test("what can be is, what takes a restart is after one, the rest is left alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "moov-templates-"));
  const world = assemble({ seed: 3, seconds: 0, faults: noFaults }, join(folder, "journal.sqlite"));
  const { er, sg, timeline, fleet, workload } = world;
  const pass = async (ms: number) => {
    const until = timeline.now() + ms;
    while (timeline.step(until)) if (sg.pending !== undefined) await sg.pending;
  };
  /** What the ER knows of each station, by what is wanted of it. */
  const known = () =>
    [...(er.runtime?.state.durable.stations.values() ?? [])].map((station) => {
      const wanted = wantedOf([WORLD_TEMPLATE], station.make, station.protocol);
      return [...wanted].map(([id, { value }]) => {
        const { read, readOnly, write } = station.configuration?.values.get(id) ?? {};
        if (read?.missing === true) return "missing";
        const has = read?.value !== undefined && sameValue(read.value, value);
        return has ? "has" : readOnly === true ? "read-only" : (write?.result ?? "open");
      });
    });
  try {
    er.start();
    await pass(1_000);
    workload.stop();
    await pass(120_000);
    expect(new Set(fleet.members.map(({ version }) => version)).size).toBeGreaterThan(1);
    assert(known().length === fleet.members.length, "every station has come");
    for (const states of known())
      expect([
        ["has", "reboot", "read-only", "missing"],
        ["has", "has", "read-only", "missing"],
      ]).toContainEqual(states);
    for (const { station } of fleet.members) station.reboot();
    await pass(120_000);
    for (const states of known()) expect(states).toEqual(["has", "has", "read-only", "missing"]);
  } finally {
    er.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
