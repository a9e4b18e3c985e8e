/** Events of one station or of all of them: newest first, live, each with what the station said. */
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Page } from "../../api/schemas.ts";
import type { StationEvent } from "../../api/station-schemas.ts";
import { EVENT_KINDS, eventLook, isEventKind, type EventKind } from "../lib/events.ts";
import { useFeed } from "../lib/feed.ts";
import { useFormat } from "../lib/i18n.ts";
import { TONE_TEXT } from "./badge.tsx";
import { Button } from "./button.tsx";
import { Card, Empty, Skeleton } from "./card.tsx";
import { SelectField } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNote } from "./problem.tsx";
import { When } from "./time.tsx";

export const EVENTS_PAGE = 50;

export function EventKindFilter(props: {
  value: EventKind | undefined;
  onChange: (kind: EventKind | undefined) => void;
}) {
  const t = useTranslations();
  return (
    <div className="w-56 max-sm:w-full">
      <SelectField
        label={t("events.kind")}
        hideLabel
        value={props.value ?? ""}
        onChange={(event) => props.onChange((event.target.value || undefined) as EventKind | undefined)}
      >
        <option value="">{t("events.allKinds")}</option>
        {EVENT_KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {t(`eventKind.${kind}`)}
          </option>
        ))}
      </SelectField>
    </div>
  );
}

type Props = {
  queryKey: readonly string[];
  fetchPage: (cursor: string | undefined, signal: AbortSignal | undefined) => Promise<Page<StationEvent>>;
  filtered: boolean;
  /** Of the list of all stations: names the station of each. */
  withStation?: boolean;
  timeZoneOf: (event: StationEvent) => string | undefined;
};

export function EventList({ queryKey, fetchPage, filtered, withStation = false, timeZoneOf }: Props) {
  const t = useTranslations();
  const feed = useFeed<StationEvent>({ queryKey, fetchPage, idOf: (event) => event.eventId });
  return (
    <>
      {feed.query.error !== null && (
        <ProblemNote error={feed.query.error} onRetry={() => void feed.query.refetch()} />
      )}
      {feed.query.isPending && <Skeleton className="h-72 w-full rounded-xl" />}
      {feed.query.isSuccess && feed.items.length === 0 && (
        <Empty title={filtered ? t("events.noneFiltered") : t("events.none")}>
          {!filtered && t("events.noneHint")}
        </Empty>
      )}
      {feed.items.length > 0 && (
        <Card className="overflow-hidden">
          <ol className="divide-y divide-line">
            {feed.items.map((event) => (
              <Row key={event.eventId} {...{ event, withStation }} timeZone={timeZoneOf(event)} />
            ))}
          </ol>
        </Card>
      )}
      {feed.older.error !== null && <ProblemNote error={feed.older.error} />}
      {feed.hasOlder && (
        <Button className="mt-3 w-full" onClick={() => void feed.loadOlder()} disabled={feed.older.busy}>
          {t("common.older")}
        </Button>
      )}
    </>
  );
}

type RowProps = { event: StationEvent; withStation: boolean; timeZone: string | undefined };

function Row({ event, withStation, timeZone }: RowProps) {
  const t = useTranslations();
  const format = useFormat();
  const [open, setOpen] = useState(false);
  const { stationId, kind, type, at, toldAt, severity, cleared, evseId } = event;
  const { icon, tone } = eventLook(event);
  const details = [
    isEventKind(kind) ? t(`eventKind.${kind}`) : kind,
    evseId !== null && evseId > 0 && t("common.evse", { evse: String(evseId) }),
    severity !== null && t("events.severity", { severity: String(severity) }),
    cleared === true && t("events.cleared"),
  ].filter(Boolean);
  return (
    <li className="lazy-row">
      <div className="flex items-start gap-3 px-4 py-2.5">
        <Icon name={icon} className={`mt-1 size-4 ${TONE_TEXT[tone]}`} />
        <div className="min-w-0 flex-1">
          <p className="flex flex-wrap items-baseline gap-x-3">
            <span className={`font-medium break-words ${tone === "neutral" ? "" : TONE_TEXT[tone]}`}>
              {type}
            </span>
            {withStation && (
              <Link
                to="/stations/$stationId/events"
                params={{ stationId }}
                className="rounded text-sm text-accent hover:underline"
              >
                {stationId}
              </Link>
            )}
            <span className="text-[0.8125rem] text-ink-3 sm:ml-auto">
              <When at={at} timeZone={timeZone} />
            </span>
          </p>
          <p className="text-[0.8125rem] text-ink-2">{details.join(" · ")}</p>
        </div>
        <Button
          small
          look="ghost"
          icon="chevron"
          disabled={toldAt === null && event.detail === null}
          aria-expanded={open}
          aria-label={t("events.detail", { type })}
          onClick={() => setOpen(!open)}
          className={`-mr-2 [&_svg]:transition-transform ${open ? "[&_svg]:rotate-90" : ""}`}
        />
      </div>
      {open && (
        <div className="border-t border-line px-4 py-3">
          {toldAt !== null && (
            <p className="mb-2 text-[0.8125rem] text-ink-2">
              {t("events.toldAt", { at: format.instant(Date.parse(toldAt), timeZone) })}
            </p>
          )}
          {event.detail !== null && (
            <pre
              className="max-h-80 overflow-auto rounded-lg bg-raised p-3 font-mono text-[0.8125rem]"
              tabIndex={0}
              aria-label={t("events.detail", { type })}
            >
              {JSON.stringify(event.detail, null, 2)}
            </pre>
          )}
        </div>
      )}
    </li>
  );
}
