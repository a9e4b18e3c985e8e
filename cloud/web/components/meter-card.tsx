/** A meter: its power now, and how that has been going. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTranslations } from "use-intl";
import type { Meter } from "../../api/schemas.ts";
import { meterCurve } from "../lib/curve.ts";
import { useFormat } from "../lib/i18n.ts";
import { meterSamplesQuery } from "../lib/queries.ts";
import { METER_LOOK } from "../lib/state.ts";
import { Badge } from "./badge.tsx";
import { BigNumber, Card } from "./card.tsx";
import { Chart, ChartSkeleton, type Series } from "./chart.tsx";
import { ProblemNote } from "./problem.tsx";
import { StaleNote, useNow } from "./time.tsx";

/** Meters are read every ten seconds or so: a value older than this is old. */
const METER_AGE_MAX_MS = 60_000;

type Props = { meter: Meter; online: boolean; timeZone: string };

export function MeterCard({ meter, online, timeZone }: Props) {
  const t = useTranslations();
  return (
    <Card className="px-4 py-3">
      <div className="flex items-start justify-between gap-2">
        <div className="min-w-0">
          <h3 className="truncate font-semibold">
            <Link
              to="/meters/$meterId"
              params={{ meterId: meter.meterId }}
              className="rounded hover:underline"
            >
              {meter.meterId}
            </Link>
          </h3>
          <p className="truncate text-[0.8125rem] text-ink-3">{meter.model}</p>
        </div>
        <Badge {...METER_LOOK[meter.state]} old={!online}>
          {t(`meterState.${meter.state}`)}
        </Badge>
      </div>
      <MeterNow meter={meter} online={online} timeZone={timeZone} />
      <MeterChart meterId={meter.meterId} minutes={15} phases={0} height={120} timeZone={timeZone} />
    </Card>
  );
}

/** The power now, with its age when it is old and the reason when the meter is lost. */
type NowProps = { meter: Meter; online: boolean; timeZone: string | undefined };

export function MeterNow({ meter, online, timeZone }: NowProps) {
  const format = useFormat();
  return (
    <div className="mt-1 mb-1.5">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <span className={online && meter.state === "ok" ? "" : "text-ink-3"}>
          <BigNumber {...format.powerOf(meter.powerW)} className="text-2xl" />
        </span>
        <StaleNote at={meter.sampledAt} maxAgeMs={METER_AGE_MAX_MS} timeZone={timeZone} />
      </div>
      {meter.stateReason !== null && <p className="text-sm break-words text-amber">{meter.stateReason}</p>}
    </div>
  );
}

const PHASES: Pick<Series, "label" | "color" | "dash">[] = [
  { label: "L1", color: "--chart-2" },
  { label: "L2", color: "--chart-3", dash: [7, 3] },
  { label: "L3", color: "--chart-4", dash: [2, 3] },
];

type ChartOf = {
  meterId: string;
  minutes: number;
  phases: number;
  height: number;
  timeZone: string | undefined;
};

/** The last minutes of a meter; `phases` lines besides the whole. */
export function MeterChart({ meterId, minutes, phases, height, timeZone }: ChartOf) {
  const t = useTranslations();
  const format = useFormat();
  const client = useQueryClient();
  const samples = useQuery(meterSamplesQuery(client, meterId, minutes));
  const now = useNow(1_000 * Math.max(2, minutes / 15));
  const curve = useMemo(() => meterCurve(samples.data ?? []), [samples.data]);
  if (samples.isPending) return <ChartSkeleton height={height} series={phases + 1} />;
  if (samples.isError && samples.data === undefined) return <ProblemNote error={samples.error} />;
  const kw = (value: number) => format.power(value * 1_000);
  const lines = PHASES.slice(0, Math.min(phases, curve.columns.length - 1));
  const series: Series[] = [
    { label: t("chart.total"), color: "--chart-1", look: "area", scale: "kW", format: kw },
    ...lines.map((line): Series => ({ ...line, look: "line", scale: "kW", format: kw })),
  ];
  return (
    <Chart
      label={t("chart.meter", { meter: meterId })}
      curve={{ seconds: curve.seconds, columns: curve.columns.slice(0, series.length) }}
      series={series}
      height={height}
      range={[now / 1_000 - minutes * 60, now / 1_000]}
      timeZone={timeZone}
    />
  );
}
