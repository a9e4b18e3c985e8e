/**
 * How much script stands before the first view: what is fetched until a page is on screen, compressed, stays under its
 * bound. What comes later, in a quiet moment, is not counted.
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { beforeAll, expect, it, vi } from "vitest";
import { LOCALES } from "./lib/i18n.ts";

const FIRST_VIEW_BYTES_MAX = 200_000;
const GUEST_BYTES_MAX = 120_000;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

let chunks: Map<string, Rolldown.OutputChunk>;

beforeAll(async () => {
  // As people get it: without what React brings for developers.
  vi.stubEnv("NODE_ENV", "production");
  const built = (await build({
    ...{ configFile: `${ROOT}vite.config.ts`, logLevel: "silent", mode: "production" },
    build: { write: false },
  })) as Rolldown.RolldownOutput;
  chunks = new Map(built.output.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file]] : [])));
}, 60_000);

/** The part that a source became, with all that comes with it. */
function withAll(source: string): string[] {
  const start = [...chunks.values()].find(({ facadeModuleId }) => facadeModuleId?.endsWith(source));
  if (start === undefined) throw new Error(`nothing was made of ${source}`);
  const all = new Set([start.fileName]);
  for (const name of all) for (const imported of chunks.get(name)?.imports ?? []) all.add(imported);
  return [...all];
}

function bytesOf(sources: readonly string[]): number {
  const names = new Set(sources.flatMap(withAll));
  return [...names].reduce((sum, name) => sum + gzipSync(chunks.get(name)?.code ?? "").length, 0);
}

const words = (locale: string, ...areas: string[]) => areas.map((area) => `messages/${locale}/${area}.json`);

it.each(LOCALES)("the overview is there within its bound: %s", (locale) => {
  const inside = ["web/index.html", "web/app.tsx", "web/inside.tsx", ...words(locale, "base", "inside")];
  expect(bytesOf(inside)).toBeLessThan(FIRST_VIEW_BYTES_MAX);
});

it.each(LOCALES)("a page that shows many areas is there within the bound: %s", (locale) => {
  const inside = ["web/index.html", "web/app.tsx", "web/inside.tsx", ...words(locale, "base", "inside")];
  const areas = words(locale, "stations", "commands", "flags");
  const page = ["pages/station.tsx", "pages/station-overview.tsx", "components/plot.tsx", ...areas];
  expect(bytesOf([...inside, ...page])).toBeLessThan(FIRST_VIEW_BYTES_MAX + 40_000);
});

it.each(LOCALES)("a guest's page is small: %s", (locale) => {
  const guest = ["web/index.html", "guest/app.tsx", ...words(locale, "guest")];
  expect(bytesOf(guest)).toBeLessThan(GUEST_BYTES_MAX);
});
