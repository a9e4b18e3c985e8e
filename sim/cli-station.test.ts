/** The command line as a person uses it: a child process, its stdin and its output. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startTestCsms, until } from "./station/harness.ts";

const CLI = fileURLToPath(new URL("cli-station.ts", import.meta.url));

function start(...args: string[]) {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  const seen = { output: "", exitCode: undefined as number | null | undefined };
  child.stdout.on("data", (data) => (seen.output += String(data)));
  child.stderr.on("data", (data) => (seen.output += String(data)));
  child.on("exit", (code) => (seen.exitCode = code));
  return { child, seen, type: (line: string) => child.stdin.write(`${line}\n`) };
}

test("--help explains, and a mistake says what to do", async () => {
  const help = start("--help");
  await until("help is printed", () => help.seen.exitCode === 0);
  expect(help.seen.output).toContain("Usage:");
  const mistake = start("--version", "3");
  await until("it ends", () => mistake.seen.exitCode === 2);
  expect(mistake.seen.output).toContain("--version is 1.6, 2.0.1 or 2.1, not 3");
  const unknown = start("--colour");
  await until("it ends", () => unknown.seen.exitCode === 2);
  expect(unknown.seen.output).toContain("See --help");
});

test("a session by commands, left with Ctrl-C: the transaction is stopped first", async () => {
  const server = await startTestCsms();
  const { child, seen, type } = start(
    "--url",
    server.url,
    "--id",
    "CLI 1",
    "--version",
    "2.0.1",
    "--connectors",
    "2",
  );
  try {
    await until("in service", () => seen.output.includes("StatusNotification"));
    type("plug 2");
    type("token ABC 2");
    const events = () =>
      server
        .brain("CLI 1")
        .of("TransactionEvent")
        .map(({ payload }) => payload["eventType"]);
    await until("started", () => events().includes("Started"));
    type("status");
    await until("status is printed", () => seen.output.includes("for ABC"));
    type("plug 9");
    await until("the mistake is explained", () => seen.output.includes("from 1 to 2, not 9"));
    type("plug 2");
    await until("the mistake is explained", () => seen.output.includes("already has a car"));
    child.kill("SIGINT");
    await until("it leaves", () => seen.exitCode === 0);
    expect(events().at(-1)).toBe("Ended");
    expect(seen.output).toContain("→ BootNotification");
    expect(seen.output).toContain("← result");
    expect(server.brain("CLI 1").faults).toEqual([]);
    expect(server.closeCodes).toEqual([1000]);
  } finally {
    child.kill("SIGKILL");
    await server.close();
  }
});
