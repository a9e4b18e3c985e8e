/** How a box was of late: one gauge at a time. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslations } from "use-intl";
import type { ErHealth } from "../../api/er-schemas.ts";
import { journalPercent } from "../lib/er-health.ts";
import { useFormat } from "../lib/i18n.ts";
import { erHealthQuery } from "../lib/queries.ts";
import { Card, Empty } from "./card.tsx";
import { Chart, ChartSkeleton, type Series } from "./chart.tsx";
import { Segmented } from "./field.tsx";
import { ProblemNote } from "./problem.tsx";

const CHART_PX = 160;
const GAUGES = ["backlog", "journal", "temperature", "memory"] as const;
type Gauge = (typeof GAUGES)[number];

function valueOf(gauge: Gauge, gauges: ErHealth["gauges"]): number | null {
  switch (gauge) {
    case "backlog":
      return gauges.backlog;
    case "journal":
      return journalPercent(gauges);
    case "temperature":
      return gauges.temperatureC ?? null;
    case "memory":
      return gauges.rssBytes === undefined ? null : gauges.rssBytes / 1e6;
  }
}

export function ErHistory({ erId, timeZone }: { erId: string; timeZone: string | undefined }) {
  const t = useTranslations();
  const format = useFormat();
  const query = useQuery(erHealthQuery(erId));
  const [gauge, setGauge] = useState<Gauge>("backlog");
  const items = useMemo(() => [...(query.data?.items ?? [])].reverse(), [query.data]);
  const told = GAUGES.filter((one) => items.some(({ gauges }) => valueOf(one, gauges) !== null));
  const curve = useMemo(
    () => ({
      seconds: items.map(({ at }) => Date.parse(at) / 1_000),
      columns: [items.map(({ gauges }) => valueOf(gauge, gauges))],
    }),
    [items, gauge],
  );
  if (query.isError && query.data === undefined)
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <ChartSkeleton height={CHART_PX} />;
  if (items.length < 2) return <Empty title={t("erHistory.none")}>{t("erHistory.noneHint")}</Empty>;
  const looks: Record<Gauge, Pick<Series, "scale" | "format">> = {
    backlog: { scale: "entries", format: (value) => t("er.entries", { count: value }) },
    journal: { scale: "%", format: format.percent },
    temperature: { scale: "°C", format: format.celsius },
    memory: { scale: "MB", format: (value) => format.bytes(value * 1e6) },
  };
  const label = t(`erHistory.${gauge}`);
  return (
    <Card className="px-4 py-3">
      <div className="mb-2 max-w-full overflow-x-auto">
        <Segmented
          legend={t("erHistory.gauge")}
          value={gauge}
          onChange={setGauge}
          choices={told.map((value) => ({ value, label: t(`erHistory.${value}`) }))}
        />
      </div>
      <Chart
        label={label}
        curve={curve}
        series={[{ ...looks[gauge], label, color: "--chart-1", look: "area" }]}
        height={CHART_PX}
        timeZone={timeZone}
      />
    </Card>
  );
}
