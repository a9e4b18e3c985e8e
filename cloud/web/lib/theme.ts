/**
 * Light and dark: the person's choice, or what the system says. The attribute on `<html>` is the truth that
 * the stylesheet reads; public/theme.js sets it before the first paint.
 */
import { load, save } from "./storage.ts";
import { createValue } from "./value.ts";

export type ThemeChoice = "system" | "light" | "dark";

const stored = load("theme");
export const themeChoice = createValue<ThemeChoice>(
  stored === "light" || stored === "dark" ? stored : "system",
);
/** The theme on screen. Charts are drawn anew when it changes: a canvas does not follow the stylesheet. */
export const theme = createValue<"light" | "dark">("light");

function apply(): void {
  const choice = themeChoice.get();
  const dark =
    choice === "dark" || (choice === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  theme.set(dark ? "dark" : "light");
}

/** Follows the system from now on. Called once. */
export function startTheme(): void {
  apply();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
}

/** Keeps the choice and shows it. */
export function chooseTheme(choice: ThemeChoice): void {
  save("theme", choice === "system" ? null : choice);
  themeChoice.set(choice);
  apply();
}
