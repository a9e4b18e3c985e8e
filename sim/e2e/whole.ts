/**
 * The whole system as `npm start` runs it, with a browser, for a file of tests: started once, in a folder of its own.
 * Nothing is undone between tests; each names its own things. A page that a test has closed is the next one's: its
 * storage is what it was, its browser process is warm, and that is most of what a page costs.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { WebSocket } from "ws";
import { launchChromium } from "../services/chromium.ts";
import { freePort } from "../services/child.ts";
import { expectSilence, newPage, signIn, type SignedIn, type Watched } from "./browser.ts";
import { apiClient, startProgram, untilPrinted, type Program } from "./processes.ts";

/** Calls of a station, each made of the answer to the one before. */
export type Said = [action: string, payload: (before: Record<string, unknown>) => object][];

export type Whole = {
  /** Of the page and of the API. */
  readonly base: string;
  readonly apiKey: string;
  readonly owner: { email: string; password: string };
  readonly api: ReturnType<typeof apiClient>;
  readonly browser: Browser;
  readonly erPort: number;
  /** A page that is signed in with a key, that of the operator if no other is named. */
  open(options: BrowserContextOptions, path?: string, key?: string): Promise<Watched>;
  /** A station of OCPP 1.6 connects, boots, says these things and goes away. */
  say(stationId: string, said: Said): Promise<void>;
  end(): Promise<void>;
};

/** Starts everything. `env` goes to the program. */
export async function startWhole(env: NodeJS.ProcessEnv = {}): Promise<Whole> {
  const dir = await mkdtemp(join(tmpdir(), "moov-whole-"));
  const [sgPort, erPort] = [await freePort(), await freePort()];
  const base = `http://localhost:${sgPort}`;
  const ports = { SG_PORT: String(sgPort), ER_PORT: String(erPort) };
  const program: Program = startProgram(["sim/start.ts"], { ...env, DATA_DIR: dir, ...ports });
  const browser = await launchChromium();
  const end = async () => {
    await browser.close();
    await program.end("SIGINT");
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await untilPrinted(program, "Moov.olt is running.", 90_000);
  } catch (error) {
    await end();
    throw error;
  }
  const { apiKey, owner } = JSON.parse(await readFile(join(dir, "credentials.json"), "utf8")) as Whole;
  const signedIn = new Map<string, SignedIn>();
  const closed = new Map<string, Watched[]>();
  return {
    ...{ base, apiKey, owner, browser, erPort, end },
    api: apiClient(base, apiKey),
    say: (stationId, said) => say(`ws://127.0.0.1:${erPort}/ocpp/${stationId}`, said),
    async open(options, path = "/", key = apiKey) {
      const storageState = signedIn.get(key) ?? (await signIn(browser, base, key));
      signedIn.set(key, storageState);
      const kind = JSON.stringify([options, key]);
      const pages = closed.get(kind) ?? [];
      closed.set(kind, pages);
      const watched = pages.pop() ?? (await newPage(browser, { ...options, storageState }));
      const { page } = watched;
      await page.goto(`${base}${path}`);
      const close = async () => {
        expectSilence(watched);
        await resetStorage(page, storageState);
        // So that nothing that still runs in it is the next one's.
        await page.goto("about:blank");
        pages.push(watched);
      };
      return { ...watched, close };
    },
  };
}

/** What the page has written of itself is undone. By the browser's own means it would cost as much as a new page. */
async function resetStorage(page: Page, { origins }: SignedIn): Promise<void> {
  await page.context().clearCookies();
  await page.evaluate(
    (items) => {
      localStorage.clear();
      sessionStorage.clear();
      for (const { name, value } of items) localStorage.setItem(name, value);
    },
    origins.flatMap(({ localStorage }) => localStorage),
  );
}

async function say(url: string, said: Said): Promise<void> {
  const socket = new WebSocket(url, ["ocpp1.6"]);
  const boot = { chargePointVendor: "Test", chargePointModel: "Teller" };
  const calls: Said = [["BootNotification", () => boot], ...said];
  await new Promise<void>((done, failed) => {
    const next = (before: Record<string, unknown>) => {
      const [action, payload] = calls.shift() ?? [];
      if (payload === undefined) done();
      else socket.send(JSON.stringify([2, `said-${calls.length}`, action, payload(before)]));
    };
    socket.on("open", () => next({}));
    socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString("utf8")) as [number, string, Record<string, unknown>];
      // What the ER asks by itself stays without an answer.
      if (frame[0] === 3) next(frame[2]);
      if (frame[0] === 4) failed(new Error(`refused: ${data.toString("utf8")}`));
    });
    socket.on("error", failed);
  });
  socket.close();
}
