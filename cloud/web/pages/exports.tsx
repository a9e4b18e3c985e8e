/** Exports: how do I get the data out? As CSV, at once or made in the background. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Export, NewExport } from "../../api/notify-schemas.ts";
import type { Permission } from "../../core/access.ts";
import { Badge } from "../components/badge.tsx";
import { Card, Empty, Section } from "../components/card.tsx";
import { DownloadButton } from "../components/download-button.tsx";
import { FeedList } from "../components/feed-list.tsx";
import { CheckField, SelectField, TextField } from "../components/field.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { When } from "../components/time.tsx";
import { cloudNow, newId } from "../lib/api.ts";
import { call, pathOf } from "../lib/client.ts";
import { useFeed } from "../lib/feed.ts";
import { useFormat } from "../lib/i18n.ts";
import { useMay } from "../lib/me.ts";
import { sitesQuery } from "../lib/queries.ts";
import type { IconName, Tone } from "../lib/state.ts";

const PAGE = 30;
const EVERY_MS = 5_000;
/** Less is not worth a word. */
const SIZE_SHOWN_MIN = 100_000;

/** What can be exported, and what whoever does must be allowed to read. */
const KINDS = {
  transactions: "transactions:read",
  cdrs: "money:read",
  payments: "payments:read",
  "id-tokens": "id-tokens:read",
  "energy-hours": "reports:read",
  "meter-samples": "meters:read",
  alarms: "alarms:read",
  audit: "audit:read",
} as const satisfies Record<NewExport["kind"], Permission>;
type Kind = keyof typeof KINDS;
const KIND_NAMES = Object.keys(KINDS) as Kind[];

const LOOK: Record<Export["status"], { icon: IconName; tone: Tone }> = {
  waiting: { icon: "clock", tone: "neutral" },
  running: { icon: "clock", tone: "neutral" },
  done: { icon: "check", tone: "accent" },
  failed: { icon: "alert", tone: "red" },
};

export function ExportsPage() {
  const t = useTranslations();
  const feed = useFeed<Export>({
    queryKey: ["exports"],
    fetchPage: (cursor, signal) => call("listExports", { query: { limit: PAGE, cursor }, signal }),
    idOf: ({ exportId }) => exportId,
    refetchInterval: EVERY_MS,
  });
  const ready = feed.items.filter(({ status }) => status === "done").length;
  return (
    <>
      <PageHead title={t("exports.title")}>
        <p className="mt-1 max-w-prose text-ink-2">
          {feed.items.length > 0 ? t("exports.answer", { count: ready }) : t("exports.intro")}
        </p>
      </PageHead>
      <Ask />
      <Section title={t("exports.made")} className="mt-8">
        <FeedList
          feed={feed}
          empty={<Empty title={t("exports.none")}>{t("exports.noneHint")}</Empty>}
          row={(one) => <Row key={one.exportId} made={one} />}
        />
      </Section>
    </>
  );
}

const two = (value: number) => String(value).padStart(2, "0");
const dayText = (at: Date) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

/** From the first of this month to today. */
function firstDays(): { from: string; to: string } {
  const now = new Date(cloudNow());
  return { from: dayText(new Date(now.getFullYear(), now.getMonth(), 1)), to: dayText(now) };
}

function Ask() {
  const t = useTranslations();
  const may = useMay();
  const client = useQueryClient();
  const sites = useQuery(sitesQuery());
  const kinds = KIND_NAMES.filter((kind) => may(KINDS[kind]));
  const [kind, setKind] = useState<Kind>(kinds[0] ?? "transactions");
  const [days, setDays] = useState(firstDays);
  const [siteId, setSiteId] = useState("");
  const [spreadsheet, setSpreadsheet] = useState(true);
  const end = new Date(`${days.to}T00:00:00`);
  end.setDate(end.getDate() + 1);
  const query = {
    kind,
    from: new Date(`${days.from}T00:00:00`).toISOString(),
    to: end.toISOString(),
    ...(siteId === "" ? {} : { siteId }),
    spreadsheet,
  };
  const create = useMutation({
    mutationFn: () => call("createExport", { body: query, idempotencyKey: newId() }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["exports"] }),
  });
  return (
    <Card className="space-y-4 px-4 py-4 sm:px-5">
      <div className="grid items-end gap-3 sm:grid-cols-2 lg:grid-cols-4">
        <SelectField
          label={t("exports.what")}
          value={kind}
          onChange={(event) => setKind(kinds.find((one) => one === event.target.value) ?? kind)}
        >
          {kinds.map((one) => (
            <option key={one} value={one}>
              {t(`exports.kind.${one}`)}
            </option>
          ))}
        </SelectField>
        <SelectField
          label={t("common.site")}
          value={siteId}
          onChange={(event) => setSiteId(event.target.value)}
        >
          <option value="">{t("common.allSites")}</option>
          {sites.data?.items.map((site) => (
            <option key={site.siteId} value={site.siteId}>
              {site.name}
            </option>
          ))}
        </SelectField>
        {(["from", "to"] as const).map((end) => (
          <TextField
            key={end}
            label={t(`reports.${end}`)}
            type="date"
            required
            value={days[end]}
            onChange={(event) => event.target.value !== "" && setDays({ ...days, [end]: event.target.value })}
          />
        ))}
      </div>
      <CheckField
        label={t("exports.spreadsheet")}
        hint={t("exports.spreadsheetHint")}
        checked={spreadsheet}
        onChange={setSpreadsheet}
      />
      {create.isError && <ProblemNote error={create.error} />}
      <div className="flex flex-wrap items-start gap-2">
        <DownloadButton
          look="primary"
          path={pathOf("exportNow")}
          query={query}
          name={`${kind}-${days.from}-${days.to}.csv`}
        >
          {t("exports.now")}
        </DownloadButton>
        <MayButton needs="exports:write" disabled={create.isPending} onClick={() => create.mutate()}>
          {t("exports.background")}
        </MayButton>
      </div>
      <p className="text-[0.8125rem] text-ink-3">{t("exports.hint")}</p>
    </Card>
  );
}

function Row({ made }: { made: Export }) {
  const t = useTranslations();
  const format = useFormat();
  const { exportId, kind, status, rows, bytes, error, expiresAt } = made;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-2.5">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium">{t(`exports.kind.${kind}`)}</p>
        <p className="text-[0.8125rem] text-ink-3">
          <When at={made.createdAt} ago={false} /> · {made.createdBy}
          {rows !== null && ` · ${t("exports.rows", { count: rows })}`}
          {bytes !== null && bytes >= SIZE_SHOWN_MIN && ` · ${format.bytes(bytes)}`}
        </p>
        {error !== null && <p className="text-sm text-red">{error}</p>}
        {expiresAt !== null && status === "done" && (
          <p className="text-[0.8125rem] text-ink-3">
            {t("exports.until")} <When at={expiresAt} ago={false} />
          </p>
        )}
      </div>
      <Badge {...LOOK[status]}>{t(`exports.status.${status}`)}</Badge>
      {status === "done" && (
        <DownloadButton
          small
          path={pathOf("downloadExport", { exportId })}
          name={`${kind}-${made.from.slice(0, 10)}.csv`}
        >
          {t("exports.download")}
        </DownloadButton>
      )}
    </li>
  );
}
