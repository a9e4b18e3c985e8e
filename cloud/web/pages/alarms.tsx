/**
 * Alarms: is something wrong that a person must look at? Open ones first; acknowledged says that somebody is
 * at it.
 */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Alarm } from "../../api/notify-schemas.ts";
import { AlarmTabs } from "../components/alarm-tabs.tsx";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { Empty } from "../components/card.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { Segmented, TextArea } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { MailNote } from "../components/mail-note.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { When } from "../components/time.tsx";
import { newId } from "../lib/api.ts";
import { openAlarmsQuery, SEVERITY_LOOK, subjectParts, useAlarmNames } from "../lib/alarms.ts";
import { call } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";

const route = getRouteApi("/alarms");
const PAGE = 50;
const EVERY_MS = 15_000;

export function AlarmsPage() {
  const t = useTranslations();
  const navigate = useNavigate();
  const { status = "open" } = route.useSearch();
  const open = useQuery(openAlarmsQuery());
  const feed = useFeed<Alarm>({
    queryKey: ["alarms", "list", status],
    fetchPage: (cursor, signal) => call("listAlarms", { query: { status, limit: PAGE, cursor }, signal }),
    idOf: ({ alarmId }) => alarmId,
    refetchInterval: EVERY_MS,
  });
  const items = open.data?.items ?? [];
  const unseen = items.filter((alarm) => alarm.status === "raised").length;
  return (
    <>
      <PageHead
        title={
          open.data === undefined
            ? t("alarms.title")
            : items.length === 0
              ? t("alarms.allWell")
              : t("alarms.answer", { count: items.length })
        }
      >
        {items.length > 0 && <p className="mt-1 text-ink-2">{t("alarms.unseen", { count: unseen })}</p>}
      </PageHead>
      <AlarmTabs />
      <MailNote />
      <div className="mb-4">
        <Segmented
          legend={t("alarms.which")}
          value={status}
          onChange={(next) =>
            void navigate({ to: "/alarms", search: { status: next === "open" ? undefined : next } })
          }
          choices={[
            { value: "open", label: t("alarms.open") },
            { value: "cleared", label: t("alarms.cleared") },
          ]}
        />
      </div>
      <FeedList
        feed={feed}
        empty={
          <Empty title={t(status === "open" ? "alarms.noneOpen" : "alarms.noneCleared")}>
            {t("alarms.noneHint")}
          </Empty>
        }
        row={(alarm) => <Row key={alarm.alarmId} alarm={alarm} />}
      />
    </>
  );
}

const NOUNS = ["er", "station", "connector", "site", "meter", "webhook", "mail"] as const;

/** What it is about, with the way there. */
function Subject({ alarm }: { alarm: Alarm }) {
  const t = useTranslations();
  const { noun, name } = subjectParts(alarm.subject);
  const known = NOUNS.find((one) => one === noun);
  const words = `${known === undefined ? noun : t(`alarms.noun.${known}`)} ${name}`;
  const look = "rounded text-accent underline decoration-line-strong underline-offset-2";
  if (alarm.stationId !== null)
    return (
      <Link to="/stations/$stationId" params={{ stationId: alarm.stationId }} className={look}>
        {words}
      </Link>
    );
  if (alarm.erId !== null)
    return (
      <Link to="/ers/$erId" params={{ erId: alarm.erId }} className={look}>
        {words}
      </Link>
    );
  if (alarm.siteId !== null)
    return (
      <Link to="/sites/$siteId" params={{ siteId: alarm.siteId }} className={look}>
        {words}
      </Link>
    );
  return <span>{words}</span>;
}

function Row({ alarm }: { alarm: Alarm }) {
  const t = useTranslations();
  const [asking, setAsking] = useState(false);
  const name = useAlarmNames().nameOf(alarm);
  const { severity, status, raisedAt, acknowledgedAt, acknowledgedBy, clearedAt, note } = alarm;
  const cleared = status === "cleared";
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <Badge {...SEVERITY_LOOK[severity]} {...(cleared ? { tone: "quiet" as const } : {})}>
            {t(`alarms.severity.${severity}`)}
          </Badge>
          <span className="font-medium">{name}</span>
        </p>
        <p className="mt-0.5 text-sm text-ink-2">
          <Subject alarm={alarm} /> · <When at={raisedAt} />
        </p>
        {acknowledgedBy !== null && acknowledgedAt !== null && (
          <p className="mt-0.5 flex gap-1.5 text-[0.8125rem] text-ink-3">
            <Icon name="check" className="mt-0.5 size-3.5" />
            <span>
              {t("alarms.acknowledgedBy", { name: acknowledgedBy })} <When at={acknowledgedAt} />
              {note !== null && `: ${note}`}
            </span>
          </p>
        )}
        {clearedAt !== null && (
          <p className="mt-0.5 text-[0.8125rem] text-ink-3">
            {t(`alarms.clearedBecause.${alarm.clearedBecause ?? "condition"}`)} <When at={clearedAt} />
          </p>
        )}
      </div>
      {status === "raised" && (
        <MayButton needs="alarms:write" small onClick={() => setAsking(true)}>
          {t("alarms.acknowledge")}
        </MayButton>
      )}
      {status === "acknowledged" && (
        <Badge tone="neutral" icon="check">
          {t("alarms.acknowledged")}
        </Badge>
      )}
      {asking && <AcknowledgeDialog alarm={alarm} onClose={() => setAsking(false)} />}
    </li>
  );
}

function AcknowledgeDialog({ alarm, onClose }: { alarm: Alarm; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const { nameOf } = useAlarmNames();
  const [note, setNote] = useState("");
  const [idempotencyKey] = useState(newId);
  return (
    <AskDialog
      title={nameOf(alarm)}
      action={t("alarms.acknowledge")}
      danger={false}
      onClose={onClose}
      onAct={async () => {
        const body = note.trim() === "" ? {} : { note: note.trim() };
        await call("acknowledgeAlarm", { path: { alarmId: alarm.alarmId }, body, idempotencyKey });
        await client.invalidateQueries({ queryKey: ["alarms"] });
      }}
    >
      <p>{t("alarms.acknowledgeAsk")}</p>
      <TextArea
        label={t("alarms.note")}
        maxLength={500}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
    </AskDialog>
  );
}
