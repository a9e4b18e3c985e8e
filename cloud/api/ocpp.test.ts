/** What may be sent: kinds and messages with their schemas; what a version cannot do is refused before it is sent. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Ajv } from "ajv";
import { COMMAND_KINDS } from "../../shared/command.ts";
import { actionsOf } from "../../shared/ocpp/schemas.ts";
import { arrive, Journal, online, openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";

let db: TestDb;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  const journal = new Journal("er-1", "site-1");
  await arrive(db.pool, journal.commit([online("CP16", "ocpp1.6"), online("CP201", "ocpp2.0.1")]));
});
afterAll(async () => {
  await api.close();
  await db.close();
});

type Kind = { kind: string; protocols: string[]; params: object; example: object };

test("every kind of command has a schema that its example fits, and at least one version that can do it", async () => {
  const { items } = (await api.get("/v1/command-kinds")).body as { items: Kind[] };
  expect(items.map((item) => item.kind)).toEqual(COMMAND_KINDS);
  for (const { kind, protocols, params, example } of items) {
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(params);
    expect([kind, validate(example), validate.errors]).toEqual([kind, true, null]);
    expect(protocols.length, kind).toBeGreaterThan(0);
  }
  const of = (kind: string) => items.find((item) => item.kind === kind)?.protocols;
  expect(of("GetLog")).toEqual(["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]);
  expect(of("ChangeConfiguration")).toEqual(["ocpp1.6"]);
  expect(of("SetDisplayMessage")).toEqual(["ocpp2.0.1", "ocpp2.1"]);
  expect(of("UsePriorityCharging")).toEqual(["ocpp2.1"]);
});

test("what describes a command is not larger than it has to be", async () => {
  expect((await api.get("/v1/command-kinds")).text.length).toBeLessThan(400_000);
  const { request } = (await api.get("/v1/ocpp/ocpp2.1/actions/ClearCache")).body as { request: object };
  expect(Object.keys((request as { definitions: object }).definitions)).toEqual(["CustomDataType"]);
});

test("every message of every version, with its official schemas", async () => {
  for (const protocol of ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const) {
    const { items } = (await api.get(`/v1/ocpp/${protocol}/actions`)).body as { items: { action: string }[] };
    expect(items.map((item) => item.action)).toEqual(actionsOf(protocol));
  }
  expect((await api.get("/v1/ocpp/ocpp1.6/actions/Reset")).body).toMatchObject({
    ...{ action: "Reset", request: { required: ["type"] }, response: { required: ["status"] } },
  });
  for (const path of ["ocpp1.6/actions/Explode", "ocpp1.5/actions/Reset", "ocpp1.6/actions/constructor"])
    expect((await api.get(`/v1/ocpp/${path}`)).status).toBe(404);
});

describe("before it is sent", () => {
  const send = (station: string, kind: string, params: object) =>
    api.send("POST", `/v1/stations/${station}/commands`, { kind, params });

  test.each<[string, string, object, string]>([
    [
      "CP16",
      "SetDisplayMessage",
      { message: { id: 1, priority: "InFront", message: { format: "UTF8", content: "x" } } },
      "OCPP 1.6 has no SetDisplayMessage",
    ],
    ["CP16", "RequestStartTransaction", { idToken: { idToken: "x".repeat(21) } }, "20 characters"],
    ["CP16", "Reset", { type: "Immediate", evseId: 1 }, "whole station"],
    ["CP201", "ChangeConfiguration", { key: "A", value: "1" }, "use Get/SetVariables"],
    [
      "CP201",
      "UsePriorityCharging",
      { transactionId: "t", activate: true },
      "OCPP 2.0.1 has no UsePriorityCharging",
    ],
  ])("%s: %s is refused where the version cannot do it", async (station, kind, params, reason) => {
    const reply = await send(station, kind, params);
    expect(reply, reply.text).toMatchObject({ status: 400, body: { code: "NOT_SUPPORTED" } });
    expect(reply.text).toContain(reason);
  });

  test("any CALL is looked at with the official schema of the station's version", async () => {
    const call = (action: string, payload: object) => ({ action, payload });
    expect((await send("CP16", "Call", call("Reset", { type: "Hard" }))).status).toBe(202);
    const wrong = await send("CP201", "Call", call("Reset", { type: "Hard" }));
    expect(wrong).toMatchObject({ status: 400, body: { code: "INVALID_PARAMS" } });
    expect(wrong.body).toMatchObject({ errors: [{ pointer: "/body/params/payload/type" }] });
    expect((await send("CP201", "Call", call("RemoteStartTransaction", {}))).status).toBe(400);
  });

  test("a place is named once", async () => {
    const chargingProfile = {
      id: 1,
      stackLevel: 0,
      chargingProfilePurpose: "TxProfile",
      chargingProfileKind: "Relative",
    };
    const reply = await send("CP201", "SetChargingProfile", {
      evseId: 1,
      chargingProfile: { ...chargingProfile, chargingSchedule: [] },
    });
    expect(reply.body).toMatchObject({
      detail: "SetChargingProfile: params/chargingProfile/chargingSchedule must NOT have fewer than 1 items",
      errors: [
        {
          pointer: "/body/params/chargingProfile/chargingSchedule",
          message: "must NOT have fewer than 1 items",
        },
      ],
    });
  });

  test("what the ER fills in may be left out", async () => {
    for (const station of ["CP16", "CP201"]) {
      expect((await send(station, "GetLog", { logType: "DiagnosticsLog" })).status).toBe(202);
      const firmware = { location: "https://example.org/fw.bin" };
      expect((await send(station, "UpdateFirmware", { firmware })).status).toBe(202);
      const reserve = {
        expiryDateTime: "2026-11-22T13:00:00Z",
        evseId: 1,
        idToken: { idToken: "A", type: "Local" },
      };
      expect((await send(station, "ReserveNow", reserve)).status).toBe(202);
    }
  });
});
