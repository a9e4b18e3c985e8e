/** Reports: how much was charged, earned, used, and was it there? One chart over time, and the places behind it. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useTranslations } from "use-intl";
import { BigNumber, Card, Empty, Section } from "../components/card.tsx";
import { ChartSkeleton } from "../components/chart.tsx";
import { DownloadButton } from "../components/download-button.tsx";
import { Segmented, SelectField, TextField } from "../components/field.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { cloudNow } from "../lib/api.ts";
import { call, pathOf } from "../lib/client.ts";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMay } from "../lib/me.ts";
import { useMoney } from "../lib/money.ts";
import { sitesQuery } from "../lib/queries.ts";
import { minorDigits } from "../../../shared/currency.ts";
import {
  barsOf,
  currenciesOf,
  daysOf,
  evenly,
  PERIODS,
  placesOf,
  REPORTS,
  stepFor,
  valueOf,
  type Period,
  type Place,
  type ReportLine,
  type ReportName,
  type Step,
} from "../lib/reports.ts";

const route = getRouteApi("/reports");
const CHART_PX = 300;
const OPERATIONS = {
  energy: "getEnergyReport",
  revenue: "getRevenueReport",
  utilisation: "getUtilisationReport",
  uptime: "getUptimeReport",
} as const satisfies Record<ReportName, string>;

const BarPlot = lazy(() =>
  import("../components/bar-plot.tsx").then((module) => ({ default: module.BarPlot })),
);

const two = (value: number) => String(value).padStart(2, "0");
function today(): string {
  const now = new Date(cloudNow());
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** What is asked for, from the address. Days are those of this browser; the steps inside, of each site. */
function useAsked() {
  const search = route.useSearch();
  const period: Period = search.period ?? "month";
  const days =
    period === "custom"
      ? { from: search.from ?? today(), to: search.to ?? today() }
      : daysOf(period, today());
  const end = new Date(`${days.to}T00:00:00`);
  end.setDate(end.getDate() + 1);
  const step = stepFor(days.from, days.to);
  const query = {
    from: new Date(`${days.from}T00:00:00`).toISOString(),
    to: end.toISOString(),
    by: step,
    group: search.group ?? ("site" as const),
    siteId: search.siteId,
  };
  return { search, name: search.report ?? ("energy" as ReportName), period, days, step, query };
}

/** Values of a report as a person reads them, and as numbers of the axis. */
function useReading(name: ReportName, currency: string) {
  const format = useFormat();
  const money = useMoney();
  const tick = new Intl.NumberFormat(format.locale, { maximumFractionDigits: 2 });
  const percent = (value: number, digits: number) =>
    new Intl.NumberFormat(format.locale, { style: "percent", maximumFractionDigits: digits }).format(
      value / 100,
    );
  switch (name) {
    case "energy":
      return {
        scale: (wh: number) => wh / 1_000,
        whole: (wh: number) => format.energy(wh),
        text: (kwh: number) => format.energy(kwh * 1_000),
        axis: (kwh: number) => `${tick.format(kwh)}\u00a0kWh`,
      };
    case "revenue": {
      const unit = 10 ** minorDigits(currency);
      return {
        scale: (minor: number) => minor / unit,
        whole: (minor: number) => money.amount(minor, currency),
        text: (value: number) => money.amount(Math.round(value * unit), currency),
        axis: (value: number) => tick.format(value),
      };
    }
    case "utilisation":
    case "uptime":
      return {
        scale: (bp: number) => bp / 100,
        whole: (bp: number) => percent(bp / 100, 2),
        text: (value: number) => percent(value, 2),
        axis: (value: number) => percent(value, 1),
      };
  }
}

export function ReportsPage() {
  const t = useTranslations();
  const may = useMay();
  const { name, period, days, step, query } = useAsked();
  const report = useQuery({
    queryKey: ["reports", name, query],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { items } = await call(OPERATIONS[name], { query, signal });
      return { name, items: items as ReportLine[] };
    },
  });
  // What is still there of another report would be read with the wrong unit.
  const all = report.data?.name === name ? report.data.items : [];
  const currency = currenciesOf(all)[0] ?? "BRL";
  const lines = name === "revenue" ? all.filter((line) => line.currency === currency) : all;
  const reading = useReading(name, currency);
  const total = valueOf(name, lines);
  return (
    <>
      <PageHead title={t(`reports.question.${name}`)}>
        <p className="mt-2">
          <BigNumber value={total === null ? MISSING : reading.whole(total)} unit="" className="text-4xl" />
        </p>
        <p className="mt-1 text-ink-2">{t(`reports.hint.${name}`)}</p>
      </PageHead>
      <Filters names={REPORTS.filter((one) => one !== "revenue" || may("money:read"))} />
      {report.isError && <ProblemNote error={report.error} onRetry={() => void report.refetch()} />}
      {report.isPending && <ChartSkeleton height={CHART_PX} />}
      {report.isSuccess && lines.length === 0 && (
        <Empty title={t("reports.nothing")}>{t("reports.nothingHint")}</Empty>
      )}
      {lines.length > 0 && (
        <>
          <Card className="mb-8 px-3 py-3 sm:px-4">
            <Bars {...{ name, lines, step, days, reading }} />
          </Card>
          {currenciesOf(all).length > 1 && (
            <p className="mb-4 text-sm text-ink-2">{t("reports.oneCurrency", { currency })}</p>
          )}
          <Section
            title={t("reports.places")}
            aside={
              <DownloadButton
                small
                path={pathOf(OPERATIONS[name])}
                query={{ ...query, format: "csv" }}
                name={`${name}-${days.from}-${days.to}.csv`}
              >
                {t("reports.csv")}
              </DownloadButton>
            }
          >
            <Places places={placesOf(name, lines)} whole={reading.whole} />
          </Section>
        </>
      )}
      <p className="mt-4 text-[0.8125rem] text-ink-3">
        {t(period === "custom" ? "reports.clockCustom" : "reports.clock")}
      </p>
    </>
  );
}

type Reading = ReturnType<typeof useReading>;
type BarsProps = {
  name: ReportName;
  lines: readonly ReportLine[];
  step: Step;
  days: { from: string; to: string };
  reading: Reading;
};

function Bars({ name, lines, step, days, reading }: BarsProps) {
  const t = useTranslations();
  const { locale } = useFormat();
  const sites = useQuery(sitesQuery());
  const timeZone = sites.data?.items.find((site) => site.siteId === lines[0]?.siteId)?.timeZone ?? "UTC";
  const bars = evenly(barsOf(name, lines), days, step, timeZone);
  // Names are wall clock already: read and written as UTC they stay what they are.
  const date = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
  const at = (bar: string) => Date.parse(step === "hour" ? `${bar.replace(" ", "T")}:00:00Z` : bar);
  const short = date(
    step === "hour"
      ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }
      : step === "day"
        ? { day: "2-digit", month: "short" }
        : { month: "short", year: "2-digit" },
  );
  const long = date(
    step === "month"
      ? { month: "long", year: "numeric" }
      : {
          ...{ weekday: "short", day: "2-digit", month: "short" },
          ...(step === "hour"
            ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }
            : { year: "numeric" }),
        },
  );
  return (
    <Suspense fallback={<ChartSkeleton height={CHART_PX} />}>
      <BarPlot
        label={t(`reports.question.${name}`)}
        steps={bars.map((bar) => ({ short: short.format(at(bar.name)), long: long.format(at(bar.name)) }))}
        values={bars.map(({ value }) => (value === null ? null : reading.scale(value)))}
        {...(name === "uptime" ? { most: 100 } : {})}
        format={reading.text}
        axis={reading.axis}
        height={CHART_PX}
      />
    </Suspense>
  );
}

function Places({ places, whole }: { places: readonly Place[]; whole: (value: number) => string }) {
  const sites = useQuery(sitesQuery());
  const most = Math.max(...places.map(({ value }) => value ?? 0), 1e-9);
  return (
    <Card className="overflow-hidden">
      <ul className="divide-y divide-line">
        {places.map(({ siteId, stationId, value }) => {
          const site = sites.data?.items.find((one) => one.siteId === siteId)?.name ?? siteId;
          return (
            <li
              key={`${siteId} ${stationId ?? ""}`}
              className="lazy-row relative flex items-center gap-4 px-4 py-2.5"
            >
              <div className="min-w-0 flex-1">
                {stationId === null ? (
                  <Link
                    to="/sites/$siteId"
                    params={{ siteId }}
                    className="rounded font-medium hover:underline"
                  >
                    {site}
                  </Link>
                ) : (
                  <>
                    <Link
                      to="/stations/$stationId"
                      params={{ stationId }}
                      className="rounded font-medium hover:underline"
                    >
                      {stationId}
                    </Link>
                    <span className="ml-2 text-sm text-ink-3">{site}</span>
                  </>
                )}
                <div className="mt-1 h-1.5 rounded-full bg-raised" aria-hidden="true">
                  <div
                    className="h-full rounded-full bg-accent-vivid"
                    style={{ width: `${(100 * (value ?? 0)) / most}%` }}
                  />
                </div>
              </div>
              <span className="w-32 text-right font-medium">{value === null ? MISSING : whole(value)}</span>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function Filters({ names }: { names: readonly ReportName[] }) {
  const t = useTranslations();
  const { search, name, period, days } = useAsked();
  const navigate = useNavigate();
  const sites = useQuery(sitesQuery());
  const set = (change: Partial<typeof search>) =>
    void navigate({ to: "/reports", search: { ...search, ...change } });
  return (
    <div className="mb-5 flex flex-wrap items-end gap-3">
      <div className="max-w-full overflow-x-auto">
        <Segmented
          legend={t("reports.which")}
          value={name}
          onChange={(report) => set({ report })}
          choices={names.map((value) => ({ value, label: t(`reports.name.${value}`) }))}
        />
      </div>
      <SelectField
        label={t("reports.period")}
        hideLabel
        className="w-44"
        value={period}
        onChange={(event) => {
          const next = PERIODS.find((one) => one === event.target.value) ?? "month";
          set(
            next === "custom" ? { period: next, ...days } : { period: next, from: undefined, to: undefined },
          );
        }}
      >
        {PERIODS.map((one) => (
          <option key={one} value={one}>
            {t(`reports.periods.${one}`)}
          </option>
        ))}
      </SelectField>
      {period === "custom" && (
        <>
          <TextField
            label={t("reports.from")}
            hideLabel
            type="date"
            max={days.to}
            value={days.from}
            onChange={(event) => event.target.value !== "" && set({ from: event.target.value })}
          />
          <TextField
            label={t("reports.to")}
            hideLabel
            type="date"
            min={days.from}
            value={days.to}
            onChange={(event) => event.target.value !== "" && set({ to: event.target.value })}
          />
        </>
      )}
      <SelectField
        label={t("common.site")}
        hideLabel
        className="w-44"
        value={search.siteId ?? ""}
        onChange={(event) => set({ siteId: event.target.value || undefined })}
      >
        <option value="">{t("common.allSites")}</option>
        {sites.data?.items.map((site) => (
          <option key={site.siteId} value={site.siteId}>
            {site.name}
          </option>
        ))}
      </SelectField>
      <Segmented
        legend={t("reports.group")}
        value={search.group ?? "site"}
        onChange={(group) => set({ group: group === "site" ? undefined : group })}
        choices={[
          { value: "site", label: t("reports.bySite") },
          { value: "station", label: t("reports.byStation") },
        ]}
      />
    </div>
  );
}
