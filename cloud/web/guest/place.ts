/**
 * Where a guest is: at a connector (`/c/<code>`), in a session of their own (`/g/<id>#<token>`), or with a receipt
 * that is to be checked (`/receipts/<code>`, or `/receipts` to type its code). The
 * token stays in the address: the phone may drop the page while it is locked, and whoever opens the address
 * again is back in.
 */
import { load, save } from "../lib/storage.ts";

export type Place =
  | { kind: "connector"; code: string }
  | { kind: "session"; id: string; token: string }
  /** Empty: it is still to be typed. */
  | { kind: "receipt"; code: string }
  | { kind: "nowhere" };

const last = (code: string) => `guest.${code.toUpperCase()}`;

/** As it stands in an address, which may be no text at all. */
function codeOf(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Pure. */
export function placeOf(pathname: string, hash: string): Place {
  const [, kind, name = ""] = pathname.split("/");
  if (kind === "c" && /^[0-9A-Za-z]{6,16}$/.test(name))
    return { kind: "connector", code: name.toUpperCase() };
  if (kind === "receipts") return { kind: "receipt", code: codeOf(name) };
  const token = hash.replace(/^#/, "");
  if (kind === "g" && name !== "" && token !== "") return { kind: "session", id: name, token };
  return { kind: "nowhere" };
}

export const addressOf = (id: string, token: string): string => `/g/${encodeURIComponent(id)}#${token}`;

export const receiptAddress = (code: string): string => `/receipts/${encodeURIComponent(code)}`;

/** The last session at a connector, for who scans its code again. */
export function keepSession(code: string, id: string, token: string): void {
  save(last(code), JSON.stringify({ id, token }));
}

export function lastSession(code: string): { id: string; token: string } | null {
  try {
    const { id, token } = JSON.parse(load(last(code)) ?? "") as { id?: unknown; token?: unknown };
    return typeof id === "string" && typeof token === "string" ? { id, token } : null;
  } catch {
    return null;
  }
}

export const forgetSession = (code: string): void => save(last(code), null);

/** Names a wish: a second tap, or a lost answer, is the same wish and pays once. */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
