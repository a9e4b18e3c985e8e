/** The place of a chart. The drawing code comes after the page; the place has its size from the start. */
import { lazy, Suspense } from "react";
import type { Curve } from "../lib/curve.ts";
import { Skeleton } from "./card.tsx";

export type Series = {
  label: string;
  /** Name of a colour in app.css. */
  color: "--chart-1" | "--chart-2" | "--chart-3" | "--chart-4";
  look: "area" | "line";
  /** Series of the same scale share an axis. */
  scale: "kW" | "kWh" | "%" | "°C" | "MB" | "entries";
  /** Lines differ by more than their colour. */
  dash?: number[];
  format: (value: number) => string;
};

export type ChartProps = {
  /** What the chart shows, in words. */
  label: string;
  curve: Curve;
  series: Series[];
  /** CSS pixels of the plot, without the line of values above it. */
  height: number;
  /** First and last second of the axis; without it, the data's own. */
  range?: [number, number];
  timeZone?: string | undefined;
};

const Plot = lazy(() => import("./plot.tsx").then(({ Plot }) => ({ default: Plot })));

/** The height of the values above the plot: on a phone, several of them take two or three lines. */
export const readoutSize = (series: number) =>
  series > 2 ? "h-6 max-sm:h-18" : series > 1 ? "h-6 max-sm:h-12" : "h-6";

export function Chart(props: ChartProps) {
  return (
    <Suspense fallback={<ChartSkeleton height={props.height} series={props.series.length} />}>
      <Plot {...props} />
    </Suspense>
  );
}

export function ChartSkeleton({ height, series = 1 }: { height: number; series?: number }) {
  return (
    <div>
      <div className={readoutSize(series)} />
      <div style={{ height }}>
        <Skeleton className="h-full w-full" />
      </div>
    </div>
  );
}
