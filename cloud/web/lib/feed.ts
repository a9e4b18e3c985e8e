/**
 * A long list, newest first, of which the top is fetched again and again: messages, transactions, commands.
 *
 * Invariant: the items are in the cloud's order, without gaps and without repeats. When a fresh page does
 * not meet what was known, the rest is dropped instead of leaving a hole.
 */
import { useQuery, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useState } from "react";
import type { Page } from "../../api/schemas.ts";

/** More rows than anyone reads: a page left open all day must not grow for ever. */
export const FEED_ITEMS_MAX = 2_000;

/** Puts a fresh first page on top of what is known. Pure. */
export function mergeNewest<T>(
  known: Page<T> | undefined,
  fresh: Page<T>,
  idOf: (item: T) => string,
): Page<T> {
  const last = fresh.items.at(-1);
  if (known === undefined || fresh.nextCursor === null || last === undefined) return fresh;
  const meeting = known.items.findIndex((item) => idOf(item) === idOf(last));
  if (meeting === -1) return fresh;
  const items = [...fresh.items, ...known.items.slice(meeting + 1)];
  return items.length > FEED_ITEMS_MAX ? fresh : { items, nextCursor: known.nextCursor };
}

/** Puts an older page below what is known. Pure. */
export function appendOlder<T>(known: Page<T>, older: Page<T>, idOf: (item: T) => string): Page<T> {
  const seen = new Set(known.items.map(idOf));
  return {
    items: [...known.items, ...older.items.filter((item) => !seen.has(idOf(item)))],
    nextCursor: older.nextCursor,
  };
}

type FeedOptions<T> = {
  queryKey: QueryKey;
  fetchPage: (cursor: string | undefined, signal: AbortSignal | undefined) => Promise<Page<T>>;
  idOf: (item: T) => string;
  enabled?: boolean;
  /** Fetches the top again by itself, where no event says that it is old. */
  refetchInterval?: number | false;
};

/** The list with a way to reach further back. */
export function useFeed<T>(options: FeedOptions<T>) {
  const { queryKey, fetchPage, idOf, enabled = true, refetchInterval = false } = options;
  const client = useQueryClient();
  const [older, setOlder] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  const query = useQuery({
    queryKey,
    enabled,
    refetchInterval,
    queryFn: async ({ signal }) => {
      const fresh = await fetchPage(undefined, signal);
      return mergeNewest(client.getQueryData<Page<T>>(queryKey), fresh, idOf);
    },
  });

  async function loadOlder(): Promise<void> {
    const cursor = query.data?.nextCursor;
    if (cursor === undefined || cursor === null || older.busy) return;
    setOlder({ busy: true, error: null });
    try {
      const page = await fetchPage(cursor, undefined);
      client.setQueryData<Page<T>>(queryKey, (known) => known && appendOlder(known, page, idOf));
      setOlder({ busy: false, error: null });
    } catch (error) {
      setOlder({ busy: false, error });
    }
  }

  const items = query.data?.items ?? [];
  const hasOlder =
    query.data !== undefined && query.data.nextCursor !== null && items.length < FEED_ITEMS_MAX;
  return { items, hasOlder, loadOlder, older, query };
}
