/**
 * What a guest's page asks the API: without an account, with the token of its own session. Every request
 * has its time; a phone in a garage waits for none for ever.
 */
import type {
  GuestConnector,
  GuestSession,
  NewGuestSession,
  NewGuestSessionResult,
  ReceiptCheck,
} from "../lib/api.gen.ts";

/** `offline`: no answer came. Else the API's own code. */
export class GuestError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.name = "GuestError";
    this.status = status;
    this.code = code;
  }
}

const ANSWER_MS_MAX = 15_000;

type Options = { method?: "GET" | "POST"; body?: object; token?: string };

async function ask(path: string, { method = "GET", body, token }: Options): Promise<Response> {
  const headers: Record<string, string> = {};
  if (token !== undefined) headers["x-guest-token"] = token;
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(`/v1${path}`, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  }).catch(() => {
    throw new GuestError(0, "offline", "no answer");
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  // A proxy in front of a cloud that is down answers with its own page.
  const away = response.status >= 502 && problem.code === undefined;
  throw new GuestError(response.status, away ? "offline" : (problem.code ?? "unknown"), problem.detail ?? "");
}

const json = async <T>(path: string, options: Options = {}): Promise<T> =>
  (await (await ask(path, options)).json()) as T;

const session = (id: string) => `/guest/sessions/${encodeURIComponent(id)}`;

export const guestApi = {
  connector: (code: string) => json<GuestConnector>(`/guest/connectors/${encodeURIComponent(code)}`),
  begin: (body: NewGuestSession) => json<NewGuestSessionResult>("/guest/sessions", { method: "POST", body }),
  session: (id: string, token: string) => json<GuestSession>(session(id), { token }),
  stop: (id: string, token: string) => json<GuestSession>(`${session(id)}/stop`, { method: "POST", token }),
  cancel: (id: string, token: string) =>
    json<GuestSession>(`${session(id)}/cancel`, { method: "POST", token }),
  checkReceipt: (code: string) => json<ReceiptCheck>(`/receipt-codes/${encodeURIComponent(code)}`),
  receipt: async (id: string, token: string) => (await ask(`${session(id)}/receipt`, { token })).blob(),
};
