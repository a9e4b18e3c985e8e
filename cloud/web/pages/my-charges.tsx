/** A driver's own charges: is my car charging, what does it cost, and what did the others? */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useLocale, useTranslations } from "use-intl";
import type { OwnTransaction } from "../../api/own-schemas.ts";
import { Button } from "../components/button.tsx";
import { Card, Empty, Section, Skeleton } from "../components/card.tsx";
import { OwnHead, OwnPage, OwnProblem } from "../components/own-page.tsx";
import { RunningCard } from "../components/own-running.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { useNow } from "../components/time.tsx";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { byMonth, ownProfileQuery, ownRunningQuery } from "../lib/own.ts";

const PAGE = 30;

export function MyChargesPage() {
  const t = useTranslations();
  const running = useQuery(ownRunningQuery());
  const profile = useQuery(ownProfileQuery());
  const feed = useFeed<OwnTransaction>({
    queryKey: ["own", "ended"],
    fetchPage: (cursor, signal) =>
      call("listOwnTransactions", { query: { status: "ended", limit: PAGE, cursor }, signal }),
    idOf: ({ transactionId }) => transactionId,
  });
  useEnded(running.data?.items.map(({ transactionId }) => transactionId));
  const error = running.error ?? feed.query.error;
  if (error !== null && running.data === undefined)
    return <OwnProblem error={error} onRetry={() => void running.refetch()} />;
  const active = (running.data?.items ?? []) as OwnTransaction[];
  const nothing = running.isSuccess && feed.query.isSuccess && active.length + feed.items.length === 0;
  return (
    <OwnPage>
      <OwnHead title={t("own.charges")}>
        {profile.data?.status === "blocked" && (
          <p className="mt-3 rounded-xl bg-amber-soft px-4 py-3">
            {t("own.blocked", { operator: profile.data.operatorName })}
          </p>
        )}
      </OwnHead>
      {active.length > 0 && (
        <Section title={t("own.now")} className="mb-8">
          <div className="space-y-3">
            {active.map((transaction) => (
              <RunningCard key={transaction.transactionId} transaction={transaction} />
            ))}
          </div>
        </Section>
      )}
      {(running.isPending || feed.query.isPending) && <Skeleton className="h-72 w-full rounded-xl" />}
      {nothing && (
        <Empty title={t("own.noCharges")}>
          {t("own.noChargesHint", { operator: profile.data?.operatorName ?? "" })}
        </Empty>
      )}
      <Ended feed={feed} />
    </OwnPage>
  );
}

/** When one that ran is among those that run no more, the list below has one more. */
function useEnded(running: readonly string[] | undefined): void {
  const client = useQueryClient();
  const before = useRef<readonly string[]>([]);
  useEffect(() => {
    if (running === undefined) return;
    if (before.current.some((id) => !running.includes(id)))
      void client.invalidateQueries({ queryKey: ["own", "ended"] });
    before.current = running;
  }, [running, client]);
}

function Ended({ feed }: { feed: ReturnType<typeof useFeed<OwnTransaction>> }) {
  const t = useTranslations();
  const locale = useLocale();
  const { items, older } = feed;
  return (
    <>
      {byMonth(items, locale).map(({ name, items: charges }) => (
        <section key={name} aria-label={name} className="mb-6">
          <h2 className="mb-2 text-[0.9375rem] font-semibold first-letter:uppercase">{name}</h2>
          <Card className="overflow-hidden">
            <ul className="divide-y divide-line">
              {charges.map((charge) => (
                <Row key={charge.transactionId} charge={charge} />
              ))}
            </ul>
          </Card>
        </section>
      ))}
      {older.error !== null && <ProblemNote error={older.error} />}
      {feed.hasOlder && (
        <Button className="w-full" onClick={() => void feed.loadOlder()} disabled={older.busy}>
          {t("common.older")}
        </Button>
      )}
    </>
  );
}

function Row({ charge }: { charge: OwnTransaction }) {
  const format = useFormat();
  const now = useNow(60_000);
  const { transactionId, siteName, startedAt, endedAt, energyWh, timeZone } = charge;
  const start = Date.parse(startedAt);
  return (
    <li className="lazy-row relative flex items-center gap-x-4 px-4 py-3 hover:bg-raised">
      <div className="min-w-0 flex-1">
        <Link
          to="/my/charges/$transactionId"
          params={{ transactionId }}
          className="block truncate font-medium -outline-offset-2 after:absolute after:inset-0"
        >
          {siteName}
        </Link>
        <p className="truncate text-[0.8125rem] text-ink-3">{format.dayMinute(start, now, timeZone)}</p>
      </div>
      <div className="shrink-0 text-right">
        <p className="font-medium whitespace-nowrap">
          <Amount charge={charge} />
        </p>
        <p className="text-[0.8125rem] whitespace-nowrap text-ink-3">
          {format.energy(energyWh)}
          {endedAt !== null && ` · ${format.duration(Date.parse(endedAt) - start)}`}
        </p>
      </div>
    </li>
  );
}

/** What it cost, or why that is not known yet. */
function Amount({ charge: { totalMinor, currency, billing } }: { charge: OwnTransaction }) {
  const t = useTranslations();
  const money = useMoney();
  if (totalMinor !== null && currency !== null) return <>{money.amount(totalMinor, currency)}</>;
  return (
    <span className="text-[0.8125rem] font-normal text-ink-2">
      {t(billing === "none" ? "own.short.none" : billing === "billed" ? "own.short.other" : "own.short.soon")}
    </span>
  );
}
