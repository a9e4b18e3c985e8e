/**
 * The browser's storage, which may be missing or full: then choices last as long as the page.
 */
const memory = new Map<string, string>();
const PREFIX = "moovolt.";

/** The stored text, or null. Never throws. */
export function load(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name) ?? memory.get(name) ?? null;
  } catch {
    return memory.get(name) ?? null;
  }
}

/** Stores a text; null removes it. Never throws. */
export function save(name: string, value: string | null): void {
  if (value === null) memory.delete(name);
  else memory.set(name, value);
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Private mode or a full store: the copy in memory serves this page.
  }
}
