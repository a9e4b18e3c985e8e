/** The watchdog: what counts as stuck, and a real ER that hangs, dies of it, and says so at its next start. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Entry } from "../shared/entry.ts";
import { openJournal } from "./io/journal.ts";
import { createJudge } from "./watchdog-thread.ts";

const folder = mkdtempSync(join(tmpdir(), "er-watchdog-"));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the judge", () => {
  const limits = { stuckMs: 30_000, failingMs: 600_000, checkMs: 1_000 };
  /** Looks once a second at a loop of which this is seen; the number of looks after which it says something. */
  const looks = (
    see: (n: number) => { turns: number; failing: boolean },
    elapsedMs = (_n: number) => 1_000,
  ) => {
    const judge = createJudge(limits);
    for (let n = 1; n <= 2_000; n++) {
      const verdict = judge(see(n), elapsedMs(n));
      if (verdict !== undefined) return { n, reason: verdict.reason };
    }
    return undefined;
  };

  test("a loop that turns is left alone", () => {
    expect(looks((n) => ({ turns: n, failing: false }))).toBeUndefined();
    expect(looks((n) => ({ turns: Math.floor(n / 25), failing: false }))).toBeUndefined();
  });

  test("a loop that stands still for 30 s is ended", () => {
    expect(looks((n) => ({ turns: Math.min(n, 100), failing: false }))).toEqual({
      n: 130,
      reason: "the loop has not turned for 30 s",
    });
  });

  test("a machine that slept for an hour was not stuck: its loop turns again", () => {
    const slept = (n: number) => (n === 100 ? 3_600_000 : 1_000);
    expect(looks((n) => ({ turns: n > 98 && n < 104 ? 98 : n, failing: false }), slept)).toBeUndefined();
  });

  test("commits that fail for 10 minutes without a break end it, interrupted ones do not", () => {
    expect(looks((n) => ({ turns: n, failing: true }))).toEqual({
      n: 600,
      reason: "no commit has succeeded for 600 s",
    });
    expect(looks((n) => ({ turns: n, failing: n % 500 !== 0 }))).toBeUndefined();
  });
});

/** An ER in a process of its own, that stops turning when it is told to. */
const PROGRAM = `
  const { startEr } = await import(${JSON.stringify(new URL("./er.ts", import.meta.url).href)});
  const { parseConfig } = await import(${JSON.stringify(new URL("./config.ts", import.meta.url).href)});
  const config = parseConfig(process.env.TEST_CONFIG, "test.toml");
  const limits = { stuckMs: 4_000, failingMs: 60_000, checkMs: 100 };
  const er = await startEr(config, { watchdogLimits: limits });
  process.on("message", (what) => {
    if (what === "hang") for (;;);
    if (what === "stop") void er.stop().then(() => process.exit(0));
  });
  process.send("ready");
`;

function configOf(name: string): string {
  return `
    er = "er-1"
    site = "site-1"
    data_dir = "${join(folder, name)}"
    http = { port = 0 }
    broker = { url = "mqtt://127.0.0.1:1" }
    ocpp = { host = "127.0.0.1", port = 0, auth = "open" }
  `;
}

/** Starts it, tells it `what` when it is up, and waits for its end. */
async function life(name: string, what: "hang" | "stop" | "kill") {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, TEST_CONFIG: configOf(name) },
  });
  children.push(child);
  let out = "";
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  await Promise.race([once(child, "message"), once(child, "exit")]);
  if (what === "kill") child.kill("SIGKILL");
  else child.send(what);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, out };
}
function entriesOf(name: string): Entry[] {
  const journal = openJournal({ path: join(folder, name, "journal.sqlite"), newJournalId: "none" });
  const list = [...journal.entries(0)];
  journal.close();
  return list;
}
const starts = (name: string) => entriesOf(name).filter((entry) => entry.kind === "er.started");

describe("a real ER", { timeout: 90_000 }, () => {
  test("that hangs is ended by its watchdog, and says why at its next start, once", async () => {
    const hung = await life("hung", "hang");
    expect(hung.signal).toBe("SIGKILL");
    expect(hung.out).toContain("ended by its watchdog: the loop has not turned");
    expect(existsSync(join(folder, "hung", "watchdog.json"))).toBe(true);
    const next = await life("hung", "stop");
    expect(next.code).toBe(0);
    expect(next.out).toContain("the ER was ended by its watchdog");
    await life("hung", "stop");
    expect(starts("hung").map((e) => [e.previousEnd, e.reason])).toEqual([
      [undefined, undefined],
      ["watchdog", expect.stringMatching(/^the loop has not turned for \d s$/)],
      ["clean", undefined],
    ]);
    expect(existsSync(join(folder, "hung", "watchdog.json"))).toBe(false);
  });

  test("that is killed has crashed, as far as the next start can know", async () => {
    await life("killed", "kill");
    await life("killed", "stop");
    expect(starts("killed").map((e) => e.previousEnd)).toEqual([undefined, "crash"]);
  });

  test("whose journal is damaged moves it away, begins a new one and says so first", async () => {
    await life("damaged", "stop");
    const [before] = starts("damaged");
    writeFileSync(join(folder, "damaged", "journal.sqlite"), "this was a journal once ".repeat(200));
    const next = await life("damaged", "stop");
    expect(next.code).toBe(0);
    expect(next.out).toContain("moved away");
    const [started, setAside] = entriesOf("damaged");
    expect(started).toMatchObject({ kind: "er.started", seq: 1 });
    expect((started as { boot: string }).boot).not.toBe(before?.boot);
    expect(setAside).toMatchObject({
      kind: "journal.set-aside",
      file: expect.stringMatching(/^journal-\d{8}T\d{6}Z-damaged\.sqlite$/),
    });
    await life("damaged", "stop");
    expect(entriesOf("damaged").filter((entry) => entry.kind === "journal.set-aside")).toHaveLength(1);
  });
});
