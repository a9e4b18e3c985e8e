/**
 * What one adapter has to give: a single connection, from dialling to its loss.
 *
 * Reconnecting, back-off, the bound on handlers and on pending publishes are the same for every
 * adapter and live in `connect.ts`. A session never reconnects.
 */
import type { LinkOptions } from "./link.ts";

export type PublishOptions = { expirationMs?: number; mandatory?: boolean };

export type Session = {
  /** Resolves with the broker's confirm. May hang when the connection is lost: the link rejects it then. */
  publish(topic: string, payload: Buffer, options: PublishOptions): Promise<void>;
  /** Takes leave of the broker. */
  close(): Promise<void>;
};

export type DialContext = {
  options: LinkOptions;
  url: URL;
  heartbeatS: number;
  /** Hands one message over. Resolves when it may be acknowledged; never rejects. */
  deliver(topic: string, payload: Buffer): Promise<void>;
  /** Reports the loss of the connection, after the session was handed out. Later calls are ignored. */
  lost(reason: string): void;
  /** Aborted: drop the connection at once, in whatever state it is. */
  signal: AbortSignal;
};

/**
 * Resolves when the subscriptions are in place; rejects when aborted, or with what the operator should read.
 */
export type Dial = (context: DialContext) => Promise<Session>;

/** User and password of a URL, decoded. */
export function credentialsOf(url: URL): { username?: string; password?: string } {
  return {
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
  };
}

/** Host name without the brackets of an IPv6 literal. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}
