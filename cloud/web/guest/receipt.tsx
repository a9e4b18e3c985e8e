/**
 * Is this receipt genuine? Yes, with what it says, to be held against the paper; or no such receipt exists. Whom it
 * was made out to is not told: whoever finds a receipt learns nothing about its owner.
 */
import { useCallback, useEffect, useId, useState } from "react";
import { useTranslations } from "use-intl";
import { formatTaxId } from "../../../shared/tax-id.ts";
import type { ReceiptCheck } from "../lib/api.gen.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { Icon } from "../components/icon.tsx";
import { guestApi, GuestError } from "./client.ts";
import { BigButton, Note } from "./note.tsx";
import { Trouble } from "./trouble.tsx";

const CODE_MAX = 40;

/** @param code empty: it is still to be typed. */
export function Receipt({ code, onCode }: { code: string; onCode: (code: string) => void }) {
  const t = useTranslations();
  const { answer, error, again } = useCheck(code);
  const unknown = error?.code === "NOT_FOUND" || error?.code === "INVALID_REQUEST";
  useEffect(() => {
    document.title = `${t("guest.receiptCheck.title")} · Moov.olt`;
  }, [t]);
  return (
    <>
      <h1 className="text-2xl font-semibold tracking-tight">{t("guest.receiptCheck.title")}</h1>
      {answer !== null && <Genuine check={answer} />}
      {answer === null && error === null && code !== "" && (
        <p className="animate-breathe py-10 text-center text-ink-3">{t("guest.loading")}</p>
      )}
      {unknown && (
        <Note
          tone="red"
          icon="x"
          title={t("guest.receiptCheck.unknown")}
          text={t("guest.receiptCheck.unknownHint", { code })}
        />
      )}
      {error !== null && !unknown && <Trouble error={error} onRetry={again} />}
      {(code === "" || unknown) && <CodeForm code={code} onCode={onCode} />}
      {answer !== null && (
        <BigButton look="ghost" onClick={() => onCode("")}>
          {t("guest.receiptCheck.another")}
        </BigButton>
      )}
    </>
  );
}

/** Asks once per code, and when it is asked again. */
function useCheck(code: string) {
  const [answer, setAnswer] = useState<ReceiptCheck | null>(null);
  const [error, setError] = useState<GuestError | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (code === "") return;
    let gone = false;
    guestApi.checkReceipt(code).then(
      (told) => !gone && setAnswer(told),
      (failed: unknown) =>
        !gone && setError(failed instanceof GuestError ? failed : new GuestError(0, "offline", "")),
    );
    return () => {
      gone = true;
    };
  }, [code, asked]);
  const again = useCallback(() => {
    setError(null);
    setAsked((count) => count + 1);
  }, []);
  return { answer, error, again };
}

function Genuine({ check }: { check: ReceiptCheck }) {
  const t = useTranslations();
  const format = useFormat();
  const money = useMoney();
  const { kind, amountMinor, currency, energyWh, startedAt, endedAt, issuedAt, timeZone } = check;
  const back = kind === "payment" && amountMinor < 0;
  // Seen from long ago: always with its year.
  const instant = (at: string) => format.dayMinute(Date.parse(at), 0, timeZone);
  const facts = [
    { name: "issuer" as const, value: check.issuerName },
    ...(check.issuerTaxId === null
      ? []
      : [{ name: "issuerTaxId" as const, value: formatTaxId(check.issuerTaxId) }]),
    { name: "number" as const, value: String(check.number) },
    { name: "issued" as const, value: instant(issuedAt) },
    ...(energyWh === null ? [] : [{ name: "energy" as const, value: format.energy(energyWh) }]),
    ...(startedAt === null ? [] : [{ name: "started" as const, value: instant(startedAt) }]),
    ...(endedAt === null ? [] : [{ name: "ended" as const, value: instant(endedAt) }]),
  ];
  return (
    <>
      {check.standing ? (
        <Note
          tone="accent"
          icon="check"
          title={t("guest.receiptCheck.genuine")}
          text={t("guest.receiptCheck.genuineHint")}
        />
      ) : (
        <Note
          tone="amber"
          icon="alert"
          title={t("guest.receiptCheck.replaced")}
          text={t("guest.receiptCheck.replacedHint")}
        />
      )}
      <section className="rounded-2xl border border-line bg-surface p-5">
        <p className="text-sm text-ink-2">
          {back ? t("guest.receiptCheck.givenBack") : t(`guest.receiptCheck.kind.${kind}`)}
        </p>
        <p className="text-4xl font-semibold tracking-tight whitespace-nowrap">
          {money.amount(Math.abs(amountMinor), currency)}
        </p>
        <dl className="mt-4 space-y-2">
          {facts.map(({ name, value }) => (
            <div key={name} className="flex flex-wrap justify-between gap-x-4 border-t border-line pt-2">
              <dt className="text-ink-2">{t(`guest.receiptCheck.fact.${name}`)}</dt>
              <dd className="text-right font-medium break-words">{value}</dd>
            </div>
          ))}
        </dl>
        <p className="mt-2 text-right text-sm text-ink-3">
          {t("guest.receiptCheck.zone", { zone: timeZone.replaceAll("_", " ") })}
        </p>
        <p className="mt-3 border-t border-line pt-3 text-center font-mono tracking-wider">{check.code}</p>
      </section>
    </>
  );
}

/** The code as it stands under the square: with or without strokes, in any case. */
function CodeForm({ code, onCode }: { code: string; onCode: (code: string) => void }) {
  const t = useTranslations();
  const id = useId();
  const [typed, setTyped] = useState(code);
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() !== "") onCode(typed.trim());
      }}
    >
      <div>
        <label htmlFor={id} className="font-medium">
          {t("guest.receiptCheck.code")}
        </label>
        <p id={`${id}-hint`} className="text-sm text-ink-2">
          {t("guest.receiptCheck.codeHint")}
        </p>
      </div>
      <input
        id={id}
        aria-describedby={`${id}-hint`}
        required
        maxLength={CODE_MAX}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        placeholder="XXXX-XXXX-XXXX-XXXX"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className="h-13 w-full rounded-xl border border-line-strong bg-surface px-4 font-mono text-[1.0625rem] uppercase
          placeholder:text-ink-3"
      />
      <BigButton type="submit">
        <Icon name="check" className="size-5" />
        {t("guest.receiptCheck.check")}
      </BigButton>
    </form>
  );
}
