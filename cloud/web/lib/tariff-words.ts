/** A tariff in words: "R$ 1,95 por kWh, R$ 0,10 por minuto parado após 10 min". */
import { useTranslations } from "use-intl";
import type { TariffElement, TariffTerms } from "../../../shared/tariff.ts";
import { useMoney } from "./money.ts";
import { dayRuns } from "./tariff.ts";

const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;

/** "seg.", of 1 for Monday. The first of January 2024 was one. */
export const dayName = (day: number, locale: string, weekday: "short" | "long" = "short") =>
  new Intl.DateTimeFormat(locale, { weekday, timeZone: "UTC" }).format(Date.UTC(2024, 0, day));

export function useTariffWords() {
  const t = useTranslations();
  const money = useMoney();

  /** When an element counts; null: always. */
  const when = ({ restrictions }: TariffElement): string | null => {
    const { daysOfWeek, from, to } = restrictions ?? {};
    const days =
      daysOfWeek === undefined || daysOfWeek.length === DAYS.length
        ? null
        : dayRuns(daysOfWeek)
            .map(([first, last]) =>
              first === last
                ? dayName(first, money.locale)
                : `${dayName(first, money.locale)}–${dayName(last, money.locale)}`,
            )
            .join(", ");
    const hours = from === undefined && to === undefined ? null : `${from ?? "00:00"}–${to ?? "24:00"}`;
    const said = [days, hours].filter((part) => part !== null);
    return said.length === 0 ? null : said.join(", ");
  };

  /** The prices of an element, without when they count. */
  const prices = (element: TariffElement, { currency, idleGraceMinutes = 0 }: TariffTerms): string => {
    const { perKwhMicro, startFeeMicro, perChargingMinuteMicro, perIdleMinuteMicro } = element;
    const price = (micro: number) => ({ price: money.price(micro, currency) });
    return [
      perKwhMicro !== undefined && t("tariffs.words.perKwh", price(perKwhMicro)),
      startFeeMicro !== undefined && t("tariffs.words.startFee", price(startFeeMicro)),
      perChargingMinuteMicro !== undefined &&
        t("tariffs.words.perChargingMinute", price(perChargingMinuteMicro)),
      perIdleMinuteMicro !== undefined &&
        t(idleGraceMinutes > 0 ? "tariffs.words.perIdleMinuteAfter" : "tariffs.words.perIdleMinute", {
          ...price(perIdleMinuteMicro),
          ...{ minutes: String(idleGraceMinutes) },
        }),
    ]
      .filter(Boolean)
      .join(", ");
  };

  /** What counts for the whole: free minutes, bounds, tax. */
  const bounds = ({ currency, freeMinutes = 0, minimumMinor, maximumMinor, tax }: TariffTerms): string[] =>
    [
      freeMinutes > 0 && t("tariffs.words.freeMinutes", { minutes: String(freeMinutes) }),
      minimumMinor !== undefined &&
        t("tariffs.words.minimum", { amount: money.amount(minimumMinor, currency) }),
      maximumMinor !== undefined &&
        t("tariffs.words.maximum", { amount: money.amount(maximumMinor, currency) }),
      tax !== undefined &&
        t(tax.included ? "tariffs.words.taxIncluded" : "tariffs.words.taxAdded", {
          ...{ name: tax.name, rate: money.rate(tax.rateBp) },
        }),
    ].filter((part) => part !== false);

  return { when, prices, bounds };
}
