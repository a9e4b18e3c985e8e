/** The `er` command as the operator runs it: its own process, killed in the middle of things. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { until } from "../sim/services/until.ts";
import type { Entry } from "../shared/entry.ts";
import { verifyPassword } from "../shared/password.ts";
import { openJournal } from "./io/journal.ts";

const MAIN = new URL("./main.js", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "er-main-"));
const children: ChildProcess[] = [];
const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true }));

function er(args: string[], input?: string | Buffer): ChildProcess {
  const stdio = [input === undefined ? "ignore" : "pipe", "pipe", "pipe", "ipc"] as const;
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: [...stdio] });
  child.stdin?.end(input);
  children.push(child);
  return child;
}
async function output(child: ChildProcess): Promise<{ code: unknown; out: string; err: string }> {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, "close")) as [unknown];
  return { code, out, err };
}

/** A configuration in a folder of its own, with a broker that is not there. */
function configure(name: string, change = (text: string) => text): { path: string; entries: () => Entry[] } {
  const path = join(folder, `${name}.toml`);
  const text = `
    er = "er-1"
    site = "site-1"
    data_dir = "${name}"
    http = { port = 0 }
    broker = { url = "mqtt://127.0.0.1:1" }
    ocpp = { host = "127.0.0.1", port = 0, auth = "open", unknown_token = "allow" }
    log = { level = "error" }
  `;
  writeFileSync(path, change(text));
  const entries = () => {
    const journal = openJournal({ path: join(folder, name, "journal.sqlite"), newJournalId: "none" });
    const list = [...journal.entries(0)];
    journal.close();
    return list;
  };
  return { path, entries };
}
async function run(path: string): Promise<{ child: ChildProcess; ocppPort: number; httpPort: number }> {
  const child = er(["run", "--config", path]);
  child.stdout?.resume();
  const [ready] = (await once(child, "message")) as [{ ocppPort: number; httpPort: number }];
  return { child, ...ready };
}
async function connect(port: number, stationId: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ocpp/${stationId}`, ["ocpp1.6"]);
  sockets.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "open");
  return socket;
}
const start = (n: number) => ({
  connectorId: 1,
  idTag: "TAG",
  meterStart: n,
  timestamp: "2026-11-01T10:00:00Z",
});

describe("without starting anything", () => {
  test("config check: a good file", async () => {
    const { path } = configure("good");
    expect(await output(er(["config", "check", "--config", path]))).toEqual({
      code: 0,
      out: `${path} is valid\n`,
      err: "",
    });
  });

  test("config check: a bad file, with every mistake and what to do", async () => {
    const { path } = configure("bad", (text) => text.replace('site = "site-1"', "sites = 1"));
    const { code, err } = await output(er(["config", "check", "-c", path]));
    expect(code).toBe(1);
    for (const words of ["CONFIG_INVALID", 'missing "site"', 'unknown key "sites"', "what to do:"])
      expect(err).toContain(words);
    expect(err).not.toContain("    at ");
  });

  test("config check: a meter model that nobody knows", async () => {
    const meter =
      '[[modbus]]\nkind="tcp"\nhost="x"\nport=1\nmeters=[{id="m",model="acme",unit_id=1,interval_s=1}]\n';
    const { path } = configure("meter", (text) => text + meter);
    const { code, err } = await output(er(["config", "check", "-c", path]));
    expect(code).toBe(1);
    expect(err).toMatch(/unknown model "acme"[\s\S]*eastron-sdm630/);
  });

  test("hash-password: what it prints verifies the bytes it read, without the last line feed", async () => {
    const { code, out } = await output(er(["hash-password"], Buffer.from([0xff, 0x00, 0x41, 0x0a])));
    expect(code).toBe(0);
    expect(await verifyPassword(out.trim(), Buffer.from([0xff, 0x00, 0x41]))).toBe(true);
  });

  test("an unknown command is told how to use it", async () => {
    const { code, err } = await output(er(["make", "tea"]));
    expect(code).toBe(2);
    expect(err).toContain("er run");
  });

  test("status of an ER that does not run says so", async () => {
    const { path } = configure("off", (text) => text.replace("http = { port = 0 }", "http = { port = 1 }"));
    const { code, err } = await output(er(["status", "-c", path]));
    expect(code).toBe(1);
    expect(err).toContain("ER_NOT_RUNNING");
  });
});

describe("run", () => {
  test("starts without a broker, says so in /status; SIGTERM ends it with 0 and everything committed", async () => {
    const { path, entries } = configure("clean");
    const { child, ocppPort, httpPort } = await run(path);
    const socket = await connect(ocppPort, "CP-1");
    socket.send(JSON.stringify([2, "1", "StartTransaction", start(0)]));
    await once(socket, "message");
    const status = (await (await fetch(`http://127.0.0.1:${httpPort}/status`)).json()) as object;
    expect(status).toMatchObject({
      link: "down",
      stationsConnected: 1,
      activeTransactions: 1,
      clock: "holdover",
    });
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    const kinds = entries().map((e) => e.kind);
    expect(kinds).toEqual(["er.started", "station.online", "ocpp.handled", "station.offline", "er.stopped"]);
  });

  test("a port in use ends it with a word on which and what to do", async () => {
    const first = await run(configure("port-a").path);
    const { path } = configure("port-b", (text) =>
      text.replace('"127.0.0.1", port = 0', `"127.0.0.1", port = ${first.ocppPort}`),
    );
    const { code, err } = await output(er(["run", "-c", path]));
    expect(code).toBe(1);
    expect(err).toContain("PORT_IN_USE");
    expect(err).toContain(String(first.ocppPort));
  });

  test("kill -9 in the middle of 50 stations that send: every answered message is in the journal", async () => {
    const { path, entries } = configure("killed");
    const before = await run(path);
    const answered = new Map<string, string>();
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const socket = await connect(before.ocppPort, `CP-${i}`);
        let n = 0;
        const send = () => socket.send(JSON.stringify([2, `CP-${i}/${++n}`, "StartTransaction", start(n)]));
        socket.on("message", (data) => {
          const text = (data as Buffer).toString();
          answered.set((JSON.parse(text) as [number, string])[1], text);
          if (socket.readyState === WebSocket.OPEN) send();
        });
        send();
      }),
    );
    await until("a good part is answered", () => answered.size >= 300);
    before.child.kill("SIGKILL");
    await once(before.child, "exit");
    await until("the sockets are gone", () => sockets.every((s) => s.readyState === WebSocket.CLOSED));
    const list = entries();
    expect(list.map((e) => e.seq)).toEqual(list.map((_, i) => i + 1));
    const stored = new Map(
      list.flatMap((e) =>
        e.kind === "ocpp.handled"
          ? [[(JSON.parse(e.request) as string[])[1] ?? "", e.response] as const]
          : [],
      ),
    );
    for (const [messageId, text] of answered)
      expect([messageId, stored.get(messageId)]).toEqual([messageId, text]);

    // A new start knows them all: a repeated start gets its first id, a new one a new id.
    const after = await run(path);
    const socket = await connect(after.ocppPort, "CP-7");
    socket.send(JSON.stringify([2, "again", "StartTransaction", start(1)]));
    const [again] = (await once(socket, "message")) as [Buffer];
    const idIn = (text: string | undefined) =>
      (JSON.parse(text ?? "[]") as [3, string, { transactionId: number }])[2].transactionId;
    expect(idIn(again.toString())).toBe(idIn(answered.get("CP-7/1")));
    socket.send(JSON.stringify([2, "new", "StartTransaction", start(1_000_000)]));
    const [fresh] = (await once(socket, "message")) as [Buffer];
    expect([...stored.values()].map((text) => idIn(text))).not.toContain(idIn(fresh.toString()));
    after.child.kill("SIGTERM");
    expect(await once(after.child, "exit")).toEqual([0, null]);
  });
});
