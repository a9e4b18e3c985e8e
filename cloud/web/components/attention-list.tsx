/** What needs a person, one line each, with the way there. */
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import type { Attention } from "../lib/attention.ts";
import { useCode } from "../lib/words.ts";
import { TONE_TEXT } from "./badge.tsx";
import { Button } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { Ago } from "./time.tsx";

const SHOWN = 6;
const ICON: Record<Attention["kind"], IconName> = {
  "er-offline": "offline",
  "stations-offline": "offline",
  faulted: "alert",
  backlog: "clock",
  parked: "box",
  clock: "clock",
  "journal-full": "alert",
  watchdog: "restart",
};

export function AttentionList({ attention }: { attention: readonly Attention[] }) {
  const t = useTranslations();
  const [all, setAll] = useState(false);
  const shown = all ? attention : attention.slice(0, SHOWN);
  return (
    <>
      <ul className="divide-y divide-line rounded-xl border border-line bg-surface shadow-card">
        {shown.map((one, index) => (
          <li
            key={index}
            className="relative flex items-start gap-3 px-4 py-2.5 hover:bg-raised sm:items-center"
          >
            <Icon name={ICON[one.kind]} className={`mt-1 size-4 sm:mt-0 ${TONE_TEXT[one.tone]}`} />
            <Line one={one} />
            <Icon name="chevron" className="mt-1.5 size-3.5 text-ink-3 sm:mt-0" />
          </li>
        ))}
      </ul>
      {attention.length > shown.length && (
        <Button look="ghost" small className="mt-2" onClick={() => setAll(true)}>
          {t("common.showAll", { count: attention.length })}
        </Button>
      )}
    </>
  );
}

function Line({ one }: { one: Attention }) {
  const t = useTranslations();
  const code = useCode();
  const row = (name: string, text: string, since: string | null) => (
    <span className="flex min-w-0 flex-1 flex-wrap items-baseline gap-x-3">
      <To one={one}>{name}</To>
      <span className="text-ink-2">{text}</span>
      {since !== null && (
        <span className="text-[0.8125rem] text-ink-3 sm:ml-auto">
          <Ago at={since} />
        </span>
      )}
    </span>
  );
  switch (one.kind) {
    case "faulted": {
      const error =
        one.errorCode === null || one.errorCode === "NoError"
          ? "none"
          : (code("errorCode", one.errorCode) ?? one.errorCode);
      return row(one.stationId, t("attention.faulted", { connector: one.connector, error }), one.since);
    }
    case "er-offline":
      return row(one.site, t(one.since === null ? "attention.erNever" : "attention.erOffline"), one.since);
    case "stations-offline":
      return row(one.site, t("attention.stationsOffline", { count: one.count }), null);
    case "backlog":
      return row(one.site, t("attention.backlog", { count: one.count }), null);
    case "parked":
      return row(one.site, t("attention.parked", { count: one.count }), null);
    case "clock":
      return row(one.site, t("attention.clock"), null);
    case "journal-full":
      return row(one.site, t("attention.journalFull"), null);
    case "watchdog":
      return row(one.site, t("attention.watchdog"), one.since);
  }
}

function To({ one, children }: { one: Attention; children: ReactNode }) {
  const look = "font-medium -outline-offset-2 after:absolute after:inset-0";
  if (one.kind === "faulted")
    return (
      <Link to="/stations/$stationId" params={{ stationId: one.stationId }} className={look}>
        {children}
      </Link>
    );
  return one.kind === "parked" ? (
    <Link to="/work" search={{ kind: "entry-parked", siteId: one.siteId }} className={look}>
      {children}
    </Link>
  ) : (
    <Link to="/sites/$siteId" params={{ siteId: one.siteId }} className={look}>
      {children}
    </Link>
  );
}
