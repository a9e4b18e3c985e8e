/** A payment: where is the money now, and how did it get there? */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { PaymentDetailView, PaymentEventView } from "../../api/payment-schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { BigNumber, Card, Empty, Fact, Section, Skeleton } from "../components/card.tsx";
import { TextArea, TextField } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { PaymentFee } from "../components/payment-fee.tsx";
import { PostingList } from "../components/posting-list.tsx";
import { ProblemNote, ProblemPage } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { MISSING } from "../lib/format.ts";
import { useMay } from "../lib/me.ts";
import { readMinor, useMoney } from "../lib/money.ts";
import { useAccountName } from "../lib/money-words.ts";
import { isCancellable, PAYMENT_LOOK, paysBalance, REFUND_LOOK } from "../lib/payments.ts";
import { useGuestReason, useGuestState } from "../lib/payment-words.ts";

const route = getRouteApi("/payments/$paymentId");
const EVERY_MS = 5_000;

export function PaymentPage() {
  const { paymentId } = route.useParams();
  const may = useMay();
  const t = useTranslations();
  const query = useQuery({
    queryKey: ["payments", "one", paymentId],
    refetchInterval: EVERY_MS,
    queryFn: ({ signal }) =>
      call("getPayment", { path: { paymentId }, signal }) as Promise<PaymentDetailView>,
  });
  const events = useQuery({
    queryKey: ["payments", "events", paymentId],
    refetchInterval: EVERY_MS,
    queryFn: ({ signal }) => call("listPaymentEvents", { query: { paymentId, limit: 100 }, signal }),
  });
  const postings = useQuery({
    queryKey: ["ledger", "of-payment", paymentId],
    enabled: may("money:read"),
    queryFn: ({ signal }) => call("listLedgerPostings", { query: { paymentId, limit: 50 }, signal }),
  });
  if (query.isError && query.data === undefined)
    return <ProblemPage error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  return (
    <>
      <Head detail={query.data} />
      <div className="grid items-start gap-8 md:grid-cols-2">
        <Amounts detail={query.data} />
        <Events events={events.data?.items ?? []} error={events.error} />
      </div>
      {query.data.refunds.length > 0 && <Refunds detail={query.data} />}
      {may("money:read") && (
        <Section title={t("money.postings")} className="mt-8">
          <PostingList postings={postings.data?.items ?? []} empty={t("payments.noPostings")} />
        </Section>
      )}
    </>
  );
}

function Head({ detail }: { detail: PaymentDetailView }) {
  const t = useTranslations();
  const money = useMoney();
  const accountName = useAccountName();
  const { payment, refundableMinor } = detail;
  const balance = paysBalance(payment);
  const [asking, setAsking] = useState<"refund" | "cancel" | null>(null);
  const { currency, status } = payment;
  const kept = payment.capturedMinor - payment.refundedMinor;
  const shown = payment.capturedMinor > 0 ? kept : Math.max(payment.authorizedMinor, payment.amountMinor);
  return (
    <PageHead
      title={
        balance
          ? t("payments.paymentFor", { account: accountName(payment.account) })
          : t("payments.paymentAt", { station: payment.stationId ?? "" })
      }
      badge={<Badge {...PAYMENT_LOOK[status]}>{t(`payments.state.${status}`)}</Badge>}
    >
      <p className="mt-2">
        <BigNumber
          value={money.amount(shown, currency)}
          unit={payment.capturedMinor > 0 ? t("payments.kept") : ""}
          className="text-4xl"
        />
      </p>
      <p className="mt-1 max-w-prose text-ink-2">
        {balance ? t("payments.balanceHint") : t(`payments.stateHint.${status}`)}
      </p>
      <p className="mt-1 text-sm">
        <Link
          to="/payments"
          className="rounded text-accent underline decoration-line-strong underline-offset-2"
        >
          {t("payments.toAll")}
        </Link>{" "}
        · <When at={payment.createdAt} /> · {t(`payments.provider.${payment.provider}`)}
      </p>
      {payment.lastError !== null && (
        <p className="mt-3 flex max-w-prose gap-2 rounded-xl bg-amber-soft px-4 py-2.5 text-sm">
          <Icon name="alert" className="mt-0.5 size-4 text-amber" />
          <span>
            <span className="font-medium text-amber">{t("payments.lastError")}</span> {payment.lastError}
          </span>
        </p>
      )}
      <div className="mt-4 flex flex-wrap gap-2">
        {refundableMinor > 0 && (
          <MayButton needs="payments:write" icon="out" onClick={() => setAsking("refund")}>
            {t("payments.refund")}
          </MayButton>
        )}
        {isCancellable(payment) && (
          <MayButton needs="payments:write" icon="x" onClick={() => setAsking("cancel")}>
            {t("payments.cancel")}
          </MayButton>
        )}
      </div>
      {asking === "refund" && <RefundDialog detail={detail} onClose={() => setAsking(null)} />}
      {asking === "cancel" && <CancelDialog detail={detail} onClose={() => setAsking(null)} />}
    </PageHead>
  );
}

function Amounts({ detail }: { detail: PaymentDetailView }) {
  const { payment, guest } = detail;
  const t = useTranslations();
  const money = useMoney();
  const guestState = useGuestState();
  const guestReason = useGuestReason();
  const accountName = useAccountName();
  const amount = (minor: number) => money.amount(minor, payment.currency);
  return (
    <Section title={t("payments.amounts")}>
      <Card className="px-4 py-3 sm:px-5">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 text-sm">
          {paysBalance(payment) && (
            <Fact term={t("payments.pays")}>
              <Link
                to="/ledger/$account"
                params={{ account: payment.account }}
                className="rounded text-accent underline decoration-line-strong underline-offset-2"
              >
                {accountName(payment.account)}
              </Link>
            </Fact>
          )}
          <Fact term={t("payments.flow")}>{t(`payments.flows.${payment.flow}`)}</Fact>
          <Fact term={t("payments.asked")}>{amount(payment.amountMinor)}</Fact>
          <Fact term={t("payments.authorized")}>{amount(payment.authorizedMinor)}</Fact>
          <Fact term={t("payments.captured")}>{amount(payment.capturedMinor)}</Fact>
          <Fact term={t("payments.refunded")}>{amount(payment.refundedMinor)}</Fact>
          <PaymentFee detail={detail} />
          <Fact term={t("payments.keep")}>
            {payment.keepMinor === null ? t("payments.keepUnknown") : amount(payment.keepMinor)}
          </Fact>
          {payment.declineCode !== null && (
            <Fact term={t("payments.declined")}>
              <code className="font-mono text-[0.8125rem]">{payment.declineCode}</code>
            </Fact>
          )}
          <Fact term={t("payments.atProvider")}>
            <code className="font-mono text-xs break-all">{payment.providerPaymentId ?? MISSING}</code>
          </Fact>
        </dl>
        {payment.flags.includes("shortfall") && (
          <p className="mt-3 flex gap-2 text-sm text-amber">
            <Icon name="alert" className="mt-0.5 size-4" />
            {t("payments.shortfall")}
          </p>
        )}
        {guest !== null && (
          <div className="mt-3 border-t border-line pt-3 text-sm">
            <p>
              <span className="font-medium">{t("payments.guest")}</span> {guestState(guest.state)}
              {guest.reason !== null && ` · ${guestReason(guest.reason)}`}
            </p>
            <p className="flex flex-wrap gap-x-4">
              {guest.transactionId !== null && (
                <Link
                  to="/transactions/$transactionId"
                  params={{ transactionId: guest.transactionId }}
                  className="rounded text-accent underline decoration-line-strong underline-offset-2"
                >
                  {t("money.toTransaction")}
                </Link>
              )}
              {guest.cdrId !== null && (
                <Link
                  to="/cdrs/$cdrId"
                  params={{ cdrId: guest.cdrId }}
                  className="rounded text-accent underline decoration-line-strong underline-offset-2"
                >
                  {t("payments.toCdr")}
                  {guest.priceMinor !== null && ` (${amount(guest.priceMinor)})`}
                </Link>
              )}
            </p>
          </div>
        )}
      </Card>
    </Section>
  );
}

/** What the provider told, the latest first. */
function Events({ events, error }: { events: readonly PaymentEventView[]; error: unknown }) {
  const t = useTranslations();
  return (
    <Section title={t("payments.events")}>
      {error !== null && <ProblemNote error={error} />}
      {events.length === 0 ? (
        <Empty title={t("payments.noEvents")}>{t("payments.noEventsHint")}</Empty>
      ) : (
        <Card>
          <ol className="divide-y divide-line">
            {events.map((event) => (
              <EventRow key={event.eventId} event={event} />
            ))}
          </ol>
        </Card>
      )}
    </Section>
  );
}

function EventRow({ event }: { event: PaymentEventView }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const outcome = event.outcome ?? "waiting";
  return (
    <li className="px-4 py-2.5 text-sm">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <code className="font-mono text-[0.8125rem] break-all">{event.type}</code>
        <span className={outcome === "failed" ? "text-red" : "text-ink-2"}>
          {t(`payments.outcome.${outcome}`)}
        </span>
        <MayButton
          needs="payments:write"
          small
          look="ghost"
          className="ml-auto"
          onClick={() => setAsking(true)}
        >
          {t("payments.replay")}
        </MayButton>
      </div>
      <p className="text-[0.8125rem] text-ink-3">
        <When at={event.occurredAt ?? event.receivedAt} />
        {event.deliveries > 1 && ` · ${t("payments.deliveries", { count: event.deliveries })}`}
      </p>
      {event.lastError !== null && <p className="text-amber">{event.lastError}</p>}
      {asking && (
        <AskDialog
          title={t("payments.replayTitle")}
          action={t("payments.replay")}
          danger={false}
          onClose={() => setAsking(false)}
          onAct={async () => {
            await call("replayPaymentEvent", { path: { eventId: event.eventId } });
            await client.invalidateQueries({ queryKey: ["payments"] });
          }}
        >
          <p>{t("payments.replayAsk")}</p>
        </AskDialog>
      )}
    </li>
  );
}

function Refunds({ detail: { refunds } }: { detail: PaymentDetailView }) {
  const t = useTranslations();
  const money = useMoney();
  return (
    <Section title={t("payments.refunds")} className="mt-8">
      <Card>
        <ul className="divide-y divide-line">
          {refunds.map((refund) => (
            <li
              key={refund.refundId}
              className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 text-sm"
            >
              <div className="min-w-0 flex-1 basis-56">
                <p>{refund.requestedBy === "sg" ? t("payments.refundOfRest") : refund.reason}</p>
                <p className="text-[0.8125rem] text-ink-3">
                  <When at={refund.createdAt} /> · {t("payments.requestedBy", { who: refund.requestedBy })}
                </p>
                {refund.failure !== null && <p className="text-red">{refund.failure}</p>}
              </div>
              <Badge {...REFUND_LOOK[refund.status]}>{t(`payments.refundState.${refund.status}`)}</Badge>
              <span className="w-28 text-right font-medium">
                {money.amount(refund.amountMinor, refund.currency)}
              </span>
            </li>
          ))}
        </ul>
      </Card>
    </Section>
  );
}

type DialogProps = { detail: PaymentDetailView; onClose: () => void };

function RefundDialog({ detail: { payment, refundableMinor }, onClose }: DialogProps) {
  const t = useTranslations();
  const money = useMoney();
  const client = useQueryClient();
  const most = money.amount(refundableMinor, payment.currency);
  const [value, setValue] = useState(() => money.minorText(refundableMinor, payment.currency));
  const [reason, setReason] = useState("");
  const [idempotencyKey] = useState(newId);
  const amountMinor = readMinor(value, payment.currency);
  const valid = amountMinor !== undefined && amountMinor > 0 && amountMinor <= refundableMinor;
  return (
    <AskDialog
      title={t(paysBalance(payment) ? "payments.refundBalanceTitle" : "payments.refundTitle")}
      action={
        valid
          ? t("payments.refundAmount", { amount: money.amount(amountMinor, payment.currency) })
          : t("payments.refund")
      }
      onClose={onClose}
      onAct={async () => {
        if (!valid) throw new Error(t("payments.refundBound", { most }));
        const body = { amountMinor, reason: reason.trim() };
        await call("refundPayment", { path: { paymentId: payment.paymentId }, body, idempotencyKey });
        await client.invalidateQueries({ queryKey: ["payments"] });
      }}
    >
      {paysBalance(payment) && <p>{t("payments.refundBalanceAsk")}</p>}
      <TextField
        label={t("payments.refundHowMuch", { currency: payment.currency })}
        hint={t("payments.refundBound", { most })}
        inputMode="decimal"
        autoComplete="off"
        required
        value={value}
        error={value !== "" && !valid ? t("payments.refundProblem", { most }) : undefined}
        onChange={(event) => setValue(event.target.value)}
      />
      <TextArea
        label={t("money.reason")}
        hint={t("money.reasonHint")}
        required
        maxLength={200}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
    </AskDialog>
  );
}

function CancelDialog({ detail: { payment }, onClose }: DialogProps) {
  const t = useTranslations();
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const [idempotencyKey] = useState(newId);
  return (
    <AskDialog
      title={t("payments.cancelTitle")}
      action={t("payments.cancel")}
      onClose={onClose}
      onAct={async () => {
        const body = { reason: reason.trim() };
        await call("cancelPayment", { path: { paymentId: payment.paymentId }, body, idempotencyKey });
        await client.invalidateQueries({ queryKey: ["payments"] });
      }}
    >
      <p>
        {paysBalance(payment)
          ? t("payments.cancelBalanceAsk")
          : t("payments.cancelAsk", { station: payment.stationId ?? "" })}
      </p>
      <TextArea
        label={t("money.reason")}
        hint={t("money.reasonHint")}
        required
        maxLength={200}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
    </AskDialog>
  );
}
