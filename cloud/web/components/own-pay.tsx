/**
 * Paying what is owed: how, and how much of it; then off to the page of the payment, or of the provider. Where
 * something is begun already, on to that; where the operator takes no payments, that it is to be asked.
 */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import type { OwnDebt, OwnPayment } from "../../api/own-schemas.ts";
import { ApiError, newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { readMinor, useMoney } from "../lib/money.ts";
import { forgetOwed, ownDebtsQuery, ownPaymentQuery } from "../lib/own-payments.ts";
import { useOwnPayProblem } from "../lib/own-words.ts";
import { Button } from "./button.tsx";
import { Card, Section } from "./card.tsx";
import { Choices, TextField } from "./field.tsx";
import { LinkButton } from "./link-button.tsx";
import { Note } from "./note.tsx";
import { ProblemNote } from "./problem.tsx";

type Wish = Pick<OwnDebt, "account" | "currency"> & { amountMinor: number; provider: OwnPayment["provider"] };

/** Begins to pay; the payment's page is behind the provider's in the history. */
export function usePay() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const language = useLocale() as "pt-BR" | "en" | "es";
  const [requestId, setRequestId] = useState(newId);
  return useMutation({
    mutationFn: (wish: Wish) =>
      call("createOwnPayment", { body: { ...wish, requestId, language } }) as Promise<OwnPayment>,
    async onSuccess(payment) {
      const { paymentId, checkoutUrl, pixCode } = payment;
      client.setQueryData(ownPaymentQuery(paymentId).queryKey, payment);
      await navigate({ to: "/my/payments/$paymentId", params: { paymentId } });
      // A Pix code is paid from here: the page that the provider has of it shows nothing more.
      if (checkoutUrl !== null && pixCode === null) location.assign(checkoutUrl);
    },
    onError(error) {
      // No answer may still be a yes: the same wish is the same payment. What was refused is another wish.
      if (error instanceof ApiError && error.status !== 0) setRequestId(newId());
    },
    onSettled: () => forgetOwed(client),
  });
}

export function PayProblem({ error }: { error: unknown }) {
  const words = useOwnPayProblem();
  const said = error instanceof ApiError ? words(error.code) : null;
  return said === null ? <ProblemNote error={error} /> : <Note tone="red" icon="alert" title={said} />;
}

/** Everything that is owed, each with its way to be paid; nothing where nothing is. */
export function OwnPay({ operator }: { operator: string }) {
  const t = useTranslations();
  const debts = useQuery(ownDebtsQuery());
  const items = (debts.data?.items ?? []) as OwnDebt[];
  if (debts.isError) return <ProblemNote error={debts.error} onRetry={() => void debts.refetch()} />;
  if (items.length === 0) return null;
  return (
    <Section title={t("own.pay.title")} className="mb-8">
      <div className="space-y-3">
        {items.map((debt) => (
          <Card key={`${debt.account} ${debt.currency}`} className="p-4 sm:p-5">
            <Debt debt={debt} operator={operator} />
          </Card>
        ))}
      </div>
    </Section>
  );
}

function Debt({ debt, operator }: { debt: OwnDebt; operator: string }) {
  const t = useTranslations();
  const money = useMoney();
  const { idToken, owedMinor, currency, openPaymentId, ways } = debt;
  return (
    <>
      {idToken !== null && (
        <p className="mb-2 text-sm text-ink-2">
          {t("own.pay.byCard", { card: idToken })} ·{" "}
          <span className="font-medium">{money.amount(owedMinor, currency)}</span>
        </p>
      )}
      {openPaymentId !== null ? (
        <div className="flex flex-wrap items-center justify-between gap-3">
          <p>{t("own.pay.open")}</p>
          <LinkButton look="primary" to="/my/payments/$paymentId" params={{ paymentId: openPaymentId }}>
            {t("own.pay.goOn")}
          </LinkButton>
        </div>
      ) : ways.length === 0 ? (
        <Note icon="question" tone="amber" title={t("own.pay.noProvider")}>
          <p>{t("own.pay.noProviderHint", { operator })}</p>
        </Note>
      ) : (
        // Another debt by now is another form.
        <PayForm key={owedMinor} debt={debt} />
      )}
    </>
  );
}

function PayForm({ debt: { account, currency, owedMinor, ways } }: { debt: OwnDebt }) {
  const t = useTranslations();
  const money = useMoney();
  const pay = usePay();
  const [provider, setProvider] = useState<string>();
  const [text, setText] = useState(() => money.minorText(owedMinor, currency));
  const way = ways.find((one) => one.provider === provider) ?? ways[0];
  if (way === undefined) return null;
  const { leastMinor } = way;
  const least = money.amount(leastMinor, currency);
  const amountMinor = readMinor(text, currency) ?? 0;
  const valid = amountMinor >= leastMinor && amountMinor <= owedMinor;
  const tooLittle = owedMinor < leastMinor;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (valid && !pay.isPending) pay.mutate({ account, currency, amountMinor, provider: way.provider });
      }}
    >
      {ways.length > 1 && (
        <Choices
          legend={t("own.pay.how")}
          choices={ways.map((one) => ({ value: one.provider, label: t(`own.pay.method.${one.method}`) }))}
          value={way.provider}
          onChange={(next) => {
            setProvider(next);
            pay.reset();
          }}
        />
      )}
      {tooLittle ? (
        <p className="text-sm text-ink-2">{t("own.pay.tooLittle", { least })}</p>
      ) : (
        <TextField
          label={t("own.pay.amount", { currency })}
          hint={t("own.pay.amountHint")}
          inputMode="decimal"
          autoComplete="off"
          value={text}
          error={
            text !== "" && !valid
              ? t("own.pay.amountProblem", { least, most: money.amount(owedMinor, currency) })
              : undefined
          }
          onChange={(event) => {
            setText(event.target.value);
            pay.reset();
          }}
        />
      )}
      {pay.isError && <PayProblem error={pay.error} />}
      <Button type="submit" look="primary" className="w-full sm:w-auto" disabled={!valid || pay.isPending}>
        {pay.isPending
          ? t("own.pay.opening")
          : t("own.pay.pay", { amount: money.amount(valid ? amountMinor : owedMinor, currency) })}
      </Button>
    </form>
  );
}
