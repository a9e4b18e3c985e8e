/** What do I owe? Now, with the way to pay it; what was paid; and month by month. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslations } from "use-intl";
import type { OwnPayment, OwnStatement } from "../../api/own-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { BigNumber, Empty, Section } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { OwnHead, OwnPage, OwnProblem } from "../components/own-page.tsx";
import { OwnPay } from "../components/own-pay.tsx";
import { When } from "../components/time.tsx";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { ownProfileQuery } from "../lib/own.ts";
import { OWN_PAYMENT_LOOK } from "../lib/own-payments.ts";
import { usePeriod } from "../lib/period.ts";

const PAGE = 30;
const PAYMENTS = 10;

export function MyStatementsPage() {
  const t = useTranslations();
  const profile = useQuery(ownProfileQuery());
  const feed = useFeed<OwnStatement>({
    queryKey: ["own", "statements"],
    fetchPage: (cursor, signal) => call("listOwnStatements", { query: { limit: PAGE, cursor }, signal }),
    idOf: ({ statementId }) => statementId,
  });
  if (profile.isError && profile.data === undefined)
    return <OwnProblem error={profile.error} onRetry={() => void profile.refetch()} />;
  return (
    <OwnPage>
      <OwnHead title={t("own.statements.title")}>
        {profile.data !== undefined && <Owed balances={profile.data.balances} />}
      </OwnHead>
      {profile.data !== undefined && <OwnPay operator={profile.data.operatorName} />}
      <Payments />
      <Section title={t("own.statements.byMonth")}>
        <FeedList
          feed={feed}
          empty={<Empty title={t("own.statements.none")}>{t("own.statements.noneHint")}</Empty>}
          row={(statement) => <Row key={statement.statementId} statement={statement} />}
        />
      </Section>
    </OwnPage>
  );
}

/** The one number: what is owed now. */
function Owed({ balances }: { balances: readonly { currency: string; amountMinor: number }[] }) {
  const t = useTranslations();
  const money = useMoney();
  const open = balances.filter(({ amountMinor }) => amountMinor !== 0);
  if (open.length === 0) return <p className="mt-2 text-lg text-ink-2">{t("own.statements.even")}</p>;
  return (
    <div className="mt-2 space-y-1">
      {open.map(({ currency, amountMinor }) => (
        <p key={currency}>
          <BigNumber
            value={money.amount(Math.abs(amountMinor), currency)}
            unit={t(amountMinor > 0 ? "own.statements.owed" : "own.statements.credit")}
            className="text-4xl"
          />
        </p>
      ))}
    </div>
  );
}

/** What was paid, or is about to be; nothing where nothing ever was. */
function Payments() {
  const t = useTranslations();
  const feed = useFeed<OwnPayment>({
    queryKey: ["own", "payments"],
    fetchPage: (cursor, signal) => call("listOwnPayments", { query: { limit: PAYMENTS, cursor }, signal }),
    idOf: ({ paymentId }) => paymentId,
  });
  if (feed.items.length === 0 && feed.query.error === null) return null;
  return (
    <Section title={t("own.pay.list")} className="mb-8">
      <FeedList
        feed={feed}
        empty={null}
        row={(payment) => <PaymentRow key={payment.paymentId} payment={payment} />}
      />
    </Section>
  );
}

function PaymentRow({ payment }: { payment: OwnPayment }) {
  const t = useTranslations();
  const money = useMoney();
  const { paymentId, status, amountMinor, currency, paidAt, createdAt, method } = payment;
  return (
    <li className="lazy-row relative flex items-center gap-x-4 px-4 py-3 hover:bg-raised">
      <div className="min-w-0 flex-1">
        <Link
          to="/my/payments/$paymentId"
          params={{ paymentId }}
          className="block truncate font-medium -outline-offset-2 after:absolute after:inset-0"
        >
          {t(`own.pay.method.${method}`)}
        </Link>
        <p className="truncate text-[0.8125rem] text-ink-3">
          <When at={paidAt ?? createdAt} ago={false} />
        </p>
      </div>
      <Badge {...OWN_PAYMENT_LOOK[status]}>{t(`own.pay.state.${status}`)}</Badge>
      <span className="font-medium whitespace-nowrap">{money.amount(amountMinor, currency)}</span>
    </li>
  );
}

function Row({ statement }: { statement: OwnStatement }) {
  const t = useTranslations();
  const money = useMoney();
  const format = useFormat();
  const period = usePeriod();
  const { statementId, from, to, timeZone, cdrCount, energyWh, closingMinor, currency } = statement;
  return (
    <li className="lazy-row relative flex items-center gap-x-4 px-4 py-3 hover:bg-raised">
      <div className="min-w-0 flex-1">
        <Link
          to="/my/statements/$statementId"
          params={{ statementId }}
          className="block truncate font-medium -outline-offset-2 first-letter:uppercase after:absolute after:inset-0"
        >
          {period(from, to, timeZone)}
        </Link>
        <p className="truncate text-[0.8125rem] text-ink-3">
          {t("own.statements.answer", { count: cdrCount, energy: format.energy(energyWh) })}
        </p>
      </div>
      <span className="font-medium whitespace-nowrap">{money.amount(closingMinor, currency)}</span>
    </li>
  );
}
