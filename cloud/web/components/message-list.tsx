/**
 * A station's OCPP timeline: newest first, live, filtered by the cloud, frames on demand.
 *
 * Rows far off the screen are not laid out (`lazy-row`); older ones come page by page.
 */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Message } from "../../api/schemas.ts";
import { api, fetchAll, saveAs } from "../lib/api.ts";
import { FEED_ITEMS_MAX, useFeed } from "../lib/feed.ts";
import { jsonLines } from "../lib/format.ts";
import { Button } from "./button.tsx";
import { Card, Empty, Skeleton } from "./card.tsx";
import { SelectField, TextField } from "./field.tsx";
import { MessageRow } from "./message-row.tsx";
import { ProblemNote } from "./problem.tsx";

type MessageFilter = { action?: string | undefined; kind?: string | undefined };

const KINDS = ["ocpp.handled", "ocpp.rejected", "ocpp.called", "station.online", "station.offline"] as const;
const ACTIONS = [
  "Authorize",
  "BootNotification",
  "DataTransfer",
  "Heartbeat",
  "MeterValues",
  "StartTransaction",
  "StatusNotification",
  "StopTransaction",
  "TransactionEvent",
  "RemoteStartTransaction",
  "RemoteStopTransaction",
  "Reset",
  "TriggerMessage",
];
const PAGE = 50;
const DOWNLOAD_PAGE = 200;

const LATEST = 10;

type Props = {
  stationId: string;
  timeZone: string | undefined;
  filter: MessageFilter;
  onFilter: (filter: MessageFilter) => void;
};

/** The last few, without the means to look further: for a glance. */
export function LatestMessages({ stationId, timeZone }: Pick<Props, "stationId" | "timeZone">) {
  const t = useTranslations();
  const query = useQuery({
    queryKey: ["messages", stationId, "latest"],
    queryFn: ({ signal }) => api.messages(stationId, { limit: LATEST }, signal),
  });
  if (query.isError && query.data === undefined)
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton className="h-80 w-full" />;
  if (query.data.items.length === 0)
    return <Empty title={t("messages.none")}>{t("messages.noneHint")}</Empty>;
  return <Messages items={query.data.items} timeZone={timeZone} />;
}

function Messages({ items, timeZone }: { items: readonly Message[]; timeZone: string | undefined }) {
  return (
    <Card className="overflow-hidden">
      <ol className="divide-y divide-line">
        {items.map((message) => (
          <MessageRow key={message.messageId} message={message} timeZone={timeZone} />
        ))}
      </ol>
    </Card>
  );
}

export function MessageList({ stationId, timeZone, filter, onFilter }: Props) {
  const t = useTranslations();
  const [paused, setPaused] = useState(false);
  const feed = useFeed<Message>({
    queryKey: ["messages", stationId, filter.action ?? "", filter.kind ?? ""],
    fetchPage: (cursor, signal) => api.messages(stationId, { ...filter, limit: PAGE, cursor }, signal),
    idOf: (message) => message.messageId,
    enabled: !paused,
  });
  const filtered = filter.action !== undefined || filter.kind !== undefined;
  return (
    <div>
      <div className="mb-3 flex flex-wrap items-end gap-2">
        <ActionFilter
          key={filter.action ?? ""}
          value={filter.action}
          onChange={(action) => onFilter({ ...filter, action })}
        />
        <div className="w-44">
          <SelectField
            label={t("messages.kind")}
            hideLabel
            value={filter.kind ?? ""}
            onChange={(event) => onFilter({ ...filter, kind: event.target.value || undefined })}
          >
            <option value="">{t("messages.allKinds")}</option>
            {KINDS.map((kind) => (
              <option key={kind} value={kind}>
                {t(`messageKind.${kind.replace(".", "-") as "ocpp-handled"}`)}
              </option>
            ))}
          </SelectField>
        </div>
        <div className="flex gap-1 sm:ml-auto">
          <Button
            look="ghost"
            icon={paused ? "play" : "pause"}
            onClick={() => setPaused(!paused)}
            aria-pressed={paused}
          >
            {paused ? t("messages.resume") : t("messages.pause")}
          </Button>
          <DownloadButton {...{ stationId, filter }} />
        </div>
      </div>
      {feed.query.error !== null && (
        <ProblemNote error={feed.query.error} onRetry={() => void feed.query.refetch()} />
      )}
      {feed.query.isPending && !paused && <Skeleton className="h-80 w-full" />}
      {feed.query.isSuccess && feed.items.length === 0 && (
        <Empty title={filtered ? t("messages.noneFiltered") : t("messages.none")}>
          {filtered ? t("messages.noneFilteredHint") : t("messages.noneHint")}
        </Empty>
      )}
      {feed.items.length > 0 && <Messages items={feed.items} timeZone={timeZone} />}
      {feed.older.error !== null && <ProblemNote error={feed.older.error} />}
      {feed.hasOlder && (
        <Button className="mt-3 w-full" onClick={() => void feed.loadOlder()} disabled={feed.older.busy}>
          {t("common.older")}
        </Button>
      )}
    </div>
  );
}

function ActionFilter({
  value,
  onChange,
}: {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  const t = useTranslations();
  const [text, setText] = useState(value ?? "");
  const apply = () => onChange(text.trim() || undefined);
  return (
    <form className="w-44" onSubmit={(event) => (event.preventDefault(), apply())}>
      <TextField
        label={t("messages.action")}
        hideLabel
        placeholder={t("messages.action")}
        list="ocpp-actions"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={() => text.trim() !== (value ?? "") && apply()}
      />
      <datalist id="ocpp-actions">
        {ACTIONS.map((action) => (
          <option key={action} value={action} />
        ))}
      </datalist>
    </form>
  );
}

/** The newest messages that pass the filter, as JSON lines. */
function DownloadButton({ stationId, filter }: { stationId: string; filter: MessageFilter }) {
  const t = useTranslations();
  const [state, setState] = useState<"ready" | "busy" | "failed">("ready");
  async function download(): Promise<void> {
    setState("busy");
    try {
      const read = (cursor: string | undefined) =>
        api.messages(stationId, { ...filter, limit: DOWNLOAD_PAGE, cursor }, undefined);
      const { items } = await fetchAll(read, FEED_ITEMS_MAX / DOWNLOAD_PAGE);
      const content = new Blob([jsonLines(items)], { type: "application/x-ndjson" });
      saveAs(content, `${stationId.replace(/[^\w.-]/g, "_")}-ocpp.jsonl`);
      setState("ready");
    } catch {
      setState("failed");
    }
  }
  return (
    <Button
      look="ghost"
      icon="download"
      onClick={() => void download()}
      disabled={state === "busy"}
      title={t("messages.downloadHint")}
    >
      {state === "failed" ? t("messages.downloadFailed") : t("messages.download")}
    </Button>
  );
}
