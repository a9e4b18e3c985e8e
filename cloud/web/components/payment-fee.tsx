/** What the provider keeps of a payment, and what is left of it: two facts of its list, once money has come. */
import { useTranslations } from "use-intl";
import type { PaymentDetailView } from "../../api/payment-schemas.ts";
import { MISSING } from "../lib/format.ts";
import { useMoney } from "../lib/money.ts";
import { Fact } from "./card.tsx";

export function PaymentFee({ detail: { payment, fees } }: { detail: PaymentDetailView }) {
  const t = useTranslations();
  const money = useMoney();
  const { currency, feeMinor } = payment;
  if (payment.capturedMinor === 0) return null;
  const amount = (minor: number) => money.amount(minor, currency);
  const fee = payment.feesByHand
    ? t("payments.feesByHand")
    : feeMinor === null
      ? t("payments.feeUnknown")
      : fees.map((one) => money.amount(one.feeMinor, one.currency)).join(" + ") || amount(0);
  // What is kept in another currency, and what a bank holds back, make no sum in this one.
  const elsewhere = fees.some((one) => one.currency !== currency);
  const summed = feeMinor !== null && !elsewhere && payment.status !== "disputed";
  return (
    <>
      <Fact term={t("payments.fee")}>{fee}</Fact>
      <Fact term={t("payments.net")}>
        {summed ? amount(payment.capturedMinor - payment.refundedMinor - feeMinor) : MISSING}
      </Fact>
    </>
  );
}
