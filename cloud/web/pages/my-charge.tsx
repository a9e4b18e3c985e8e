/** One charge of a driver: what did it cost, and why? Line by line, with its receipt. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { OwnCdr, OwnTransaction, OwnTransactionDetail } from "../../api/own-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { BigNumber, Card, Fact, Section, Skeleton } from "../components/card.tsx";
import { DownloadButton } from "../components/download-button.tsx";
import { Icon } from "../components/icon.tsx";
import { OwnHead, OwnPage, OwnProblem, usePlaceName } from "../components/own-page.tsx";
import { RunningNumbers } from "../components/own-running.tsx";
import { PriceLines } from "../components/price-lines.tsx";
import { useNow } from "../components/time.tsx";
import { call, pathOf } from "../lib/client.ts";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { useOwnFlag } from "../lib/own-words.ts";
import { useMoney } from "../lib/money.ts";
import { CHARGE_LOOK, chargeState, ownChargeQuery } from "../lib/own.ts";

const route = getRouteApi("/my/charges/$transactionId");

export function MyChargePage() {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  const placeName = usePlaceName();
  const now = useNow(60_000);
  const { transactionId } = route.useParams();
  const query = useQuery(ownChargeQuery(transactionId));
  if (query.isError && query.data === undefined)
    return <OwnProblem error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const detail = query.data as OwnTransactionDetail;
  const { transaction, price, cdr } = detail;
  const { siteName, startedAt, endedAt, timeZone, powerW } = transaction;
  const state = chargeState(transaction);
  const running = state !== "ended";
  const shown = cdr ?? price;
  const amount = shown === null ? null : money.amount(shown.totalMinor, shown.currency);
  const live = [t(`own.state.${state}`), format.power(powerW), amount].filter((part) => part !== null);
  return (
    <OwnPage>
      <OwnHead
        title={siteName}
        windowTitle={running ? live.join(" · ") : siteName}
        badge={<Badge {...CHARGE_LOOK[state]}>{t(`own.state.${state}`)}</Badge>}
        back={{ to: "/my/charges", text: t("own.charges") }}
      >
        <p className="text-ink-2">{placeName(transaction)}</p>
        <p className="text-ink-2">
          {format.dayMinute(Date.parse(startedAt), now, timeZone)}
          {endedAt !== null && ` – ${format.minute(Date.parse(endedAt), timeZone)}`}
        </p>
      </OwnHead>
      {running ? (
        <Card className="p-5">
          <RunningNumbers transaction={transaction} price={price} />
        </Card>
      ) : (
        <Over detail={detail} />
      )}
      {shown !== null && (
        <Section title={t(running ? "own.priceSoFar" : "own.price")} className="mt-8">
          <Card className="px-4 py-3 sm:px-5">
            <PriceLines price={shown} tax={cdr?.tax} />
            <Flags flags={cdr?.flags ?? price?.flags ?? []} />
            {detail.tariffName !== null && (
              <p className="mt-3 border-t border-line pt-3 text-[0.8125rem] text-ink-3">
                {t("own.byTariff", { tariff: detail.tariffName })}
              </p>
            )}
          </Card>
        </Section>
      )}
      {cdr !== null && cdr.corrects !== null && <Earlier transaction={transaction} standing={cdr} />}
    </OwnPage>
  );
}

/** It has ended: the amount, how much for it, the receipt; or why there is no amount. */
function Over({ detail: { transaction, price, cdr } }: { detail: OwnTransactionDetail }) {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  const { startedAt, endedAt, energyWh, billing } = transaction;
  const shown = cdr ?? price;
  return (
    <Card className="p-5">
      {shown !== null && (
        <BigNumber value={money.amount(shown.totalMinor, shown.currency)} unit="" className="text-4xl" />
      )}
      {cdr === null && (
        <p className="mt-1 flex gap-2">
          <Icon name={billing === "none" ? "check" : "clock"} className="mt-1 size-4 text-ink-3" />
          {t(`own.billing.${billing ?? "pending"}`)}
        </p>
      )}
      {cdr !== null && cdr.payer !== "driver" && (
        <p className="mt-1 text-ink-2">{t(`own.payer.${cdr.payer}`)}</p>
      )}
      <dl className="mt-4 grid grid-cols-2 gap-x-4 gap-y-3">
        <Fact term={t("own.fact.energy")}>
          <span className="text-lg font-medium">{format.energy(cdr?.energyWh ?? energyWh)}</span>
        </Fact>
        <Fact term={t("own.fact.time")}>
          <span className="text-lg font-medium">
            {endedAt === null ? MISSING : format.duration(Date.parse(endedAt) - Date.parse(startedAt))}
          </span>
        </Fact>
      </dl>
      {cdr !== null && <Receipt cdr={cdr} />}
    </Card>
  );
}

function Receipt({ cdr, small = false }: { cdr: OwnCdr; small?: boolean }) {
  const t = useTranslations();
  const money = useMoney();
  return (
    <div className={small ? "" : "mt-5"}>
      <DownloadButton
        small={small}
        look={small ? "plain" : "primary"}
        className={small ? "" : "w-full sm:w-auto"}
        path={pathOf("getOwnCdrReceipt", { cdrId: cdr.cdrId })}
        query={{ language: money.locale }}
        name={`${t("own.receiptFile")}-${cdr.number}.pdf`}
      >
        {t("own.receipt")}
      </DownloadButton>
    </div>
  );
}

/** What could not be known and how it was priced instead; what only says something to the operator is left out. */
function Flags({ flags }: { flags: readonly string[] }) {
  const words = useOwnFlag();
  const told = flags.map(words).filter((text) => text !== null);
  if (told.length === 0) return null;
  return (
    <ul className="mt-3 space-y-1.5 border-t border-line pt-3 text-sm text-ink-2">
      {told.map((text) => (
        <li key={text} className="flex gap-2">
          <Icon name="question" className="mt-0.5 size-4 text-ink-3" />
          {text}
        </li>
      ))}
    </ul>
  );
}

/** Bills that another one has taken the place of, with their receipts. */
function Earlier({ transaction, standing }: { transaction: OwnTransaction; standing: OwnCdr }) {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  const now = useNow(60_000);
  const { transactionId } = transaction;
  const bills = useQuery({
    queryKey: ["own", "bills", transactionId, standing.cdrId],
    queryFn: ({ signal }) => call("listOwnCdrs", { query: { transactionId, limit: 20 }, signal }),
  }).data?.items as OwnCdr[] | undefined;
  const before = (bills ?? []).filter(({ status }) => status === "corrected");
  if (before.length === 0) return null;
  return (
    <Section title={t("own.corrected")} className="mt-8">
      <p className="mb-2 text-sm text-ink-2">{t("own.correctedHint")}</p>
      <Card>
        <ul className="divide-y divide-line">
          {before.map((cdr) => (
            <li key={cdr.cdrId} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5">
              <div className="min-w-0 flex-1">
                <p className="font-medium line-through decoration-ink-3">
                  {money.amount(cdr.totalMinor, cdr.currency)}
                </p>
                <p className="text-[0.8125rem] text-ink-3">
                  {format.dayMinute(Date.parse(cdr.createdAt), now, cdr.timeZone)}
                </p>
              </div>
              <Receipt cdr={cdr} small />
            </li>
          ))}
        </ul>
      </Card>
    </Section>
  );
}
