/** The simulated meter: what a load adds up to, and what a plain Modbus master sees. */
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { loadMeterModels } from "../edge/io/modbus.ts";
import { checkPlausible, remember, type MeterModel } from "../edge/core/meter.ts";
import { createLoad, startSimMeter, type RunningSim } from "./modbus-meter.ts";

const sdm120 = loadMeterModels().get("eastron-sdm120") as MeterModel;

describe("the load", () => {
  test("adds up consumers per phase and counts their energy, to the watt millisecond", () => {
    let nowMs = 1_000_000;
    const load = createLoad(() => nowMs, { importWh: 5_000 });
    load.setPower("car-1", 11_040);
    load.setPower("car-2", 2_300, [2]);
    expect(load.reading()).toMatchObject({
      powerW: 13_340,
      powerPhasesW: [3_680, 5_980, 3_680],
      energyImportWh: 5_000,
    });
    for (let i = 0; i < 3_600; i++) {
      nowMs += 500;
      load.reading();
    }
    expect(load.reading().energyImportWh).toBe(5_000 + 13_340 / 2);
    load.setPower("car-1", 0);
    load.setPower("car-2", 0);
    load.setPower("roof", -3_000);
    nowMs += 3_600_000;
    expect(load.reading()).toMatchObject({ energyImportWh: 11_670, energyExportWh: 3_000, powerW: -3_000 });
  });

  test("is plausible, and never frozen under a constant load", () => {
    let nowMs = 0;
    const load = createLoad(() => nowMs);
    load.setPower("car", 7_360, [1, 2]);
    let previous = remember(undefined, load.reading(), 0);
    for (; nowMs < 600_000; nowMs += 1_000) {
      const reading = load.reading();
      expect(checkPlausible(sdm120, previous, { ...reading }, 1_000)).toEqual([]);
      previous = remember(previous, reading, 1_000);
    }
  });
});

describe("on the wire", () => {
  let sim: RunningSim | undefined;
  afterEach(() => sim?.close());

  const exchange = async (rtu: boolean, request: string): Promise<string> => {
    const reading = () => ({ voltagePhasesMv: [230_000] });
    sim = await startSimMeter({ model: sdm120, unitId: 1, reading, listen: { tcp: 0, rtu } });
    const socket = connect(sim.port, "127.0.0.1");
    socket.write(Buffer.from(request.replaceAll(" ", ""), "hex"));
    const answer = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    socket.destroy();
    return answer.toString("hex");
  };

  test("answers the manual's example request: 230 V is 43 66 00 00", async () => {
    expect(await exchange(true, "01 04 00 00 00 02 71 CB")).toBe("01040443660000" + "0e1f");
  });

  test("answers in TCP framing with the number it was asked with", async () => {
    expect(await exchange(false, "BEEF 0000 0006 01 04 0000 0002")).toBe("beef00000007" + "01040443660000");
  });

  test("refuses registers it does not have, and functions it does not know", async () => {
    expect(await exchange(false, "0001 0000 0006 01 04 0200 0002")).toBe("000100000003" + "018402");
    await sim?.close();
    expect(await exchange(false, "0001 0000 0006 01 06 0000 0002")).toBe("000100000003" + "018601");
  });
});
