/**
 * The root of all routes, and what their search parameters are read with. A file of its own, so that files
 * of routes can share it.
 */
import { createRootRoute } from "@tanstack/react-router";
import { ErrorPage, NotFoundPage } from "./components/error-page.tsx";
import { Shell } from "./components/shell.tsx";

export type Search = Record<string, unknown>;

/** A search parameter as text; anything else is as good as absent. The router reads `a=1` as a number. */
export function text(search: Search, name: string): string | undefined {
  const value = search[name];
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A search parameter that is one of these words. */
export function oneOf<T extends string>(search: Search, name: string, words: readonly T[]): T | undefined {
  const value = text(search, name);
  return words.find((word) => word === value);
}

export const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFoundPage,
  errorComponent: ErrorPage,
});
