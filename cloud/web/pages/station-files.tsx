/** Files: logs that the station has left, and firmware that it may be given. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useTranslations } from "use-intl";
import type { File as StoredFile } from "../../api/file-schemas.ts";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { Button } from "../components/button.tsx";
import { Card, Empty, Section, Skeleton } from "../components/card.tsx";
import { TextField } from "../components/field.tsx";
import type { IconName } from "../components/icon.tsx";
import { MayButton } from "../components/may.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { useStation } from "../components/station-context.tsx";
import { When } from "../components/time.tsx";
import { api, downloadFile, newId, stationApi } from "../lib/api.ts";
import { useFormat } from "../lib/i18n.ts";
import { firmwareQuery, logsQuery } from "../lib/queries.ts";
import { instantOf } from "../lib/schema-form.ts";
import type { Tone } from "../lib/state.ts";

const FILE_LOOK: Record<StoredFile["status"], { icon: IconName; tone: Tone }> = {
  "at-box": { icon: "clock", tone: "amber" },
  complete: { icon: "check", tone: "neutral" },
  lost: { icon: "question", tone: "amber" },
};

export function StationFiles() {
  const t = useTranslations();
  const { station } = useStation();
  const { stationId, firmwareStatus, firmwareStatusAt, logStatus, logStatusAt } = station;
  return (
    <div className="grid grid-cols-1 gap-8 lg:grid-cols-2">
      <Section
        title={t("files.logs")}
        className="min-w-0"
        aside={
          <Link
            to="/stations/$stationId/commands"
            params={{ stationId }}
            search={{ send: "GetLog" }}
            className="rounded text-sm text-accent hover:underline"
          >
            {t("intent.GetLog")}
          </Link>
        }
      >
        <Progress status={logStatus} at={logStatusAt} />
        <Logs />
      </Section>
      <Section title={t("files.firmware")} className="min-w-0" aside={<Upload />}>
        <Progress status={firmwareStatus} at={firmwareStatusAt} />
        <Firmware />
      </Section>
    </div>
  );
}

/** What the station last said of an upload or an update. */
function Progress({ status, at }: { status: string | null; at: string | null }) {
  const t = useTranslations();
  const { timeZone } = useStation();
  if (status === null) return null;
  return (
    <p className="mb-3 text-sm text-ink-2">
      {t("files.said")} <span className="font-medium text-ink">{status}</span>
      {at !== null && (
        <>
          {" · "}
          <When at={at} timeZone={timeZone} />
        </>
      )}
    </p>
  );
}

function Logs() {
  const t = useTranslations();
  const { stationId } = useStation().station;
  const query = useQuery(logsQuery(stationId));
  if (query.data === undefined)
    return query.isError ? <ProblemNote error={query.error} /> : <Skeleton className="h-32 w-full" />;
  if (query.data.items.length === 0) return <Empty title={t("files.noLogs")}>{t("files.noLogsHint")}</Empty>;
  return (
    <Card className="overflow-hidden">
      <ul className="divide-y divide-line">
        {query.data.items.map((file) => (
          <FileRow key={file.fileId} file={file} />
        ))}
      </ul>
    </Card>
  );
}

function Firmware() {
  const t = useTranslations();
  const query = useQuery(firmwareQuery());
  const [updating, setUpdating] = useState<StoredFile | null>(null);
  if (query.data === undefined)
    return query.isError ? <ProblemNote error={query.error} /> : <Skeleton className="h-32 w-full" />;
  if (query.data.items.length === 0)
    return <Empty title={t("files.noFirmware")}>{t("files.noFirmwareHint")}</Empty>;
  return (
    <Card className="overflow-hidden">
      <ul className="divide-y divide-line">
        {query.data.items.map((file) => (
          <FileRow key={file.fileId} file={file} onInstall={() => setUpdating(file)} />
        ))}
      </ul>
      {updating !== null && <UpdateDialog file={updating} onClose={() => setUpdating(null)} />}
    </Card>
  );
}

function FileRow({ file, onInstall }: { file: StoredFile; onInstall?: () => void }) {
  const t = useTranslations();
  const format = useFormat();
  const client = useQueryClient();
  const { timeZone } = useStation();
  const [removing, setRemoving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { fileId, name, size, status, receivedAt, createdAt } = file;
  return (
    <li className="px-4 py-3">
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
        <p className="min-w-0 font-medium break-all">{name}</p>
        <Badge {...FILE_LOOK[status]}>{t(`fileStatus.${status}`)}</Badge>
      </div>
      <p className="text-[0.8125rem] text-ink-3">
        {format.bytes(size)} · <When at={receivedAt ?? createdAt} timeZone={timeZone} />
      </p>
      <div className="mt-1.5 -ml-2.5 flex flex-wrap gap-1">
        {onInstall !== undefined && (
          <MayButton needs="commands:send" small look="ghost" icon="restart" onClick={onInstall}>
            {t("files.install")}
          </MayButton>
        )}
        {status === "complete" && (
          <Button
            small
            look="ghost"
            icon="download"
            onClick={() => {
              setError(null);
              downloadFile(file).catch(setError);
            }}
          >
            {t("messages.download")}
          </Button>
        )}
        <MayButton needs="files:write" small look="ghost" icon="x" onClick={() => setRemoving(true)}>
          {t("files.delete")}
        </MayButton>
      </div>
      {error !== null && <ProblemNote error={error} />}
      {removing && (
        <AskDialog
          title={t("files.deleteTitle", { name })}
          action={t("files.delete")}
          onAct={async () => {
            await stationApi.deleteFile(fileId);
            await client.invalidateQueries({ queryKey: ["files"] });
          }}
          onClose={() => setRemoving(false)}
        >
          <p>{t(status === "at-box" ? "files.deleteAtBox" : "files.deleteAsk")}</p>
        </AskDialog>
      )}
    </li>
  );
}

/** The names that the cloud takes: what a station can fetch by. */
const cleanName = (name: string) => name.replace(/[^A-Za-z0-9._-]/g, "_").slice(-128);

function Upload() {
  const t = useTranslations();
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  async function upload(file: File): Promise<void> {
    setState({ busy: true, error: null });
    try {
      await stationApi.upload(cleanName(file.name), file);
      await client.invalidateQueries({ queryKey: ["files", "firmware"] });
      setState({ busy: false, error: null });
    } catch (error) {
      setState({ busy: false, error });
    }
  }
  return (
    <div className="flex flex-wrap items-center justify-end gap-2">
      <input
        ref={input}
        type="file"
        className="sr-only"
        tabIndex={-1}
        aria-label={t("files.upload")}
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file !== undefined) void upload(file);
          event.target.value = "";
        }}
      />
      <MayButton
        needs="files:write"
        small
        icon="plus"
        disabled={state.busy}
        onClick={() => input.current?.click()}
      >
        {state.busy ? t("files.uploading") : t("files.upload")}
      </MayButton>
      {state.error !== null && <ProblemNote error={state.error} />}
    </div>
  );
}

function UpdateDialog({ file, onClose }: { file: StoredFile; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const { station } = useStation();
  const { stationId } = station;
  const [at, setAt] = useState("");
  const [idempotencyKey] = useState(newId);
  const running = station.connectors.filter((connector) => connector.transactionId !== null).length;
  const firmware = { fileId: file.fileId, ...(at === "" ? {} : { installDateTime: instantOf(at) }) };
  return (
    <AskDialog
      title={t("files.installTitle", { name: file.name, station: stationId })}
      action={t("files.install")}
      onAct={async () => {
        await api.sendCommand(
          stationId,
          { kind: "UpdateFirmware", params: { firmware } },
          idempotencyKey + at,
        );
        await client.invalidateQueries({ queryKey: ["commands", stationId] });
      }}
      onClose={onClose}
    >
      <p>{t("files.installAsk", { count: running })}</p>
      <TextField
        label={t("files.installAt")}
        hint={t("files.installAtHint")}
        type="datetime-local"
        value={at}
        onChange={(event) => setAt(event.target.value)}
      />
    </AskDialog>
  );
}
