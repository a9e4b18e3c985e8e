/** What a transaction costs: so far, or as it was billed; which tariff, line by line, and what becomes of it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { TransactionDetail } from "../../api/schemas.ts";
import { call, pathOf } from "../lib/client.ts";
import { useMay } from "../lib/me.ts";
import { useHeldReason, usePriceFlag } from "../lib/price-words.ts";
import { useMoney } from "../lib/money.ts";
import { BigNumber, Card, Section } from "./card.tsx";
import { DownloadButton } from "./download-button.tsx";
import { Icon } from "./icon.tsx";
import { LinkButton } from "./link-button.tsx";
import { PriceLines } from "./price-lines.tsx";

export function TransactionCost({ detail }: { detail: TransactionDetail }) {
  const t = useTranslations();
  const money = useMoney();
  const may = useMay();
  const { price, billing, transaction } = detail;
  const cdrId = billing?.cdrId ?? null;
  const cdr = useQuery({
    queryKey: ["cdrs", "one", cdrId],
    enabled: cdrId !== null && may("money:read"),
    queryFn: ({ signal }) => call("getCdr", { path: { cdrId: cdrId ?? "" }, signal }),
  }).data;
  const shown = cdr ?? price?.price;
  const running = transaction.status === "active";
  return (
    <Section title={t(running ? "money.costSoFar" : "money.cost")} className="mb-8">
      <Card className="px-4 py-4 sm:px-5">
        {shown === undefined ? (
          <p className="text-ink-2">{t("money.noTariff")}</p>
        ) : (
          <div className="grid gap-x-10 gap-y-4 md:grid-cols-[15rem_minmax(0,1fr)]">
            <div className="space-y-3">
              <BigNumber value={money.amount(shown.totalMinor, shown.currency)} unit="" />
              {price !== null && (
                <p className="text-sm text-ink-2">
                  <Link
                    to="/tariffs/$tariffId"
                    params={{ tariffId: price.tariffId }}
                    className="rounded font-medium text-accent hover:underline"
                  >
                    {price.tariffName}
                  </Link>
                  , {t("tariffs.version", { version: String(price.tariffVersion) })}
                  <span className="block text-[0.8125rem] text-ink-3">
                    {t(`money.assignedBy.${price.assignedBy}`)}
                  </span>
                </p>
              )}
              <BillingState detail={detail} />
              {cdr !== undefined && (
                <div className="flex flex-wrap gap-2">
                  <LinkButton small to="/cdrs/$cdrId" params={{ cdrId: cdr.cdrId }}>
                    {t("money.cdrNumber", { number: String(cdr.number) })}
                  </LinkButton>
                  <DownloadButton
                    small
                    path={pathOf("getCdrReceipt", { cdrId: cdr.cdrId })}
                    query={{ language: money.locale }}
                    name={`${t("money.receiptFile")}-${cdr.number}.pdf`}
                  >
                    {t("money.receipt")}
                  </DownloadButton>
                </div>
              )}
            </div>
            <div>
              <PriceLines price={shown} tax={cdr?.tax} />
              <PriceFlags flags={cdr?.flags ?? price?.price.flags ?? []} />
            </div>
          </div>
        )}
        {shown === undefined && billing !== null && (
          <div className="mt-3">
            <BillingState detail={detail} />
          </div>
        )}
      </Card>
    </Section>
  );
}

/** What could not be known and how it was priced instead. */
export function PriceFlags({ flags }: { flags: readonly string[] }) {
  const flagWords = usePriceFlag();
  if (flags.length === 0) return null;
  return (
    <ul className="mt-3 space-y-1.5 border-t border-line pt-3 text-sm">
      {flags.map((flag) => {
        const { word, hint } = flagWords(flag);
        return (
          <li key={flag} className="flex gap-2">
            <Icon name="question" className="mt-0.5 size-4 text-ink-3" />
            <span>
              <span className="font-medium">{word}</span> <span className="text-ink-2">{hint}</span>
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function BillingState({ detail: { billing, transaction } }: { detail: TransactionDetail }) {
  const t = useTranslations();
  const reasonWords = useHeldReason();
  if (billing === null) return <p className="text-sm text-ink-3">{t("money.billing.running")}</p>;
  const { status, reasons } = billing;
  const held = status === "held";
  return (
    <div className="text-sm">
      <p className={`flex gap-1.5 font-medium ${held ? "text-amber" : "text-ink-2"}`}>
        <Icon name={held ? "alert" : status === "billed" ? "check" : "clock"} className="mt-0.5 size-4" />
        {t(`money.billing.${status}`)}
      </p>
      {reasons.map((reason) => (
        <p key={reason} className="text-ink-2">
          {reasonWords(reason).word}
        </p>
      ))}
      {held && (
        <Link
          to="/cdrs/held"
          hash={transaction.transactionId}
          className="mt-1 inline-flex items-center gap-1 rounded font-medium text-amber underline underline-offset-2"
        >
          {t("money.decide")} <Icon name="chevron" className="size-3" />
        </Link>
      )}
    </div>
  );
}
