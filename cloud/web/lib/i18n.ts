/**
 * Words: ICU messages, keys typed from pt-BR, in areas. A page asks for the areas whose words it shows, together with
 * itself (`withWords`), so that nobody fetches the words of pages that are not on screen; `messages.test.ts` follows
 * every import and holds that each page asks for all that it needs.
 *
 * Files are found by vite's glob: an import of JSON with its attribute is one that the development server cannot serve.
 */
import { useMemo } from "react";
import { useLocale } from "use-intl";
import type base from "../messages/pt-BR/base.json";
import type commands from "../messages/pt-BR/commands.json";
import type drivers from "../messages/pt-BR/drivers.json";
import type flags from "../messages/pt-BR/flags.json";
import type guest from "../messages/pt-BR/guest.json";
import type inside from "../messages/pt-BR/inside.json";
import type money from "../messages/pt-BR/money.json";
import type notices from "../messages/pt-BR/notices.json";
import type own from "../messages/pt-BR/own.json";
import type payments from "../messages/pt-BR/payments.json";
import type people from "../messages/pt-BR/people.json";
import type reports from "../messages/pt-BR/reports.json";
import type signIn from "../messages/pt-BR/sign-in.json";
import type stations from "../messages/pt-BR/stations.json";
import type tariffs from "../messages/pt-BR/tariffs.json";
import type transactions from "../messages/pt-BR/transactions.json";
import type work from "../messages/pt-BR/work.json";
import { createFormat, type Format } from "./format.ts";
import { load, save } from "./storage.ts";
import { createValue } from "./value.ts";

export type Locale = "pt-BR" | "en" | "es";
export const LOCALES: readonly Locale[] = ["pt-BR", "en", "es"];
export const LOCALE_NAMES: Record<Locale, string> = {
  "pt-BR": "Português",
  en: "English",
  es: "Español",
};

/** One file each in `messages/<locale>/`. `base`: everybody but guests; `inside`: who is signed in. */
export const AREAS = [
  ...["base", "inside", "sign-in", "stations", "commands", "flags", "transactions", "work"],
  ...["money", "tariffs", "payments", "drivers", "notices", "reports", "people", "own", "guest"],
] as const;
export type Area = (typeof AREAS)[number];

/** The words of all areas. What is on screen has those that were asked for. */
export type Messages = typeof base &
  typeof inside &
  typeof signIn &
  typeof stations &
  typeof commands &
  typeof flags &
  typeof transactions &
  typeof work &
  typeof money &
  typeof tariffs &
  typeof payments &
  typeof drivers &
  typeof notices &
  typeof reports &
  typeof people &
  typeof own &
  typeof guest;

declare module "use-intl" {
  interface AppConfig {
    Locale: Locale;
    Messages: Messages;
  }
}

/** The first of the browser's languages that we speak; English for everybody else. Pure. */
export function pickLocale(languages: readonly string[]): Locale {
  for (const language of languages) {
    if (/^pt\b/i.test(language)) return "pt-BR";
    if (/^en\b/i.test(language)) return "en";
    if (/^es\b/i.test(language)) return "es";
  }
  return "en";
}

function initial(): Locale {
  const stored = load("locale");
  const known = LOCALES.find((locale) => locale === stored);
  return known ?? pickLocale(typeof navigator === "undefined" ? [] : navigator.languages);
}

/** What is chosen. The page follows when the words are there. */
export const locale = createValue<Locale>(initial());

/** What is on screen. */
export const words = createValue<{ locale: Locale; messages: Messages }>({
  locale: locale.get(),
  messages: {} as Messages,
});

const files = import.meta.glob<Partial<Messages>>("../messages/*/*.json", { import: "default" });
const kept = new Map<string, Partial<Messages>>();
const needed = new Set<Area>();

const pathOf = (of: Locale, area: Area) => `../messages/${of}/${area}.json`;

async function fetchArea(of: Locale, area: Area): Promise<void> {
  const path = pathOf(of, area);
  if (!kept.has(path)) kept.set(path, (await files[path]?.()) ?? {});
}

function show(of: Locale): void {
  const parts = [...needed].map((area) => kept.get(pathOf(of, area)));
  words.set({ locale: of, messages: Object.assign({}, ...parts) as Messages });
}

/** Resolves when the words of these areas are on screen; rejects when they cannot be fetched. */
export async function needWords(...areas: readonly Area[]): Promise<void> {
  const { locale: of } = words.get();
  await Promise.all(areas.map((area) => fetchArea(of, area)));
  // The language may have changed in between.
  if (words.get().locale !== of) return needWords(...areas);
  if (areas.every((area) => needed.has(area))) return;
  areas.forEach((area) => needed.add(area));
  show(of);
}

/** Fetches a part of the page together with the words that it shows. */
export const withWords =
  <T>(areas: readonly Area[], part: () => Promise<T>) =>
  async (): Promise<T> => {
    const [fetched] = await Promise.all([part(), needWords(...areas)]);
    return fetched;
  };

/** Brings what is on screen to the language that is chosen. Without its words the old ones stay. */
async function follow(): Promise<void> {
  const wanted = locale.get();
  while (words.get().locale !== wanted && locale.get() === wanted) {
    const asked = [...needed];
    await Promise.all(asked.map((area) => fetchArea(wanted, area)));
    // A page may have come in between, and another choice.
    if (asked.length === needed.size && locale.get() === wanted) show(wanted);
  }
}

/** Keeps the choice, and fetches its words. */
export function chooseLocale(next: Locale): void {
  save("locale", next);
  locale.set(next);
  follow().catch(() => {});
}

/** Numbers and times in the locale on screen. */
export function useFormat(): Format {
  const current = useLocale();
  return useMemo(() => createFormat(current), [current]);
}
