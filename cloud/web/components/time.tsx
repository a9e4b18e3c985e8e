/**
 * Instants and ages. One clock ticks for the whole page; the cloud's time is what counts.
 */
import { useSyncExternalStore } from "react";
import { useTranslations } from "use-intl";
import { cloudNow } from "../lib/api.ts";
import { useFormat } from "../lib/i18n.ts";
import { Icon } from "./icon.tsx";

const listeners = new Set<() => void>();
let second = 0;
let timer: ReturnType<typeof setInterval> | null = null;

function tick(): void {
  second = Math.floor(cloudNow() / 1_000);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** Now in Unix milliseconds, in whole steps of `stepMs`: the component renders again once per step. */
export function useNow(stepMs = 1_000): number {
  return useSyncExternalStore(subscribe, () => {
    if (second === 0 || timer === null) second = Math.floor(cloudNow() / 1_000);
    return Math.floor((second * 1_000) / stepMs) * stepMs;
  });
}

type At = { at: string; timeZone?: string | undefined };

/** "há 3 min", with the instant in the site's zone on hover. */
export function Ago({ at, timeZone }: At) {
  const format = useFormat();
  const now = useNow();
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={format.instant(ms, timeZone)} className="whitespace-nowrap">
      {format.ago(ms, now)}
    </time>
  );
}

/** "22 de nov., 14:03 · há 3 min" */
export function When({ at, timeZone, ago = true }: At & { ago?: boolean }) {
  const format = useFormat();
  const now = useNow(60_000);
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={format.instant(ms, timeZone)}>
      {format.dayMinute(ms, now, timeZone)}
      {ago && <span className="text-ink-3"> · {<AgoText ms={ms} />}</span>}
    </time>
  );
}

function AgoText({ ms }: { ms: number }) {
  const format = useFormat();
  return <>{format.ago(ms, useNow())}</>;
}

/** The age of a value, and only when it is older than it should be. */
export function StaleNote({
  at,
  maxAgeMs,
  timeZone,
}: {
  at: string | null;
  maxAgeMs: number;
  timeZone?: string | undefined;
}) {
  const t = useTranslations();
  const now = useNow(5_000);
  if (at === null || now - Date.parse(at) <= maxAgeMs) return null;
  return (
    <span className="inline-flex items-center gap-1 text-[0.8125rem] whitespace-nowrap text-amber">
      <Icon name="clock" className="size-3.5" />
      <span className="sr-only">{t("time.lastValue")}</span> <Ago at={at} timeZone={timeZone} />
    </span>
  );
}

/** How long something has been going on, counting. */
export function Since({ at }: { at: string }) {
  const format = useFormat();
  const now = useNow();
  return <span className="whitespace-nowrap">{format.duration(now - Date.parse(at))}</span>;
}
