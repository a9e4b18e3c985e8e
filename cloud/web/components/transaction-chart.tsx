/** The curve of a transaction: power, and the energy that it adds up to. */
import { useMemo } from "react";
import { useTranslations } from "use-intl";
import type { TransactionDetail } from "../../api/schemas.ts";
import { transactionCurve } from "../lib/curve.ts";
import { useFormat } from "../lib/i18n.ts";
import { Empty } from "./card.tsx";
import { Chart, type Series } from "./chart.tsx";

type Props = { detail: TransactionDetail; height: number; timeZone: string | undefined; energy: boolean };

export function TransactionChart({ detail, height, timeZone, energy }: Props) {
  const t = useTranslations();
  const format = useFormat();
  const { transaction, samples, samplesTruncated } = detail;
  const curve = useMemo(
    () => transactionCurve(samples, transaction.meterStartWh),
    [samples, transaction.meterStartWh],
  );
  const all: (Series & { column: number })[] = [
    {
      column: 0,
      label: t("transactions.power"),
      color: "--chart-1",
      look: "area",
      scale: "kW",
      format: (kw) => format.power(kw * 1_000),
    },
    {
      column: 1,
      label: t("transactions.energy"),
      color: "--chart-3",
      look: "line",
      scale: "kWh",
      dash: [6, 4],
      format: (kwh) => format.energy(kwh * 1_000),
    },
  ];
  // A station that reports only one of the two gets only that one drawn.
  const measured = all.filter(({ column }) => curve.columns[column]?.some((value) => value !== null));
  const series = energy ? measured : measured.slice(0, 1);
  if (series.length === 0) return <Empty title={t("chart.noSamples")}>{t("chart.noSamplesHint")}</Empty>;
  return (
    <>
      <Chart
        label={t("chart.transaction", { energy: format.energy(transaction.energyWh) })}
        curve={{ seconds: curve.seconds, columns: series.map(({ column }) => curve.columns[column]!) }}
        series={series}
        height={height}
        timeZone={timeZone}
      />
      {samplesTruncated && <p className="mt-1 text-[0.8125rem] text-amber">{t("chart.truncated")}</p>}
    </>
  );
}
