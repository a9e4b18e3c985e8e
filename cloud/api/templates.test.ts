/** Configuration templates through the API: kept, checked, sent to the sites, and what the stations make of them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { EntryBody, Protocol } from "../../shared/entry.ts";
import { TEMPLATES_MAX, TEMPLATE_VARIABLES_MAX } from "../../shared/limits.ts";
import { callText, resultText } from "../../shared/ocpp/frame.ts";
import { TEMPLATE } from "../../shared/ocpp/upkeep.ts";
import { Policy } from "../../shared/policy.ts";
import { checkWire } from "../../shared/wire.ts";
import { arrive, handled, Journal, online, openTestApi, openTestDb, storeAll } from "../harness.ts";
import type { TestApi, TestDb } from "../harness.ts";
import { createApiKey } from "./actor.ts";
import { readPolicy } from "../ingest/policy.ts";
import type { Page, Station } from "./schemas.ts";
import type { ConfigurationValue, StationConfiguration, StationTemplate } from "./template-schemas.ts";

let db: TestDb;
let api: TestApi;
const first = new Journal("er-1", "site-1");
const second = new Journal("er-2", "site-2");

const boot = (stationId: string, protocol: Protocol, firmware: string): EntryBody => {
  const answer = { currentTime: "2026-05-04T12:00:00Z", interval: 300, status: "Accepted" };
  return protocol === "ocpp1.6"
    ? handled(
        stationId,
        protocol,
        "BootNotification",
        { chargePointVendor: "Acme", chargePointModel: "Wall", firmwareVersion: firmware },
        answer,
      )
    : handled(
        stationId,
        protocol,
        "BootNotification",
        {
          reason: "PowerUp",
          chargingStation: { vendorName: "Acme", model: "Wall", firmwareVersion: firmware },
        },
        answer,
      );
};

/** A call of the ER that carries out a template. */
const called = (
  stationId: string,
  protocol: Protocol,
  action: string,
  request: object,
  response: object,
): EntryBody => ({
  ...{ kind: "ocpp.called", stationId, protocol, action, cause: TEMPLATE },
  request: callText("m1", action, request),
  response: resultText("m1", response),
});

beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  await arrive(db.pool, first.commit([online("CP1"), boot("CP1", "ocpp1.6", "1.4")]));
  await arrive(db.pool, second.commit([online("CP2"), boot("CP2", "ocpp2.0.1", "2.0")]));
  await db.pool.query("insert into operator (operator_id, name) values ('rival', 'rival')");
  await arrive(db.pool, new Journal("er-3", "site-rival").commit([online("CP9")]), "rival");
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const post = (body: object, headers: Record<string, string> = {}) =>
  api.send("POST", "/v1/station-templates", body, headers);
const create = async (body: object) => {
  const reply = await post({ name: randomUUID(), ...body });
  expect(reply.status, reply.text).toBe(201);
  return reply.body as StationTemplate;
};
const remove = (templateId: string) =>
  api.app.inject({
    method: "DELETE",
    url: `/v1/station-templates/${templateId}`,
    headers: { authorization: `Bearer ${api.key}` },
  });
const policyAt = async (siteId: string) => checkWire(Policy, await readPolicy(db.pool, siteId));
const configuration = async (stationId: string, query = "") =>
  (await api.get(`/v1/stations/${stationId}/configuration${query}`)).body as StationConfiguration;
const valueOf = async (stationId: string, name: string) =>
  (await configuration(stationId)).values.find((value) => value.name === name) as ConfigurationValue;
const driftOf = async (stationId: string) =>
  ((await api.get("/v1/stations")).body as Page<Station>).items.find((s) => s.stationId === stationId)
    ?.configurationDrift;
const HEARTBEAT = { variable: "HeartbeatInterval", value: "300" };

describe("a template", () => {
  test("is kept, told, changed and taken away; each is audited and makes a new policy for the sites", async () => {
    const versions = [(await policyAt("site-1")).version];
    const full = {
      ...{ name: "Acme 1.x", vendor: "Acme", model: "Wall*", firmware: "1.*", siteIds: ["site-1"] },
      priority: 3,
      variables: [HEARTBEAT, { component: "ClockCtrlr", variable: "TimeZone", value: "UTC" }],
    };
    const template = await create(full);
    expect(template).toMatchObject(full);
    const path = `/v1/station-templates/${template.templateId}`;
    expect((await api.get(path)).body).toEqual(template);
    const policy = await policyAt("site-1");
    const { siteIds: _sites, ...sent } = full;
    expect(policy.templates).toEqual([{ templateId: template.templateId, ...sent }]);
    expect((await policyAt("site-2")).templates).toBeUndefined();
    versions.push(policy.version);
    const changed = await api.send("PATCH", path, { firmware: null, siteIds: null, variables: [HEARTBEAT] });
    expect(changed.body).toMatchObject({ ...full, firmware: null, siteIds: null, variables: [HEARTBEAT] });
    versions.push((await policyAt("site-1")).version);
    expect((await policyAt("site-2")).templates).toHaveLength(1);
    expect((await remove(template.templateId)).statusCode).toBe(200);
    expect((await remove(template.templateId)).statusCode).toBe(404);
    expect((await api.get(path)).status).toBe(404);
    versions.push((await policyAt("site-1")).version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    const rows = await db.rows<{ action: string }>(
      "select action from audit where subject = $1 order by audit_id",
      template.templateId,
    );
    expect(rows.map(({ action }) => action)).toEqual([
      "template.create",
      "template.update",
      "template.delete",
    ]);
  });

  test("is made once per Idempotency-Key", async () => {
    const body = { name: "once", variables: [HEARTBEAT] };
    const replies = [
      await post(body, { "idempotency-key": "k1" }),
      await post(body, { "idempotency-key": "k1" }),
    ];
    expect(replies[1]?.body).toEqual(replies[0]?.body);
    expect((await api.get("/v1/station-templates")).body).toMatchObject({ items: [{ name: "once" }] });
    await db.pool.query("delete from station_template");
  });

  test.each([
    ["a value that the ER keeps", [{ variable: "LocalPreAuthorize", value: "true" }]],
    [
      "the same under its 2.x name",
      [{ component: "AuthCtrlr", variable: "OfflineTxForUnknownIdEnabled", value: "true" }],
    ],
    [
      "the same by another's key",
      [{ component: "Acme", variable: "X", key16: "stoptransactiononinvalidid", value: "false" }],
    ],
    [
      "an instance of it",
      [
        {
          ...{ component: "OCPPCommCtrlr", variable: "MessageAttempts" },
          ...{ variableInstance: "TransactionEvent", value: "1" },
        },
      ],
    ],
    ["a password", [{ component: "SecurityCtrlr", variable: "BasicAuthPassword", value: "s3cret" }]],
    ["what lets a station connect", [{ variable: "SecurityProfile", value: "3" }]],
  ])("may not name %s", async (_what, variables) => {
    const reply = await post({ name: "refused", variables });
    expect(reply).toMatchObject({ status: 400, body: { code: "TEMPLATE_VARIABLE_REFUSED" } });
  });

  test.each([
    [
      "the same value twice",
      { variables: [HEARTBEAT, { component: "OCPPCommCtrlr", variable: "heartbeatinterval", value: "2" }] },
      "TEMPLATE_VARIABLE_TWICE",
    ],
    ["a site that is not there", { variables: [], siteIds: ["nowhere"] }, "UNKNOWN_SITE"],
    ["another's site", { variables: [], siteIds: ["site-rival"] }, "UNKNOWN_SITE"],
    ["a value without a name", { variables: [{ value: "1" }] }, "INVALID_REQUEST"],
    ["a number for a value", { variables: [{ variable: "A", value: 1 }] }, "INVALID_REQUEST"],
    ["an unknown field", { variables: [], vendors: ["Acme"] }, "INVALID_REQUEST"],
    [
      "too many values",
      {
        variables: Array.from({ length: TEMPLATE_VARIABLES_MAX + 1 }, (_, n) => ({
          variable: `K${n}`,
          value: "1",
        })),
      },
      "INVALID_REQUEST",
    ],
  ])("with %s is refused", async (_what, body, code) => {
    expect(await post({ name: "refused", ...body })).toMatchObject({ status: 400, body: { code } });
  });

  test("is its operator's alone", async () => {
    const template = await create({ variables: [HEARTBEAT] });
    const rival = await createApiKey(db.pool, "rival", "key");
    expect((await api.get("/v1/station-templates", rival)).body).toEqual({ items: [], nextCursor: null });
    expect((await api.get(`/v1/station-templates/${template.templateId}`, rival)).status).toBe(404);
    const headers = { authorization: `Bearer ${rival}` };
    for (const method of ["PATCH", "DELETE"] as const) {
      const payload = method === "PATCH" ? { name: "theirs" } : undefined;
      const url = `/v1/station-templates/${template.templateId}`;
      const reply = await api.app.inject({ method, url, headers, ...(payload && { payload }) });
      expect(reply.statusCode).toBe(404);
    }
    expect((await policyAt("site-rival")).templates).toBeUndefined();
    await remove(template.templateId);
  });

  test("has a name of its own, and there is an end to them", async () => {
    const one = await create({ name: "Same", variables: [] });
    const taken = { status: 409, body: { code: "TEMPLATE_EXISTS" } };
    expect(await post({ name: "same", variables: [] })).toMatchObject(taken);
    const other = await create({ variables: [] });
    const path = `/v1/station-templates/${other.templateId}`;
    expect(await api.send("PATCH", path, { name: "SAME" })).toMatchObject(taken);
    await db.pool.query(
      `insert into station_template (template_id, operator_id, name, variables)
       select gen_random_uuid(), 'default', 'many ' || n, '[]' from generate_series(3, $1) n`,
      [TEMPLATES_MAX],
    );
    expect(await post({ name: "one more", variables: [] })).toMatchObject({
      ...{ status: 409, body: { code: "TOO_MANY_TEMPLATES" } },
    });
    const names: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const query = cursor === "" ? "" : `&cursor=${cursor}`;
      const page = (await api.get(`/v1/station-templates?limit=30${query}`)).body as Page<StationTemplate>;
      names.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    }
    expect(new Set(names).size).toBe(TEMPLATES_MAX);
    await db.pool.query("delete from station_template");
    expect(one.templateId).not.toBe(other.templateId);
  });
});

describe("the one view", () => {
  let template: StationTemplate;
  const variables = [
    HEARTBEAT,
    { variable: "MeterValueSampleInterval", value: "60" },
    { variable: "WebSocketPingInterval", value: "30" },
    { variable: "NumberOfConnectors", value: "2" },
    { variable: "Nonsense", value: "1" },
    { component: "ClockCtrlr", variable: "TimeZone", value: "UTC" },
  ];
  const at = (component: string, variable: string) => ({
    component: { name: component },
    variable: { name: variable },
  });
  const INTERVAL = at("OCPPCommCtrlr", "HeartbeatInterval");

  test("shows what is wanted before anything is known", async () => {
    template = await create({ name: "all", vendor: "acme", variables });
    expect(await driftOf("CP1")).toBe(5);
    expect(await driftOf("CP2")).toBe(4);
    expect(await valueOf("CP1", "HeartbeatInterval")).toEqual({
      ...{ name: "HeartbeatInterval", key: "HeartbeatInterval" },
      ...{ component: "OCPPCommCtrlr", componentInstance: null, evseId: null, connectorId: null },
      ...{ variable: "HeartbeatInterval", variableInstance: null },
      ...{ actual: null, secret: false, mutability: null, unit: null, dataType: null, readAt: null },
      ...{ wanted: "300", templateId: template.templateId, template: "all", drift: true, state: "wanted" },
    });
    const names = (await configuration("CP2")).values.map(({ name }) => name);
    expect(names).toEqual([
      "ClockCtrlr/TimeZone",
      "OCPPCommCtrlr/HeartbeatInterval",
      "OCPPCommCtrlr/WebSocketPingInterval",
      "SampledDataCtrlr/TxUpdatedInterval",
    ]);
  });

  test("OCPP 1.6: shows what the station has, and how far the ER has come", async () => {
    const change = (key: string, value: string, status: string) =>
      called("CP1", "ocpp1.6", "ChangeConfiguration", { key, value }, { status });
    const key = ["HeartbeatInterval", "MeterValueSampleInterval", "WebSocketPingInterval"];
    const told = (name: string, value: string, readonly = false) => ({ key: name, value, readonly });
    first.commit([
      called(
        "CP1",
        "ocpp1.6",
        "GetConfiguration",
        { key: [...key, "NumberOfConnectors", "Nonsense"] },
        {
          configurationKey: [
            ...[told("HeartbeatInterval", "900"), told("MeterValueSampleInterval", "10")],
            ...[told("WebSocketPingInterval", "0"), told("NumberOfConnectors", "1", true)],
          ],
          unknownKey: ["Nonsense"],
        },
      ),
      change("HeartbeatInterval", "300", "Accepted"),
      change("MeterValueSampleInterval", "60", "Rejected"),
      change("WebSocketPingInterval", "30", "RebootRequired"),
    ]);
    await storeAll(db.pool, first);
    const states = Object.fromEntries(
      (await configuration("CP1")).values.map(({ name, actual, drift, state }) => [
        name,
        `${actual} ${drift} ${state}`,
      ]),
    );
    expect(states).toEqual({
      HeartbeatInterval: "300 false written",
      MeterValueSampleInterval: "10 true refused",
      WebSocketPingInterval: "0 true reboot-required",
      NumberOfConnectors: "1 true read-only",
      Nonsense: "null true unknown",
    });
    const drifting = await configuration("CP1", "?drift=true");
    expect([drifting.driftCount, drifting.values.length, await driftOf("CP1")]).toEqual([4, 4, 4]);
  });

  test("a boot ends the waiting for one; what was not kept then counts as refused", async () => {
    first.commit([boot("CP1", "ocpp1.6", "1.5")]);
    await storeAll(db.pool, first);
    expect((await valueOf("CP1", "WebSocketPingInterval")).state).toBe("wanted");
    const read = (value: string) =>
      called(
        "CP1",
        "ocpp1.6",
        "GetConfiguration",
        { key: ["WebSocketPingInterval"] },
        { configurationKey: [{ key: "WebSocketPingInterval", value, readonly: false }] },
      );
    await storeAll(db.pool, first.commit([read("0")]));
    expect((await valueOf("CP1", "WebSocketPingInterval")).state).toBe("refused");
    await storeAll(db.pool, first.commit([read("30")]));
    expect(await valueOf("CP1", "WebSocketPingInterval")).toMatchObject({ state: "written", drift: false });
  });

  test("OCPP 2.0.1: the same values under their other names", async () => {
    const read = { ...INTERVAL, attributeStatus: "Accepted", attributeValue: "900" };
    const zone = { ...at("ClockCtrlr", "TimeZone"), attributeStatus: "UnknownVariable" };
    second.commit([
      called(
        "CP2",
        "ocpp2.0.1",
        "GetVariables",
        { getVariableData: [INTERVAL, at("ClockCtrlr", "TimeZone")] },
        { getVariableResult: [read, zone] },
      ),
    ]);
    await storeAll(db.pool, second);
    expect(await valueOf("CP2", "OCPPCommCtrlr/HeartbeatInterval")).toMatchObject({
      ...{ key: "HeartbeatInterval", component: "OCPPCommCtrlr", actual: "900" },
      ...{ wanted: "300", drift: true, state: "wanted" },
    });
    expect((await valueOf("CP2", "ClockCtrlr/TimeZone")).state).toBe("unknown");
    const set = (attributeStatus: string) =>
      called(
        "CP2",
        "ocpp2.0.1",
        "SetVariables",
        { setVariableData: [{ ...INTERVAL, attributeValue: "300" }] },
        { setVariableResult: [{ ...INTERVAL, attributeStatus }] },
      );
    await storeAll(db.pool, second.commit([set("Accepted")]));
    expect(await valueOf("CP2", "OCPPCommCtrlr/HeartbeatInterval")).toMatchObject({
      ...{ actual: "300", drift: false, state: "written" },
    });
    await storeAll(db.pool, second.commit([set("RebootRequired")]));
    // It has the wanted value all the same.
    expect(await valueOf("CP2", "OCPPCommCtrlr/HeartbeatInterval")).toMatchObject({ drift: false });
  });

  test("is the same however the journal is cut into batches", async () => {
    const [shown] = [
      await db.rows("select place_id, missing, value, status, seq from station_variable_write"),
    ];
    const anew = new Journal("er-1", "site-1", first.journalId);
    const other = await openTestDb();
    try {
      await arrive(other.pool, anew.commit(first.entries.slice(0, 1)));
      for (const entry of first.entries.slice(1)) await storeAll(other.pool, anew.commit([entry]));
      const columns = "place_id, missing, value, status, seq";
      const of = `select ${columns} from station_variable_write where station_id = 'CP1' order by place_id`;
      expect(await other.rows(of)).toEqual(await db.rows(of));
      expect(shown.length).toBeGreaterThan(0);
    } finally {
      await other.close();
    }
  });

  test("a template that went leaves the values, and no drift", async () => {
    await remove(template.templateId);
    expect(await driftOf("CP1")).toBe(0);
    expect(await valueOf("CP1", "MeterValueSampleInterval")).toMatchObject({
      ...{ actual: "10", wanted: null, template: null, state: null, drift: false },
    });
  });

  test("a station that is not there, or another's, has none", async () => {
    expect((await api.get("/v1/stations/nowhere/configuration")).status).toBe(404);
    expect((await api.get("/v1/stations/CP9/configuration")).status).toBe(404);
  });
});
