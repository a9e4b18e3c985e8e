/** Commands that need a file at the box, and files that stations have left. */
import { describe, expect, test } from "vitest";
import type { CommandBody } from "../../shared/command.ts";
import type { Protocol } from "../../shared/entry.ts";
import { Bench, recovered, uuid } from "./harness.ts";
import type { FileProtocol } from "./file-types.ts";

const FILE_ID = "0190f000-0000-4000-8000-000000000001";
const update: CommandBody = {
  kind: "UpdateFirmware",
  params: { firmware: { fileId: FILE_ID }, requestId: 7 },
};
const getLog: CommandBody = { kind: "GetLog", params: { logType: "DiagnosticsLog", requestId: 8 } };
const token = "token-of-this-command";
const transfer = { url: "http://sg/er/v1/commands/1/firmware", token };
const firmware = { ...transfer, sha256: "a".repeat(64), size: 1_000, name: "fw.bin" };

function site(protocol: Protocol = "ocpp1.6", fileProtocol?: FileProtocol) {
  const identity = { authorization: "local" as const, provision: false };
  const bench = new Bench({
    identity: fileProtocol === undefined ? identity : { ...identity, fileProtocol },
  });
  bench.online();
  const cp = bench.connect("CP-1", protocol);
  bench.result(cp, "Heartbeat", {});
  return { bench, cp };
}
const prepared = (bench: Bench) => bench.effectsOf("files.prepare");
const ready = (bench: Bench, location: string, n = 1) =>
  bench.input({ kind: "files.ready", commandId: uuid(n), location });

describe("a command that needs a file at the box", () => {
  test.each<[Protocol, string, object]>([
    ["ocpp1.6", "UpdateFirmware", { location: "http://10.0.0.2:8182/fw" }],
    ["ocpp2.0.1", "UpdateFirmware", { requestId: 7, firmware: { location: "http://10.0.0.2:8182/fw" } }],
  ])("%s firmware: fetched first, then the station is told where it is", (protocol, action, payload) => {
    const { bench, cp } = site(protocol);
    bench.command(1, update, { transfer: firmware });
    expect(prepared(bench)).toEqual([
      {
        ...{
          kind: "files.prepare",
          commandId: uuid(1),
          stationId: "CP-1",
          connectionId: cp,
          protocol: "http",
        },
        ...{ withinMs: 60_000, wanted: { kind: "firmware", transfer: firmware } },
      },
    ]);
    expect(bench.lastCall(cp)).toBeUndefined();
    expect(bench.all("command.accepted")).toEqual([]);
    // The cloud sends it again, since it is not accepted: that changes nothing.
    bench.command(1, update, { transfer: firmware });
    expect(prepared(bench)).toHaveLength(1);

    ready(bench, "http://10.0.0.2:8182/fw");
    expect(bench.lastCall(cp)).toMatchObject({ action, payload });
    expect(bench.all("command.accepted")).toHaveLength(1);
    // What lets the box into the cloud is nobody else's business.
    expect(JSON.stringify(bench.entries)).not.toContain(token);
    bench.command(1, update, { transfer: firmware });
    expect(prepared(bench)).toHaveLength(1);
  });

  test.each<[Protocol, string, object]>([
    ["ocpp1.6", "GetDiagnostics", { location: "ftp://u:p@10.0.0.2:8121/" }],
    ["ocpp2.0.1", "GetLog", { requestId: 8, log: { remoteLocation: "ftp://u:p@10.0.0.2:8121/" } }],
  ])("%s logs: a place is made for them first", (protocol, action, payload) => {
    const { bench, cp } = site(protocol, "ftp");
    bench.command(1, getLog, { transfer });
    expect(prepared(bench)[0]).toMatchObject({ protocol: "ftp", wanted: { kind: "upload", transfer } });
    ready(bench, "ftp://u:p@10.0.0.2:8121/");
    expect(bench.lastCall(cp)).toMatchObject({ action, payload });
  });

  test("is not called when its file comes with its last moment", () => {
    const { bench, cp } = site();
    bench.command(1, update, { transfer: firmware });
    bench.now.upMs += 60_000;
    bench.now.at += 60_000;
    ready(bench, "http://10.0.0.2:8182/fw");
    bench.pass(1);
    expect(bench.lastCall(cp)).toBeUndefined();
    expect(bench.all("command.accepted")).toEqual([]);
    expect(bench.last("command.finished")).toMatchObject({ commandId: uuid(1), status: "expired" });
  });

  test("what names an address of its own is called as it stands", () => {
    const { bench, cp } = site();
    const location = "https://vendor.example/fw.bin";
    bench.command(1, { kind: "UpdateFirmware", params: { firmware: { location } } }, { transfer: firmware });
    expect(bench.lastCall(cp)).toMatchObject({ action: "UpdateFirmware", payload: { location } });
    expect(prepared(bench)).toEqual([]);
  });

  test("cannot be had: it fails with the reason, and the station hears nothing", () => {
    const { bench, cp } = site();
    bench.command(1, update, { transfer: firmware });
    bench.input({ kind: "files.failed", commandId: uuid(1), reason: "the cloud answered HTTP 410" });
    expect(bench.last("command.finished")).toMatchObject({
      status: "failed",
      reason: "the cloud answered HTTP 410",
    });
    expect(bench.lastCall(cp)).toBeUndefined();
    ready(bench, "http://late");
    expect(bench.lastCall(cp)).toBeUndefined();
  });

  test.each([
    ["the cloud does not have any more", update, transfer],
    ["of which the cloud says nothing", update, undefined],
    ["that has nowhere to go", getLog, undefined],
  ])("%s: refused at once", (_what, body, given) => {
    const { bench } = site();
    bench.command(1, body, given === undefined ? {} : { transfer: given });
    expect(bench.last("command.finished")).toMatchObject({ status: "rejected" });
    expect(prepared(bench)).toEqual([]);
  });

  test("not in time: it expires; what comes later is not told to the station", () => {
    const { bench, cp } = site();
    bench.command(1, update, { transfer: firmware });
    bench.pass(59_999);
    expect(bench.all("command.finished")).toEqual([]);
    bench.pass(1);
    expect(bench.last("command.finished")).toMatchObject({ status: "expired" });
    ready(bench, "http://late");
    expect(bench.lastCall(cp)).toBeUndefined();
  });

  test("the station leaves meanwhile: it is told when it is back, once", () => {
    const { bench, cp } = site();
    bench.command(1, update, { transfer: firmware });
    bench.disconnect(cp);
    ready(bench, "http://10.0.0.2:8182/fw");
    expect(bench.all("command.accepted")).toEqual([]);
    const again = bench.connect();
    bench.result(again, "Heartbeat", {});
    bench.pass(100);
    expect(bench.lastCall(again)).toMatchObject({ payload: { location: "http://10.0.0.2:8182/fw" } });
    bench.pass(100);
    expect(bench.sent(again).filter((frame) => frame[0] === 2)).toHaveLength(1);
  });

  test("the ER is restarted meanwhile: it begins anew when the cloud sends it again", () => {
    const { bench } = site();
    bench.command(1, update, { transfer: firmware });
    bench.restart();
    expect(bench.all("command.finished")).toEqual([]);
    bench.online();
    const cp = bench.connect();
    bench.result(cp, "Heartbeat", {});
    bench.command(1, update, { transfer: firmware });
    expect(prepared(bench)).toHaveLength(2);
  });

  test.each<[string, FileProtocol]>([
    ["FTP", "ftp"],
    ["FTP,FTPS,SFTP", "ftp"],
    ["HTTP, FTP", "http"],
    ["HTTPS", "http"],
  ])("a 1.6 station that says it knows %s is served by %s, over a restart", (value, protocol) => {
    const { bench, cp } = site();
    bench.command(1, { kind: "GetConfiguration", params: {} });
    const configurationKey = [{ key: "SupportedFileTransferProtocols", readonly: true, value }];
    bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, { configurationKey }]));
    bench.restart();
    bench.online();
    const again = bench.connect();
    bench.result(again, "Heartbeat", {});
    bench.command(2, getLog, { transfer });
    expect(prepared(bench)[0]?.protocol).toBe(protocol);
  });

  test("a 2.0.1 station that says it knows only FTP is served by FTP", () => {
    const { bench, cp } = site("ocpp2.0.1");
    bench.result(cp, "NotifyReport", {
      ...{ requestId: 1, generatedAt: "2026-11-01T10:00:00Z", seqNo: 0 },
      reportData: [
        {
          component: { name: "OCPPCommCtrlr" },
          variable: { name: "FileTransferProtocols" },
          variableAttribute: [{ value: "FTP,FTPS" }],
        },
      ],
    });
    bench.command(2, getLog, { transfer });
    expect(prepared(bench)[0]?.protocol).toBe("ftp");
  });
});

describe("a file that a station has left", () => {
  const file = { uploadId: uuid(50), stationId: "CP-1", commandId: uuid(1), name: "diag.tgz" };
  const received = { kind: "files.received" as const, ...file, bytes: 9, sha256: "b".repeat(64) };
  const forwarded = { kind: "files.forwarded" as const, uploadId: uuid(50), result: "complete" as const };

  test("is journalled once, however often the shell tells of it, over a restart", () => {
    const { bench } = site();
    bench.input(received);
    bench.input(received);
    bench.restart();
    bench.input(received);
    expect(bench.all("file.received")).toHaveLength(1);
    expect(bench.last("file.received")).toMatchObject({ ...file, bytes: 9 });
  });

  test("goes from the box only when it is journalled that the cloud has it", () => {
    const { bench } = site();
    bench.input(received);
    const out = bench.input(forwarded);
    expect(out.entries[0]).toMatchObject({ kind: "file.forwarded", stationId: "CP-1", result: "complete" });
    expect(out.effects).toContainEqual({ kind: "files.drop", uploadId: uuid(50) });
    expect(recovered(bench.entries).uploads.size).toBe(0);
    // Killed before it was dropped: told again, dropped again, journalled no more.
    bench.restart();
    expect(bench.input(forwarded).effects).toContainEqual({ kind: "files.drop", uploadId: uuid(50) });
    expect(bench.all("file.forwarded")).toHaveLength(1);
  });
});
