/**
 * The HTTP API, typed by its schemas: one wrapper around `fetch`, one function per call.
 *
 * Every failure is an `ApiError` with the cloud's own code and detail; a key that is refused, or a session that
 * has ended, leads to the sign-in page.
 * It does not cache and does not retry: TanStack Query does.
 */
import type { Er, ErHealth } from "../../api/er-schemas.ts";
import type { NewResolution, Review, ReviewDetail, ReviewSummary } from "../../api/review-schemas.ts";
import type { IdTokenPatch, IdTokenView, NewIdToken, SitePatch } from "../../api/rule-schemas.ts";
import type {
  CommandView,
  Connector,
  Message,
  Meter,
  MeterSample,
  NewCommand,
  Page,
  Problem,
  Site,
  Station,
  Transaction,
  TransactionDetail,
} from "../../api/schemas.ts";
import type {
  ChargingProfile,
  LocalList,
  NewPassword,
  NewStation,
  ReportedChargingProfile,
  Reservation,
  StationPassword,
  StationRegistration,
} from "../../api/control-schemas.ts";
import type { File } from "../../api/file-schemas.ts";
import type { CertificateRequest, CommandDetail, StationEvent } from "../../api/station-schemas.ts";
import type {
  NewStationTemplate,
  StationConfiguration,
  StationTemplate,
  StationTemplatePatch,
} from "../../api/template-schemas.ts";
import type { CommandKind } from "./intents.ts";
import { credentials, leave, session } from "./session.ts";

/** What the cloud said went wrong. `status` 0 and code `unreachable`: no answer came at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly instance: string | null;
  readonly errors: { pointer: string; message: string }[];

  constructor(problem: Partial<Problem> & { status: number; code: string }) {
    super(problem.detail ?? problem.title ?? problem.code);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title ?? problem.code;
    this.instance = problem.instance ?? null;
    this.errors = problem.errors ?? [];
  }
}

export type Query = Record<string, string | number | boolean | undefined>;
type Options = {
  query?: Query;
  /** JSON, or the bytes themselves. */
  body?: unknown;
  /** Of bytes that are no file of ours to keep. */
  contentType?: string;
  /** Another key than the one in use: one that is being tried. */
  key?: string;
  idempotencyKey?: string;
  ifMatch?: string;
  signal?: AbortSignal | undefined;
  /** Told the ETag of the answer: what a change is made on. */
  onEtag?: (etag: string) => void;
};

let serverAheadMs = 0;

/** The cloud's time in Unix milliseconds, told by its answers: ages are right on a PC with a wrong clock. */
export const cloudNow = () => Date.now() + serverAheadMs;

function noteTime(response: Response): void {
  const date = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(date)) return;
  const ahead = date - Date.now();
  // The header has whole seconds: a difference inside them is noise.
  serverAheadMs = Math.abs(ahead) < 2_000 ? 0 : ahead;
}

/** The path with its query; undefined and empty filters are left out. */
export function urlOf(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Reads a problem+json body; anything else becomes a problem with the status as its code. */
export async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as Partial<Problem> | null;
  if (body !== null && typeof body === "object" && typeof body.code === "string") {
    return new ApiError({ ...body, status: response.status, code: body.code });
  }
  // A proxy in front of a cloud that is down answers with its own page.
  const code = response.status >= 502 && response.status <= 504 ? "unreachable" : `http-${response.status}`;
  return new ApiError({ status: response.status, code, title: response.statusText });
}

/** Whoever asks is not known (any more). Other 401 are about a password or a code, in a session that goes on. */
const UNKNOWN = new Set(["NO_KEY", "NO_SESSION", "UNKNOWN_KEY"]);

export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const key = options.key ?? session.get().key;
  const headers: Record<string, string> = { accept: "application/json", ...credentials(key) };
  const { body } = options;
  if (body !== undefined)
    headers["content-type"] =
      body instanceof Blob ? (options.contentType ?? "application/octet-stream") : "application/json";
  if (options.idempotencyKey !== undefined) headers["idempotency-key"] = options.idempotencyKey;
  if (options.ifMatch !== undefined) headers["if-match"] = options.ifMatch;
  let response: Response;
  try {
    response = await fetch(urlOf(`/v1${path}`, options.query), {
      method,
      headers,
      body: body === undefined ? null : body instanceof Blob ? body : JSON.stringify(body),
      signal: options.signal ?? null,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError({ status: 0, code: "unreachable" });
  }
  noteTime(response);
  if (!response.ok) {
    const error = await errorOf(response);
    // Only for who is signed in: a key that is being tried out is the sign-in page's business.
    if (UNKNOWN.has(error.code) && key === session.get().key && session.get().state === "in")
      leave(key === null ? "session" : "key");
    throw error;
  }
  options.onEtag?.(response.headers.get("etag") ?? "");
  // 204: there is nothing to say.
  return (response.status === 204 ? null : await response.json()) as T;
}

/** The bytes of a file, with the name that it has here, put where the browser puts downloads. */
export async function downloadFile({ fileId, name }: File): Promise<void> {
  await download(`/files/${part(fileId)}/content`, name);
}

/** What the cloud makes as a file, put where the browser puts downloads. `path` is below `/v1`. */
export async function download(path: string, name: string, query: Query = {}): Promise<void> {
  saveAs(await fetchBlob(path, query), name);
}

/** The bytes of something that is no JSON. `path` is below `/v1`. */
export async function fetchBlob(path: string, query: Query = {}): Promise<Blob> {
  const response = await fetch(urlOf(`/v1${path}`, query), { headers: credentials() }).catch(() => {
    throw new ApiError({ status: 0, code: "unreachable" });
  });
  if (!response.ok) throw await errorOf(response);
  return response.blob();
}

/** Hands something to the browser as a download. */
export function saveAs(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** A random UUID; also where the page is not in a secure context and `randomUUID` is missing. */
export function newId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Follows cursors until the list ends or `maxPages` were read; `complete` says which of the two. */
export async function fetchAll<T>(
  fetchPage: (cursor: string | undefined) => Promise<Page<T>>,
  maxPages: number,
): Promise<{ items: T[]; complete: boolean }> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const { items: more, nextCursor } = await fetchPage(cursor);
    items.push(...more);
    if (nextCursor === null) return { items, complete: true };
    cursor = nextCursor;
  }
  return { items, complete: false };
}

const part = encodeURIComponent;
type Signal = AbortSignal | undefined;

const station = (stationId: string) => `/stations/${part(stationId)}`;

/** What a station is, has and is told besides charging. */
export const stationApi = {
  prepare: (body: NewStation) => request<Station>("POST", "/stations", { body }),
  register: (stationId: string, body: StationRegistration) =>
    request<Station>("PUT", `${station(stationId)}/registration`, { body }),
  password: (stationId: string, signal: Signal) =>
    request<StationPassword>("GET", `${station(stationId)}/password`, { signal }),
  setPassword: (stationId: string, body: NewPassword) =>
    request<StationPassword>("PUT", `${station(stationId)}/password`, { body }),
  forgetPassword: (stationId: string) => request<StationPassword>("DELETE", `${station(stationId)}/password`),
  configuration: (stationId: string, signal: Signal) =>
    request<StationConfiguration>("GET", `${station(stationId)}/configuration`, { signal }),
  reservations: (stationId: string, query: Query, signal: Signal) =>
    request<Page<Reservation>>("GET", `${station(stationId)}/reservations`, { query, signal }),
  cancelReservation: (stationId: string, reservationId: number) =>
    request<Reservation>("DELETE", `${station(stationId)}/reservations/${reservationId}`),
  profiles: (stationId: string, query: Query, signal: Signal) =>
    request<Page<ChargingProfile>>("GET", `${station(stationId)}/charging-profiles`, { query, signal }),
  clearProfile: (stationId: string, profileId: number) =>
    request<ChargingProfile>("DELETE", `${station(stationId)}/charging-profiles/${profileId}`),
  reportedProfiles: (stationId: string, signal: Signal) =>
    request<{ items: ReportedChargingProfile[] }>("GET", `${station(stationId)}/reported-charging-profiles`, {
      signal,
    }),
  localList: (stationId: string, signal: Signal) =>
    request<LocalList>("GET", `${station(stationId)}/local-list`, { signal }),
  events: (stationId: string, query: Query, signal: Signal) =>
    request<Page<StationEvent>>("GET", `${station(stationId)}/events`, { query, signal }),
  allEvents: (query: Query, signal: Signal) =>
    request<Page<StationEvent>>("GET", "/station-events", { query, signal }),
  certificateRequests: (query: Query, signal: Signal) =>
    request<Page<CertificateRequest>>("GET", "/certificate-requests", { query, signal }),
  templates: (query: Query, signal: Signal) =>
    request<Page<StationTemplate>>("GET", "/station-templates", { query, signal }),
  template: (templateId: string, signal: Signal) =>
    request<StationTemplate>("GET", `/station-templates/${part(templateId)}`, { signal }),
  createTemplate: (body: NewStationTemplate) =>
    request<StationTemplate>("POST", "/station-templates", { body }),
  patchTemplate: (templateId: string, body: StationTemplatePatch) =>
    request<StationTemplate>("PATCH", `/station-templates/${part(templateId)}`, { body }),
  deleteTemplate: (templateId: string) => request<null>("DELETE", `/station-templates/${part(templateId)}`),
  files: (query: Query, signal: Signal) => request<Page<File>>("GET", "/files", { query, signal }),
  upload: (name: string, body: Blob) => request<File>("POST", "/files", { query: { name }, body }),
  deleteFile: (fileId: string) => request<null>("DELETE", `/files/${part(fileId)}`),
};

export const api = {
  me: (key: string) => request<{ operatorId: string; keyName: string }>("GET", "/me", { key }),
  sites: (query: Query, signal: Signal) => request<Page<Site>>("GET", "/sites", { query, signal }),
  site: (siteId: string, signal: Signal) => request<Site>("GET", `/sites/${part(siteId)}`, { signal }),
  patchSite: (siteId: string, body: SitePatch) => request<Site>("PATCH", `/sites/${part(siteId)}`, { body }),
  policyKey: (signal: Signal) => request<{ publicKey: string }>("GET", "/policy-key", { signal }),
  ers: (query: Query, signal: Signal) => request<Page<Er>>("GET", "/ers", { query, signal }),
  er: (erId: string, signal: Signal) => request<Er>("GET", `/ers/${part(erId)}`, { signal }),
  erHealth: (erId: string, query: Query, signal: Signal) =>
    request<Page<ErHealth>>("GET", `/ers/${part(erId)}/health`, { query, signal }),
  connectors: (query: Query, signal: Signal) =>
    request<Page<Connector>>("GET", "/connectors", { query, signal }),
  stations: (query: Query, signal: Signal) => request<Page<Station>>("GET", "/stations", { query, signal }),
  station: (stationId: string, signal: Signal) =>
    request<Station>("GET", `/stations/${part(stationId)}`, { signal }),
  messages: (stationId: string, query: Query, signal: Signal) =>
    request<Page<Message>>("GET", `/stations/${part(stationId)}/messages`, { query, signal }),
  commands: (stationId: string, query: Query, signal: Signal) =>
    request<Page<CommandView>>("GET", `/stations/${part(stationId)}/commands`, { query, signal }),
  command: (commandId: string, signal: Signal) =>
    request<CommandDetail>("GET", `/commands/${part(commandId)}`, { signal }),
  commandKinds: (signal: Signal) => request<{ items: CommandKind[] }>("GET", "/command-kinds", { signal }),
  ocppActions: (protocol: string, signal: Signal) =>
    request<{ items: { action: string; fromStation: boolean }[] }>("GET", `/ocpp/${part(protocol)}/actions`, {
      signal,
    }),
  ocppAction: (protocol: string, action: string, signal: Signal) =>
    request<{ action: string; request: object; response: object }>(
      "GET",
      `/ocpp/${part(protocol)}/actions/${part(action)}`,
      { signal },
    ),
  sendCommand: (stationId: string, body: NewCommand, idempotencyKey: string) =>
    request<CommandView>("POST", `/stations/${part(stationId)}/commands`, { body, idempotencyKey }),
  transactions: (query: Query, signal: Signal) =>
    request<Page<Transaction>>("GET", "/transactions", { query, signal }),
  transaction: (transactionId: string, signal: Signal) =>
    request<TransactionDetail>("GET", `/transactions/${part(transactionId)}`, { signal }),
  meters: (query: Query, signal: Signal) => request<Page<Meter>>("GET", "/meters", { query, signal }),
  meter: (meterId: string, signal: Signal) => request<Meter>("GET", `/meters/${part(meterId)}`, { signal }),
  meterSamples: (meterId: string, query: Query, signal: Signal) =>
    request<Page<MeterSample>>("GET", `/meters/${part(meterId)}/samples`, { query, signal }),
  idTokens: (query: Query, signal: Signal) =>
    request<Page<IdTokenView>>("GET", "/id-tokens", { query, signal }),
  createIdToken: (body: NewIdToken, idempotencyKey: string) =>
    request<IdTokenView>("POST", "/id-tokens", { body, idempotencyKey }),
  patchIdToken: (idToken: string, body: IdTokenPatch) =>
    request<IdTokenView>("PATCH", `/id-tokens/${part(idToken)}`, { body }),
  reviews: (query: Query, signal: Signal) => request<Page<Review>>("GET", "/reviews", { query, signal }),
  reviewSummary: (signal: Signal) => request<ReviewSummary>("GET", "/reviews/summary", { signal }),
  review: (reviewId: string, signal: Signal) =>
    request<ReviewDetail>("GET", `/reviews/${part(reviewId)}`, { signal }),
  resolveReview: (reviewId: string, body: NewResolution, idempotencyKey: string) =>
    request<ReviewDetail>("POST", `/reviews/${part(reviewId)}/resolve`, { body, idempotencyKey }),
};
