/**
 * Icons: one stroke style on a 20-unit grid, always beside a word (they are hidden from screen readers).
 */
import type { ReactNode } from "react";
import type { IconName as StateIcon } from "../lib/state.ts";

const PATHS = {
  bolt: <path d="M11.2 2.5 4.5 11.4h4.6l-.8 6.1 7-9.2h-4.8z" fill="currentColor" stroke="none" />,
  circle: <circle cx="10" cy="10" r="6" />,
  pause: <path d="M7 5v10M13 5v10" />,
  plug: <path d="M7.5 2.5V6m5-3.5V6M5 6h10v3.5a5 5 0 0 1-10 0zM10 14.5v3" />,
  bookmark: <path d="M5.5 3h9v14L10 13.5 5.5 17z" />,
  ban: (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="m5.2 5.2 9.6 9.6" />
    </>
  ),
  alert: <path d="M10 3 2.2 16.5h15.6zM10 8v4m0 2.2v.1" />,
  offline: (
    <>
      <path d="M2.5 7.6a11 11 0 0 1 3.3-2.2m3.4-.8a11 11 0 0 1 8.3 3M5.3 11a7 7 0 0 1 3.2-1.8" />
      <path d="M12.5 9.6a7 7 0 0 1 2.2 1.4M10 15.3v.1M3 3l14 14" />
    </>
  ),
  question: <path d="M7.3 7.4a2.8 2.8 0 1 1 4.2 2.4c-1 .6-1.5 1-1.5 2.2m0 3v.1" />,
  check: <path d="m4.5 10.5 3.6 3.6 7.4-8" />,
  clock: (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="M10 6v4l2.6 1.8" />
    </>
  ),
  x: <path d="m5.5 5.5 9 9m0-9-9 9" />,
  send: <path d="M17 3 9 11M17 3l-5 14-3-6-6-3z" />,
  in: <path d="M16 10H4m5-5-5 5 5 5" />,
  out: <path d="M4 10h12m-5-5 5 5-5 5" />,
  dot: <circle cx="10" cy="10" r="3" fill="currentColor" stroke="none" />,
  block: <path d="M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9" />,
  chevron: <path d="m7.5 4.5 5.5 5.5-5.5 5.5" />,
  home: <path d="m3 9 7-6 7 6v8h-4.5v-5h-5v5H3z" />,
  list: <path d="M3.5 5.5h13M3.5 10h13M3.5 14.5h8" />,
  inbox: <path d="M3 11.5 5.5 4h9l2.5 7.5V16H3zM3 11.5h4l1 2h4l1-2h4" />,
  card: <path d="M2.5 5h15v10.5h-15zm0 3.5h15M5.5 12h3" />,
  copy: <path d="M7 7V3h10v10h-4M3 7h10v10H3z" />,
  download: <path d="M10 3v9m-4-3.5 4 4 4-4M4 16.5h12" />,
  play: <path d="M6 4v12l10-6z" />,
  stop: <path d="M5.5 5.5h9v9h-9z" />,
  restart: <path d="M15.8 8A6.2 6.2 0 1 0 16 11.8M16.5 3.5V8H12" />,
  unlock: <path d="M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 5.8-1" />,
  power: <path d="M10 3v6.5M6 5.6a6 6 0 1 0 8 0" />,
  bell: <path d="M5 14V9a5 5 0 0 1 10 0v5l1.3 1.5H3.7zM8.5 17.5h3" />,
  meter: <path d="M3.2 14.5a7.5 7.5 0 1 1 13.6 0zM10 12l3-4" />,
  box: <path d="M3 6.5 10 3l7 3.5v7L10 17l-7-3.5zM3 6.5 10 10l7-3.5M10 10v7" />,
  settings: <path d="M3 6h7m4 0h3M3 14h3m4 0h7M12 4v4M8 12v4" />,
  sun: (
    <>
      <circle cx="10" cy="10" r="3.2" />
      <path d="M10 2v2m0 12v2m8-8h-2M4 10H2" />
      <path d="m15.7 4.3-1.5 1.5M5.8 14.2l-1.5 1.5m11.4 0-1.5-1.5M5.8 5.8 4.3 4.3" />
    </>
  ),
  moon: <path d="M16.5 11.5A7 7 0 0 1 8.5 3.5a7 7 0 1 0 8 8z" />,
  screen: <path d="M2.5 4h15v10h-15zM7 17h6" />,
  plus: <path d="M10 4v12M4 10h12" />,
  tag: <path d="M3 3h6.5l7.5 7.5-6.5 6.5L3 9.5zM6.5 6.5v.1" />,
  receipt: <path d="M5 2.5h10v15l-2.5-1.7-2.5 1.7-2.5-1.7L5 17.5zM7.8 6.5h4.4M7.8 10h4.4" />,
  scales: <path d="M10 3v14M6 17h8M4 5.5h12M4 5.5 1.8 11h4.4zM16 5.5 13.8 11h4.4z" />,
  chart: <path d="M3 17h14M5 17v-5M9 17V8M13 17v-7M17 17V4" />,
  menu: <path d="M3.5 5.5h13M3.5 10h13M3.5 14.5h13" />,
  person: <path d="M10 10a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3.5 17a6.5 6.5 0 0 1 13 0" />,
  people: (
    <>
      <path d="M7.5 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 16.5a5.5 5.5 0 0 1 11 0" />
      <path d="M13 4.3a3 3 0 0 1 0 5.4M14.8 12a5.5 5.5 0 0 1 3.2 4.5" />
    </>
  ),
  key: <path d="M12.5 11a4 4 0 1 0-3.7-2.5L3 14.3V17h3v-2h2v-2l1.8-1.8a4 4 0 0 0 2.7-.2zM13.5 6.4v.1" />,
  history: <path d="M3.6 8.2A6.6 6.6 0 1 1 3.4 11M3 4.5v4h4M10 6.5V10l2.4 1.6" />,
  mail: <path d="M2.5 4.5h15v11h-15zm0 .8 7.5 5.7 7.5-5.7" />,
  phone: <path d="M6 2.5h8v15H6zM9.2 15h1.6" />,
} satisfies Record<StateIcon, ReactNode> & Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className = "size-4" }: { name: IconName; className?: string }) {
  return (
    <svg
      viewBox="0 0 20 20"
      className={`shrink-0 ${className}`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {PATHS[name]}
    </svg>
  );
}

/** The mark of the product. */
export function Mark({ className = "size-7" }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={`shrink-0 ${className}`} aria-hidden="true">
      <rect width="32" height="32" rx="9" className="fill-accent" />
      <path d="M18.2 5 8.5 17.6h6.2L13.4 27l10-13.2h-6.5z" className="fill-on-accent" />
    </svg>
  );
}
