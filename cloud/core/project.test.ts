/** Entries → changes: what each kind of entry means, and what happens to entries that mean nothing. */
import { describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { Entry, EntryBody } from "../../shared/entry.ts";
import {
  event201,
  handled,
  meter16,
  NOON,
  offline,
  online,
  sampled,
  start16,
  status16,
  stop16,
} from "../harness.ts";
import { emptyChanges, type Changes } from "./changes.ts";
import { project, readEntry, type Names } from "./project.ts";

const NAMES: Names = { stationId: (identity) => `park~${identity}`, meterId: (id) => `er-1.${id}` };
const ID = "0196a000-0000-7000-8000-000000000001";
const STATION = "park~CP1";

const entryOf = (body: EntryBody, seq = 1, at = NOON + seq * 1_000): Entry =>
  ({ seq, at, upMs: seq * 1_000, clock: "synced", ...body }) as Entry;

/** The changes of entries that follow each other by a second. */
function changesOf(...bodies: EntryBody[]): Changes {
  const changes = emptyChanges();
  bodies.forEach((body, i) => project(changes, entryOf(body, i + 1), NAMES));
  return changes;
}

const transactionOf = (...bodies: EntryBody[]) => {
  const { transactions } = changesOf(...bodies);
  expect(transactions.size).toBe(1);
  return transactions.get(ID);
};

describe("reading entries", () => {
  const kinds: EntryBody[] = [
    status16("CP1", 1, "Available"),
    {
      kind: "ocpp.rejected",
      stationId: "CP1",
      protocol: "ocpp1.6",
      request: "{",
      code: "FormatViolation",
      reason: "no",
    },
    {
      kind: "ocpp.called",
      stationId: "CP1",
      protocol: "ocpp1.6",
      action: "Reset",
      request: "[2]",
      failure: "timeout",
    },
    online("CP1"),
    offline("CP1"),
    sampled("grid", 1, 2),
    { kind: "meter.health", meterId: "grid", state: "lost", model: "sdm630" },
    { kind: "command.accepted", commandId: ID, stationId: "CP1", commandKind: "Reset" },
    {
      kind: "command.finished",
      commandId: ID,
      stationId: "CP1",
      status: "succeeded",
      response: { status: "Accepted" },
    },
    { kind: "policy.applied", version: 3 },
    { kind: "lease.granted", first: 1, count: 1_000 },
    { kind: "clock.synced", offsetMs: -5 },
    { kind: "er.started", boot: ID, release: "1.0.0" },
    { kind: "er.stopped" },
  ];

  test.each(kinds.map((body) => [body.kind, body] as const))(
    "%s is known and can be applied",
    (_kind, body) => {
      const entry = readEntry(JSON.parse(JSON.stringify(entryOf(body))));
      expect(entry).toEqual(entryOf(body));
      expect(() => project(emptyChanges(), entry as Entry, NAMES)).not.toThrow();
    },
  );

  test.each([
    ["nothing", null, "unknown kind undefined"],
    ["text", "er.stopped", "unknown kind undefined"],
    [
      "a kind of the future",
      { ...entryOf({ kind: "er.stopped" }), kind: "er.upgraded" },
      "unknown kind er.upgraded",
    ],
    [
      "a name of Object's",
      { ...entryOf({ kind: "er.stopped" }), kind: "constructor" },
      "unknown kind constructor",
    ],
    ["a missing field", { ...entryOf(online("CP1")), protocol: undefined }, /protocol/],
    ["a wrong type", { ...entryOf(online("CP1")), at: "today" }, /at/],
    ["a station id with a control character", entryOf(online("CP\u00001")), /stationId/],
  ])("%s is refused with a reason", (_what, value, reason) => {
    expect(readEntry(value)).toEqual(typeof reason === "string" ? reason : expect.stringMatching(reason));
  });

  test("fields of a later release do not make an entry unreadable", () => {
    const entry = { ...entryOf(online("CP1")), weather: "fine" };
    expect(readEntry(entry)).toEqual(entry);
  });
});

describe("stations", () => {
  test("a boot gives the nameplate", () => {
    const payload = {
      chargePointVendor: "ACME",
      chargePointModel: "X",
      firmwareVersion: "1.2",
      chargePointSerialNumber: "S1",
    };
    const boot = handled("CP1", "ocpp1.6", "BootNotification", payload, { status: "Accepted" });
    expect(changesOf(boot).stations.get(STATION)).toMatchObject({
      vendor: "ACME",
      model: "X",
      firmware_version: "1.2",
      serial_number: "S1",
      booted_at: NOON + 1_000,
      protocol: "ocpp1.6",
    });
  });

  test("online and offline are kept with their time, and stand in the timeline", () => {
    const changes = changesOf(online("CP1"), offline("CP1"));
    expect(changes.stations.get(STATION)).toMatchObject({ online: false, online_changed_at: NOON + 2_000 });
    expect(changes.messages.map((m) => [m.kind, m.reason])).toEqual([
      ["station.online", undefined],
      ["station.offline", "closed 1006"],
    ]);
  });

  test("a start of the ER puts stations offline, those that come back later are online", () => {
    const started: EntryBody = { kind: "er.started", boot: ID, release: "1.0.0" };
    const changes = changesOf(online("CP1"), online("CP2"), started, online("CP2"));
    expect(changes.allOffline).toBe(true);
    expect(changes.stations.get("park~CP1")).toMatchObject({
      online: false,
      online_changed_at: NOON + 3_000,
    });
    expect(changes.stations.get("park~CP2")).toMatchObject({ online: true, online_changed_at: NOON + 4_000 });
  });

  test("a status is kept with the finer word of OCPP 1.6, at the ER's time", () => {
    const changes = changesOf(status16("CP1", 2, "Preparing"), status16("CP1", 2, "SuspendedEV"));
    expect([...changes.connectors.values()]).toEqual([
      {
        station_id: STATION,
        evse_id: 2,
        connector_id: 1,
        status: "Occupied",
        detail: "SuspendedEV",
        status_at: NOON + 2_000,
      },
    ]);
  });

  test("every frame stands in the timeline as it was on the wire", () => {
    const request = '[2,"x", "Heartbeat",{ }]';
    const rejected: EntryBody = {
      kind: "ocpp.rejected",
      stationId: "CP1",
      protocol: "ocpp1.6",
      request: "\u0000 no frame",
      code: "FormatViolation",
      reason: "no JSON",
    };
    const called: EntryBody = {
      kind: "ocpp.called",
      stationId: "CP1",
      protocol: "ocpp1.6",
      action: "Reset",
      request: "[2]",
      failure: "timeout",
      commandId: ID,
    };
    const { messages } = changesOf(
      { ...handled("CP1", "ocpp1.6", "Heartbeat", {}, {}), request } as EntryBody,
      rejected,
      called,
    );
    expect(messages).toMatchObject([
      { seq: 1, kind: "ocpp.handled", request, response: '[3,"m1",{}]' },
      { seq: 2, kind: "ocpp.rejected", request: "\u0000 no frame", reason: "FormatViolation: no JSON" },
      { seq: 3, kind: "ocpp.called", reason: "timeout", command_id: ID },
    ]);
  });
});

describe("transactions", () => {
  test("a whole OCPP 1.6 transaction", () => {
    const whole = transactionOf(
      start16("CP1", ID, { meterStart: 1_000 }),
      meter16("CP1", ID, { at: 30_000, wh: 3_000, powerW: 7_200 }),
      stop16("CP1", ID, { at: 60_000, meterStop: 5_000, reason: "EVDisconnected" }),
    );
    expect(whole).toMatchObject({
      ocpp_transaction_id: "7",
      evse_id: 1,
      connector_id: 1,
      started_at: NOON,
      ended_at: NOON + 60_000,
      meter_start_wh: 1_000,
      meter_stop_wh: 5_000,
      last_energy_wh: 3_000,
      power_w: 0,
      id_token: "TAG1",
      authorized_by: "sg",
      authorization_status: "Accepted",
      stopped_reason: "EVDisconnected",
      flags: [],
      needs_review: false,
    });
  });

  test("a whole OCPP 2.0.1 transaction", () => {
    const whole = transactionOf(
      event201(
        "CP1",
        ID,
        "Started",
        { wh: 100, idToken: "AA", chargingState: "EVConnected" },
        { basis: "policy" },
      ),
      event201("CP1", ID, "Updated", { at: 10_000, wh: 200, chargingState: "Charging" }),
      event201("CP1", ID, "Ended", { at: 20_000, wh: 300 }),
    );
    expect(whole).toMatchObject({
      ocpp_transaction_id: "wire-0196a000",
      evse_id: 2,
      started_at: NOON,
      ended_at: NOON + 20_000,
      meter_start_wh: 100,
      meter_stop_wh: 300,
      last_energy_wh: 300,
      id_token: "AA",
      authorized_by: "policy",
      charging_state: "Charging",
      stopped_reason: "Local",
    });
  });

  test("a repeated message changes nothing but the timeline", () => {
    const changes = changesOf(stop16("CP1", ID, {}, { basis: "repeat" }));
    expect(changes.transactions.size).toBe(0);
    expect(changes.messages).toHaveLength(1);
  });

  test("a stop whose start was never seen makes a transaction for a person to look at", () => {
    const orphan = transactionOf(stop16("CP1", ID, { meterStop: 900 }, { flags: ["orphan-stop"] }));
    expect(orphan).toMatchObject({ meter_stop_wh: 900, needs_review: true, flags: ["orphan-stop"] });
    expect(orphan?.started_at).toBeUndefined();
  });

  test("flags are kept once; those that nobody has to look at do not ask for a review", () => {
    const flags = ["replayed", "replayed"];
    expect(transactionOf(start16("CP1", ID, {}, { flags }))).toMatchObject({
      flags: ["replayed"],
      needs_review: false,
    });
  });

  test("of two stops the lower register counts", () => {
    const twice = transactionOf(
      stop16("CP1", ID, { meterStop: 5_000 }),
      stop16("CP1", ID, { meterStop: 4_000 }, { flags: ["conflicting-stop"] }),
      stop16("CP1", ID, { meterStop: 6_000 }, { flags: ["conflicting-stop"] }),
    );
    expect(twice).toMatchObject({ meter_stop_wh: 4_000, needs_review: true });
  });

  test("a second start does not move the first register", () => {
    const twice = transactionOf(
      start16("CP1", ID, { meterStart: 1_000 }),
      start16("CP1", ID, { meterStart: 2_000 }),
    );
    expect(twice).toMatchObject({ meter_start_wh: 1_000 });
  });

  test("a register that falls is flagged, and the highest one is kept", () => {
    const fell = transactionOf(
      meter16("CP1", ID, { at: 1_000, wh: 3_000 }),
      meter16("CP1", ID, { at: 2_000, wh: 2_500 }),
      meter16("CP1", ID, { at: 3_000, wh: 2_900 }),
    );
    expect(fell).toMatchObject({ last_energy_wh: 3_000, flags: ["register-fell"] });
  });

  test("a stop below the register that was seen is flagged", () => {
    const below = transactionOf(meter16("CP1", ID, { wh: 3_000 }), stop16("CP1", ID, { meterStop: 2_000 }));
    expect(below).toMatchObject({ meter_stop_wh: 2_000, flags: ["stop-below-register"] });
  });

  test("power is that of the latest sample, however they arrive", () => {
    const late = transactionOf(
      meter16("CP1", ID, { at: 9_000, wh: 10, powerW: 7_000 }),
      meter16("CP1", ID, { at: 3_000, wh: 5, powerW: 1_000 }),
    );
    expect(late).toMatchObject({ power_w: 7_000, last_sample_at: NOON + 9_000 });
  });

  test("nothing flows after the end, whatever a late reading says", () => {
    const late = transactionOf(stop16("CP1", ID), meter16("CP1", ID, { at: 90_000, wh: 10, powerW: 7_000 }));
    expect(late).toMatchObject({ power_w: 0 });
  });

  test("a refused OCPP 1.6 start counts as ended", () => {
    const refused = transactionOf(start16("CP1", ID, { status: "Invalid" }));
    expect(refused).toMatchObject({
      authorization_status: "Invalid",
      ended_at: NOON,
      stopped_reason: "DeAuthorized",
    });
  });

  test("a refused OCPP 2.0.1 token leaves the transaction running: the station ends it", () => {
    const running = transactionOf(event201("CP1", ID, "Started", { idToken: "AA", status: "Invalid" }));
    expect(running).toMatchObject({ authorization_status: "Invalid" });
    expect(running?.ended_at).toBeUndefined();
  });

  test("readings without a transaction stand in the timeline only", () => {
    const changes = changesOf({
      ...meter16("CP1", ID, { wh: 1 }),
      transactionId: undefined,
    } as unknown as EntryBody);
    expect(changes.transactions.size).toBe(0);
    expect(changes.samples).toEqual([]);
    expect(changes.messages).toHaveLength(1);
  });

  test("a stop that violates the schema is read as the ER read it: by its three fields that matter", () => {
    const payload = {
      transactionId: 7,
      meterStop: 4_200,
      timestamp: new Date(NOON).toISOString(),
      idTag: null,
      reason: 5,
      transactionData: [null, { timestamp: 1, sampledValue: "none" }],
    };
    const stop = handled(
      "CP1",
      "ocpp1.6",
      "StopTransaction",
      payload,
      {},
      { transactionId: ID, flags: ["schema-violation"] },
    );
    expect(transactionOf(stop)).toMatchObject({ meter_stop_wh: 4_200, ended_at: NOON, needs_review: true });
  });
});

describe("times of stations", () => {
  const DAY = 86_400_000;
  test.each([
    ["an hour ago", -3_600_000, true],
    ["a year ago", -365 * DAY, true],
    ["two years ago", -730 * DAY, false],
    ["in a minute", 60_000, true],
    ["in two days", 2 * DAY, false],
  ])("%s", (_when, offsetMs, believed) => {
    const started = transactionOf(start16("CP1", ID, { at: offsetMs }));
    expect(started?.started_at).toBe(believed ? NOON + offsetMs : NOON + 1_000);
  });

  test("no time at all is the ER's time", () => {
    const payload = { connectorId: 1, idTag: "T", meterStart: 0, timestamp: "yesterday" };
    const answer = { transactionId: 1, idTagInfo: { status: "Accepted" } };
    const start = handled("CP1", "ocpp1.6", "StartTransaction", payload, answer, { transactionId: ID });
    expect(transactionOf(start)).toMatchObject({ started_at: NOON + 1_000 });
  });
});

describe("meters, commands, the ER", () => {
  test("a reading makes a sample and the present state", () => {
    const changes = changesOf(sampled("grid", 1_000, 700), sampled("grid", 1_001, 800));
    expect(changes.meterSamples).toMatchObject([
      { meter_id: "er-1.grid", energy_import_wh: 1_000, power_w: 700 },
      { energy_import_wh: 1_001, power_w: 800, power_phases_w: [800], at: NOON + 2_000 },
    ]);
    expect(changes.meters.get("er-1.grid")).toMatchObject({
      state: "ok",
      sampled_at: NOON + 2_000,
      reading: { powerW: 800 },
    });
  });

  test("a lost meter says why, and keeps its last reading", () => {
    const lost: EntryBody = {
      kind: "meter.health",
      meterId: "grid",
      state: "lost",
      model: "sdm630",
      reason: "timeout",
    };
    const changes = changesOf(sampled("grid", 1_000, 700), lost);
    expect(changes.meters.get("er-1.grid")).toMatchObject({
      state: "lost",
      state_reason: "timeout",
      reading: { powerW: 700 },
    });
  });

  test("a command's life", () => {
    const changes = changesOf(
      { kind: "command.accepted", commandId: ID, stationId: "CP1", commandKind: "Reset" },
      {
        kind: "command.finished",
        commandId: ID,
        stationId: "CP1",
        status: "rejected",
        reason: "busy",
        response: { status: "Rejected" },
      },
    );
    expect(changes.commands.get(ID)).toEqual({
      command_id: ID,
      accepted_at: NOON + 1_000,
      accepted_seq: 1,
      finished_at: NOON + 2_000,
      status: "rejected",
      reason: "busy",
      response: { status: "Rejected" },
    });
  });

  test("the ER's own entries", () => {
    const boot = randomUUID();
    const changes = changesOf(
      { kind: "er.stopped" },
      { kind: "er.started", boot, release: "2.0.0" },
      { kind: "policy.applied", version: 4 },
      { kind: "clock.synced", offsetMs: 1_234 },
      { kind: "lease.granted", first: 1, count: 1_000 },
    );
    expect(changes.er).toEqual({
      boot,
      release: "2.0.0",
      started_at: NOON + 2_000,
      stopped_at: null,
      policy_version: 4,
      clock_offset_ms: 1_234,
      clock: "synced",
    });
  });
});

test.each([
  ["a request that is no JSON", { request: "[2,", response: "[3]" }],
  ["a request without a payload", { request: '[2,"m","StartTransaction"]' }],
  ["a response that is no JSON", { response: "" }],
])("%s throws, so that the entry is parked", (_what, frames) => {
  const entry = entryOf({ ...start16("CP1", ID), ...frames } as EntryBody);
  expect(() => project(emptyChanges(), entry, NAMES)).toThrow();
});
