/** The simulator over real sockets: handshake, replay after an outage, faults that only a wire can have. */
import { afterEach, expect, test } from "vitest";
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import { offersSubprotocols, opensTwoSockets, saysOversizeFrame } from "./behaviours/misbehaviours.ts";
import type { Car } from "./car.ts";
import { systemClock } from "./clock.ts";
import { startTestCsms, until, type Script } from "./harness.ts";
import { socketTransport } from "./socket.ts";
import { createStation } from "./station.ts";
import type { EvseOptions, OcppVersion, StationEvent, StationOptions } from "./types.ts";

const CAR: Car = { batteryWh: 58_000, socPercent: 40, maxAcW: 11_000, phases: 3, maxDcW: 120_000, seed: 1 };
const TOKEN = { idToken: "A" };
const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function csms(script?: Script) {
  const server = await startTestCsms(script);
  open.push(() => server.close());
  return server;
}

function station(url: string, version: OcppVersion, more: Partial<StationOptions> = {}) {
  const state = seedRandom([1]);
  const started = createStation({
    id: "Garage|7 A",
    version,
    evses: [{ connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" }],
    clock: systemClock,
    random: () => nextRandom(state),
    transportFactory: socketTransport({ url }),
    timing: { contactorMs: 20, tickMs: 20, rebootMs: 50, reconnectMinMs: 20, reconnectMaxMs: 100 },
    config: { MeterValueSampleInterval: "1" },
    ...more,
  });
  open.push(() => started.stop(0));
  return started;
}

test.each(["1.6", "2.0.1"] as const)(
  "OCPP %s: handshake with id, subprotocol and password, then a session",
  async (version) => {
    const server = await csms();
    const s = station(server.url, version, { password: "secret password!" });
    await until("booted", () => s.state().booted);
    expect(server.sockets[0]).toMatchObject({
      id: "Garage|7 A",
      protocol: version === "1.6" ? "ocpp1.6" : "ocpp2.0.1",
      authorization: `Basic ${Buffer.from("Garage|7 A:secret password!").toString("base64")}`,
    });
    s.plugIn(1, CAR);
    s.presentToken(1, TOKEN);
    await until("charging", () => s.state().evses[0]?.transaction?.chargingState === "Charging");
    await s.stop();
    const said = server.brain("Garage|7 A").said.map(({ action, payload }) => payload["eventType"] ?? action);
    expect(said.filter((word) => word === "StopTransaction" || word === "Ended")).toHaveLength(1);
    await until("a clean close", () => server.closeCodes.includes(1000));
    expect(server.brain("Garage|7 A").faults).toEqual([]);
  },
);

test("a lost socket: the transaction goes on, is replayed, and commands are answered again", async () => {
  const server = await csms();
  const s = station(server.url, "1.6");
  await until("booted", () => s.state().booted);
  s.plugIn(1, CAR);
  s.presentToken(1, TOKEN);
  await until("numbered", () => s.state().evses[0]?.transaction?.numberOfCsms === 1);
  s.loseSocket(300);
  await until("cut without a close frame", () => server.closeCodes.includes(1006));
  s.unplug(1);
  expect(s.state().queued).toBeGreaterThan(0);
  await until("all told", () => s.state().booted && s.state().queued === 0);
  const brain = server.brain("Garage|7 A");
  expect(brain.of("StopTransaction")[0]?.payload).toMatchObject({
    transactionId: 1,
    reason: "EVDisconnected",
  });
  expect(await server.ask("Garage|7 A", "Reset", { type: "Hard" })).toEqual({ status: "Accepted" });
  await until("booted again", () => brain.of("BootNotification").length === 3);
  expect(brain.faults).toEqual([]);
});

test("a new password is used at once, with a new connection", async () => {
  const server = await csms();
  const s = station(server.url, "1.6");
  await until("booted", () => s.state().booted);
  await server.ask("Garage|7 A", "ChangeConfiguration", {
    key: "AuthorizationKey",
    value: "new password 123",
  });
  await until("a second socket", () => server.sockets.length === 2);
  const expected = Buffer.from("Garage|7 A:new password 123").toString("base64");
  expect(server.sockets[1]?.authorization).toBe(`Basic ${expected}`);
});

test("nobody listens: it says why, and keeps trying", async () => {
  const events: StationEvent[] = [];
  const gone = await startTestCsms();
  await gone.close();
  const s = station(gone.url, "1.6", { onEvent: (event) => events.push(event) });
  const failures = () => events.filter((event) => event.kind === "disconnected");
  await until("three tries", () => failures().length >= 3);
  expect(failures()[0]).toMatchObject({ reason: expect.stringContaining("ECONNREFUSED") });
  expect(s.state()).toMatchObject({ connected: false, booted: false });
});

test("a CSMS that stops answering is left after three calls, and tried again", async () => {
  const server = await csms({ StatusNotification: (_, nth) => (nth <= 3 ? "ignore" : {}) });
  const evse: EvseOptions = { connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" };
  const timing = { callTimeoutMs: 500, reconnectMinMs: 20, reconnectMaxMs: 50 };
  const s = station(server.url, "1.6", { timing, evses: [evse, evse] });
  await until("a second socket", () => server.sockets.length === 2 && s.state().booted);
  const actions = server.brain("Garage|7 A").said.map(({ action }) => action);
  const silence = ["StatusNotification", "StatusNotification", "StatusNotification"];
  expect(actions.slice(0, 5)).toEqual(["BootNotification", ...silence, "BootNotification"]);
});

test("an oversize frame costs the socket, and the station comes back", async () => {
  const server = await csms();
  const events: StationEvent[] = [];
  const s = station(server.url, "1.6", {
    behaviours: [saysOversizeFrame()],
    onEvent: (event) => events.push(event),
  });
  await until("closed", () => events.some((event) => event.kind === "disconnected"));
  expect(events.find((event) => event.kind === "disconnected")).toMatchObject({ code: 1009 });
  await until("back", () => s.state().booted && server.sockets.length === 2);
});

test("two sockets at once: the first stays open, the second is the one that talks", async () => {
  const server = await csms();
  const s = station(server.url, "1.6", { behaviours: [opensTwoSockets(10)] });
  await until("two boots", () => s.state().booted && server.sockets.length === 2);
  expect(server.sockets.map(({ socket }) => socket.readyState)).toEqual([1, 1]);
  expect(await server.ask("Garage|7 A", "ClearCache", {})).toEqual({ status: "Accepted" });
});

test("no subprotocol offered, none spoken", async () => {
  const server = await csms();
  station(server.url, "1.6", { behaviours: [offersSubprotocols()] });
  await until("connected", () => server.sockets.length > 0);
  expect(server.sockets[0]?.protocol).toBe("");
});
