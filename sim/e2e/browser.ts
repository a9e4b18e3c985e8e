/**
 * For tests in a real browser: pages that remember what went wrong in them, and what axe says of what is on
 * screen.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Nothing moves: what breathes on a page is painted without rest, and nobody looks. */
const STILL = { reducedMotion: "reduce" as const };
export const DESKTOP = { viewport: { width: 1440, height: 900 }, locale: "en-GB", ...STILL };
export const PHONE = {
  viewport: { width: 360, height: 780 },
  locale: "pt-BR",
  colorScheme: "dark" as const,
  ...STILL,
};

export type Watched = {
  page: Page;
  /** Fills with what its console says. */
  errors: string[];
  /** Ends the look at it. @throws Error if its console said something that was not expected. */
  close(): Promise<void>;
};

/** @throws Error */
export function expectSilence({ page, errors }: Watched): void {
  if (errors.length > 0) throw new Error(`the console of ${page.url()} says: ${errors.join("\n")}`);
}

/** A page of a browser of its own: no cookies of others, no storage. */
export async function newPage(browser: Browser, options: BrowserContextOptions): Promise<Watched> {
  const page = await (await browser.newContext(options)).newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  const watched: Watched = {
    ...{ page, errors },
    close() {
      expectSilence(watched);
      return page.context().close();
    },
  };
  return watched;
}

export type SignedIn = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** What a browser keeps of who has signed in with a key: pages begin with it, and need not sign in each by itself. */
export async function signIn(browser: Browser, base: string, key: string): Promise<SignedIn> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${base}/#key=${key}`);
  await page.getByRole("navigation").first().waitFor();
  const state = await context.storageState();
  await context.close();
  return state;
}

/** What axe finds wrong: nothing, if all is well. */
export async function violations(page: Page): Promise<string[]> {
  // Evaluated, not added: the page's policy lets no foreign script in.
  await page.evaluate(await readFile(AXE, "utf8"));
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0]?.html ?? ""}`);
  });
}

/** How much wider than the screen the page is. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
