/** Tokens as a file: out as CSV, and in again: first what would happen, row by row, then doing it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { IdTokenImport } from "../../api/driver-schemas.ts";
import { request } from "../lib/api.ts";
import { pathOf } from "../lib/client.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { DownloadButton } from "./download-button.tsx";
import { Icon } from "./icon.tsx";
import { MayButton } from "./may.tsx";
import { ProblemNote } from "./problem.tsx";

/** More rows than anyone reads; the numbers above have all of them. */
const ROWS_SHOWN = 100;

const send = (file: Blob, dryRun: boolean) =>
  request<IdTokenImport>("POST", pathOf("importIdTokens"), {
    ...{ query: { dryRun, onError: "reject" }, body: file, contentType: "text/csv; charset=utf-8" },
  });

export function TokenFileButtons() {
  const t = useTranslations();
  const [importing, setImporting] = useState(false);
  return (
    <>
      <MayButton needs="id-tokens:write" icon="in" onClick={() => setImporting(true)}>
        {t("drivers.import.open")}
      </MayButton>
      <DownloadButton path={pathOf("exportIdTokens")} name="id-tokens.csv">
        {t("drivers.import.export")}
      </DownloadButton>
      {importing && <ImportDialog onClose={() => setImporting(false)} />}
    </>
  );
}

function ImportDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const dry = useMutation({ mutationFn: (chosen: File) => send(chosen, true) });
  const apply = useMutation({
    mutationFn: (chosen: File) => send(chosen, false),
    onSuccess: () => client.invalidateQueries({ queryKey: ["tokens"] }),
  });
  const report = apply.data ?? dry.data;
  const done = apply.data?.status === "applied";
  return (
    <Dialog title={t("drivers.import.title")} onClose={onClose}>
      <div className="space-y-4">
        <p className="text-sm text-ink-2">{t("drivers.import.hint")}</p>
        <label className="block">
          <span className="mb-1 block text-sm font-medium">{t("drivers.import.file")}</span>
          <input
            type="file"
            accept=".csv,text/csv"
            className="block w-full text-sm file:mr-3 file:h-10 file:rounded-lg file:border file:border-line
              file:bg-surface file:px-3.5 file:font-medium file:text-ink"
            onChange={(event) => {
              const chosen = event.target.files?.[0] ?? null;
              setFile(chosen);
              apply.reset();
              dry.reset();
              if (chosen !== null) dry.mutate(chosen);
            }}
          />
        </label>
        {(dry.isPending || apply.isPending) && (
          <p role="status" className="text-sm text-ink-3">
            {t("drivers.import.reading")}
          </p>
        )}
        {(dry.isError || apply.isError) && <ProblemNote error={apply.error ?? dry.error} />}
        {report !== undefined && <Report report={report} done={done} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t(done ? "common.close" : "common.cancel")}
          </Button>
          {!done && (
            <Button
              look="primary"
              disabled={file === null || report === undefined || report.errors > 0 || apply.isPending}
              onClick={() => file !== null && apply.mutate(file)}
            >
              {t("drivers.import.apply")}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function Report({ report, done }: { report: IdTokenImport; done: boolean }) {
  const t = useTranslations();
  const { created, updated, unchanged, errors, driversCreated, driversUpdated } = report;
  const rows = report.rows.filter((row) => row.result !== "unchanged");
  const sorted = [...rows].sort((a, b) => Number(b.result === "error") - Number(a.result === "error"));
  return (
    <div aria-live="polite" className="space-y-2 text-sm">
      <p className={`flex gap-2 font-medium ${errors > 0 ? "text-red" : done ? "text-accent" : ""}`}>
        <Icon name={errors > 0 ? "alert" : done ? "check" : "question"} className="mt-0.5 size-4" />
        {t(errors > 0 ? "drivers.import.refused" : done ? "drivers.import.done" : "drivers.import.would", {
          count: errors,
        })}
      </p>
      <p>
        {t("drivers.import.numbers", {
          ...{ created: String(created), updated: String(updated), unchanged: String(unchanged) },
        })}
        {driversCreated + driversUpdated > 0 &&
          ` ${t("drivers.import.drivers", { created: String(driversCreated), updated: String(driversUpdated) })}`}
      </p>
      {sorted.length > 0 && (
        <ul
          className="max-h-60 divide-y divide-line overflow-y-auto rounded-lg border border-line"
          tabIndex={0}
        >
          {sorted.slice(0, ROWS_SHOWN).map((row) => (
            <li key={row.line} className="px-3 py-1.5">
              <span className="text-ink-3">{t("drivers.import.line", { line: String(row.line) })}</span>{" "}
              <code className="font-mono text-[0.8125rem]">{row.idToken ?? ""}</code>{" "}
              <span className={row.result === "error" ? "text-red" : "text-ink-2"}>
                {t(`drivers.import.result.${row.result}`)}
              </span>
              {row.reason !== null && <span className="block text-ink-2">{row.reason}</span>}
            </li>
          ))}
        </ul>
      )}
      {sorted.length > ROWS_SHOWN && <p className="text-ink-3">{t("common.cut", { count: ROWS_SHOWN })}</p>}
    </div>
  );
}
