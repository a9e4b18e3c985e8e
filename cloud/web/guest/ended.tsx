/**
 * It is over: what it cost, where the rest of the money is, the receipt; or why nothing was charged and that nothing
 * is owed.
 */
import { useState } from "react";
import { useTranslations } from "use-intl";
import { saveAs } from "../lib/api.ts";
import type { GuestSession } from "../lib/api.gen.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { guestApi, GuestError } from "./client.ts";
import { BigButton, Note } from "./note.tsx";
import { Trouble } from "./trouble.tsx";

type Props = { session: GuestSession; id: string; token: string; onConnector: (code: string) => void };

/** Reasons that have words of their own; any other is a start that did not work. */
const REASONS = [
  ...["site-offline", "connector-taken", "start-refused", "start-failed", "start-expired", "start-uncertain"],
  ...["not-plugged-in", "nothing-charged", "cancelled", "payment-expired", "payment-cancelled"],
] as const;

export function Ended({ session, id, token, onConnector }: Props) {
  const t = useTranslations();
  return (
    <>
      {session.state === "settled" ? <Bill session={session} /> : <NotCharged session={session} />}
      <MoneyBack session={session} />
      {session.hasReceipt && <Receipt id={id} token={token} />}
      {session.code !== "" && (
        <BigButton
          look={session.state === "settled" ? "plain" : "primary"}
          onClick={() => onConnector(session.code)}
        >
          {t("guest.chargeAgain")}
        </BigButton>
      )}
    </>
  );
}

function Bill({ session: { price, payment, charging, reason } }: { session: GuestSession }) {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  const endedAt = charging?.endedAt ?? null;
  const ended = endedAt === null ? null : Date.parse(endedAt);
  return (
    <section className="rounded-2xl border border-line bg-surface p-5">
      <p className="font-medium text-accent">{t("guest.state.settled")}</p>
      <p className="mt-2 text-5xl font-semibold tracking-tight whitespace-nowrap">
        {price === null ? "—" : money.amount(price.totalMinor, payment.currency)}
      </p>
      {price !== null && price.taxMinor > 0 && (
        <p className="mt-1 text-sm text-ink-2">
          {t("guest.taxPart", { amount: money.amount(price.taxMinor, payment.currency) })}
        </p>
      )}
      {charging !== null && (
        <p className="mt-3">
          {format.energy(charging.energyWh)}
          {ended !== null && ` · ${format.duration(ended - Date.parse(charging.startedAt))}`}
        </p>
      )}
      {(reason === "amount-used" || reason === "too-long" || reason === "late-start") && (
        <p className="mt-2 text-sm text-ink-2">{t(`guest.endedBy.${reason}`)}</p>
      )}
    </section>
  );
}

function NotCharged({ session: { reason } }: { session: GuestSession }) {
  const t = useTranslations();
  const why: (typeof REASONS)[number] = (REASONS as readonly string[]).includes(reason ?? "")
    ? (reason as (typeof REASONS)[number])
    : "start-failed";
  const calm = why === "cancelled" || why === "nothing-charged";
  return (
    <Note
      tone={calm ? "neutral" : "amber"}
      icon={why === "site-offline" ? "offline" : calm ? "x" : "alert"}
      title={t(`guest.ended.${why}`)}
      text={t(`guest.endedHint.${why}`)}
    />
  );
}

/** Where the money is. Of a hold nothing has moved yet; of a Pix the rest comes back by itself. */
function MoneyBack({ session: { payment, state } }: { session: GuestSession }) {
  const t = useTranslations();
  const money = useMoney();
  const { flow, amountMinor, capturedMinor, refundedMinor, refundPendingMinor, currency, status } = payment;
  const amount = (minor: number) => ({ amount: money.amount(minor, currency) });
  if (refundPendingMinor > 0)
    return (
      <Note
        tone="neutral"
        icon="clock"
        title={t("guest.refunding", amount(refundPendingMinor))}
        text={t("guest.refundingHint")}
      />
    );
  if (refundedMinor > 0)
    return (
      <Note
        tone="neutral"
        icon="check"
        title={t("guest.refunded", amount(refundedMinor))}
        text={t("guest.refundedHint")}
      />
    );
  if (state === "settled" && flow === "authorize" && capturedMinor > 0 && capturedMinor < amountMinor)
    return (
      <Note
        tone="neutral"
        icon="check"
        title={t("guest.holdReduced", amount(amountMinor - capturedMinor))}
        text={t("guest.holdHint")}
      />
    );
  if (state !== "settled" && flow === "authorize" && ["authorized", "cancelled"].includes(status))
    return (
      <Note
        tone="neutral"
        icon="check"
        title={t("guest.notPaid")}
        text={t("guest.holdGone", amount(amountMinor))}
      />
    );
  if (state !== "settled" && capturedMinor === 0)
    return <p className="text-center text-ink-2">{t("guest.notPaid")}</p>;
  return null;
}

function Receipt({ id, token }: { id: string; token: string }) {
  const t = useTranslations();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<GuestError | null>(null);
  const fetchIt = () => {
    setBusy(true);
    setError(null);
    guestApi
      .receipt(id, token)
      .then(
        (file) => saveAs(file, "recibo-moov.pdf"),
        (failed: unknown) =>
          setError(failed instanceof GuestError ? failed : new GuestError(0, "offline", "")),
      )
      .finally(() => setBusy(false));
  };
  return (
    <div className="space-y-2">
      {error !== null && <Trouble error={error} />}
      <BigButton icon="download" disabled={busy} onClick={fetchIt}>
        {t("guest.receipt")}
      </BigButton>
    </div>
  );
}
