/** Periods as a person names them: "novembro de 2026" where it is a month, else from day to day. */
import { useLocale } from "use-intl";

type Parts = { year: number; month: number; day: number; minute: number };

/** The wall clock of a zone; UTC where the browser does not know the zone. */
function partsOf(at: number, timeZone: string): Parts {
  const options: Intl.DateTimeFormatOptions = {
    ...{
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      hourCycle: "h23",
    },
  };
  const parts = new Intl.DateTimeFormat("en", { ...options, timeZone }).formatToParts(at);
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  return {
    ...{ year: value("year"), month: value("month"), day: value("day") },
    minute: value("hour") * 60 + value("minute"),
  };
}

/** `to` is exclusive: the last day is the one before it. Pure. */
export function periodText(from: string, to: string, timeZone: string, locale: string): string {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const [a, b] = [partsOf(start, timeZone), partsOf(end, timeZone)];
  const isMonth =
    a.day === 1 &&
    b.day === 1 &&
    a.minute === 0 &&
    b.minute === 0 &&
    a.year * 12 + a.month + 1 === b.year * 12 + b.month;
  if (isMonth)
    return new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone }).format(start);
  const day = new Intl.DateTimeFormat(locale, { day: "2-digit", month: "short", year: "numeric", timeZone });
  return day.formatRange(start, end - 1);
}

export function usePeriod(): (from: string, to: string, timeZone: string) => string {
  const locale = useLocale();
  return (from, to, timeZone) => periodText(from, to, timeZone, locale);
}
