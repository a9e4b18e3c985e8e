/** At a connector: whether it is free, what it costs, how much to set aside, how to pay. Then off to pay. */
import { useCallback, useEffect, useRef, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import type { GuestConnector, NewGuestSession } from "../lib/api.gen.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { TextField } from "../components/field.tsx";
import { guestApi, GuestError } from "./client.ts";
import { BigButton, Note, PlaceName } from "./note.tsx";
import { forgetSession, keepSession, lastSession, newRequestId } from "./place.ts";
import { isSettled } from "./poll.ts";
import { PriceCard } from "./price-card.tsx";
import { choicesOf, energyFor, priceNow } from "./price.ts";
import { Trouble } from "./trouble.tsx";

type Method = GuestConnector["methods"][number];
type Props = { code: string; onSession: (id: string, token: string) => void };

/** A connector that is taken or offline may be free in a moment. */
const AGAIN_MS = 10_000;

/** The connector, looked at again while nothing can be paid there, and whenever the phone comes back. */
function useConnector(code: string) {
  const [connector, setConnector] = useState<GuestConnector | null>(null);
  const [error, setError] = useState<GuestError | null>(null);
  const look = useCallback(() => {
    guestApi.connector(code).then(
      (told) => {
        setConnector(told);
        setError(null);
      },
      (failed: unknown) => setError(failed instanceof GuestError ? failed : new GuestError(0, "offline", "")),
    );
  }, [code]);
  const open = connector?.offered === true && error === null;
  useEffect(() => {
    look();
    const seen = () => document.hidden || look();
    const timer = open ? undefined : setInterval(seen, AGAIN_MS);
    document.addEventListener("visibilitychange", seen);
    addEventListener("online", seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("online", seen);
    };
  }, [look, open]);
  return { connector, error, look };
}

/** A session of this phone at this connector that is not over: who scans again wants it, and not to pay twice. */
function useOpenSession(code: string) {
  const [open, setOpen] = useState<{ id: string; token: string } | null>(null);
  useEffect(() => {
    const last = lastSession(code);
    if (last === null) return;
    let gone = false;
    guestApi.session(last.id, last.token).then(
      (session) => {
        if (!gone && !isSettled(session) && session.state !== "settled") setOpen(last);
      },
      (failed: unknown) => {
        if (failed instanceof GuestError && failed.status === 404) forgetSession(code);
      },
    );
    return () => {
      gone = true;
    };
  }, [code]);
  return open;
}

export function Offer({ code, onSession }: Props) {
  const t = useTranslations();
  const { connector, error, look } = useConnector(code);
  const running = useOpenSession(code);
  useEffect(() => {
    if (connector !== null) document.title = `${connector.siteName} · Moov.olt`;
  }, [connector]);
  if (connector === null) {
    if (error === null)
      return <p className="animate-breathe py-10 text-center text-ink-3">{t("guest.loading")}</p>;
    return <Trouble error={error} onRetry={look} />;
  }
  const { reason, siteName, stationName, evseId, operatorName, tariff, timeZone } = connector;
  return (
    <>
      <PlaceName site={siteName} station={stationName} evseId={evseId} />
      {running !== null && (
        <Note tone="accent" icon="bolt" title={t("guest.running")} text={t("guest.runningHint")}>
          <BigButton className="mt-3" onClick={() => onSession(running.id, running.token)}>
            {t("guest.toRunning")}
          </BigButton>
        </Note>
      )}
      {reason === null ? (
        <Note tone="accent" icon="circle" title={t("guest.free")} text={t("guest.freeHint")} />
      ) : (
        <Note
          tone="amber"
          icon={reason === "offline" ? "offline" : "block"}
          title={t(`guest.notOffered.${reason}`)}
          text={t(`guest.notOfferedHint.${reason}`)}
        />
      )}
      {error !== null && <Trouble error={error} onRetry={look} />}
      {tariff !== null && <Price connector={connector} tariff={tariff} timeZone={timeZone} />}
      {reason === null && tariff !== null && connector.methods.length > 0 && (
        <PayForm connector={connector} onSession={onSession} onChanged={look} />
      )}
      <p className="mt-auto pt-4 text-center text-[0.8125rem] text-ink-3">
        {t("guest.by", { operator: operatorName })}
      </p>
    </>
  );
}

type Tariff = NonNullable<GuestConnector["tariff"]>;

/** What the guest agrees to: a price that has changed meanwhile is shown anew. */
const shown = ({ tariffId, version }: Tariff) => ({ tariffId, version });

function Price({ tariff, timeZone }: { connector: GuestConnector; tariff: Tariff; timeZone: string }) {
  const [nowMs] = useState(() => Date.now());
  return <PriceCard terms={tariff.terms} now={priceNow(tariff.terms, timeZone, nowMs)} timeZone={timeZone} />;
}

type PayProps = { connector: GuestConnector; onSession: Props["onSession"]; onChanged: () => void };

/** The way to pay on a phone is one tap: all but the amount has a good answer already. */
function PayForm({ connector, onSession, onChanged }: PayProps) {
  const t = useTranslations();
  const money = useMoney();
  const language = useLocale();
  const [provider, setProvider] = useState(connector.methods[0]?.provider);
  const method = connector.methods.find((one) => one.provider === provider) ?? connector.methods[0];
  const [chosen, setChosen] = useState<number | null>(null);
  const [email, setEmail] = useState("");
  const [taxId, setTaxId] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<GuestError | null>(null);
  const requestId = useRef(newRequestId());
  if (method === undefined) return null;
  const amountMinor = chosen ?? method.defaultAmountMinor;

  async function pay(wish: Omit<NewGuestSession, "requestId">): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      const { session, token } = await guestApi.begin({ ...wish, requestId: requestId.current });
      keepSession(connector.code, session.guestSessionId, token);
      const { checkoutUrl, pixCode } = session.payment;
      onSession(session.guestSessionId, token);
      // The session is behind it in the history: whoever goes back from paying finds it.
      // A Pix code is paid from here: the page that the provider has of it shows nothing more.
      if (checkoutUrl !== null && pixCode === null) location.assign(checkoutUrl);
    } catch (failed) {
      setError(failed instanceof GuestError ? failed : new GuestError(0, "offline", String(failed)));
      setBusy(false);
      // No answer may still be a yes: the same wish is the same payment. What was refused is another wish.
      if (failed instanceof GuestError && failed.status !== 0) requestId.current = newRequestId();
      onChanged();
    }
  }
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (busy) return;
        void pay({
          ...{ code: connector.code, provider: method.provider, amountMinor, language },
          ...(connector.tariff === null ? {} : { tariff: shown(connector.tariff) }),
          ...(email.trim() === "" ? {} : { email: email.trim() }),
          ...(taxId.trim() === "" ? {} : { taxId: taxId.trim() }),
        });
      }}
    >
      {connector.methods.length > 1 && (
        <Ways
          methods={connector.methods}
          value={method.provider}
          onChange={(next) => (setProvider(next), setChosen(null))}
        />
      )}
      <Amounts connector={connector} method={method} value={amountMinor} onChange={setChosen} />
      <ReceiptFields email={email} onEmail={setEmail} taxId={taxId} onTaxId={setTaxId} />
      {error !== null && <Trouble error={error} />}
      <BigButton type="submit" disabled={busy}>
        {busy
          ? t("guest.opening")
          : t(`guest.pay.${method.flow}`, { amount: money.amount(amountMinor, method.currency) })}
      </BigButton>
      <p className="text-sm text-ink-2">{t(`guest.payHint.${method.flow}`)}</p>
    </form>
  );
}

type WaysProps = {
  methods: readonly Method[];
  value: string;
  onChange: (provider: Method["provider"]) => void;
};

function Ways({ methods, value, onChange }: WaysProps) {
  const t = useTranslations();
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm text-ink-2">{t("guest.how")}</legend>
      <div className="grid gap-2">
        {methods.map(({ provider, method }) => (
          <label
            key={provider}
            className="flex min-h-12 items-center gap-3 rounded-xl border border-line bg-surface px-4
              has-checked:border-accent has-checked:bg-accent-soft has-focus-visible:outline-2
              has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name="provider"
              className="size-5 accent-(--accent)"
              checked={provider === value}
              onChange={() => onChange(provider)}
            />
            <span className="font-medium">{t(`guest.method.${method}`)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

type AmountProps = {
  connector: GuestConnector;
  method: Method;
  value: number;
  onChange: (amountMinor: number) => void;
};

function Amounts({ connector, method, value, onChange }: AmountProps) {
  const t = useTranslations();
  const money = useMoney();
  const format = useFormat();
  const [nowMs] = useState(() => Date.now());
  const { defaultAmountMinor, minAmountMinor, maxAmountMinor, currency, flow } = method;
  const choices = choicesOf(defaultAmountMinor, minAmountMinor, maxAmountMinor);
  const { tariff, timeZone } = connector;
  const energyWh =
    tariff === null ? null : energyFor(value, priceNow(tariff.terms, timeZone, nowMs), currency);
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm text-ink-2">{t(`guest.amount.${flow}`)}</legend>
      <div className="grid auto-cols-fr grid-flow-col gap-2">
        {choices.map((minor) => (
          <button
            key={minor}
            type="button"
            aria-pressed={minor === value}
            onClick={() => onChange(minor)}
            className="min-h-12 rounded-xl border border-line bg-surface px-1 font-medium
              aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent"
          >
            {money.amount(minor, currency)}
          </button>
        ))}
      </div>
      {energyWh !== null && energyWh > 0 && (
        <p className="mt-1.5 text-sm text-ink-2">
          {t("guest.enoughFor", { energy: format.energy(energyWh) })}
        </p>
      )}
    </fieldset>
  );
}

type ReceiptProps = {
  email: string;
  onEmail: (email: string) => void;
  taxId: string;
  onTaxId: (taxId: string) => void;
};

function ReceiptFields({ email, onEmail, taxId, onTaxId }: ReceiptProps) {
  const t = useTranslations();
  return (
    <details className="rounded-xl border border-line px-4">
      <summary className="flex min-h-12 items-center">{t("guest.forReceipt")}</summary>
      <div className="space-y-3 pb-4">
        <TextField
          label={t("guest.email")}
          hint={t("guest.emailHint")}
          type="email"
          inputMode="email"
          autoComplete="email"
          maxLength={254}
          value={email}
          onChange={(event) => onEmail(event.target.value)}
        />
        <TextField
          label={t("guest.taxId")}
          inputMode="numeric"
          autoComplete="off"
          maxLength={20}
          value={taxId}
          onChange={(event) => onTaxId(event.target.value)}
        />
      </div>
    </details>
  );
}
