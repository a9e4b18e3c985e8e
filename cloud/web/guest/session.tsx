/** A guest's own session from the payment to the receipt. When nothing is heard, it says how old it is. */
import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import type { GuestSession } from "../lib/api.gen.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { Charging } from "./charging.tsx";
import { guestApi, GuestError } from "./client.ts";
import { Ended } from "./ended.tsx";
import { BigButton, Note, PlaceName } from "./note.tsx";
import { Payment } from "./payment.tsx";
import { keepSession } from "./place.ts";
import { useSession } from "./poll.ts";
import { useTick } from "./tick.ts";
import { Trouble } from "./trouble.tsx";

/** What is older than that is said to be so. */
const STALE_MS = 15_000;

type Props = { id: string; token: string; onConnector: (code: string) => void };

export function Session({ id, token, onConnector }: Props) {
  const t = useTranslations();
  const { session, error, toldAt, take } = useSession(id, token);
  useEffect(() => {
    if (session !== null && session.code !== "") keepSession(session.code, id, token);
  }, [session, id, token]);
  useTabTitle(session);
  if (session === null) {
    if (error === null)
      return <p className="animate-breathe py-10 text-center text-ink-3">{t("guest.loading")}</p>;
    return <Trouble error={error} />;
  }
  return (
    <>
      <PlaceName site={session.siteName} station={session.stationName} evseId={session.evseId} />
      {error !== null && <Stale toldAt={toldAt} />}
      <State session={session} id={id} token={token} take={take} onConnector={onConnector} />
    </>
  );
}

/** Also seen in the list of tabs, and on a lock screen that shows the page. */
function useTabTitle(session: GuestSession | null): void {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  useEffect(() => {
    if (session === null) return;
    const { charging, price, payment, state } = session;
    const facts =
      state === "charging" && charging !== null
        ? [
            format.power(charging.powerW),
            price === null ? "" : money.amount(price.totalMinor, payment.currency),
          ]
        : [session.siteName];
    document.title = [t(`guest.state.${state}`), ...facts].filter((part) => part !== "").join(" · ");
  }, [session, t, format, money]);
}

function Stale({ toldAt }: { toldAt: number }) {
  const t = useTranslations();
  const format = useFormat();
  const now = useTick();
  if (now - toldAt < STALE_MS) return null;
  return (
    <Note
      tone="amber"
      icon="offline"
      title={t("guest.stale", { ago: format.ago(toldAt, now) })}
      text={t("guest.staleHint")}
    />
  );
}

type StateProps = Props & { session: GuestSession; take: (session: GuestSession) => void };

function State({ session, id, token, take, onConnector }: StateProps) {
  const t = useTranslations();
  const { state, reason } = session;
  const cancel = <Cancel session={session} id={id} token={token} take={take} />;
  switch (state) {
    case "awaiting-payment":
      return (
        <>
          <Payment session={session} />
          {cancel}
        </>
      );
    case "starting":
      return (
        <>
          <Note
            tone="accent"
            icon="clock"
            title={t("guest.state.starting")}
            text={t(reason === "start-uncertain" ? "guest.startUncertain" : "guest.startingHint")}
          />
          {cancel}
        </>
      );
    case "plug-in":
      return (
        <>
          <div className="rounded-2xl bg-accent-soft px-4 py-8 text-center">
            <Plug />
            <p className="mt-3 text-2xl font-semibold text-accent">{t("guest.state.plug-in")}</p>
            <p className="mt-1">
              {t(reason === "site-offline" ? "guest.plugInOffline" : "guest.plugInHint")}
            </p>
          </div>
          {cancel}
        </>
      );
    case "charging":
    case "finishing":
      return <Charging session={session} id={id} token={token} take={take} />;
    case "settled":
    case "released":
    case "expired":
      return <Ended session={session} id={id} token={token} onConnector={onConnector} />;
  }
}

function Plug() {
  return (
    <svg viewBox="0 0 48 48" className="mx-auto size-20 animate-breathe text-accent" aria-hidden="true">
      <path
        d="M17 6v9m14-9v9M12 15h24v8a12 12 0 0 1-24 0zM24 35v7"
        fill="none"
        stroke="currentColor"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

/** Before it charges, everything can be taken back. */
function Cancel({ session, id, token, take }: Omit<StateProps, "onConnector">) {
  const t = useTranslations();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<GuestError | null>(null);
  if (session.stopAsked) return <p className="text-center text-ink-2">{t("guest.cancelling")}</p>;
  const cancel = () => {
    setBusy(true);
    setError(null);
    guestApi
      .cancel(id, token)
      .then(take, (failed: unknown) =>
        setError(failed instanceof GuestError ? failed : new GuestError(0, "offline", "")),
      )
      .finally(() => setBusy(false));
  };
  return (
    <div>
      {error !== null && <Trouble error={error} />}
      <BigButton look="ghost" disabled={busy} onClick={cancel}>
        {t("guest.cancel")}
      </BigButton>
    </div>
  );
}
