/** What the pages about people ask for: users, invitations, API keys, the audit, what is one's own. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { NewInvitation } from "./api.gen.ts";
import { fetchAll } from "./api.ts";
import { call } from "./client.ts";
import type { AuditFilter } from "./audit.ts";

const PAGE = 200;
const PAGES_MAX = 10;
const AUDIT_PAGE = 100;

export type RoleName = NewInvitation["role"];

/** Drivers are not staff: they have a page of their own. */
export const STAFF_ROLES: readonly RoleName[] = [
  ...(["owner", "admin", "operations", "billing", "support", "site-host", "installer"] as const),
];

export const usersQuery = () =>
  queryOptions({
    queryKey: ["users"],
    queryFn: ({ signal }) =>
      fetchAll(
        (cursor) => call("listUsers", { query: { limit: PAGE, ...(cursor && { cursor }) }, signal }),
        PAGES_MAX,
      ),
  });

export const invitationsQuery = () =>
  queryOptions({
    queryKey: ["invitations"],
    queryFn: ({ signal }) =>
      fetchAll(
        (cursor) => call("listInvitations", { query: { limit: PAGE, ...(cursor && { cursor }) }, signal }),
        PAGES_MAX,
      ),
  });

export const keysQuery = () =>
  queryOptions({
    queryKey: ["keys"],
    queryFn: ({ signal }) =>
      fetchAll(
        (cursor) => call("listApiKeys", { query: { limit: PAGE, ...(cursor && { cursor }) }, signal }),
        PAGES_MAX,
      ),
  });

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ["audit", filter],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      call("listAuditEntries", {
        query: { ...filter, limit: AUDIT_PAGE, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
        signal,
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });

export const mySessionsQuery = () =>
  queryOptions({ queryKey: ["my-sessions"], queryFn: ({ signal }) => call("listMySessions", { signal }) });

export const myPasskeysQuery = () =>
  queryOptions({ queryKey: ["my-passkeys"], queryFn: ({ signal }) => call("listMyPasskeys", { signal }) });
