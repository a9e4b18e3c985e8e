/** Rules of alarms: what is watched, where, and who hears of it? */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { AlarmRule } from "../../api/notify-schemas.ts";
import { AlarmRuleForm } from "../components/alarm-rule-form.tsx";
import { AlarmTabs } from "../components/alarm-tabs.tsx";
import { AskDialog } from "../components/ask-dialog.tsx";
import { Badge } from "../components/badge.tsx";
import { Card, Empty, Skeleton } from "../components/card.tsx";
import { MailNote } from "../components/mail-note.tsx";
import { MayButton } from "../components/may.tsx";
import { PageHead } from "../components/page-head.tsx";
import { ProblemNote } from "../components/problem.tsx";
import { alarmRulesQuery, SEVERITY_LOOK, useAlarmNames } from "../lib/alarms.ts";
import { call } from "../lib/client.ts";

export function AlarmRulesPage() {
  const t = useTranslations();
  const query = useQuery(alarmRulesQuery());
  const [creating, setCreating] = useState(false);
  const items = query.data?.items ?? [];
  const on = items.filter((rule) => rule.enabled).length;
  return (
    <>
      <PageHead title={t("alarms.rulesTitle")}>
        <p className="mt-1 max-w-prose text-ink-2">{t("alarms.rulesAnswer", { count: on })}</p>
      </PageHead>
      <AlarmTabs />
      <MailNote />
      <div className="mb-4 flex justify-end">
        <MayButton needs="alarm-rules:write" look="primary" icon="plus" onClick={() => setCreating(true)}>
          {t("alarms.createRule")}
        </MayButton>
      </div>
      {query.isError && query.data === undefined && (
        <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.isPending && <Skeleton className="h-72 w-full rounded-xl" />}
      {query.isSuccess && items.length === 0 && (
        <Empty title={t("alarms.noRules")}>{t("alarms.noRulesHint")}</Empty>
      )}
      {items.length > 0 && (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line">
            {items.map((rule) => (
              <Row key={rule.ruleId} rule={rule} />
            ))}
          </ul>
        </Card>
      )}
      {creating && <AlarmRuleForm rule={null} onClose={() => setCreating(false)} />}
    </>
  );
}

function Row({ rule }: { rule: AlarmRule }) {
  const t = useTranslations();
  const client = useQueryClient();
  const { kindName, nameOf } = useAlarmNames();
  const name = nameOf(rule);
  const [open, setOpen] = useState<"edit" | "delete" | null>(null);
  const refresh = () => client.invalidateQueries({ queryKey: ["alarms"] });
  const toggle = useMutation({
    mutationFn: () =>
      call("updateAlarmRule", { path: { ruleId: rule.ruleId }, body: { enabled: !rule.enabled } }),
    onSuccess: refresh,
  });
  const details = [
    kindName(rule.kind) !== name && kindName(rule.kind),
    rule.siteIds === null ? t("alarms.everySite") : t("common.atSites", { count: rule.siteIds.length }),
    rule.emails.length > 0 && rule.emails.join(", "),
    rule.webhook && t("alarms.toWebhooks"),
    rule.emails.length === 0 && !rule.webhook && t("alarms.onlyHere"),
  ].filter(Boolean);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-center gap-2">
          <span className={`font-medium ${rule.enabled ? "" : "text-ink-3"}`}>{name}</span>
          <Badge {...SEVERITY_LOOK[rule.severity]} {...(rule.enabled ? {} : { tone: "quiet" as const })}>
            {t(`alarms.severity.${rule.severity}`)}
          </Badge>
          {!rule.enabled && (
            <Badge tone="quiet" icon="pause">
              {t("alarms.ruleOff")}
            </Badge>
          )}
        </p>
        <p className="text-[0.8125rem] break-words text-ink-3">{details.join(" · ")}</p>
        {toggle.isError && <ProblemNote error={toggle.error} />}
      </div>
      <div className="flex gap-1.5">
        <MayButton
          needs="alarm-rules:write"
          small
          look="ghost"
          aria-label={`${t("alarms.editRule")}: ${name}`}
          onClick={() => setOpen("edit")}
        >
          {t("alarms.editRule")}
        </MayButton>
        <MayButton
          needs="alarm-rules:write"
          small
          look="ghost"
          disabled={toggle.isPending}
          aria-label={`${t(rule.enabled ? "alarms.switchOff" : "alarms.switchOn")}: ${name}`}
          onClick={() => toggle.mutate()}
        >
          {t(rule.enabled ? "alarms.switchOff" : "alarms.switchOn")}
        </MayButton>
        <MayButton
          needs="alarm-rules:write"
          small
          look="ghost"
          aria-label={`${t("alarms.deleteRule")}: ${name}`}
          onClick={() => setOpen("delete")}
        >
          {t("alarms.deleteRule")}
        </MayButton>
      </div>
      {open === "edit" && <AlarmRuleForm rule={rule} onClose={() => setOpen(null)} />}
      {open === "delete" && (
        <AskDialog
          title={t("alarms.deleteTitle", { name })}
          action={t("alarms.deleteRule")}
          onClose={() => setOpen(null)}
          onAct={async () => {
            await call("deleteAlarmRule", { path: { ruleId: rule.ruleId } });
            await refresh();
          }}
        >
          <p>{t("alarms.deleteAsk")}</p>
        </AskDialog>
      )}
    </li>
  );
}
