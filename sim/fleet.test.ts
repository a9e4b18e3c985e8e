import { expect, test } from "vitest";
import { DEMO_STATIONS, startFleet } from "./fleet.ts";
import { startTestCsms, until, virtualWorld } from "./station/harness.ts";

const TOKENS = [{ idToken: "DEMO-1" }, { idToken: "DEMO-2" }];

test.each(DEMO_STATIONS.filter(({ byInvitation }) => byInvitation !== true))(
  "$id charges within three seconds of its boot",
  (station) => {
    const w = virtualWorld(station.version);
    const { clock, transportFactory } = w;
    startFleet({ url: "", tokens: TOKENS, stations: [station], clock, transportFactory });
    w.clock.advance(60_000);
    const [boot] = w.brain.of("BootNotification");
    const [start] = w.brain.said.filter(
      ({ action, payload }) => action === "StartTransaction" || payload["eventType"] === "Started",
    );
    expect((start?.at ?? Infinity) - (boot?.at ?? 0)).toBeLessThan(3_000);
  },
);

test("the demo fleet charges and leaves cleanly", async () => {
  const server = await startTestCsms();
  const totals: { watts: number; currentsMa: number[] }[] = [];
  const fleet = startFleet({
    url: server.url,
    tokens: TOKENS,
    onTotalPower: (watts, currentsMa) => totals.push({ watts, currentsMa }),
  });
  try {
    const starts = (id: string) =>
      server
        .brain(id)
        .said.filter(
          ({ action, payload }) => action === "StartTransaction" || payload["eventType"] === "Started",
        );
    await until("all booted", () => fleet.stations.every((station) => station.state().booted));
    const visited = DEMO_STATIONS.filter(({ byInvitation }) => byInvitation !== true);
    await until("every station that is visited has begun", () =>
      visited.every(({ id }) => starts(id).length > 0),
    );
    await until("power is drawn", () => (totals.at(-1)?.watts ?? 0) > 1_000);
    expect(totals.at(-1)?.currentsMa).toHaveLength(3);
    await fleet.stop();
    for (const { id } of DEMO_STATIONS) {
      const stops = server
        .brain(id)
        .said.filter(
          ({ action, payload }) => action === "StopTransaction" || payload["eventType"] === "Ended",
        );
      expect(stops).toHaveLength(starts(id).length);
      expect(server.brain(id).faults).toEqual([]);
    }
    expect(totals.at(-1)).toEqual({ watts: 0, currentsMa: [0, 0, 0] });
  } finally {
    await fleet.stop(0);
    await server.close();
  }
});

test("sessions are a few minutes long, and somebody is charging most of the time", () => {
  const w = virtualWorld("1.6");
  let watts = 0;
  const stations = DEMO_STATIONS.filter(({ version }) => version === "1.6").slice(0, 1);
  startFleet({
    url: "",
    tokens: TOKENS,
    stations,
    clock: w.clock,
    transportFactory: w.transportFactory,
    onTotalPower: (total) => {
      watts = total;
    },
  });
  let busyMinutes = 0;
  for (let minute = 0; minute < 60; minute += 1) {
    w.clock.advance(60_000);
    if (watts > 0) busyMinutes += 1;
  }
  expect(busyMinutes).toBeGreaterThan(45);
  const durations = w.brain.of("StopTransaction").map(({ payload }) => {
    const start = w.brain.of("StartTransaction")[Number(payload["transactionId"]) - 1];
    return Date.parse(String(payload["timestamp"])) - Date.parse(String(start?.payload["timestamp"]));
  });
  expect(durations.length).toBeGreaterThan(10);
  expect(Math.max(...durations)).toBeLessThan(7 * 60_000);
  expect(Math.min(...durations)).toBeGreaterThan(60_000);
  expect(w.brain.faults).toEqual([]);
});
