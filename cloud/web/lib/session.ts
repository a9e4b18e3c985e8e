/**
 * Who is signed in: one API key, kept in the browser's storage.
 *
 * A key in the address (`/#key=…`, from a setup script or a message) is stored and taken out of the
 * address bar at once, so that it is in no bookmark, no history entry and no screenshot.
 */
import { load, save } from "./storage.ts";
import { createValue } from "./value.ts";

/** `refused`: the cloud did not know the key, and the person must be told why they are back here. */
export type Session = { key: string | null; refused: boolean };

/** Takes the key out of a fragment such as `#key=abc`; null when there is none. */
export function keyFromHash(hash: string): string | null {
  const key = new URLSearchParams(hash.replace(/^#/, "")).get("key")?.trim();
  return key === undefined || key === "" ? null : key;
}

function initial(): Session {
  if (typeof location === "undefined") return { key: null, refused: false };
  const fromAddress = keyFromHash(location.hash);
  if (fromAddress !== null) {
    save("key", fromAddress);
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return { key: fromAddress ?? load("key"), refused: false };
}

export const session = createValue<Session>(initial());

/** Keeps the key and shows the page. The caller has checked it with `GET /v1/me`. */
export function signIn(key: string): void {
  save("key", key);
  session.set({ key, refused: false });
}

/** Forgets the key. `refused` tells the sign-in page that the cloud turned it down. */
export function signOut(refused = false): void {
  save("key", null);
  session.set({ key: null, refused });
}
