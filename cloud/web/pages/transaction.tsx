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
import { TransactionCost } from "../components/transaction-cost.tsx";
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
      <Decided transaction={transaction} />
      {(transaction.flags.length > 0 || transaction.needsReview) && <Flags transaction={transaction} />}
      <TransactionCost detail={query.data} />
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
  const active = transaction.status === "active";
  const endMs = endedAt !== null ? Date.parse(endedAt) : active ? now : null;
  const energy = format.energy(transaction.energyWh);
  const duration = endMs === null ? "" : format.duration(endMs - Date.parse(startedAt));
  const title =
    !active && transaction.energyWh === null
      ? t("transaction.noEnergy")
      : duration === ""
        ? t("transaction.overUnseen", { energy })
        : t(active ? "transaction.running" : "transaction.over", { energy, duration });
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
        · {transaction.evseId > 0 && `${t("common.evse", { evse: String(transaction.evseId) })} · `}
        <When at={startedAt} timeZone={site?.timeZone} />
      </p>
      {transaction.endedUnseen && (
        <p className="mt-2 max-w-prose text-sm text-ink-2">{t("transaction.unseenHint")}</p>
      )}
      {active && (
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

/** What a person has decided about it. */
function Decided({ transaction: { mergedInto, writtenOff } }: { transaction: Transaction }) {
  const t = useTranslations();
  if (mergedInto === null && !writtenOff) return null;
  return (
    <p className="mb-8 flex gap-2 rounded-xl border border-line bg-surface px-4 py-3 text-sm">
      <Icon name={mergedInto === null ? "ban" : "in"} className="mt-0.5 size-4 text-ink-3" />
      {mergedInto === null ? (
        t("transaction.writtenOff")
      ) : (
        <span>
          {t("transaction.mergedInto")}{" "}
          <Link
            to="/transactions/$transactionId"
            params={{ transactionId: mergedInto }}
            className="rounded font-medium text-accent hover:underline"
          >
            {t("transaction.mergedLink")}
          </Link>
        </span>
      )}
    </p>
  );
}

/** Why a person should look, each in words, with the way to where it is decided. */
function Flags({ transaction: { flags, needsReview, transactionId } }: { transaction: Transaction }) {
  const t = useTranslations();
  const code = useCode();
  return (
    <section
      aria-label={t("transaction.flags")}
      className={`mb-8 rounded-xl px-4 py-3 ${needsReview ? "bg-amber-soft" : "border border-line bg-surface"}`}
    >
      <h2 className={`flex items-center gap-2 font-semibold ${needsReview ? "text-amber" : ""}`}>
        <Icon name={needsReview ? "alert" : "question"} />
        {needsReview ? t("transaction.review") : t("transaction.flags")}
      </h2>
      <dl className="mt-1.5 space-y-1.5 text-sm">
        {flags.map((flag) => (
          <div key={flag}>
            <dt className="font-medium">{code("flag", flag) ?? flag}</dt>
            <dd>
              {code("flagHint", flag) ?? code("authorizationReason", flag.replace(/^token-/, "")) ?? ""}
            </dd>
          </div>
        ))}
      </dl>
      {needsReview && (
        <Link
          to="/work/$reviewId"
          params={{ reviewId: `transaction:${transactionId}` }}
          className="mt-2 inline-flex items-center gap-1 rounded text-sm font-medium text-amber
            underline underline-offset-2"
        >
          {t("transaction.decide")} <Icon name="chevron" className="size-3" />
        </Link>
      )}
    </section>
  );
}

function Course({ transaction, timeZone }: { transaction: Transaction; timeZone: string | undefined }) {
  const t = useTranslations();
  const format = useFormat();
  const code = useCode();
  const { startedAt, endedAt, stoppedReason, meterStartWh, meterStopWh, timeQuality } = transaction;
  return (
    <Section title={t("transaction.course")}>
      <Card className="px-4 py-3">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm">
          <Fact term={t("transaction.started")}>
            <When at={startedAt} timeZone={timeZone} ago={false} />
            <Recorded at={transaction.startedAtRaw} timeZone={timeZone} />
          </Fact>
          <Fact term={t("transaction.ended")}>
            {endedAt !== null ? (
              <When at={endedAt} timeZone={timeZone} ago={false} />
            ) : (
              t(transaction.endedUnseen ? "transaction.onItsWay" : "transaction.stillRunning")
            )}
            <Recorded at={transaction.endedAtRaw} timeZone={timeZone} />
          </Fact>
          <Fact term={t("transaction.meterStart")}>{format.energy(meterStartWh)}</Fact>
          <Fact term={t("transaction.meterStop")}>
            {format.energy(meterStopWh)}
            {transaction.meterStopOtherWh !== null && (
              <span className="block text-[0.8125rem] text-amber">
                {t("transaction.meterStopOther", { energy: format.energy(transaction.meterStopOtherWh) })}
              </span>
            )}
          </Fact>
          <Fact term={t("transactions.energy")}>
            <span className="font-medium">{format.energy(transaction.energyWh)}</span>
          </Fact>
          <Fact term={t("transaction.stoppedReason")}>
            {stoppedReason === null ? MISSING : (code("stoppedReason", stoppedReason) ?? stoppedReason)}
          </Fact>
        </dl>
        <p className="mt-3 flex gap-2 border-t border-line pt-2.5 text-sm">
          <Icon
            name="clock"
            className={`mt-0.5 size-4 ${timeQuality === "estimated" ? "text-amber" : "text-ink-3"}`}
          />
          <span>
            <span className="font-medium">{t(`timeQuality.${timeQuality}`)}</span>{" "}
            <span className="text-ink-2">{t(`timeQualityHint.${timeQuality}`)}</span>
          </span>
        </p>
      </Card>
    </Section>
  );
}

/** The time as it was recorded, where it is now known better. */
function Recorded({ at, timeZone }: { at: string | null; timeZone: string | undefined }) {
  const t = useTranslations();
  const format = useFormat();
  if (at === null) return null;
  return (
    <span className="block text-[0.8125rem] text-ink-3">
      {t("transaction.recorded", { at: format.instant(Date.parse(at), timeZone) })}
    </span>
  );
}

/** Who said yes or no, on what grounds, and up to where. */
function Authorization({ transaction }: { transaction: Transaction }) {
  const t = useTranslations();
  const format = useFormat();
  const code = useCode();
  const { idToken, authorizedBy, authorizationStatus, ocppTransactionId, transactionId } = transaction;
  const { authorizationReason, capEnergyWh, capDurationS, revokedReason } = transaction;
  const bounds = [
    capEnergyWh === null ? null : format.energy(capEnergyWh),
    capDurationS === null ? null : format.duration(capDurationS * 1_000),
  ].filter((bound) => bound !== null);
  return (
    <Section title={t("transaction.authorization")}>
      <Card className="px-4 py-3 text-sm">
        <p className="font-medium">{code("authorizedBy", authorizedBy) ?? authorizedBy}</p>
        <p className="text-ink-2">{code("authorizedByHint", authorizedBy) ?? ""}</p>
        {authorizationReason !== null && (
          <p className="mt-2">{code("authorizationReason", authorizationReason) ?? authorizationReason}</p>
        )}
        {bounds.length > 0 && <p className="mt-2">{t("transaction.cap", { bounds: format.list(bounds) })}</p>}
        {revokedReason !== null && (
          <p className="mt-2 flex gap-2 text-amber">
            <Icon name="block" className="mt-0.5 size-4" />
            {t("transaction.revoked", {
              reason: code("revokedReason", revokedReason) ?? revokedReason,
            })}
          </p>
        )}
        <dl className="mt-3 grid grid-cols-2 gap-x-6 gap-y-3">
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
