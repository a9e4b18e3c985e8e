/** Plays all cases of both versions against ER and SG as they are delivered, and holds the suite to the lists. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { WebSocketServer } from "ws";
import { migrate } from "../../cloud/db/migrate.ts";
import { createTestDatabase, type TestDatabase } from "../services/test-database.ts";
import { CASE_IDS } from "./case-ids.ts";
import { CASES } from "./cases.ts";
import { CaseFailure } from "./outcome.ts";
import { failedLine, report } from "./report.ts";
import { runCases, type Result } from "./run.ts";
import { test } from "./suite.ts";
import { startSystem, type System } from "./system.ts";

let database: TestDatabase;
let system: System;

beforeAll(async () => {
  database = await createTestDatabase(inject("databaseUrl"), async (url) => void (await migrate(url)));
  system = await startSystem(database.url);
});

afterAll(async () => {
  await system?.stop();
  await database?.drop();
});

const titles = (list: readonly { id: string; title: string }[]) =>
  list.map(({ id, title }) => `${id} ${title}`).sort();

describe("the suite", () => {
  it("has every case of the lists once, under its title, and no other", () => {
    expect(titles(CASES)).toEqual(titles(CASE_IDS));
    expect(CASE_IDS.filter(({ version }) => version === "1.6")).toHaveLength(77);
    expect(CASE_IDS.filter(({ version }) => version === "2.0.1")).toHaveLength(252);
  });

  it("says why a case does not apply", () => {
    const silent = CASES.filter((one) => one.kind === "not-applicable" && one.reason.length < 10);
    expect(silent.map(({ id }) => id)).toEqual([]);
  });
});

describe("the judge", () => {
  const title = "Cold Boot Charging Station";
  /** One case in the place of TC_001_CSMS. */
  const judge = async (run: Parameters<typeof test>[2], csms = system.csms): Promise<Result> => {
    const cases = [test("TC_001_CSMS", title, run)];
    const [result] = await runCases({ csms, cases, wanted: ({ id }) => id === "TC_001_CSMS" });
    if (result === undefined) throw new Error("there is no result");
    return result;
  };

  it("fails a case for which there is no test", async () => {
    const wanted = ({ id }: { id: string }) => id === "TC_001_CSMS";
    const [result] = await runCases({ csms: system.csms, cases: [], wanted });
    expect(result).toMatchObject({ outcome: "failed", reason: "there is no test for it" });
  });

  it("fails a case that throws, with its words", async () => {
    const result = await judge(async () => {
      throw new CaseFailure("the interval is 0");
    });
    expect(result).toMatchObject({ outcome: "failed", reason: "the interval is 0" });
    expect(failedLine(result)).toContain("the interval is 0");
    expect(report([result])).toMatch(/all +0 +1 +0/);
  });

  const boot = (interval: unknown) => ({
    status: "Accepted",
    currentTime: new Date().toISOString(),
    interval,
  });

  it.each([
    ["an answer against the schema", (id: string) => [[3, id, boot("300")]], "interval must be integer"],
    [
      "an error instead of an answer",
      (id: string) => [[4, id, "InternalError", "", {}]],
      "CALLERROR InternalError",
    ],
    [
      "an error code that 1.6 does not have",
      (id: string) => [[4, id, "FormatViolation", "", {}]],
      "no error code",
    ],
    [
      "an answer to nobody",
      (id: string) => [
        [3, "another", {}],
        [3, id, boot(300)],
      ],
      "not under way",
    ],
    ["a frame that is none", (id: string) => [[3, id, boot(300), "more"]], "a CALLRESULT is"],
    [
      "a call against the schema",
      (id: string) => [
        [2, "c", "Reset", {}],
        [3, id, boot(300)],
      ],
      "property 'type'",
    ],
  ])("fails a CSMS that gives %s", async (_what, answer, reason) => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "ocpp1.6" });
    server.on("connection", (socket) =>
      socket.on("message", (data: Buffer) => {
        const [type, id] = JSON.parse(data.toString("utf8")) as [number, string];
        if (type === 2) for (const frame of answer(id)) socket.send(JSON.stringify(frame));
      }),
    );
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const csms = { ...system.csms, ocppUrl: `ws://127.0.0.1:${port}/ocpp`, api: undefined };
    const result = await judge(async (t) => {
      await t.station.connect();
      // One that answers this in a wrong way is not waited for: its second answer counts.
      await Promise.race([
        t.station.call("BootNotification", { chargePointVendor: "V", chargePointModel: "M" }),
        t.until("something is wrong", () => t.station.violations.length > 0),
      ]);
    }, csms);
    server.close();
    expect(result).toMatchObject({ outcome: "failed", reason: expect.stringContaining(reason) });
  });

  it("passes nothing that needs an API where there is none", async () => {
    const result = await judge(async (t) => void (await t.token()), { ...system.csms, api: undefined });
    expect(result).toMatchObject({ outcome: "not-applicable", reason: expect.stringContaining("no API") });
  });
});

describe("the certification cases", () => {
  it("all pass, or do not apply", { timeout: 300_000 }, async () => {
    const results = await runCases({ csms: system.csms, cases: CASES, wanted: () => true });
    const failed = results.filter(({ outcome }) => outcome === "failed");
    expect(failed.map(failedLine).join("\n")).toBe("");
    expect(results).toHaveLength(CASE_IDS.length);
  });
});
