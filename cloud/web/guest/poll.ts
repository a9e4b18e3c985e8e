/**
 * Looking at a session again and again: often while something is awaited, seldom when nothing more will come, less
 * often after each failure. A hidden page rests; it looks at once when it is seen again or the network is back.
 */
import { useCallback, useEffect, useRef, useState } from "react";
import type { GuestSession } from "../lib/api.gen.ts";
import { guestApi, GuestError } from "./client.ts";

const QUICK_MS = 2_000;
const CALM_MS = 5_000;
const SLOW_MS = 15_000;
const BACKOFF_MS_MAX = 30_000;
/** Money comes back within minutes at most; after that nobody watches. */
const PATIENCE_MS = 10 * 60_000;

/** Nothing more will change. Pure. */
export function isSettled({ state, payment, hasReceipt }: GuestSession): boolean {
  if (payment.refundPendingMinor > 0) return false;
  if (state === "settled") return hasReceipt && payment.status !== "authorized";
  return state === "released" || state === "expired";
}

/** When to look again; null: never. Pure. @param failures how often it has failed in a row. */
export function lookAgainMs(
  session: GuestSession | null,
  failures: number,
  watchedMs: number,
): number | null {
  if (failures > 0) return Math.min(BACKOFF_MS_MAX, QUICK_MS * 2 ** Math.min(failures, 6));
  if (session === null) return QUICK_MS;
  if (isSettled(session)) return watchedMs > PATIENCE_MS ? null : SLOW_MS;
  switch (session.state) {
    case "awaiting-payment":
      return watchedMs > PATIENCE_MS ? CALM_MS : QUICK_MS;
    case "starting":
    case "plug-in":
    case "charging":
      return QUICK_MS;
    default:
      return CALM_MS;
  }
}

export type Watched = {
  session: GuestSession | null;
  /** Of the last look. */
  error: GuestError | null;
  /** When the session on screen was told, in Unix milliseconds of this phone. */
  toldAt: number;
  /** Shows what another request has told, and looks again. */
  take: (session: GuestSession) => void;
};

const toGuestError = (error: unknown): GuestError =>
  error instanceof GuestError ? error : new GuestError(0, "offline", String(error));

export function useSession(id: string, token: string): Watched {
  const [session, setSession] = useState<GuestSession | null>(null);
  const [error, setError] = useState<GuestError | null>(null);
  const [toldAt, setToldAt] = useState(0);
  const look = useRef<() => void>(() => {});

  const show = useCallback((told: GuestSession) => {
    setSession(told);
    setError(null);
    setToldAt(Date.now());
  }, []);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    let asking = false;
    let over = false;
    const startedAt = Date.now();

    const again = (last: GuestSession | null) => {
      clearTimeout(timer);
      const waitMs = lookAgainMs(last, failures, Date.now() - startedAt);
      if (!over && waitMs !== null) timer = setTimeout(ask, waitMs);
    };
    const ask = () => {
      if (asking || over || document.hidden) return;
      clearTimeout(timer);
      asking = true;
      guestApi.session(id, token).then(
        (told) => {
          asking = false;
          failures = 0;
          if (over) return;
          show(told);
          again(told);
        },
        (failed: unknown) => {
          asking = false;
          failures += 1;
          if (over) return;
          const problem = toGuestError(failed);
          setError(problem);
          // The token does not open it: looking again will not help.
          if (problem.status !== 404) again(null);
        },
      );
    };
    look.current = ask;
    ask();
    document.addEventListener("visibilitychange", ask);
    addEventListener("online", ask);
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", ask);
      removeEventListener("online", ask);
    };
  }, [id, token, show]);

  const take = useCallback(
    (told: GuestSession) => {
      show(told);
      look.current();
    },
    [show],
  );
  return { session, error, toldAt, take };
}
