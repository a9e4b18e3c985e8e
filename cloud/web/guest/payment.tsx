/** Waiting for the money: a page of the provider, or a Pix code as a picture and to copy; and the time left. */
import { useTranslations } from "use-intl";
import { clock, PixCode } from "../components/pix-code.tsx";
import type { GuestSession } from "../lib/api.gen.ts";
import { useMoney } from "../lib/money.ts";
import { BigButton, Note } from "./note.tsx";
import { useTick } from "./tick.ts";

export function Payment({ session: { payment } }: { session: GuestSession }) {
  const t = useTranslations();
  const money = useMoney();
  const now = useTick();
  const leftMs = Date.parse(payment.expiresAt) - now;
  const amount = money.amount(payment.amountMinor, payment.currency);
  const { checkoutUrl, pixCode, pixQrSvg, declineCode, status } = payment;
  return (
    <>
      {(declineCode !== null || status === "failed") && (
        <Note tone="red" icon="card" title={t("guest.declined")} text={t("guest.declinedHint")} />
      )}
      <section className="rounded-2xl border border-line bg-surface p-4">
        <p className="text-sm text-ink-2">{t(`guest.amount.${payment.flow}`)}</p>
        <p className="text-3xl font-semibold tracking-tight">{amount}</p>
        <p className="mt-1 text-sm text-ink-2">{t(`guest.payHint.${payment.flow}`)}</p>
        {pixCode !== null && (
          <div className="mt-4">
            <PixCode
              {...{ code: pixCode, svg: pixQrSvg, hint: t("guest.pixHint"), alt: t("guest.pixQr") }}
              button={(copied, copy) => (
                <BigButton icon={copied ? "check" : "copy"} onClick={copy}>
                  <span aria-live="polite">{t(copied ? "guest.copied" : "guest.copyPix")}</span>
                </BigButton>
              )}
            />
          </div>
        )}
        {checkoutUrl !== null && pixCode === null && (
          <a
            href={checkoutUrl}
            className="mt-4 flex min-h-13 items-center justify-center rounded-xl bg-accent px-4 text-[1.0625rem]
              font-semibold text-on-accent"
          >
            {t("guest.toCheckout")}
          </a>
        )}
        <p className="mt-3 text-center text-sm text-ink-2" role="timer">
          {leftMs > 0 ? t("guest.timeLeft", { time: clock(leftMs) }) : t("guest.timeOver")}
        </p>
      </section>
      <p className="flex items-center justify-center gap-2 text-sm text-ink-2">
        <span className="size-2 animate-breathe rounded-full bg-accent-vivid" aria-hidden="true" />
        {t("guest.waitingPayment")}
      </p>
    </>
  );
}
