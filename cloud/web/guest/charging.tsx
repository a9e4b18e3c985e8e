/** It charges: energy, power, time and cost as the cloud knows them, and the way to stop. */
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { GuestSession } from "../lib/api.gen.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { guestApi, GuestError } from "./client.ts";
import { BigButton, Note } from "./note.tsx";
import { useTick } from "./tick.ts";
import { Trouble } from "./trouble.tsx";

type Props = { session: GuestSession; id: string; token: string; take: (session: GuestSession) => void };

export function Charging({ session, id, token, take }: Props) {
  const t = useTranslations();
  const { state, reason } = session;
  return (
    <>
      <Figures session={session} />
      {state === "finishing" ? (
        <Note
          tone="neutral"
          icon="clock"
          title={t("guest.state.finishing")}
          text={t(reason === "held" ? "guest.heldHint" : "guest.finishingHint")}
        />
      ) : (
        <Stop session={session} id={id} token={token} take={take} />
      )}
      {state === "charging" && <p className="text-center text-sm text-ink-2">{t("guest.leaveHint")}</p>}
    </>
  );
}

function Figures({ session }: { session: GuestSession }) {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  const now = useTick();
  const { charging, price, payment, capEnergyWh, state } = session;
  const energyWh = charging?.energyWh ?? 0;
  const soc = charging?.socPercent ?? null;
  const running = state === "charging" && charging?.endedAt === null;
  const endedAt = charging?.endedAt ?? null;
  const until = endedAt === null ? now : Date.parse(endedAt);
  const limit = payment.amountMinor;
  const part = price === null || limit === 0 ? 0 : Math.min(1, price.totalMinor / limit);
  return (
    <section aria-label={t("guest.state.charging")} className="rounded-2xl border border-line bg-surface p-5">
      <p className="flex items-center gap-2 font-medium text-accent">
        <span
          className={`size-2.5 rounded-full bg-accent-vivid ${running ? "animate-breathe" : ""}`}
          aria-hidden="true"
        />
        {t(`guest.state.${state}`)}
      </p>
      <p className="mt-2 text-5xl font-semibold tracking-tight whitespace-nowrap">
        {price === null ? "—" : money.amount(price.totalMinor, payment.currency)}
      </p>
      <div
        role="progressbar"
        aria-label={t("guest.used")}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(part * 100)}
        className="mt-3 h-2 overflow-hidden rounded-full bg-raised"
      >
        <div className="h-full rounded-full bg-accent-vivid" style={{ width: `${part * 100}%` }} />
      </div>
      <p className="mt-1 text-[0.8125rem] text-ink-3">
        {t("guest.ofLimit", { amount: money.amount(limit, payment.currency) })}
      </p>
      <dl className="mt-4 grid grid-cols-3 gap-2">
        <Figure term={t("guest.energy")} value={format.energy(energyWh)} />
        <Figure term={t("guest.power")} value={format.power(running ? (charging?.powerW ?? null) : null)} />
        <Figure
          term={t("guest.time")}
          value={charging === null ? "—" : format.duration(until - Date.parse(charging.startedAt))}
        />
      </dl>
      {soc !== null && (
        <p className="mt-3 text-sm text-ink-2">{t("guest.soc", { percent: format.percent(soc) })}</p>
      )}
      {capEnergyWh !== null && running && (
        <p className="mt-3 text-sm text-ink-2">{t("guest.cap", { energy: format.energy(capEnergyWh) })}</p>
      )}
    </section>
  );
}

function Figure({ term, value }: { term: string; value: string }) {
  return (
    <div className="min-w-0">
      <dt className="text-[0.8125rem] text-ink-3">{term}</dt>
      <dd className="text-lg font-semibold whitespace-nowrap">{value}</dd>
    </div>
  );
}

/** Two taps: a phone in a pocket stops nothing. */
function Stop({ session, id, token, take }: Props) {
  const t = useTranslations();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<GuestError | null>(null);
  if (session.stopAsked)
    return <Note tone="neutral" icon="clock" title={t("guest.stopping")} text={t("guest.stoppingHint")} />;
  if (session.reason === "amount-used" || session.reason === "too-long")
    return (
      <Note
        tone="neutral"
        icon="clock"
        title={t(`guest.endsBy.${session.reason}`)}
        text={t("guest.stoppingHint")}
      />
    );
  const stop = () => {
    setBusy(true);
    setError(null);
    guestApi
      .stop(id, token)
      .then(take, (failed: unknown) =>
        setError(failed instanceof GuestError ? failed : new GuestError(0, "offline", "")),
      )
      .finally(() => setBusy(false));
  };
  return (
    <div className="space-y-2">
      {error !== null && <Trouble error={error} />}
      {asking ? (
        <>
          <BigButton look="danger" icon="stop" disabled={busy} onClick={stop}>
            {t("guest.stopSure")}
          </BigButton>
          <BigButton look="ghost" onClick={() => setAsking(false)}>
            {t("guest.goOn")}
          </BigButton>
        </>
      ) : (
        <BigButton look="plain" icon="stop" onClick={() => setAsking(true)}>
          {t("guest.stop")}
        </BigButton>
      )}
    </div>
  );
}
