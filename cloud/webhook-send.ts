/**
 * One try to deliver an event: a signed POST (Standard Webhooks), and what came back, within bounds of time and
 * size. Redirects are not followed: they are failures.
 */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { Webhook } from "standardwebhooks";
import { describeError } from "../shared/errors.ts";
import {
  WEBHOOK_RESPONSE_BYTES_MAX,
  WEBHOOK_RESPONSE_KEPT_MAX,
  WEBHOOK_RETRY_AFTER_MS_MAX,
  WEBHOOK_TIMEOUT_MS,
} from "../shared/limits.ts";
import { guardedLookup, refusalOf, resolveAll, type Resolve } from "./webhook-target.ts";

export type WebhookSettings = {
  /** http and addresses inside are allowed: laboratories and tests. */
  allowPrivate: boolean;
  resolve?: Resolve;
  timeoutMs?: number;
};

export type Outgoing = {
  eventId: string;
  url: string;
  /** Each signs: while a secret is being changed there are two. */
  secrets: readonly string[];
  body: string;
};

export type Answer = {
  /** Absent: there was no answer. */
  status?: number;
  error?: string;
  /** The beginning of the answer's body. */
  response?: string;
  retryAfterMs?: number;
};

export const succeeded = ({ status, error }: Answer): boolean =>
  error === undefined && status !== undefined && status >= 200 && status < 300;

function headersOf({ eventId, secrets, body }: Outgoing, at: Date): Record<string, string> {
  return {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "user-agent": "Moov.olt-Webhooks/1",
    "webhook-id": eventId,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(eventId, at, body)).join(" "),
  };
}

/** `Retry-After` (RFC 9110): seconds, or a date. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), WEBHOOK_RETRY_AFTER_MS_MAX);
}

/** PostgreSQL's text holds no NUL; what is no UTF-8 is shown as such. */
const readable = (bytes: Buffer) =>
  bytes.toString("utf8").replaceAll("\0", "\ufffd").slice(0, WEBHOOK_RESPONSE_KEPT_MAX);

/** The beginning of the body; the rest is not waited for. Rejects when the socket breaks. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= WEBHOOK_RESPONSE_BYTES_MAX) break;
  }
  return readable(Buffer.concat(chunks));
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const status = response.statusCode ?? 0;
  const after =
    status === 429 || status >= 500 ? retryAfterMs(response.headers["retry-after"], Date.now()) : undefined;
  const told: Answer = { status, ...(after === undefined ? {} : { retryAfterMs: after }) };
  try {
    return { ...told, response: await beginningOf(response) };
  } catch (error) {
    return { ...told, error: `its answer broke off: ${describeError(error)}` };
  }
}

/** Never rejects, and always ends in time. */
export async function sendWebhook(outgoing: Outgoing, settings: WebhookSettings): Promise<Answer> {
  const { allowPrivate, resolve = resolveAll, timeoutMs = WEBHOOK_TIMEOUT_MS } = settings;
  const refusal = refusalOf(outgoing.url, allowPrivate);
  if (refusal !== undefined) return { error: `this address is not called: ${refusal}` };
  const send = outgoing.url.startsWith("https:") ? httpsRequest : httpRequest;
  const request = send(outgoing.url, {
    method: "POST",
    headers: headersOf(outgoing, new Date()),
    // No connection is shared or kept: each goes to an address that was looked at for it.
    agent: false,
    lookup: guardedLookup(resolve, allowPrivate),
    maxHeaderSize: 16 * 1024,
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    request.destroy(new Error("late"));
  }, timeoutMs);
  try {
    const answer = await new Promise<Answer>((done) => {
      request.on("error", (error) => done({ error: describeError(error) }));
      request.on("response", (response) => void answerOf(response).then(done));
      request.end(outgoing.body);
    });
    return late ? { ...answer, error: `no whole answer within ${timeoutMs / 1_000} s` } : answer;
  } finally {
    clearTimeout(timer);
    request.destroy();
  }
}
