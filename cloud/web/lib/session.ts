/**
 * Who is signed in: a person, known by a cookie that no script sees, or one API key, kept in the browser's
 * storage. A key goes before a person: whoever opens a link with a key wants to be that key.
 *
 * A key in the address (`/#key=…`, from a setup script or a message) is stored and taken out of the
 * address bar at once, so that it is in no bookmark, no history entry and no screenshot.
 */
import { load, save } from "./storage.ts";
import { createValue } from "./value.ts";

/** `asking`: no key is stored, and the cloud has not yet said whether there is a person. */
export type SessionState = "asking" | "out" | "in";
export type Session = {
  state: SessionState;
  /** null: whoever is signed in is a person. */
  key: string | null;
  /** Why somebody is back at the sign-in page: the key was turned down, or the session has ended. */
  ended: "key" | "session" | null;
  /** Of a person with several operators: the one on screen. null: the first. */
  operatorId: string | null;
};

/** Takes the key out of a fragment such as `#key=abc`; null when there is none. */
export function keyFromHash(hash: string): string | null {
  const key = new URLSearchParams(hash.replace(/^#/, "")).get("key")?.trim();
  return key === undefined || key === "" ? null : key;
}

function initial(): Session {
  const nobody: Session = { state: "asking", key: null, ended: null, operatorId: load("operator") };
  if (typeof location === "undefined") return nobody;
  const fromAddress = keyFromHash(location.hash);
  if (fromAddress !== null) {
    save("key", fromAddress);
    save("kind", null);
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  const key = fromAddress ?? load("key");
  return key === null ? nobody : { ...nobody, state: "in", key };
}

export const session = createValue<Session>(initial());

const change = (next: Partial<Session>) => session.set({ ...session.get(), ...next });

/** Whether it is a driver or not (`me.ts`): the next one may be the other. */
const forgetKind = (): void => save("kind", null);

/** Keeps the key and shows the page. The caller has checked it with `GET /v1/me`. */
export function keepKey(key: string): void {
  save("key", key);
  forgetKind();
  change({ state: "in", key, ended: null });
}

/** A person has the session's cookie, or has not. */
export function settleSession(signedIn: boolean): void {
  if (session.get().key !== null) return;
  change({ state: signedIn ? "in" : "out", ended: null });
}

/** Forgets the key, or that there was a person: the cookie is the cloud's to take back. */
export function leave(ended: Session["ended"] = null): void {
  save("key", null);
  forgetKind();
  change({ state: "out", key: null, ended });
}

/** Shows another of the person's operators, also after a reload. null: the first one. */
export function chooseOperator(operatorId: string | null): void {
  save("operator", operatorId);
  forgetKind();
  change({ operatorId });
}

/** The headers that say who asks. A person's cookie goes with every request by itself. */
export function credentials(key = session.get().key): Record<string, string> {
  if (key !== null) return { authorization: `Bearer ${key}` };
  const { operatorId } = session.get();
  return operatorId === null ? {} : { "moov-operator": operatorId };
}
