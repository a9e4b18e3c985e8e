/** Payments: what did guests and drivers pay, and did it all come in? */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { PaymentView } from "../../api/payment-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Empty } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { SelectField } from "../components/field.tsx";
import { PageHead } from "../components/page-head.tsx";
import { openFindingsQuery, PaymentTabs } from "../components/payment-tabs.tsx";
import { When } from "../components/time.tsx";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { useAccountName } from "../lib/money-words.ts";
import { useMoney } from "../lib/money.ts";
import { PAYMENT_LOOK, PAYMENT_STATUSES } from "../lib/payments.ts";

const route = getRouteApi("/payments");
const PAGE = 50;
const EVERY_MS = 15_000;

export function PaymentsPage() {
  const t = useTranslations();
  const { status, stationId, account } = route.useSearch();
  const navigate = useNavigate();
  const findings = useQuery(openFindingsQuery());
  const feed = useFeed<PaymentView>({
    queryKey: ["payments", "list", status ?? "", stationId ?? "", account ?? ""],
    fetchPage: (cursor, signal) =>
      call("listPayments", {
        query: { status, stationId, account, limit: PAGE, cursor },
        signal,
      }),
    idOf: ({ paymentId }) => paymentId,
    refetchInterval: EVERY_MS,
  });
  const open = findings.data?.items.length;
  return (
    <>
      <PageHead title={t("payments.title")}>
        <p className="mt-1 max-w-prose text-ink-2">
          {open === undefined ? t("payments.intro") : t("payments.answer", { count: open })}
        </p>
      </PageHead>
      <PaymentTabs />
      <div className="mb-4">
        <SelectField
          label={t("payments.status")}
          hideLabel
          className="w-56"
          value={status ?? ""}
          onChange={(event) =>
            void navigate({
              to: "/payments",
              search: {
                stationId,
                account,
                status: PAYMENT_STATUSES.find((one) => one === event.target.value),
              },
            })
          }
        >
          <option value="">{t("payments.all")}</option>
          {PAYMENT_STATUSES.map((one) => (
            <option key={one} value={one}>
              {t(`payments.state.${one}`)}
            </option>
          ))}
        </SelectField>
      </div>
      <FeedList
        feed={feed}
        empty={<Empty title={t("payments.none")}>{t("payments.noneHint")}</Empty>}
        row={(payment) => <Row key={payment.paymentId} payment={payment} />}
      />
    </>
  );
}

function Row({ payment }: { payment: PaymentView }) {
  const t = useTranslations();
  const money = useMoney();
  const accountName = useAccountName();
  const { paymentId, status, currency, stationId, createdAt, provider, refundedMinor } = payment;
  const kept = Math.max(payment.capturedMinor, payment.authorizedMinor, payment.amountMinor);
  return (
    <li className="lazy-row relative flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 hover:bg-raised">
      <div className="min-w-0 flex-1 basis-48">
        <Link
          to="/payments/$paymentId"
          params={{ paymentId }}
          className="font-medium -outline-offset-2 after:absolute after:inset-0"
        >
          {stationId ?? accountName(payment.account)}
        </Link>
        <p className="text-[0.8125rem] text-ink-3">
          <When at={createdAt} ago={false} /> · {t(`payments.provider.${provider}`)}
        </p>
      </div>
      <Badge {...PAYMENT_LOOK[status]}>{t(`payments.state.${status}`)}</Badge>
      <span className="w-32 text-right">
        <span className="font-medium">
          {money.amount(payment.capturedMinor > 0 ? payment.capturedMinor : kept, currency)}
        </span>
        {refundedMinor > 0 && (
          <span className="block text-[0.8125rem] text-ink-3">
            {t("payments.refundedShort", { amount: money.amount(refundedMinor, currency) })}
          </span>
        )}
      </span>
    </li>
  );
}
