/**
 * Words: two locales, ICU messages, keys typed from pt-BR. A locale's messages are fetched only when it is
 * the one on screen.
 */
import { useMemo } from "react";
import { useLocale } from "use-intl";
import type guestPtBR from "../messages/guest.pt-BR.json";
import type ptBR from "../messages/pt-BR.json";
import { createFormat, type Format } from "./format.ts";
import { load, save } from "./storage.ts";
import { createValue } from "./value.ts";

export type Locale = "pt-BR" | "en";
/** Words of the application, and those of the page of guests, which has only its own. */
export type Messages = typeof ptBR & typeof guestPtBR;
export const LOCALES: readonly Locale[] = ["pt-BR", "en"];

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
  }
  return "en";
}

function initial(): Locale {
  const stored = load("locale");
  const known = LOCALES.find((locale) => locale === stored);
  return known ?? pickLocale(typeof navigator === "undefined" ? [] : navigator.languages);
}

export const locale = createValue<Locale>(initial());

/** Keeps the choice; the page follows when the messages are there. */
export function chooseLocale(next: Locale): void {
  save("locale", next);
  locale.set(next);
}

/** Fetches a locale's messages. */
export async function loadMessages(of: Locale): Promise<Messages> {
  const file =
    of === "pt-BR"
      ? await import("../messages/pt-BR.json", { with: { type: "json" } })
      : await import("../messages/en.json", { with: { type: "json" } });
  return file.default as Messages;
}

/** Numbers and times in the locale on screen. */
export function useFormat(): Format {
  const current = useLocale();
  return useMemo(() => createFormat(current), [current]);
}
