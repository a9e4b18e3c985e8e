/** The ER's own HTTP: health, status, metrics, and on loopback only. */
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { startHttp, type Status } from "./http.ts";

const status: Status = {
  ...{
    erId: "er-1",
    siteId: "site-1",
    release: "0.1.0",
    journalId: "j",
    upSeconds: 5,
    link: "up",
    clock: "synced",
  },
  ...{
    clockOffsetMs: -7,
    stationsConnected: 2,
    stationsKnown: 3,
    activeTransactions: 1,
    lastSeq: 90,
    ackedSeq: 80,
  },
  ...{ backlog: 10, policyVersion: 4, leasedIdsLeft: 1_999, journalBytes: 4_096, journalWrittenBytes: 2_000 },
  ...{ policyAgeS: null, journalUsedBytes: 3_000, journalBudgetBytes: 9_000, pressure: "compact" },
  ...{ pressureRank: 1, shedEntries: 12, diskFreeBytes: 5_000, diskWearPercent: null, temperatureC: 48.5 },
  ...{
    rssBytes: 1_000_000,
    filesBytes: 7,
    uploadsWaiting: 2,
    previousEnd: "clean",
    previousEndReason: null,
    setAside: null,
  },
  problems: ["the box is on fire"],
  ...{ publishedBytes: 1_000, entries: 90, commits: 30, inputs: 120, commitFailures: 0, meters: [] },
};
let stop: (() => Promise<void>) | undefined;
afterEach(() => stop?.());

async function serve(healthy: () => string | undefined = () => undefined) {
  const http = await startHttp({ port: 0, status: () => status, healthy });
  ({ stop } = http);
  return (path: string, host = "127.0.0.1") => fetch(`http://${host}:${http.port}${path}`);
}

describe("the ER's own HTTP", () => {
  test("/healthz is 200 while all is well and 503 with the reason when it is not", async () => {
    const box: { problem?: string } = {};
    const get = await serve(() => box.problem);
    expect((await get("/healthz")).status).toBe(200);
    box.problem = "the journal cannot be written";
    const response = await get("/healthz");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: "failing", problem: "the journal cannot be written" });
  });

  test("/status is what `er status` reads", async () => {
    expect(await (await (await serve())("/status")).json()).toEqual(status);
  });

  test("/metrics are Prometheus text with the values of the status", async () => {
    const get = await serve();
    const response = await get("/metrics");
    expect(response.headers.get("content-type")).toContain("text/plain");
    await response.text();
    // Asked twice, a counter must not have doubled.
    const text = await (await get("/metrics")).text();
    for (const line of [
      "er_link_up 1",
      "er_journal_pressure 1",
      "er_journal_used_bytes 3000",
      "er_disk_free_bytes 5000",
      "er_disk_wear_percent Nan",
      "er_temperature_celsius 48.5",
      "er_problems 1",
      "er_shed_entries_total 12",
      "er_backlog_entries 10",
      "er_entries_total 90",
      "er_clock_offset_ms -7",
      "er_commit_failures 0",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
    expect(text).toContain("process_cpu_seconds_total");
  });

  test("anything else is 404 and says what there is", async () => {
    const response = await (await serve())("/");
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("/healthz");
  });

  test("it is not reachable from outside of the box", async () => {
    const get = await serve();
    const outside = Object.values(networkInterfaces())
      .flat()
      .filter((a) => a?.family === "IPv4" && !a.internal);
    // 127.0.0.2 is another address of the same machine: a server on all addresses would answer there.
    for (const host of ["127.0.0.2", ...outside.map((a) => a?.address ?? "")]) {
      await expect(get("/status", host)).rejects.toThrow();
    }
  });
});
