/** One payment of a driver: where to pay, and has it come in? Looked at again and again until it is known. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslations } from "use-intl";
import type { OwnDebt, OwnPayment } from "../../api/own-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Button } from "../components/button.tsx";
import { BigNumber, Card, Skeleton } from "../components/card.tsx";
import { DownloadButton } from "../components/download-button.tsx";
import { Note } from "../components/note.tsx";
import { OwnHead, OwnPage, OwnProblem } from "../components/own-page.tsx";
import { PayProblem, usePay } from "../components/own-pay.tsx";
import { clock, PixCode } from "../components/pix-code.tsx";
import { useNow, When } from "../components/time.tsx";
import { call, pathOf } from "../lib/client.ts";
import { useMoney } from "../lib/money.ts";
import { forgetOwed, owedIn, OWN_PAYMENT_LOOK, ownDebtsQuery, ownPaymentQuery } from "../lib/own-payments.ts";

const route = getRouteApi("/my/payments/$paymentId");

export function MyPaymentPage() {
  const t = useTranslations();
  const money = useMoney();
  const client = useQueryClient();
  const { paymentId } = route.useParams();
  const query = useQuery(ownPaymentQuery(paymentId));
  const status = query.data?.status;
  // What is owed is another amount when this is another state.
  useEffect(() => {
    if (status !== undefined) void forgetOwed(client);
  }, [client, status]);
  if (query.isError && query.data === undefined)
    return <OwnProblem error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-96 w-full rounded-xl" />;
  const payment = query.data;
  return (
    <OwnPage>
      <OwnHead
        title={t("own.pay.one")}
        badge={<Badge {...OWN_PAYMENT_LOOK[payment.status]}>{t(`own.pay.state.${payment.status}`)}</Badge>}
        back={{ to: "/my/statements", text: t("own.statements.title") }}
      >
        <p className="text-ink-2">
          <When at={payment.paidAt ?? payment.createdAt} ago={false} />
        </p>
        <p className="mt-3">
          <BigNumber
            value={money.amount(payment.amountMinor, payment.currency)}
            unit={t(`own.pay.method.${payment.method}`)}
            className="text-4xl"
          />
        </p>
      </OwnHead>
      {payment.open && payment.status !== "authorized" ? (
        <Open payment={payment} />
      ) : (
        <Told payment={payment} />
      )}
    </OwnPage>
  );
}

/** It is still to be paid. */
function Open({ payment }: { payment: OwnPayment }) {
  const t = useTranslations();
  const client = useQueryClient();
  const now = useNow();
  const { paymentId, checkoutUrl, pixCode, pixQrSvg, status, expiresAt } = payment;
  const leftMs = Date.parse(expiresAt) - now;
  const cancel = useMutation({
    mutationFn: () => call("cancelOwnPayment", { path: { paymentId } }) as Promise<OwnPayment>,
    onSuccess: (told) => client.setQueryData(ownPaymentQuery(paymentId).queryKey, told),
    onError: () => client.invalidateQueries({ queryKey: ownPaymentQuery(paymentId).queryKey }),
  });
  return (
    <div className="space-y-4">
      {status === "failed" && (
        <Note tone="red" icon="alert" title={t("own.pay.declined")}>
          <p>{t("own.pay.declinedHint")}</p>
        </Note>
      )}
      {checkoutUrl === null && pixCode === null ? (
        <NoPlace payment={payment} />
      ) : (
        <Card className="space-y-3 p-4 sm:p-5">
          {pixCode !== null ? (
            <PixCode
              {...{ code: pixCode, svg: pixQrSvg, hint: t("own.pay.pixHint"), alt: t("own.pay.pixQr") }}
              button={(copied, copy) => (
                <Button
                  look="primary"
                  className="w-full sm:w-auto"
                  icon={copied ? "check" : "copy"}
                  onClick={copy}
                >
                  <span aria-live="polite">{t(copied ? "own.pay.copied" : "own.pay.copyPix")}</span>
                </Button>
              )}
            />
          ) : (
            <a
              href={checkoutUrl ?? ""}
              className="flex h-11 items-center justify-center rounded-lg bg-accent px-4 font-medium text-on-accent
                hover:opacity-90"
            >
              {t("own.pay.toCheckout")}
            </a>
          )}
          <p className="text-center text-sm text-ink-2" role="timer">
            {leftMs > 0 ? t("own.pay.timeLeft", { time: clock(leftMs) }) : t("own.pay.timeOver")}
          </p>
        </Card>
      )}
      <p className="flex items-center justify-center gap-2 text-center text-sm text-ink-2">
        <span className="size-2 animate-breathe rounded-full bg-accent-vivid" aria-hidden="true" />
        {t("own.pay.waiting")}
      </p>
      {cancel.isError && <PayProblem error={cancel.error} />}
      <Button look="ghost" className="w-full" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
        {t("own.pay.cancel")}
      </Button>
    </div>
  );
}

/** The provider did not answer when it was asked for a place to pay: the same is asked again. */
function NoPlace({ payment }: { payment: OwnPayment }) {
  const t = useTranslations();
  const pay = usePay();
  const { account, currency, amountMinor, provider } = payment;
  return (
    <>
      <Note icon="offline" tone="amber" title={t("own.pay.noPlace")}>
        <p>{t("own.pay.noPlaceHint")}</p>
      </Note>
      {pay.isError && <PayProblem error={pay.error} />}
      <Button
        look="primary"
        className="w-full"
        disabled={pay.isPending}
        onClick={() => pay.mutate({ account, currency, amountMinor, provider })}
      >
        {t(pay.isPending ? "own.pay.opening" : "common.retry")}
      </Button>
    </>
  );
}

/** What there is to say; what went back says itself. */
function hintOf(status: OwnPayment["status"]): "authorized" | "paid" | "disputed" | "over" | null {
  switch (status) {
    case "authorized":
    case "paid":
    case "disputed":
      return status;
    case "captured":
      return "paid";
    case "refunded":
    case "partially_refunded":
      return null;
    default:
      return "over";
  }
}

/** What became of it. */
function Told({ payment }: { payment: OwnPayment }) {
  const t = useTranslations();
  const money = useMoney();
  const { status, currency, refundedMinor, refundPendingMinor, hasReceipt, paymentId } = payment;
  const debts = useQuery(ownDebtsQuery());
  const owed = owedIn((debts.data?.items ?? []) as OwnDebt[], currency);
  const hint = hintOf(status);
  return (
    <Card className="space-y-3 p-4 sm:p-5">
      {hint !== null && <p role="status">{t(`own.pay.hint.${hint}`)}</p>}
      {refundedMinor > 0 && <p>{t("own.pay.refunded", { amount: money.amount(refundedMinor, currency) })}</p>}
      {refundPendingMinor > 0 && (
        <p>{t("own.pay.refundPending", { amount: money.amount(refundPendingMinor, currency) })}</p>
      )}
      {debts.data !== undefined && hint !== "authorized" && (
        <p className="text-ink-2">
          {owed > 0
            ? t("own.pay.stillOpen", { amount: money.amount(owed, currency) })
            : t("own.pay.noneOpen")}
        </p>
      )}
      {hasReceipt && (
        <DownloadButton
          look="primary"
          className="w-full sm:w-auto"
          path={pathOf("getOwnPaymentReceipt", { paymentId })}
          query={{ language: money.locale }}
          name={`${t("own.receiptFile")}-${paymentId.slice(0, 8)}.pdf`}
        >
          {t("own.receipt")}
        </DownloadButton>
      )}
    </Card>
  );
}
