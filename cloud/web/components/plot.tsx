/**
 * Draws a curve with uPlot. Loaded only where there is one to draw (see chart.tsx).
 *
 * The exact values at the cursor, or the last ones, stand above in text; arrow keys move the cursor.
 */
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { useTranslations } from "use-intl";
import uPlot from "uplot";
import { axisRange } from "../lib/curve.ts";
import { MISSING } from "../lib/format.ts";
import { useFormat } from "../lib/i18n.ts";
import { theme } from "../lib/theme.ts";
import { useValue } from "../lib/value.ts";
import { readoutSize, type ChartProps, type Series } from "./chart.tsx";

const FONT = "12px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const cssColor = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** CSS pixels: the usual width, or what the longest number needs. */
const axisSize = (values: readonly string[]) =>
  Math.max(44, 14 + 7 * Math.max(0, ...values.map((value) => value.length)));

function seriesOptions({ label, color, look, scale, dash }: Series): uPlot.Series {
  return {
    label,
    scale,
    stroke: cssColor(color),
    width: look === "area" ? 2 : 1.5,
    points: { show: false },
    ...(look === "area" ? { fill: cssColor("--chart-fill") } : {}),
    ...(dash === undefined ? {} : { dash }),
  };
}

function plotOptions(
  props: ChartProps,
  width: number,
  locale: string,
  onCursor: (row: number | null) => void,
): uPlot.Options {
  const { series, height, timeZone } = props;
  const ink = cssColor("--ink-3");
  const grid = { stroke: cssColor("--grid"), width: 1 };
  const common = { stroke: ink, font: FONT, ticks: { show: false } };
  const tick = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  const clock = (spanS: number) => {
    const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    if (spanS < 300) options.second = "2-digit";
    if (spanS > 36 * 3_600) Object.assign(options, { day: "2-digit", month: "2-digit" });
    try {
      return new Intl.DateTimeFormat(locale, { ...options, timeZone });
    } catch {
      return new Intl.DateTimeFormat(locale, options);
    }
  };
  const scales = [...new Set(series.map(({ scale }) => scale))];
  return {
    width,
    height,
    padding: [8, scales.length > 1 ? 0 : 18, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 8, width: 2, fill: () => cssColor("--surface") },
    },
    tzDate: (second) =>
      timeZone === undefined ? new Date(second * 1e3) : uPlot.tzDate(new Date(second * 1e3), timeZone),
    scales: {
      x: { time: true, ...(props.range === undefined ? {} : { range: () => props.range! }) },
      ...Object.fromEntries(
        scales.map((scale) => [
          scale,
          { range: (_: uPlot, min: number, max: number) => axisRange(min, max) },
        ]),
      ),
    },
    axes: [
      {
        ...common,
        grid: { show: false },
        size: 26,
        space: 64,
        values: (plot, splits) => {
          const format = clock((plot.scales.x?.max ?? 0) - (plot.scales.x?.min ?? 0));
          return splits.map((second) => format.format(second * 1e3));
        },
      },
      ...scales.map((scale, index) => ({
        ...common,
        scale,
        side: index === 0 ? 3 : 1,
        size: (_: uPlot, values: string[] | null) => axisSize(values ?? []),
        space: 36,
        gap: 6,
        grid: index === 0 ? grid : { show: false },
        values: (_: uPlot, splits: number[]) => splits.map((value) => tick.format(value)),
      })),
    ],
    series: [{}, ...series.map(seriesOptions)],
    hooks: {
      setCursor: [
        (plot) =>
          onCursor(plot.cursor.left === undefined || plot.cursor.left < 0 ? null : (plot.cursor.idx ?? null)),
      ],
    },
  };
}

export function Plot(props: ChartProps) {
  const { curve, series, height, timeZone } = props;
  const t = useTranslations();
  const format = useFormat();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  const [row, setRow] = useState<number | null>(null);
  const shown = useValue(theme);
  const data = useMemo(() => [curve.seconds, ...curve.columns] as uPlot.AlignedData, [curve]);
  const shape = series.map((one) => `${one.label}${one.scale}${one.color}`).join("|");
  latest.current = props;

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const width = () => Math.max(160, element.clientWidth);
    const options = plotOptions(latest.current, width(), format.locale, setRow);
    // The range moves with the data: read it where it is now, not where it was when the plot was made.
    const x = options.scales?.x;
    if (x !== undefined && latest.current.range !== undefined) x.range = () => latest.current.range ?? [0, 1];
    const made = new uPlot(options, data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: width(), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // `data` follows in the next effect; a new plot is needed only when its make-up changes.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, height, timeZone, format.locale, shown]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);

  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const made = plot.current;
    if (step === undefined || made === null || curve.seconds.length === 0) return;
    event.preventDefault();
    const next = Math.min(curve.seconds.length - 1, Math.max(0, (row ?? curve.seconds.length - 1) + step));
    made.setCursor({ left: made.valToPos(curve.seconds[next]!, "x"), top: 0 });
    setRow(next);
  }

  const at = row ?? lastFilled(curve.columns);
  const second = at === null ? undefined : curve.seconds[at];
  return (
    <div>
      <Readout
        {...{ series, curve, at, time: second === undefined ? MISSING : format.time(second * 1e3, timeZone) }}
      />
      <div
        ref={box}
        role="img"
        aria-label={`${props.label}. ${t("chart.keys")}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => setRow(null)}
        style={{ height }}
        className="overflow-hidden rounded-md"
      />
    </div>
  );
}

/** The last row that says anything. */
function lastFilled(columns: readonly (number | null)[][]): number | null {
  const rows = columns[0]?.length ?? 0;
  for (let row = rows - 1; row >= 0; row--) if (columns.some((column) => column[row] !== null)) return row;
  return null;
}

function Readout({
  series,
  curve,
  at,
  time,
}: Pick<ChartProps, "series" | "curve"> & { at: number | null; time: string }) {
  return (
    <p
      className={`${readoutSize(series.length)} flex flex-wrap content-start items-center gap-x-4
        text-[0.8125rem] whitespace-nowrap text-ink-2`}
    >
      <span className="text-ink-3">{time}</span>
      {series.map((one, index) => {
        const value = at === null ? null : (curve.columns[index]?.[at] ?? null);
        return (
          <span key={one.label} className="inline-flex items-center gap-1.5">
            <svg width="14" height="4" aria-hidden="true">
              <path
                d="M0 2h14"
                style={{ stroke: `var(${one.color})` }}
                strokeWidth="2.5"
                strokeDasharray={one.dash?.join(" ")}
              />
            </svg>
            {one.label}{" "}
            <span className="font-medium text-ink">{value === null ? MISSING : one.format(value)}</span>
          </span>
        );
      })}
    </p>
  );
}
