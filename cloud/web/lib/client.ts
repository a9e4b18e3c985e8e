/**
 * The API by its operations: types and paths are made from its description (`api.gen.ts`), so that a call
 * that the API does not offer does not compile.
 */
import { request, type Query } from "./api.ts";
import { ROUTES, type Operations } from "./api.gen.ts";

type Name = keyof Operations;
/** What must be given is asked for; what an operation does not take cannot be given. */
type Part<K extends string, T> = T extends undefined
  ? unknown
  : Record<string, never> extends T
    ? { [key in K]?: T }
    : { [key in K]: T };
type PathOf<N extends Name> = string extends keyof Operations[N]["path"]
  ? unknown
  : { path: { [P in keyof Operations[N]["path"]]: string | number } };
/** A filter that is not set may be handed on: what is undefined is left out. */
type Loose<T> = { [K in keyof T]: T[K] | (Record<string, never> extends Pick<T, K> ? undefined : never) };
export type Args<N extends Name> = PathOf<N> &
  Part<"query", Loose<Operations[N]["query"]>> &
  Part<"body", Operations[N]["body"]> & {
    idempotencyKey?: string;
    /** ETag of the document that is changed. */
    ifMatch?: string;
    signal?: AbortSignal | undefined;
    onEtag?: (etag: string) => void;
  };
export type Answer<N extends Name> = Operations[N]["answer"];

/** The address of an operation, below `/v1`. */
export const pathOf = (name: Name, path: Record<string, string | number> = {}): string =>
  ROUTES[name][1].replaceAll(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(String(path[part])));

/** Asks the API. @throws ApiError. */
export function call<N extends Name>(name: N, args: Args<N>): Promise<Answer<N>> {
  const { path, query, body, ...rest } = args as {
    path?: Record<string, string>;
    query?: Query;
    body?: unknown;
    idempotencyKey?: string;
    ifMatch?: string;
    signal?: AbortSignal;
  };
  return request<Answer<N>>(ROUTES[name][0], pathOf(name, path), {
    ...rest,
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body }),
  });
}

/** The same, with the ETag of what was read. */
export async function callWithEtag<N extends Name>(
  name: N,
  args: Args<N>,
): Promise<{ answer: Answer<N>; etag: string }> {
  let etag = "";
  const answer = await call(name, { ...args, onEtag: (told: string) => (etag = told) });
  return { answer, etag };
}
