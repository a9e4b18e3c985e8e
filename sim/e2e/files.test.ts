/**
 * Real processes: firmware goes from the operator through the SG and the box to a station, a log the other way,
 * with lines that are cut and a box that is killed in between.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, inject, it } from "vitest";
import { WebSocket } from "ws";
import { Client as FtpClient } from "basic-ftp";
import { Readable } from "node:stream";
import { migrate } from "../../cloud/db/migrate.ts";
import { issueApiKey } from "../../cloud/sg.ts";
import { freePort } from "../services/child.ts";
import { startProxy } from "../services/proxy.ts";
import { createTestDatabase } from "../services/test-database.ts";
import { until } from "../services/until.ts";
import { apiClient, startProgram, untilPrinted, type Program } from "./processes.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Json = Record<string, unknown>;
type Command = { commandId: string; status: string; reason: string | null };
type File = { fileId: string; name: string; status: string; commandId: string | null };

async function startWorld() {
  const dir = await mkdtemp(join(tmpdir(), "moov-files-"));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const database = await createTestDatabase(inject("databaseUrl"), async (url) => void (await migrate(url)));
  cleanups.push(() => database.drop());
  const [sgPort, erPort, httpPort] = [await freePort(), await freePort(), await freePort()];
  const brokerUrl = new URL(inject("amqpUrl"));
  const broker = await startProxy(Number(brokerUrl.port));
  const api = await startProxy(sgPort);
  cleanups.push(
    () => broker.stop(),
    () => api.stop(),
  );
  const keep = async (program: Program, printed: string) => {
    cleanups.push(() => (program.running ? program.end("SIGKILL") : undefined));
    await untilPrinted(program, printed);
    return program;
  };
  const env = {
    ...{ DATABASE_URL: database.url, BROKER_URL: brokerUrl.toString(), SG_PORT: String(sgPort) },
    ...{ SG_FILES_DIR: join(dir, "sg"), SG_PUBLIC_URL: `http://127.0.0.1:${api.port}/` },
  };
  await keep(startProgram(["cloud/main.ts", "all"], env), "SG started");
  brokerUrl.port = String(broker.port);
  const config = join(dir, "er.toml");
  const site = `site-${erPort}`;
  await writeFile(
    config,
    `er = "er-${erPort}"\nsite = "${site}"\ndata_dir = "data"\n[broker]\nurl = "${brokerUrl.toString()}"\n` +
      `[ocpp]\nhost = "127.0.0.1"\nport = ${erPort}\nauth = "open"\n[http]\nport = ${httpPort}\n` +
      `[files]\nhost = "127.0.0.1"\nhttp_port = ${await freePort()}\nftp_port = ${await freePort()}\n`,
  );
  const base = `http://127.0.0.1:${sgPort}`;
  const key = await issueApiKey(database.url, "default", "test");
  const startEr = () => keep(startProgram(["edge/main.js", "run", "--config", config]), "ER started");
  return { dir, broker, apiLine: api, erPort, base, key, api: apiClient(base, key), startEr };
}

/** A station that answers what it is asked with what the test says, and comes back when it is cut off. */
function startStation(url: string, answers: (action: string, payload: Json) => Json) {
  const asked: { action: string; payload: Json }[] = [];
  let over = false;
  let socket: WebSocket | undefined;
  const connect = () => {
    const ws = new WebSocket(url, ["ocpp1.6"]);
    socket = ws;
    const boot = { chargePointVendor: "V", chargePointModel: "M" };
    ws.on("open", () => ws.send(JSON.stringify([2, "boot", "BootNotification", boot])));
    ws.on("message", (data: Buffer) => {
      const [type, id, action, payload] = JSON.parse(data.toString()) as [number, string, string, Json];
      if (type !== 2) return;
      asked.push({ action, payload });
      ws.send(JSON.stringify([3, id, answers(action, payload)]));
    });
    ws.on("error", () => undefined);
    ws.on("close", () => !over && setTimeout(connect, 200));
  };
  connect();
  cleanups.push(() => {
    over = true;
    socket?.terminate();
  });
  return {
    asked: (action: string) =>
      asked.filter((a) => a.action === action).map((a) => String(a.payload["location"])),
  };
}

it(
  "firmware and logs get through cut lines and a killed box, once and whole",
  { timeout: 120_000 },
  async () => {
    const world = await startWorld();
    const { api, base, key } = world;
    let er = await world.startEr();
    const protocols = { key: "SupportedFileTransferProtocols", readonly: true, value: "FTP" };
    let files = [{ ...protocols, value: "HTTP,FTP" }];
    const station = startStation(`ws://127.0.0.1:${world.erPort}/ocpp/CP-F`, (action) => {
      if (action === "GetConfiguration") return { configurationKey: files };
      return action === "UpdateFirmware" ? {} : { status: "Accepted", fileName: "diag.tgz" };
    });
    const order = (kind: string, params: object) =>
      api.post<Command>("/v1/stations/CP-F/commands", { kind, params });
    const done = (command: Command, status = "succeeded") =>
      until(`${command.commandId} has ${status}`, async () => {
        const now = await api.get<Command>(`/v1/commands/${command.commandId}`);
        return now.status === status;
      });
    await until("the SG knows the station", async () => {
      const { items } = await api.get<{ items: { stationId: string; online: boolean }[] }>("/v1/stations");
      return items.some((s) => s.stationId === "CP-F" && s.online);
    });

    // Firmware: the API cannot be reached at first; the command waits, the station hears nothing.
    const firmware = randomBytes(4_000_000);
    const put = await fetch(`${base}/v1/files?name=fw.bin`, {
      method: "POST",
      body: firmware,
      headers: { authorization: `Bearer ${key}` },
    });
    const { fileId } = (await put.json()) as File;
    world.apiLine.cut();
    const update = await order("UpdateFirmware", { firmware: { fileId } });
    await untilPrinted(er, "firmware: broken off");
    expect(station.asked("UpdateFirmware")).toEqual([]);
    world.apiLine.heal();
    await done(update);
    const [location = ""] = station.asked("UpdateFirmware");
    expect(location).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/firmware\//);
    const loaded = Buffer.from(await (await fetch(location)).arrayBuffer());
    expect(loaded.equals(firmware)).toBe(true);
    // Again: nothing is fetched, it is here.
    world.apiLine.cut();
    await done(await order("UpdateFirmware", { firmware: { fileId } }));
    world.apiLine.heal();

    // A log, left while the site is cut off; the box is killed before it could pass it on.
    const wanted = await order("GetLog", { logType: "DiagnosticsLog" });
    await done(wanted);
    world.broker.cut();
    world.apiLine.cut();
    const log = randomBytes(3_000_000);
    const left = await fetch(`${station.asked("GetDiagnostics")[0]}diag.tgz`, { method: "PUT", body: log });
    expect(left.status).toBe(200);
    await er.end("SIGKILL");
    er = await world.startEr();
    world.apiLine.heal();
    world.broker.heal();
    const arrived = async (commandId: string) => {
      const { items } = await api.get<{ items: File[] }>(`/v1/files?commandId=${commandId}`);
      return items.find((file) => file.status === "complete");
    };
    const file = await until("the log has arrived", () => arrived(wanted.commandId), 30_000);
    expect(file.name).toBe("diag.tgz");
    const headers = { authorization: `Bearer ${key}` };
    const content = await fetch(`${base}/v1/files/${file.fileId}/content`, { headers });
    expect(Buffer.from(await content.arrayBuffer()).equals(log)).toBe(true);
    const uploads = join(world.dir, "data", "files", "uploads");
    await until("the box has let it go", async () => (await readdir(uploads)).length === 0);

    // A station that says it knows only FTP is told so.
    files = [protocols];
    await done(await order("GetConfiguration", {}));
    const byFtp = await order("GetLog", { logType: "DiagnosticsLog" });
    await done(byFtp);
    const place = new URL(station.asked("GetDiagnostics").at(-1) ?? "");
    expect(place.protocol).toBe("ftp:");
    const ftp = new FtpClient(5_000);
    await ftp.access({
      ...{ host: place.hostname, port: Number(place.port), user: place.username, password: place.password },
    });
    await ftp.uploadFrom(Readable.from([log]), "old.tgz");
    ftp.close();
    await until("it has arrived", () => arrived(byFtp.commandId));
    expect(await er.end("SIGTERM")).toBe(0);
  },
);
