/** A long list with everything that may be instead of it: an error, a place while it is fetched, or nothing yet. */
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { useFeed } from "../lib/feed.ts";
import { Button } from "./button.tsx";
import { Card, Skeleton } from "./card.tsx";
import { ProblemNote } from "./problem.tsx";

type Props<T> = {
  feed: ReturnType<typeof useFeed<T>>;
  /** Shown where there is nothing. */
  empty: ReactNode;
  row: (item: T) => ReactNode;
};

export function FeedList<T>({ feed, empty, row }: Props<T>) {
  const t = useTranslations();
  const { query, items, older } = feed;
  return (
    <>
      {query.error !== null && items.length === 0 && (
        <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.isPending && <Skeleton className="h-72 w-full rounded-xl" />}
      {query.isSuccess && items.length === 0 && empty}
      {items.length > 0 && (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">{items.map(row)}</ul>
        </Card>
      )}
      {older.error !== null && <ProblemNote error={older.error} />}
      {feed.hasOlder && (
        <Button className="mt-3 w-full" onClick={() => void feed.loadOlder()} disabled={older.busy}>
          {t("common.older")}
        </Button>
      )}
    </>
  );
}
