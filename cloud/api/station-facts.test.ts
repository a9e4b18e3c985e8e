/** What stations tell, through the API: reports with their commands, variables, events; no password anywhere. */
import { describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { EntryBody, Protocol } from "../../shared/entry.ts";
import { COMMAND_REPORTS_MAX } from "../../shared/limits.ts";
import { callText, resultText } from "../../shared/ocpp/frame.ts";
import { handled, isoAt, storeAll, type Journal, type TestApi, type TestDb } from "../harness.ts";
import { readOk, useSite } from "../harness-site.ts";
import { expireCommands, takeDueCommands } from "../ingest/dispatch.ts";
import type { CommandView, Page } from "./schemas.ts";
import type { CommandDetail, StationEvent, StationReport, StationVariable } from "./station-schemas.ts";

let db: TestDb;
let api: TestApi;
let journal: Journal;
let cp: string;
useSite((site) => void ({ db, api, journal, cp } = site));

const ok = <T>(path: string) => readOk<T>(api, path);
const items = async <T>(path: string) => (await ok<Page<T>>(path)).items;
const happen = async (...bodies: EntryBody[]) =>
  expect(await storeAll(db.pool, journal.commitEach(bodies))).toMatchObject({ parked: 0 });
const says = (action: string, payload: object, protocol: Protocol = "ocpp2.0.1") =>
  handled(cp, protocol, action, payload, {});
const log = (status: string, requestId?: number) =>
  says("LogStatusNotification", { status, ...(requestId === undefined ? {} : { requestId }) });

/** A command of the API that its ER has accepted and called. */
async function command(kind: string, params: object, requestId?: number, protocol: Protocol = "ocpp2.0.1") {
  const reply = await api.send("POST", `/v1/stations/${cp}/commands`, { kind, params });
  expect(reply.status, reply.text).toBe(202);
  const { commandId } = reply.body as CommandView;
  const request = requestId === undefined ? {} : { requestId };
  const called = { kind: "ocpp.called", stationId: cp, protocol, action: kind, commandId } as const;
  await happen(
    { kind: "command.accepted", commandId, stationId: cp, commandKind: kind },
    { ...called, request: callText("m", kind, request), response: resultText("m", { status: "Accepted" }) },
    { kind: "command.finished", commandId, stationId: cp, status: "succeeded" },
  );
  return commandId;
}
const detail = (commandId: string) => ok<CommandDetail>(`/v1/commands/${commandId}`);
const told = async (commandId: string) =>
  (await detail(commandId)).reports.map((r) => (r.payload as { status?: string }).status ?? r.seqNo);
const LOG = { logType: "SecurityLog", log: { remoteLocation: "http://x/" } };

describe("what a station sends later to a command", () => {
  test("is with the command, in the order in which it came", async () => {
    await happen(says("Heartbeat", {}));
    const id = await command("GetLog", LOG, 5);
    await happen(log("Uploading", 5), log("Uploading", 6), log("Uploaded", 5), log("Idle"));
    expect(await detail(id)).toMatchObject({
      ...{ status: "succeeded", reportsTruncated: false },
      reports: [
        {
          of: "log",
          requestId: 5,
          last: false,
          action: "LogStatusNotification",
          payload: { status: "Uploading" },
        },
        { last: true, payload: { status: "Uploaded", requestId: 5 }, at: isoAt(7_000) },
      ],
    });
    expect((await items<CommandView>("/v1/commands"))[0]).not.toHaveProperty("reports");
  });

  test("belongs to the latest command under its id, also when it came before the answer to the call", async () => {
    await happen(says("Heartbeat", {}));
    const first = await command("GetLog", LOG, 5);
    await happen(log("Uploaded", 5));
    const second = randomUUID();
    await db.pool.query(
      `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, expires_at)
       values ($1, 'default', $2, $3, $4, 'GetLog', '{}', 'test', now())`,
      [second, journal.siteId, journal.erId, cp],
    );
    const called = { kind: "ocpp.called", stationId: cp, protocol: "ocpp2.0.1", action: "GetLog" } as const;
    await happen(
      { kind: "command.accepted", commandId: second, stationId: cp, commandKind: "GetLog" },
      log("BadMessage", 5),
      {
        ...called,
        commandId: second,
        request: callText("m", "GetLog", { requestId: 5 }),
        failure: "timeout",
      },
    );
    expect(await told(first)).toEqual(["Uploaded"]);
    expect(await told(second)).toEqual(["BadMessage"]);
  });

  test("of OCPP 1.6 has no id: it belongs to the latest command of its kind", async () => {
    await happen(says("Heartbeat", {}, "ocpp1.6"));
    const diagnostics = (status: string) => says("DiagnosticsStatusNotification", { status }, "ocpp1.6");
    await happen(diagnostics("Uploading"));
    const params = { ...LOG, logType: "DiagnosticsLog" };
    const [one, reset] = [
      await command("GetLog", params, undefined, "ocpp1.6"),
      await command("Reset", { type: "OnIdle" }, undefined, "ocpp1.6"),
    ];
    await happen(
      diagnostics("UploadFailed"),
      says("FirmwareStatusNotification", { status: "Installed" }, "ocpp1.6"),
    );
    const other = await command("GetLog", params, undefined, "ocpp1.6");
    await happen(diagnostics("Uploaded"));
    expect(await told(one)).toEqual(["UploadFailed"]);
    expect(await told(other)).toEqual(["Uploaded"]);
    expect(await told(reset)).toEqual([]);
  });

  test("is cut when it is very much, and says so", async () => {
    await happen(says("Heartbeat", {}));
    const id = await command("GetLog", LOG, 5);
    journal.commit(Array.from({ length: COMMAND_REPORTS_MAX + 1 }, () => log("Uploading", 5)));
    await storeAll(db.pool, journal);
    const { reports, reportsTruncated } = await detail(id);
    expect([reports.length, reportsTruncated]).toEqual([COMMAND_REPORTS_MAX, true]);
    // Large parts, of which a few are enough.
    const large = await command("GetReport", { requestId: 6 }, 6);
    const data = "x".repeat(400_000);
    await happen(
      ...Array.from({ length: 30 }, (_, seqNo) =>
        says("NotifyCustomerInformation", { data, requestId: 6, seqNo, generatedAt: isoAt(0), tbc: true }),
      ),
    );
    const cut = await detail(large);
    expect(cut.reportsTruncated).toBe(true);
    expect(cut.reports.length).toBe(20);
  });

  test("is listed by station, of what it is, and by id", async () => {
    await happen(
      log("Uploading", 5),
      log("Uploaded", 6),
      says("FirmwareStatusNotification", { status: "Installed" }),
    );
    const path = `/v1/stations/${cp}/reports`;
    const count = async (query: string) => (await items<StationReport>(path + query)).length;
    expect([
      await count(""),
      await count("?of=log"),
      await count("?requestId=6"),
      await count("?of=log&requestId=7"),
    ]).toEqual([3, 2, 1, 0]);
    for (const query of ["?of=nothing", "?requestId=x", "?requestId=1e30"])
      expect((await api.get(path + query)).status).toBe(400);
  });
});

describe("variables and events", () => {
  test("variables are found by name, whatever its case", async () => {
    const item = (component: string, variable: string) => ({
      ...{ component: { name: component }, variable: { name: variable } },
      variableAttribute: [{ value: "1" }],
    });
    const reportData = [item("A", "X"), item("A", "Y"), item("B", "X")];
    await happen(says("NotifyReport", { requestId: 1, generatedAt: isoAt(0), seqNo: 0, reportData }));
    const names = async (query: string) =>
      (await items<StationVariable>(`/v1/stations/${cp}/variables${query}`)).map(
        (v) => v.component + v.variable,
      );
    expect(await names("")).toEqual(["AX", "AY", "BX"]);
    expect(await names("?component=a")).toEqual(["AX", "AY"]);
    expect(await names("?variable=x")).toEqual(["AX", "BX"]);
    expect(await names("?component=b&variable=y")).toEqual([]);
  });

  test("events are those of a station, a site or the operator, by kind, newest first", async () => {
    await happen(
      says("SecurityEventNotification", { type: "X", timestamp: isoAt(-9_000) }),
      says("ReservationStatusUpdate", { reservationId: 1, reservationUpdateStatus: "Expired" }),
    );
    const path = `/v1/stations/${cp}/events`;
    expect(await items<StationEvent>(path)).toMatchObject([
      { kind: "reservation", type: "Expired", toldAt: null, siteId: journal.siteId, stationId: cp },
      { kind: "security-event", type: "X", at: isoAt(1_000), toldAt: isoAt(-9_000), detail: null },
    ]);
    expect(await items(`${path}?kind=reservation`)).toHaveLength(1);
    expect(await items(`/v1/station-events?siteId=${journal.siteId}`)).toHaveLength(2);
    expect((await items("/v1/station-events?limit=200")).length).toBeGreaterThanOrEqual(2);
    expect((await api.get(`${path}?kind=nothing`)).status).toBe(400);
  });

  test("an event's time is corrected when the ER's clock was wrong", async () => {
    await happen(
      { kind: "er.started", boot: randomUUID(), release: "1.0.0" },
      says("SecurityEventNotification", { type: "X", timestamp: isoAt(0) }),
      { kind: "clock.synced", offsetMs: 86_400_000 },
    );
    expect(await items(`/v1/stations/${cp}/events`)).toMatchObject([{ at: isoAt(86_402_000) }]);
  });
});

describe("a password in a command", () => {
  const PASSWORD = "correct horse battery";
  const change = { kind: "ChangeConfiguration", params: { key: "AuthorizationKey", value: PASSWORD } };
  const send = async () => {
    await happen(says("Heartbeat", {}, "ocpp1.6"));
    const headers = { "idempotency-key": randomUUID() };
    const reply = await api.send("POST", `/v1/stations/${cp}/commands`, change, headers);
    expect(reply, reply.text).toMatchObject({ status: 202, body: { params: { value: "***" } } });
    return (reply.body as CommandView).commandId;
  };
  const rows = async (table: string) => JSON.stringify(await db.rows(`select * from ${table}`));

  test("reaches the ER, is told to nobody, and goes as soon as the ER has it", async () => {
    const commandId = await send();
    expect((await api.get(`/v1/commands/${commandId}`)).text).not.toContain(PASSWORD);
    expect((await api.get("/v1/commands")).text).not.toContain(PASSWORD);
    expect((await rows("audit")) + (await rows("idempotency"))).not.toContain(PASSWORD);
    const due = await takeDueCommands(db.pool, journal.erId);
    expect(due.get(journal.erId)).toMatchObject([{ commandId, params: change.params }]);
    await happen({ kind: "command.accepted", commandId, stationId: cp, commandKind: change.kind });
    expect(await rows("command")).not.toContain(PASSWORD);
    expect(await detail(commandId)).toMatchObject({ params: { key: "AuthorizationKey", value: "***" } });
  });

  test("goes when no ER accepts it in time", async () => {
    const commandId = await send();
    await db.pool.query("update command set expires_at = now() - interval '1 minute' where command_id = $1", [
      commandId,
    ]);
    expect(await expireCommands(db.pool)).toBeGreaterThan(0);
    expect(await rows("command")).not.toContain(PASSWORD);
  });

  test("other parameters stay as they are", async () => {
    await happen(says("Heartbeat", {}, "ocpp1.6"));
    const params = { key: "HeartbeatInterval", value: "60" };
    const id = await command("ChangeConfiguration", params, undefined, "ocpp1.6");
    expect(await detail(id)).toMatchObject({ params });
  });
});
