/** The configuration: is it as it should be? Keys of 1.6 and variables of 2.x in one view, beside what is wanted. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useTranslations } from "use-intl";
import type { ConfigurationValue, StationConfiguration } from "../../api/template-schemas.ts";
import { Badge } from "../components/badge.tsx";
import { Card, Empty, Skeleton } from "../components/card.tsx";
import { Segmented } from "../components/field.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { MayButton } from "../components/may.tsx";
import { QuickCommand } from "../components/quick-command.tsx";
import { useStation } from "../components/station-context.tsx";
import { Ago } from "../components/time.tsx";
import { ValueDialog } from "../components/value-dialog.tsx";
import { find, inGroups, isWritable, nameOf, VALUE_LOOK, valueState } from "../lib/configuration.ts";
import { MISSING } from "../lib/format.ts";
import { configurationQuery } from "../lib/queries.ts";

const route = getRouteApi("/stations/$stationId/configuration");

export function StationConfigurationTab() {
  const { stationId } = useStation().station;
  const query = useQuery(configurationQuery(stationId));
  if (query.data === undefined)
    return query.isError ? (
      <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
    ) : (
      <Skeleton className="h-96 w-full rounded-xl" />
    );
  return <Configuration told={query.data} />;
}

function Configuration({ told }: { told: StationConfiguration }) {
  const t = useTranslations();
  const { stationId } = useStation().station;
  const { drift = false, find: text = "" } = route.useSearch();
  const { protocol, values, driftCount } = told;
  const shown = useMemo(
    () => find(drift ? values.filter((value) => value.drift) : values, text),
    [values, drift, text],
  );
  const [editing, setEditing] = useState<ConfigurationValue | null>(null);
  const read = { kind: "GetBaseReport", params: { reportBase: "FullInventory" } };
  return (
    <>
      <div className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div>
          <p className={`text-lg font-semibold ${driftCount > 0 ? "text-amber" : ""}`}>
            {values.length === 0
              ? t("configuration.unread")
              : t("configuration.answer", { count: driftCount })}
          </p>
          <p className="text-sm text-ink-2">
            {t("configuration.intro")}{" "}
            <Link to="/templates" className="rounded text-accent underline">
              {t("configuration.templates")}
            </Link>
          </p>
        </div>
        <QuickCommand {...{ stationId, command: read }} label={t("configuration.readAll")} icon="download" />
      </div>
      {values.length === 0 ? (
        <Empty title={t("configuration.none")}>{t("configuration.noneHint")}</Empty>
      ) : (
        <>
          <Filters drift={drift} text={text} />
          {shown.length === 0 && (
            <Empty title={drift && text === "" ? t("configuration.noDrift") : t("configuration.noneFound")} />
          )}
          <div className="space-y-6">
            {inGroups(shown, protocol).map(([group, members]) => (
              <section key={group} aria-label={group === "" ? t("configuration.keys") : group}>
                {group !== "" && <h2 className="mb-2 text-[0.9375rem] font-semibold">{group}</h2>}
                <Card className="overflow-hidden">
                  <ul className="divide-y divide-line">
                    {members.map((value) => (
                      <Row key={value.name} {...{ value, protocol }} onEdit={() => setEditing(value)} />
                    ))}
                  </ul>
                </Card>
              </section>
            ))}
          </div>
          {told.truncated && (
            <p className="mt-2 text-sm text-ink-3">{t("common.cut", { count: values.length })}</p>
          )}
        </>
      )}
      {editing !== null && (
        <ValueDialog value={editing} protocol={protocol} onClose={() => setEditing(null)} />
      )}
    </>
  );
}

function Filters({ drift, text }: { drift: boolean; text: string }) {
  const t = useTranslations();
  const navigate = useNavigate();
  const { stationId } = useStation().station;
  const apply = (search: { drift?: boolean | undefined; find?: string | undefined }) =>
    void navigate({
      to: "/stations/$stationId/configuration",
      params: { stationId },
      search: { drift: drift || undefined, find: text || undefined, ...search },
      replace: true,
      resetScroll: false,
    });
  return (
    <div className="mb-5 flex flex-wrap items-center gap-2" role="search">
      <input
        type="search"
        aria-label={t("configuration.find")}
        placeholder={t("configuration.find")}
        value={text}
        onChange={(event) => apply({ find: event.target.value || undefined })}
        className="h-10 w-64 min-w-0 rounded-lg border border-line-strong bg-surface px-3 max-sm:w-full
          pointer-coarse:h-11"
      />
      <Segmented
        legend={t("configuration.which")}
        value={drift ? "drift" : "all"}
        onChange={(which) => apply({ drift: which === "drift" || undefined })}
        choices={(["all", "drift"] as const).map((value) => ({
          value,
          label: t(`configuration.show.${value}`),
        }))}
      />
    </div>
  );
}

type RowProps = { value: ConfigurationValue; protocol: string | null; onEdit: () => void };

function Row({ value, protocol, onEdit }: RowProps) {
  const t = useTranslations();
  const { timeZone } = useStation();
  const state = valueState(value);
  const name = nameOf(value, protocol);
  const { actual, unit, wanted, secret, readAt, template } = value;
  return (
    <li className={`lazy-row px-4 py-2.5 ${value.drift ? "bg-amber-soft" : ""}`}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <div className="min-w-0 flex-1 basis-56">
          <p className="font-medium break-words">{name}</p>
          <p className="text-[0.8125rem] text-ink-3">
            {readAt === null ? (
              t("configuration.notRead")
            ) : (
              <>
                {t("configuration.readAt")} <Ago at={readAt} timeZone={timeZone} />
              </>
            )}
            {!isWritable(value) && ` · ${t("configuration.readOnly")}`}
          </p>
        </div>
        <div className="min-w-0 flex-1 basis-48">
          <p className="font-mono text-[0.875rem] break-all">
            {secret ? (
              <span className="font-sans text-ink-3">{t("configuration.secret")}</span>
            ) : actual === "" ? (
              <span className="font-sans text-ink-3">{t("configuration.empty")}</span>
            ) : (
              (actual ?? MISSING)
            )}
            {unit !== null && actual !== null && <span className="ml-1 text-ink-3">{unit}</span>}
          </p>
          {wanted !== null && value.drift && (
            <p className="text-[0.8125rem] text-ink-2">
              {t("configuration.wants", { template: template ?? "" })}{" "}
              <span className="font-mono break-all">{wanted}</span>
            </p>
          )}
        </div>
        <div className="flex items-center gap-2 sm:w-56 sm:justify-end">
          {state !== null && (
            <span title={template ?? undefined}>
              <Badge {...VALUE_LOOK[state]}>{t(`valueState.${state}`)}</Badge>
            </span>
          )}
          {isWritable(value) && (
            <MayButton
              needs="commands:send"
              small
              look="ghost"
              onClick={onEdit}
              aria-label={`${t("common.edit")} ${name}`}
              className="max-sm:-ml-2.5"
            >
              {t("common.edit")}
            </MayButton>
          )}
        </div>
      </div>
    </li>
  );
}
