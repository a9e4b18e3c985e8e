/** A rule of alarms: what is watched with which numbers, where, how urgent it is, and who hears of it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { AlarmKindView, AlarmRule, NewAlarmRule } from "../../api/notify-schemas.ts";
import { alarmKindsQuery, SEVERITIES, useKindLanguage } from "../lib/alarms.ts";
import { newId } from "../lib/api.ts";
import { call } from "../lib/client.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { CheckField, SelectField, TextField } from "./field.tsx";
import { ProblemNote } from "./problem.tsx";
import { SitesField } from "./sites-field.tsx";

type Draft = {
  kind: string;
  name: string;
  severity: AlarmRule["severity"];
  params: Record<string, string>;
  siteIds: readonly string[] | null;
  raiseAfterMin: string;
  clearAfterMin: string;
  emails: string;
  webhook: boolean;
};

const MINUTE_S = 60;

const draftOf = (rule: AlarmRule | null): Draft => ({
  kind: rule?.kind ?? "",
  name: rule?.name ?? "",
  severity: rule?.severity ?? "warning",
  params: Object.fromEntries(
    Object.entries(rule?.params ?? {}).map(([name, value]) => [name, String(value)]),
  ),
  siteIds: rule?.siteIds ?? null,
  raiseAfterMin: String((rule?.raiseAfterS ?? 0) / MINUTE_S),
  clearAfterMin: String((rule?.clearAfterS ?? 0) / MINUTE_S),
  emails: (rule?.emails ?? []).join(", "),
  webhook: rule?.webhook ?? true,
});

const secondsOf = (minutes: string) => Math.round(Number(minutes.replace(",", ".") || "0") * MINUTE_S);

function bodyOf(draft: Draft, kind: AlarmKindView | undefined): Omit<NewAlarmRule, "kind"> {
  const params = Object.keys(kind?.params ?? {})
    .filter((name) => (draft.params[name] ?? "") !== "")
    .map((name) => [name, Math.round(Number(draft.params[name]))] as const);
  return {
    name: draft.name.trim(),
    severity: draft.severity,
    params: Object.fromEntries(params),
    siteIds: draft.siteIds === null ? null : [...draft.siteIds],
    raiseAfterS: secondsOf(draft.raiseAfterMin),
    clearAfterS: secondsOf(draft.clearAfterMin),
    emails: draft.emails
      .split(/[\s,;]+/)
      .map((email) => email.trim())
      .filter((email) => email !== ""),
    webhook: draft.webhook,
  };
}

/** @param rule the one to change; null for a new one. What a rule watches stays. */
export function AlarmRuleForm({ rule, onClose }: { rule: AlarmRule | null; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const language = useKindLanguage();
  const kinds = useQuery(alarmKindsQuery()).data?.items ?? [];
  const [draft, setDraft] = useState(() => draftOf(rule));
  const [idempotencyKey, setIdempotencyKey] = useState(newId);
  const kind = (kinds.find((one) => one.kind === draft.kind) ?? (rule === null ? kinds[0] : undefined)) as
    | AlarmKindView
    | undefined;
  const usualName = kind?.words[language] ?? "";
  const save = useMutation({
    mutationFn: () => {
      const body = bodyOf({ ...draft, name: draft.name.trim() || usualName }, kind);
      return rule === null
        ? call("createAlarmRule", { body: { ...body, kind: (kind as AlarmKindView).kind }, idempotencyKey })
        : call("updateAlarmRule", { path: { ruleId: rule.ruleId }, body });
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["alarms"] });
      onClose();
    },
  });
  const set = (change: Partial<Draft>) => {
    setDraft({ ...draft, ...change });
    save.reset();
    setIdempotencyKey(newId());
  };
  return (
    <Dialog title={t(rule === null ? "alarms.createRule" : "alarms.editRule")} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending && kind !== undefined) save.mutate();
        }}
      >
        <SelectField
          label={t("alarms.kind")}
          value={kind?.kind ?? ""}
          disabled={rule !== null}
          onChange={(event) => set({ kind: event.target.value, params: {} })}
        >
          {kinds.map((one) => (
            <option key={one.kind} value={one.kind}>
              {one.words[language]}
            </option>
          ))}
        </SelectField>
        <Numbers kind={kind} draft={draft} set={set} />
        <div className="grid grid-cols-[1fr_9rem] items-start gap-3">
          <TextField
            label={t("alarms.name")}
            placeholder={usualName}
            maxLength={100}
            value={draft.name}
            onChange={(event) => set({ name: event.target.value })}
          />
          <SelectField
            label={t("alarms.severityWord")}
            value={draft.severity}
            onChange={(event) => set({ severity: event.target.value as AlarmRule["severity"] })}
          >
            {SEVERITIES.map((severity) => (
              <option key={severity} value={severity}>
                {t(`alarms.severity.${severity}`)}
              </option>
            ))}
          </SelectField>
        </div>
        <Sites draft={draft} set={set} />
        <TextField
          label={t("alarms.emails")}
          hint={t("alarms.emailsHint")}
          inputMode="email"
          autoComplete="off"
          value={draft.emails}
          onChange={(event) => set({ emails: event.target.value })}
        />
        <CheckField
          label={t("alarms.webhook")}
          checked={draft.webhook}
          onChange={(webhook) => set({ webhook })}
        />
        <div className="grid grid-cols-2 items-end gap-3">
          {(["raiseAfterMin", "clearAfterMin"] as const).map((name) => (
            <TextField
              key={name}
              label={t(`alarms.${name}`)}
              type="number"
              min={0}
              max={1_440}
              step="any"
              value={draft[name]}
              onChange={(event) => set({ [name]: event.target.value })}
            />
          ))}
        </div>
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={save.isPending || kind === undefined}>
            {t("alarms.saveRule")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

type PartProps = { draft: Draft; set: (change: Partial<Draft>) => void };
const PARAMS = ["minutes", "hours", "seconds", "percent", "entries"] as const;

/** The numbers of the kind; empty counts as usual. */
function Numbers({ kind, draft, set }: PartProps & { kind: AlarmKindView | undefined }) {
  const t = useTranslations();
  const params = Object.entries(kind?.params ?? {});
  if (params.length === 0) return null;
  return (
    <div className="grid grid-cols-2 gap-3">
      {params.map(([name, { min, max, default: usual }]) => {
        const known = PARAMS.find((one) => one === name);
        return (
          <TextField
            key={name}
            label={known === undefined ? name : t(`alarms.param.${known}`)}
            type="number"
            {...{ min, max }}
            step={1}
            placeholder={String(usual)}
            value={draft.params[name] ?? ""}
            onChange={(event) => set({ params: { ...draft.params, [name]: event.target.value } })}
          />
        );
      })}
    </div>
  );
}

function Sites({ draft, set }: PartProps) {
  const t = useTranslations();
  return (
    <SitesField
      legend={t("alarms.where")}
      everywhere={t("alarms.everySite")}
      siteIds={draft.siteIds}
      onChange={(siteIds) => set({ siteIds })}
    />
  );
}
