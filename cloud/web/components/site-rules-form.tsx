/** Changes the rules of a site; its ER hears of it at once, or when it can be heard again. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslations } from "use-intl";
import type { Site } from "../../api/schemas.ts";
import { api } from "../lib/api.ts";
import { draftOf, patchOf, type RulesDraft } from "../lib/rules.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { Choices, TextField } from "./field.tsx";
import { ProblemNote } from "./problem.tsx";

const UNKNOWN = ["deny", "cap", "allow"] as const;
const REVOCATION = ["finish", "min-energy", "stop-now"] as const;

type Numeric = Exclude<keyof RulesDraft, "unknownToken" | "revocation">;

export function SiteRulesForm({ site, onClose }: { site: Site; onClose: () => void }) {
  const t = useTranslations();
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(site.rules));
  const save = useMutation({
    mutationFn: () => api.patchSite(site.siteId, patchOf(draft, site.rules)),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["site", site.siteId] });
      void client.invalidateQueries({ queryKey: ["sites"] });
      onClose();
    },
  });
  const number = (name: Numeric, min: number, max: number, step = 1, required = true) => (
    <TextField
      type="number"
      inputMode={step === 1 ? "numeric" : "decimal"}
      label={t(`rules.field.${name}`)}
      {...{ min, max, step, required }}
      value={draft[name]}
      onChange={(event) => setDraft({ ...draft, [name]: event.target.value })}
    />
  );
  return (
    <Dialog title={t("rules.editTitle", { site: site.name })} onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending) save.mutate();
        }}
      >
        <Choices
          legend={t("rules.unknownToken")}
          value={draft.unknownToken}
          onChange={(unknownToken) => setDraft({ ...draft, unknownToken })}
          choices={UNKNOWN.map((value) => ({
            value,
            label: t(`rules.unknown.${value}`),
            hint: t(`rules.unknownHint.${value}`),
          }))}
        />
        {draft.unknownToken === "cap" && (
          <div className="grid grid-cols-2 items-end gap-3">
            {number("capKwh", 0.1, 1_000, 0.1)}
            {number("capHours", 0.25, 168, 0.25)}
            {number("capStarts", 1, 1_000)}
            {number("capSiteKwh", 0.1, 100_000, 0.1)}
          </div>
        )}
        <Choices
          legend={t("rules.revocation")}
          value={draft.revocation}
          onChange={(revocation) => setDraft({ ...draft, revocation })}
          choices={REVOCATION.map((value) => ({
            value,
            label: t(`rules.revoke.${value}`),
            hint: t(`rules.revokeHint.${value}`),
          }))}
        />
        {draft.revocation === "min-energy" && number("revocationKwh", 0, 100, 0.1)}
        <div className="grid grid-cols-2 items-end gap-3">
          {number("staleMinutes", 1, 525_600)}
          {number("oldHours", 1, 8_760)}
        </div>
        {number("limitA", 6, 500, 1, false)}
        <p className="text-[0.8125rem] text-ink-3">
          {site.erOnline ? t("rules.reaches") : t("rules.reachesLater")}
        </p>
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" look="primary" disabled={save.isPending}>
            {t("rules.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
