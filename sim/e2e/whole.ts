/**
 * The whole system as `npm start` runs it, with a browser, for a file of tests: started once, in a folder of its own.
 * Nothing is undone between tests; each names its own things.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { launchChromium } from "../services/chromium.ts";
import { freePort } from "../services/child.ts";
import { newPage, signIn, type SignedIn, type Watched } from "./browser.ts";
import { apiClient, startProgram, untilPrinted, type Program } from "./processes.ts";

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
  return {
    ...{ base, apiKey, owner, browser, erPort, end },
    api: apiClient(base, apiKey),
    async open(options, path = "/", key = apiKey) {
      const storageState = signedIn.get(key) ?? (await signIn(browser, base, key));
      signedIn.set(key, storageState);
      const watched = await newPage(browser, { ...options, storageState });
      await watched.page.goto(`${base}${path}`);
      return watched;
    },
  };
}
