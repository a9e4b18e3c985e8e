/** What charging costs here and now, in words that anybody reads; what it costs at other times, folded away. */
import { useLocale, useTranslations } from "use-intl";
import type { TariffElement, TariffTerms } from "../../../shared/tariff.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMoney } from "../lib/money.ts";
import { whenOf, type PriceNow } from "./price.ts";

type Props = { terms: TariffTerms; now: PriceNow; timeZone: string };

/** The second of June 2025 was a Monday. */
const dayName = (locale: string, day: number) =>
  new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" }).format(Date.UTC(2025, 5, 1 + day));

export function PriceCard({ terms, now, timeZone }: Props) {
  const t = useTranslations();
  const money = useMoney();
  const format = useFormat();
  const { currency, idleGraceMinutes = 0, freeMinutes = 0, minimumMinor, maximumMinor, tax } = terms;
  const price = (micro: number) => money.price(micro, currency);
  const { kwhMicro, startMicro, chargingMinuteMicro, idleMinuteMicro, untilMs } = now;
  const timed = chargingMinuteMicro !== null || idleMinuteMicro !== null;
  const free = kwhMicro === null && startMicro === null && !timed;
  const lines = [
    startMicro !== null && t("guest.price.start", { price: price(startMicro) }),
    chargingMinuteMicro !== null && t("guest.price.minute", { price: price(chargingMinuteMicro) }),
    idleMinuteMicro !== null &&
      t("guest.price.idle", { price: price(idleMinuteMicro), minutes: idleGraceMinutes }),
    timed && freeMinutes > 0 && t("guest.price.free", { minutes: freeMinutes }),
    minimumMinor !== undefined && t("guest.price.minimum", { amount: money.amount(minimumMinor, currency) }),
    maximumMinor !== undefined && t("guest.price.maximum", { amount: money.amount(maximumMinor, currency) }),
    tax !== undefined &&
      t(tax.included ? "guest.price.taxIn" : "guest.price.taxOn", {
        name: tax.name,
        rate: money.rate(tax.rateBp),
      }),
  ].filter((line) => line !== false);
  return (
    <section aria-label={t("guest.price.title")} className="rounded-2xl border border-line bg-surface p-4">
      <h2 className="text-sm text-ink-2">{t("guest.price.title")}</h2>
      <p className="text-xl font-semibold">
        {free
          ? t("guest.price.nothing")
          : kwhMicro === null
            ? t("guest.price.noKwh")
            : t("guest.price.kwh", { price: price(kwhMicro) })}
      </p>
      {lines.length > 0 && (
        <ul className="mt-1 space-y-0.5 text-ink-2">
          {lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      {untilMs !== null && (
        <p className="mt-2 text-sm text-ink-2">
          {t("guest.price.until", { at: format.dayMinute(untilMs, untilMs, timeZone) })}
        </p>
      )}
      {terms.elements.length > 1 && (
        <details className="mt-1 text-sm">
          <summary className="flex min-h-11 items-center text-accent">{t("guest.price.others")}</summary>
          <ul className="space-y-1.5 text-ink-2">
            {terms.elements.map((element, index) => (
              <Element key={String(index)} element={element} currency={currency} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Element({ element, currency }: { element: TariffElement; currency: string }) {
  const t = useTranslations();
  const money = useMoney();
  const locale = useLocale();
  const when = whenOf(element);
  const days = when?.days.map((day) => dayName(locale, day)).join(", ") ?? "";
  const hours = when?.hours ?? "";
  const said = [days, hours].filter((part) => part !== "").join(" · ");
  const price = (micro: number) => money.price(micro, currency);
  const parts = [
    element.perKwhMicro !== undefined && t("guest.price.kwh", { price: price(element.perKwhMicro) }),
    element.startFeeMicro !== undefined && t("guest.price.start", { price: price(element.startFeeMicro) }),
    element.perChargingMinuteMicro !== undefined &&
      t("guest.price.minute", { price: price(element.perChargingMinuteMicro) }),
    element.perIdleMinuteMicro !== undefined &&
      t("guest.price.idle", { price: price(element.perIdleMinuteMicro), minutes: 0 }),
  ].filter((part) => part !== false);
  return (
    <li>
      <span className="font-medium text-ink">{said === "" ? t("guest.price.otherwise") : said}</span>
      <br />
      {parts.join(", ")}
    </li>
  );
}
