/** A transaction: what happened? In a sentence, as a curve, and line by line. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { Site, Transaction } from "../../api/schemas.ts";
import { Badge } from "../components/badge.tsx";
import { BigNumber, Card, Fact, Section, Skeleton } from "../components/card.tsx";
import { CopyButton } from "../components/copy.tsx";
import { Icon } from "../components/icon.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemPage } from "../components/problem.tsx";
import { useNow, When } from "../components/time.tsx";
import { TransactionChart } from "../components/transaction-chart.tsx";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { siteQuery, transactionQuery } from "../lib/queries.ts";
import { TRANSACTION_LOOK, transactionState } from "../lib/state.ts";
import { useCode } from "../lib/words.ts";

const route = getRouteApi("/transactions/$transactionId");
const CHART_PX = 280;

export function TransactionPage() {
  const t = useTranslations();
  const { transactionId } = route.useParams();
  const query = useQuery(transactionQuery(transactionId));
  const site = useQuery(siteQuery(query.data?.transaction.siteId ?? ""));
  if (query.isError && query.data === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <TransactionSkeleton />;
  const { transaction } = query.data;
  const timeZone = site.data?.timeZone;
  return (
    <>
      <TransactionHead transaction={transaction} site={site.data} />
      {transaction.flags.length > 0 && <Flags flags={transaction.flags} review={transaction.needsReview} />}
      <Section title={t("transaction.curve")} className="mb-8">
        <Card className="px-4 py-3">
          <TransactionChart detail={query.data} height={CHART_PX} timeZone={timeZone} energy />
        </Card>
      </Section>
      <div className="grid gap-8 md:grid-cols-2">
        <Course transaction={transaction} timeZone={timeZone} />
        <Authorization transaction={transaction} />
      </div>
    </>
  );
}

function TransactionHead({ transaction, site }: { transaction: Transaction; site: Site | undefined }) {
  const t = useTranslations();
  const format = useFormat();
  const now = useNow();
  const state = transactionState(transaction);
  const old = site?.erOnline === false && transaction.status === "active";
  const { stationId, startedAt, endedAt } = transaction;
  const ms = (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt);
  const title = t(transaction.status === "active" ? "transaction.running" : "transaction.over", {
    energy: format.energy(transaction.energyWh),
    duration: format.duration(ms),
  });
  return (
    <PageHead
      title={title}
      site={site}
      badge={
        <Badge {...TRANSACTION_LOOK[state]} old={old}>
          {t(`transactionState.${state}`)}
        </Badge>
      }
    >
      <p className="mt-1 text-ink-2">
        <Link
          to="/stations/$stationId"
          params={{ stationId }}
          className="rounded font-medium text-accent hover:underline"
        >
          {stationId}
        </Link>{" "}
        · {t("station.evse", { evse: String(transaction.evseId) })} ·{" "}
        <When at={startedAt} timeZone={site?.timeZone} />
      </p>
      {transaction.status === "active" && (
        <div className={`mt-3 flex flex-wrap items-baseline gap-x-8 ${old ? "text-ink-3" : ""}`}>
          <BigNumber {...format.powerOf(transaction.powerW)} className="text-4xl" />
          {transaction.socPercent !== null && (
            <span className="text-ink-2">
              {t("transactions.soc")}{" "}
              <span className="font-medium text-ink">{format.percent(transaction.socPercent)}</span>
            </span>
          )}
        </div>
      )}
    </PageHead>
  );
}

/** Why a person should look, each in words. */
function Flags({ flags, review }: { flags: readonly string[]; review: boolean }) {
  const t = useTranslations();
  const code = useCode();
  return (
    <section
      aria-label={t("transaction.flags")}
      className={`mb-8 rounded-xl px-4 py-3 ${review ? "bg-amber-soft" : "border border-line bg-surface"}`}
    >
      <h2 className={`flex items-center gap-2 font-semibold ${review ? "text-amber" : ""}`}>
        <Icon name={review ? "alert" : "question"} />
        {review ? t("transaction.review") : t("transaction.flags")}
      </h2>
      <dl className="mt-1.5 space-y-1.5 text-sm">
        {flags.map((flag) => (
          <div key={flag}>
            <dt className="font-medium">{code("flag", flag) ?? flag}</dt>
            <dd className="text-ink-2">{code("flagHint", flag) ?? ""}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Course({ transaction, timeZone }: { transaction: Transaction; timeZone: string | undefined }) {
  const t = useTranslations();
  const format = useFormat();
  const code = useCode();
  const { startedAt, endedAt, stoppedReason, meterStartWh, meterStopWh } = transaction;
  return (
    <Section title={t("transaction.course")}>
      <Card className="px-4 py-3">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm">
          <Fact term={t("transaction.started")}>
            <When at={startedAt} timeZone={timeZone} ago={false} />
          </Fact>
          <Fact term={t("transaction.ended")}>
            {endedAt === null ? (
              t("transaction.stillRunning")
            ) : (
              <When at={endedAt} timeZone={timeZone} ago={false} />
            )}
          </Fact>
          <Fact term={t("transaction.meterStart")}>{format.energy(meterStartWh)}</Fact>
          <Fact term={t("transaction.meterStop")}>{format.energy(meterStopWh)}</Fact>
          <Fact term={t("transactions.energy")}>
            <span className="font-medium">{format.energy(transaction.energyWh)}</span>
          </Fact>
          <Fact term={t("transaction.stoppedReason")}>
            {stoppedReason === null ? MISSING : (code("stoppedReason", stoppedReason) ?? stoppedReason)}
          </Fact>
        </dl>
      </Card>
    </Section>
  );
}

function Authorization({ transaction }: { transaction: Transaction }) {
  const t = useTranslations();
  const code = useCode();
  const { idToken, authorizedBy, authorizationStatus, ocppTransactionId, transactionId } = transaction;
  return (
    <Section title={t("transaction.authorization")}>
      <Card className="px-4 py-3 text-sm">
        <p className="font-medium">{code("authorizedBy", authorizedBy) ?? authorizedBy}</p>
        <p className="mb-3 text-ink-2">{code("authorizedByHint", authorizedBy) ?? ""}</p>
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3">
          <Fact term={t("transactions.token")}>
            <span className="font-mono text-[0.8125rem]">{idToken ?? t("transactions.noToken")}</span>
          </Fact>
          <Fact term={t("transaction.answer")}>
            {authorizationStatus === null
              ? MISSING
              : (code("tokenStatus", authorizationStatus) ?? authorizationStatus)}
          </Fact>
          <Fact term={t("transaction.ocppId")}>
            <span className="font-mono text-[0.8125rem]">{ocppTransactionId ?? MISSING}</span>
          </Fact>
          <Fact term={t("transaction.id")}>
            <span className="font-mono text-xs break-all">{transactionId}</span>
            <span className="-ml-2.5 block">
              <CopyButton text={transactionId} />
            </span>
          </Fact>
        </dl>
      </Card>
    </Section>
  );
}

function TransactionSkeleton() {
  const t = useTranslations();
  return (
    <div aria-busy="true" aria-label={t("common.loading")} role="status">
      <Skeleton className="mb-2 h-5 w-40" />
      <Skeleton className="mb-3 h-8 w-80 max-w-full" />
      <Skeleton className="mb-8 h-6 w-64" />
      <Skeleton className="h-80 w-full rounded-xl" />
    </div>
  );
}
