/**
 * Bars over steps of time with uPlot; loaded only where there are some to draw. The axis begins at zero; a step of
 * which nothing is known has no bar. The value at the cursor stands above in text, and arrow keys move the cursor.
 */
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useTranslations } from "use-intl";
import uPlot from "uplot";
import { axisRange } from "../lib/curve.ts";
import { MISSING } from "../lib/format.ts";
import { theme } from "../lib/theme.ts";
import { useValue } from "../lib/value.ts";

export type BarPlotProps = {
  /** What the chart shows, in words. */
  label: string;
  /** As a person reads them: on the axis, and whole. */
  steps: readonly { short: string; long: string }[];
  values: readonly (number | null)[];
  /** The end of the axis where it is known: 100 of percent. */
  most?: number;
  format: (value: number) => string;
  axis: (value: number) => string;
  height: number;
};

const FONT = "12px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const cssColor = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const BAR_SHARE = 0.72;
const BAR_PX_MAX = 64;
const CHAR_PX = 7;

function optionsOf(props: BarPlotProps, width: number, onCursor: (at: number | null) => void): uPlot.Options {
  const { steps, most, axis, height } = props;
  const common = { stroke: cssColor("--ink-3"), font: FONT, ticks: { show: false } };
  const widest = Math.max(...steps.map(({ short }) => short.length), 1);
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: () => [-0.6, steps.length - 0.4] },
      y: {
        range: (_: uPlot, min: number, max: number) => (most === undefined ? axisRange(min, max) : [0, most]),
      },
    },
    axes: [
      {
        ...common,
        grid: { show: false },
        size: 26,
        space: widest * CHAR_PX + 12,
        incrs: [1, 2, 3, 5, 7, 10, 14, 20, 30, 60, 90],
        values: (_: uPlot, splits: number[]) => splits.map((at) => steps[at]?.short ?? ""),
      },
      {
        ...common,
        size: (_: uPlot, values: string[] | null) =>
          Math.max(44, 14 + CHAR_PX * Math.max(0, ...(values ?? []).map((value) => value.length))),
        space: 40,
        gap: 6,
        grid: { stroke: cssColor("--grid"), width: 1 },
        values: (_: uPlot, splits: number[]) => splits.map(axis),
      },
    ],
    series: [
      {},
      {
        label: props.label,
        fill: cssColor("--chart-1"),
        stroke: cssColor("--chart-1"),
        width: 0,
        paths: uPlot.paths.bars!({ size: [BAR_SHARE, BAR_PX_MAX], radius: 0.12 }),
        points: { show: false },
      },
    ],
    hooks: {
      setCursor: [
        (plot) =>
          onCursor(plot.cursor.left === undefined || plot.cursor.left < 0 ? null : (plot.cursor.idx ?? null)),
      ],
    },
  };
}

export function BarPlot(props: BarPlotProps) {
  const { steps, values, height, label, format } = props;
  const t = useTranslations();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const shown = useValue(theme);
  const shape = JSON.stringify([steps, values, props.most]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const width = () => Math.max(160, element.clientWidth);
    const data = [values.map((_, index) => index), [...values]] as uPlot.AlignedData;
    const made = new uPlot(optionsOf(props, width(), setAt), data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: width(), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // By what is drawn: the functions are new at each rendering and do the same.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, height, shown]);

  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const made = plot.current;
    if (step === undefined || made === null || values.length === 0) return;
    event.preventDefault();
    const next = Math.min(values.length - 1, Math.max(0, (at ?? values.length - 1) + step));
    made.setCursor({ left: made.valToPos(next, "x"), top: 0 });
    setAt(next);
  }

  const index = at ?? values.length - 1;
  const value = values[index] ?? null;
  return (
    <div>
      <p className="flex h-6 gap-x-4 text-[0.8125rem] whitespace-nowrap text-ink-2">
        <span className="text-ink-3">{steps[index]?.long ?? MISSING}</span>
        <span className="font-medium text-ink">{value === null ? MISSING : format(value)}</span>
      </p>
      <div
        ref={box}
        role="img"
        aria-label={`${label}. ${t("chart.keys")}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => setAt(null)}
        style={{ height }}
        className="overflow-hidden rounded-md"
      />
    </div>
  );
}
