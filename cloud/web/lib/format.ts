/**
 * Numbers, units and times as a person of the locale writes them, through `Intl`. Pure: time is handed in.
 *
 * kW has one decimal, kWh two; a value that was not reported is an em dash, never zero.
 */
export const MISSING = "—";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Formatters are expensive to make and few: kept for good. */
const kept = new Map<string, unknown>();
function keep<T>(name: string, make: () => T): T {
  const found = kept.get(name) as T | undefined;
  if (found !== undefined) return found;
  const made = make();
  kept.set(name, made);
  return made;
}

function number(locale: string, decimals: number): Intl.NumberFormat {
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return keep(`n ${locale} ${decimals}`, () => new Intl.NumberFormat(locale, options));
}

function date(
  locale: string,
  timeZone: string | undefined,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  return keep(`d ${locale} ${timeZone} ${JSON.stringify(options)}`, () => {
    try {
      return new Intl.DateTimeFormat(locale, { ...options, timeZone });
    } catch {
      // A zone that this browser does not know: its own zone, which the zone's name beside the time shows.
      return new Intl.DateTimeFormat(locale, options);
    }
  });
}

/** A number and its unit, apart, for where the number is set larger. */
export type Quantity = { value: string; unit: string };

export type Format = ReturnType<typeof createFormat>;

/** The formatters of one locale. */
export function createFormat(locale: string) {
  const decimal = (value: number, decimals: number) => {
    // −0,0 is a rounding of nothing.
    const text = number(locale, decimals).format(value);
    return /[1-9]/.test(text) ? text : number(locale, decimals).format(0);
  };

  const powerOf = (powerW: number | null): Quantity => ({
    value: powerW === null ? MISSING : decimal(powerW / 1_000, 1),
    unit: "kW",
  });
  const energyOf = (energyWh: number | null): Quantity => ({
    value: energyWh === null ? MISSING : decimal(energyWh / 1_000, 2),
    unit: "kWh",
  });
  const join = ({ value, unit }: Quantity) => (value === MISSING ? MISSING : `${value}\u00a0${unit}`);

  return {
    locale,
    powerOf,
    energyOf,
    /** 7234 → "7,2 kW" */
    power: (powerW: number | null) => join(powerOf(powerW)),
    /** 12345 → "12,35 kWh" */
    energy: (energyWh: number | null) => join(energyOf(energyWh)),
    /** 16020 → "16,0 A" */
    current: (currentMa: number | null) =>
      join({ value: currentMa === null ? MISSING : decimal(currentMa / 1_000, 1), unit: "A" }),
    /** 229300 → "229 V" */
    voltage: (voltageMv: number | null) =>
      join({ value: voltageMv === null ? MISSING : decimal(voltageMv / 1_000, 0), unit: "V" }),
    count: (value: number) => decimal(value, 0),
    /** 48.25 → "48 °C" */
    celsius: (value: number | null) => (value === null ? MISSING : `${decimal(value, 0)}\u00a0°C`),
    /** 1234567890 → "1,2 GB"; kB are small change. */
    bytes: (bytes: number | null) => {
      if (bytes === null) return MISSING;
      if (bytes >= 1e9) return `${decimal(bytes / 1e9, 1)}\u00a0GB`;
      return `${decimal(bytes / 1e6, bytes < 1e7 ? 1 : 0)}\u00a0MB`;
    },
    /** ["a", "b"] → "a ou b" */
    list: (items: readonly string[]) =>
      keep(`l ${locale}`, () => new Intl.ListFormat(locale, { type: "disjunction" })).format(items),
    percent: (value: number | null) => (value === null ? MISSING : `${decimal(value, 0)}\u00a0%`),

    /** "14:03:22", in the site's zone. */
    time: (at: number, timeZone?: string) =>
      date(locale, timeZone, {
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
        hourCycle: "h23",
      }).format(at),
    /** "14:03" */
    minute: (at: number, timeZone?: string) =>
      date(locale, timeZone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at),
    /** "22 de nov., 14:03" (day and minute; with the year when it is another one than `now`'s). */
    dayMinute: (at: number, now: number, timeZone?: string) =>
      date(locale, timeZone, {
        day: "2-digit",
        month: "short",
        ...(new Date(at).getFullYear() === new Date(now).getFullYear() ? {} : { year: "numeric" }),
        hour: "2-digit",
        minute: "2-digit",
        hourCycle: "h23",
      }).format(at),
    /** Everything there is to know about an instant, with the zone's name: for tooltips. */
    instant: (at: number, timeZone?: string) =>
      date(locale, timeZone, {
        weekday: "short",
        day: "2-digit",
        month: "short",
        year: "numeric",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
        timeZoneName: "short",
        hourCycle: "h23",
      }).format(at),

    /** "há 12 s", "há 3 min"; times ahead of now (a clock that runs fast) are "agora". */
    ago: (at: number, now: number) => {
      const age = Math.max(0, now - at);
      const relative = keep(
        `r ${locale}`,
        () => new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "narrow" }),
      );
      if (age < SECOND) return relative.format(0, "second");
      if (age < MINUTE) return relative.format(-Math.floor(age / SECOND), "second");
      if (age < HOUR) return relative.format(-Math.floor(age / MINUTE), "minute");
      if (age < 2 * DAY) return relative.format(-Math.floor(age / HOUR), "hour");
      return relative.format(-Math.floor(age / DAY), "day");
    },
    /** "1 h 12 min", "42 s": the two largest units. */
    duration: (ms: number) => {
      const rest = Math.max(0, ms);
      if (rest < MINUTE) return `${Math.floor(rest / SECOND)}\u00a0s`;
      const minutes = Math.floor(rest / MINUTE) % 60;
      if (rest < HOUR) return `${minutes}\u00a0min`;
      const hours = Math.floor(rest / HOUR) % 24;
      if (rest < DAY) return minutes === 0 ? `${hours}\u00a0h` : `${hours}\u00a0h ${minutes}\u00a0min`;
      const days = Math.floor(rest / DAY);
      return hours === 0 ? `${days}\u00a0d` : `${days}\u00a0d ${hours}\u00a0h`;
    },
  };
}

/** Pretty-prints JSON; text that is not JSON (a cut or malformed frame) stays as it was. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** One JSON document per line, as `jq` and log tools read it. */
export const jsonLines = (items: readonly unknown[]) =>
  items.map((item) => `${JSON.stringify(item)}\n`).join("");
